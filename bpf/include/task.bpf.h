/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the scheduler keeps of a task and of a cgroup.
 */
#ifndef SCXDIAG_TASK_BPF_H
#define SCXDIAG_TASK_BPF_H

#include "cell.bpf.h"
#include "event.bpf.h"

struct task {
	u64 seq;  /* applied_seq under which cell was read, 0 to read it anew */
	u64 cgid; /* its cgroup as the kernel told us */
	u32 cell; /* of its cgroup */
	u32 generation; /* of that cell */
	u32 clock; /* cell whose clock its vtime is on */
	u64 dsq;   /* where it was last meant to be queued */
	u64 basis; /* the clock when it was last placed */
	u64 vtime_read; /* the vtime that was then compared with it */
	u64 started_at;
	u64 run_ns;
	u64 nr_runs;
	bool all_cell; /* when last placed, it could use every CPU of its cell */
	bool fallback; /* in the root cell because its cgroup is dead */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task);
} tasks SEC(".maps");

struct cgrp {
	u32 cell;
	u32 owns; /* the cell that its cpuset made, 0 if none */
	u32 denied; /* 1 if its cpuset got none because all were taken */
	u32 gone;   /* 1 if it was removed: walks may still meet it for some time */
};

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct cgrp);
} cgroups SEC(".maps");

static __always_inline struct task *task_get(struct task_struct *p)
{
	return bpf_task_storage_get(&tasks, p, 0, 0);
}

#define CREATE_TRIES 64
#define CREATE_PAUSE_NS 100000

/*
 * task_create makes the storage of a task. Where the kernel starts with all
 * tasks there are, the memory at hand runs out, and comes by way of interrupts.
 */
static __always_inline struct task *task_create(struct task_struct *p)
{
	struct task *t;
	u32 i;

	for_range(i, 0, CREATE_TRIES) {
		t = bpf_task_storage_get(&tasks, p, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (t)
			return t;
		let_pass(CREATE_PAUSE_NS);
	}
	return NULL;
}

static __always_inline struct cgrp *cgrp_get(struct cgroup *cgrp)
{
	return bpf_cgrp_storage_get(&cgroups, cgrp, 0, 0);
}

static __always_inline u64 cgrp_id(struct cgroup *cgrp)
{
	return cgrp->kn->id;
}

/* file_cgid is the id of the cgroup whose file is written. */
static __always_inline u64 file_cgid(struct kernfs_open_file *of)
{
	struct kernfs_node *dir;

	if (bpf_core_field_exists(((struct kernfs_node___rcu_parent *)0)->__parent))
		dir = BPF_CORE_READ((struct kernfs_node___rcu_parent *)of->kn, __parent);
	else
		dir = BPF_CORE_READ((struct kernfs_node___parent *)of->kn, parent);
	return dir ? BPF_CORE_READ(dir, id) : 0;
}

#endif
