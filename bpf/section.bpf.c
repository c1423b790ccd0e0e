//go:build ignore

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sections that begin and end, and configurations that come into force, with
 * and without a barrier, for the test that tells them apart in the object of
 * the scheduler: for an atomic operation whose result is not used the compiler
 * takes the form that is no barrier.
 */
#include "kernel.bpf.h"

char LICENSE[] SEC("license") = "GPL";

struct section {
	u64 ended;
	u32 nesting;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, struct section);
} sections SEC(".maps");

u64 work, done;
u64 applied_seq;

static __always_inline struct section *section_here(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&sections, &cpu);
}

/* The call has what is kept across it saved on the stack. */
static __noinline u64 between(void *ctx)
{
	return bpf_ktime_get_ns() + work;
}

SEC("syscall")
int with_barriers(void *ctx)
{
	struct section *s = section_here();

	if (!s)
		return 0;
	if (work && !__sync_fetch_and_add(&s->nesting, 1))
		done = between(ctx);
	else
		asm volatile("" ::"r"(__sync_fetch_and_add(&s->nesting, 1)));
	__sync_fetch_and_add(&done, 1); /* of no section: it needs none */
	if (*(volatile u32 *)&s->nesting == 1)
		asm volatile("" ::"r"(__sync_fetch_and_add(&s->ended, 1)));
	asm volatile("" ::"r"(__sync_fetch_and_add(&s->nesting, -1)));
	return 0;
}

SEC("syscall")
int begin_without(void *ctx)
{
	struct section *s = section_here();

	if (!s)
		return 0;
	__sync_fetch_and_add(&s->nesting, 1);
	done = between(ctx);
	if (*(volatile u32 *)&s->nesting == 1)
		asm volatile("" ::"r"(__sync_fetch_and_add(&s->ended, 1)));
	asm volatile("" ::"r"(__sync_fetch_and_add(&s->nesting, -1)));
	return 0;
}

SEC("syscall")
int end_without(void *ctx)
{
	struct section *s = section_here();

	if (!s)
		return 0;
	asm volatile("" ::"r"(__sync_fetch_and_add(&s->nesting, 1)));
	done = between(ctx);
	if (*(volatile u32 *)&s->nesting == 1)
		__sync_fetch_and_add(&s->ended, 1);
	asm volatile("" ::"r"(__sync_fetch_and_add(&s->nesting, -1)));
	return 0;
}

SEC("syscall")
int never_ends(void *ctx)
{
	struct section *s = section_here();

	if (s)
		asm volatile("" ::"r"(__sync_fetch_and_add(&s->nesting, 1)));
	return 0;
}

SEC("syscall")
int no_section(void *ctx)
{
	__sync_fetch_and_add(&done, 1);
	return 0;
}

SEC("syscall")
int publish(void *ctx)
{
	asm volatile("" ::"r"(__sync_lock_test_and_set(&applied_seq, work)));
	return 0;
}

SEC("syscall")
int publish_without(void *ctx)
{
	*(volatile u64 *)&applied_seq = work;
	asm volatile("" ::"r"(__sync_lock_test_and_set(&done, work))); /* of something else */
	return 0;
}
