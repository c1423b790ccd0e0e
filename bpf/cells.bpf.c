//go:build ignore

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cell scheduler: cgroups with a cpuset own cells of CPUs, and tasks share
 * the CPUs of their cell by weighted virtual time. What each part does, and
 * what must hold in it, is at the top of its header:
 *
 *   cell.bpf.h       cells, CPUs, clocks
 *   gp.bpf.h         sections and grace periods
 *   hotplug.bpf.h    CPUs that come and go
 *   cpuset.bpf.h     the cpusets of cgroups
 *   lifecycle.bpf.h  what becomes of a cell
 *   apply.bpf.h      how a configuration comes into force
 *   timer.bpf.h      when
 *   task.bpf.h       what is kept of a task and a cgroup
 *   exiting.bpf.h    tasks of dead cgroups
 *   place.bpf.h      which queue a task waits on, which CPU it runs on
 *   dump.bpf.h       dumps as records
 *   event.bpf.h      the history
 *   fault.bpf.h      faults on purpose
 *   guard.bpf.h      everything acquired is released
 */
#include "place.bpf.h"
#include "timer.bpf.h"
#include "dump.bpf.h"

char LICENSE[] SEC("license") = "GPL";

s32 BPF_STRUCT_OPS(cells_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	struct task *t = task_get(p);
	s32 home, cpu;

	if (!t || fault_loses(p))
		return prev_cpu;
	guard_section();
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

/* enqueue_lost takes a task that there is no queue for. */
static __always_inline void enqueue_lost(struct task_struct *p, struct task *t, u64 enq_flags)
{
	__sync_fetch_and_add(&enq_fallback, 1);
	event(EVENT_FALLBACK, t ? t->cgid : 0, p->pid, 0);
	dsq_insert(p, SCX_DSQ_GLOBAL, slice_ns, enq_flags);
}

static __always_inline void check_lead(struct task_struct *p, struct task *t)
{
	if (before(t->basis + LEAD_SLICES * slice_ns, t->vtime_read))
		scx_error("vtime too far ahead: %s[%d] vtime=%llu basis=%llu cell=%u", p->comm, p->pid,
			  t->vtime_read, t->basis, t->cell);
}

void BPF_STRUCT_OPS(cells_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task *t = task_get(p);
	s32 home = -2, cpu = -1, prev;

	if (fault_loses(p))
		return;
	guard_section();
	if (t)
		home = task_place(p, t);
	if (!t || home == -2) {
		enqueue_lost(p, t, enq_flags);
		return;
	}
	check_lead(p, t);
	if (fault(FAULT_SLOW_SECTION) && fault_names(p) && bpf_get_smp_processor_id() != timer_cpu)
		let_pass(SLOW_SECTION_NS);

	prev = scx_bpf_task_cpu(p);
	if (!(enq_flags & bpf_core_enum_value(enum scx_enq_flags, SCX_ENQ_CPU_SELECTED)))
		cpu = idle_cpu(p, t, home, prev);
	if (cpu >= 0)
		task_on_cpu(p, t, cpu);
	else
		cpu = home >= 0 ? home : cell_cpu(p, t, prev);
	task_queue(p, t, enq_flags);
	/*
	 * A CPU that found nothing and is on its way to idle does not count as
	 * idle yet. Naming it closes that window: the kernel looks again.
	 */
	kick(cpu);
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
	if (fault(FAULT_TICK_ONLY) && !bpf_get_smp_processor_id())
		tick_instead();
}

/*
 * charge_clock moves the clock of the CPU's cell up to a task's vtime. On a CPU
 * of another cell the vtime is of another clock.
 */
static __always_inline void charge_clock(struct task *t, struct cpu *cpu, u64 vtime)
{
	if (t->clock == cpu->cell && !fault(FAULT_FROZEN_CLOCK))
		clock_advance(t->clock, vtime);
}

/*
 * charged is a task's vtime after it ran for some time. Where its clock does
 * not advance with it, because the CPU is of another cell, its lead has a limit.
 */
static __always_inline u64 charged(struct task_struct *p, struct task *t, struct cpu *cpu, u64 ran)
{
	u64 vtime = p->scx.dsq_vtime + ran * 100 / (p->scx.weight ?: 1), limit;

	if (t->clock == cpu->cell)
		return vtime;
	limit = clock_now(t->clock) + max_lead(p);
	return before(limit, vtime) ? limit : vtime;
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
	charge_clock(t, cpu, vtime);
}

void BPF_STRUCT_OPS(cells_stopping, struct task_struct *p, bool runnable)
{
	struct cpu *cpu = cpu_get(scx_bpf_task_cpu(p));
	struct task *t = task_get(p);
	u64 used, vtime;
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
	vtime = charged(p, t, cpu, used);
	set_vtime(p, vtime);
	cpu->vtime = vtime;
	if (!fault(FAULT_SPLIT_CLOCK))
		charge_clock(t, cpu, vtime - max_lead(p));
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
	struct task *t = task_create(p);
	struct cell *cell;
	struct cgrp *c;

	if (!t)
		return -ENOMEM;
	t->cgid = cgrp_id(args->cgroup);
	c = cgrp_get(args->cgroup);
	t->fallback = !c;
	event(EVENT_INIT_TASK, t->cgid, p->pid, 0);
	if (!c && !exiting_fallback(p, t->cgid))
		return -ENOENT;
	t->cell = c ? c->cell : 0;
	cell = cell_get(t->cell);
	t->generation = cell ? cell->generation : 0;
	t->clock = t->cell;
	return 0;
}

void BPF_STRUCT_OPS(cells_exit_task, struct task_struct *p, struct scx_exit_task_args *args)
{
	struct task *t = task_get(p);

	event(EVENT_EXIT_TASK, t ? t->cgid : 0, p->pid, 0);
}

/* queues_grow makes the queue of another cell if there are cgroups to own one. */
static __always_inline void queues_grow(void)
{
	u32 id = nr_queues;

	if (id >= nr_cells || id > nr_cgrps)
		return;
	if (!cell_equip(id))
		nr_queues = id + 1;
}

s32 BPF_STRUCT_OPS_SLEEPABLE(cells_cgroup_init, struct cgroup *cgrp,
			     struct scx_cgroup_init_args *args)
{
	struct cgroup *parent OWNED(cgroup) = NULL;
	struct cgrp *c, *pc;

	event(EVENT_CGROUP_INIT, cgrp_id(cgrp), 0, 0);
	if (fault_names_cgroup(cgrp))
		return 0;
	c = bpf_cgrp_storage_get(&cgroups, cgrp, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!c)
		return -ENOMEM;
	if (cgrp->level > 0)
		parent = bpf_cgroup_ancestor(cgrp, cgrp->level - 1);
	pc = parent ? cgrp_get(parent) : NULL;
	c->cell = pc ? pc->cell : 0;
	c->owns = 0;
	nr_cgrps++; /* the kernel tells of one cgroup at a time */
	queues_grow();
	__sync_fetch_and_add(&cfg_seq, 1);
	return 0;
}

void BPF_STRUCT_OPS_SLEEPABLE(cells_cgroup_exit, struct cgroup *cgrp)
{
	struct cgrp *c = cgrp_get(cgrp);

	event(EVENT_CGROUP_EXIT, cgrp_id(cgrp), 0, 0);
	if (!c)
		return;
	c->gone = 1;
	nr_cgrps--;
	__sync_fetch_and_add(&cfg_seq, 1);
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
	put_cgrps(&kernel_tally);
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

/* hotplug asks for a new configuration since a CPU came or goes. */
static __always_inline void hotplug(s32 id, bool leaving)
{
	struct cpu *cpu = cpu_get(id);

	if (cpu)
		cpu->leaving = leaving;
	hotplug_at = bpf_ktime_get_ns();
	__sync_fetch_and_add(&cfg_seq, 1);
	event(leaving ? EVENT_CPU_OFFLINE : EVENT_CPU_ONLINE, 0, 0, id);
}

void BPF_STRUCT_OPS_SLEEPABLE(cells_cpu_online, s32 cpu)
{
	hotplug(cpu, false);
}

void BPF_STRUCT_OPS_SLEEPABLE(cells_cpu_offline, s32 cpu)
{
	hotplug(cpu, true);
}

/* A write to a cpuset begins. */
SEC("fentry/cpuset_write_resmask")
int BPF_PROG(cells_cpuset_begin, struct kernfs_open_file *of)
{
	__sync_fetch_and_add(&cpuset_begun, 1);
	event(EVENT_CPUSET_BEGIN, file_cgid(of), 0, 0);
	if (fault(FAULT_FENTRY_BUMP)) {
		__sync_fetch_and_add(&cfg_seq, 1);
		let_pass(SLOW_WRITE_NS);
	}
	return 0;
}

/* It has ended: only now can the new value be read. */
SEC("fexit/cpuset_write_resmask")
int BPF_PROG(cells_cpuset_end, struct kernfs_open_file *of, char *buf, u64 nbytes, s64 off,
	     s64 ret)
{
	__sync_fetch_and_add(&cpuset_ended, 1);
	event(EVENT_CPUSET_END, file_cgid(of), 0, ret < 0 ? -ret : 0);
	if (ret >= 0 && !fault(FAULT_FENTRY_BUMP))
		__sync_fetch_and_add(&cfg_seq, 1);
	return 0;
}

/* walk_from keeps the cgroup that the walks start from. */
static __always_inline s32 walk_from(u64 cgid)
{
	struct cgroup *top OWNED(cgroup) = bpf_cgroup_from_id(cgid);
	u32 zero = 0;
	struct walk *walk = bpf_map_lookup_elem(&walks, &zero);

	if (!top || !walk)
		return -ENOENT;
	top = bpf_kptr_xchg(&walk->top, handover(top));
	return 0;
}

s32 BPF_STRUCT_OPS_SLEEPABLE(cells_init)
{
	struct cell *root = cell_get(0);
	s32 err;
	u32 i;

	if (!root)
		return -ENOENT;
	if (fault(FAULT_EARLY_TIMER)) {
		err = timer_arm();
		if (err)
			return err;
	}
	if (fault(FAULT_SLOW_INIT))
		let_pass(SLOW_INIT_NS);
	for_range(i, 0, nr_cpu_ids) {
		err = scx_bpf_create_dsq(DSQ_CPU(i), -1);
		if (err)
			return err;
	}
	err = cell_equip(0);
	if (err)
		return err;
	err = walk_from(cell_parent);
	if (err)
		return err;
	cell_become(0, root, REC_CELL_LIVE, EVENT_CELL_LIVE);
	nr_queues = 1;
	event(EVENT_INIT_END, 0, 0, 0);
	init_ended = bpf_ktime_get_ns();
	return fault(FAULT_EARLY_TIMER) ? 0 : timer_arm();
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

/* apply_pause keeps the timer from changing anything, and waits for who is at it. */
static __always_inline void apply_pause(void)
{
	u64 until = bpf_ktime_get_ns() + APPLY_AWAIT_NS;
	u32 i;

	apply_paused = 1;
	full_barrier();
	for_range(i, 0, 1 << 23) {
		if (!*(volatile u32 *)&apply_token || bpf_ktime_get_ns() >= until)
			break;
	}
}

static __always_inline void apply_resume(u32 *unused)
{
	apply_paused = 0;
}

/* guard_pause keeps cells as they are until the end of the scope. */
#define guard_pause()                                                                              \
	u32 GUARD_UNIQUE(pause_) __attribute__((cleanup(apply_resume), unused)) = 0;               \
	apply_pause()

/* Called by the collector to take a sample of everything. */
SEC("syscall")
int cells_sample(void *ctx)
{
	u32 i;

	put_end(&sample_tally);
	tally_begin(&sample_tally, bpf_ktime_get_ns(), 0);
	guard_pause();
	guard_rcu();
	put_begin(&sample_tally, REC_TRIGGER_SAMPLE, 0, 0, NULL, bpf_jiffies64(), true);
	put_cells(&sample_tally);
	for_range(i, 0, nr_cpu_ids)
		put_cpu(&sample_tally, i);
	put_cgrps(&sample_tally);
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
	.cpu_online = (void *)cells_cpu_online,
	.cpu_offline = (void *)cells_cpu_offline,
	.dump = (void *)cells_dump,
	.dump_cpu = (void *)cells_dump_cpu,
	.dump_task = (void *)cells_dump_task,
	.init = (void *)cells_init,
	.exit = (void *)cells_exit,
	.name = "scxdiag_cells",
};
