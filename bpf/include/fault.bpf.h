/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faults that the scheduler commits on purpose, to make dumps whose cause is
 * known. All are off unless the loader sets a bit; it does so only for
 * --inject.
 */
#ifndef SCXDIAG_FAULT_BPF_H
#define SCXDIAG_FAULT_BPF_H

#include "kernel.bpf.h"

enum fault {
	FAULT_LOSE_TASK = 1, /* enqueue forgets the task below */
	FAULT_ERROR_NOW = 2, /* the next tick or task raises an error */
};

volatile u32 faults;
volatile s32 fault_pid;      /* the task to lose, 0 if it goes by name */
volatile char fault_comm[16];

static __always_inline bool fault(enum fault f)
{
	return faults & f;
}

/* fault_loses says whether p is the task that enqueue is to forget. */
static __always_inline bool fault_loses(struct task_struct *p)
{
	if (!fault(FAULT_LOSE_TASK))
		return false;
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

#endif
