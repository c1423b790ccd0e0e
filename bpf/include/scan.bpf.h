/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cells from cpusets. A cgroup whose cpuset is neither empty nor the whole
 * machine owns a cell; every other cgroup is in the cell of its parent. Where
 * cpusets overlap, the CPU goes to the cgroup that the walk meets last, which
 * is the deeper one; a cell that loses its last CPU in that way is given up,
 * and its tasks wait on the queues of their CPUs.
 *
 * The scan runs when the collector calls it: at start and on an interval. It
 * has the token, so nothing else writes cells, and it publishes in this order:
 * masks of cells, cells of CPUs, cells of cgroups, then applied_seq. Until
 * then a task may still be put on the queue of a cell that is no more, so a
 * cell without an owner drains: each scan moves its tasks to the global DSQ,
 * and it is free once two scans in a row found its queue empty.
 */
#ifndef SCXDIAG_SCAN_BPF_H
#define SCXDIAG_SCAN_BPF_H

#include "kfunc.bpf.h"
#include "task.bpf.h"

#define MAX_DEPTH 64 /* of cgroups below the one that the walk starts from */

const volatile u64 cell_parent = 1; /* cgroup id; the walk starts here */

u32 scan_token;
static u32 level_cells[MAX_DEPTH];

/* The words of a mask of the kernel. */
struct words {
	u64 w[MASK_WORDS];
};

static struct words scan_online, scan_set;

static __always_inline bool word_test(const struct words *set, u32 cpu)
{
	return cpu < MAX_CPUS && set->w[cpu / 64] >> (cpu % 64) & 1;
}

static __always_inline void words_read(struct words *set, const struct cpumask *mask)
{
	bpf_probe_read_kernel(set, mask_words * sizeof(u64), mask);
}

/*
 * cpuset_read reads into scan_set the CPUs that a cgroup's cpuset names and
 * that it really has. It returns false if they are none or all.
 */
static __always_inline bool cpuset_read(struct cgroup *cgrp)
{
	static struct words named, effective;
	struct cgroup_subsys_state *css = NULL;
	const void *named_at, *effective_at;
	bool some = false, all = true;
	u32 i;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, cpuset_cgrp_id))
		return false;
	bpf_core_read(&css, sizeof(css),
		      &cgrp->subsys[bpf_core_enum_value(enum cgroup_subsys_id, cpuset_cgrp_id)]);
	if (!css)
		return false;
	/* A subsystem state is the first member of its cpuset. */
	if (bpf_core_field_exists(((struct cpuset___ptr *)0)->cpus_allowed)) {
		struct cpuset___ptr *cs = (void *)css;

		named_at = BPF_CORE_READ(cs, cpus_allowed);
		effective_at = BPF_CORE_READ(cs, effective_cpus);
	} else {
		struct cpuset___inline *cs = (void *)css;

		named_at = &cs->cpus_allowed;
		effective_at = &cs->effective_cpus;
	}
	words_read(&named, named_at);
	words_read(&effective, effective_at);
	for (i = 0; i < MASK_WORDS; i++) {
		u64 w = named.w[i] & effective.w[i] & scan_online.w[i];

		scan_set.w[i] = w;
		some |= w != 0;
		all &= w == scan_online.w[i];
	}
	return some && !all;
}

/* cell_alloc finds the cell that a cgroup owns, or a free one; 0 if all are taken. */
static __always_inline u32 cell_alloc(struct cgrp *c, u64 cgid)
{
	struct cell *cell = c->owns ? cell_get(c->owns) : NULL;
	u32 id;

	if (cell && cell->owner == cgid && cell->state == REC_CELL_LIVE)
		return c->owns;
	for_range(id, 1, nr_cells) {
		cell = cell_get(id);
		if (!cell || cell->state != REC_CELL_FREE)
			continue;
		cell->state = REC_CELL_PREP;
		cell->owner = cgid;
		cell->generation++;
		cell->drained = false;
		c->owns = id;
		event(EVENT_CELL_ALLOC, cgid, 0, id);
		return id;
	}
	c->owns = 0;
	alloc_fail++;
	return 0;
}

static __always_inline void want_cpus(u32 id)
{
	u32 i;

	for_range(i, 0, nr_cpu_ids) {
		struct cpu *cpu;

		if (!word_test(&scan_set, i))
			continue;
		cpu = cpu_get(i);
		if (cpu)
			cpu->want = id;
	}
}

