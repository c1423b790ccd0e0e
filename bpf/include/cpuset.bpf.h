/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cells from cpusets (S2). A cgroup whose cpuset is neither empty nor the
 * whole machine owns a cell; every other cgroup is in the cell of its parent.
 * Nothing in user space has a say in it.
 *
 * The kernel's cpusets are only read here. What was read last stands in
 * cpuset_now, which is of whoever has the token to apply.
 */
#ifndef SCXDIAG_CPUSET_BPF_H
#define SCXDIAG_CPUSET_BPF_H

#include "hotplug.bpf.h"

static struct words cpuset_now;

/* css_of is the state of a controller for a cgroup, NULL if it is not enabled for it. */
static __always_inline struct cgroup_subsys_state *css_of(struct cgroup *cgrp, u32 controller)
{
	struct cgroup_subsys_state *css = NULL;

	bpf_core_read(&css, sizeof(css), &cgrp->subsys[controller]);
	return css;
}

/*
 * cpuset_masks finds the masks of a cgroup's cpuset: what was asked for and
 * what it really has. False if the controller is not enabled for the cgroup.
 */
static __always_inline bool cpuset_masks(struct cgroup *cgrp, const void **named,
					 const void **effective)
{
	struct cgroup_subsys_state *css;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, cpuset_cgrp_id))
		return false;
	css = css_of(cgrp, bpf_core_enum_value(enum cgroup_subsys_id, cpuset_cgrp_id));
	if (!css)
		return false;
	/* A subsystem state is the first member of its cpuset. */
	if (bpf_core_field_exists(((struct cpuset___ptr *)0)->cpus_allowed)) {
		struct cpuset___ptr *cs = (void *)css;

		*named = BPF_CORE_READ(cs, cpus_allowed);
		*effective = BPF_CORE_READ(cs, effective_cpus);
	} else {
		struct cpuset___inline *cs = (void *)css;

		*named = &cs->cpus_allowed;
		*effective = &cs->effective_cpus;
	}
	return true;
}

/*
 * cpuset_read reads into cpuset_now the CPUs that a cgroup's cpuset names,
 * that it really has, and that take tasks. It returns false if they are none
 * or all.
 */
static __always_inline bool cpuset_read(struct cgroup *cgrp)
{
	static struct words named, effective;
	const void *named_at, *effective_at;
	bool some = false, all = true;
	u32 i;

	if (!cpuset_masks(cgrp, &named_at, &effective_at))
		return false;
	words_read(&named, named_at);
	words_read(&effective, effective_at);
	for (i = 0; i < MASK_WORDS; i++) {
		u64 w = named.w[i] & effective.w[i] & cpus_now.w[i];

		cpuset_now.w[i] = w;
		some |= w != 0;
		all &= w == cpus_now.w[i];
	}
	return some && !all;
}

#endif
