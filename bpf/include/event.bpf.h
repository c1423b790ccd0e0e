/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The history: a ring of the last steps of cgroups, tasks and cells, which
 * every dump carries.
 *
 * A writer claims a position, writes it into begin, then the step, then into
 * end. Whoever reads a slot whose two positions differ, or are not the one
 * expected, has met a writer or was lapped.
 */
#ifndef SCXDIAG_EVENT_BPF_H
#define SCXDIAG_EVENT_BPF_H

#include "kernel.bpf.h"

enum event_kind {
	EVENT_CGROUP_INIT = 1,
	EVENT_CGROUP_EXIT = 2,
	EVENT_CGROUP_MOVE = 3,
	EVENT_INIT_TASK = 4,
	EVENT_EXIT_TASK = 5,
	EVENT_APPLY_BEGIN = 6, /* arg: configuration sequence */
	EVENT_APPLY_END = 7,   /* arg: configuration sequence */
	EVENT_CELL_ALLOC = 8,  /* arg: cell */
	EVENT_CELL_FREE = 9,   /* arg: cell */
	EVENT_CELL_DRAIN = 10, /* arg: cell */
	EVENT_FALLBACK = 11,   /* a task without its context went to the global DSQ, or to the root cell */
	EVENT_ERROR = 12,      /* arg: errno */
	EVENT_CELL_LIVE = 13,    /* arg: cell */
	EVENT_CPUSET_BEGIN = 14, /* a write to a cpuset begins */
	EVENT_CPUSET_END = 15,   /* and has ended; arg: 0 or errno */
	EVENT_GP_BEGIN = 16,     /* arg: grace-period sequence */
	EVENT_GP_END = 17,       /* arg: grace-period sequence */
	EVENT_TIMER_ARM = 18,    /* arg: 0 or errno */
	EVENT_TIMER_FIRE = 19,   /* for the first time */
	EVENT_INIT_END = 20,     /* .init has done everything but arm the timer */
	EVENT_CPU_ONLINE = 21,   /* arg: CPU */
	EVENT_CPU_OFFLINE = 22,  /* arg: CPU */
};

#define NR_EVENTS 1024 /* a power of two */

struct event {
	u64 begin; /* position + 1, so that 0 is an empty slot */
	u64 at;
	u64 cgid;
	u64 arg;
	u32 kind;
	s32 pid;
	u32 cpu;
	u32 unused;
	u64 end;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NR_EVENTS);
	__type(key, u32);
	__type(value, struct event);
} events SEC(".maps");

u64 event_pos;

static __always_inline void event(enum event_kind kind, u64 cgid, s32 pid, u64 arg)
{
	u64 pos = __sync_fetch_and_add(&event_pos, 1);
	u32 slot = pos % NR_EVENTS;
	struct event *e = bpf_map_lookup_elem(&events, &slot);

	if (!e)
		return;
	__sync_lock_test_and_set(&e->begin, pos + 1);
	e->at = bpf_ktime_get_ns();
	e->cgid = cgid;
	e->arg = arg;
	e->kind = kind;
	e->pid = pid;
	e->cpu = bpf_get_smp_processor_id();
	__sync_lock_test_and_set(&e->end, pos + 1);
}

#endif
