// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// clickable is a pane that takes clicks.
type clickable interface {
	// click puts the cursor on what is at a place of the pane, or does what is there.
	click(x, y int) clicked
}

// clicked is what a click has done.
type clicked uint8

const (
	clickNothing clicked = iota
	clickSelects
	clickOpens // the cursor was there already
)

// wheelLines is how far one turn of the wheel goes.
const wheelLines = 3

// wheel moves what the mouse is on.
func (m *Model) wheel(msg tea.MouseWheelMsg) {
	if m.index == nil || m.tooSmall() || m.prompt != nil {
		return
	}
	to := map[tea.MouseButton]motion{
		tea.MouseWheelUp: moveUp, tea.MouseWheelDown: moveDown, tea.MouseWheelLeft: moveLeft, tea.MouseWheelRight: moveRight,
	}
	way, is := to[msg.Button]
	for n := 0; is && n < wheelLines; n++ {
		if p := m.chooser(); p != nil && way <= moveDown {
			p.step(2*int(way) - 1)
		} else if o, scrolls := m.overlay.(interface{ move(to motion) }); scrolls {
			o.move(way)
		} else if m.overlay == nil {
			m.pane().move(way)
		}
	}
}

// click takes a click of the left button: on a tab, or in the pane.
func (m *Model) click(msg tea.MouseClickMsg) tea.Cmd {
	if msg.Button != tea.MouseLeft || m.index == nil || m.tooSmall() || m.prompt != nil {
		return nil
	}
	m.notice = ""
	top := m.top()
	switch {
	case msg.Y == top-1:
		return m.clickTab(msg.X)
	case msg.Y < top || msg.Y >= top+m.bodyHeight():
		return nil
	}
	switch o := m.overlay.(type) {
	case *sessionOverlay:
		if o.list.click(msg.X, msg.Y-top) == clickOpens {
			m.overlay = nil
			m.follow(o.list.place(o.list.rows[o.list.cursor]))
		}
	case *columnsOverlay:
		o.click(m, msg.Y-top)
	case *chooser:
		return o.click(m, msg.Y-top)
	}
	if p, is := m.pane().(clickable); is && m.overlay == nil && p.click(msg.X, msg.Y-top) == clickOpens {
		m.open()
	}
	return nil
}

// clickTab goes to the view whose name is at a column.
func (m *Model) clickTab(x int) tea.Cmd {
	shown := m.tabs() // before the overlay is closed, which changes them
	m.overlay = nil
	at := 0
	for _, s := range shown {
		if w := s.text.width(); x >= at+w {
			at += w
			continue
		}
		for _, v := range numbered {
			if strings.HasPrefix(strings.TrimLeft(string(s.text), " ["), string(number(v.nr))) {
				return m.do(v.command)
			}
		}
		break
	}
	return nil
}

// click sorts by the column whose title is clicked, or else goes to the row.
func (l *list) click(x, y int) clicked {
	if y == 1 {
		l.clickTitle(x)
		return clickNothing
	}
	row := l.top + y - headLines
	if y < headLines || row >= len(l.rows) {
		return clickNothing
	}
	was := l.cursor
	l.cursor, l.picked = row, true
	if was == row {
		return clickOpens
	}
	return clickSelects
}

func (l *list) clickTitle(x int) {
	if l.fixed {
		return
	}
	cols, widths, sep := l.fit(l.width)
	at := gutter
	for k, c := range cols {
		if x >= at && x < at+widths[k] {
			if l.sorted == c {
				l.reverse = !l.reverse
			} else {
				l.sorted, l.reverse = c, false
			}
			l.update()
			return
		}
		at += widths[k] + sep
	}
}

// click goes to the item at a place.
func (p *page) click(x, y int) clicked {
	items, base := p.left, 0
	if lw, _ := split(p.width); len(p.right) > 0 && x >= lw+gap {
		items, base = p.right, len(p.left)
	}
	line := 0
	for i := range items {
		if line += len(items[i].lines); line <= p.top+y {
			continue
		}
		if items[i].head {
			return clickNothing
		}
		was := p.cursor
		p.cursor = base + i
		if was == p.cursor {
			return clickOpens
		}
		return clickSelects
	}
	return clickNothing
}

// click goes to the CPU at a place.
func (g *grid) click(x, y int) clicked {
	y-- // below the status
	if g.form == nil || len(g.tiles) == 0 {
		return clickNothing
	}
	x--
	if g.form.labels {
		y--
		x -= labelWidth
	}
	k := (g.top+y/g.form.height)*g.perRow + x/g.width
	if x < 0 || y < 0 || y/g.form.height >= g.rows || x/g.width >= g.perRow || k >= len(g.tiles) || !g.shown[k] {
		return clickNothing
	}
	was := g.cursor()
	g.put(k)
	if was == k {
		return clickOpens
	}
	return clickSelects
}

// rulerLines is the lines of the screen that the numbers of the CPUs have above masks.
const rulerLines = 2

// click goes to the row and the column of CPUs at a place.
func (v *masks) click(x, y int) clicked {
	row := v.top + y - len(v.said) - rulerLines
	if y < len(v.said)+rulerLines || row >= min(v.top+v.rows, v.total()) {
		return clickNothing
	}
	if at := x - gutter - v.label - 1; at >= 0 && at/v.pitch < v.fit {
		v.column = v.left + at/v.pitch*v.per
	}
	if v.kind(row) == rowHead {
		return clickNothing
	}
	was := v.cursor
	v.cursor, v.picked = row, true
	if was == row {
		return clickOpens
	}
	return clickSelects
}

// click goes to a choice, and then runs it.
func (p *chooser) click(m *Model, y int) tea.Cmd {
	k := p.top + y - 1 // below the prompt
	if y < 1 || k >= len(p.shown) {
		return nil
	}
	if p.cursor != k {
		p.cursor = k
		return nil
	}
	return p.run(m)
}

// click goes to a column, and then shows or hides it.
func (o *columnsOverlay) click(m *Model, y int) {
	k := o.top + y - headLines
	if y < headLines || k >= len(o.lines) {
		return
	}
	if o.cursor == k {
		m.notice = o.toggle(m.lists[o.of], m.width)
	}
	o.cursor = k
}
