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

/*
 * A CPU wakes another by an interrupt to itself (an irq_work). One that has left
 * the online CPUs gets no more interrupts, yet tasks are still woken on it, and
 * enqueue wakes a CPU for them. What it asked for stays with it, and when it is
 * back the kernel raises no interrupt for what is asked later, as something is
 * asked for already: no CPU is woken by it any more, and on 6.16 the allocator of
 * BPF gets no memory there, and who ends the scheduler waits for ever. So such a
 * CPU leaves word, and the timer wakes whom it wanted to.
 */

/* The words of a mask of the kernel. */
struct words {
	u64 w[MASK_WORDS];
};

static struct words cpus_now;
u64 hotplug_at; /* when a CPU last came or went */
u32 wake_due; /* some CPU's wake is set */

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

/* is_dead reports whether the CPU that this runs on gets no more interrupts. */
static __always_inline bool is_dead(void)
{
	const struct cpumask *online OWNED(kernel_mask) = NULL;
	u32 id = bpf_get_smp_processor_id();
	struct cpu *cpu = cpu_get(id);

	if (!cpu || !cpu->leaving)
		return false;
	online = scx_bpf_get_online_cpumask();
	return !bpf_cpumask_test_cpu(id, online);
}

/* wake wakes a CPU if it idles, soon if not at once. */
static __always_inline void wake(s32 id)
{
	struct cpu *cpu;

	if (!is_dead()) {
		scx_bpf_kick_cpu(id, SCX_KICK_IDLE);
		return;
	}
	cpu = cpu_get(id);
	if (!cpu)
		return;
	cpu->wake = true;
	__sync_lock_test_and_set(&wake_due, 1);
}

/* wake_late wakes the CPUs that a dead one wanted to. */
static __always_inline void wake_late(void)
{
	struct cpu *cpu;
	u32 i;

	if (!wake_due)
		return;
	__sync_lock_test_and_set(&wake_due, 0);
	for_range(i, 0, nr_cpu_ids) {
		cpu = cpu_get(i);
		if (!cpu || !cpu->wake)
			continue;
		cpu->wake = false;
		scx_bpf_kick_cpu(i, SCX_KICK_IDLE);
	}
}

#endif
