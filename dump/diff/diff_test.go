// SPDX-License-Identifier: GPL-2.0-only

package diff

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scxdiag/dump"
	"scxdiag/dump/wire"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// ring is a sample from ring-buffer records that lost nothing: two cells of two
// CPUs, a task that waits in each, and one that sleeps.
func ring(at time.Duration) *dump.Snapshot {
	task := func(comm string, pid, cell int32, waits time.Duration) dump.Task {
		queue := dump.DSQID(2<<28 | cell<<16)
		return dump.Task{
			TaskRef: dump.TaskRef{Comm: comm, PID: pid}, CPU: dump.Of(2 * cell), State: dump.Of(byte('R')),
			RunnableAt: dump.Of(-waits), Flags: dump.Of[uint32](dump.TaskFlagQUEUED),
			DSQ: dump.Of(dump.DSQRef{ID: queue, Kind: dump.DSQKindCell, Cell: cell}), Cell: dump.Of(cell),
			CPUs: dump.Of(dump.MaskRange(0, 3)), AllowedCPUs: dump.Of(dump.MaskRange(0, 3)),
			VTime: dump.Of[uint64](1000), TGID: dump.Of(pid), PFFlags: dump.Of[uint32](0),
			RunTime: dump.Of(time.Second), Runs: dump.Of[uint64](10), Weight: dump.Of[uint32](100),
		}
	}
	asleep := task("sleeper", 30, 0, 0)
	asleep.Walked, asleep.State, asleep.Flags = true, dump.Of(byte('S')), dump.Of[uint32](0)
	asleep.RunnableAt = dump.Value[time.Duration]{}
	s := &dump.Snapshot{
		Time: noon.Add(at), Host: "h", Scheduler: "cells", Trigger: dump.TriggerSample,
		Cells: []dump.Cell{
			{ID: 0, CPUs: dump.Of(dump.MaskRange(0, 1)), VTime: dump.Of[uint64](5000), Queued: dump.Of[int64](1),
				Generation: dump.Of[uint32](1), State: dump.Of(dump.CellLive)},
			{ID: 1, CPUs: dump.Of(dump.MaskRange(2, 3)), VTime: dump.Of[uint64](6000), Queued: dump.Of[int64](1),
				Generation: dump.Of[uint32](4), State: dump.Of(dump.CellLive)},
		},
		Tasks:    []dump.Task{task("web", 10, 0, 20*time.Millisecond), task("batch", 20, 1, 40*time.Millisecond), asleep},
		Counters: []dump.Counter{{Name: "SCX_EV_X", Value: 7}},
		Ledger: dump.Ledger{Records: []dump.RecordCount{
			{Kind: "task", Expected: 3, Received: 3}, {Kind: "cell", Expected: 2, Received: 2},
		}},
	}
	for id := range int32(4) {
		s.CPUs = append(s.CPUs, dump.CPU{ID: id, Listed: true, Cell: dump.Of(id / 2), Class: dump.Of(dump.ClassIdle),
			NrRunning: dump.Of[uint32](0), Flags: dump.Of[uint32](1)})
	}
	return s
}

// text is the same from the kernel's text, which lists no sleeping tasks.
func text(at time.Duration) *dump.Snapshot {
	s := ring(at)
	s.Tasks = s.Tasks[:2]
	s.Ledger = dump.Ledger{Lines: dump.LineCounts{Parsed: 50}}
	return s
}

// withDSQ has a DSQ with queued tasks, of cell 1 if that says which its DSQ is.
func withDSQ(s *dump.Snapshot, queued int64) *dump.Snapshot {
	s.DSQs = []dump.DSQ{{ID: dump.Of[dump.DSQID](7), Queued: dump.Of(queued)}}
	if len(s.Ledger.Records) > 0 {
		s.Cells[1].DSQ = dump.Of[dump.DSQID](7)
	}
	return s
}

func lossy(s *dump.Snapshot) *dump.Snapshot {
	s.Ledger.Records[0] = dump.RecordCount{Kind: "task", Expected: 4, Received: 3, Dropped: 1}
	return s
}

