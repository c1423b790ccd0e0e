// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"scxdiag/dump"
	"scxdiag/dump/diff"
)

// mark is the snapshot that the others are compared with.
type mark struct {
	nr    int
	x     *index
	lists [nrViews]*list // its tables, to compare cells with
	rows  [nrViews]map[any]int
}

// delta is what changed from the marked snapshot to the one that is shown. It is
// computed once for the two.
type delta struct {
	*mark
	diff *diff.Diff
	// tasks and cells have those of the snapshot shown that came or changed; what
	// is in neither did not.
	tasks map[*dump.Task]sign
	cells map[*dump.Cell]sign
	cpus  map[*dump.CPU]sign
}

// sign says what became of the thing that a row shows.
type sign uint8

const (
	stayed  sign = iota // nothing that is known, but for values that always move
	altered             // as package diff sees it: it is elsewhere, may run elsewhere
	came
	gone
	untold // in one of the two, and the other does not tell whether it had it
)

func (s sign) span() span {
	switch s {
	case stayed:
	case altered:
		return span{changed, "~"}
	case came:
		return span{changed, "+"}
	case gone:
		return span{changed, "-"}
	case untold:
		return span{muted, "?"}
	}
	return span{plain, " "}
}

// markNr is the number of the marked snapshot, 0 if none is.
func (m *Model) markNr() int {
	if m.mark == nil {
		return 0
	}
	return m.mark.nr
}

// toggleMark marks the snapshot that is shown, or takes its mark away.
func (m *Model) toggleMark() {
	nr := m.snapshots[m.current].nr
	if m.markNr() == nr {
		m.mark = nil
		m.notice = "The mark is gone."
	} else {
		x := *m.x()
		x.past, x.delta = nil, nil // they would keep other snapshots of the session
		m.mark = &mark{nr: nr, x: &x}
		m.notice = "Marked snapshot " + number(nr) + ": go to another one to see what changed."
	}
	m.compare()
	m.relist()
}

// compare finds out what changed since the marked snapshot, if there is one.
func (m *Model) compare() {
	x := m.x()
	x.delta = nil
	if m.mark != nil && m.mark.x.s != x.s {
		x.delta = newDelta(m.mark, x)
	}
}

func newDelta(from *mark, x *index) *delta {
	d := &delta{
		mark: from, diff: diff.Of(from.x.s, x.s),
		tasks: map[*dump.Task]sign{}, cells: map[*dump.Cell]sign{}, cpus: map[*dump.CPU]sign{},
	}
	for _, t := range d.diff.Tasks.Changed {
		d.tasks[t.After] = altered
	}
	for _, t := range d.diff.Tasks.Came {
		if t.SamePID != nil && !t.Reused { // the same under another name
			d.tasks[t.Task] = altered
		} else {
			d.tasks[t.Task] = came
		}
	}
	for _, c := range d.diff.Cells.Changed {
		d.cells[c.After] = altered
	}
	for _, c := range d.diff.Cells.Created {
		d.cells[c] = came
	}
	for _, c := range d.diff.CPUs.Changed {
		d.cpus[c.After] = altered
	}
	return d
}

// name is the marked snapshot in a sentence.
func (d *delta) name() text { return "snapshot " + number(d.nr) }

// tells reports whether a snapshot that covers as much would list the task if it
// had it.
func tells(covers diff.Coverage, t *dump.Task) bool {
	return covers == diff.CoversAll || covers == diff.CoversRunnable && !t.IsOffQueue()
}

// earlier finds the row of the marked snapshot's table that shows the same thing;
// -1 if there is none, or if the two cannot be compared.
func (d *delta) earlier(v view, l *list, i int) int {
	if d.sign(v, l, i) == came {
		return -1
	}
	k, is := d.rows[v][l.identity(i)]
	if !is && v == viewTasks && d.diff.SamePIDs { // it may have changed its comm
		k, is = d.x.byPID[l.x.s.Tasks[i].PID]
		is = is && l.x.s.Tasks[i].PID > 0
	}
	if !is || v == viewTasks && !d.diff.SamePIDs || v == viewCounters && !d.diff.SameRun {
		return -1
	}
	return k
}

// sign is what became of what a row of the snapshot shown shows, as far as package
// diff tells; the table sees by itself what is new to it.
func (d *delta) sign(v view, l *list, i int) sign {
	switch s := l.x.s; v {
	case viewTasks:
		return d.tasks[&s.Tasks[i]]
	case viewCells:
		return d.cells[&s.Cells[i]]
	case viewCPUs:
		return d.cpus[&s.CPUs[i]]
	}
	return stayed
}

