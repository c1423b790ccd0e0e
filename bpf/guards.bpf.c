//go:build ignore

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happens when a program returns early, with a guard and without. What the
 * verifier sees must not load without one (leak_*). What it does not see loads
 * all the same and is broken after the first call (plain_*).
 */
#include "apply.bpf.h"

char LICENSE[] SEC("license") = "GPL";

volatile bool early; /* return early */

/* What a program returns. */
enum {
	DONE,
	TAKEN, /* what it needs is not there */
	EARLY,
};

/* The cells that the slots are of. */
enum {
	PLAIN_CELL = 1,
	GUARDED_CELL = 2,
};

static u32 plain_word, guarded_word;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

SEC("syscall")
int leak_cgroup(void *ctx)
{
	struct cgroup *cgrp = bpf_cgroup_from_id(1);

	if (!cgrp)
		return TAKEN;
	if (early)
		return EARLY;
	bpf_cgroup_release(cgrp);
	return DONE;
}

SEC("syscall")
int guarded_cgroup(void *ctx)
{
	struct cgroup *cgrp OWNED(cgroup) = bpf_cgroup_from_id(1);

	if (!cgrp)
		return TAKEN;
	if (early)
		return EARLY;
	return DONE;
}

SEC("syscall")
int leak_cpumask(void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return TAKEN;
	if (early)
		return EARLY;
	bpf_cpumask_release(mask);
	return DONE;
}

SEC("syscall")
int guarded_cpumask(void *ctx)
{
	struct bpf_cpumask *mask OWNED(cpumask) = bpf_cpumask_create();

	if (!mask)
		return TAKEN;
	if (early)
		return EARLY;
	return DONE;
}

SEC("syscall")
int leak_rcu(void *ctx)
{
	bpf_rcu_read_lock();
	if (early)
		return EARLY;
	bpf_rcu_read_unlock();
	return DONE;
}

SEC("syscall")
int guarded_rcu(void *ctx)
{
	guard_rcu();
	if (early)
		return EARLY;
	return DONE;
}

SEC("syscall")
int leak_iterator(void *ctx)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 2);
	if (early)
		return EARLY;
	bpf_iter_num_destroy(&it);
	return DONE;
}

SEC("syscall")
int guarded_iterator(void *ctx)
{
	u32 i = 0;

	for_range(i, 0, 2) {
		if (early)
			return EARLY;
	}
	return i == 1 ? DONE : TAKEN;
}

SEC("syscall")
int leak_record(void *ctx)
{
	u64 *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);

	if (!r)
		return TAKEN;
	if (early)
		return EARLY;
	bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
	return DONE;
}

SEC("syscall")
int guarded_record(void *ctx)
{
	u64 *r RECORD = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);

	if (!r)
		return TAKEN;
	if (early)
		return EARLY;
	return DONE;
}

SEC("syscall")
int plain_token(void *ctx)
{
	if (__sync_val_compare_and_swap(&plain_word, 0, 1))
		return TAKEN;
	if (early)
		return EARLY;
	__sync_lock_test_and_set(&plain_word, 0);
	return DONE;
}

SEC("syscall")
int guarded_token(void *ctx)
{
	guard_token(token, &guarded_word);
	if (!token.word)
		return TAKEN;
	if (early)
		return EARLY;
	return DONE;
}

/* guarded_apply takes the token of the scheduler itself. */
SEC("syscall")
int guarded_apply(void *ctx)
{
	guard_apply_token(token);
	if (!token.word)
		return TAKEN;
	if (early)
		return EARLY;
	return DONE;
}

/* section_open says whether any CPU has a section open. */
static __always_inline bool section_open(void)
{
	bool open = false;
	u32 i;

	for_range(i, 0, MAX_CPUS) {
		struct section *s = section_of(i);

		open |= s && s->nesting;
	}
	return open;
}

SEC("syscall")
int guarded_section(void *ctx)
{
	if (section_open())
		return TAKEN;
	guard_section();
	if (early)
		return EARLY;
	return DONE;
}

/* plain_section leaves one open, so it runs behind guarded_section. */
SEC("syscall")
int plain_section(void *ctx)
{
	struct section *s;

	if (section_open())
		return TAKEN;
	s = section_begin();
	if (early)
		return EARLY;
	section_end(&s);
	return DONE;
}

/* fill_slots puts a mask into the slots. */
SEC("syscall")
int fill_slots(void *ctx)
{
	u32 id;

	for_range(id, PLAIN_CELL, GUARDED_CELL + 1) {
		struct bpf_cpumask *mask OWNED(cpumask) = bpf_cpumask_create();
		struct cell *cell = cell_get(id);

		if (!mask || !cell)
			return TAKEN;
		mask = bpf_kptr_xchg(&cell->spare, handover(mask));
	}
	return DONE;
}

SEC("syscall")
int plain_slot(void *ctx)
{
	struct cell *cell = cell_get(PLAIN_CELL);
	struct bpf_cpumask *mask OWNED(cpumask) = NULL;

	if (!cell)
		return TAKEN;
	mask = bpf_kptr_xchg(&cell->spare, NULL);
	if (!mask)
		return TAKEN;
	if (early)
		return EARLY; /* the mask is released, and the slot stays empty */
	mask = bpf_kptr_xchg(&cell->spare, handover(mask));
	return DONE;
}

SEC("syscall")
int guarded_slot(void *ctx)
{
	struct cell *cell = cell_get(GUARDED_CELL);

	if (!cell)
		return TAKEN;
	guard_spare(spare, cell);
	if (!spare.mask)
		return TAKEN;
	if (early)
		return EARLY;
	return DONE;
}
