// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"scxdiag/dump"
)

// How many CPUs and cells of a scheduler at work are shown one by one.
const (
	workCPUs  = 8
	workCells = 8
)

// workRows says what a scheduler that goes on is doing: what runs, and what
// there is to do for each cell.
func workRows(s *dump.Snapshot) []row {
	if s.Exit != nil {
		return nil
	}
	var rows []row
	rows = append(rows, schedulerRows(s)...)
	if r, ok := fact("runs", running(s)); ok {
		rows = append(rows, r)
	}
	work := cellWork(s)
	shown, more := 0, 0
	for i := range s.Cells {
		c := &s.Cells[i]
		w := work[c.ID]
		if c.CPUs.V.IsEmpty() && c.Queued.V == 0 && w == nil { // an id that is not in use
			continue
		}
		if shown == workCells {
			more++
			continue
		}
		shown++
		if r, ok := fact(fmt.Sprint("cell ", c.ID), join(", ", cellState(s, c), cellHead(c), w.phrase())); ok {
			rows = append(rows, r)
		}
	}
	if more > 0 {
		rows = append(rows, row{label: "cells", lines: []phrase{say(more, " more")}})
	}
	return rows
}

// running lists what the CPUs run.
func running(s *dump.Snapshot) phrase {
	var p, idle, unknown, held phrase
	nrIdle, nrUnknown, shown, more := 0, 0, 0, 0
	for i := range s.CPUs {
		c := &s.CPUs[i]
		is, _ := s.IsIdle(c)
		switch {
		case is:
			nrIdle++
			continue
		case s.IsUnseen(c):
			nrUnknown++
			continue
		case shown == workCPUs:
			more++
			continue
		}
		shown++
		one := say("CPU ", c.ID)
		if c.Current.Known {
			one = say(one, " ", c.Current.V)
		}
		if c.Class.V.IsHigher() {
			one = say(one, " (", quoted(c.Class.V), ")")
			held = say("; a class in brackets is above sched_ext")
		}
		p = join(", ", p, one)
	}
	if more > 0 {
		p = say(p, " and ", plural(more, "more CPU"))
	}
	if nrIdle > 0 {
		idle = say(nrIdle, " idle")
	}
	if nrUnknown > 0 {
		unknown = say(nrUnknown, " unknown")
	}
	return say(join(", ", p, idle, unknown), held)
}

// work is what there is to do for a cell.
type work struct {
	running, waiting int
	longest          time.Duration
}

func cellWork(s *dump.Snapshot) map[int32]*work {
	all := make(map[int32]*work)
	for i := range s.Tasks {
		t := &s.Tasks[i]
		if !t.Cell.Known || t.IsOffQueue() {
			continue
		}
		w := all[t.Cell.V]
		if w == nil {
			w = new(work)
			all[t.Cell.V] = w
		}
		if t.Current {
			w.running++
			continue
		}
		w.waiting++
		if d, ok := t.WaitingFor(); ok {
			w.longest = max(w.longest, d)
		}
	}
	return all
}

func (w *work) phrase() phrase {
	if w == nil {
		return nil
	}
	p := say(w.running, " running, ", w.waiting, " waiting")
	if w.waiting > 0 {
		p = say(p, " up to ", w.longest)
	}
	return p
}

// faultRows warns of a scheduler that fails on purpose.
func faultRows(s *dump.Snapshot) []row {
	if s.Status == nil || len(s.Status.Faults) == 0 {
		return nil
	}
	return []row{{label: "WARNING", lines: []phrase{
		say("it does wrong on purpose: ", quoted(strings.Join(s.Status.Faults, ", "))),
	}}}
}

// history counts the events by kind, the most frequent first.
func history(s *dump.Snapshot) phrase {
	if len(s.Events) == 0 {
		return nil
	}
	const limit = 5
	type kind struct {
		name string
		n    int
	}
	var kinds []kind
	for i := range s.Events {
		name := s.Events[i].Kind
		k := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
		if k < 0 {
			k = len(kinds)
			kinds = append(kinds, kind{name: name})
		}
		kinds[k].n++
	}
	slices.SortStableFunc(kinds, func(a, b kind) int { return cmp.Compare(b.n, a.n) })
	p := say(plural(len(s.Events), "event"))
	if t := s.Status; t != nil && t.NrEvents > uint64(len(s.Events)) {
		p = say("the last ", len(s.Events), " of ", t.NrEvents, " events")
	}
	sep := ": "
	for i, k := range kinds {
		if i == limit {
			return say(p, " and ", plural(len(kinds)-i, "more kind"))
		}
		p = say(p, sep, k.n, " ", quoted(k.name))
		sep = ", "
	}
	return p
}
