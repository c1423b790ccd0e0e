// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"slices"

	"scxdiag/dump"
)

// column is one column of a list. Its functions are given the index of the
// thing that a row shows.
type column struct {
	title text
	width int
	right bool // aligned right
	grow  int  // how many columns more it takes where there is room
	drop  int  // on narrow screens the highest goes first; 0 stays
	off   bool // only shown if it is chosen
	desc  bool // sorts the largest first unless reversed
	cell  func(i int) span
	key   func(i int) sortKey
}

// list is a table that sorts and filters. It renders only the rows that are on
// the screen, and sorts and filters only when something changed.
type list struct {
	x       *index // of the snapshot that it is of; nil for the list of the snapshots
	noun    text   // what the rows are: "tasks"
	empty   text   // why there may be none, a sentence
	columns []column
	fields  []field               // what the filter can ask; nil: no filter
	n       int                   // of all things
	place   func(i int) place     // where a row leads
	find    func(p place) int     // the thing that leads to p, -1 if none does; nil: place tells
	at      func(i int) dump.Span // what proves a row, where its place does not tell
	same    func(i int) any       // what tells a row from others in all snapshots, where its place does not
	delta   *comparison           // with the marked snapshot, nil if there is none
	scope   place                 // the list is confined to what belongs to it
	scoped  []int                 // the things that do; meaningless without scope

	tail    bool // the first column has the newest last
	fixed   bool // the order cannot be changed
	sorted  int  // column
	reverse bool
	choices choices // of the columns
	filter  string
	typing  bool // the filter is being typed: what may become a field does not count as a word yet

	whole   ordered  // all things
	part    ordered  // those of the scope
	anchor  int      // what the cursor was on when the typing began
	order   *ordered // that of the two which is shown
	read    *filter  // what filter says
	partial bool     // the last word of the filter is left out, as it may become a field
	passes  bits     // of all things of the scope: they pass the filter
	rows    []int    // what is shown, in order
	cursor  int
	top     int
	width   int
	height  int  // rows that fit, when it was last laid out
	picked  bool // the cursor is on what it is on for a reason, and follows it
}

// update sorts and filters again, as far as something changed, and keeps the cursor
// on what it was on.
func (l *list) update() {
	at, had := l.current()
	l.arrange()
	if l.read == nil || l.read.source != l.filter {
		l.read = compile(l.filter, l.fields)
	}
	l.take(l.read)
	l.partial = l.typing && l.read.partial && len(l.rows) == 0
	if l.partial {
		l.take(l.read.withoutLast())
	}
	if l.delta != nil {
		l.delta.count(l.rows)
	}
	l.cursor = 0
	if l.follows() {
		l.cursor = max(len(l.rows)-1, 0)
	}
	switch {
	case l.typing && l.picked:
		l.seek(l.anchor)
	case had && !l.typing && (l.picked || !l.follows()):
		l.seek(at)
	}
}

// take shows what passes a filter.
func (l *list) take(f *filter) {
	l.rows = l.rows[:0]
	if len(f.tests) == 0 {
		for _, i := range l.order.things {
			l.rows = append(l.rows, int(i))
		}
		return
	}
	// Things are looked at as they lie in memory, which is many times as fast as in
	// their order on the screen.
	if l.scope != nowhere {
		for _, i := range l.scoped {
			l.passes.set(i, f.match(i))
		}
	} else {
		for i := range l.n {
			l.passes.set(i, f.match(i))
		}
	}
	for _, i := range l.order.things {
		if l.passes.has(int(i)) {
			l.rows = append(l.rows, int(i))
		}
	}
}

// toggle adds a term to the filter, or takes it away.
func (l *list) toggle(term string) {
	l.filter = toggleTerm(l.filter, term)
	l.update()
}

// current is the thing with the cursor.
func (l *list) current() (int, bool) {
	if l.cursor < 0 || l.cursor >= len(l.rows) {
		return 0, false
	}
	return l.rows[l.cursor], true
}

