// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"time"

	"scxdiag/dump"
	"scxdiag/dump/diff"
)

// DiffSchema is the version of the JSON document of a difference. Fields may be
// added to a version; what is there keeps its name and meaning.
const DiffSchema = "scxdiag-diff/1"

// jsonDiffLimit bounds each list of the document.
const jsonDiffLimit = 10_000

// The types below are the JSON document of a difference: their tags are the
// contract. What is unknown is absent. Where a list was cut at its limit,
// omitted says how many of its elements are missing.

// jsonDiff has same_run false where the scheduler was started again in between
// or is another one, and same_pids false where a pid of one snapshot is not one
// of the other. Elapsed_ms is negative if the second snapshot is the older one.
type jsonDiff struct {
	Schema    string          `json:"schema"`
	Before    jsonSide        `json:"before"`
	After     jsonSide        `json:"after"`
	Empty     bool            `json:"empty"` // nothing is known to have changed
	Identical bool            `json:"identical"`
	Ended     bool            `json:"ended"` // the scheduler, in between
	ElapsedMS *int64          `json:"elapsed_ms,omitzero"`
	SameRun   bool            `json:"same_run"`
	SamePIDs  bool            `json:"same_pids"`
	Notes     []string        `json:"notes"`
	Tasks     jsonTasks       `json:"tasks"`
	Cells     jsonCells       `json:"cells"`
	CPUs      jsonCPUs        `json:"cpus"`
	Queues    jsonQueues      `json:"queues"`
	Counters  jsonCounterDiff `json:"counters"`
}

// jsonSide names a snapshot. Lists_tasks and lists_cells say what it means that
// it does not list one: with "all" it was not there, with "runnable" it was on
// no run queue; "some" and "nothing" tell nothing.
type jsonSide struct {
	ID         string     `json:"id"`
	Source     jsonSource `json:"source"`
	Time       string     `json:"time,omitzero"`
	Host       string     `json:"host,omitzero"`
	Kernel     string     `json:"kernel,omitzero"`
	Scheduler  string     `json:"scheduler,omitzero"`
	Trigger    string     `json:"trigger,omitzero"`
	Exit       *jsonExit  `json:"exit,omitzero"`
	Complete   bool       `json:"complete"`
	ListsTasks string     `json:"lists_tasks"`
	ListsCells string     `json:"lists_cells"`
}

// jsonTally counts how a field compares: absent is in neither snapshot, unknown
// in one only, or not comparable.
type jsonTally struct {
	Changed int `json:"changed"`
	Same    int `json:"same"`
	Unknown int `json:"unknown"`
	Absent  int `json:"absent"`
}

// jsonChange is a field before and after, with the type that it has in a
// snapshot.
type jsonChange struct {
	Before any `json:"before"`
	After  any `json:"after"`
}

// jsonTasks has in only_before and only_after how many tasks of one snapshot
// the other does not tell of, and in repeated how many entries were left out as
// naming a task again.
type jsonTasks struct {
	Matched     int               `json:"matched"`
	Came        []jsonArrival     `json:"came"`
	Went        []jsonArrival     `json:"went"`
	OnlyBefore  int               `json:"only_before"`
	OnlyAfter   int               `json:"only_after"`
	Repeated    int               `json:"repeated"`
	Changed     []jsonChangedTask `json:"changed"`
	Fields      object            `json:"fields"`
	Advanced    int               `json:"advanced"`
	StoodStill  int               `json:"stood_still"`
	WentBack    int               `json:"went_back"`
	NoVTime     int               `json:"vtime_unknown"`
	Waited      int               `json:"waited"`
	WaitUnknown int               `json:"wait_unknown"`
	Progress    []jsonProgress    `json:"progress"`
	Omitted     *jsonOmitted      `json:"omitted,omitzero"`
}

// jsonOmitted counts what the limit of a list left out; created cells are under
// came, ended ones under went.
type jsonOmitted struct {
	Came     int `json:"came,omitzero"`
	Went     int `json:"went,omitzero"`
	Changed  int `json:"changed,omitzero"`
	Progress int `json:"progress,omitzero"`
}

// jsonArrival is a task that came or went. Same_pid is what has its pid in the
// other snapshot; reused says that it is certainly another task.
type jsonArrival struct {
	PID     int32        `json:"pid"`
	Comm    string       `json:"comm"`
	Cell    *int32       `json:"cell,omitzero"`
	CPU     *int32       `json:"cpu,omitzero"`
	SamePID *jsonTaskRef `json:"same_pid,omitzero"`
	Reused  bool         `json:"reused,omitzero"`
}

