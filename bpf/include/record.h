/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The records that the dump handler writes and dump/wire reads. Little endian,
 * every member aligned to its size, nothing padded by the compiler. Readers
 * skip kinds that they do not know and accept records that are longer than
 * they expect: a new member goes to the end of the fixed part, in front of the
 * masks, whose place the header tells.
 */
#ifndef SCXDIAG_RECORD_H
#define SCXDIAG_RECORD_H

#define REC_MAGIC 0x64786373u /* "scxd" */
#define REC_VERSION 2

enum rec_kind {
	REC_BEGIN = 1, /* first of a dump: what it is and what is to follow */
	REC_CELL = 2,
	REC_CPU = 3,
	REC_TASK = 4,
	REC_DSQ = 5,   /* a DSQ that is not empty */
	REC_EVENT = 6, /* a step of the history */
	REC_TEXT = 7,  /* a piece of the kernel's own dump */
	REC_EXIT = 8,  /* why the kernel threw the scheduler out */
	REC_END = 9,   /* last of a dump: what was sent and what was dropped */
	REC_CGRP = 10, /* a cgroup, as the scheduler and its cpuset have it */
	REC_KINDS = 16, /* above all kinds that END counts */

	/* Written by the collector, so that a file of records explains itself. */
	REC_HOST = 32,
	REC_CGROUP_PATH = 33,
};

struct rec_hdr {
	u32 magic;
	u16 version;
	u16 kind;
	u32 len;   /* of the record with this header, in bytes */
	s32 cpu;   /* that wrote it, -1 for the collector */
	u64 dump;  /* joins the records of one dump: ns since boot when it was taken */
	u64 time;  /* bpf_ktime_get_ns */
	u16 masks; /* offset of the masks from the start of the record, 0 if it has none */
	u16 words; /* u64 words in each mask */
	u32 walk;  /* 1 if the record comes from a walk over all tasks, not from the run queue */
};

enum rec_trigger {
	REC_TRIGGER_ABORT = 1,
	REC_TRIGGER_SYSRQ = 2,
	REC_TRIGGER_SAMPLE = 3,
	REC_TRIGGER_FOREIGN = 4, /* a sample of a scheduler that is not ours: only what the kernel has */
};

struct rec_begin {
	struct rec_hdr h;
	u32 trigger;
	u32 exit_kind; /* enum scx_exit_kind, 0 unless aborting */
	s64 exit_code;
	u64 at_jiffies;
	u64 cfg_seq;     /* configuration wanted */
	u64 applied_seq; /* configuration in force */
	u64 slice_ns;
	u32 nr_cpus;  /* REC_CPU records that follow: possible CPUs, or none */
	u32 nr_cells; /* REC_CELL records that follow: cells that are not free, or none */
	u32 max_cells;
	u32 faults; /* bit set of enum fault */
	u64 nr_events; /* steps of the history so far */
	u64 enq_fallback; /* tasks put on the global DSQ for lack of their context */
	u64 time_clamped; /* runs that ended before they started by the clock */
	char reason[64];
	/* S1: grace periods */
	u64 gp_seq;     /* odd while one is in progress */
	u64 gp_started; /* ns, of the one in progress or the last one; 0 if there was none */
	/* S5: configurations */
	u64 cpuset_begun; /* writes to cpusets that began */
	u64 cpuset_ended; /* and that ended, each of which wants a new configuration */
	u64 apply_begun;  /* ns, of the last configuration; 0 if there was none */
	u64 apply_ended;  /* ns, before apply_begun while it is at it or was given up */
	s32 apply_rc;     /* of the last one: 0 or -errno */
	u32 apply_phase;  /* enum rec_phase */
	u64 token_since;  /* ns, that somebody has had the token to apply; 0 if nobody */
	u64 alloc_fail;   /* times that a cpuset got no cell, for all were taken */
	u64 late_inserts; /* tasks queued on a cell after it was free; must be 0 */
	u64 rescued;      /* tasks taken off a queue that no CPU serves for them */
	u32 max_used;     /* cells in use at the same time, at most */
	s32 held_cpu;     /* kept back for the root cell, -1 if none had to be */
	/* S6: the timer */
	u64 timer_runs;
	u64 timer_first;   /* ns, of its first run; 0 if there was none */
	u64 timer_last;    /* ns, of its last run */
	u64 timer_max_run; /* ns, of its longest run */
	u64 timer_period;  /* ns */
	s32 timer_rc;      /* of arming it last: 0 or -errno */
	u32 timer_armed;   /* 1 if it was ever armed */
	u64 init_ended;    /* ns, when .init had done everything but arm the timer */
	/* S10: exiting tasks of dead cgroups */
	u64 fallbacks; /* to the root cell */
	u64 fallback_cgid; /* of the last one */
	s32 fallback_pid;
	u32 fallback_pf_flags;
	u32 nr_cgrps; /* REC_CGRP records that follow: cgroups with context at the last walk */
	u32 nr_queues; /* cells that have a queue; more are made as cgroups come */
};

