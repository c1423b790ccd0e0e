/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a configuration comes into force (S1, S2, S5). This is the one place
 * that brings the cells in line with the cpusets, and this is its order:
 *
 *   1. take the token, read cfg_seq
 *   2. claim:   walk the cgroups; each cpuset claims a cell and its CPUs
 *   3. publish: masks and states of cells, then the cells of CPUs
 *   4. inherit: walk the cgroups; each gets its cell
 *   5. BARRIER, applied_seq = what was read in 1
 *   6. BARRIER, begin a grace period
 *   7. give the token back
 *
 * A task that reads applied_seq first sees at least what it stands for. Who
 * reads the old one may name a queue of the old configuration: hence the grace
 * period, and hence no other configuration before it is over, for a CPU serves
 * the queues of two cells at most, its present and its previous one.
 *
 * What changed while 2 to 4 ran has counted up cfg_seq after 1, so there is
 * another run. A write to a cpuset counts when it has ended, not when it begins:
 * in between, only the old value can be read.
 *
 * Where cpusets overlap, the CPU goes to the cgroup that the walk meets last,
 * which is the deeper one. The root cell has what nobody claims, and one CPU at
 * least: if it must, it keeps one of the cell that has most.
 */
#ifndef SCXDIAG_APPLY_BPF_H
#define SCXDIAG_APPLY_BPF_H

#include "cpuset.bpf.h"
#include "lifecycle.bpf.h"

#define MAX_DEPTH 64 /* of cgroups below the one that the walk starts from */

const volatile u64 cell_parent = 1; /* cgroup id; the walk starts here */

struct walk {
	struct cgroup __kptr *top; /* cell_parent; looked up once, in the loader's name space */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct walk);
} walks SEC(".maps");

u32 apply_token;
u64 apply_token_since;
u64 apply_begun, apply_ended;
s32 apply_rc;
u32 apply_phase; /* enum rec_phase */
s32 held_cpu = -1;
volatile u32 apply_paused; /* set while a sample is taken */
u64 cpuset_begun, cpuset_ended; /* writes to cpusets */
u32 nr_cgrps; /* cgroups that have a context */

#define APPLY_AWAIT_NS 200000000ULL

static u32 level_cells[MAX_DEPTH];

/* The token to apply, and since when somebody has it. */
static __always_inline void apply_token_end(struct token *token)
{
	if (!token->word || fault(FAULT_TOKEN_LEAK))
		return;
	apply_phase = REC_PHASE_NONE;
	apply_token_since = 0;
	token_end(token);
}

#define guard_apply_token(name)                                                                    \
	struct token name __attribute__((cleanup(apply_token_end))) = token_take(&apply_token)

static __always_inline void claim_cpus(u32 id, struct cell *cell)
{
	u32 i;

	for (i = 0; i < MASK_WORDS; i++)
		cell->cpuset[i] = cpuset_now.w[i];
	for_range(i, 0, nr_cpu_ids) {
		struct cpu *cpu;

		if (!word_test(&cpuset_now, i))
			continue;
		cpu = cpu_get(i);
		if (cpu)
			cpu->want = id;
	}
}

/* apply_claim walks the cgroups and has each cpuset claim its CPUs. */
static __always_inline void apply_claim(struct cgroup *top)
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
		if (cgid == top_id || c->gone || !cpuset_read(cgrp)) {
			c->owns = 0;
			c->denied = 0;
			continue;
		}
		id = cell_alloc(c, cgid);
		cell = cell_get(id);
		if (!id || !cell)
			continue;
		cell->owned = true;
		claim_cpus(id, cell);
	}
}

/* apply_count counts the CPUs that each cell is to have. */
static __always_inline void apply_count(void)
{
	struct cell *cell;
	struct cpu *cpu;
	u32 i;

	for_range(i, 0, nr_cpu_ids) {
		cpu = word_test(&cpus_now, i) ? cpu_get(i) : NULL;
		cell = cpu ? cell_get(cpu->want) : NULL;
		if (cell)
			cell->want++;
	}
}

/* apply_hold keeps a CPU back for the root cell, if nobody left it one. */
static __always_inline s32 apply_hold(void)
{
	struct cell *root = cell_get(0), *cell, *most = NULL;
	s32 held = -1;
	struct cpu *cpu;
	u32 i;

	if (!root || root->want || fault(FAULT_EMPTY_ROOT))
		return -1;
	for_range(i, 0, nr_cpu_ids) {
		cpu = word_test(&cpus_now, i) ? cpu_get(i) : NULL;
		cell = cpu ? cell_get(cpu->want) : NULL;
		if (!cell || (most && cell->want < most->want))
			continue;
		most = cell;
		held = i;
	}
	cpu = held >= 0 ? cpu_get(held) : NULL;
	if (!cpu || !most)
		return -1;
	cpu->want = 0;
	most->want--;
	root->want++;
	return held;
}

/* apply_differs says whether what is wanted differs from what is. */
static __always_inline bool apply_differs(void)
{
	struct cell *cell;
	struct cpu *cpu;
	u32 i;

	for_range(i, 0, nr_cpu_ids) {
		cpu = word_test(&cpus_now, i) ? cpu_get(i) : NULL;
		cell = cpu ? cell_get(cpu->want) : NULL;
		if (!cell || i >= MAX_CPUS)
			continue;
		if (cpu->cell != cpu->want || !(cell->mask[i / 64] >> (i % 64) & 1))
			return true;
	}
	for_range(i, 1, nr_queues) {
		cell = cell_get(i);
		if (!cell)
			continue;
		if (cell->state == REC_CELL_PREP && cell->want)
			return true;
		if (cell->state == REC_CELL_LIVE && !(cell->owned && cell->want))
			return true;
	}
	return false;
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

	if (!spare->mask)
		return;
	if (fault(FAULT_SLOT_LEAK))
		other = spare->mask;
	else
		other = bpf_kptr_xchg(&spare->cell->spare, spare->mask);
}

