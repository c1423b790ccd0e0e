/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dump handler (S4): cells, CPUs, tasks and history as records.
 *
 * There are three ways to a dump. In an abort and for SysRq-D the kernel calls
 * .dump once, then .dump_cpu for each possible CPU and .dump_task for each
 * runnable task of it, all on one CPU with interrupts off; an abort ends with
 * .exit. After SysRq-D nothing of ours is called, so a probe sits at the end of
 * the kernel's function. On demand, a program of ours does all at once.
 *
 * What must not be lost goes through one ring, what may be through another: the
 * walk over all tasks and the history cannot push out a runnable task. Each
 * record that found no room is counted by kind, and the last record tells.
 *
 * A dump never ends the scheduler: it only ever looks things up.
 */
#ifndef SCXDIAG_DUMP_BPF_H
#define SCXDIAG_DUMP_BPF_H

#include "kfunc.bpf.h"
#include "task.bpf.h"
#include "timer.bpf.h"
#include "exiting.bpf.h"
#include "record.bpf.h"

/* The loader sets the sizes: a whole dump must fit, for nobody reads meanwhile. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} vital SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} bulk SEC(".maps");

/*
 * What a dump has sent so far. The kernel makes one dump at a time, and the
 * collector takes one sample at a time, but the two may overlap.
 */
enum tally_state {
	TALLY_IDLE = 0,
	TALLY_OPEN = 1, /* a dump is being made */
	TALLY_END = 2,  /* it is complete, but there was no room for its end yet */
};

struct tally {
	u64 id;
	u32 state; /* enum tally_state */
	u32 kind;  /* exit kind, for the kernel's dumps */
	u64 sent[REC_KINDS];
	u64 dropped[REC_KINDS];
};

struct tally kernel_tally, sample_tally;

/* Where the scheduling class of sched_ext is; learned from a task that ran. */
u64 ext_class;

const volatile bool dump_text = true; /* print into the kernel's own dump, too */

static __always_inline void rec_init(struct rec_hdr *h, struct tally *tally, u16 kind, u32 fixed,
				     u32 masks, bool walk)
{
	rec_head(h, tally->id, kind, fixed, masks, walk);
}

/*
 * rec_new makes room for a record with some masks behind it, counts it, and
 * fills in its header. NULL if the ring is full.
 */
#define rec_new(ring, tally, kind, type, masks, walk)                                              \
	({                                                                                         \
		type *__rec = bpf_ringbuf_reserve(&ring, sizeof(type) + MASK_BYTES(masks), 0);     \
                                                                                                   \
		(tally)->sent[kind]++;                                                             \
		if (__rec)                                                                         \
			rec_init(&__rec->h, tally, kind, sizeof(type), masks, walk);               \
		else                                                                               \
			(tally)->dropped[kind]++;                                                  \
		__rec;                                                                             \
	})

static __always_inline void tally_begin(struct tally *tally, u64 id, u32 kind)
{
	__builtin_memset(tally, 0, sizeof(*tally));
	tally->id = id;
	tally->kind = kind;
	tally->state = TALLY_OPEN;
}

static __always_inline u32 count_cells(void)
{
	struct cell *cell;
	u32 i, n = 0;

	for_range(i, 0, nr_queues) {
		cell = cell_get(i);
		if (cell && cell->state != REC_CELL_FREE)
			n++;
	}
	return n;
}

/* fill_state tells how the systems of the scheduler are. */
static __always_inline void fill_state(struct rec_begin *r)
{
	r->gp_seq = gp_seq;
	r->gp_started = gp_started;
	r->cpuset_begun = cpuset_begun;
	r->cpuset_ended = cpuset_ended;
	r->apply_begun = apply_begun;
	r->apply_ended = apply_ended;
	r->apply_rc = apply_rc;
	r->apply_phase = apply_phase;
	r->token_since = apply_token ? apply_token_since : 0;
	r->alloc_fail = alloc_fail;
	r->late_inserts = late_inserts;
	r->rescued = rescued;
	r->max_used = max_used;
	r->held_cpu = held_cpu;
	r->timer_runs = timer_runs;
	r->timer_first = timer_first;
	r->timer_last = timer_last;
	r->timer_max_run = timer_max_run;
	r->timer_period = TIMER_PERIOD;
	r->timer_rc = timer_rc;
	r->timer_armed = timer_armed;
	r->init_ended = init_ended;
	r->fallbacks = fallbacks;
	r->fallback_cgid = fallback_cgid;
	r->fallback_pid = fallback_pid;
	r->fallback_pf_flags = fallback_pf_flags;
	r->nr_queues = nr_queues;
}

