// SPDX-License-Identifier: GPL-2.0-only

package diff

import (
	"cmp"
	"slices"
	"time"

	"scxdiag/dump"
)

// The fields of a task that are compared.
const (
	TaskCell int = iota
	TaskCPU
	TaskDSQ
	TaskAssignedDSQ
	TaskCPUs
	TaskAllowedCPUs
	TaskSchedulerCPUs
	TaskMigrationDisabled
	TaskWeight
	TaskCgroup
	NrTaskFields
)

var taskFields = [NrTaskFields]compare[dump.Task]{
	TaskCell:              by(func(t *dump.Task) *dump.Value[int32] { return &t.Cell }),
	TaskCPU:               by(func(t *dump.Task) *dump.Value[int32] { return &t.CPU }),
	TaskDSQ:               byFunc(func(t *dump.Task) *dump.Value[dump.DSQRef] { return &t.DSQ }, sameDSQ),
	TaskAssignedDSQ:       byFunc(func(t *dump.Task) *dump.Value[dump.DSQRef] { return &t.AssignedDSQ }, sameDSQ),
	TaskCPUs:              by(func(t *dump.Task) *dump.Value[dump.CPUMask] { return &t.CPUs }),
	TaskAllowedCPUs:       by(func(t *dump.Task) *dump.Value[dump.CPUMask] { return &t.AllowedCPUs }),
	TaskSchedulerCPUs:     by(func(t *dump.Task) *dump.Value[dump.CPUMask] { return &t.SchedulerCPUs }),
	TaskMigrationDisabled: by(func(t *dump.Task) *dump.Value[uint32] { return &t.MigrationDisabled }),
	TaskWeight:            by(func(t *dump.Task) *dump.Value[uint32] { return &t.Weight }),
	TaskCgroup:            by(func(t *dump.Task) *dump.Value[uint64] { return &t.CgroupID }),
}

// sameDSQ reports whether two references name one queue. The local DSQs of all
// CPUs have one id.
func sameDSQ(a, b dump.DSQRef) bool {
	if a.IsNone() || b.IsNone() {
		return a.IsNone() == b.IsNone()
	}
	return a.ID == b.ID && (a.Kind != dump.DSQKindLocal || b.Kind != dump.DSQKindLocal || a.CPU == b.CPU)
}

// Tasks is what became of the tasks. Those of both snapshots are matched by pid
// and comm.
type Tasks struct {
	// Before and After say what it means that a snapshot does not list a task.
	Before, After Coverage
	Matched       int
	// Came and Went are tasks of one snapshot that the other shows not to have
	// had, in the order of the snapshot. If that one covers runnable tasks only,
	// they may have slept there.
	Came, Went []Arrival
	// OnlyBefore and OnlyAfter count the tasks of one snapshot of which the
	// other does not tell whether it had them.
	OnlyBefore, OnlyAfter int
	// Repeated counts what was left out because it names a task a second time,
	// as when one moved while the dump was taken, or has no pid.
	Repeated int
	Changed  []Task // the matched tasks of which a field changed, most telling first
	Fields   [NrTaskFields]Tally

	// Progress has every matched task, those that waited all the time first and
	// of these the one that waits longest; then those that advanced, the fastest
	// first.
	Progress []Progress
	// Advanced, StoodStill and WentBack count the matched tasks by virtual time;
	// of NoVTime it is not known in both snapshots.
	Advanced, StoodStill, WentBack, NoVTime int
	// Waited counts the tasks that waited all the time from the first to the
	// second snapshot, and WaitUnknown those of which that is not known.
	Waited, WaitUnknown int
}

// Arrival is a task that came or went.
type Arrival struct {
	*dump.Task
	// SamePID is the task of the same pid in the other snapshot, nil if there
	// is none: the pid was used again, or the task took another name.
	SamePID *dump.Task
	// Reused is set if the pid was certainly used again.
	Reused bool
}

