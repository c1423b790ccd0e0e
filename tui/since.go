// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"scxdiag/dump"
	"scxdiag/dump/diff"
)

// thingPage is the page of a single thing, nil for places that are not of one.
func thingPage(x *index, at place, width int) []item {
	switch at.view {
	case viewTask:
		return taskPage(x, at, width)
	case viewCPU:
		return cpuPage(x, at.id, width)
	case viewCell:
		return cellPage(x, at.id, width)
	case viewQueue:
		return queuePage(x, at, width)
	case viewCgroup:
		return cgroupPage(x, at, width)
	}
	return nil
}

// since has the page of a thing show what its fields were in the marked snapshot,
// where they were others.
func (x *index) since(at place, items []item, width int) []item {
	d := x.delta
	if d == nil || !x.has(at) {
		return items
	}
	w := newWriter(width)
	switch there := d.thereBefore(x, at); {
	case at.view == viewTask && !d.diff.SamePIDs:
		w.para(line{{changed, "Not compared with " + d.name() + ", which is of another machine."}}, nowhere, dump.Span{})
		return append(w.items, items...)
	case there == untold:
		w.para(line{{changed, "? Not in " + d.name() + ", which need not list all."}}, nowhere, dump.Span{})
		return append(w.items, items...)
	case there == came:
		w.para(line{{changed, "+ Not in " + d.name() + "."}}, nowhere, dump.Span{})
		return append(w.items, items...)
	}
	old := thingPage(d.x, at, width)
	pairs, lost := pairFields(items, old)
	for i, k := range pairs {
		if k >= 0 {
			annotate(&items[i], &old[k], w)
		}
	}
	w.items = items
	d.lostFields(w, old, lost)
	return w.items
}

// thereBefore says whether the marked snapshot has what a place of x is of.
func (d *delta) thereBefore(x *index, at place) sign {
	switch at.view {
	case viewTask:
		t := x.task(x.findTask(at))
		switch {
		case d.tasks[t] == came:
			return came
		case !d.x.has(at):
			if tells(d.diff.Tasks.Before, t) {
				return came
			}
			return untold
		}
	case viewCell:
		if d.cells[x.s.Cell(at.id)] == came {
			return came
		}
	}
	switch {
	case d.x.has(at):
		return stayed
	case at.view == viewCPU || !d.diff.Before.Ledger.Complete():
		return untold
	}
	return came
}

// pageField is what the page of a thing is compared by: the label, and where it leads,
// for there may be several of a label.
type pageField struct {
	label text
	link  place
}

// pairFields finds for each field of a page that of another page, -1 where there
// is none, and the fields of the other page that are left over. What has no label
// is not a field.
func pairFields(items, old []item) (pairs, lost []int) {
	pairs = make([]int, len(items))
	byField, labels := map[pageField][]int{}, map[text][]int{}
	for k := range old {
		if f := (pageField{old[k].label, old[k].link}); f.label != "" {
			byField[f] = append(byField[f], k)
			labels[f.label] = append(labels[f.label], k)
		}
	}
	used := make([]bool, len(old))
	take := func(list []int) int {
		for _, k := range list {
			if !used[k] {
				used[k] = true
				return k
			}
		}
		return -1
	}
	for i := range items {
		pairs[i] = take(byField[pageField{items[i].label, items[i].link}])
	}
	for i := range items { // it leads elsewhere now
		if label := items[i].label; pairs[i] < 0 && label != "" && len(labels[label]) == 1 {
			pairs[i] = take(labels[label])
		}
	}
	for k := range old {
		if old[k].label != "" && !used[k] {
			lost = append(lost, k)
		}
	}
	return pairs, lost
}

// fieldValue is the value of a field in one piece.
func fieldValue(it *item) text {
	var parts []text
	for _, l := range it.lines {
		for k, s := range l {
			if k > 0 || it.label == "" { // the first is the label, or its place
				parts = append(parts, s.text)
			}
		}
	}
	return join(parts, "")
}

