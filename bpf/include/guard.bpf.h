/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that a program acquires is given back by a guard when its scope
 * ends, on every path. Nothing is released by hand.
 *
 * 1. OWNED: a variable that holds a reference. The verifier would refuse a
 *    leak anyway; here it is for the reader. handover() passes it on.
 * 2. A slot of a map that a mask was taken out of (guard_spare in apply.bpf.h).
 *    The verifier does not care if it stays empty for ever; the guard puts a
 *    mask back.
 * 3. A token: a word that says that somebody is at it. The verifier knows
 *    nothing of it either.
 * 4. RECORD: space in a ring buffer. It is discarded unless it was submitted.
 *
 * Iterators, RCU sections and the sections of gp.bpf.h are guarded in the same
 * way.
 */
#ifndef SCXDIAG_GUARD_BPF_H
#define SCXDIAG_GUARD_BPF_H

#include "kernel.bpf.h"

#define GUARD_PASTE2(a, b) a##b
#define GUARD_PASTE(a, b) GUARD_PASTE2(a, b)
#define GUARD_UNIQUE(name) GUARD_PASTE(name, __COUNTER__)

/* DEFINE_OWNED says how a variable of a type is released. */
#define DEFINE_OWNED(name, type, release)                                                          \
	static __always_inline void owned_##name##_end(type *owned)                                \
	{                                                                                          \
		type it = *owned;                                                                  \
                                                                                                   \
		if (it)                                                                            \
			release(it);                                                               \
	}

#define OWNED(name) __attribute__((cleanup(owned_##name##_end)))

/* handover takes the reference out of a variable, for a new owner. */
#define handover(variable)                                                                         \
	({                                                                                         \
		typeof(variable) __out = (variable);                                               \
                                                                                                   \
		(variable) = NULL;                                                                 \
		__out;                                                                             \
	})

DEFINE_OWNED(cgroup, struct cgroup *, bpf_cgroup_release)
DEFINE_OWNED(cpumask, struct bpf_cpumask *, bpf_cpumask_release)

extern const struct cpumask *scx_bpf_get_online_cpumask(void) __ksym;
extern void scx_bpf_put_cpumask(const struct cpumask *cpumask) __ksym;

DEFINE_OWNED(kernel_mask, const struct cpumask *, scx_bpf_put_cpumask)

/* guard_rcu holds an RCU read section until the end of the scope. */
struct rcu_section {
	char unused;
};

static __always_inline struct rcu_section rcu_begin(void)
{
	bpf_rcu_read_lock();
	return (struct rcu_section){};
}

static __always_inline void rcu_end(struct rcu_section *section)
{
	bpf_rcu_read_unlock();
}

#define guard_rcu()                                                                                \
	struct rcu_section GUARD_UNIQUE(rcu_)                                                      \
		__attribute__((cleanup(rcu_end), unused)) = rcu_begin()

/* iterate opens an open-coded iterator that ends with the scope. */
#define iterate(kind, it, args...)                                                                 \
	struct bpf_iter_##kind it                                                                  \
		__attribute__((aligned(8), cleanup(bpf_iter_##kind##_destroy)));                   \
	(void)bpf_iter_##kind##_destroy;                                                           \
	bpf_iter_##kind##_new(&it, args)

/* for_range runs i from first to last - 1, in a way that the verifier bounds. */
#define for_range(i, first, last)                                                                  \
	for (struct bpf_iter_num __range __attribute__((                                           \
		     aligned(8), cleanup(bpf_iter_num_destroy))),                                  \
	     *__once = (bpf_iter_num_new(&__range, (first), (last)),                               \
			(void)bpf_iter_num_destroy, NULL);                                         \
	     ({                                                                                    \
		     int *__next = bpf_iter_num_next(&__range);                                    \
                                                                                                   \
		     (void)__once;                                                                 \
		     if (__next)                                                                   \
			     (i) = *__next;                                                        \
		     __next;                                                                       \
	     });)

/* let_pass lets some time pass, up to 8 million steps of it. */
static __always_inline void let_pass(u64 ns)
{
	u64 until = bpf_ktime_get_ns() + ns;
	u32 i;

	for_range(i, 0, 1 << 23) {
		if (bpf_ktime_get_ns() >= until)
			break;
	}
}

/* A token: at most one holder; who does not get it sees held unset. */
struct token {
	u32 *word;
};

static __always_inline struct token token_take(u32 *word)
{
	return (struct token){ __sync_val_compare_and_swap(word, 0, 1) ? NULL : word };
}

static __always_inline void token_end(struct token *token)
{
	if (token->word)
		__sync_lock_test_and_set(token->word, 0);
}

#define guard_token(name, wordp)                                                                   \
	struct token name __attribute__((cleanup(token_end))) = token_take(wordp)

/* A record in a ring buffer, discarded at the end of the scope unless submitted. */
static __always_inline void record_end(void *recordp)
{
	void *record = *(void **)recordp;

	if (record)
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
}

#define RECORD __attribute__((cleanup(record_end)))

/*
 * record_submit hands a record to the reader, whom it does not wake: the kernel
 * would do that by way of the CPU that writes, and where that goes offline just
 * then, the request stays behind on it. On 6.16 that outlives the ring buffer.
 * The reader looks by itself, and a ring buffer holds a whole dump.
 */
#define record_submit(record) bpf_ringbuf_submit(handover(record), BPF_RB_NO_WAKEUP)

#endif
