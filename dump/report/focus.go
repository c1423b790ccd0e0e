// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"slices"

	"scxdiag/dump"
)

// focus is the part of a snapshot that its verdict is about: a task, the CPUs
// that it depends on, its cell. A part that the snapshot does not have is nil.
type focus struct {
	s     *dump.Snapshot
	label string // how task relates to the verdict
	task  *dump.Task
	cpus  []*dump.CPU
	cell  *dump.Cell
}

// labelRaisedIn is the label of a task that did nothing but run when the error
// was raised.
const labelRaisedIn = "raised in"

// newFocus picks the task that the exit message names; failing that, in a
// failure other than a stall, the task in which the error was raised; failing
// that, unless the scheduler itself reported the error, the one that waits for
// longest.
func newFocus(s *dump.Snapshot) *focus {
	f := &focus{s: s}
	x := s.Exit
	if f.label, f.task = "task", s.Subject(); f.task == nil && x != nil {
		f.label, f.task = labelRaisedIn, s.RaisedIn()
	}
	if f.task == nil && (!s.IsFailure() || !x.Subject.Known && x.Kind.V != dump.ExitErrorBPF) {
		f.label, f.task = "waits most", s.LongestWaiting()
	}
	if t := f.task; t != nil {
		if t.CPU.Known {
			f.addCPU(t.CPU.V)
		}
		if d := t.DSQ.V; t.DSQ.Known && (d.Kind == dump.DSQKindCPU || d.Kind == dump.DSQKindLocal) {
			f.addCPU(d.CPU)
		}
		if t.Cell.Known {
			f.cell = s.Cell(t.Cell.V)
		}
		if t.DSQ.Known && t.DSQ.V.Kind == dump.DSQKindCell {
			f.cell = s.Cell(t.DSQ.V.Cell)
		}
	}
	if x != nil && x.CPU.Known {
		f.addCPU(x.CPU.V)
	}
	if f.cell == nil && len(f.cpus) > 0 && f.cpus[0].Cell.Known {
		f.cell = s.Cell(f.cpus[0].Cell.V)
	}
	return f
}

func (f *focus) addCPU(id int32) {
	if c := f.s.CPU(id); c != nil && !slices.Contains(f.cpus, c) {
		f.cpus = append(f.cpus, c)
	}
}

func (f *focus) rows() []row {
	var rows []row
	if x := f.s.Exit; f.task == nil && x != nil && x.Subject.Known && len(f.s.CPUs) > 0 {
		rows = append(rows, row{label: "task", lines: []phrase{
			say(x.Subject.V, ", which the message names, is not in the dump"),
		}})
	}
	if f.task != nil {
		rows = append(rows, taskRows(f.s, f.label, f.task)...)
	}
	for _, c := range f.cpus {
		rows = append(rows, cpuRow(f.s, c))
	}
	if f.cell != nil && f.s.Exit != nil { // or all cells are above
		rows = append(rows, cellRow(f.s, f.cell))
	}
	return rows
}