func truncated(s *dump.Snapshot) *dump.Snapshot {
	s.Ledger.Truncated = true
	return s
}

func without(s *dump.Snapshot, pid int32) *dump.Snapshot {
	s.Tasks = slices.DeleteFunc(s.Tasks, func(t dump.Task) bool { return t.PID == pid })
	return s
}

// summary is all that a diff says, in few words.
func summary(d *Diff) []string {
	var out []string
	add := func(format string, parts ...any) { out = append(out, fmt.Sprintf(format, parts...)) }
	names := [NrTaskFields]string{"cell", "cpu", "dsq", "assigned", "cpus", "allowed", "scheduler", "migration", "weight", "cgroup"}
	for _, a := range d.Tasks.Came {
		add("came %v same pid %v reused %v", a.TaskRef, a.SamePID != nil, a.Reused)
	}
	for _, a := range d.Tasks.Went {
		add("went %v same pid %v reused %v", a.TaskRef, a.SamePID != nil, a.Reused)
	}
	if n := d.Tasks.OnlyBefore; n > 0 {
		add("untold before %d", n)
	}
	if n := d.Tasks.OnlyAfter; n > 0 {
		add("untold after %d", n)
	}
	for _, t := range d.Tasks.Changed {
		for i, n := range names {
			if t.Changed.Has(i) {
				add("task %d %s", t.After.PID, n)
			}
		}
	}
	for _, p := range d.Tasks.Progress {
		if p.VTime.V != 0 {
			add("task %d vtime %+d", p.After.PID, p.VTime.V)
		}
		if p.Waited.V {
			add("task %d waited", p.After.PID)
		}
	}
	for _, c := range d.Cells.Created {
		add("created cell %d", c.ID)
	}
	for _, c := range d.Cells.Ended {
		add("ended cell %d", c.ID)
	}
	if n := d.Cells.OnlyBefore + d.Cells.OnlyAfter; n > 0 {
		add("untold cells %d", n)
	}
	for i := range d.Cells.Changed {
		c := &d.Cells.Changed[i]
		add("cell %d changed %b +%v -%v", c.After.ID, c.Changed, c.Gained(), c.Lost())
	}
	for _, p := range d.Cells.Progress {
		if p.VTime.V != 0 || p.Waited > 0 {
			add("cell %d vtime %+d, %d waited", p.After.ID, p.VTime.V, p.Waited)
		}
	}
	for _, c := range d.CPUs.Changed {
		add("CPU %d changed %b", c.After.ID, c.Changed)
	}
	for i := range d.Queues.Changed {
		q := &d.Queues.Changed[i]
		add("%s %d queued %+d", q.Kind, q.Of, q.Delta())
	}
	for i := range d.Counters.Changed {
		add("%s %+d", d.Counters.Changed[i].Name, d.Counters.Changed[i].Delta())
	}
	if d.Ended {
		add("ended")
	}
	if !d.SameRun {
		add("another run")
	}
	if !d.SamePIDs {
		add("other pids")
	}
	return out
}

