/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kfuncs that have changed their name or prototype between 6.12 and 7.3, each
 * behind one function. All forms are weak; the loader leaves those that the
 * running kernel has, and the verifier removes the branches of the others.
 */
#ifndef SCXDIAG_KFUNC_BPF_H
#define SCXDIAG_KFUNC_BPF_H

#include "kernel.bpf.h"

#define have(kfunc) (!!(void *)(kfunc))

/* 6.19 and up */
extern bool scx_bpf_dsq_insert___v2(struct task_struct *p, u64 dsq_id, u64 slice,
				    u64 enq_flags) __ksym __weak;
/* 6.13 and up */
extern void scx_bpf_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice,
			       u64 enq_flags) __ksym __weak;
/* 6.12 */
extern void scx_bpf_dispatch(struct task_struct *p, u64 dsq_id, u64 slice,
			     u64 enq_flags) __ksym __weak;

static __always_inline void dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags)
{
	if (have(scx_bpf_dsq_insert___v2))
		scx_bpf_dsq_insert___v2(p, dsq_id, slice, enq_flags);
	else if (have(scx_bpf_dsq_insert))
		scx_bpf_dsq_insert(p, dsq_id, slice, enq_flags);
	else
		scx_bpf_dispatch(p, dsq_id, slice, enq_flags);
}

struct scx_bpf_dsq_insert_vtime_args {
	u64 dsq_id;
	u64 slice;
	u64 vtime;
	u64 enq_flags;
} __attribute__((preserve_access_index));

/* 6.19 and up */
extern bool __scx_bpf_dsq_insert_vtime(struct task_struct *p,
				       struct scx_bpf_dsq_insert_vtime_args *args) __ksym __weak;
/* 6.13 and up */
extern void scx_bpf_dsq_insert_vtime(struct task_struct *p, u64 dsq_id, u64 slice, u64 vtime,
				     u64 enq_flags) __ksym __weak;
/* 6.12 */
extern void scx_bpf_dispatch_vtime(struct task_struct *p, u64 dsq_id, u64 slice, u64 vtime,
				   u64 enq_flags) __ksym __weak;

static __always_inline void dsq_insert_vtime(struct task_struct *p, u64 dsq_id, u64 slice,
					     u64 vtime, u64 enq_flags)
{
	if (have(__scx_bpf_dsq_insert_vtime)) {
		struct scx_bpf_dsq_insert_vtime_args args = {
			.dsq_id = dsq_id,
			.slice = slice,
			.vtime = vtime,
			.enq_flags = enq_flags,
		};

		__scx_bpf_dsq_insert_vtime(p, &args);
	} else if (have(scx_bpf_dsq_insert_vtime)) {
		scx_bpf_dsq_insert_vtime(p, dsq_id, slice, vtime, enq_flags);
	} else {
		scx_bpf_dispatch_vtime(p, dsq_id, slice, vtime, enq_flags);
	}
}

/* 7.0 and up */
extern bool scx_bpf_dsq_move_to_local___v2(u64 dsq_id, u64 enq_flags) __ksym __weak;
/* 6.13 and up */
extern bool scx_bpf_dsq_move_to_local(u64 dsq_id) __ksym __weak;
/* 6.12 */
extern bool scx_bpf_consume(u64 dsq_id) __ksym __weak;

static __always_inline bool dsq_move_to_local(u64 dsq_id)
{
	if (have(scx_bpf_dsq_move_to_local___v2))
		return scx_bpf_dsq_move_to_local___v2(dsq_id, 0);
	if (have(scx_bpf_dsq_move_to_local))
		return scx_bpf_dsq_move_to_local(dsq_id);
	return scx_bpf_consume(dsq_id);
}

/* 6.13 and up */
extern bool scx_bpf_dsq_move(struct bpf_iter_scx_dsq *it__iter, struct task_struct *p, u64 dsq_id,
			     u64 enq_flags) __ksym __weak;
/* 6.12 */
extern bool scx_bpf_dispatch_from_dsq(struct bpf_iter_scx_dsq *it__iter, struct task_struct *p,
				      u64 dsq_id, u64 enq_flags) __ksym __weak;

/* dsq_move takes p, which it is at, out of the DSQ and puts it on another. */
static __always_inline bool dsq_move(struct bpf_iter_scx_dsq *it, struct task_struct *p, u64 dsq_id)
{
	if (have(scx_bpf_dsq_move))
		return scx_bpf_dsq_move(it, p, dsq_id, 0);
	return scx_bpf_dispatch_from_dsq(it, p, dsq_id, 0);
}

/* 7.1 and up, which are to refuse plain writes to the two fields some day */
extern bool scx_bpf_task_set_dsq_vtime(struct task_struct *p, u64 vtime) __ksym __weak;
extern bool scx_bpf_task_set_slice(struct task_struct *p, u64 slice) __ksym __weak;

static __always_inline void set_vtime(struct task_struct *p, u64 vtime)
{
	if (have(scx_bpf_task_set_dsq_vtime))
		scx_bpf_task_set_dsq_vtime(p, vtime);
	else
		p->scx.dsq_vtime = vtime;
}

/*
 * The format goes into .data: the kfuncs take it as memory that they may
 * write.
 */
#define scx_bstr(kfunc, fmt, args...)                                                              \
	({                                                                                         \
		static char __fmt[] = fmt;                                                         \
		unsigned long long __arg[___bpf_narg(args) ?: 1] = {};                             \
                                                                                                   \
		_Pragma("GCC diagnostic push")                                                     \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")                             \
		___bpf_fill(__arg, args);                                                          \
		_Pragma("GCC diagnostic pop")                                                      \
		kfunc(__fmt, __arg, ___bpf_narg(args) * sizeof(__arg[0]));                         \
	})

/* scx_error ends the scheduler with a message. */
#define scx_error(fmt, args...) scx_bstr(scx_bpf_error_bstr, fmt, ##args)

/* scx_dump prints into the kernel's own dump. */
#define scx_dump(fmt, args...) scx_bstr(scx_bpf_dump_bstr, fmt, ##args)

#endif
