// SPDX-License-Identifier: GPL-2.0-only

// Package report writes snapshots for people and for programs: as text that
// fits on one screen, as Markdown for an issue, and as JSON.
//
// All three are streams. A [Writer] writes each snapshot as it is added and
// keeps none, so a log with thousands of dumps costs the memory of one.
//
// Text and Markdown show the same: the verdict, the task it is about with its
// CPU and cell, the backtrace, where all that comes from, and what is missing.
// What stands in them as it was in the dump has passed [dump.Printable]; in
// Markdown it also stands in code spans and code blocks only, which it cannot
// end, so that a task's name cannot mention people, link or format.
//
// JSON is one document of the schema "scxdiag/1". What is unknown is absent,
// never zero or empty, and so is a time at which nothing happened. A field
// that ends in _ns is a time in ns since boot, or a length; beside such a time
// stands one that ends in _ago_ms, which is how long before the snapshot that
// was.
//
// A snapshot without "trigger" and "exit" is of a dump whose beginning is missing:
// whether the scheduler failed is unknown.
//
// Of the cell scheduler of this project, "status" says how it is: its
// configurations, "grace" for the grace period, "apply" for the configuration
// being brought into force, "timer", and "exiting" for tasks of dead cgroups.
// "cgroups" has each cgroup with the cell that its tasks are in, the one that
// its cpuset made, and the CPUs that the cpuset asks for and has. Errors, "rc",
// are 0 or a negative errno.
//
// Numbers of 64 bits are JSON numbers in full: a reader that keeps numbers as
// floating point rounds those above 2^53. A string that is not valid UTF-8, as
// a comm may be, is given as [dump.Printable] writes it: bad bytes, and then
// also control characters, as \x1b is in Go. Characters that do not print are
// written as JSON escapes, so that the document does no harm on a terminal.
//
// [DiffText], [DiffMarkdown] and [DiffJSON] write the difference of two
// snapshots under the same rules, the JSON as a document of the schema
// "scxdiag-diff/1". What only one snapshot shows is counted as unknown and never
// passes for unchanged. Lists of tasks, cells and the like name the first ones
// in text, up to ten thousand in JSON, and say how many more there are.
package report