func TestDifferences(t *testing.T) {
	const later = 4 * time.Second
	change := func(f func(s *dump.Snapshot)) *dump.Snapshot {
		s := ring(later)
		f(s)
		return s
	}
	for _, c := range []struct {
		name          string
		before, after *dump.Snapshot
		want          []string
	}{
		{"nothing happened", ring(0), ring(later), nil},
		{"a task ended", ring(0), without(ring(later), 20), []string{"went batch[20] same pid false reused false"}},
		{"a task started", without(ring(0), 20), ring(later), []string{"came batch[20] same pid false reused false"}},
		{"a task is not among the records of which some were lost", ring(0), lossy(without(ring(later), 20)), []string{"untold before 1"}},
		{"a task may have been among those that were lost", lossy(without(ring(0), 20)), ring(later), []string{"untold after 1"}},
		{"the end of the text is missing", text(0), truncated(without(text(later), 20)), []string{"untold before 1"}},
		{"a task left the run queues", text(0), without(text(later), 20), []string{"went batch[20] same pid false reused false"}},
		{"one that slept is not in the text", ring(0), text(later), []string{"untold before 1"}},
		{"one sleeps of which the text knew nothing", text(0), ring(later), []string{"untold after 1"}},
		{"a verdict lists nothing", ring(0), &dump.Snapshot{Scheduler: "cells", Time: noon.Add(later)},
			[]string{"untold before 3", "untold cells 2"}},
		{"a task has another name", ring(0), change(func(s *dump.Snapshot) { s.Tasks[1].Comm = "new" }), []string{
			"came new[20] same pid true reused false", "went batch[20] same pid true reused false"}},
		{"the name of a task is another although records were lost", ring(0), lossy(change(func(s *dump.Snapshot) { s.Tasks[1].Comm = "new" })),
			[]string{"came new[20] same pid true reused false", "went batch[20] same pid true reused false"}},
		{"a pid of another process", ring(0), change(func(s *dump.Snapshot) { s.Tasks[1].TGID.V = 10 }), []string{
			"came batch[20] same pid true reused true", "went batch[20] same pid true reused true"}},
		{"a pid whose task has run less than before", ring(0), change(func(s *dump.Snapshot) { s.Tasks[1].RunTime.V = time.Millisecond }),
			[]string{"came batch[20] same pid true reused true", "went batch[20] same pid true reused true"}},
		{"a task moved to another cell", ring(0), change(func(s *dump.Snapshot) { s.Tasks[0].Cell.V = 1 }), []string{"task 10 cell"}},
		{"a task moved to another CPU", ring(0), change(func(s *dump.Snapshot) { s.Tasks[0].CPU.V = 1 }), []string{"task 10 cpu"}},
		{"a task moved to another queue", ring(0), change(func(s *dump.Snapshot) {
			s.Tasks[0].DSQ.V = dump.BuiltinDSQ(dump.DSQLocal, 0)
		}), []string{"task 10 dsq"}},
		{"a task lost CPUs", ring(0), change(func(s *dump.Snapshot) { s.Tasks[0].AllowedCPUs.V = dump.MaskOf(1) }), []string{"task 10 allowed"}},
		{"a cell is unknown on one side", ring(0), change(func(s *dump.Snapshot) { s.Tasks[0].Cell = dump.Value[int32]{} }), nil},
		{"a task moved to a cell comes before one that moved to a CPU", ring(0), change(func(s *dump.Snapshot) {
			s.Tasks[0].CPU.V, s.Tasks[1].Cell.V = 3, 0
		}), []string{"task 20 cell", "task 10 cpu"}},
		{"a task waited all the time", ring(0), change(func(s *dump.Snapshot) { s.Tasks[1].RunnableAt.V = -later }),
			[]string{"task 20 waited", "cell 1 vtime +0, 1 waited"}},
		{"a task waited but for a moment", ring(0), change(func(s *dump.Snapshot) { s.Tasks[1].RunnableAt.V = -later / 2 }), nil},
		{"a task that ran and waits again has not waited", ring(0), change(func(s *dump.Snapshot) {
			s.Tasks[1].RunnableAt.V, s.Tasks[1].Runs.V = -later, 11
		}), nil},
		{"vtimes wrap", change(func(s *dump.Snapshot) { s.Time, s.Tasks[0].VTime.V = noon, ^uint64(0)-9 }), change(func(s *dump.Snapshot) {
			s.Tasks[0].VTime.V = 20
		}), []string{"task 10 vtime +30"}},
		{"the clock of a cell moves", ring(0), change(func(s *dump.Snapshot) { s.Cells[1].VTime.V += 500 }), []string{"cell 1 vtime +500, 0 waited"}},
		{"a CPU moved to another cell", ring(0), change(func(s *dump.Snapshot) {
			s.CPUs[1].Cell.V = 1
			s.Cells[0].CPUs.V, s.Cells[1].CPUs.V = dump.MaskOf(0), dump.MaskRange(1, 3)
		}), []string{"cell 0 changed 1 + -1", "cell 1 changed 1 +1 -", "CPU 1 changed 1"}},
		{"a cell ended", ring(0), change(func(s *dump.Snapshot) { s.Cells = s.Cells[:1] }), []string{"ended cell 1"}},
		{"a cell is free", ring(0), change(func(s *dump.Snapshot) { s.Cells[1] = dump.Cell{ID: 1, State: dump.Of(dump.CellFree)} }), []string{"ended cell 1"}},
		{"a cell came out of a free id", change(func(s *dump.Snapshot) {
			s.Time, s.Cells[1] = noon, dump.Cell{ID: 1, State: dump.Of(dump.CellFree)}
		}), ring(later), []string{"created cell 1"}},
		{"a cell is among the records that were lost", ring(0), change(func(s *dump.Snapshot) {
			s.Cells = s.Cells[:1]
			s.Ledger.Records[1].Received--
		}), []string{"untold cells 1"}},
		{"the id of a cell was given to another", ring(0), change(func(s *dump.Snapshot) { s.Cells[1].Generation.V++ }),
			[]string{"created cell 1", "ended cell 1"}},
		{"a queue grew", ring(0), change(func(s *dump.Snapshot) { s.Cells[1].Queued.V = 9 }), []string{"cell 1 queued +8"}},
		{"the length of a queue is an error", ring(0), change(func(s *dump.Snapshot) { s.Cells[1].Queued.V = -2 }), nil},
		{"a queue of a cell is described as a DSQ, too", withDSQ(ring(0), 1), withDSQ(ring(later), 9), nil},
		{"a queue of its own", withDSQ(text(0), 1), withDSQ(text(later), 9), []string{"dsq 0 queued +8"}},
		{"a counter grew", ring(0), change(func(s *dump.Snapshot) { s.Counters[0].Value = 9 }), []string{"SCX_EV_X +2"}},
		{"a counter went back", ring(0), change(func(s *dump.Snapshot) { s.Counters[0].Value = 1; s.Cells[0].VTime.V = 1 }), []string{"another run"}},
		{"the hosts differ", ring(0), change(func(s *dump.Snapshot) { s.Host = "i" }),
			[]string{"untold before 3", "untold after 3", "another run", "other pids"}},
		{"the schedulers differ", ring(0), change(func(s *dump.Snapshot) { s.Scheduler, s.Tasks[0].VTime.V = "x", 1 }), []string{"another run"}},
		{"the scheduler had ended", change(func(s *dump.Snapshot) { s.Time, s.Exit = noon, &dump.Exit{} }), ring(later), []string{"another run"}},
		{"the scheduler ended", ring(0), change(func(s *dump.Snapshot) { s.Exit = &dump.Exit{} }), []string{"ended"}},
		{"the first is the end and the younger one", change(func(s *dump.Snapshot) { s.Exit = &dump.Exit{} }), ring(0), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Of(c.before, c.after)
			if diff := cmp.Diff(c.want, summary(d)); diff != "" {
				t.Errorf("-want +got:\n%s\nnotes: %s", diff, strings.Join(d.Notes, "; "))
			}
			onlyWaits := len(c.want) > 0 && strings.HasPrefix(c.want[0], "task 20 waited")
			untold := len(c.want) > 0 && (strings.HasPrefix(c.want[0], "untold") || strings.HasPrefix(c.want[0], "another"))
			if want := len(c.want) == 0 || onlyWaits || untold; d.Empty() != want {
				t.Errorf("Empty is %v, want %v", d.Empty(), want)
			}
		})
	}
}

