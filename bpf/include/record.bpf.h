/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fills in records with what the kernel itself has of tasks and CPUs, whichever
 * their scheduler is.
 */
#ifndef SCXDIAG_RECORD_BPF_H
#define SCXDIAG_RECORD_BPF_H

#include "kernel.bpf.h"
#include "record.h"

#define MAX_CPUS 1024
#define MASK_WORDS (MAX_CPUS / 64)

/* Set by the loader. */
const volatile u32 mask_words = 1; /* that cover the possible CPUs */

#define MASK_BYTES(n) ((n) * mask_words * sizeof(u64))

extern void runqueues __ksym __weak;
extern void __per_cpu_offset __ksym __weak;

static __always_inline void rec_head(struct rec_hdr *h, u64 dump, u16 kind, u32 fixed, u32 masks,
				     bool walk)
{
	h->magic = REC_MAGIC;
	h->version = REC_VERSION;
	h->kind = kind;
	h->len = fixed + MASK_BYTES(masks);
	h->cpu = bpf_get_smp_processor_id();
	h->dump = dump;
	h->time = bpf_ktime_get_ns();
	h->masks = masks ? fixed : 0;
	h->words = masks ? mask_words : 0;
	h->walk = walk;
}

static __always_inline void rec_mask(void *at, const struct cpumask *mask)
{
	bpf_probe_read_kernel(at, MASK_BYTES(1), mask);
}

/* run_queue finds a CPU's struct rq, NULL if the kernel does not tell where they are. */
static __always_inline struct rq *run_queue(s32 cpu)
{
	u64 offset = 0, base = (u64)&runqueues, offsets = (u64)&__per_cpu_offset;

	if (!base || !offsets || cpu < 0 || cpu >= MAX_CPUS)
		return NULL;
	if (bpf_probe_read_kernel(&offset, sizeof(offset), (void *)(offsets + cpu * sizeof(u64))))
		return NULL;
	return (struct rq *)(base + offset);
}

/* class_of finds the class of a task; ext_class is where that of sched_ext is, 0 if unknown. */
static __always_inline u32 class_of(struct rq *rq, struct task_struct *p, u64 ext_class)
{
	int prio;

	if (p == BPF_CORE_READ(rq, idle))
		return REC_CLASS_IDLE;
	if (p == BPF_CORE_READ(rq, stop))
		return REC_CLASS_STOP;
	if (ext_class && (u64)BPF_CORE_READ(p, sched_class) == ext_class)
		return REC_CLASS_EXT;
	prio = BPF_CORE_READ(p, prio);
	if (prio < 0)
		return REC_CLASS_DL;
	return prio < 100 ? REC_CLASS_RT : REC_CLASS_FAIR;
}

/* fill_run_queue tells what a CPU does; rq may be NULL. */
static __always_inline void fill_run_queue(struct rec_cpu *r, struct rq *rq, u64 ext_class)
{
	struct task_struct *curr = NULL;

	r->known = 0;
	r->nr_running = 0;
	r->rq_flags = 0;
	r->curr_pid = -1;
	r->curr_class = REC_CLASS_UNKNOWN;
	__builtin_memset(r->curr_comm, 0, sizeof(r->curr_comm));
	if (rq)
		curr = BPF_CORE_READ(rq, curr);
	if (!curr)
		return;
	r->known = 1;
	r->nr_running = BPF_CORE_READ(rq, scx.nr_running);
	r->rq_flags = BPF_CORE_READ(rq, scx.flags);
	r->curr_pid = BPF_CORE_READ(curr, pid);
	r->curr_class = class_of(rq, curr, ext_class);
	bpf_core_read(r->curr_comm, sizeof(r->curr_comm), &curr->comm);
}

/* fill_entity tells what the kernel has of a task; not where it is, nor whether it runs. */
static __always_inline void fill_entity(struct rec_task *r, struct task_struct *p)
{
	u32 state_mask = bpf_core_enum_value(enum scx_ent_flags, SCX_TASK_STATE_MASK);
	u32 state_shift = bpf_core_enum_value(enum scx_ent_flags, SCX_TASK_STATE_SHIFT);
	struct scx_dispatch_q *dsq = p->scx.dsq;
	u32 flags = p->scx.flags;

	r->pid = p->pid;
	r->tgid = p->tgid;
	__builtin_memcpy(r->comm, p->comm, sizeof(r->comm));
	r->flags = 0;
	r->state = p->__state;
	r->exit_state = p->exit_state;
	r->pf_flags = p->flags;
	r->migration_disabled = p->migration_disabled;
	/* Running a program like this one disables the migration of the task below it. */
	if (r->migration_disabled && p == bpf_get_current_task_btf())
		r->migration_disabled--;
	r->scx_state = (flags & state_mask) >> state_shift;
	r->scx_flags = flags & ~state_mask;
	r->dsq_flags = p->scx.dsq_flags;
	r->ops_state = p->scx.ops_state.counter;
	r->sticky_cpu = p->scx.sticky_cpu;
	r->holding_cpu = p->scx.holding_cpu;
	r->dsq_id = 0;
	if (dsq) {
		r->dsq_id = dsq->id;
		r->flags |= REC_TASK_ON_DSQ;
	}
	r->dsq_vtime = p->scx.dsq_vtime;
	r->slice = p->scx.slice;
	r->runnable_at = p->scx.runnable_at;
	r->weight = p->scx.weight;
	if (mask_words == 1) { /* most machines; two helper calls less for each task */
		u64 *masks = (u64 *)(r + 1);

		masks[0] = p->cpus_ptr->bits[0];
		masks[1] = p->cpus_mask.bits[0];
	} else {
		rec_mask(r + 1, p->cpus_ptr);
		rec_mask((void *)(r + 1) + MASK_BYTES(1), &p->cpus_mask);
	}
}

/* no_context says that nothing is known of a task but what the kernel has. */
static __always_inline void no_context(struct rec_task *r)
{
	r->cell = 0;
	r->seq = r->dsq = r->basis = r->cgid = r->run_ns = r->nr_runs = 0;
	r->vtime_read = r->started_at = 0;
	r->clock = r->generation = 0;
}

#endif
