// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"maps"
	"slices"

	tea "charm.land/bubbletea/v2"
)

// choices is which columns the user has chosen and which not, by their titles. It
// goes from a list to that of the next snapshot, which may have other columns.
type choices map[text]bool

// chosen reports whether column k is to be shown, if there is room for it.
func (l *list) chosen(k int) bool {
	c := &l.columns[k]
	if on, is := l.choices[c.title]; is {
		return on
	}
	return !c.off
}

// choose shows a column or not. What the user wants to see stays longer than what
// he did not ask for, where there is little room.
func (l *list) choose(k int, on bool) {
	l.choices = maps.Clone(l.choices)
	if l.choices == nil {
		l.choices = choices{}
	}
	l.choices[l.columns[k].title] = on
}

// rank is how soon a column goes when there is little room; one of 0 stays.
func (l *list) rank(k int) int {
	const asked = 1 // goes after those of all other ranks
	switch c := &l.columns[k]; {
	case l.choices[c.title]:
		return asked
	case c.drop > 0:
		return asked + c.drop
	case c.off:
		return asked + 1
	}
	return 0
}

// fit chooses the columns that fit and their widths.
func (l *list) fit(width int) (cols, widths []int, sep int) {
	sep = 1
	if width >= 110 {
		sep = 2
	}
	used := gutter - sep
	for k := range l.columns {
		if l.chosen(k) {
			cols = append(cols, k)
			used += l.columns[k].width + sep
		}
	}
	for used > width {
		worst := -1
		for k, c := range cols {
			if d := l.rank(c); d > 0 && (worst < 0 || d > l.rank(cols[worst])) {
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

// columnsOverlay lists the columns of a table, to choose which are shown and to sort
// by one.
type columnsOverlay struct {
	of     view
	cursor int
	top    int
	height int
	shown  []bool // of each column: it is on the screen
	title  line
	lines  []line // of each column
}

func newColumnsOverlay(m *Model) *columnsOverlay {
	return &columnsOverlay{of: m.frame().at.view, cursor: m.list().sorted}
}

// key takes a key. The one for a screen down chooses too, if it is the space bar.
func (o *columnsOverlay) key(m *Model, k tea.KeyPressMsg) bool {
	l := m.lists[o.of]
	if k.String() == "space" || m.keys[cmdOpen].matches(k) {
		m.notice = o.toggle(l, m.width)
		return true
	}
	switch {
	case m.keys[cmdSort].matches(k):
		l.sortBy(o.cursor)
		return true
	case m.keys[cmdReverse].matches(k):
		l.reverse = !l.reverse
		l.update()
		return true
	}
	to, is := m.keys.motion(k)
	if !is {
		return false
	}
	o.move(to)
	return true
}

func (o *columnsOverlay) move(to motion) {
	n := len(o.lines)
	switch to {
	case moveUp:
		o.cursor--
	case moveDown:
		o.cursor++
	case movePageUp:
		o.cursor -= o.height
	case movePageDown:
		o.cursor += o.height
	case moveFirst:
		o.cursor = 0
	case moveLast:
		o.cursor = n
	}
	o.cursor = max(0, min(o.cursor, n-1))
}

// toggle hides the column with the cursor if it is on the screen, and else has it
// shown. It says what the user may wonder about.
func (o *columnsOverlay) toggle(l *list, width int) text {
	cols, _, _ := l.fit(width)
	title := l.columns[o.cursor].title
	if slices.Contains(cols, o.cursor) {
		if len(cols) == 1 {
			return "The last column stays."
		}
		l.choose(o.cursor, false)
		return ""
	}
	l.choose(o.cursor, true)
	if now, _, _ := l.fit(width); !slices.Contains(now, o.cursor) {
		return "No room for " + title + ": hide another column first."
	}
	return ""
}

func (o *columnsOverlay) layout(m *Model, width, height int) {
	l := m.lists[o.of] // of another snapshot than before, perhaps
	o.cursor = min(o.cursor, len(l.columns)-1)
	o.height = max(height-headLines, 1)
	o.top = min(o.top, o.cursor)
	o.top = max(o.top, o.cursor-o.height+1)
	o.top = max(0, min(o.top, len(l.columns)-o.height))
	o.shown = make([]bool, len(l.columns))
	cols, _, _ := l.fit(width)
	for _, k := range cols {
		o.shown[k] = true
	}
	o.lines = o.lines[:0]
	for k := range l.columns {
		o.lines = append(o.lines, o.line(l, k))
	}
	o.title = line{{plain, "  Columns of the " + l.noun}, {muted, ", " + number(len(cols)) + " of " + number(len(l.columns)) + " on the screen"}}
}

// line is what there is to say of column k.
func (o *columnsOverlay) line(l *list, k int) line {
	c := &l.columns[k]
	out := line{{plain, "[ ] "}}
	switch {
	case o.shown[k]:
		out[0] = span{plain, "[x] "}
	case l.chosen(k):
		out[0] = span{warning, "[-] "}
	}
	on := plain
	if !o.shown[k] {
		on = muted
	}
	out.add(on, c.title.pad(14, false))
	if l.chosen(k) && !o.shown[k] {
		out.add(warning, " no room, "+number(c.width)+" wide")
	}
	if l.sorted == k && !l.fixed {
		dir := text(" sorted ↑")
		if c.desc != l.reverse {
			dir = " sorted ↓"
		}
		out.add(heading, dir)
	}
	return out
}

func (o *columnsOverlay) Render(st *styles, width, height int) []string {
	out := []string{o.title.render(st, plain, width), ""}
	for k := o.top; k < len(o.lines) && len(out) < height; k++ {
		on, row := plain, line{{plain, "  "}}
		if k == o.cursor {
			on, row[0].text = selected, "> "
		}
		out = append(out, append(row, o.lines[k]...).render(st, on, width))
	}
	return out
}

func (o *columnsOverlay) footer(keys *keyMap) []hint {
	return []hint{{"space", "show/hide"}, {keys[cmdSort].key(), "sort by it"}, {keys[cmdReverse].key(), "reverse"}}
}