func TestUnknownIsNotSame(t *testing.T) {
	after := ring(time.Second)
	after.Tasks[0].Cell = dump.Value[int32]{}
	after.Tasks[1].CgroupID = dump.Of[uint64](3)
	d := Of(ring(0), after)
	for field, want := range map[int]Tally{
		TaskCell:      {Unknown: 1, Same: 2},
		TaskCgroup:    {Unknown: 1, Absent: 2},
		TaskCPU:       {Same: 3},
		TaskDSQ:       {Same: 3},
		TaskWeight:    {Same: 3},
		TaskCPUs:      {Same: 3},
		TaskHasNoName: {Absent: 3},
	} {
		if got := d.Tasks.Fields[field]; got != want {
			t.Errorf("field %d: %+v, want %+v", field, got, want)
		}
	}
	before := ring(0)
	before.Counters = append(before.Counters, dump.Counter{Name: "SCX_EV_OLD"})
	after.Counters = append(after.Counters, dump.Counter{Name: "SCX_EV_NEW"})
	if got, want := Of(before, after).Counters.Values, (Tally{Unknown: 2, Same: 1}); got != want {
		t.Errorf("counters: %+v, want %+v", got, want)
	}
	other := ring(time.Second)
	other.Scheduler = "other"
	d = Of(ring(0), other)
	if d.Tasks.NoVTime != 3 || d.Tasks.WaitUnknown != 3 || d.Cells.Progress[0].VTime.Known || d.Counters.Values.Unknown != 1 {
		t.Errorf("across two schedulers: %+v, %+v, %+v", d.Tasks, d.Cells.Progress[0], d.Counters)
	}
}

