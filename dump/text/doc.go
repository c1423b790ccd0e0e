// SPDX-License-Identifier: GPL-2.0-only

// Package text finds sched_ext debug dumps in a byte stream, undoes what logs
// do to text, and parses them into snapshots.
//
// A [Reader] works in one pass. Encodings are undone first, and logs that keep each
// line in a record; all else is about the lines that come out of them. In noise it
// looks only for the few words that every dump must have. From the first such line
// on, and up to 64 KiB before it where the lines may have come newest first, it
// collects a region: the lines of one dump, each freed of its carrier's prefix
// (journald, dmesg, ftrace, Actions, quoting) and classified by its shape. Once the
// region ends, lines that came newest first are turned round and the parser walks
// over them: kernel text by shape, never by position, so that one parser reads every
// kernel from 6.12 on. Text of schedulers that the package knows becomes cells, DSQs
// and task fields; any other text stays verbatim with its owner.
//
// Verdicts without a dump, such as an EXIT line or the kernel's own message,
// become snapshots with nothing but an exit. A dump that stands in the stream
// several times, and the verdicts that belong to it, are one snapshot: finished
// snapshots wait in a bounded window for their copies.
//
// Memory is bounded by the largest single dump, which is itself bounded, not by
// the size of the stream.
package text
