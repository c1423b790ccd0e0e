// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"scxdiag/dump"
)

// findProblems looks for what is wrong with the masks, and puts it in words.
func (v *masks) findProblems() {
	x := v.x
	v.several, v.none, v.problems = dump.CPUMask{}, dump.CPUMask{}, nil
	if len(v.cells) == 0 {
		return
	}
	var union, known dump.CPUMask
	complete := true
	var empty, changed []int32
	for _, i := range v.cells {
		c := &x.s.Cells[i]
		complete = complete && c.CPUs.Known
		v.several = v.several.Or(union.And(c.CPUs.V))
		union = union.Or(c.CPUs.V)
		if c.CPUs.Known && c.CPUs.V.IsEmpty() && (c.State.V == dump.CellLive || !c.State.Known) {
			empty = append(empty, c.ID)
		}
		if cpusetDiffers(c) {
			changed = append(changed, c.ID)
		}
	}
	for i := range x.s.CPUs {
		if c := &x.s.CPUs[i]; !c.Online.Known || c.Online.V {
			known = known.With(int(c.ID))
		}
	}
	if complete {
		v.none = known.AndNot(union)
	}
	v.sayOverlap()
	if !v.none.IsEmpty() {
		p := cpusPhrase(v.none) + isAre(v.none.Count()) + "in no cell"
		if !x.s.Ledger.Complete() {
			p += " that the dump lists"
		}
		v.problems = append(v.problems, p)
	}
	if len(empty) > 0 {
		has := text(" has no CPU")
		if len(empty) > 1 {
			has = " have no CPU"
		}
		v.problems = append(v.problems, cellsPhrase(empty)+has)
	}
	v.sayStrays()
	if len(changed) > 0 {
		has := text(" has other CPUs than its cpuset")
		if len(changed) > 1 {
			has = " have other CPUs than their cpusets"
		}
		v.problems = append(v.problems, cellsPhrase(changed)+has)
	}
}

func isAre(n int) text {
	if n == 1 {
		return " is "
	}
	return " are "
}

// sayOverlap says which CPUs are in several cells.
func (v *masks) sayOverlap() {
	n := v.several.Count()
	if n == 0 {
		return
	}
	var with []int32
	for _, i := range v.cells {
		if v.x.s.Cells[i].CPUs.V.Intersects(v.several) {
			with = append(with, v.x.s.Cells[i].ID)
		}
	}
	in := text("in ")
	if n > 1 && len(with) > 2 {
		in = "each in several of "
	}
	v.problems = append(v.problems, cpusPhrase(v.several)+isAre(n)+in+cellsPhrase(with))
}

// sayStrays counts the tasks that may run on no CPU of their cell.
func (v *masks) sayStrays() {
	x := v.x
	masks := map[int32]dump.Value[dump.CPUMask]{}
	for i := range x.s.Cells {
		masks[x.s.Cells[i].ID] = x.s.Cells[i].CPUs
	}
	strays, pinned := 0, 0
	for i := range x.s.Tasks {
		t := &x.s.Tasks[i]
		m := maskOf(t)
		if !m.Known || !t.Cell.Known || m.V.IsEmpty() {
			continue
		}
		if cell := masks[t.Cell.V]; !cell.Known || cell.V.Intersects(m.V) {
			continue
		}
		strays++
		if m.V.Count() == 1 {
			pinned++
		}
	}
	if strays == 0 {
		return
	}
	their := text("their cell")
	if strays == 1 {
		their = "its cell"
	}
	p := count(strays, "task") + isAre(strays) + "allowed on no CPU of " + their
	switch {
	case pinned == strays && strays == 1:
		p += " (it is bound to one CPU)"
	case pinned == strays:
		p += " (each is bound to one CPU)"
	case pinned > 0:
		p += " (" + number(pinned) + " of them bound to one CPU)"
	}
	v.problems = append(v.problems, p)
}

// cellsPhrase is cells within a sentence: "cell 1", "cells 1 and 2", or the first
// of many.
func cellsPhrase(ids []int32) text {
	if len(ids) == 1 {
		return "cell " + number(ids[0])
	}
	const limit = 8
	some, more := firstOf(ids, limit)
	parts := make([]text, len(some))
	for k, id := range some {
		parts[k] = number(id)
	}
	if more > 0 {
		return "cells " + join(parts, ", ") + " and " + number(more) + " more"
	}
	last := len(parts) - 1
	return "cells " + join(parts[:last], ", ") + " and " + parts[last]
}
