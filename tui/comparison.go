// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"slices"

	"scxdiag/dump"
)

// comparison is what a table shows of another snapshot's. The rows from base on
// are those of the other table that this one lacks: no index of the snapshot
// stands for them.
type comparison struct {
	base   int
	pair   []int  // of each row below base: the row of old with the same thing, or -1
	ghosts []int  // of each row from base on: the row of old
	signs  []sign // of all rows
	old    *list
	say    func(counts) text
	note   text // for the status line, of the rows shown

	present int // rows shown that are below base
}

// sign is what stands before row i.
func (c *comparison) sign(i int) span { return c.signs[i].span() }

// older is the row of the other table that shows what row i does, -1 if there is
// none.
func (c *comparison) older(i int) int {
	if i >= c.base {
		return c.ghosts[i-c.base]
	}
	return c.pair[i]
}

// count finds out how many of the rows shown are of the snapshot itself, and what
// became of them.
func (c *comparison) count(rows []int) {
	c.present = 0
	var n counts
	for _, i := range rows {
		n[c.signs[i]]++
		if i < c.base {
			c.present++
		}
	}
	c.note = c.say(n)
}

// without is total, the number of all rows or of those of the scope, without
// those that the snapshot does not have.
func (c *comparison) without(l *list, total int) int {
	if l.scope == nowhere {
		return total - len(c.ghosts)
	}
	return l.x.group(l.scope).size()
}

// acrossRuns are the columns that mean nothing where the scheduler was started
// anew in between.
var acrossRuns = []text{"vtime", "dsq_vtime", "lag", "ran", "runs", "gen"}

// install has a table show the rows that it lacks, and its cells what changed.
func (c *comparison) install(l *list, otherRun bool) {
	l.delta = c
	l.n += len(c.ghosts)
	where, find, at := l.place, l.find, l.at
	l.place = func(i int) place {
		if i >= c.base {
			return c.old.place(c.older(i))
		}
		return where(i)
	}
	if find != nil {
		l.find = func(p place) int {
			if i := find(p); i >= 0 {
				return i
			}
			return c.ghost(c.old.find(p))
		}
	}
	for k := range l.fields {
		l.fields[k] = signField(c.field(l.fields[k]), func(i int) sign { return c.signs[i] })
	}
	if at != nil {
		l.at = func(i int) dump.Span {
			if i >= c.base { // the source that is shown does not have it
				return dump.Span{}
			}
			return at(i)
		}
	}
	for k := range l.columns {
		quiet := otherRun && slices.Contains(acrossRuns, l.columns[k].title)
		c.column(&l.columns[k], quiet)
	}
}

// ghost is the row that shows row k of the other table, -1 if none does for it is in
// both.
func (c *comparison) ghost(k int) int {
	if g := slices.Index(c.ghosts, k); g >= 0 {
		return c.base + g
	}
	return -1
}

// signWords are what the field "is" of a filter calls the signs.
var signWords = map[string]sign{"came": came, "changed": altered, "gone": gone, "untold": untold}

// signField has the field "is" of a filter take the signs of rows, too.
func signField(f field, of func(i int) sign) field {
	if f.name != "is" {
		return f
	}
	both := f
	both.values += ", came, changed, gone, untold"
	both.match = func(op operator, value string) (predicate, text) {
		if want, is := signWords[lowerASCII(value)]; is && (op == opHas || op == opEqual) {
			return func(i int) bool { return of(i) == want }, ""
		}
		return f.match(op, value)
	}
	both.find = func(word string) predicate {
		if want, is := signWords[word]; is {
			return func(i int) bool { return of(i) == want }
		}
		return f.find(word)
	}
	return both
}

// field has a filter ask the other table of the rows that are only there.
func (c *comparison) field(f field) field {
	old := findField(c.old.fields, string(f.name))
	both := f
	both.match = func(op operator, value string) (predicate, text) {
		now, problem := f.match(op, value)
		if problem != "" || old == nil {
			return now, problem
		}
		was, _ := old.match(op, value)
		return c.either(now, was), ""
	}
	if f.find != nil {
		both.find = func(word string) predicate {
			var was predicate
			if old != nil && old.find != nil {
				was = old.find(word)
			}
			return c.either(f.find(word), was)
		}
	}
	return both
}

// either is a test of the rows of the snapshot, and another of those that it lacks;
// nil if there is neither. One that is nil passes nothing.
func (c *comparison) either(now, was predicate) predicate {
	if now == nil && was == nil {
		return nil
	}
	return func(i int) bool {
		if i >= c.base {
			return was != nil && was(c.older(i))
		}
		return now != nil && now(i)
	}
}

