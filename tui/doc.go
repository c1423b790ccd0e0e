// SPDX-License-Identifier: GPL-2.0-only

// Package tui shows the snapshots of a session on a terminal: what failed
// first, then the CPUs, the tasks, the cells and DSQs, and the source text that
// proves each of them.
//
// One [Model] owns all state. Its parts are plain structs that are told their
// size and give back lines: the page (a text with a cursor, for the overview
// and all details), the list (a table that sorts and filters), the grid of the
// CPUs, the masks of cells and tasks, and the raw view. What a list can be asked is
// declared beside its columns, as fields, and a filter is compiled to tests of these.
// Nothing in the package reads a file, and nothing decides anything about a snapshot:
// it renders the types of package dump.
//
// A session with several snapshots has a timeline. One of them can be marked: all
// tables and pages then say what changed since, as package dump/diff sees it.
//
// What a user can do is a command of the table in keymap.go, and what text looks like
// is a style; a [Config] gives other keys to the ones and other colours to the
// others.
//
// [Run] shows a session that is complete, [Watch] one that goes on: snapshots
// come out of a channel, and the screen follows them.
//
// What a dump holds is hostile. All that reaches the screen has the type text,
// and only the functions of clean.go make one from a string that is not a
// constant; the compiler sees to the rest.
package tui