// annotate adds to a field what it was, if that is something else.
func annotate(it, old *item, w *writer) {
	now, before := fieldValue(it), fieldValue(old)
	if now == before {
		return
	}
	l := line{{changed, "was "}, {changed, before}}
	if a, b, is := leading(now, before); is && a != b && slices.Contains(quantities, it.label) {
		l.add(changed, " (now "+change(int64(a-b))+")") //nolint:gosec // a wrapping difference
	}
	lines := slices.Clip(it.lines)
	for _, more := range l.wrap(w.width - w.label) {
		lines = append(lines, append(line{{plain, spaces(w.label)}}, more...))
	}
	it.lines = lines
}

// quantities are the fields whose difference says something; those of a CPU or a
// cell do not.
var quantities = []text{
	"vtime", "basis_vtime", "dsq_vtime", "vtime read", "cell's vtime", "CPU's vtime",
	"weight", "nr_queued", "nr_run", "qseq", "ops_qseq", "ksync", "rescue",
}

// leading is the numbers that two values begin with.
func leading(a, b text) (uint64, uint64, bool) {
	first := func(t text) (uint64, error) {
		word, _, _ := strings.Cut(string(t), " ")
		return strconv.ParseUint(strings.TrimSuffix(word, ","), 10, 64)
	}
	x, errX := first(a)
	y, errY := first(b)
	return x, y, errX == nil && errY == nil
}

// lostFields lists the fields that the marked snapshot has of a thing and the one
// shown has not.
func (d *delta) lostFields(w *writer, old []item, lost []int) {
	if len(lost) == 0 {
		return
	}
	w.section("Only in " + d.name())
	for _, k := range lost {
		w.field(old[k].label, line{{muted, fieldValue(&old[k])}}, nowhere, dump.Span{})
	}
}

// title names what is compared with, and how far away it is.
func (d *delta) title() text {
	t := "Δ to " + d.name()
	if e := d.diff.Elapsed; e.V > 0 {
		t += ", " + duration(e.V) + " before"
	} else if e.V < 0 {
		t += ", " + duration(-e.V) + " later"
	}
	return t
}

// summaryOf counts on top of the triage page what changed, in a line: the cause of
// a failure stays what the page leads with.
func summaryOf(w *writer, x *index) {
	d := x.delta
	if d == nil {
		return
	}
	var l line
	add := func(what text, n ...int) {
		t := text("")
		for i, s := range []sign{altered, came, gone} {
			if i < len(n) && n[i] > 0 {
				t += " " + s.span().text + number(n[i])
			}
		}
		if t != "" {
			l.list(plain, what+t)
		}
	}
	_, before := verdict(d.x.s)
	if _, after := verdict(x.s); before != after {
		l.list(plain, "verdict")
	}
	f := d.diff
	add("tasks", len(f.Tasks.Changed), len(f.Tasks.Came), len(f.Tasks.Went))
	add("cells", len(f.Cells.Changed), len(f.Cells.Created), len(f.Cells.Ended))
	add("CPUs", len(f.CPUs.Changed))
	add("queues", len(f.Queues.Changed))
	add("counters", len(f.Counters.Changed))
	if len(l) == 0 {
		l.add(plain, "nothing is known to have changed")
	}
	if !f.SameRun {
		l.list(warning, "! of another run")
	}
	w.para(append(line{{changed, d.title() + ": "}}, l...), nowhere, dump.Span{})
}

// sinceOf says on the triage page what changed.
func sinceOf(w *writer, x *index) {
	d := x.delta
	if d == nil {
		return
	}
	w.section("What changed since " + d.name())
	if d.diff.Identical {
		w.para(line{{plain, "Both are the same snapshot."}}, nowhere, dump.Span{})
		return
	}
	for _, n := range d.diff.Notes {
		t := clean(n)
		if n == diff.NoteBackwards {
			t = "the marked snapshot is the later one: what is said to have come went since"
		}
		w.para(line{{warning, "! " + t}}, nowhere, dump.Span{})
	}
	rows := len(w.items)
	d.verdictSince(w, x)
	d.tasksSince(w, x)
	d.cellsSince(w)
	d.cpusSince(w)
	d.countsSince(w)
	if len(w.items) == rows {
		w.para(line{{plain, "Nothing is known to have changed."}}, nowhere, dump.Span{})
	}
}

