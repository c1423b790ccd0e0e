// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"

	"scxdiag/dump"
)

// item is one entry of a page: a field, a line of a stack, a task of a list.
type item struct {
	lines []line
	label text      // of a field
	link  place     // where Enter leads
	at    dump.Span // what proves it
	head  bool      // a heading or a gap, which the cursor passes over
}

// page is a text with a cursor, in one or two columns of items that scroll
// together.
type page struct {
	left, right []item
	cursor      int // among left, then right
	top         int // first line shown
	width       int
	height      int // of the part shown, when it was last laid out

	at place  // what it is of
	x  *index // of the snapshot that it was built for
}

const (
	gutter = 2 // columns for the cursor
	gap    = 2 // columns between the two columns of a page
)

func (p *page) len() int { return len(p.left) + len(p.right) }

func (p *page) item(i int) *item {
	if i < len(p.left) {
		return &p.left[i]
	}
	return &p.right[i-len(p.left)]
}

// selected is the item with the cursor, nil if the page has none.
func (p *page) selected() *item {
	if p.cursor < 0 || p.cursor >= p.len() {
		return nil
	}
	return p.item(p.cursor)
}

// set replaces the items. The cursor stays on what it was on, as far as it can.
func (p *page) set(left, right []item) {
	old := *p
	atFirst := old.len() > 0 && old.atFirst()
	p.left, p.right = left, right
	if atFirst { // where it is until it is moved: what comes before is to be seen
		p.first()
		return
	}
	p.cursor = p.counterpart(&old)
	if it := p.selected(); it != nil && it.head {
		p.step(1)
	}
}

// counterpart is the item for that with the cursor in another version of the
// page: one that leads to the same, or else has the same label, or else just
// stands there.
func (p *page) counterpart(old *page) int {
	was := old.selected()
	if was != nil && !was.head {
		for _, same := range []func(a, b *item) bool{
			func(a, b *item) bool { return a.label == b.label && a.link == b.link && !a.head },
			func(a, b *item) bool { return a.label == b.label && a.label != "" },
		} {
			nth := 0 // of those that are the same
			for i := range old.cursor {
				if same(old.item(i), was) {
					nth++
				}
			}
			for i := range p.len() {
				if !same(p.item(i), was) {
					continue
				}
				if nth == 0 {
					return i
				}
				nth--
			}
		}
	}
	return min(max(old.cursor, 0), max(p.len()-1, 0))
}

// step puts the cursor n items on, passing over headings.
func (p *page) step(n int) {
	step := 1
	if n < 0 {
		step, n = -1, -n
	}
	for ; n > 0; n-- {
		i := p.cursor + step
		for i >= 0 && i < p.len() && p.item(i).head {
			i += step
		}
		if i < 0 || i >= p.len() {
			break
		}
		p.cursor = i
	}
}

// scroll moves the cursor by n lines of the screen, within its column.
func (p *page) scroll(n int) {
	y, _ := p.lineOf(p.cursor)
	want := y + n
	first, last := 0, len(p.left)
	if p.cursor >= len(p.left) {
		first, last = len(p.left), p.len()
	}
	best, at := -1, 0
	y = 0
	for i := first; i < last; i++ {
		if !p.item(i).head && (best < 0 || max(y-want, want-y) < max(at-want, want-at)) {
			best, at = i, y
		}
		y += len(p.item(i).lines)
	}
	if best >= 0 {
		p.cursor = best
	}
}

// atFirst reports whether the cursor is on the first item that it can be on.
func (p *page) atFirst() bool {
	for i := range p.cursor {
		if !p.item(i).head {
			return false
		}
	}
	return true
}

func (p *page) first() { p.cursor = -1; p.step(1) }
func (p *page) last()  { p.cursor = p.len(); p.step(-1) }

// lineOf is the first line of item i and how many it has.
func (p *page) lineOf(i int) (y, n int) {
	items := p.left
	if i >= len(p.left) {
		items, i = p.right, i-len(p.left)
	}
	if i < 0 || i >= len(items) {
		return 0, 0
	}
	for k := range i {
		y += len(items[k].lines)
	}
	return y, len(items[i].lines)
}

func rows(items []item) int {
	n := 0
	for i := range items {
		n += len(items[i].lines)
	}
	return n
}

// layout scrolls so that the cursor is on the screen, with the heading above
// it where there is room.
func (p *page) layout(width, height int) {
	p.width = width
	p.height = height
	y, n := p.lineOf(p.cursor)
	from := y
	for i := p.cursor - 1; i >= 0 && i != len(p.left)-1 && p.item(i).head; i-- {
		from -= len(p.item(i).lines)
	}
	if n < height && y+n-from > height {
		from = y
	}
	p.top = min(p.top, from)
	p.top = max(p.top, y+min(n, height)-height)
	total := max(rows(p.left), rows(p.right))
	p.top = max(0, min(p.top, total-height))
}

// Render gives the visible lines.
func (p *page) Render(st *styles, width, height int) []string {
	if len(p.right) == 0 {
		return p.column(st, p.left, 0, width, height)
	}
	lw, rw := split(width)
	left := p.column(st, p.left, 0, lw, height)
	right := p.column(st, p.right, len(p.left), rw, height)
	out := make([]string, 0, height)
	for y := range max(len(left), len(right)) {
		var b strings.Builder
		if y < len(left) {
			b.WriteString(left[y])
		}
		if y < len(right) && right[y] != "" {
			used := 0
			if y < len(left) {
				used = screenWidth(left[y])
			}
			b.WriteString(string(spaces(lw + gap - used)))
			b.WriteString(right[y])
		}
		out = append(out, b.String())
	}
	return out
}

// split is the widths of the two columns of a page.
func split(width int) (left, right int) {
	left = (width - gap) * 11 / 20
	return left, width - gap - left
}

// column renders the visible lines of one column; base is the index of its first
// item.
func (p *page) column(st *styles, items []item, base, width, height int) []string {
	var out []string
	y := 0
	for i := range items {
		for k, l := range items[i].lines {
			if y++; y <= p.top {
				continue
			}
			if len(out) == height {
				return out
			}
			on, mark := plain, text("  ")
			if base+i == p.cursor && !items[i].head {
				on = selected
				if k == 0 {
					mark = "> "
				}
			}
			row := append(line{{plain, mark}}, l...)
			out = append(out, row.render(st, on, width))
		}
	}
	return out
}

// position tells how much is above and below what is shown.
func (p *page) position() text {
	var t text
	if p.top > 0 {
		t = "↑" + number(p.top)
	}
	if below := max(rows(p.left), rows(p.right)) - p.top - p.height; below > 0 {
		if t != "" {
			t += " "
		}
		t += "↓" + number(below)
	}
	return t
}

func (p *page) move(to motion) {
	switch to {
	case moveUp:
		p.step(-1)
	case moveDown:
		p.step(1)
	case movePageUp:
		p.scroll(-p.height)
	case movePageDown:
		p.scroll(p.height)
	case moveFirst:
		p.first()
	case moveLast:
		p.last()
	}
}

func (p *page) sideways() bool { return false }

func (p *page) selection() selection {
	s := selection{place: p.at}
	if it := p.selected(); it != nil {
		s.at = it.at
		if p.at.view == viewTriage {
			s.place = it.link
		}
	}
	if s.at.IsZero() {
		s.at = p.x.span(s.place)
	}
	return s
}