type jsonChangedTask struct {
	PID     int32    `json:"pid"`
	Comm    string   `json:"comm"`
	Fields  object   `json:"fields"`           // what changed
	Unknown []string `json:"unknown,omitzero"` // fields that one snapshot lacks
}

// jsonProgress is how a task got on. Waited says whether it waited all the
// time.
type jsonProgress struct {
	PID       int32   `json:"pid"`
	Comm      string  `json:"comm"`
	Cell      *int32  `json:"cell,omitzero"`
	VTime     *int64  `json:"vtime_delta,omitzero"`
	RanNS     *int64  `json:"ran_ns,omitzero"`
	Runs      *uint64 `json:"runs,omitzero"`
	Waited    *bool   `json:"waited,omitzero"`
	WaitingMS *int64  `json:"waiting_ms,omitzero"`
}

type jsonCells struct {
	Matched    int                `json:"matched"`
	Created    []jsonCell         `json:"created"`
	Ended      []jsonCell         `json:"ended"`
	OnlyBefore int                `json:"only_before"`
	OnlyAfter  int                `json:"only_after"`
	Changed    []jsonChangedID    `json:"changed"`
	Fields     object             `json:"fields"`
	Progress   []jsonCellProgress `json:"progress"`
	Omitted    *jsonOmitted       `json:"omitted,omitzero"`
}

// jsonChangedID is a cell or CPU that changed.
type jsonChangedID struct {
	ID      int32    `json:"id"`
	Fields  object   `json:"fields"`
	Unknown []string `json:"unknown,omitzero"`
}

// jsonCellProgress counts in waited the tasks of the cell that waited all the
// time.
type jsonCellProgress struct {
	ID          int32  `json:"id"`
	VTime       *int64 `json:"vtime_delta,omitzero"`
	Waited      int    `json:"waited"`
	WaitUnknown int    `json:"wait_unknown"`
}

// jsonCPUs has in only_before and only_after the CPUs that one snapshot leaves
// out, as the kernel does with idle ones.
type jsonCPUs struct {
	Matched    int               `json:"matched"`
	OnlyBefore int               `json:"only_before"`
	OnlyAfter  int               `json:"only_after"`
	Changed    []jsonChangedID   `json:"changed"`
	Fields     object            `json:"fields"`
	Progress   []jsonCPUProgress `json:"progress,omitzero"`
	Omitted    *jsonOmitted      `json:"omitted,omitzero"`
}

type jsonCPUProgress struct {
	ID    int32  `json:"id"`
	VTime *int64 `json:"vtime_delta,omitzero"`
}

type jsonQueues struct {
	Lengths jsonTally    `json:"lengths"`
	Changed []jsonQueue  `json:"changed"`
	Omitted *jsonOmitted `json:"omitted,omitzero"`
}

// jsonQueue is a queue whose length changed: of cell or CPU id, or a DSQ with
// its id and name.
type jsonQueue struct {
	Kind   diff.QueueKind `json:"kind"`
	ID     *int32         `json:"id,omitzero"`
	DSQ    string         `json:"dsq,omitzero"`
	Name   string         `json:"name,omitzero"`
	Before int64          `json:"before"`
	After  int64          `json:"after"`
}

type jsonCounterDiff struct {
	Values  jsonTally            `json:"values"`
	Changed []jsonChangedCounter `json:"changed"`
	Omitted *jsonOmitted         `json:"omitted,omitzero"`
}

type jsonChangedCounter struct {
	Name   string `json:"name"`
	Before int64  `json:"before"`
	After  int64  `json:"after"`
}

// limited maps the first elements of a list, and counts the others. The list
// is never nil: an empty one is known to be empty.
func limited[S, T any](list []S, omitted *int, one func(*S) T) []T {
	n := min(len(list), jsonDiffLimit)
	*omitted = len(list) - n
	out := make([]T, n)
	for i := range out {
		out[i] = one(&list[i])
	}
	return out
}

// orNil is what is left out, nil if nothing is.
func (o jsonOmitted) orNil() *jsonOmitted {
	if o == (jsonOmitted{}) {
		return nil
	}
	return &o
}

