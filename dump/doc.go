// SPDX-License-Identifier: GPL-2.0-only

// Package dump is the model of scxdiag: what one sched_ext scheduler looked
// like at one instant.
//
// A [Snapshot] is that instant. It holds the [Exit] that ended the scheduler,
// if one did, its cells, CPUs, tasks, DSQs, events and counters, and a
// [Ledger] of what is missing. Snapshots come from the kernel's dump text
// (package dump/text) or from ring-buffer records; nothing in a snapshot
// depends on which.
//
// A field that the source may lack is a [Value]: unknown is not zero. A value
// that was read from text knows the bytes it was read from, as a [Span] of
// Snapshot.Raw, so that whoever shows it can show the proof beside it.
//
// Names are the kernel's where the kernel has a name.
package dump
