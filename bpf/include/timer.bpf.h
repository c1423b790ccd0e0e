/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timer (S6, S9). Everything that changes cells happens in it, ten times a
 * second, whether any CPU is busy or not: the end of grace periods, new
 * configurations, the draining of cells.
 *
 * It is armed last in .init, and arms itself again before it does anything
 * else, so nothing that goes wrong in a run can stop it. A run that comes
 * before .init has ended does nothing. Only the timer writes what is here.
 */
#ifndef SCXDIAG_TIMER_BPF_H
#define SCXDIAG_TIMER_BPF_H

#include "apply.bpf.h"

#define TIMER_PERIOD 100000000ULL
/* After a CPU came or went the kernel's cpusets follow, and nothing tells when. */
#define SETTLE_NS 2000000000ULL
/* What else changes a cpuset, such as partitions, is seen within so many runs. */
#define RECHECK_RUNS 10

struct timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct timer);
} timers SEC(".maps");

u64 timer_runs, timer_first, timer_last, timer_max_run;
s32 timer_rc;
u32 timer_armed;
u32 timer_cpu; /* where it last ran */
u64 init_ended;

/* apply_due says whether there may be something to apply. */
static __always_inline bool apply_due(u64 now)
{
	if (cfg_seq != applied_seq)
		return true;
	if (fault(FAULT_SKIP_APPLY) || fault(FAULT_FENTRY_BUMP))
		return false;
	return timer_runs % RECHECK_RUNS == 0 || (hotplug_at && now - hotplug_at < SETTLE_NS);
}

/* config_tick ends a grace period or begins a configuration, with the token. */
static __always_inline void config_tick(u64 now)
{
	if (gp_active()) {
		if (!gp_poll())
			return;
		cpus_forget();
	}
	if (!apply_due(now))
		return;
	apply_rc = apply_run();
	apply_phase = REC_PHASE_NONE;
}

static __always_inline void timer_work(u64 now)
{
	guard_apply_token(token);
	if (!token.word)
		return;
	guard_rcu();
	apply_token_since = now;
	wake_late();
	cpus_look();
	if (!fault(FAULT_TICK_ONLY))
		config_tick(now);
	cells_drain();
	cpus_settle();
}

/* tick_instead does the timer's work in a tick, for a fault. */
static __always_inline void tick_instead(void)
{
	u64 now = bpf_ktime_get_ns();

	guard_apply_token(token);
	if (!token.word)
		return;
	guard_rcu();
	apply_token_since = now;
	config_tick(now);
}

static int timer_fire(void *map, int *key, struct timer *t)
{
	u64 now = bpf_ktime_get_ns(), took;

	if (!fault(FAULT_TIMER_STOP))
		timer_rc = bpf_timer_start(&t->timer, TIMER_PERIOD, 0);
	if (!timer_first) {
		timer_first = now;
		event(EVENT_TIMER_FIRE, 0, 0, 0);
	}
	timer_runs++;
	timer_last = now;
	timer_cpu = bpf_get_smp_processor_id();
	if (!*(volatile u64 *)&init_ended || apply_paused)
		return 0;
	timer_work(now);
	took = bpf_ktime_get_ns() - now;
	if (took > timer_max_run)
		timer_max_run = took;
	return 0;
}

/* timer_arm arms the timer for the first time. */
static __always_inline s32 timer_arm(void)
{
	u32 zero = 0;
	struct timer *t = bpf_map_lookup_elem(&timers, &zero);
	s32 err;

	if (!t)
		return -ENOENT;
	err = bpf_timer_init(&t->timer, &timers, CLOCK_BOOTTIME);
	if (err)
		return err;
	bpf_timer_set_callback(&t->timer, timer_fire);
	timer_armed = 1;
	err = bpf_timer_start(&t->timer, TIMER_PERIOD, 0);
	event(EVENT_TIMER_ARM, 0, 0, -err);
	return err;
}

#endif
