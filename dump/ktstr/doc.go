// SPDX-License-Identifier: GPL-2.0-only

// Package ktstr reads the failure dumps of ktstr, the test framework for
// sched_ext schedulers: the files *.failure-dump.json that it leaves beside the
// result of a test, and those of the same form that it writes on demand.
//
// ktstr stops the virtual machine that a scheduler fails in and reads its memory
// from outside. A document holds one such reading, or two: one from half-way to a
// stall and one from its end. Of each reading the package takes what the model
// has with the same meaning and unit: the exit kind, the run queues, the DSQs,
// the tasks, the event counters and the scheduler's name. Maps, registers and
// statistics of programs are left out, since what they mean is not the kernel's.
//
// The kernel's own dump says more: stacks, masks, and who waits for how long. So
// every text of several lines in a document is searched for dumps by package
// dump/text. A reading that has one is that snapshot, with what it lacks filled
// in from the reading if both tell of the same exit.
//
// A document is read as a stream. Memory is bounded by the limits of the
// package, to some 200 MiB, not by the size of the document.
package ktstr
