//go:build ignore

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A producer for tests of the collector: it puts a dump that has only tasks into
 * a ring buffer, without a scheduler. The records have the size that they have
 * on a machine of up to 64 CPUs.
 */
#include "guard.bpf.h"
#include "record.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20); /* as for a machine of 2,500 tasks */
} ring SEC(".maps");

u64 produce_dump; /* the dump that the records are of */
u32 produce_count;
u32 produce_discard; /* records behind it that come to nothing */
bool produce_quiet;  /* wake up nobody */
u64 produced, failed;

struct produced_task {
	struct rec_task task;
	u64 masks[2];
};

SEC("syscall")
int produce(void *ctx)
{
	struct produced_task *r;
	u64 flags = produce_quiet ? BPF_RB_NO_WAKEUP : 0;
	struct rec_end *end;
	u32 i;

	produced = failed = 0;
	for_range(i, 0, 1 << 20) {
		if (produced >= produce_count)
			break;
		r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
		if (!r) {
			failed++;
			break;
		}
		__builtin_memset(r, 0, sizeof(*r));
		r->task.h.magic = REC_MAGIC;
		r->task.h.version = REC_VERSION;
		r->task.h.kind = REC_TASK;
		r->task.h.len = sizeof(*r);
		r->task.h.dump = produce_dump;
		r->task.h.masks = sizeof(r->task);
		r->task.h.words = 1;
		r->task.pid = produced + 1;
		bpf_ringbuf_submit(r, flags);
		produced++;
	}
	end = bpf_ringbuf_reserve(&ring, sizeof(*end), 0);
	if (!end) {
		failed++;
		return 0;
	}
	__builtin_memset(end, 0, sizeof(*end));
	end->h.magic = REC_MAGIC;
	end->h.version = REC_VERSION;
	end->h.kind = REC_END;
	end->h.len = sizeof(*end);
	end->h.dump = produce_dump;
	end->sent[REC_TASK] = produced;
	bpf_ringbuf_submit(end, flags);
	for_range(i, 0, 16) {
		if (i >= produce_discard)
			break;
		r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
		if (r)
			bpf_ringbuf_discard(r, 0);
	}
	return 0;
}
