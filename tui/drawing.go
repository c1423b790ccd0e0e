// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"scxdiag/dump"
)

// rulerStep is how many CPUs lie between two numbers of a ruler.
const rulerStep = 8

// maskRows draws where a task may run against where its cell and its queue are
// served, CPU by CPU.
func maskRows(w *writer, x *index, t *dump.Task) {
	ids := x.cpuIDs()
	width := w.width - w.label
	if !t.CPUs.Known || ids < 2 || width < 8 {
		return
	}
	per := (ids + width - 1) / width
	w.section("CPU by CPU")
	if per > 1 {
		w.para(line{{muted, "Each column is " + number(per) + " CPUs: █ all, ▄ some, · none."}}, nowhere, dump.Span{})
	}
	w.field("CPU", line{{muted, ruler(ids, per)}}, nowhere, dump.Span{})
	w.field("may run on", line{{plain, mapOf(t.CPUs.V, ids, width)}}, nowhere, t.CPUs.At)
	served := t.CPUs.V
	if c := x.cellOf(t); c != nil && c.CPUs.Known {
		w.field("cell "+number(c.ID), line{{plain, mapOf(c.CPUs.V, ids, width)}}, placeOfCell(c.ID), c.CPUs.At)
		served = served.And(c.CPUs.V)
	}
	if i := x.queueOf(t); i >= 0 {
		if m := x.servedBy(&x.queues[i]); m.Known {
			w.field("queue", line{{plain, mapOf(m.V, ids, width)}}, x.placeOfQueue(i), dump.Span{})
			served = served.And(m.V)
		}
	}
	switch {
	case served == t.CPUs.V:
	case served.IsEmpty():
		w.field("in common", line{{bad, "no CPU: nothing that serves it may run it"}}, nowhere, dump.Span{})
	default:
		w.field("in common", line{{plain, mapOf(served, ids, width)}, {plain, "  " + cpuList(served)}}, nowhere, dump.Span{})
	}
	if t.CPU.Known && t.CPU.V >= 0 && int(t.CPU.V) < ids {
		w.field("it is on", line{{name, spaces(int(t.CPU.V)/per) + "^"}, {plain, " " + number(t.CPU.V)}}, placeOfCPU(t.CPU.V), t.CPU.At)
	}
}

// ruler is the numbers of CPUs above the columns of mapOf, each where its CPU is.
func ruler(ids, per int) text {
	var t text
	for column := 0; column*per < ids; column += rulerStep {
		t = t.pad(column, false) + number(column*per) + " "
	}
	return t
}

// clockMark is a vtime on a scale.
type clockMark struct {
	letter text
	what   text
	at     uint64
}

// clockRow draws the vtimes of a task against those of its cell, on a scale from
// the least to the largest.
func clockRow(w *writer, x *index, t *dump.Task) {
	var marks []clockMark
	add := func(letter, what text, v dump.Value[uint64]) {
		if v.Known {
			marks = append(marks, clockMark{letter, what, v.V})
		}
	}
	add("t", "vtime", t.VTime)
	if !t.VTime.Known {
		add("t", "dsq_vtime", t.DSQVTime)
	}
	add("b", "basis_vtime", t.BasisVTime)
	if c := x.cellOf(t); c != nil {
		add("c", "cell "+number(c.ID), c.VTime)
	}
	if c := x.cpuOf(t); c != nil {
		add("p", "CPU "+number(c.ID), c.VTime)
	}
	least, most := bounds(marks)
	span := most - least
	width := min(w.width-w.label-2, 60)
	if len(marks) < 2 || span == 0 || int64(span) < 0 || width < 16 { //nolint:gosec // a wrapping difference
		return
	}
	scale := make([]text, width)
	for i := range scale {
		scale[i] = "─"
	}
	var legend line
	for _, m := range marks {
		i := int(float64(m.at-least) / float64(span) * float64(width-1))
		switch scale[i] {
		case "─":
			scale[i] = m.letter
		default:
			scale[i] = "*" // several are there
		}
		legend.list(plain, m.letter+" "+m.what)
	}
	legend.list(muted, signed(int64(span))+" from end to end") //nolint:gosec // checked above
	w.field("on a scale", line{{plain, "├" + join(scale, "") + "┤"}}, nowhere, dump.Span{})
	w.field("", legend, nowhere, dump.Span{})
}

// bounds are the least and the largest of some vtimes, which wrap.
func bounds(marks []clockMark) (least, most uint64) {
	for i, m := range marks {
		if i == 0 || int64(m.at-least) < 0 { //nolint:gosec // a wrapping difference
			least = m.at
		}
		if i == 0 || int64(m.at-most) > 0 { //nolint:gosec // likewise
			most = m.at
		}
	}
	return least, most
}
