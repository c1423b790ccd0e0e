//go:build ignore

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Watches whichever scheduler the machine has, without its co-operation: every
 * line of every dump, as the kernel formats it and before it is cut to the size
 * that the scheduler asked for; why a scheduler ended; who was enabled.
 *
 * The kernel writes one dump at a time, under a lock, so the lines come one
 * after the other. They have a ring of their own: it may be too small for a dump, and
 * what says so must get through.
 */
#include "kernel.bpf.h"
#include "watch.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20); /* the recorder chooses */
} lines SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} steps SEC(".maps");

/* The line that is being copied: too long for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct watch_line);
} scratch SEC(".maps");

/* All lines there were, and what the rings had no room for. */
u64 line_seq, lines_dropped, steps_dropped;

struct tally {
	u64 who;
	u32 nr;
	u32 dropped;
};

/*
 * The dump whose lines come now, and the one before: its end may come late, for
 * the kernel gives up the lock before it returns.
 */
static struct tally now, before;

struct bpf_link;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kthread_work {
	int canceling;
};

struct sched_ext_ops___watch {
	char name[128];
};

struct scx_sched {
	struct sched_ext_ops___watch ops;
	struct scx_exit_info *exit_info;
	struct kthread_work disable_work;
};

#pragma clang attribute pop

/* Names the task, or the idle task of a CPU, that a dump is written by. */
static __always_inline u64 whoever(void)
{
	u64 pid = (u32)bpf_get_current_pid_tgid();

	return pid << 32 | (pid ? 0 : bpf_get_smp_processor_id());
}

static __always_inline void head(struct watch_hdr *h, u32 kind, u32 len)
{
	h->kind = kind;
	h->len = len;
	h->time = bpf_ktime_get_ns();
	h->who = whoever();
}

SEC("tp_btf/sched_ext_dump")
int BPF_PROG(dump_line, const char *text)
{
	struct watch_line *l;
	u64 who = whoever();
	u32 zero = 0;
	long n;

	if (now.who != who) {
		before = now;
		now.who = who;
		now.nr = now.dropped = 0;
	}
	l = bpf_map_lookup_elem(&scratch, &zero);
	if (!l)
		return 0;
	n = bpf_probe_read_kernel_str(l->text, sizeof(l->text), text);
	n = n > 0 ? n - 1 : 0;
	barrier_var(n); /* the verifier of 6.16 does not see that it is in bounds */
	n &= WATCH_TEXT - 1;
	l->len = n;
	l->seq = __sync_fetch_and_add(&line_seq, 1);
	l->nr = now.nr++;
	head(&l->h, WATCH_LINE, __builtin_offsetof(struct watch_line, text) + n);
	if (bpf_ringbuf_output(&lines, l, __builtin_offsetof(struct watch_line, text) + n, BPF_RB_NO_WAKEUP)) {
		now.dropped++;
		__sync_fetch_and_add(&lines_dropped, 1);
	}
	return 0;
}

SEC("fexit/scx_dump_state")
int BPF_PROG(dump_end)
{
	struct watch_end *e;
	u64 who = whoever();

	e = bpf_ringbuf_reserve(&steps, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&steps_dropped, 1);
		return 0;
	}
	head(&e->h, WATCH_END, sizeof(*e));
	e->nr = e->dropped = 0;
	if (now.who == who) {
		e->nr = now.nr;
		e->dropped = now.dropped;
		now.who = 0; /* the next dump may have the same writer */
	} else if (before.who == who) {
		e->nr = before.nr;
		e->dropped = before.dropped;
	}
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("fexit/scx_disable_workfn")
int BPF_PROG(sched_end, struct kthread_work *work)
{
	struct scx_exit_info *ei;
	struct scx_sched *sch;
	struct watch_exit *e;
	u32 n;

	sch = (void *)work - bpf_core_field_offset(struct scx_sched, disable_work);
	ei = BPF_CORE_READ(sch, exit_info);
	if (!ei)
		return 0;
	e = bpf_ringbuf_reserve(&steps, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&steps_dropped, 1);
		return 0;
	}
	head(&e->h, WATCH_EXIT, sizeof(*e));
	e->pad = 0;
	e->name[0] = e->reason[0] = e->msg[0] = 0; /* what is behind a NUL is unset */
	e->sched = (u64)sch;
	e->kind = BPF_CORE_READ(ei, kind);
	e->code = BPF_CORE_READ(ei, exit_code);
	e->cpu = bpf_core_field_exists(ei->exit_cpu) ? BPF_CORE_READ(ei, exit_cpu) : -1;
	bpf_probe_read_kernel_str(e->name, sizeof(e->name), __builtin_preserve_access_index(&sch->ops.name));
	bpf_probe_read_kernel_str(e->reason, sizeof(e->reason), BPF_CORE_READ(ei, reason));
	bpf_probe_read_kernel_str(e->msg, sizeof(e->msg), BPF_CORE_READ(ei, msg));
	n = BPF_CORE_READ(ei, bt_len);
	if (n > WATCH_FRAMES)
		n = WATCH_FRAMES;
	e->nr_frames = n;
	bpf_probe_read_kernel(e->frames, n * sizeof(u64), BPF_CORE_READ(ei, bt));
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("fexit/bpf_scx_reg")
int BPF_PROG(sched_enable, void *kdata, struct bpf_link *link, int ret)
{
	struct sched_ext_ops___watch *ops = kdata;
	struct watch_enable *e;

	e = bpf_ringbuf_reserve(&steps, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&steps_dropped, 1);
		return 0;
	}
	head(&e->h, WATCH_ENABLE, sizeof(*e));
	e->pad = 0;
	e->name[0] = 0;
	e->rc = ret;
	bpf_probe_read_kernel_str(e->name, sizeof(e->name), __builtin_preserve_access_index(&ops->name));
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	return 0;
}