// verdictSince says how the verdict changed, and which findings came and went.
func (d *delta) verdictSince(w *writer, x *index) {
	_, before := verdict(d.x.s)
	if on, after := verdict(x.s); before != after {
		w.field("verdict", line{{plain, before + " → "}, {on, after}}, nowhere, dump.Span{})
	}
	var l line
	rules := func(s, other *dump.Snapshot, sign text) {
		for _, f := range s.Findings {
			if !slices.ContainsFunc(other.Findings, func(o dump.Finding) bool { return o.Rule == f.Rule }) {
				l.list(changed, sign+clean(f.Rule))
			}
		}
	}
	rules(x.s, d.x.s, "+")
	rules(d.x.s, x.s, "-")
	if len(l) > 0 {
		w.field("findings", l, nowhere, dump.Span{})
	}
}

// sinceExamples is how many things a line of the triage page names.
const sinceExamples = 3

// exampled appends the first things of a list, and how many more there are.
func exampled[T any](l *line, list []T, one func(*T) text) {
	first, more := firstOf(list, sinceExamples)
	for i := range first {
		sep := text(", ")
		if i == 0 {
			sep = ": "
		}
		l.add(plain, sep+one(&first[i]))
	}
	if more > 0 {
		l.add(muted, " and "+number(more)+" more")
	}
}

// taskFieldNames are the fields of a task that the triage page names, and their
// values.
var taskFieldNames = [diff.NrTaskFields]struct {
	name  text
	value func(*dump.Task) text
}{
	diff.TaskCell:              {"cell", func(t *dump.Task) text { return number(t.Cell.V) }},
	diff.TaskCPU:               {"CPU", func(t *dump.Task) text { return number(t.CPU.V) }},
	diff.TaskDSQ:               {"DSQ", func(t *dump.Task) text { return taskDSQ(t).text }},
	diff.TaskAssignedDSQ:       {"assigned", func(t *dump.Task) text { return clean(t.AssignedDSQ.V.String()) }},
	diff.TaskCPUs:              {"cpus", func(t *dump.Task) text { return cpuList(t.CPUs.V) }},
	diff.TaskAllowedCPUs:       {"allowed", func(t *dump.Task) text { return cpuList(t.AllowedCPUs.V) }},
	diff.TaskSchedulerCPUs:     {"sched CPUs", func(t *dump.Task) text { return cpuList(t.SchedulerCPUs.V) }},
	diff.TaskMigrationDisabled: {"no_mig", func(t *dump.Task) text { return number(t.MigrationDisabled.V) }},
	diff.TaskWeight:            {"weight", func(t *dump.Task) text { return number(t.Weight.V) }},
	diff.TaskCgroup:            {"cgroup", func(t *dump.Task) text { return number(t.CgroupID.V) }},
}

func (d *delta) tasksSince(w *writer, x *index) {
	t := &d.diff.Tasks
	all := place{view: viewTasks}
	arrival := func(a *diff.Arrival) text { return clean(a.TaskRef.String()) }
	if n := len(t.Came); n > 0 {
		l := line{{changed, "+" + number(n)}}
		exampled(&l, t.Came, arrival)
		w.field("tasks came", l, all, dump.Span{})
	}
	if n := len(t.Went); n > 0 {
		l := line{{changed, "-" + number(n)}}
		exampled(&l, t.Went, arrival)
		if t.After == diff.CoversRunnable {
			l.add(muted, " (or asleep)")
		}
		w.field("tasks went", l, all, dump.Span{})
	}
	for f := range taskFieldNames {
		var of []diff.Task
		for _, c := range t.Changed {
			if c.Changed.Has(f) {
				of = append(of, c)
			}
		}
		if len(of) == 0 {
			continue
		}
		is := &taskFieldNames[f]
		l := line{{changed, number(len(of))}}
		exampled(&l, of, func(c *diff.Task) text {
			return clean(c.After.TaskRef.String()) + " " + is.value(c.Before) + " → " + is.value(c.After)
		})
		w.field("task "+is.name, l, all, dump.Span{})
	}
	if t.Waited > 0 {
		l := line{{changed, count(t.Waited, "task")}, {plain, ", without running once"}}
		waited := t.Progress[:t.Waited]
		exampled(&l, waited, func(p *diff.Progress) text {
			wait, _ := p.After.WaitingFor()
			return clean(p.After.TaskRef.String()) + " " + duration(wait)
		})
		w.field("waited", l, x.placeOfRef(waited[0].After), dump.Span{})
	}
}

