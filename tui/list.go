// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"cmp"
	"slices"
	"strings"

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
	desc  bool // sorts the largest first unless reversed
	cell  func(i int) span
	key   func(i int) sortKey
}

// sortKey orders things. What is unknown comes last, and always in the same
// order, whatever the direction.
type sortKey struct {
	known bool
	n     uint64
	s     string
}

func byNumber[T int | int32 | int64 | uint8 | uint32 | uint64](n T, known bool) sortKey {
	if !known {
		return sortKey{}
	}
	// Flipping the sign bit puts negative numbers before the others; it is
	// the same for all values of a column.
	u := uint64(n)
	if T(0)-1 < 0 {
		u ^= 1 << 63
	}
	return sortKey{known: true, n: u}
}

func byText(s string) sortKey { return sortKey{known: true, s: s} }

func (a sortKey) compare(b sortKey) int {
	return cmp.Or(cmp.Compare(a.n, b.n), strings.Compare(a.s, b.s))
}

// list is a table that sorts and filters. It renders only the rows that are on
// the screen, and sorts and filters only when something changed.
type list struct {
	x       *index // of the snapshot that it is of; nil for the list of the snapshots
	noun    text   // what the rows are: "tasks"
	empty   text   // why there may be none, a sentence
	columns []column
	n       int                   // of all things
	words   func(i int) string    // what the filter looks at, in lower case; nil: no filter
	place   func(i int) place     // where a row leads
	at      func(i int) dump.Span // what proves a row, where its place does not tell
	same    func(i int) any       // what tells a row from others in all snapshots, where its place does not
	delta   *comparison           // with the marked snapshot, nil if there is none
	scope   place                 // the list is confined to what belongs to it
	scoped  []int                 // the things that do; meaningless without scope

	fixed   bool // the order cannot be changed
	sorted  int  // column
	reverse bool
	filter  string

	rows     []int // what is shown, in order
	haystack []string
	cursor   int
	top      int
	width    int
	height   int  // rows that fit, when it was last laid out
	picked   bool // the cursor is on what it is on for a reason, and follows it
}

// update sorts and filters again, and keeps the cursor on what it was on.
func (l *list) update() {
	at, had := l.current()
	l.rows = l.rows[:0]
	match := l.matcher()
	take := func(i int) {
		if match(i) {
			l.rows = append(l.rows, i)
		}
	}
	if l.scope != nowhere {
		for _, i := range l.scoped {
			take(i)
		}
	} else {
		for i := range l.n {
			take(i)
		}
	}
	l.sort()
	if l.delta != nil {
		l.delta.count(l.rows)
	}
	l.cursor = 0
	if had {
		l.seek(at)
	}
}

func (l *list) sort() {
	col := &l.columns[l.sorted]
	type keyed struct {
		key sortKey
		i   int
	}
	keys := make([]keyed, len(l.rows))
	for k, i := range l.rows {
		keys[k] = keyed{col.key(i), i}
	}
	down := col.desc != l.reverse
	slices.SortStableFunc(keys, func(a, b keyed) int {
		switch {
		case a.key.known != b.key.known:
			if a.key.known {
				return -1
			}
			return 1
		case !a.key.known:
			return a.key.compare(b.key)
		case down:
			return b.key.compare(a.key)
		default:
			return a.key.compare(b.key)
		}
	})
	for k := range keys {
		l.rows[k] = keys[k].i
	}
}

// matcher is the filter: every word has to occur. A word such as cpu=3 is the
// whole field, so that it does not find CPU 31.
func (l *list) matcher() func(i int) bool {
	words := strings.Fields(strings.ToLower(l.filter))
	if len(words) == 0 || l.words == nil {
		return func(int) bool { return true }
	}
	for k, w := range words {
		if _, v, ok := strings.Cut(w, "="); ok && v != "" && strings.Trim(v, "0123456789") == "" {
			words[k] = " " + w + " "
		}
	}
	if l.haystack == nil {
		l.haystack = make([]string, l.n)
	}
	return func(i int) bool {
		if l.haystack[i] == "" {
			l.haystack[i] = " " + l.words(i) + " "
		}
		for _, w := range words {
			if !strings.Contains(l.haystack[i], w) {
				return false
			}
		}
		return true
	}
}

// toggle adds a word to the filter, or takes it away.
func (l *list) toggle(word string) {
	words := strings.Fields(l.filter)
	if i := slices.Index(words, word); i >= 0 {
		words = slices.Delete(words, i, i+1)
	} else {
		words = append(words, word)
	}
	l.filter = strings.Join(words, " ")
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

// seekPlace puts the cursor on what leads to p, if it is shown.
func (l *list) seekPlace(p place) {
	k := slices.IndexFunc(l.rows, func(i int) bool { return l.place(i) == p })
	if k < 0 && p.view == viewTask && p.task.PID > 0 { // it may have changed its comm
		k = slices.IndexFunc(l.rows, func(i int) bool { return l.place(i).task.PID == p.task.PID })
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
}

// step moves the cursor by n rows.
func (l *list) step(n int) {
	l.cursor = max(0, min(l.cursor+n, len(l.rows)-1))
	l.picked = true
}

// first goes to the first row, and stays there.
func (l *list) first() { l.cursor, l.picked = 0, false }

// sortNext sorts by the next column, in that column's own direction.
func (l *list) sortNext() {
	l.sorted, l.reverse = (l.sorted+1)%len(l.columns), false
	l.update()
}

// adopt takes over how another list of the same kind was set: for the next
// snapshot, whose columns may differ.
func (l *list) adopt(o *list) {
	l.filter = o.filter
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

// fit chooses the columns that fit and their widths.
func (l *list) fit(width int) (cols, widths []int, sep int) {
	sep = 1
	if width >= 110 {
		sep = 2
	}
	used := gutter
	for k := range l.columns {
		cols = append(cols, k)
		used += l.columns[k].width + sep
	}
	used -= sep
	for used > width {
		worst := -1
		for k, c := range cols {
			if d := l.columns[c].drop; d > 0 && (worst < 0 || d > l.columns[cols[worst]].drop) {
				worst = k
			}
		}
		if worst < 0 {
			break
		}
		used -= l.columns[cols[worst]].width + sep
		cols = slices.Delete(cols, worst, worst+1)
	}
	for _, c := range cols {
		w := l.columns[c].width
		if more := min(l.columns[c].grow, width-used); more > 0 {
			w += more
			used += more
		}
		widths = append(widths, w)
	}
	return cols, widths, sep
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
