//go:build ignore

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cell scheduler: cgroups with a cpuset own cells of CPUs, and tasks share
 * the CPUs of their cell by weighted virtual time. What each part does, and
 * what must hold in it, is at the top of its header:
 *
 *   cell.bpf.h   cells, CPUs, clocks
 *   scan.bpf.h   cells from cpusets
 *   task.bpf.h   what is kept of a task and a cgroup
 *   place.bpf.h  which queue a task waits on, which CPU it runs on
 *   dump.bpf.h   dumps as records
 *   event.bpf.h  the history
 *   fault.bpf.h  faults on purpose
 *   guard.bpf.h  everything acquired is released
 */
#include "place.bpf.h"
#include "scan.bpf.h"
#include "dump.bpf.h"

char LICENSE[] SEC("license") = "GPL";

s32 BPF_STRUCT_OPS(cells_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	struct task *t = task_get(p);
	s32 home, cpu;

	if (!t || fault_loses(p))
		return prev_cpu;
	home = task_place(p, t);
	if (home == -2)
		return prev_cpu;
	cpu = idle_cpu(p, t, home, prev_cpu);
	if (cpu >= 0) {
		dsq_insert(p, SCX_DSQ_LOCAL, task_slice(p), 0);
		return cpu;
	}
	return home >= 0 ? home : cell_cpu(p, t, prev_cpu);
}

void BPF_STRUCT_OPS(cells_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task *t = task_get(p);
	s32 home = -2, cpu = -1, prev;

	if (fault_loses(p))
		return;
	if (t)
		home = task_place(p, t);
	if (!t || home == -2) {
		__sync_fetch_and_add(&enq_fallback, 1);
		event(EVENT_FALLBACK, t ? t->cgid : 0, p->pid, 0);
		dsq_insert(p, SCX_DSQ_GLOBAL, slice_ns, enq_flags);
		return;
	}
	if (before(t->basis + LEAD_SLICES * slice_ns, p->scx.dsq_vtime))
		scx_error("vtime too far ahead: %s[%d] vtime=%llu basis=%llu cell=%u", p->comm, p->pid,
			  p->scx.dsq_vtime, t->basis, t->cell);

	prev = scx_bpf_task_cpu(p);
	if (!(enq_flags & bpf_core_enum_value(enum scx_enq_flags, SCX_ENQ_CPU_SELECTED)))
		cpu = idle_cpu(p, t, home, prev);
	if (cpu >= 0) {
		dsq_insert(p, SCX_DSQ_LOCAL_ON | (u32)cpu, task_slice(p), enq_flags);
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
		return;
	}
	dsq_insert_vtime(p, t->dsq, task_slice(p), p->scx.dsq_vtime, enq_flags);
	/*
	 * A CPU that found nothing and is on its way to idle does not count as
	 * idle yet. Naming it closes that window: the kernel looks again.
	 */
	scx_bpf_kick_cpu(home >= 0 ? home : cell_cpu(p, t, prev), SCX_KICK_IDLE);
}

void BPF_STRUCT_OPS(cells_dispatch, s32 cpu, struct task_struct *prev)
{
	dispatch_next(cpu);
}

/* An idle machine has no tick, hence in running, too. */
static __always_inline void error_now(void)
{
	if (fault(FAULT_ERROR_NOW))
		scx_error("injected: error-now");
}

void BPF_STRUCT_OPS(cells_tick, struct task_struct *p)
{
	error_now();
}

void BPF_STRUCT_OPS(cells_running, struct task_struct *p)
{
	struct cpu *cpu = cpu_get(scx_bpf_task_cpu(p));
	struct task *t = task_get(p);
	u64 vtime = p->scx.dsq_vtime;

	ext_class = (u64)p->sched_class;
	error_now();
	if (!t || !cpu)
		return;
	t->started_at = bpf_ktime_get_ns();
	t->nr_runs++;
	cpu->vtime = vtime;
	/* On a CPU of another cell the vtime is of another clock. */
	if (t->clock == cpu->cell)
		clock_advance(t->clock, vtime);
}