// column has the cells of a column stand out where they changed.
func (c *comparison) column(col *column, quiet bool) {
	cell, key := col.cell, col.key
	was := c.old.column(col.title)
	col.cell = func(i int) span {
		k := c.older(i)
		switch {
		case i < c.base && (k < 0 || was == nil || quiet):
			return cell(i)
		case i < c.base:
			now := cell(i)
			if was.cell(k).text != now.text {
				now.style = changed
			}
			return now
		case was == nil:
			return span{muted, unknown}
		}
		return span{muted, was.cell(k).text}
	}
	col.key = func(i int) sortKey {
		switch {
		case i < c.base:
			return key(i)
		case was == nil:
			return sortKey{}
		}
		return was.key(c.older(i))
	}
}

// column is the column with a title, nil if there is none.
func (l *list) column(title text) *column {
	for k := range l.columns {
		if l.columns[k].title == title {
			return &l.columns[k]
		}
	}
	return nil
}

// scoped is the rows of the other table that belong to a place.
func (c *comparison) scoped(scope place) []int {
	g := c.old.x.group(scope)
	if g == nil {
		return nil
	}
	var out []int
	for k, i := range c.ghosts {
		if _, is := slices.BinarySearch(g.tasks, i); is {
			out = append(out, c.base+k)
		}
	}
	return out
}

// deltaColumn is the difference of the value of a table that matters most.
type deltaColumn struct {
	behind text // title of the column that it stands behind
	title  text
	width  int
	yields text // the column that makes room for it on a narrow screen
	value  func(x *index, i int) (int64, bool)
	show   func(int64) text
}

// change is a number with its sign.
func change(n int64) text { return textf("%+d", n) }

// deltaColumns are the differences that the tables show, by view.
var deltaColumns = [nrViews]*deltaColumn{
	viewTasks: {
		"wait", "Δwait", 11, "DSQ", func(x *index, i int) (int64, bool) {
			w, waits := x.s.Tasks[i].WaitingFor()
			return int64(w), waits
		}, signed,
	},
	viewCPUs: {
		"nr_run", "Δrun", 5, "oldest", func(x *index, i int) (int64, bool) {
			n := x.s.CPUs[i].NrRunning
			return int64(n.V), n.Known
		}, change,
	},
	viewCells: {
		"queued", "Δqueued", 7, "", func(x *index, i int) (int64, bool) {
			n := x.s.Cells[i].Queued
			return n.V, n.Known
		}, change,
	},
	viewQueues: {
		"queued", "Δqueued", 7, "kind", func(x *index, i int) (int64, bool) {
			if n := x.queued(&x.queues[i]); n.Known {
				return n.V, true
			}
			return int64(x.queues[i].n[waits]), true
		}, change,
	},
	viewCounters: {
		"value", "Δ", 13, "", func(x *index, i int) (int64, bool) { return x.s.Counters[i].Value, true }, change,
	},
	viewCgroups: {
		"tasks", "Δtasks", 6, "", func(x *index, i int) (int64, bool) {
			return int64(x.byCgroup[x.s.Cgroups[i].ID].size()), true
		}, change,
	},
}

// addColumn adds the column of the differences to a table.
func (c *comparison) addColumn(l *list, spec *deltaColumn) {
	at := slices.IndexFunc(l.columns, func(col column) bool { return col.title == spec.behind })
	if at < 0 {
		return
	}
	if col := l.column(spec.yields); col != nil && col.drop == 0 {
		for k := range l.columns { // it is the last to go
			if l.columns[k].drop > 0 {
				l.columns[k].drop++
			}
		}
		col.drop = 1
	}
	main := l.columns[at].title
	difference := func(i int) (int64, bool) {
		if i >= c.base || c.pair[i] < 0 {
			return 0, false
		}
		now, known := spec.value(l.x, i)
		was, knew := spec.value(c.old.x, c.pair[i])
		return now - was, known && knew
	}
	l.columns = slices.Insert(l.columns, at+1, column{
		title: spec.title, width: spec.width, right: true, desc: true,
		cell: func(i int) span {
			d, known := difference(i)
			switch {
			case known && d == 0:
				return span{muted, "="}
			case known:
				return span{changed, spec.show(d)}
			case i < c.base && c.pair[i] >= 0:
				return c.was(main, l, i)
			}
			return span{}
		},
		key: func(i int) sortKey { return byNumber(difference(i)) },
	})
	if l.sorted > at {
		l.sorted++
	}
}

// was is the cell of a column as it was, if that is not what it is.
func (c *comparison) was(title text, l *list, i int) span {
	old, now := c.old.column(title), l.column(title)
	if old == nil || now == nil {
		return span{}
	}
	before := old.cell(c.pair[i]).text
	if before == now.cell(i).text {
		return span{muted, "="}
	}
	return span{muted, "was " + before}
}
