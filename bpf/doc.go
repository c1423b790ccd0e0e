// SPDX-License-Identifier: GPL-2.0-only

// Package bpf runs the cell scheduler and collects what its dump handler sends.
//
// The scheduler is cells.bpf.c with its headers in include; the object that is
// compiled from it is committed, so building scxdiag takes no C compiler.
// [Load] fits that object to the running kernel, [Scheduler.Attach] makes it
// the scheduler of the machine, and a [Collector] turns the records of its two
// ring buffers into snapshots.
package bpf
