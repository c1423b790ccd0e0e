/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a task goes (S3).
 *
 * A task that may use every CPU of its cell waits on the queue of the cell. A
 * task that may not is pinned, and waits on the queue of one CPU that it may
 * use. Which of the two it is, is found anew each time, so no answer can be
 * out of date. A cell without CPUs is no subset of anything here: its tasks
 * are pinned. A cell that is not live takes no task: who still is in one, until
 * its cgroup has another, waits in the root cell.
 *
 * Every path of enqueue inserts the task. The only queue besides those two
 * kinds is the kernel's global one, which every CPU serves first, and which
 * takes tasks that the scheduler has no context of.
 *
 * Choosing a queue is a section of gp.bpf.h. enqueue never names the local
 * queue of another CPU: by the time the kernel puts the task there, 6.16 has it
 * that the task may no longer run on it, and takes that for an error of ours.
 * The queue of that CPU, and a kick, do the same.
 */
#ifndef SCXDIAG_PLACE_BPF_H
#define SCXDIAG_PLACE_BPF_H

#include "exiting.bpf.h"
#include "gp.bpf.h"
#include "hotplug.bpf.h"

/* A task whose vtime leads its clock by so many slices is a fault of ours. */
#define LEAD_SLICES 8192

/*
 * A light task gets a short slice: what a whole one would charge it would send
 * it so far ahead of the others that the watchdog might come first.
 */
static __always_inline u64 task_slice(struct task_struct *p)
{
	u32 weight = p->scx.weight;

	if (weight >= 100)
		return slice_ns;
	if (weight < 5)
		weight = 5;
	return slice_ns * weight / 100;
}

/*
 * max_lead is how far ahead of its clock a task may be when it stops. Where it
 * ran on for longer than its slice nobody waited, so nobody is owed the time;
 * and the lightest may still not be kept waiting for ever.
 */
static __always_inline u64 max_lead(struct task_struct *p)
{
	u64 lead = slice_ns * 100 / (p->scx.weight ?: 1), cap = 8 * slice_ns;

	return lead < cap ? lead : cap;
}

/*
 * task_refresh reads the task's cell anew if the configuration has changed
 * since. The sequence is read first and kept last: a task may have a newer
 * cell than its sequence says, never an older one. False if there is none for
 * it, which ends the scheduler.
 */
static __always_inline bool task_refresh(struct task_struct *p, struct task *t)
{
	u64 seq = *(volatile u64 *)&applied_seq;
	struct cgroup *cgrp OWNED(cgroup) = NULL;
	struct cell *cell;
	struct cgrp *c;

	if (t->seq == seq && seq)
		return true;
	cgrp = scx_bpf_task_cgroup(p);
	if (!cgrp)
		return true;
	c = cgrp_get(cgrp);
	t->cgid = cgrp_id(cgrp);
	t->fallback = !c;
	if (!c && !exiting_fallback(p, t->cgid))
		return false;
	t->cell = c ? c->cell : 0;
	cell = cell_get(t->cell);
	t->generation = cell ? cell->generation : 0;
	t->seq = seq;
	return true;
}

/* task_cell is the cell that the task waits in: its own as long as that is live. */
static __always_inline u32 task_cell(struct task *t)
{
	struct cell *cell = cell_get(t->cell);

	if (cell && *(volatile u32 *)&cell->state == REC_CELL_LIVE &&
	    cell->generation == t->generation)
		return t->cell;
	/* Its cgroup is put into another in this very moment. */
	t->cell = 0;
	t->generation = 0;
	t->seq = 0;
	return 0;
}

/*
 * home_cpu draws the CPU on whose queue a pinned task waits: of its cell if it
 * can, online in any case. Negative if there is none.
 */
static __always_inline s32 home_cpu(struct task_struct *p, struct bpf_cpumask *cell)
{
	const struct cpumask *online OWNED(kernel_mask) = NULL;
	u32 cpu = nr_cpu_ids;

	if (cell)
		cpu = bpf_cpumask_any_and_distribute(p->cpus_ptr, as_mask(cell));
	if (cpu < nr_cpu_ids)
		return cpu;
	online = scx_bpf_get_online_cpumask();
	cpu = bpf_cpumask_any_and_distribute(p->cpus_ptr, online);
	return cpu < nr_cpu_ids ? (s32)cpu : -1;
}

