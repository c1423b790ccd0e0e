// SPDX-License-Identifier: GPL-2.0-only

package tui

import "scxdiag/dump"

// standing is what a task does, as sched_ext sees it. A dump of the kernel
// lists tasks that run or wait; a sample holds all the others too.
type standing uint8

const (
	runs standing = iota
	waits
	sleeps
	unqueued // it could run, but not by sched_ext: it is in another class, or just woke up
	nrStandings
)

// queuedFlag is the bit of Task.Flags of tasks on a run queue of sched_ext
// (SCX_TASK_QUEUED).
const queuedFlag = 1 << 0

func standingOf(t *dump.Task) standing {
	switch queued := t.Flags.V&queuedFlag != 0; {
	case t.Current:
		return runs
	case t.RunnableAt.Known, t.Flags.Known && queued:
		return waits
	case t.State.Known && t.State.V != 'R':
		return sleeps
	case t.Flags.Known:
		return unqueued
	default: // half a task of a dump, which lists no others
		return waits
	}
}

// word is how the standing is called after a number, and what the filter finds.
func (s standing) word() text {
	switch s {
	case runs:
		return "running"
	case waits:
		return "waiting"
	case sleeps:
		return "sleeping"
	case unqueued:
		return "not queued"
	}
	return ""
}

// tally counts tasks by their standing.
type tally [nrStandings]int

// runnable is the part of a sentence on the tasks that run or wait.
func (n *tally) runnable() text {
	return number(n[runs]) + " running, " + number(n[waits]) + " waiting"
}

// others is the part on all other tasks, "" if there are none.
func (n *tally) others() text {
	t := text("")
	for s := sleeps; s < nrStandings; s++ {
		if n[s] > 0 {
			t += ", " + number(n[s]) + " " + s.word()
		}
	}
	return t
}
