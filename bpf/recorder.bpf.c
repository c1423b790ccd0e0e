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
 *
 * Of a scheduler that works, iterators tell the state of tasks and CPUs: they take no
 * lock of the kernel's and hold up nobody, as SysRq-D would, and they see tasks that
 * sleep, too.
 */
#include "record.bpf.h"
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
	u64 who; /* writes it; 0 when it is over */
	u64 dump;
	u32 nr;
	u32 dropped;
};

/*
 * The dump whose lines come now, and the one before, each by the last bit of its
 * number: the kernel gives up the lock before it returns, so a dump may begin before
 * the end of the last one is told.
 */
static struct tally tallies[2];
static u64 dumps;

extern void scx_root __ksym __weak;
extern void scx_watchdog_timeout __ksym __weak; /* of kernels that have but one */
extern void ext_sched_class __ksym __weak;

/*
 * Whoever reads a ring waits for a record that is reserved, at a priority at which what
 * fills it in might never run again on the same CPU.
 */
extern void bpf_preempt_disable(void) __ksym;
extern void bpf_preempt_enable(void) __ksym;

struct bpf_link;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kthread_work {
	int canceling;
};

struct sched_ext_ops___watch {
	u32 timeout_ms;
	char name[128];
};

struct scx_sched {
	struct sched_ext_ops___watch ops;
	struct scx_exit_info *exit_info;
	struct kthread_work disable_work;
};

#pragma clang attribute pop

/* Names the task, or the idle task of a CPU, that a dump is written by; never 0. */
static __always_inline u64 whoever(void)
{
	u64 pid = (u32)bpf_get_current_pid_tgid();

	return pid << 32 | (pid ? 0 : bpf_get_smp_processor_id() + 1);
}

static __always_inline void head(struct watch_hdr *h, u32 kind, u32 len, u64 dump)
{
	h->kind = kind;
	h->len = len;
	h->time = bpf_ktime_get_ns();
	h->dump = dump;
}