// Task is a task of both snapshots.
type Task struct {
	Before, After    *dump.Task
	Changed, Unknown Fields // numbered TaskCell and so on
}

// Progress is how a task got on.
type Progress struct {
	Before, After *dump.Task
	VTime         dump.Value[int64]         // how far its virtual time moved
	Ran           dump.Value[time.Duration] // how long it ran in between
	Runs          dump.Value[uint64]        // how often it was picked in between
	// Waited is whether it waited all the time, without running once.
	Waited dump.Value[bool]
}

// taskKey is what a task is matched by.
type taskKey = dump.TaskRef

// taskSet finds tasks of a snapshot.
type taskSet struct {
	byRef map[taskKey]*dump.Task
	byPID map[int32]*dump.Task
	list  []*dump.Task // each task once
	twice int
}

func newTaskSet(s *dump.Snapshot) *taskSet {
	set := &taskSet{
		byRef: make(map[taskKey]*dump.Task, len(s.Tasks)),
		byPID: make(map[int32]*dump.Task, len(s.Tasks)),
	}
	for i := range s.Tasks {
		t := &s.Tasks[i]
		if _, ok := set.byRef[t.TaskRef]; ok || t.PID < 0 {
			set.twice++
			continue
		}
		set.byRef[t.TaskRef] = t
		set.list = append(set.list, t)
		if t.PID > 0 { // 0 is the idle task of every CPU
			set.byPID[t.PID] = t
		}
	}
	return set
}

// tasks compares the tasks.
func (d *Diff) tasks() {
	r := &d.Tasks
	r.Before, r.After = taskCoverage(d.Before), taskCoverage(d.After)
	before, after := newTaskSet(d.Before), newTaskSet(d.After)
	r.Repeated = before.twice + after.twice
	if !d.SamePIDs {
		r.OnlyBefore, r.OnlyAfter = len(before.list), len(after.list)
		return
	}
	for _, t := range before.list {
		same := after.byRef[t.TaskRef]
		switch {
		case same == nil:
			d.only(t, after.byPID[t.PID], r.After, &r.Went, &r.OnlyBefore)
		case d.reused(t, same):
			r.Went = append(r.Went, Arrival{t, same, true})
		default:
			d.matched(t, same)
		}
	}
	for _, t := range after.list {
		same := before.byRef[t.TaskRef]
		switch {
		case same == nil:
			d.only(t, before.byPID[t.PID], r.Before, &r.Came, &r.OnlyAfter)
		case d.reused(same, t):
			r.Came = append(r.Came, Arrival{t, same, true})
		}
	}
	slices.SortStableFunc(r.Changed, func(a, b Task) int { return cmp.Compare(rank(a.Changed), rank(b.Changed)) })
	slices.SortStableFunc(r.Progress, compareProgress)
}

// only takes a task that the other snapshot does not list; other is the task
// that has its pid there.
func (d *Diff) only(t, other *dump.Task, covers Coverage, list *[]Arrival, untold *int) {
	switch {
	case other != nil: // whatever was lost, that pid was listed
	case covers <= CoversSome, covers == CoversRunnable && t.IsOffQueue():
		*untold++
		return
	}
	*list = append(*list, Arrival{Task: t, SamePID: other, Reused: other != nil && d.reused(t, other)})
}

// reused reports whether two tasks of one pid cannot be the same: their
// processes differ, one is of the kernel, or what only grows has shrunk.
func (d *Diff) reused(before, after *dump.Task) bool {
	b, a := before, after
	switch {
	case b.TGID.Known && a.TGID.Known && b.TGID.V != a.TGID.V:
		return true
	case b.PFFlags.Known && a.PFFlags.Known && (b.PFFlags.V^a.PFFlags.V)&dump.PFKThread != 0:
		return true
	case !d.inOrder():
		return false
	}
	return b.Runs.Known && a.Runs.Known && a.Runs.V < b.Runs.V ||
		b.RunTime.Known && a.RunTime.Known && a.RunTime.V < b.RunTime.V
}