// TaskHasNoName is a field that ring leaves unknown.
const TaskHasNoName = TaskSchedulerCPUs

func TestWaitWithoutTimes(t *testing.T) {
	for _, c := range []struct {
		name  string
		wait  time.Duration
		known bool
	}{
		{"a wait that got longer may have begun anew", time.Second, false},
		{"one that got shorter has", time.Millisecond, true},
	} {
		before, after := ring(0), ring(0)
		before.Time, after.Time = time.Time{}, time.Time{}
		after.Tasks[1].RunnableAt.V = -c.wait
		for _, p := range Of(before, after).Tasks.Progress {
			if p.After.PID == 20 && (p.Waited.Known != c.known || p.Waited.V) {
				t.Errorf("%s: %+v", c.name, p.Waited)
			}
		}
	}
}

func TestIdentical(t *testing.T) {
	timeless := ring(0)
	timeless.Time = time.Time{}
	for _, c := range []struct {
		name          string
		before, after *dump.Snapshot
		want          bool
	}{
		{"the same", ring(0), ring(0), true},
		{"the same from a log without times", ring(0), timeless, true},
		{"all is as it was a second ago", ring(0), ring(time.Second), false},
	} {
		if d := Of(c.before, c.after); d.Identical != c.want || !d.Empty() {
			t.Errorf("%s: identical %v, want %v; %v", c.name, d.Identical, c.want, summary(d))
		}
	}
}

func TestATaskListedTwiceIsOne(t *testing.T) {
	after := ring(time.Second)
	moved := after.Tasks[0]
	moved.CPU.V = 3
	after.Tasks = append(after.Tasks, moved)
	d := Of(ring(0), after)
	if !d.Empty() || d.Tasks.Repeated != 1 {
		t.Errorf("%v, %d repeated; want nothing, 1", summary(d), d.Tasks.Repeated)
	}
}

func TestRecordKindsHaveTheNamesOfTheLedger(t *testing.T) {
	if wire.KindTask.String() != recordTask || wire.KindCell.String() != recordCell {
		t.Errorf("the ledger calls them %s and %s", wire.KindTask, wire.KindCell)
	}
}

func TestCoverage(t *testing.T) {
	for _, c := range []struct {
		name        string
		s           *dump.Snapshot
		tasks, cell Coverage
	}{
		{"records", ring(0), CoversAll, CoversAll},
		{"records without the walk", without(ring(0), 30), CoversRunnable, CoversAll},
		{"records, some lost", lossy(ring(0)), CoversSome, CoversAll},
		{"records without their end", truncated(ring(0)), CoversSome, CoversSome},
		{"text", text(0), CoversRunnable, CoversAll},
		{"cut text", truncated(text(0)), CoversSome, CoversSome},
		{"a verdict", &dump.Snapshot{}, CoversNothing, CoversNothing},
	} {
		if tasks, cell := taskCoverage(c.s), cellCoverage(c.s); tasks != c.tasks || cell != c.cell {
			t.Errorf("%s: tasks %v, cells %v; want %v, %v", c.name, tasks, cell, c.tasks, c.cell)
		}
	}
}