func newJSONDiff(d *diff.Diff) *jsonDiff {
	j := &jsonDiff{
		Schema: DiffSchema,
		Before: newJSONSide(d.Before, d.Tasks.Before, d.Cells.Before),
		After:  newJSONSide(d.After, d.Tasks.After, d.Cells.After),
		Empty:  d.Empty(), Identical: d.Identical, Ended: d.Ended, ElapsedMS: optMillis(d.Elapsed),
		SameRun: d.SameRun, SamePIDs: d.SamePIDs,
		Notes: append([]string{}, jsonStrings(d.Notes)...),
		Tasks: newJSONTasks(d), Cells: newJSONCells(d), CPUs: newJSONCPUs(d),
	}
	var left jsonOmitted
	j.Queues.Lengths = newTally(d.Queues.Lengths)
	j.Queues.Changed = limited(d.Queues.Changed, &left.Changed, newJSONQueue)
	j.Queues.Omitted = left.orNil()
	j.Counters.Values = newTally(d.Counters.Values)
	j.Counters.Changed = limited(d.Counters.Changed, &left.Changed, func(c *diff.Counter) jsonChangedCounter {
		return jsonChangedCounter{jsonString(c.Name), c.Before, c.After}
	})
	j.Counters.Omitted = left.orNil()
	return j
}

func newJSONSide(s *dump.Snapshot, tasks, cells diff.Coverage) jsonSide {
	j := jsonSide{
		ID: s.ID(), Source: newJSONSource(s), Host: jsonString(s.Host), Kernel: jsonString(s.Kernel.String()),
		Scheduler: jsonString(s.Scheduler), Trigger: string(s.Trigger), Exit: newJSONExit(s.Exit),
		Complete: s.Ledger.Complete(), ListsTasks: tasks.String(), ListsCells: cells.String(),
	}
	if !s.Time.IsZero() {
		j.Time = s.Time.Format(time.RFC3339Nano)
	}
	return j
}

func newTally(t diff.Tally) jsonTally {
	return jsonTally{Changed: t.Changed, Same: t.Same, Unknown: t.Unknown, Absent: t.Absent}
}

// taskFieldJSON are the values of taskFieldNames in JSON.
var taskFieldJSON = [diff.NrTaskFields]func(*dump.Task) any{
	diff.TaskCell:              func(t *dump.Task) any { return t.Cell.V },
	diff.TaskCPU:               func(t *dump.Task) any { return t.CPU.V },
	diff.TaskDSQ:               func(t *dump.Task) any { return newJSONDSQRef(t.DSQ) },
	diff.TaskAssignedDSQ:       func(t *dump.Task) any { return newJSONDSQRef(t.AssignedDSQ) },
	diff.TaskCPUs:              func(t *dump.Task) any { return t.CPUs.V.String() },
	diff.TaskAllowedCPUs:       func(t *dump.Task) any { return t.AllowedCPUs.V.String() },
	diff.TaskSchedulerCPUs:     func(t *dump.Task) any { return t.SchedulerCPUs.V.String() },
	diff.TaskMigrationDisabled: func(t *dump.Task) any { return t.MigrationDisabled.V },
	diff.TaskWeight:            func(t *dump.Task) any { return t.Weight.V },
	diff.TaskCgroup:            func(t *dump.Task) any { return t.CgroupID.V },
}

func newJSONTasks(d *diff.Diff) jsonTasks {
	t := &d.Tasks
	arrival := func(a *diff.Arrival) jsonArrival {
		j := jsonArrival{PID: a.PID, Comm: jsonString(a.Comm), Cell: opt(a.Cell), CPU: opt(a.CPU), Reused: a.Reused}
		if a.SamePID != nil {
			j.SamePID = newJSONTaskRef(dump.Of(a.SamePID.TaskRef))
		}
		return j
	}
	var left jsonOmitted
	j := jsonTasks{
		Matched: t.Matched, Came: limited(t.Came, &left.Came, arrival), Went: limited(t.Went, &left.Went, arrival),
		OnlyBefore: t.OnlyBefore, OnlyAfter: t.OnlyAfter, Repeated: t.Repeated,
		Changed: limited(t.Changed, &left.Changed, func(c *diff.Task) jsonChangedTask {
			j := jsonChangedTask{PID: c.After.PID, Comm: jsonString(c.After.Comm)}
			for i, f := range &taskFieldNames {
				switch value := taskFieldJSON[i]; {
				case c.Changed.Has(i):
					j.Fields = append(j.Fields, member{f.json, jsonChange{value(c.Before), value(c.After)}})
				case c.Unknown.Has(i):
					j.Unknown = append(j.Unknown, f.json)
				}
			}
			return j
		}),
		Advanced: t.Advanced, StoodStill: t.StoodStill, WentBack: t.WentBack, NoVTime: t.NoVTime,
		Waited: t.Waited, WaitUnknown: t.WaitUnknown,
		Progress: limited(t.Progress, &left.Progress, newJSONProgress),
	}
	for i, f := range &taskFieldNames {
		j.Fields = append(j.Fields, member{f.json, newTally(t.Fields[i])})
	}
	j.Omitted = left.orNil()
	return j
}