enum rec_phase {
	REC_PHASE_NONE = 0,    /* nothing is being applied */
	REC_PHASE_CLAIM = 1,   /* cpusets claim their CPUs */
	REC_PHASE_PUBLISH = 2, /* cells get their masks, CPUs their cells */
	REC_PHASE_INHERIT = 3, /* cgroups get their cells */
};

enum rec_cell_state {
	REC_CELL_FREE = 0,
	REC_CELL_PREP = 1,
	REC_CELL_LIVE = 2,
	REC_CELL_DRAIN = 3,
};

struct rec_cell {
	struct rec_hdr h;
	u32 id;
	u32 state;
	u32 generation; /* grows each time the id is used again */
	s32 nr_queued;  /* on its DSQ, or -errno */
	u64 owner; /* cgroup id, 0 for the root cell */
	u64 vtime;
	u64 dsq;
	u64 since;    /* ns, when it came into this state */
	u64 gp_until; /* gp_seq that it waits for before its id is free, 0 if it does not */
	u64 rescued;  /* tasks taken off its queue since it is in use */
	u32 flags;    /* enum rec_cell_flags */
	u32 unused;
	/* masks: its CPUs; those that its owner's cpuset had when it was last read */
};

enum rec_cell_flags {
	REC_CELL_SPARE = 1, /* the mask for its next CPUs is in its place */
};

enum rec_class {
	REC_CLASS_UNKNOWN = 0,
	REC_CLASS_IDLE = 1,
	REC_CLASS_EXT = 2,
	REC_CLASS_FAIR = 3,
	REC_CLASS_RT = 4,
	REC_CLASS_DL = 5,
	REC_CLASS_STOP = 6,
};

struct rec_cpu {
	struct rec_hdr h;
	u32 id;
	u32 cell;
	u32 nr_running; /* sched_ext tasks on the run queue, the running one included */
	u32 rq_flags;   /* scx_rq.flags */
	s32 curr_pid;
	u32 curr_class; /* enum rec_class */
	char curr_comm[16];
	u64 vtime;     /* of the task that ran last */
	u64 dsq;
	s32 nr_queued; /* on its DSQ, or -errno */
	u32 known;     /* 1 if the run queue could be read */
	u64 sections;      /* that have ended on it */
	u64 section_since; /* ns, when the one began that it is in; meaningless without nesting */
	u32 nesting;       /* of the section that it is in, 0 if it is in none */
	u32 prev_cell;     /* whose queue it serves, too, while a grace period is in progress */
	u32 flags;         /* enum rec_cpu_flags */
	u32 unused;
};

enum rec_cpu_flags {
	REC_CPU_ONLINE = 1, /* it takes tasks, or did so at the last run of the timer */
	REC_CPU_AWAITED = 2, /* the grace period in progress waits for it */
};

enum rec_task_flags {
	REC_TASK_CURRENT = 1,  /* it is running */
	REC_TASK_CTX = 2,      /* the scheduler's storage for it is there */
	REC_TASK_ALL_CELL = 4, /* it may use every CPU of its cell, so it is not pinned */
	REC_TASK_ON_DSQ = 8,   /* dsq_id says where */
	REC_TASK_FALLBACK = 16, /* it is in the root cell because its cgroup is dead */
};