/*
 * task_clock puts the task's vtime on a clock. Only now, after all that may
 * change it, is the vtime read.
 */
static __always_inline void task_clock(struct task_struct *p, struct task *t, u32 clock, u64 vtime)
{
	t->basis = clock_now(clock);
	if (!fault(FAULT_STALE_VTIME))
		vtime = p->scx.dsq_vtime;
	if (t->clock != clock) {
		t->clock = clock;
		if (!fault(FAULT_STALE_VTIME))
			vtime = t->basis;
	} else if (before(vtime, t->basis - slice_ns)) {
		vtime = t->basis - slice_ns; /* what a sleeper may save up */
	}
	t->vtime_read = vtime;
	if (vtime != p->scx.dsq_vtime)
		set_vtime(p, vtime);
}

/*
 * task_place decides the task's queue and puts its vtime on that queue's
 * clock. It returns the CPU of the queue for a pinned task, -1 for one that
 * may use its whole cell, -2 if there is no queue for it.
 */
static __always_inline s32 task_place(struct task_struct *p, struct task *t)
{
	u64 vtime = p->scx.dsq_vtime; /* for a fault only: it may change below */
	struct bpf_cpumask *mask;
	struct cell *cell;
	struct cpu *cpu;
	s32 home = -1;
	u32 clock;

	if (!task_refresh(p, t))
		return -2;
	clock = task_cell(t);
	cell = cell_get(clock);
	if (!cell)
		return -2;
	mask = cell->cpus;
	t->all_cell = mask && bpf_cpumask_subset(as_mask(mask), p->cpus_ptr) &&
		      (!bpf_cpumask_empty(as_mask(mask)) || fault(FAULT_EMPTY_ROOT));
	if (fault(FAULT_IGNORE_AFFINITY))
		t->all_cell = true;
	if (t->all_cell || fault(FAULT_PIN_ON_CELL)) {
		t->dsq = DSQ_CELL(clock);
	} else {
		home = home_cpu(p, mask);
		cpu = home < 0 ? NULL : cpu_get(home);
		if (!cpu)
			return -2;
		clock = cpu->cell;
		t->dsq = DSQ_CPU(home);
	}
	task_clock(p, t, clock, vtime);
	return home;
}

/*
 * task_on_cpu changes a placed task's queue to that of a CPU, which was
 * claimed for it.
 */
static __always_inline void task_on_cpu(struct task_struct *p, struct task *t, s32 id)
{
	struct cpu *cpu = cpu_get(id);

	if (!cpu)
		return;
	t->dsq = DSQ_CPU(id);
	if (t->clock != cpu->cell)
		task_clock(p, t, cpu->cell, p->scx.dsq_vtime);
}

/*
 * task_queue inserts a placed task into its queue, and looks whether that is
 * of a cell that is free: no section may see one.
 */
static __always_inline void task_queue(struct task_struct *p, struct task *t, u64 enq_flags)
{
	struct cell *cell = cell_get(t->cell);

	dsq_insert_vtime(p, t->dsq, task_slice(p), p->scx.dsq_vtime, enq_flags);
	if (!cell || t->dsq != DSQ_CELL(t->cell))
		return;
	if (*(volatile u32 *)&cell->state == REC_CELL_FREE ||
	    *(volatile u32 *)&cell->generation != t->generation)
		__sync_fetch_and_add(&late_inserts, 1);
}

/* kick wakes a CPU if it idles. */
static __always_inline void kick(s32 cpu)
{
	if (!fault(FAULT_NO_KICK))
		wake(cpu);
}

/* take_idle claims a CPU that idles, if the task may run there. */
static __always_inline bool take_idle(struct task_struct *p, s32 cpu)
{
	return cpu >= 0 && bpf_cpumask_test_cpu(cpu, p->cpus_ptr) &&
	       scx_bpf_test_and_clear_cpu_idle(cpu);
}