func newJSONProgress(p *diff.Progress) jsonProgress {
	j := jsonProgress{
		PID: p.After.PID, Comm: jsonString(p.After.Comm), Cell: opt(p.After.Cell),
		VTime: opt(p.VTime), Runs: opt(p.Runs), Waited: opt(p.Waited),
	}
	if p.Ran.Known {
		j.RanNS = new(p.Ran.V.Nanoseconds())
	}
	if w, ok := p.After.WaitingFor(); ok {
		j.WaitingMS = new(w.Milliseconds())
	}
	return j
}

// cellFieldJSON are the values of cellFieldNames in JSON.
var cellFieldJSON = [diff.NrCellFields]func(*dump.Cell) any{
	diff.CellCPUs:  func(c *dump.Cell) any { return c.CPUs.V.String() },
	diff.CellState: func(c *dump.Cell) any { return jsonString(c.State.V) },
	diff.CellOwner: func(c *dump.Cell) any { return c.OwnerCgroup.V },
	diff.CellDSQ:   func(c *dump.Cell) any { return c.DSQ.V.String() },
}

func newJSONCells(d *diff.Diff) jsonCells {
	c := &d.Cells
	var left jsonOmitted
	of := func(s *dump.Snapshot) func(**dump.Cell) jsonCell {
		return func(c **dump.Cell) jsonCell { return newJSONCell(s, *c) }
	}
	j := jsonCells{
		Matched: c.Matched, OnlyBefore: c.OnlyBefore, OnlyAfter: c.OnlyAfter,
		Created: limited(c.Created, &left.Came, of(d.After)), Ended: limited(c.Ended, &left.Went, of(d.Before)),
		Changed: limited(c.Changed, &left.Changed, func(c *diff.Cell) jsonChangedID {
			j := jsonChangedID{ID: c.After.ID}
			for i, f := range &cellFieldNames {
				switch value := cellFieldJSON[i]; {
				case c.Changed.Has(i):
					j.Fields = append(j.Fields, member{f.json, jsonChange{value(c.Before), value(c.After)}})
				case c.Unknown.Has(i):
					j.Unknown = append(j.Unknown, f.json)
				}
			}
			return j
		}),
		Progress: limited(c.Progress, &left.Progress, func(p *diff.CellProgress) jsonCellProgress {
			return jsonCellProgress{p.After.ID, opt(p.VTime), p.Waited, p.WaitUnknown}
		}),
	}
	for i, f := range &cellFieldNames {
		j.Fields = append(j.Fields, member{f.json, newTally(c.Fields[i])})
	}
	j.Omitted = left.orNil()
	return j
}

func newJSONCPUs(d *diff.Diff) jsonCPUs {
	c := &d.CPUs
	kernel := d.After.Kernel
	values := [diff.NrCPUFields]func(*dump.CPU) any{
		diff.CPUCell:      func(c *dump.CPU) any { return c.Cell.V },
		diff.CPUClass:     func(c *dump.CPU) any { return jsonString(c.Class.V) },
		diff.CPUCurrent:   func(c *dump.CPU) any { return newJSONTaskRef(c.Current) },
		diff.CPUNrRunning: func(c *dump.CPU) any { return c.NrRunning.V },
		diff.CPUFlags:     func(c *dump.CPU) any { return jsonFlags(c.Flags, kernel.RQFlagNames) },
	}
	var left jsonOmitted
	j := jsonCPUs{
		Matched: c.Matched, OnlyBefore: c.OnlyBefore, OnlyAfter: c.OnlyAfter,
		Changed: limited(c.Changed, &left.Changed, func(c *diff.CPU) jsonChangedID {
			j := jsonChangedID{ID: c.After.ID}
			for i, f := range &cpuFieldNames {
				switch {
				case c.Changed.Has(i):
					j.Fields = append(j.Fields, member{f.json, jsonChange{values[i](c.Before), values[i](c.After)}})
				case c.Unknown.Has(i):
					j.Unknown = append(j.Unknown, f.json)
				}
			}
			return j
		}),
		Progress: limited(c.Progress, &left.Progress, func(p *diff.CPUProgress) jsonCPUProgress {
			return jsonCPUProgress{p.After.ID, opt(p.VTime)}
		}),
	}
	for i, f := range &cpuFieldNames {
		j.Fields = append(j.Fields, member{f.json, newTally(c.Fields[i])})
	}
	j.Omitted = left.orNil()
	return j
}

func newJSONQueue(q *diff.Queue) jsonQueue {
	j := jsonQueue{Kind: q.Kind, Before: q.Before, After: q.After}
	if q.DSQ == nil {
		j.ID = &q.Of
		return j
	}
	j.DSQ, j.Name = jsonDSQID(q.DSQ.ID), jsonString(q.DSQ.Name)
	return j
}
