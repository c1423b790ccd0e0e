// SPDX-License-Identifier: GPL-2.0-only

// Package bpf runs the cell scheduler and collects what its dump handler sends, and
// records what other schedulers leave behind.
//
// The scheduler is cells.bpf.c with its headers in include, one for each system
// of it; the object that is compiled from it is committed, so building scxdiag
// takes no C compiler. [Load] fits that object to the running kernel,
// [Scheduler.Attach] makes it the scheduler of the machine, and a [Session]
// turns the records of its two ring buffers into snapshots.
//
// A [Recorder] watches any other scheduler with the programs of recorder.bpf.c: it
// takes the lines of the kernel's own dumps before they are cut, and why a scheduler
// ended.
//
// # From a cpuset to a cell
//
// Nothing in user space decides which CPUs a cell has. This is what happens when
// somebody writes to the cpuset of a cgroup:
//
//	echo 0-1 > a/cpuset.cpus
//	  │
//	  ├─ fentry cpuset_write_resmask   history: cpuset_begin
//	  ├─ the kernel takes its locks and changes the cpuset
//	  └─ fexit  cpuset_write_resmask   history: cpuset_end; cfg_seq + 1
//	                                   (not before: only now can it be read)
//	timer, every 100 ms                timer.bpf.h
//	  ├─ is a grace period over?       gp.bpf.h
//	  ├─ cfg_seq ≠ applied_seq?        apply.bpf.h, with the token
//	  │    claim     walk the cgroups: a takes a free cell, free → prep,
//	  │              and wants CPUs 0 and 1
//	  │    publish   its mask, prep → live; the CPUs' cells; what nobody
//	  │              wants goes to the root cell, one CPU at least
//	  │    inherit   walk the cgroups: a and all below it are in the cell
//	  │    barrier   applied_seq = cfg_seq as read at the start
//	  │    barrier   a grace period begins
//	  └─ queues that nobody serves     lifecycle.bpf.h
//	       tasks of cells that ended, or that may use no CPU of theirs, go to
//	       where any CPU finds them
//	a task of a wakes up               place.bpf.h, in a section
//	  ├─ its seq ≠ applied_seq: read the cell of its cgroup anew
//	  ├─ may it use all of the cell?   then it waits on the queue of the cell,
//	  │                                else on that of one CPU
//	  └─ its vtime goes on the clock of that queue, and it is queued
//
// When the cpuset is cleared, or the cgroup removed, the cell ends: live →
// drain. Its cgroups and CPUs are in other cells at once, but a task that was
// just being placed may still come onto its queue. Only when the grace period is
// over and the queue was found empty twice is the id free, for another cell with
// another generation.
//
// CPUs that come and go count up cfg_seq as well, and so do cgroups. Whatever
// changes a cpuset without any of these, such as a partition, is found within a
// second.
package bpf