/*
 * idle_in claims an idle CPU of a mask that the task may use, one whose
 * sibling idles too if there is such. The mask may have changed since the task
 * was placed, hence the test; a CPU that fails it is woken, for it no longer
 * counts as idle and would sleep on.
 */
static __always_inline s32 idle_in(struct task_struct *p, const struct cpumask *mask)
{
	s32 cpu = -1;

	if (smt_on)
		cpu = scx_bpf_pick_idle_cpu(mask, SCX_PICK_IDLE_CORE);
	if (cpu < 0)
		cpu = scx_bpf_pick_idle_cpu(mask, 0);
	if (cpu >= 0 && !bpf_cpumask_test_cpu(cpu, p->cpus_ptr)) {
		wake(cpu);
		return -1;
	}
	return cpu;
}

/*
 * idle_cpu claims an idle CPU for a task, where home is what task_place said.
 * One of its cell, as long as it may use any of that; home is drawn anew each
 * time, so a pinned task gets to all of them.
 */
static __always_inline s32 idle_cpu(struct task_struct *p, struct task *t, s32 home, s32 prev)
{
	struct cell *cell = cell_get(t->cell);
	struct bpf_cpumask *mask = cell ? cell->cpus : NULL;
	bool prev_in = mask && prev >= 0 && bpf_cpumask_test_cpu(prev, as_mask(mask));

	if (home >= 0) {
		if (take_idle(p, home))
			return home;
		if (!mask || !bpf_cpumask_test_cpu(home, as_mask(mask)))
			return idle_in(p, p->cpus_ptr);
		return prev_in && take_idle(p, prev) ? prev : -1;
	}
	if (!mask)
		return -1;
	if (!smt_on && prev_in && take_idle(p, prev))
		return prev;
	return idle_in(p, as_mask(mask));
}

/* cell_cpu is some CPU of the task's cell, prev if it is one, for a task that waits. */
static __always_inline s32 cell_cpu(struct task_struct *p, struct task *t, s32 prev)
{
	struct bpf_cpumask *mask;
	struct cell *cell;
	u32 cpu;

	cell = cell_get(t->cell);
	mask = cell ? cell->cpus : NULL;
	if (!mask || bpf_cpumask_test_cpu(prev, as_mask(mask)))
		return prev;
	cpu = bpf_cpumask_any_and_distribute(p->cpus_ptr, as_mask(mask));
	return cpu < nr_cpu_ids ? (s32)cpu : prev;
}

/* head_vtime finds the vtime of the first task of a queue. */
static __always_inline bool head_vtime(u64 dsq, u64 *vtime)
{
	struct task_struct *p;

	if (scx_bpf_dsq_nr_queued(dsq) <= 0)
		return false;
	iterate(scx_dsq, it, dsq, 0);
	p = bpf_iter_scx_dsq_next(&it);
	if (!p)
		return false;
	*vtime = p->scx.dsq_vtime;
	return true;
}

/*
 * dispatch_next gives a CPU the task with the lower vtime of its two queues,
 * or that of the other queue if the first is gone meanwhile or may not run
 * here. Without any, it serves the queue of its previous cell, onto which tasks
 * may still come.
 */
static __always_inline void dispatch_next(s32 id)
{
	struct cpu *cpu = cpu_get(id);
	u64 own = DSQ_CPU(id), shared, own_vtime, shared_vtime;
	bool own_first;

	if (!cpu)
		return;
	shared = DSQ_CELL(cpu->cell);
	own_first = head_vtime(own, &own_vtime) &&
		    (!head_vtime(shared, &shared_vtime) || before(own_vtime, shared_vtime));
	if (dsq_move_to_local(own_first ? own : shared) || dsq_move_to_local(own_first ? shared : own))
		return;
	if (cpu->prev_cell != cpu->cell)
		dsq_move_to_local(DSQ_CELL(cpu->prev_cell));
}

#endif