/* put_begin starts a dump; full says whether cells and CPUs are to follow. */
static __always_inline void put_begin(struct tally *tally, u32 trigger, u32 kind, s64 code,
				      const char *reason, u64 at_jiffies, bool full)
{
	struct rec_begin *r RECORD = rec_new(vital, tally, REC_BEGIN, struct rec_begin, 0, false);

	if (!r)
		return;
	r->trigger = trigger;
	r->exit_kind = kind;
	r->exit_code = code;
	r->at_jiffies = at_jiffies;
	r->cfg_seq = cfg_seq;
	r->applied_seq = applied_seq;
	r->slice_ns = slice_ns;
	r->nr_cpus = full ? nr_cpu_ids : 0;
	r->nr_cells = full ? count_cells() : 0;
	r->max_cells = nr_cells;
	r->faults = faults;
	r->nr_events = event_pos;
	r->enq_fallback = enq_fallback;
	r->time_clamped = time_clamped;
	fill_state(r);
	r->nr_cgrps = full ? nr_cgrps : 0;
	__builtin_memset(r->reason, 0, sizeof(r->reason));
	if (reason)
		bpf_probe_read_kernel_str(r->reason, sizeof(r->reason), reason);
	record_submit(r);
}

static __always_inline void put_cell(struct tally *tally, u32 id, struct cell *cell)
{
	struct rec_cell *r RECORD = rec_new(vital, tally, REC_CELL, struct rec_cell, 2, false);

	if (!r)
		return;
	r->id = id;
	r->state = cell->state;
	r->generation = cell->generation;
	r->nr_queued = scx_bpf_dsq_nr_queued(DSQ_CELL(id));
	r->owner = cell->owner;
	r->vtime = cell->vtime;
	r->dsq = DSQ_CELL(id);
	r->since = cell->since;
	r->gp_until = cell->gp_until;
	r->rescued = cell->rescued;
	r->flags = cell->spare ? REC_CELL_SPARE : 0;
	r->unused = 0;
	rec_mask(r + 1, (void *)cell->mask);
	rec_mask((void *)(r + 1) + MASK_BYTES(1), (void *)cell->cpuset);
	record_submit(r);
}

static __always_inline void put_dsq(struct tally *tally, u64 dsq)
{
	struct rec_dsq *r RECORD = NULL;
	struct task_struct *p;
	s32 queued = scx_bpf_dsq_nr_queued(dsq);
	u32 i;

	if (queued <= 0)
		return;
	r = rec_new(vital, tally, REC_DSQ, struct rec_dsq, 0, false);
	if (!r)
		return;
	r->id = dsq;
	r->nr_queued = queued;
	r->nr_pids = 0;
	__builtin_memset(r->pids, 0, sizeof(r->pids));
	{
		iterate(scx_dsq, it, dsq, 0);
		for_range(i, 0, REC_DSQ_PIDS) {
			p = bpf_iter_scx_dsq_next(&it);
			if (!p)
				break;
			r->pids[i % REC_DSQ_PIDS] = p->pid;
			r->nr_pids = i + 1;
		}
	}
	record_submit(r);
}

