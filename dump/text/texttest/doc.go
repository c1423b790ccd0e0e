// SPDX-License-Identifier: GPL-2.0-only

// Package texttest makes the text that package text reads, so that tests can
// compare what came out with what went in.
//
// [Render] prints a model as a kernel of a given [Series] does, with the text
// of a scheduler in between, into a dump buffer of a given size. [Snapshots]
// and [Configs] draw models and configurations for property tests. A [Carrier]
// does to the text what real logs do to it: journald's prefixes, ftrace's
// lines, records of JSON, quotes, escape sequences, reversed order. [Compare] says how a
// snapshot that was read differs from the model, allowing for lines that a
// carrier or the kernel cut. [NewLog] makes logs of any size for benchmarks.
package texttest
