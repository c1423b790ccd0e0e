/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sections and grace periods (S1).
 *
 * Who chooses a queue for a task is in a section from before it reads the
 * configuration until after it has named the queue. A grace period that begins
 * once a new configuration is in force is over when every section that was
 * open then has ended: from then on nobody names a queue by the old one.
 *
 * A section belongs to a CPU. Its nesting counts the sections that are open
 * there, one within the other; ended counts the outermost ones that are over.
 * Only programs on that CPU write either. The timer alone begins and ends
 * grace periods, and writes awaited and seen.
 *
 * Two things must not be reordered, and compilers do not know of them:
 *
 *   section: nesting up, BARRIER, read the configuration
 *   updater: write the configuration, BARRIER, read nesting
 *
 * With a barrier missing on either side the updater may see no section while
 * that reads the old configuration. An atomic operation of BPF is a barrier only
 * if its result is used. And sections of one CPU lie one within the other, they
 * never overlap: the kernel calls the programs that have them with interrupts
 * off. Package section goes through every order of these steps.
 *
 * A grace period is no drain: it says that nothing more comes, not that
 * nothing is left. Nor does it cover the last step: the kernel puts a task on
 * the queue when the callback has returned, interrupts still off. For both an
 * id rests after its grace period, see lifecycle.bpf.h.
 */
#ifndef SCXDIAG_GP_BPF_H
#define SCXDIAG_GP_BPF_H

#include "cell.bpf.h"
#include "event.bpf.h"
#include "fault.bpf.h"

struct section {
	u64 ended;
	u64 since; /* when the outermost one began */
	u32 nesting;
	/* of the grace period in progress */
	u32 awaited;
	u64 seen; /* ended when it began */
} __attribute__((aligned(64)));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_CPUS);
	__type(key, u32);
	__type(value, struct section);
} sections SEC(".maps");

u64 gp_seq;     /* odd while a grace period is in progress */
u64 gp_started;

/* use makes the result of an atomic operation used. */
#define use(value) asm volatile("" ::"r"(value))

static __always_inline void full_barrier(void)
{
	static u64 word;

	use(__sync_lock_test_and_set(&word, 0));
}

static __always_inline struct section *section_of(u32 cpu)
{
	return bpf_map_lookup_elem(&sections, &cpu);
}

static __always_inline struct section *section_begin(void)
{
	struct section *s = section_of(bpf_get_smp_processor_id());
	u32 outer;

	if (!s)
		return NULL;
	if (fault(FAULT_GP_NOFENCE))
		outer = s->nesting++;
	else
		outer = __sync_fetch_and_add(&s->nesting, 1);
	if (!outer)
		s->since = bpf_ktime_get_ns();
	return s;
}

static __always_inline void section_end(struct section **sp)
{
	struct section *s = *sp;

	if (!s || (fault(FAULT_GP_SKIP_EXIT) && !(bpf_get_prandom_u32() % 64)))
		return;
	if (*(volatile u32 *)&s->nesting == 1)
		use(__sync_fetch_and_add(&s->ended, 1));
	use(__sync_fetch_and_add(&s->nesting, -1));
}

/* guard_section is a section until the end of the scope. */
#define guard_section()                                                                            \
	struct section *GUARD_UNIQUE(section_)                                                     \
		__attribute__((cleanup(section_end), unused)) = section_begin()

static __always_inline bool gp_active(void)
{
	return gp_seq & 1;
}

/* gp_begin begins a grace period for the configuration that is in force. */
static __always_inline void gp_begin(void)
{
	struct section *s;
	u32 i;

	full_barrier();
	gp_started = bpf_ktime_get_ns();
	gp_seq++;
	event(EVENT_GP_BEGIN, 0, 0, gp_seq);
	if (fault(FAULT_GP_OFF))
		return;
	for_range(i, 0, nr_cpu_ids) {
		s = section_of(i);
		if (!s)
			continue;
		s->seen = *(volatile u64 *)&s->ended;
		s->awaited = *(volatile u32 *)&s->nesting != 0;
	}
}

/* gp_poll ends the grace period if all that it waits for are over. */
static __always_inline bool gp_poll(void)
{
	struct section *s;
	bool over = true;
	u32 i;

	for_range(i, 0, nr_cpu_ids) {
		s = section_of(i);
		if (!s || !s->awaited)
			continue;
		if (*(volatile u32 *)&s->nesting && *(volatile u64 *)&s->ended == s->seen)
			over = false;
		else
			s->awaited = 0;
	}
	if (!over)
		return false;
	event(EVENT_GP_END, 0, 0, gp_seq);
	gp_seq++;
	return true;
}

#endif
