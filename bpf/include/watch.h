/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The records that the recorder writes and recorder.go reads. Little endian,
 * every member aligned to its size, nothing padded by the compiler.
 */
#ifndef SCXDIAG_WATCH_H
#define SCXDIAG_WATCH_H

enum watch_kind {
	WATCH_LINE = 1,    /* a line of a dump */
	WATCH_END = 2,     /* a dump is complete */
	WATCH_EXIT = 3,    /* a scheduler ended */
	WATCH_ENABLE = 4,  /* a scheduler was enabled, or could not be */
};

struct watch_hdr {
	u32 kind;
	u32 len;  /* of the record with this header, in bytes */
	u64 time; /* bpf_ktime_get_ns */
	u64 dump; /* joins the lines of a dump and its end, from 1; 0 if it is of none */
};

#define WATCH_TEXT 1024 /* the kernel has as much for a line */

struct watch_line {
	struct watch_hdr h;
	u64 seq; /* of all lines since the recorder was loaded, those that got lost included */
	u32 nr;  /* in its dump, from 0 */
	u32 len; /* of the text, without the NUL */
	char text[WATCH_TEXT];
};

struct watch_end {
	struct watch_hdr h;
	u32 nr;      /* lines of the dump */
	u32 dropped; /* those of them that the ring had no room for */
	char name[128]; /* of the scheduler, empty if the kernel does not tell */
};

#define WATCH_FRAMES 64

struct watch_exit {
	struct watch_hdr h;
	u64 sched; /* tells one scheduler from another */
	s64 code;
	u32 kind; /* enum scx_exit_kind */
	s32 cpu;  /* that raised it, -1 where the kernel does not keep that */
	u32 nr_frames;
	u32 pad;
	char name[128];
	char reason[128];
	char msg[1024];
	u64 frames[WATCH_FRAMES];
};

struct watch_enable {
	struct watch_hdr h;
	s32 rc; /* 0 or -errno */
	u32 pad;
	char name[128];
};

/* What the iterator over tasks says at its end, without a header. */
struct watch_waiting {
	u64 time;    /* bpf_ktime_get_ns */
	u64 jiffies; /* at the same time */
	u64 ticks;   /* jiffies that the longest waiting task has waited */
	u64 sched;   /* the scheduler, 0 if there is none or the kernel does not tell */
	u64 limit_ticks; /* jiffies that a task may wait, 0 if the kernel has no such number */
	u32 limit;   /* likewise, in ms; 0 if unknown */
	s32 pid;     /* of that task, 0 if none waits */
	char comm[16];
};

#endif