/* scan_claim walks the cgroups and has each cpuset claim its CPUs. */
static __always_inline void scan_claim(struct cgroup *top)
{
	struct cgroup_subsys_state *css;
	u64 top_id = cgrp_id(top);

	iterate(css, it, &top->self, BPF_CGROUP_ITER_DESCENDANTS_PRE);
	while ((css = bpf_iter_css_next(&it))) {
		struct cgroup *cgrp = css->cgroup;
		struct cgrp *c = cgrp_get(cgrp);
		struct cell *cell;
		u64 cgid;
		u32 id;

		if (!c)
			continue;
		cgid = cgrp_id(cgrp);
		if (cgid == top_id || !cpuset_read(cgrp)) {
			c->owns = 0;
			continue;
		}
		id = cell_alloc(c, cgid);
		cell = cell_get(id);
		if (!id || !cell)
			continue;
		cell->owned = true;
		want_cpus(id);
	}
}

/* scan_inherit walks the cgroups and puts each into its cell. */
static __always_inline void scan_inherit(struct cgroup *top)
{
	struct cgroup_subsys_state *css;
	int top_level = top->level;

	iterate(css, it, &top->self, BPF_CGROUP_ITER_DESCENDANTS_PRE);
	while ((css = bpf_iter_css_next(&it))) {
		struct cgroup *cgrp = css->cgroup;
		u32 level = cgrp->level - top_level, id = 0;
		struct cgrp *c = cgrp_get(cgrp);
		struct cell *cell;

		if (level >= MAX_DEPTH)
			continue;
		if (level)
			id = level_cells[(level - 1) % MAX_DEPTH];
		cell = c && c->owns ? cell_get(c->owns) : NULL;
		if (cell && cell->state == REC_CELL_LIVE)
			id = c->owns;
		if (c)
			c->cell = id;
		level_cells[level % MAX_DEPTH] = id;
	}
}

/*
 * A cell's slot with the spare mask, taken out. Whatever happens until the end
 * of the scope, a mask goes back into it.
 */
struct spare {
	struct cell *cell;
	struct bpf_cpumask *mask;
};

static __always_inline void spare_end(struct spare *spare)
{
	struct bpf_cpumask *other OWNED(cpumask) = NULL;

	if (spare->mask)
		other = bpf_kptr_xchg(&spare->cell->spare, spare->mask);
}

#define guard_spare(name, of)                                                                      \
	struct spare name __attribute__((cleanup(spare_end))) = {                                  \
		.cell = (of), .mask = bpf_kptr_xchg(&(of)->spare, NULL)                            \
	}

/* cell_publish makes the mask of a cell from the CPUs that want it. */
static __always_inline int cell_publish(u32 id, struct cell *cell)
{
	u32 i;

	guard_spare(spare, cell);
	if (!spare.mask)
		return -ENOENT;
	bpf_cpumask_clear(spare.mask);
	for (i = 0; i < MASK_WORDS; i++)
		cell->mask[i] = 0;
	for_range(i, 0, nr_cpu_ids) {
		struct cpu *cpu = cpu_get(i);

		if (!cpu || cpu->want != id || !word_test(&scan_online, i) || i >= MAX_CPUS)
			continue;
		bpf_cpumask_set_cpu(i, spare.mask);
		cell->mask[i / 64] |= 1ULL << (i % 64);
		if (cpu->cell != id) /* the CPU's queue comes along: keep it comparable */
			clock_advance(id, clock_now(cpu->cell));
	}
	spare.mask = bpf_kptr_xchg(&cell->cpus, handover(spare.mask));
	return 0;
}

/* scan_count counts what each cell is to have, and tells whether that is new. */
static __always_inline bool scan_count(void)
{
	bool changed = cfg_seq != applied_seq;
	struct cell *cell;
	struct cpu *cpu;
	u32 i;

	for_range(i, 0, nr_cpu_ids) {
		if (!word_test(&scan_online, i))
			continue;
		cpu = cpu_get(i);
		cell = cpu ? cell_get(cpu->want) : NULL;
		if (!cell)
			continue;
		cell->want++;
		changed |= cpu->cell != cpu->want || !(i < MAX_CPUS && cell->mask[i / 64] >> (i % 64) & 1);
	}
	for_range(i, 1, nr_cells) {
		cell = cell_get(i);
		if (!cell)
			continue;
		changed |= cell->state == REC_CELL_PREP;
		changed |= cell->state == REC_CELL_LIVE && !(cell->owned && cell->want);
	}
	return changed;
}

