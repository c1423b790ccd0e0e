//go:build ignore

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A producer for the benchmark of the collector: it fills a ring buffer with
 * task records, without a scheduler.
 */
#include "guard.bpf.h"
#include "record.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 << 20);
} ring SEC(".maps");

u64 produce_dump; /* the dump that the records are of */
u32 produce_count;
u64 produced, failed;

struct produced_task {
	struct rec_task task;
	u64 masks[2];
};

SEC("syscall")
int produce(void *ctx)
{
	struct produced_task *r;
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
		bpf_ringbuf_submit(r, 0);
		produced++;
	}
	return 0;
}
