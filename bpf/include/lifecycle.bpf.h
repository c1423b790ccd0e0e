/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of a cell (S5, S8): free, prep, live, drain, and free again.
 *
 *   free   no owner, no CPUs, nothing on its queue
 *   prep   a cpuset has claimed it; in the same run it gets its CPUs and is
 *          live, or is free again if others left it none
 *   live   cgroups are in it, tasks wait on its queue
 *   drain  its cpuset is gone, or has no CPU left. No cgroup is in it and no
 *          CPU belongs to it, but a task may still come onto its queue until
 *          the grace period is over, and some may be left on it
 *
 * Each use of an id has a generation of its own. An id is free again only when
 * the grace period that followed its end is over, and two runs of the timer
 * after that found its queue empty. Its clock goes on from one use to the next.
 *
 * Only who has the token to apply changes any of it. Queues and masks are made
 * as cgroups come, for as many cells as there are cgroups to own one; nothing
 * is made or allocated while a configuration is applied. Where cells or queues
 * run out a cpuset is without a cell, and its cgroup is in that of its parent.
 */
#ifndef SCXDIAG_LIFECYCLE_BPF_H
#define SCXDIAG_LIFECYCLE_BPF_H

#include "kfunc.bpf.h"
#include "task.bpf.h"
#include "gp.bpf.h"
#include "hotplug.bpf.h"

u32 nr_queues; /* cells below this id have a queue and masks */
u32 used_cells = 1, max_used = 1;
u64 alloc_fail;   /* times that a cpuset got no cell, for all were taken */
u64 rescued;      /* tasks taken off a queue that no CPU serves for them */

/* cell_equip makes the queue and the masks of a cell; may sleep. */
static __always_inline s32 cell_equip(u32 id)
{
	struct bpf_cpumask *cpus OWNED(cpumask) = bpf_cpumask_create();
	struct bpf_cpumask *spare OWNED(cpumask) = bpf_cpumask_create();
	struct cell *cell = cell_get(id);

	if (!cell || !cpus || !spare)
		return -ENOMEM;
	cpus = bpf_kptr_xchg(&cell->cpus, handover(cpus));
	spare = bpf_kptr_xchg(&cell->spare, handover(spare));
	return scx_bpf_create_dsq(DSQ_CELL(id), -1);
}

static __always_inline void cell_become(u32 id, struct cell *cell, enum rec_cell_state state,
					enum event_kind kind)
{
	cell->state = state;
	cell->since = bpf_ktime_get_ns();
	event(kind, cell->owner, 0, id);
}

/* cell_alloc finds the cell that a cgroup owns, or a free one; 0 if all are taken. */
static __always_inline u32 cell_alloc(struct cgrp *c, u64 cgid)
{
	struct cell *cell = c->owns ? cell_get(c->owns) : NULL;
	u32 id;

	if (cell && cell->owner == cgid && cell->state == REC_CELL_LIVE)
		return c->owns;
	for_range(id, 1, nr_queues) {
		cell = cell_get(id);
		if (!cell || cell->state != REC_CELL_FREE)
			continue;
		cell->owner = cgid;
		cell->state = REC_CELL_PREP;
		c->owns = id;
		c->denied = 0;
		return id;
	}
	c->owns = 0;
	if (!c->denied)
		alloc_fail++;
	c->denied = 1;
	return 0;
}

static __always_inline void cell_free(u32 id, struct cell *cell)
{
	cell_become(id, cell, REC_CELL_FREE, EVENT_CELL_FREE);
	cell->owner = 0;
	cell->gp_until = 0;
	used_cells--;
}

/* cell_unclaim takes back the claim of a cpuset to which others left no CPU. */
static __always_inline void cell_unclaim(struct cell *cell)
{
	cell->state = REC_CELL_FREE;
	cell->owner = 0;
}