static __always_inline void scan_publish(void)
{
	struct cell *cell;
	struct cpu *cpu;
	u32 i;

	for_range(i, 0, nr_cells) {
		bool lives;

		cell = cell_get(i);
		if (!cell || cell->state == REC_CELL_FREE)
			continue;
		lives = !i || (cell->owned && cell->want && cell->state != REC_CELL_DRAIN);
		if (cell_publish(i, cell))
			event(EVENT_ERROR, cell->owner, 0, i);
		if (lives) {
			cell->state = REC_CELL_LIVE;
		} else if (cell->state != REC_CELL_DRAIN) {
			cell->state = REC_CELL_DRAIN;
			event(EVENT_CELL_DRAIN, cell->owner, 0, i);
		}
	}
	for_range(i, 0, nr_cpu_ids) {
		cpu = cpu_get(i);
		if (cpu)
			cpu->cell = cpu->want;
	}
}

/*
 * cell_rescue moves tasks that no CPU of the cell can take to the global DSQ:
 * all of a cell that drains, and those whose CPUs went to another cell.
 */
static __always_inline void cell_rescue(u32 id, struct cell *cell)
{
	struct bpf_cpumask *mask = cell->cpus;
	bool drain = cell->state == REC_CELL_DRAIN;
	struct task_struct *p;

	iterate(scx_dsq, it, DSQ_CELL(id), 0);
	while ((p = bpf_iter_scx_dsq_next(&it))) {
		if (drain || !mask || !bpf_cpumask_intersects(as_mask(mask), p->cpus_ptr))
			dsq_move(&it, p, SCX_DSQ_GLOBAL);
	}
}

static __always_inline void scan_drain(void)
{
	struct cell *cell;
	s32 queued;
	u32 i;

	for_range(i, 0, nr_cells) {
		cell = cell_get(i);
		if (!cell || cell->state == REC_CELL_FREE)
			continue;
		queued = scx_bpf_dsq_nr_queued(DSQ_CELL(i));
		if (queued > 0) {
			cell_rescue(i, cell);
			cell->drained = false;
		} else if (cell->state == REC_CELL_DRAIN && cell->drained) {
			cell->state = REC_CELL_FREE;
			event(EVENT_CELL_FREE, cell->owner, 0, i);
			cell->owner = 0;
		} else {
			cell->drained = true;
		}
	}
}

static __always_inline void scan_start(void)
{
	const struct cpumask *online OWNED(kernel_mask) = scx_bpf_get_online_cpumask();
	struct cell *cell;
	struct cpu *cpu;
	u32 i;

	words_read(&scan_online, online);
	for_range(i, 0, nr_cells) {
		cell = cell_get(i);
		if (!cell)
			continue;
		cell->want = 0;
		cell->owned = false;
	}
	for_range(i, 0, nr_cpu_ids) {
		cpu = cpu_get(i);
		if (cpu)
			cpu->want = 0;
	}
}

/* scan_run brings the cells in line with the cpusets. */
static __always_inline int scan_run(void)
{
	struct cgroup *top OWNED(cgroup) = NULL;
	u64 seq = *(volatile u64 *)&cfg_seq;

	guard_token(token, &scan_token);
	if (!token.word)
		return -EBUSY;
	top = bpf_cgroup_from_id(cell_parent);
	if (!top)
		return -ENOENT;
	guard_rcu();
	scan_start();
	scan_claim(top);
	if (scan_count()) {
		if (seq == applied_seq) /* a cpuset changed, of which nothing told us */
			seq = __sync_add_and_fetch(&cfg_seq, 1);
		event(EVENT_APPLY_BEGIN, 0, 0, seq);
		scan_publish();
		scan_inherit(top);
		event(EVENT_APPLY_END, 0, 0, seq);
		/* A task that sees the new sequence sees all of the above. */
		__sync_lock_test_and_set(&applied_seq, seq);
	}
	scan_drain();
	return 0;
}

#endif