void BPF_STRUCT_OPS(cells_stopping, struct task_struct *p, bool runnable)
{
	struct cpu *cpu = cpu_get(scx_bpf_task_cpu(p));
	struct task *t = task_get(p);
	u64 used, vtime, weight = p->scx.weight ?: 1;
	s64 ran;

	if (!t || !cpu)
		return;
	ran = bpf_ktime_get_ns() - t->started_at;
	if (ran < 0 || !t->started_at) { /* clocks of CPUs may differ a little */
		time_clamped++;
		ran = 0;
	}
	used = ran;
	t->run_ns += used;
	vtime = p->scx.dsq_vtime + used * 100 / weight;
	set_vtime(p, vtime);
	cpu->vtime = vtime;
	if (t->clock == cpu->cell)
		clock_advance(t->clock, vtime - max_lead(p));
}

void BPF_STRUCT_OPS(cells_enable, struct task_struct *p)
{
	struct task *t = task_get(p);

	if (!t)
		return;
	t->clock = t->cell;
	set_vtime(p, clock_now(t->cell));
}

s32 BPF_STRUCT_OPS(cells_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	struct task *t = bpf_task_storage_get(&tasks, p, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	struct cgrp *c;

	if (!t)
		return -ENOMEM;
	t->cgid = cgrp_id(args->cgroup);
	c = cgrp_get(args->cgroup);
	t->cell = c ? c->cell : 0;
	t->clock = t->cell;
	event(EVENT_INIT_TASK, t->cgid, p->pid, 0);
	return 0;
}

void BPF_STRUCT_OPS(cells_exit_task, struct task_struct *p, struct scx_exit_task_args *args)
{
	struct task *t = task_get(p);

	event(EVENT_EXIT_TASK, t ? t->cgid : 0, p->pid, 0);
}

s32 BPF_STRUCT_OPS(cells_cgroup_init, struct cgroup *cgrp, struct scx_cgroup_init_args *args)
{
	struct cgroup *parent OWNED(cgroup) = NULL;
	struct cgrp *c, *pc;

	c = bpf_cgrp_storage_get(&cgroups, cgrp, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!c)
		return -ENOMEM;
	if (cgrp->level > 0)
		parent = bpf_cgroup_ancestor(cgrp, cgrp->level - 1);
	pc = parent ? cgrp_get(parent) : NULL;
	c->cell = pc ? pc->cell : 0;
	c->owns = 0;
	__sync_fetch_and_add(&cfg_seq, 1);
	event(EVENT_CGROUP_INIT, cgrp_id(cgrp), 0, 0);
	return 0;
}

void BPF_STRUCT_OPS(cells_cgroup_exit, struct cgroup *cgrp)
{
	__sync_fetch_and_add(&cfg_seq, 1);
	event(EVENT_CGROUP_EXIT, cgrp_id(cgrp), 0, 0);
}

void BPF_STRUCT_OPS(cells_cgroup_move, struct task_struct *p, struct cgroup *from,
		    struct cgroup *to)
{
	struct task *t = task_get(p);

	if (!t)
		return;
	t->cgid = cgrp_id(to);
	t->seq = 0; /* read the cell anew */
	event(EVENT_CGROUP_MOVE, cgrp_id(to), p->pid, cgrp_id(from));
}

void BPF_STRUCT_OPS(cells_dump, struct scx_dump_ctx *dctx)
{
	u32 trigger = dctx->kind >= SCX_EXIT_ERROR ? REC_TRIGGER_ABORT : REC_TRIGGER_SYSRQ;

	put_end(&kernel_tally); /* of a dump by SysRq-D that has none yet */
	tally_begin(&kernel_tally, dctx->at_ns, dctx->kind);
	put_begin(&kernel_tally, trigger, dctx->kind, dctx->exit_code, dctx->reason,
		  dctx->at_jiffies, true);
	put_cells(&kernel_tally);
	put_walk(&kernel_tally);
	put_events(&kernel_tally);
	if (dump_text)
		print_cells();
}

void BPF_STRUCT_OPS(cells_dump_cpu, struct scx_dump_ctx *dctx, s32 cpu, bool idle)
{
	put_cpu(&kernel_tally, cpu);
}

void BPF_STRUCT_OPS(cells_dump_task, struct scx_dump_ctx *dctx, struct task_struct *p)
{
	put_task(vital, &kernel_tally, p, false);
	if (dump_text)
		print_task(p);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(cells_init)
{
	struct cell *cell;
	s32 err;
	u32 i;

	for_range(i, 0, nr_cpu_ids) {
		err = scx_bpf_create_dsq(DSQ_CPU(i), -1);
		if (err)
			return err;
	}
	for_range(i, 0, nr_cells) {
		struct bpf_cpumask *cpus OWNED(cpumask) = bpf_cpumask_create();
		struct bpf_cpumask *spare OWNED(cpumask) = bpf_cpumask_create();

		cell = cell_get(i);
		if (!cell || !cpus || !spare)
			return -ENOMEM;
		cpus = bpf_kptr_xchg(&cell->cpus, handover(cpus));
		spare = bpf_kptr_xchg(&cell->spare, handover(spare));
		err = scx_bpf_create_dsq(DSQ_CELL(i), -1);
		if (err)
			return err;
	}
	cell = cell_get(0);
	if (cell)
		cell->state = REC_CELL_LIVE;
	return 0;
}

void BPF_STRUCT_OPS(cells_exit, struct scx_exit_info *info)
{
	u32 size = text_size(info->dump);

	/* Without an error there was no dump that this could be the end of. */
	if (info->kind < SCX_EXIT_ERROR || kernel_tally.kind != info->kind) {
		put_end(&kernel_tally);
		tally_begin(&kernel_tally, bpf_ktime_get_ns(), info->kind);
		put_begin(&kernel_tally, REC_TRIGGER_ABORT, info->kind, info->exit_code,
			  info->reason, bpf_jiffies64(), false);
	}
	put_exit(&kernel_tally, info, size);
	if (size)
		put_text(&kernel_tally, info->dump, size);
	put_end(&kernel_tally);
}

/* Called by the collector, at start and on an interval. */
SEC("syscall")
int cells_scan(void *ctx)
{
	return scan_run();
}

/* Called by the collector to take a sample of everything. */
SEC("syscall")
int cells_sample(void *ctx)
{
	u32 i;

	put_end(&sample_tally);
	tally_begin(&sample_tally, bpf_ktime_get_ns(), 0);
	guard_rcu();
	put_begin(&sample_tally, REC_TRIGGER_SAMPLE, 0, 0, NULL, bpf_jiffies64(), true);
	put_cells(&sample_tally);
	for_range(i, 0, nr_cpu_ids)
		put_cpu(&sample_tally, i);
	put_walk(&sample_tally);
	put_events(&sample_tally);
	put_end(&sample_tally);
	return 0;
}

/* The kernel's dump is complete. An abort goes on to .exit, SysRq-D does not. */
SEC("fexit/scx_dump_state")
int cells_dump_done(void *ctx)
{
	if (kernel_tally.kind < SCX_EXIT_ERROR)
		put_end(&kernel_tally);
	return 0;
}

/* Called by the collector: ends that had no room so far. */
SEC("syscall")
int cells_end(void *ctx)
{
	if (sample_tally.state == TALLY_END)
		put_end(&sample_tally);
	if (kernel_tally.state == TALLY_END)
		put_end(&kernel_tally);
	return 0;
}

/*
 * Called by the collector some time after a dump by SysRq-D, where the probe
 * could not be attached.
 */
SEC("syscall")
int cells_end_sysrq(void *ctx)
{
	if (kernel_tally.kind < SCX_EXIT_ERROR)
		put_end(&kernel_tally);
	return 0;
}

/* What the collector needs to convert times; see cells_clock. */
u64 clock_ns, clock_jiffies;

/* Called by the collector: the kernel's two clocks at one instant. */
SEC("syscall")
int cells_clock(void *ctx)
{
	clock_jiffies = bpf_jiffies64();
	clock_ns = bpf_ktime_get_ns();
	return 0;
}

SEC(".struct_ops.link")
struct sched_ext_ops cells_ops = {
	.select_cpu = (void *)cells_select_cpu,
	.enqueue = (void *)cells_enqueue,
	.dispatch = (void *)cells_dispatch,
	.tick = (void *)cells_tick,
	.running = (void *)cells_running,
	.stopping = (void *)cells_stopping,
	.enable = (void *)cells_enable,
	.init_task = (void *)cells_init_task,
	.exit_task = (void *)cells_exit_task,
	.cgroup_init = (void *)cells_cgroup_init,
	.cgroup_exit = (void *)cells_cgroup_exit,
	.cgroup_move = (void *)cells_cgroup_move,
	.dump = (void *)cells_dump,
	.dump_cpu = (void *)cells_dump_cpu,
	.dump_task = (void *)cells_dump_task,
	.init = (void *)cells_init,
	.exit = (void *)cells_exit,
	.name = "scxdiag_cells",
};