static __always_inline void put_cpu(struct tally *tally, s32 id)
{
	struct rec_cpu *r RECORD = rec_new(vital, tally, REC_CPU, struct rec_cpu, 0, false);
	struct section *s = section_of(id);
	struct cpu *cpu = cpu_get(id);

	if (!r)
		return;
	r->id = id;
	r->cell = cpu ? cpu->cell : 0;
	r->vtime = cpu ? cpu->vtime : 0;
	r->dsq = DSQ_CPU(id);
	r->nr_queued = scx_bpf_dsq_nr_queued(DSQ_CPU(id));
	r->sections = s ? s->ended : 0;
	r->section_since = s ? s->since : 0;
	r->nesting = s ? s->nesting : 0;
	r->prev_cell = cpu ? cpu->prev_cell : 0;
	r->flags = word_test(&cpus_now, id) ? REC_CPU_ONLINE : 0;
	if (s && s->awaited)
		r->flags |= REC_CPU_AWAITED;
	r->unused = 0;
	fill_run_queue(r, run_queue(id), ext_class);
	record_submit(r);
}

/* cgid_now is the id of the cgroup that the kernel schedules a task in. */
static __always_inline u64 cgid_now(struct task_struct *p)
{
	if (!bpf_core_field_exists(p->sched_task_group))
		return 0;
	return p->sched_task_group->css.cgroup->kn->id;
}

static __always_inline void fill_task(struct rec_task *r, struct task_struct *p)
{
	struct task *t = task_get(p);

	fill_entity(r, p);
	r->flags |= scx_bpf_task_running(p) ? REC_TASK_CURRENT : 0;
	r->cpu = scx_bpf_task_cpu(p);
	r->cgid_now = cgid_now(p);
	if (!t) {
		no_context(r);
		return;
	}
	r->flags |= REC_TASK_CTX | (t->all_cell ? REC_TASK_ALL_CELL : 0) |
		    (t->fallback ? REC_TASK_FALLBACK : 0);
	r->vtime_read = t->vtime_read;
	r->started_at = t->started_at;
	r->clock = t->clock;
	r->generation = t->generation;
	r->cell = t->cell;
	r->seq = t->seq;
	r->dsq = t->dsq;
	r->basis = t->basis;
	r->cgid = t->cgid;
	r->run_ns = t->run_ns;
	r->nr_runs = t->nr_runs;
}

/*
 * put_task is written out for each ring, since a ring has to be named where it
 * is used.
 */
#define put_task(ring, tally, p, walk)                                                             \
	do {                                                                                       \
		struct rec_task *__r RECORD =                                                      \
			rec_new(ring, tally, REC_TASK, struct rec_task, 2, walk);                  \
                                                                                                   \
		if (!__r)                                                                          \
			break;                                                                     \
		fill_task(__r, p);                                                                 \
		record_submit(__r);                               \
	} while (0)

static __always_inline void put_cells(struct tally *tally)
{
	struct cell *cell;
	u32 i;

	for_range(i, 0, nr_queues) {
		cell = cell_get(i);
		if (!cell)
			continue;
		put_dsq(tally, DSQ_CELL(i));
		if (cell->state != REC_CELL_FREE)
			put_cell(tally, i, cell);
	}
	for_range(i, 0, nr_cpu_ids)
		put_dsq(tally, DSQ_CPU(i));
}

static __always_inline int populated_csets(struct cgroup *cgrp)
{
	if (bpf_core_field_exists(((struct cgroup___csets *)0)->nr_populated_csets))
		return BPF_CORE_READ((struct cgroup___csets *)cgrp, nr_populated_csets);
	return BPF_CORE_READ((struct cgroup_subsys_state___csets *)&cgrp->self,
			     nr_populated_csets);
}

/* Flags are made up in the record, where the verifier does not follow them. */
static __always_inline void fill_cgrp_flags(struct rec_cgrp *r, struct cgroup *cgrp)
{
	/* CSS_DYING is for the states of controllers, not for the cgroup's own. */
	if (!(cgrp->self.flags & CSS_ONLINE))
		r->flags |= REC_CGRP_DYING;
	if (populated_csets(cgrp) || cgrp->nr_populated_domain_children ||
	    cgrp->nr_populated_threaded_children)
		r->flags |= REC_CGRP_POPULATED;
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, cpu_cgrp_id) &&
	    css_of(cgrp, bpf_core_enum_value(enum cgroup_subsys_id, cpu_cgrp_id)))
		r->flags |= REC_CGRP_CPU;
}