#define guard_spare(name, of)                                                                      \
	struct spare name __attribute__((cleanup(spare_end))) = {                                  \
		.cell = (of), .mask = bpf_kptr_xchg(&(of)->spare, NULL)                            \
	}

/*
 * cell_publish makes the mask of a cell from the CPUs that want it. The queue
 * of a CPU that is new to it comes along, so the clock must not be behind.
 */
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

		if (!cpu || cpu->want != id || !word_test(&cpus_now, i) || i >= MAX_CPUS)
			continue;
		if (fault(FAULT_LEAK_CPU) && i == nr_cpu_ids - 1)
			continue;
		bpf_cpumask_set_cpu(i, spare.mask);
		cell->mask[i / 64] |= 1ULL << (i % 64);
		if (cpu->cell != id && !fault(FAULT_STALE_VTIME))
			clock_advance(id, clock_now(cpu->cell));
	}
	spare.mask = bpf_kptr_xchg(&cell->cpus, handover(spare.mask));
	return 0;
}

static __always_inline int cells_publish(void)
{
	struct cell *cell;
	int err = 0, rc;
	u32 i;

	for_range(i, 0, nr_queues) {
		bool lives;

		cell = cell_get(i);
		if (!cell || cell->state == REC_CELL_FREE)
			continue;
		lives = !i || (cell->owned && cell->want);
		if (fault(FAULT_LEAK_CELL) && cell->state == REC_CELL_LIVE)
			lives = true;
		rc = cell_publish(i, cell);
		if (rc) {
			event(EVENT_ERROR, cell->owner, 0, -rc);
			err = rc;
		}
		cell_settle(i, cell, lives);
	}
	return err;
}

static __always_inline void cpus_publish(void)
{
	struct cell *cell;
	struct cpu *cpu;
	u32 i;

	for_range(i, 0, nr_cpu_ids) {
		cpu = cpu_get(i);
		if (!cpu)
			continue;
		cell = cell_get(cpu->cell);
		if (fault(FAULT_NO_RECLAIM) && cell && cell->state != REC_CELL_LIVE)
			continue;
		cpu->prev_cell = cpu->cell;
		cpu->cell = cpu->want;
	}
}

/* apply_inherit walks the cgroups and puts each into its cell. */
static __always_inline void apply_inherit(struct cgroup *top)
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
		if (cell && cell->state == REC_CELL_LIVE && cell->owner == cgrp_id(cgrp))
			id = c->owns;
		else if (c)
			c->owns = 0;
		if (c)
			c->cell = id;
		level_cells[level % MAX_DEPTH] = id;
	}
}

static __always_inline void apply_start(void)
{
	struct cell *cell;
	struct cpu *cpu;
	u32 i;

	for_range(i, 0, nr_queues) {
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

/* apply_publish is steps 3 to 6. */
static __always_inline int apply_publish(struct cgroup *top, u64 seq)
{
	int err;

	apply_begun = bpf_ktime_get_ns();
	event(EVENT_APPLY_BEGIN, 0, 0, seq);
	apply_phase = REC_PHASE_PUBLISH;
	err = cells_publish();
	cpus_publish();
	apply_phase = REC_PHASE_INHERIT;
	apply_inherit(top);
	use(__sync_lock_test_and_set(&applied_seq, seq));
	gp_begin();
	event(EVENT_APPLY_END, 0, 0, seq);
	apply_ended = bpf_ktime_get_ns();
	return err;
}

/* apply_unclaim takes back the claims that came to nothing. */
static __always_inline void apply_unclaim(void)
{
	struct cell *cell;
	u32 i;

	for_range(i, 1, nr_queues) {
		cell = cell_get(i);
		if (cell && cell->state == REC_CELL_PREP)
			cell_unclaim(cell);
	}
}

/* walk_top is the cgroup that walks start from; to be called in an RCU section. */
static __always_inline struct cgroup *walk_top(void)
{
	u32 zero = 0;
	struct walk *walk = bpf_map_lookup_elem(&walks, &zero);

	return walk && walk->top ? bpf_cgroup_acquire(walk->top) : NULL;
}

/*
 * apply_run brings the cells in line with the cpusets. It returns 0 or -errno,
 * and does nothing if there is nothing to do. It is called in an RCU section.
 */
static __always_inline int apply_run(void)
{
	struct cgroup *top OWNED(cgroup) = NULL;
	u64 seq = *(volatile u64 *)&cfg_seq;

	top = walk_top();
	if (!top)
		return -ENOENT;
	if (fault(FAULT_SKIP_APPLY)) {
		applied_seq = seq;
		return 0;
	}
	apply_phase = REC_PHASE_CLAIM;
	apply_start();
	apply_claim(top);
	apply_count();
	held_cpu = apply_hold();
	if (seq == applied_seq) {
		if (!apply_differs()) {
			apply_unclaim();
			return 0;
		}
		/* Something changed of which nothing told us. */
		seq = __sync_add_and_fetch(&cfg_seq, 1);
	}
	return apply_publish(top, seq);
}

/* The CPUs' previous cells are done with when the grace period is over. */
static __always_inline void cpus_forget(void)
{
	struct cpu *cpu;
	u32 i;

	for_range(i, 0, nr_cpu_ids) {
		cpu = cpu_get(i);
		if (cpu)
			cpu->prev_cell = cpu->cell;
	}
}

#endif