SEC("tp_btf/sched_ext_dump")
int BPF_PROG(dump_line, const char *text)
{
	struct tally *t = &tallies[dumps & 1];
	struct watch_line *l;
	u64 who = whoever();
	u32 zero = 0;
	long n;

	if (t->who != who) {
		t = &tallies[++dumps & 1];
		t->who = who;
		t->dump = dumps;
		t->nr = t->dropped = 0;
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
	l->nr = t->nr++;
	head(&l->h, WATCH_LINE, __builtin_offsetof(struct watch_line, text) + n, t->dump);
	if (bpf_ringbuf_output(&lines, l, __builtin_offsetof(struct watch_line, text) + n, BPF_RB_NO_WAKEUP)) {
		t->dropped++;
		__sync_fetch_and_add(&lines_dropped, 1);
	}
	return 0;
}

/* The scheduler, NULL if there is none or the kernel does not tell. */
static __always_inline struct scx_sched *root_sched(void)
{
	struct scx_sched *sch = NULL;
	u64 root = (u64)&scx_root;

	if (!root || !bpf_core_field_exists(sch->ops) ||
	    bpf_probe_read_kernel(&sch, sizeof(sch), (void *)root))
		return NULL;
	return sch;
}

SEC("fexit/scx_dump_state")
int BPF_PROG(dump_end)
{
	struct scx_sched *sch = root_sched();
	struct tally *t = NULL;
	u64 who = whoever();

	if (tallies[0].who == who)
		t = &tallies[0];
	else if (tallies[1].who == who)
		t = &tallies[1];
	else /* it had no lines */
		return 0;
	bpf_preempt_disable();
	{
		struct watch_end *e = bpf_ringbuf_reserve(&steps, sizeof(*e), 0);

		if (e) {
			head(&e->h, WATCH_END, sizeof(*e), t->dump);
			e->nr = t->nr;
			e->dropped = t->dropped;
			e->name[0] = 0;
			if (sch)
				bpf_probe_read_kernel_str(e->name, sizeof(e->name),
							  __builtin_preserve_access_index(&sch->ops.name));
			bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
		} else {
			__sync_fetch_and_add(&steps_dropped, 1);
		}
	}
	bpf_preempt_enable();
	t->who = 0; /* the next dump may have the same writer */
	return 0;
}

static __always_inline void fill_exit(struct watch_exit *e, struct scx_sched *sch, struct scx_exit_info *ei)
{
	u32 n;

	head(&e->h, WATCH_EXIT, sizeof(*e), 0);
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
}

SEC("fexit/scx_disable_workfn")
int BPF_PROG(sched_end, struct kthread_work *work)
{
	struct scx_exit_info *ei;
	struct scx_sched *sch;

	sch = (void *)work - bpf_core_field_offset(struct scx_sched, disable_work);
	ei = BPF_CORE_READ(sch, exit_info);
	if (!ei)
		return 0;
	bpf_preempt_disable();
	{
		struct watch_exit *e = bpf_ringbuf_reserve(&steps, sizeof(*e), 0);

		if (e) {
			fill_exit(e, sch, ei);
			bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
		} else {
			__sync_fetch_and_add(&steps_dropped, 1);
		}
	}
	bpf_preempt_enable();
	return 0;
}

SEC("fexit/bpf_scx_reg")
int BPF_PROG(sched_enable, void *kdata, struct bpf_link *link, int ret)
{
	struct sched_ext_ops___watch *ops = kdata;

	bpf_preempt_disable();
	{
		struct watch_enable *e = bpf_ringbuf_reserve(&steps, sizeof(*e), 0);

		if (e) {
			head(&e->h, WATCH_ENABLE, sizeof(*e), 0);
			e->pad = 0;
			e->name[0] = 0;
			e->rc = ret;
			bpf_probe_read_kernel_str(e->name, sizeof(e->name),
						  __builtin_preserve_access_index(&ops->name));
			bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
		} else {
			__sync_fetch_and_add(&steps_dropped, 1);
		}
	}
	bpf_preempt_enable();
	return 0;
}

/* Set before an iterator over records runs: ns since boot, which joins them. */
u64 sample_id;

/* One iterator runs at a time. A record does not fit on the stack. */
static struct {
	struct rec_task r;
	u64 masks[2 * MASK_WORDS];
} task_rec;

static struct rec_cpu cpu_rec;
static struct watch_waiting waiting;

/* Tasks that the scheduler does not have, or not yet, are none of its business. */
static __always_inline bool is_ours(struct task_struct *p)
{
	u32 state_mask = bpf_core_enum_value(enum scx_ent_flags, SCX_TASK_STATE_MASK);
	u64 class = (u64)&ext_sched_class;

	return p->scx.flags & state_mask && (!class || (u64)p->sched_class == class);
}

SEC("iter/task")
int sample_task(struct bpf_iter__task *ctx)
{
	struct task_struct *p = ctx->task;
	struct rec_task *r = &task_rec.r;
	bool sleeps;

	if (!p || !is_ours(p))
		return 0;
	sleeps = !p->on_cpu && !(p->scx.flags & SCX_TASK_QUEUED);
	rec_head(&r->h, sample_id, REC_TASK, sizeof(*r), 2, sleeps);
	fill_entity(r, p);
	no_context(r);
	r->cpu = p->thread_info.cpu;
	if (p->on_cpu)
		r->flags |= REC_TASK_CURRENT;
	r->cgid_now = bpf_core_field_exists(p->cgroups) ? p->cgroups->dfl_cgrp->kn->id : 0;
	bpf_seq_write(ctx->meta->seq, &task_rec, sizeof(*r) + MASK_BYTES(2));
	return 0;
}

/* What an iterator over CPUs goes over; the recorder makes it as large as it must be. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} cpus SEC(".maps");

SEC("iter/bpf_map_elem")
int sample_cpu(struct bpf_iter__bpf_map_elem *ctx)
{
	struct rec_cpu *r = &cpu_rec;
	u32 *cpu = ctx->key;
	struct rq *rq;

	if (!cpu)
		return 0;
	rq = run_queue(*cpu);
	rec_head(&r->h, sample_id, REC_CPU, sizeof(*r), 0, false);
	r->id = *cpu;
	r->flags = rq && BPF_CORE_READ(rq, online) ? REC_CPU_ONLINE : 0;
	fill_run_queue(r, rq, (u64)&ext_sched_class);
	bpf_seq_write(ctx->meta->seq, r, sizeof(*r));
	return 0;
}

/* Finds the scheduler, and how long it may let a task wait. */
static __always_inline void find_limit(void)
{
	struct scx_sched *sch = root_sched();

	waiting.sched = (u64)sch;
	waiting.limit = sch ? BPF_CORE_READ(sch, ops.timeout_ms) : 0;
	waiting.limit_ticks = 0;
	if (&scx_watchdog_timeout)
		bpf_probe_read_kernel(&waiting.limit_ticks, sizeof(waiting.limit_ticks),
				      &scx_watchdog_timeout);
}

/* Tells which task has waited longest, as the kernel's watchdog would find it. */
SEC("iter/task")
int longest_wait(struct bpf_iter__task *ctx)
{
	struct task_struct *p = ctx->task;
	u64 ticks;

	if (!ctx->meta->seq_num) {
		waiting.time = bpf_ktime_get_ns();
		waiting.jiffies = bpf_jiffies64();
		waiting.ticks = 0;
		waiting.pid = 0;
		__builtin_memset(waiting.comm, 0, sizeof(waiting.comm));
	}
	if (!p) {
		find_limit();
		bpf_seq_write(ctx->meta->seq, &waiting, sizeof(waiting));
		return 0;
	}
	if (!is_ours(p) || !(p->scx.flags & SCX_TASK_QUEUED) || p->on_cpu)
		return 0;
	ticks = waiting.jiffies - p->scx.runnable_at;
	if ((s64)ticks < (s64)waiting.ticks) /* it became runnable meanwhile */
		return 0;
	waiting.ticks = ticks;
	waiting.pid = p->pid;
	__builtin_memcpy(waiting.comm, p->comm, sizeof(waiting.comm));
	return 0;
}