// seek puts the cursor on thing i, if it is shown.
func (l *list) seek(i int) {
	if k := slices.Index(l.rows, i); k >= 0 {
		l.cursor = k
	}
}

// thing is what leads to p, -1 if nothing does.
func (l *list) thing(p place) int {
	if l.find != nil {
		return l.find(p)
	}
	for i := range l.n {
		if l.place(i) == p {
			return i
		}
	}
	return -1
}

// seekPlace puts the cursor on what leads to p, if it is shown; of several things on
// the first row.
func (l *list) seekPlace(p place) {
	k := -1
	switch {
	case p == nowhere: // what leads nowhere cannot be told apart
	case l.find != nil:
		if i := l.find(p); i >= 0 {
			k = slices.Index(l.rows, i)
		}
	default:
		k = slices.IndexFunc(l.rows, func(i int) bool { return l.place(i) == p })
	}
	if k >= 0 {
		l.cursor, l.picked = k, true
	}
}

// resume puts the cursor where that of the list of another snapshot was, at the
// same height of the screen: on the thing that the user picked, or else on the
// row. The first row of a table, where the cursor is until it is moved, has
// another task every time.
func (l *list) resume(old *list) {
	l.picked = old.picked
	l.cursor = max(0, min(old.cursor, len(l.rows)-1))
	if i, ok := old.current(); ok && old.picked {
		l.seekPlace(old.place(i))
	}
	l.top = l.cursor - (old.cursor - old.top)
	if l.follows() && !old.picked {
		l.cursor = max(len(l.rows)-1, 0)
	}
	if l.typing && old.anchor >= 0 {
		l.anchor = l.thing(old.place(old.anchor))
	}
}

// step moves the cursor by n rows.
func (l *list) step(n int) {
	l.cursor = max(0, min(l.cursor+n, len(l.rows)-1))
	l.picked = !l.follows() || l.cursor < len(l.rows)-1
}

// follows reports whether the newest thing is the last row, and the cursor with it
// unless it is moved.
func (l *list) follows() bool { return l.tail && l.sorted == 0 && !l.reverse }

// first goes to the first row, and stays there.
func (l *list) first() { l.cursor, l.picked = 0, false }

// sortNext sorts by the next column that is chosen, in that column's own direction.
func (l *list) sortNext() {
	next := l.sorted
	for range l.columns {
		next = (next + 1) % len(l.columns)
		if l.chosen(next) {
			break
		}
	}
	l.sortBy(next)
}

// sortBy sorts by a column, in its own direction.
func (l *list) sortBy(column int) {
	l.sorted, l.reverse = column, false
	l.update()
}

// adopt takes over how another list of the same kind was set: for the next
// snapshot, whose columns may differ.
func (l *list) adopt(o *list) {
	l.filter, l.typing, l.choices = o.filter, o.typing, o.choices
	for k := range l.columns {
		if l.columns[k].title == o.columns[o.sorted].title {
			l.sorted, l.reverse = k, o.reverse
		}
	}
}

// confine limits the list to what belongs to a place; nowhere lifts that.
func (l *list) confine(x *index, scope place) {
	l.scope, l.scoped = scope, nil
	if g := x.group(scope); g != nil {
		l.scoped = g.tasks
	}
	if l.delta != nil && scope != nowhere {
		l.scoped = append(slices.Clip(l.scoped), l.delta.scoped(scope)...)
	}
}

// headLines is how many lines of the screen a list uses for itself.
const headLines = 2

// layout scrolls so that the cursor is on the screen.
func (l *list) layout(width, height int) {
	l.width = width
	l.height = max(height-headLines, 1)
	l.top = min(l.top, l.cursor)
	l.top = max(l.top, l.cursor-l.height+1)
	l.top = max(0, min(l.top, len(l.rows)-l.height))
}

