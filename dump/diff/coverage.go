// SPDX-License-Identifier: GPL-2.0-only

package diff

import "scxdiag/dump"

// Coverage says what it means that a snapshot does not list something.
type Coverage uint8

// The coverages.
const (
	CoversNothing  Coverage = iota // it lists none at all, as a verdict does: absence means nothing
	CoversSome                     // something was lost: absence means nothing
	CoversRunnable                 // tasks only: it was on no run queue
	CoversAll                      // there was none
)

// String is the name of the coverage in JSON.
func (c Coverage) String() string { return [...]string{"nothing", "some", "runnable", "all"}[c] }

// The kinds of ring-buffer records whose loss matters here.
const (
	recordTask = "task"
	recordCell = "cell"
)

// taskCoverage is what a snapshot says by not listing a task. Kernel text
// lists the tasks on run queues. Records list the others too, if the walk over
// all tasks was made, which shows by the tasks that it found.
func taskCoverage(s *dump.Snapshot) Coverage {
	switch {
	case len(s.Tasks) == 0 && len(s.CPUs) == 0:
		return CoversNothing
	case lost(s, recordTask):
		return CoversSome
	}
	for i := range s.Tasks {
		if s.Tasks[i].Walked {
			return CoversAll
		}
	}
	return CoversRunnable
}

// cellCoverage is what a snapshot says by not listing a cell. Whoever prints
// cells prints all that are in use.
func cellCoverage(s *dump.Snapshot) Coverage {
	switch {
	case len(s.Cells) == 0:
		return CoversNothing
	case lost(s, recordCell):
		return CoversSome
	}
	return CoversAll
}

// lost reports whether something of a kind may be missing from the snapshot.
// Of text nobody knows what a lost line held.
func lost(s *dump.Snapshot, kind string) bool {
	l := &s.Ledger
	if len(l.Records) == 0 {
		return !l.Complete()
	}
	if l.Truncated {
		return true
	}
	for _, r := range l.Records {
		if r.Kind == kind && (r.Dropped > 0 || r.Received != r.Expected) {
			return true
		}
	}
	return false
}
