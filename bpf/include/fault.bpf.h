/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faults that the scheduler commits on purpose, to make dumps whose cause is
 * known. All are off unless the loader sets a bit; it does so only for
 * --inject. Each takes one mechanism out, and where it is asked for stands
 * what the mechanism is for.
 */
#ifndef SCXDIAG_FAULT_BPF_H
#define SCXDIAG_FAULT_BPF_H

#include "guard.bpf.h"

enum fault {
	FAULT_LOSE_TASK = 1 << 0,     /* enqueue forgets the task below */
	FAULT_ERROR_NOW = 1 << 1,     /* the next tick or task raises an error */
	FAULT_TIMER_STOP = 1 << 2,    /* the timer does not arm itself again */
	FAULT_TICK_ONLY = 1 << 3,     /* the tick of CPU 0 does the timer's work */
	FAULT_NO_RECLAIM = 1 << 4,    /* CPUs of a cell that ended stay with it */
	FAULT_NO_DRAIN = 1 << 5,      /* a cell is free with tasks on its queue */
	FAULT_FENTRY_BUMP = 1 << 6,   /* a cpuset counts as changed when its write begins, which takes 300 ms longer */
	FAULT_EMPTY_ROOT = 1 << 7,    /* no CPU is kept back for the root cell, and an empty cell is like any other */
	FAULT_PIN_ON_CELL = 1 << 8,   /* pinned tasks wait on the queue of their cell */
	FAULT_STALE_VTIME = 1 << 9,   /* the vtime is read before the cell is */
	FAULT_SPLIT_CLOCK = 1 << 10,  /* clocks advance when a task begins to run, not when it stops */
	FAULT_FROZEN_CLOCK = 1 << 11, /* clocks do not advance */
	FAULT_LEAK_CELL = 1 << 12,    /* a cell whose owner is gone stays as it is */
	FAULT_NO_FALLBACK = 1 << 13,  /* exiting tasks of dead cgroups are an error */
	FAULT_NO_CGINIT = 1 << 14,    /* cgroups with the name below get no context */
	FAULT_GP_OFF = 1 << 15,       /* a grace period is over at once */
	FAULT_GP_SKIP_EXIT = 1 << 16, /* one section in 64 does not end */
	FAULT_GP_NOFENCE = 1 << 17,   /* sections begin without a barrier */
	FAULT_SLOT_LEAK = 1 << 18,    /* the spare mask of a cell does not come back */
	FAULT_TOKEN_LEAK = 1 << 19,   /* the token to apply is not given back */
	FAULT_EARLY_TIMER = 1 << 20,  /* the timer is armed first thing in .init */
	FAULT_SLOW_INIT = 1 << 21,    /* .init takes 300 ms longer */
	FAULT_LEAK_CPU = 1 << 22,     /* the last CPU is in no cell */
	FAULT_SKIP_APPLY = 1 << 23,   /* configurations count as applied and are not */
	FAULT_NO_KICK = 1 << 24,      /* an idle CPU is not woken for a task on a queue */
	FAULT_IGNORE_AFFINITY = 1 << 25, /* every task counts as one that may use its whole cell */
	FAULT_SLOW_SECTION = 1 << 26, /* a section for the task below takes a second longer */
};

#define SLOW_INIT_NS 300000000ULL
#define SLOW_WRITE_NS 300000000ULL
#define SLOW_SECTION_NS 1000000000ULL

volatile u32 faults;
volatile s32 fault_pid; /* the task that a fault is about, 0 if it goes by name */
volatile char fault_comm[16];

static __always_inline bool fault(enum fault f)
{
	return faults & f;
}

/* fault_names says whether p is the task that a fault is about. */
static __always_inline bool fault_names(struct task_struct *p)
{
	if (fault_pid)
		return p->pid == fault_pid;
	for (int i = 0; i < 16; i++) {
		if (p->comm[i] != fault_comm[i])
			return false;
		if (!p->comm[i])
			break;
	}
	return true;
}

/* fault_loses says whether p is the task that enqueue is to forget. */
static __always_inline bool fault_loses(struct task_struct *p)
{
	return fault(FAULT_LOSE_TASK) && fault_names(p);
}

/* fault_names_cgroup says whether a cgroup is the one that is to get no context. */
static __always_inline bool fault_names_cgroup(struct cgroup *cgrp)
{
	char name[16] = {};

	if (!fault(FAULT_NO_CGINIT))
		return false;
	bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(cgrp, kn, name));
	for (int i = 0; i < 16; i++) {
		if (name[i] != fault_comm[i])
			return false;
	}
	return true;
}

#endif