// status says what is shown and in which order.
func (l *list) status() line {
	var s line
	total, shown := l.n, len(l.rows)
	if l.scope != nowhere {
		total = len(l.scoped)
	}
	all := shown == total
	if l.delta != nil {
		total, shown = l.delta.without(l, total), l.delta.present
	}
	if all {
		s.add(plain, number(total)+" "+l.noun)
	} else {
		s.add(plain, number(shown)+" of "+number(total)+" "+l.noun)
	}
	if l.scope != nowhere {
		s.add(plain, " of "+l.scope.title())
	}
	if l.filter != "" {
		s.add(plain, " with "+clean(l.filter))
		if l.read.problem != "" && !l.typing { // the foot says what it is
			s.add(warning, " ! in part")
		}
	}
	if l.delta != nil {
		s.add(changed, l.delta.note)
	}
	if l.fixed {
		return s
	}
	c := &l.columns[l.sorted]
	dir := text(" ↑")
	if c.desc != l.reverse {
		dir = " ↓"
	}
	s.add(muted, ", by "+c.title+dir)
	return s
}

// Render gives the status line, the titles of the columns and the visible rows.
func (l *list) Render(st *styles, width, height int) []string {
	cols, widths, sep := l.fit(width)
	out := []string{append(line{{plain, "  "}}, l.status()...).render(st, plain, width)}
	head := line{{plain, spaces(gutter)}}
	for k, c := range cols {
		col := &l.columns[c]
		title := col.title
		if c == l.sorted && !l.fixed && !st.ascii && title.width() < widths[k] {
			if col.desc != l.reverse {
				title += "↓"
			} else {
				title += "↑"
			}
		}
		l.cellInto(&head, span{heading, title}, widths[k], col.right, sep, k == len(cols)-1)
	}
	out = append(out, head.render(st, plain, width))
	if len(l.rows) == 0 && len(out) < height {
		out = append(out, line{{muted, "  " + l.none()}}.render(st, plain, width))
	}
	for r := l.top; r < len(l.rows) && len(out) < height; r++ {
		on := plain
		row := line{{plain, "  "}}
		if r == l.cursor {
			on, row[0].text = selected, "> "
		}
		if l.delta != nil {
			row = line{{plain, row[0].text.take(1)}, l.delta.sign(l.rows[r])}
		}
		for k, c := range cols {
			l.cellInto(&row, l.columns[c].cell(l.rows[r]), widths[k], l.columns[c].right, sep, k == len(cols)-1)
		}
		out = append(out, row.render(st, on, width))
	}
	return out
}

// none says why there are no rows.
func (l *list) none() text {
	if l.n > 0 || l.empty == "" {
		return "none"
	}
	return l.empty
}

func (l *list) cellInto(row *line, c span, width int, right bool, sep int, last bool) {
	t := c.text.clip(width)
	if last && !right {
		row.add(c.style, t)
		return
	}
	// The padding is not part of the cell: an underlined or coloured gap
	// would look like content.
	if right {
		row.add(plain, spaces(width-t.width()))
		row.add(c.style, t)
	} else {
		row.add(c.style, t)
		row.add(plain, spaces(width-t.width()))
	}
	if !last {
		row.add(plain, spaces(sep))
	}
}

func (l *list) move(to motion) {
	switch to {
	case moveUp:
		l.step(-1)
	case moveDown:
		l.step(1)
	case movePageUp:
		l.step(-l.height)
	case movePageDown:
		l.step(l.height)
	case moveFirst:
		l.first()
	case moveLast:
		l.step(len(l.rows))
	}
}

func (l *list) sideways() bool { return false }

func (l *list) selection() selection {
	i, ok := l.current()
	if !ok {
		return selection{}
	}
	s := selection{place: l.place(i)}
	if l.at != nil {
		s.at = l.at(i)
	} else {
		s.at = l.x.span(s.place)
	}
	return s
}

func (l *list) position() text {
	if len(l.rows) == 0 {
		return ""
	}
	return number(l.cursor+1) + "/" + number(len(l.rows))
}
