/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUs that come and go.
 *
 * cpus_now has the CPUs that take tasks. A CPU that goes offline stops to do so
 * long before the kernel tells the scheduler of it: it is not active any more,
 * and then the kernel waits for RCU, whose thread may wait on a queue that only
 * this CPU serves. So each run of the timer looks at the kernel's own mask of
 * active CPUs. Only the timer writes cpus_now, and in it only who has the token
 * to apply reads more than one bit of it.
 */
#ifndef SCXDIAG_HOTPLUG_BPF_H
#define SCXDIAG_HOTPLUG_BPF_H

#include "cell.bpf.h"

/* The words of a mask of the kernel. */
struct words {
	u64 w[MASK_WORDS];
};

static struct words cpus_now;
u64 hotplug_at; /* when a CPU last came or went */

extern void __cpu_active_mask __ksym __weak;

static __always_inline bool word_test(const struct words *set, u32 cpu)
{
	return cpu < MAX_CPUS && set->w[cpu / 64] >> (cpu % 64) & 1;
}

static __always_inline void words_read(struct words *set, const void *mask)
{
	bpf_probe_read_kernel(set, mask_words * sizeof(u64), mask);
}

/* cpus_read reads the CPUs that take tasks: active, and not about to leave. */
static __always_inline void cpus_read(struct words *set)
{
	const struct cpumask *online OWNED(kernel_mask) = scx_bpf_get_online_cpumask();
	struct cpu *cpu;
	u32 i;

	words_read(set, &__cpu_active_mask ? (void *)&__cpu_active_mask : (void *)online);
	for_range(i, 0, nr_cpu_ids) {
		cpu = cpu_get(i);
		if (cpu && cpu->leaving && i < MAX_CPUS)
			set->w[i / 64] &= ~(1ULL << (i % 64));
	}
}

/* cpus_look reads them anew, and asks for a configuration if they are others. */
static __always_inline void cpus_look(void)
{
	static struct words seen;
	bool differs = false;
	u32 i;

	cpus_read(&seen);
	for (i = 0; i < MASK_WORDS; i++) {
		differs |= seen.w[i] != cpus_now.w[i];
		cpus_now.w[i] = seen.w[i];
	}
	if (!differs)
		return;
	hotplug_at = bpf_ktime_get_ns();
	__sync_fetch_and_add(&cfg_seq, 1);
}

#endif