static __always_inline void put_cgrp(struct tally *tally, struct cgroup *cgrp)
{
	struct rec_cgrp *r RECORD = NULL;
	const void *named = NULL, *effective = NULL;
	struct cgrp *c;

	r = rec_new(bulk, tally, REC_CGRP, struct rec_cgrp, 2, true);
	if (!r)
		return;
	r->id = cgrp_id(cgrp);
	r->parent = cgrp->level ? BPF_CORE_READ(cgrp, self.parent, cgroup, kn, id) : 0;
	r->level = cgrp->level;
	r->cell = r->owns = r->flags = 0;
	c = cgrp_get(cgrp);
	if (c) {
		r->flags = REC_CGRP_CTX;
		r->cell = c->cell;
		r->owns = c->owns;
	}
	fill_cgrp_flags(r, cgrp);
	if (cpuset_masks(cgrp, &named, &effective))
		r->flags |= REC_CGRP_CPUSET;
	/* Without the controller there is nothing there, and it reads as zeroes. */
	rec_mask(r + 1, named);
	rec_mask((void *)(r + 1) + MASK_BYTES(1), effective);
	record_submit(r);
}

/* put_cgrps sends the cgroups. */
static __always_inline void put_cgrps(struct tally *tally)
{
	struct cgroup *top OWNED(cgroup) = walk_top();
	struct cgroup_subsys_state *css;

	if (!top)
		return;
	iterate(css, it, &top->self, BPF_CGROUP_ITER_DESCENDANTS_PRE);
	while ((css = bpf_iter_css_next(&it)))
		put_cgrp(tally, css->cgroup);
}

/* put_walk sends every task of the scheduler, runnable or not. */
static __always_inline void put_walk(struct tally *tally)
{
	u32 state_mask = bpf_core_enum_value(enum scx_ent_flags, SCX_TASK_STATE_MASK);
	struct task_struct *p;

	iterate(task, it, NULL, BPF_TASK_ITER_ALL_THREADS);
	while ((p = bpf_iter_task_next(&it))) {
		if (!(p->scx.flags & state_mask) || (ext_class && (u64)p->sched_class != ext_class))
			continue;
		put_task(bulk, tally, p, true);
	}
}

static __always_inline void put_event(struct tally *tally, u64 pos)
{
	struct rec_event *r RECORD = NULL;
	u32 slot = pos % NR_EVENTS;
	struct event *e = bpf_map_lookup_elem(&events, &slot);

	/* What its writer is still at, on another CPU, is no history yet. */
	if (!e || *(volatile u64 *)&e->end < pos + 1)
		return;
	r = rec_new(bulk, tally, REC_EVENT, struct rec_event, 0, true);
	if (!r)
		return;
	r->pos = pos;
	r->torn = *(volatile u64 *)&e->begin != pos + 1;
	r->at = e->at;
	r->kind = e->kind;
	r->pid = e->pid;
	r->cgid = e->cgid;
	r->arg = e->arg;
	r->cpu = e->cpu;
	r->torn |= *(volatile u64 *)&e->end != pos + 1;
	record_submit(r);
}

#define PUT_EVENTS (NR_EVENTS - 64)

static __always_inline void put_events(struct tally *tally)
{
	/* The oldest are about to be overwritten. */
	u64 last = event_pos, first = last > PUT_EVENTS ? last - PUT_EVENTS : 0;
	u32 i;

	for_range(i, 0, PUT_EVENTS) {
		if (first + i >= last)
			break;
		put_event(tally, first + i);
	}
}

/*
 * put_end sends the end of a dump, once. Where the ring has no room for it, the
 * collector asks again: without the end nobody knows what was lost.
 */
static __always_inline void put_end(struct tally *tally)
{
	struct rec_end *r RECORD = NULL;

	if (tally->state == TALLY_IDLE)
		return;
	tally->state = TALLY_END;
	r = rec_new(vital, tally, REC_END, struct rec_end, 0, false);
	tally->sent[REC_END] = tally->dropped[REC_END] = 0;
	if (!r)
		return;
	__builtin_memcpy(r->sent, tally->sent, sizeof(r->sent));
	__builtin_memcpy(r->dropped, tally->dropped, sizeof(r->dropped));
	record_submit(r);
	tally->state = TALLY_IDLE;
}

