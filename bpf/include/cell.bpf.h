/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cells: disjoint sets of CPUs, each with a queue and a clock (virtual time).
 * Cell 0, the root cell, has the CPUs that no other cell has. Which CPUs a cell
 * has and which cell a cgroup is in changes in apply.bpf.h alone.
 *
 * There is one clock per cell. The queue of a CPU is ordered by the clock of
 * the CPU's cell, so that its head can be compared with that of the cell.
 */
#ifndef SCXDIAG_CELL_BPF_H
#define SCXDIAG_CELL_BPF_H

#include "kernel.bpf.h"
#include "guard.bpf.h"
#include "record.bpf.h"

#define MAX_CELLS 256

/* The kernel refuses values of maps for each CPU above this size. */
#define MAX_PERCPU_VALUE 32768

#define FITS(what) _Static_assert(what, #what)

/* Ids of our DSQs: the type in the top nibble of the lower word. */
#define DSQ_CPU(cpu) (0x10000000ULL | (u32)(cpu))
#define DSQ_CELL(cell) (0x20000000ULL | (u64)(u32)(cell) << 16)

/* Set by the loader. */
const volatile u32 nr_cpu_ids = 1;
const volatile u32 nr_cells = 1;   /* cells that there may be, cell 0 included */
const volatile u64 slice_ns = 20000000;
const volatile bool smt_on;

struct cell {
	u32 state; /* enum rec_cell_state */
	u32 generation;
	u64 owner; /* cgroup id */
	u64 vtime; /* the clock; only ever moved forward */
	u64 since; /* when it came into its state */
	u64 gp_until; /* gp_seq that its id waits for before it is free, 0 if it does not */
	u64 rescued;  /* tasks taken off its queue in this generation */
	struct bpf_cpumask __kptr *cpus;  /* in force */
	struct bpf_cpumask __kptr *spare; /* where the next one is made */
	u64 mask[MASK_WORDS];             /* the same as cpus, for dumps */
	u64 cpuset[MASK_WORDS];           /* what its owner's cpuset had when last read */
	/* of the configuration that is being applied */
	u32 want;    /* CPUs that it is to have */
	bool owned;  /* the walk has met its owner */
	bool drained; /* an earlier run found its queue empty */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_CELLS);
	__type(key, u32);
	__type(value, struct cell);
} cells SEC(".maps");

struct cpu {
	u64 vtime; /* of the task that ran last */
	u32 cell;
	u32 prev_cell; /* whose queue it serves, too, until the grace period is over */
	u32 want; /* of the configuration that is being applied: the cell that it is to be in */
	bool leaving; /* it goes offline, or is */
	bool wake; /* the timer is to wake it */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_CPUS);
	__type(key, u32);
	__type(value, struct cpu);
} cpus SEC(".maps");

/*
 * The maps of cells and CPUs fit the kernel's limits. None is per CPU, where a
 * value may have MAX_PERCPU_VALUE bytes at most, but any could become so.
 */
FITS(sizeof(struct cell) * MAX_CELLS <= 1 << 20);
FITS(sizeof(struct cell) <= MAX_PERCPU_VALUE);
FITS(sizeof(struct cpu) <= MAX_PERCPU_VALUE);
FITS(MAX_CELLS <= 0x1000); /* what a DSQ's id has room for */
FITS(MAX_CPUS <= 1 << 28);
FITS(MAX_CPUS % 64 == 0);

u64 cfg_seq = 1; /* configuration wanted: every change of cgroups or CPUs adds one */
u64 applied_seq; /* configuration in force; written last, and read first */

/* Counters of what must not happen often, or at all. */
u64 enq_fallback; /* a task without context went to the global DSQ */
u64 time_clamped; /* a run ended before it began, by the clock */
u64 late_inserts; /* a task was queued on a cell that was free */

static __always_inline struct cell *cell_get(u32 id)
{
	return bpf_map_lookup_elem(&cells, &id);
}

static __always_inline struct cpu *cpu_get(u32 id)
{
	return bpf_map_lookup_elem(&cpus, &id);
}

/* before compares two points of virtual time, which wraps. */
static __always_inline bool before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

static __always_inline u64 clock_now(u32 cell)
{
	struct cell *c = cell_get(cell);

	return c ? *(volatile u64 *)&c->vtime : 0;
}

#define CLOCK_TRIES 4

/*
 * clock_advance moves the clock of a cell forward, never back. Where other CPUs
 * get in between time and again it gives up: they have moved it, too, and the
 * next run makes good the rest.
 */
static __always_inline void clock_advance(u32 cell, u64 vtime)
{
	struct cell *c = cell_get(cell);
	u64 now;

	if (!c)
		return;
	for (int i = 0; i < CLOCK_TRIES; i++) {
		now = *(volatile u64 *)&c->vtime;
		if (!before(now, vtime) || __sync_val_compare_and_swap(&c->vtime, now, vtime) == now)
			return;
	}
}

/* as_mask is the kernel's view of a mask of ours. */
static __always_inline const struct cpumask *as_mask(struct bpf_cpumask *mask)
{
	return (const struct cpumask *)mask;
}

#endif
