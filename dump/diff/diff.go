// SPDX-License-Identifier: GPL-2.0-only

package diff

import (
	"fmt"
	"time"

	"scxdiag/dump"
)

// NoteBackwards is the note of a Diff whose second snapshot was taken before the first.
const NoteBackwards = "the second snapshot is older than the first"

// Diff is what changed from one snapshot to another.
type Diff struct {
	Before, After *dump.Snapshot
	// Identical is set if both snapshots are of one time, as far as known, and
	// say the same, as the same dump from two logs does.
	Identical bool
	// Elapsed is the time from Before to After, negative if After is older.
	Elapsed dump.Value[time.Duration]
	// SameRun is unset where something shows that the scheduler was started
	// anew in between, or that there are two of them. Progress and counters are
	// unknown then.
	SameRun bool
	// Ended is set if the scheduler was at work in Before and has come to its end
	// in After.
	Ended bool
	// SamePIDs is unset where a pid of one snapshot is not one of the other,
	// because the machine is another or booted anew. Tasks are not compared
	// then.
	SamePIDs bool
	// Notes say what limits the comparison, in plain words, which may quote
	// names from the dumps.
	Notes []string

	Tasks    Tasks
	Cells    Cells
	CPUs     CPUs
	Queues   Queues
	Counters Counters
}

// Of compares two snapshots, of which before should be the older one.
func Of(before, after *dump.Snapshot) *Diff {
	d := &Diff{Before: before, After: after, SameRun: true, SamePIDs: true}
	if !before.Time.IsZero() && !after.Time.IsZero() {
		d.Elapsed = dump.Of(after.Time.Sub(before.Time))
	}
	d.Identical = before == after || d.Elapsed.V == 0 && before.ID() == after.ID()
	d.relate()
	d.Ended = d.SameRun && before.Exit == nil && after.Exit != nil && (!d.Elapsed.Known || d.Elapsed.V >= 0)
	d.tasks()
	d.cells()
	d.cpus()
	d.queues()
	d.counters()
	return d
}

// Empty reports whether nothing is known to have changed. What is unknown may
// have.
func (d *Diff) Empty() bool {
	t := &d.Tasks
	return !d.Ended && len(t.Came)+len(t.Went)+len(t.Changed)+t.Advanced+t.WentBack == 0 &&
		len(d.Cells.Created)+len(d.Cells.Ended)+len(d.Cells.Changed)+d.Cells.moved == 0 &&
		len(d.CPUs.Changed)+d.CPUs.moved == 0 &&
		len(d.Queues.Changed) == 0 && len(d.Counters.Changed) == 0
}

func (d *Diff) note(format string, parts ...any) {
	d.Notes = append(d.Notes, fmt.Sprintf(format, parts...))
}

// sameMoment is how far the times of two reports of one end may be apart: some
// logs stamp whole seconds.
const sameMoment = time.Second

// relate finds out what the two snapshots have to do with each other.
func (d *Diff) relate() {
	b, a := d.Before, d.After
	if d.Identical {
		d.note("both are the same snapshot")
	}
	if d.Elapsed.Known && d.Elapsed.V < 0 {
		d.note(NoteBackwards)
		b, a = a, b
	}
	switch {
	case b.Host != "" && a.Host != "" && b.Host != a.Host:
		d.otherPIDs("the hosts differ: %s and %s", d.Before.Host, d.After.Host)
	case b.Kernel.Release != "" && a.Kernel.Release != "" && b.Kernel.Release != a.Kernel.Release:
		d.otherPIDs("the kernels differ: %s and %s", d.Before.Kernel.Release, d.After.Kernel.Release)
	}
	switch {
	case b.Scheduler != "" && a.Scheduler != "" && b.Scheduler != a.Scheduler:
		d.otherRun("the schedulers differ: %s and %s", d.Before.Scheduler, d.After.Scheduler)
	case b.Sub != nil && a.Sub != nil && *b.Sub != *a.Sub, (b.Sub == nil) != (a.Sub == nil):
		d.otherRun("the schedulers are of different cgroups")
	case d.Identical:
	case b.Exit != nil && a.Exit != nil:
		if !d.Elapsed.Known || a.Time.Sub(b.Time) > sameMoment {
			d.otherRun("each is the end of a scheduler: of two runs, or the same end from two reports")
		}
	case b.Exit != nil && d.Elapsed.Known:
		d.otherRun("the first snapshot is the end of the scheduler: the second is of its last moments, or of another run")
	case b.Exit != nil:
		d.otherRun("the first snapshot is the end of the scheduler: the second is the older one, or of another run")
	case b.Status != nil && a.Status != nil && a.Status.NrEvents < b.Status.NrEvents:
		d.otherRun("the scheduler was started again: its history is shorter than before")
	default:
		if name := wentBack(b.Counters, a.Counters); name != "" {
			d.otherRun("counters went back, such as %s: the scheduler was started again, or the order is wrong", name)
		}
	}
	for _, side := range []struct {
		what string
		s    *dump.Snapshot
	}{{"first", d.Before}, {"second", d.After}} {
		if !side.s.Ledger.Complete() {
			d.note("the %s snapshot is incomplete: what it lacks may have changed or not", side.what)
		}
	}
}

func (d *Diff) otherRun(format string, parts ...any) {
	d.SameRun = false
	d.note(format, parts...)
}

func (d *Diff) otherPIDs(format string, parts ...any) {
	d.SamePIDs = false
	d.otherRun(format, parts...)
}