struct rec_task {
	struct rec_hdr h;
	s32 pid;
	s32 tgid;
	char comm[16];
	u32 flags; /* enum rec_task_flags */
	s32 cpu;   /* whose run queue it is accounted to */
	u32 state; /* task_struct.__state */
	u32 exit_state;
	u32 pf_flags; /* task_struct.flags */
	u16 migration_disabled;
	u16 scx_state;
	u32 scx_flags; /* without the state */
	u32 dsq_flags;
	u64 ops_state; /* state in bits 0-1, sequence above */
	s32 sticky_cpu;
	s32 holding_cpu;
	u64 dsq_id;
	u64 dsq_vtime;
	u64 slice;
	u64 runnable_at; /* jiffies */
	u32 weight;
	u32 cell;
	u64 seq;      /* configuration that cell and dsq were chosen under */
	u64 dsq;      /* where the scheduler means to queue it */
	u64 basis;    /* clock of its queue when it was last enqueued */
	u64 cgid;
	u64 run_ns;   /* that it has run under this scheduler */
	u64 nr_runs;
	u64 cgid_now;   /* of its cgroup as the kernel has it now */
	u64 vtime_read; /* the vtime that was compared with basis */
	u64 started_at; /* ns, when it last began to run; 0 if never */
	u32 clock;      /* cell whose clock its vtime is on, and that its runs are charged to */
	u32 generation; /* of its cell, when cell was read */
	/* masks: where it may run now, where it may run when migration is enabled */
};

#define REC_DSQ_PIDS 32

struct rec_dsq {
	struct rec_hdr h;
	u64 id;
	s32 nr_queued;
	u32 nr_pids;
	s32 pids[REC_DSQ_PIDS]; /* the first ones, in order */
};

struct rec_event {
	struct rec_hdr h;
	u64 pos; /* in the history, from 0 */
	u64 at;  /* bpf_ktime_get_ns */
	u32 kind; /* enum event_kind */
	s32 pid;
	u64 cgid;
	u64 arg;
	u32 cpu;
	u32 torn; /* 1 if it was overwritten while it was read */
};

enum rec_cgrp_flags {
	REC_CGRP_CTX = 1,       /* the scheduler's storage for it is there */
	REC_CGRP_DYING = 2,
	REC_CGRP_POPULATED = 4, /* it or one below it has tasks */
	REC_CGRP_CPUSET = 8,    /* the controller is enabled for it, and the masks are its own */
	REC_CGRP_CPU = 16,      /* likewise cpu: without it the kernel tells the scheduler nothing of it */
};

struct rec_cgrp {
	struct rec_hdr h;
	u64 id;
	u64 parent; /* id, 0 for the root of the hierarchy */
	u32 level;  /* 0 for the root of the hierarchy */
	u32 cell;   /* its tasks are in */
	u32 owns;   /* the cell that its cpuset made, 0 if none */
	u32 flags;  /* enum rec_cgrp_flags */
	/* masks: cpuset.cpus, cpuset.cpus.effective */
};

#define REC_TEXT_BYTES 4096

struct rec_text {
	struct rec_hdr h;
	u32 offset; /* of data in the text */
	u32 size;   /* of data */
	char data[REC_TEXT_BYTES];
};

#define REC_EXIT_FRAMES 64
#define REC_EXIT_MSG 1024

struct rec_exit {
	struct rec_hdr h;
	u32 kind;
	s32 exit_cpu; /* -1 if the kernel does not tell */
	s64 code;
	u32 nr_frames;
	u32 text_size; /* of the kernel's own dump, which follows in REC_TEXT */
	char reason[64];
	char msg[REC_EXIT_MSG];
	u64 frames[REC_EXIT_FRAMES];
};

struct rec_end {
	struct rec_hdr h;
	u64 sent[REC_KINDS];    /* by kind, END excluded: received + dropped */
	u64 dropped[REC_KINDS]; /* by kind: the ring was full */
};

#endif