// absent says what it means that the snapshot other does not have what a row of a
// table of x shows; covers is what other lists of the tasks.
func absent(v view, x *index, i int, other *dump.Snapshot, covers diff.Coverage) bool {
	switch v {
	case viewTasks:
		return tells(covers, &x.s.Tasks[i])
	case viewCPUs: // the kernel leaves out those that are idle
		return false
	case viewQueues:
		return covers >= diff.CoversRunnable
	}
	return other.Ledger.Complete()
}

// identity is what tells a thing of a table from the others, in all snapshots.
func (l *list) identity(i int) any {
	if l.same != nil {
		return l.same(i)
	}
	if p := l.place(i); p != nowhere {
		return p
	}
	return nil
}

// table is the list of a view for the snapshot that is shown, with what changed.
func (m *Model) table(v view) *list {
	x := m.x()
	l := tables[v](x)
	l.x = x
	if x.delta != nil {
		x.delta.into(v, l)
		return l
	}
	for k := range l.fields { // a filter may outlast the mark
		l.fields[k] = signField(l.fields[k], func(int) sign { return stayed })
	}
	return l
}

// old is the marked snapshot's table of a view, and its rows by what they show.
func (from *mark) old(v view) (*list, map[any]int) {
	if from.lists[v] == nil {
		l := tables[v](from.x)
		l.x = from.x
		from.lists[v] = l
		from.rows[v] = make(map[any]int, l.n)
		for i := range l.n {
			id := l.identity(i)
			if _, twice := from.rows[v][id]; id != nil && !twice {
				from.rows[v][id] = i
			}
		}
	}
	return from.lists[v], from.rows[v]
}

// into has the rows of a table show what became of them, and appends those that
// are gone.
func (d *delta) into(v view, l *list) {
	old, rows := d.old(v)
	if v == viewEvents {
		d.intoHistory(l, rows)
		return
	}
	n := l.n
	pair := make([]int, n)
	signs := make([]sign, n, n+old.n)
	seen := make([]bool, old.n)
	for i := range n {
		pair[i], signs[i] = d.earlier(v, l, i), d.sign(v, l, i)
		switch {
		case pair[i] >= 0:
			seen[pair[i]] = true
		case d.apart(v):
			signs[i] = stayed
		case signs[i] == came:
		case absent(v, l.x, i, d.diff.Before, d.diff.Tasks.Before):
			signs[i] = came
		default:
			signs[i] = untold
		}
	}
	c := &comparison{base: n, pair: pair, old: old, signs: signs}
	if !d.apart(v) {
		for k := range old.n {
			if seen[k] {
				continue
			}
			c.ghosts = append(c.ghosts, k)
			if absent(v, d.x, k, d.diff.After, d.diff.Tasks.After) {
				c.signs = append(c.signs, gone)
			} else {
				c.signs = append(c.signs, untold)
			}
		}
	}
	c.say = func(n counts) text { return d.note(v, n) }
	c.install(l, !d.diff.SameRun)
	if spec := deltaColumns[v]; spec != nil && !d.apart(v) {
		c.addColumn(l, spec)
	}
}

// apart reports whether the things of a view cannot be compared at all.
func (d *delta) apart(v view) bool {
	return v == viewTasks && !d.diff.SamePIDs || v == viewCounters && !d.diff.SameRun
}

// intoHistory marks the steps of the scheduler since the marked snapshot. The
// history is a ring: what is not in it any more has not gone.
func (d *delta) intoHistory(l *list, rows map[any]int) {
	c := &comparison{base: l.n, signs: make([]sign, l.n)}
	if !d.diff.SameRun {
		c.say = func(counts) text { return ", Δ to " + number(d.nr) + " unknown: of another run" }
	} else {
		for i := range l.n {
			if _, is := rows[l.identity(i)]; !is {
				c.signs[i] = came
			}
		}
		c.say = func(n counts) text { return d.note(viewEvents, n) }
	}
	l.delta = c
}

// counts is how many rows there are of each sign.
type counts [untold + 1]int

// note is what the status line of a table says of the comparison.
func (d *delta) note(v view, n counts) text {
	to := ", Δ to " + number(d.nr)
	switch {
	case v == viewTasks && !d.diff.SamePIDs:
		return to + " unknown: of another machine"
	case d.apart(v):
		return to + " unknown: of another run"
	}
	t := to + ":"
	for s := altered; s <= untold; s++ {
		if n[s] > 0 {
			t += " " + s.span().text + number(n[s])
		}
	}
	if n[altered]+n[came]+n[gone]+n[untold] == 0 {
		t += " none came or went"
	}
	return t
}

// markLine is what the timeline says of the mark.
func (m *Model) markLine() line {
	switch {
	case m.mark == nil:
		return nil
	case m.x().delta == nil:
		return line{{changed, "marked "}}
	}
	return line{{changed, "Δ to " + number(m.mark.nr) + " "}}
}