// placeOfRef is where a task of the snapshot is shown.
func (x *index) placeOfRef(t *dump.Task) place {
	if i := x.findTask(place{view: viewTask, task: t.TaskRef}); i >= 0 {
		return x.placeOfTask(i)
	}
	return nowhere
}

func (d *delta) cellsSince(w *writer) {
	c := &d.diff.Cells
	all := place{view: viewCells}
	id := func(c **dump.Cell) text { return "cell " + number((*c).ID) }
	if n := len(c.Created); n > 0 {
		l := line{{changed, "+" + number(n)}}
		exampled(&l, c.Created, id)
		w.field("cells came", l, all, dump.Span{})
	}
	if n := len(c.Ended); n > 0 {
		l := line{{changed, "-" + number(n)}}
		exampled(&l, c.Ended, id)
		w.field("cells went", l, all, dump.Span{})
	}
	for _, f := range []struct {
		field int
		label text
		value func(*dump.Cell) text
	}{
		{diff.CellCPUs, "cells' CPUs", func(c *dump.Cell) text { return cpuList(c.CPUs.V) }},
		{diff.CellState, "cells' state", func(c *dump.Cell) text { return clean(string(c.State.V)) }},
		{diff.CellOwner, "cells' owner", func(c *dump.Cell) text { return number(c.OwnerCgroup.V) }},
	} {
		var l line
		for i := range c.Changed {
			if ch := &c.Changed[i]; ch.Changed.Has(f.field) {
				l.list(plain, "cell "+number(ch.After.ID)+" "+f.value(ch.Before)+" → "+f.value(ch.After))
			}
		}
		if len(l) > 0 {
			w.field(f.label, l, all, dump.Span{})
		}
	}
}

func (d *delta) cpusSince(w *writer) {
	all := place{view: viewCPUs}
	for _, f := range []struct {
		field int
		label text
		value func(*dump.CPU) text
	}{
		{diff.CPUCell, "CPUs' cell", func(c *dump.CPU) text { return number(c.Cell.V) }},
		{diff.CPUClass, "CPUs' class", func(c *dump.CPU) text { return clean(string(c.Class.V)) }},
	} {
		var of []diff.CPU
		for _, c := range d.diff.CPUs.Changed {
			if c.Changed.Has(f.field) {
				of = append(of, c)
			}
		}
		if len(of) == 0 {
			continue
		}
		l := line{{changed, number(len(of))}}
		exampled(&l, of, func(c *diff.CPU) text {
			return "CPU " + number(c.After.ID) + " " + f.value(c.Before) + " → " + f.value(c.After)
		})
		w.field(f.label, l, all, dump.Span{})
	}
}

// countsSince says which queues and counters changed most.
func (d *delta) countsSince(w *writer) {
	if q := d.diff.Queues.Changed; len(q) > 0 {
		l := line{{changed, number(len(q))}, {plain, " changed"}}
		exampled(&l, q, func(q *diff.Queue) text {
			of := text("DSQ")
			switch {
			case q.Kind != diff.QueueOther:
				of = clean(string(q.Kind)) + " " + number(q.Of)
			case q.DSQ != nil:
				of = clean(q.DSQ.Name)
			}
			return of + " " + change(q.Delta())
		})
		w.field("queues", l, place{view: viewQueues}, dump.Span{})
	}
	if c := slices.Clone(d.diff.Counters.Changed); len(c) > 0 {
		slices.SortStableFunc(c, func(a, b diff.Counter) int { return cmp.Compare(b.Delta(), a.Delta()) })
		l := line{{changed, number(len(c))}, {plain, " changed"}}
		exampled(&l, c, func(c *diff.Counter) text { return clean(c.Name) + " " + change(c.Delta()) })
		w.field("counters", l, place{view: viewCounters}, dump.Span{})
	}
}
