// SPDX-License-Identifier: GPL-2.0-only

// Package wire reads the binary records that the cell scheduler of this
// project writes into its ring buffers, and makes snapshots of them.
//
// The layout of the records is a contract between C and Go: the types here
// mirror bpf/include/record.h, and a test compares the two. Two kinds, [Host]
// and [CgroupPath], are written in Go only, by whoever collects the records, so
// that a file of records explains itself.
//
// The records of a dump travel through two ring buffers: one for what must not
// be lost (the exit, the run queues), one for what may be (sleeping tasks, the
// history). Order holds within a ring, not between the two, and records of
// several dumps may alternate. An [Assembler] takes records while they come, as
// cheaply as it can, because the reader of a ring must keep up with a writer
// that runs with interrupts off: it counts them and looks at little more than
// their headers, and a [Batch] of them it keeps without copying. Once all that
// was sent has come, or the caller knows that no more will, it emits the dump
// as a [Raw]. Decoding that checks the records, makes the snapshot, and accounts
// for what is missing in the snapshot's ledger: sent = received + dropped, for
// each kind.
//
// A [Reader] does the same for a stream of records one behind the other, such
// as a file, and gets over damage in it.
//
// Records are input from elsewhere and may be hostile: their lengths are
// checked, and memory is bounded by [Options]. Strings from records, such as
// the comm of a task, stay as they are and may hold any byte but NUL; whoever
// shows them must escape them.
package wire