#define TEXT_STEP (REC_TEXT_BYTES - 1) /* a piece has no room for the NUL */
#define TEXT_PIECES 4096

/* text_size finds the length of the kernel's own dump. */
static __always_inline u32 text_size(const char *text)
{
	static char piece[REC_TEXT_BYTES];
	static u32 size; /* in memory, where the verifier does not follow it around the loop */
	u32 i;
	long n;

	size = 0;
	if (!text)
		return 0;
	for_range(i, 0, TEXT_PIECES) {
		n = bpf_probe_read_kernel_str(piece, sizeof(piece), text + i * TEXT_STEP);
		if (n <= 1)
			break;
		size = i * TEXT_STEP + n - 1;
		if (n <= TEXT_STEP)
			break;
	}
	return size;
}

/* put_text sends the kernel's own dump in pieces. */
static __always_inline void put_text(struct tally *tally, const char *text, u32 size)
{
	u32 i;
	long n;

	for_range(i, 0, TEXT_PIECES) {
		struct rec_text *r RECORD = NULL;

		if (i * TEXT_STEP >= size)
			break;
		r = rec_new(vital, tally, REC_TEXT, struct rec_text, 0, false);
		if (!r)
			continue;
		n = bpf_probe_read_kernel_str(r->data, sizeof(r->data), text + i * TEXT_STEP);
		r->offset = i * TEXT_STEP;
		r->size = n > 0 ? n - 1 : 0;
		record_submit(r);
	}
}

static __always_inline void put_exit(struct tally *tally, struct scx_exit_info *info, u32 size)
{
	struct rec_exit *r RECORD = rec_new(vital, tally, REC_EXIT, struct rec_exit, 0, false);
	u32 n;

	if (!r)
		return;
	r->kind = info->kind;
	r->exit_cpu = -1;
	if (bpf_core_field_exists(info->exit_cpu))
		r->exit_cpu = info->exit_cpu;
	r->code = info->exit_code;
	r->text_size = size;
	r->reason[0] = r->msg[0] = 0;
	bpf_probe_read_kernel_str(r->reason, sizeof(r->reason), info->reason);
	bpf_probe_read_kernel_str(r->msg, sizeof(r->msg), info->msg);
	n = info->bt_len;
	if (n > REC_EXIT_FRAMES)
		n = REC_EXIT_FRAMES;
	r->nr_frames = n;
	bpf_probe_read_kernel(r->frames, n * sizeof(u64), info->bt); /* the rest is unset */
	record_submit(r);
}

static __always_inline void print_mask(const u64 *mask)
{
	u32 i;

	for_range(i, 0, mask_words) {
		u64 w = mask[(mask_words - 1 - i) % MASK_WORDS];

		if (i)
			scx_dump(",%08x,%08x", (u32)(w >> 32), (u32)w);
		else if (nr_cpu_ids % 64 && nr_cpu_ids % 64 <= 32)
			scx_dump("%08x", (u32)w);
		else
			scx_dump("%08x,%08x", (u32)(w >> 32), (u32)w);
	}
}

/* print_cells is for people who have only the kernel's own dump. */
static __always_inline void print_cells(void)
{
	struct cell *cell;
	u32 i;

	for_range(i, 0, nr_queues) {
		cell = cell_get(i);
		if (!cell || cell->state == REC_CELL_FREE)
			continue;
		scx_dump("CELL[%d] CPUS=", i);
		print_mask(cell->mask);
		scx_dump("\n");
		scx_dump("CELL[%d] vtime=%llu nr_queued=%d\n", i, cell->vtime,
			 scx_bpf_dsq_nr_queued(DSQ_CELL(i)));
	}
}

static __always_inline void print_task(struct task_struct *p)
{
	struct task *t = task_get(p);

	if (!t)
		return;
	scx_dump("Task[%d] vtime=%llu basis_vtime=%llu cell=%u dsq=%llx all_cell_cpus_allowed=%d\n",
		 p->pid, p->scx.dsq_vtime, t->basis, t->cell, t->dsq, t->all_cell);
}

#endif