static __always_inline void cell_start(u32 id, struct cell *cell)
{
	cell->generation++;
	cell->rescued = 0;
	cell->gp_until = 0;
	if (++used_cells > max_used)
		max_used = used_cells;
	event(EVENT_CELL_ALLOC, cell->owner, 0, id);
	cell_become(id, cell, REC_CELL_LIVE, EVENT_CELL_LIVE);
}

/* cell_settle gives a cell that was just published the state that follows. */
static __always_inline void cell_settle(u32 id, struct cell *cell, bool lives)
{
	if (lives) {
		if (cell->state == REC_CELL_PREP)
			cell_start(id, cell);
	} else if (cell->state == REC_CELL_PREP) {
		cell_unclaim(cell);
	} else if (fault(FAULT_NO_DRAIN)) {
		cell_free(id, cell);
	} else if (cell->state == REC_CELL_LIVE) {
		cell_become(id, cell, REC_CELL_DRAIN, EVENT_CELL_DRAIN);
		cell->drained = false;
		cell->gp_until = gp_seq + 2; /* of the one that begins with this configuration */
	}
}

/*
 * cell_rescue moves tasks to the global DSQ that no CPU of the cell can take:
 * all of a cell that is not live, and those whose CPUs went to another.
 */
static __always_inline void cell_rescue(u32 id, struct cell *cell)
{
	struct bpf_cpumask *mask = cell->cpus;
	bool all = cell->state != REC_CELL_LIVE;
	struct task_struct *p;

	if (!all && fault(FAULT_PIN_ON_CELL | FAULT_IGNORE_AFFINITY | FAULT_EMPTY_ROOT))
		return; /* they would not show */
	iterate(scx_dsq, it, DSQ_CELL(id), 0);
	while ((p = bpf_iter_scx_dsq_next(&it))) {
		if (!all && mask && bpf_cpumask_intersects(as_mask(mask), p->cpus_ptr))
			continue;
		if (dsq_move(&it, p, SCX_DSQ_GLOBAL)) {
			cell->rescued++;
			rescued++;
		}
	}
}

/* cell_drain sees to what is left on the queue of a cell. */
static __always_inline void cell_drain(u32 id, struct cell *cell)
{
	if (scx_bpf_dsq_nr_queued(DSQ_CELL(id)) > 0) {
		cell_rescue(id, cell);
		cell->drained = false;
		return;
	}
	if (cell->state != REC_CELL_DRAIN || gp_seq < cell->gp_until)
		return;
	if (cell->drained)
		cell_free(id, cell);
	cell->drained = true;
}

/* cells_drain is to be called with the token, where tasks may be moved. */
static __always_inline void cells_drain(void)
{
	struct cell *cell;
	u32 i;

	if (fault(FAULT_NO_DRAIN))
		return;
	for_range(i, 0, nr_queues) {
		cell = cell_get(i);
		if (cell)
			cell_drain(i, cell);
	}
}

/*
 * cpus_settle looks after CPUs that are leaving or gone. The kernel has them
 * serve no queue, so the tasks on theirs go to where others find them. One that
 * is leaving waits for its last task to go, and nothing tells it when that goes
 * by way of a DSQ.
 */
static __always_inline void cpus_settle(void)
{
	const struct cpumask *online OWNED(kernel_mask) = scx_bpf_get_online_cpumask();
	struct task_struct *p;
	u32 i;

	for_range(i, 0, nr_cpu_ids) {
		if (word_test(&cpus_now, i))
			continue;
		if (bpf_cpumask_test_cpu(i, online))
			scx_bpf_kick_cpu(i, 0);
		if (scx_bpf_dsq_nr_queued(DSQ_CPU(i)) <= 0)
			continue;
		iterate(scx_dsq, it, DSQ_CPU(i), 0);
		while ((p = bpf_iter_scx_dsq_next(&it))) {
			if (dsq_move(&it, p, SCX_DSQ_GLOBAL))
				rescued++;
		}
	}
}

#endif