// inOrder reports whether what only grows has to have grown.
func (d *Diff) inOrder() bool { return d.SameRun && (!d.Elapsed.Known || d.Elapsed.V >= 0) }

func (d *Diff) matched(before, after *dump.Task) {
	r := &d.Tasks
	r.Matched++
	changed, unknown := compareAll(taskFields[:], r.Fields[:], before, after)
	if changed != 0 {
		r.Changed = append(r.Changed, Task{before, after, changed, unknown})
	}
	p := Progress{Before: before, After: after, Waited: d.waited(before, after)}
	if d.SameRun {
		p.VTime = progress(vtime(before, after))
		if d.inOrder() {
			if b, a := before.RunTime, after.RunTime; b.Known && a.Known {
				p.Ran = dump.Of(a.V - b.V)
			}
			if b, a := before.Runs, after.Runs; b.Known && a.Known {
				p.Runs = dump.Of(a.V - b.V)
			}
		}
	}
	r.Progress = append(r.Progress, p)
	switch {
	case !p.VTime.Known:
		r.NoVTime++
	case p.VTime.V > 0:
		r.Advanced++
	case p.VTime.V < 0:
		r.WentBack++
	default:
		r.StoodStill++
	}
	switch {
	case !p.Waited.Known:
		r.WaitUnknown++
	case p.Waited.V:
		r.Waited++
	}
}

// vtime is the virtual time of a task in both snapshots: the scheduler's, or
// else the kernel's, which is 0 under schedulers that do not use it.
func vtime(before, after *dump.Task) (b, a dump.Value[uint64]) {
	if before.VTime.Known && after.VTime.Known {
		return before.VTime, after.VTime
	}
	b, a = before.DSQVTime, after.DSQVTime
	if b.V == 0 && a.V == 0 {
		return dump.Value[uint64]{}, dump.Value[uint64]{}
	}
	return b, a
}

// waitSlack is how far off the clock of RunnableAt may be: a jiffy, at the
// lowest HZ that kernels have.
const waitSlack = 10 * time.Millisecond

// waited is whether a task waited from one snapshot to the other. That is
// certain where it was not picked in between, or has waited for longer than
// that.
func (d *Diff) waited(before, after *dump.Task) dump.Value[bool] {
	if !d.inOrder() || d.Identical {
		return dump.Value[bool]{}
	}
	wait, waits := after.WaitingFor()
	switch {
	case after.Current || after.IsOffQueue() || before.Current || before.IsOffQueue():
		return dump.Of(false)
	case before.Runs.Known && after.Runs.Known && before.Runs.V != after.Runs.V:
		return dump.Of(false)
	case !waits:
		return dump.Value[bool]{}
	case d.Elapsed.Known:
		return dump.Of(wait+waitSlack >= d.Elapsed.V)
	}
	earlier, waited := before.WaitingFor()
	if waited && wait < earlier {
		return dump.Of(false) // it began anew
	}
	return dump.Value[bool]{}
}

// rank puts a set of changes among others: a task that moved to another cell
// first, one that only moved to another queue last.
func rank(f Fields) int {
	for i, field := range [...]int{
		TaskCell, TaskAllowedCPUs, TaskCPUs, TaskSchedulerCPUs, TaskMigrationDisabled, TaskWeight, TaskCgroup,
		TaskAssignedDSQ, TaskCPU, TaskDSQ,
	} {
		if f.Has(field) {
			return i
		}
	}
	return NrTaskFields
}

func compareProgress(a, b Progress) int {
	if a.Waited.V != b.Waited.V {
		return cmp.Compare(btoi(b.Waited.V), btoi(a.Waited.V))
	}
	if a.Waited.V {
		wa, _ := a.After.WaitingFor()
		wb, _ := b.After.WaitingFor()
		return cmp.Compare(wb, wa)
	}
	return cmp.Or(cmp.Compare(btoi(b.VTime.Known), btoi(a.VTime.Known)), cmp.Compare(b.VTime.V, a.VTime.V))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
