/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exiting tasks of dead cgroups (S10). Up to 6.18 a task that is dead but not
 * reaped may be of a cgroup that is gone, so that the scheduler never heard of
 * that and has no context of it. Such a task is in the root cell. A cgroup
 * without a context whose task is not exiting is an error, always.
 */
#ifndef SCXDIAG_EXITING_BPF_H
#define SCXDIAG_EXITING_BPF_H

#include "kfunc.bpf.h"
#include "task.bpf.h"
#include "fault.bpf.h"

u64 fallbacks, fallback_cgid;
s32 fallback_pid;
u32 fallback_pf_flags;

/*
 * exiting_fallback says whether the task, whose cgroup has no context, may be
 * in the root cell. If not it has raised the error.
 */
static __always_inline bool exiting_fallback(struct task_struct *p, u64 cgid)
{
	if (!(p->flags & PF_EXITING) || fault(FAULT_NO_FALLBACK)) {
		scx_error("no context of cgroup %llu: %s[%d] flags=%x", cgid, p->comm, p->pid,
			  p->flags);
		return false;
	}
	__sync_fetch_and_add(&fallbacks, 1);
	fallback_cgid = cgid;
	fallback_pid = p->pid;
	fallback_pf_flags = p->flags;
	event(EVENT_FALLBACK, cgid, p->pid, 0);
	return true;
}

#endif
