// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// The smallest screen that the program can be used on.
const (
	minWidth  = 60
	minHeight = 15
)

// frameLines is the lines of the screen around a view: title, tabs, footer. A
// live session has another one.
const frameLines = 3

func (m *Model) tooSmall() bool { return m.width < minWidth || m.height < minHeight }
func (m *Model) bodyHeight() int {
	if m.live != nil {
		return m.height - frameLines - 1
	}
	return m.height - frameLines
}

// View implements tea.Model.
func (m *Model) View() tea.View {
	v := tea.NewView(strings.Join(m.Render(), "\n"))
	// The mouse stays with the terminal, so that people can select text.
	v.AltScreen = true
	if m.prompt != nil && !m.tooSmall() {
		_, x := m.prompt.line(m.width)
		v.Cursor = tea.NewCursor(min(x, m.width-1), m.height-1)
	}
	return v
}

// Render gives the lines of the screen: at most as many as it has, and none
// wider than it is.
func (m *Model) Render() []string {
	switch {
	case m.width < 1 || m.height < 1:
		return nil
	case m.tooSmall():
		t := textf("scxdiag needs %dx%d, this is %dx%d", minWidth, minHeight, m.width, m.height)
		return []string{line{{plain, t}}.render(m.styles, plain, m.width)}
	case m.index == nil && m.live != nil:
		return m.waiting()
	case m.index == nil:
		return []string{
			line{{plain, "No sched_ext dump in this session."}}.render(m.styles, plain, m.width),
			line{{key, "q"}, {muted, " quit"}}.render(m.styles, plain, m.width),
		}
	}
	out := make([]string, 0, m.height)
	out = append(out, m.title().render(m.styles, plain, m.width))
	if m.live != nil {
		out = append(out, m.liveLine().render(m.styles, plain, m.width))
	}
	out = append(out, m.tabs().render(m.styles, plain, m.width))
	out = append(out, m.body()...)
	for len(out) < m.height-1 {
		out = append(out, "")
	}
	return append(out, m.foot().render(m.styles, plain, m.width))
}

func (m *Model) body() []string {
	width, height := m.width, m.bodyHeight()
	if m.overlay != nil {
		return m.overlay.Render(m.styles, width, height)
	}
	if l := m.list(); l != nil {
		return l.Render(m.styles, width, height)
	}
	if m.frame().at.view == viewRaw {
		return m.raw.Render(m.x(), m.styles, width, height)
	}
	return m.frame().page.Render(m.styles, width, height)
}

// sides puts right at the right end of the line and clips left to what
// remains.
func sides(left, right line, width int) line {
	room := width - right.width()
	left = left.clip(max(room-1, 0))
	out := append(line{}, left...)
	out.add(plain, spaces(room-left.width()))
	return append(out, right...)
}

// title says on every screen what is shown and whether something is missing.
func (m *Model) title() line {
	s := m.snapshots[m.current]
	var left, right line
	if len(faults(s.Snapshot)) > 0 {
		right.add(warning, "! INJECTED")
	}
	if !s.Ledger.Complete() {
		if len(right) > 0 {
			right.add(plain, "  ")
		}
		right.add(warning, "! INCOMPLETE")
	}
	if len(m.snapshots) > 1 || m.live != nil {
		if len(right) > 0 {
			right.add(plain, "  ")
		}
		if m.live == nil && !s.at.IsZero() && m.width >= 80 { // a live session has a line for it
			right.add(plain, clean(s.at.Format("15:04:05 MST"))+"  ")
		}
		right.add(heading, number(s.nr)+"/"+number(m.snapshots[m.newest()].nr+m.after))
	}
	right.add(plain, " ")
	left.add(plain, " ")
	left.add(heading, schedulerName(s.Snapshot))
	left.add(plain, "  ")
	on, word := verdict(s.Snapshot)
	left.add(on, word)
	left.add(plain, "  ")
	left.add(muted, sourceName(s.Snapshot).clipLeft(max(m.width-left.width()-right.width()-1, 12)))
	return sides(left, right, m.width)
}

// tabs shows the views and where in the present one the user is.
func (m *Model) tabs() line {
	root := m.stack[0].at.view
	if m.frame().at.view == viewRaw {
		root = viewRaw
	}
	left, gap := line{{plain, " "}}, text("  ")
	if m.width < 70 {
		gap = "" // or the position would not fit
	}
	for i, v := range []view{viewOverview, viewCPUs, viewTasks, viewCells, viewRaw} {
		if i > 0 {
			left.add(plain, gap)
		}
		if v == root {
			left.add(tab, "["+number(i+1)+" "+place{view: v}.title()+"]")
		} else {
			left.add(muted, " "+number(i+1)+" "+place{view: v}.title()+" ")
		}
	}
	return sides(left, line{{muted, m.position() + " "}}, m.width)
}

// position tells how much is above and below the part of the view that shows.
func (m *Model) position() text {
	if m.overlay != nil {
		return ""
	}
	if l := m.list(); l != nil {
		if len(l.rows) == 0 {
			return ""
		}
		return number(l.cursor+1) + "/" + number(len(l.rows))
	}
	if m.frame().at.view == viewRaw {
		return ""
	}
	var t text
	above, below := m.frame().page.more(m.bodyHeight())
	if above > 0 {
		t += "↑" + number(above)
	}
	if below > 0 {
		if t != "" {
			t += " "
		}
		t += "↓" + number(below)
	}
	return t
}

// fitKeys shows as many keys as fit. The first two always do, and stand last.
func fitKeys(keys []binding, width int) line {
	shown := func(b binding) line { return line{{plain, "  "}, {key, b.label}, {muted, " " + b.short}} }
	tail := append(shown(keys[0]), shown(keys[1])...)
	l := line{}
	for _, b := range keys[2:] {
		next := shown(b)
		if l.width()+next.width()+tail.width() > width {
			break
		}
		l = append(l, next...)
	}
	return append(l, tail...)
}

// foot is the prompt, a notice, or the most important keys.
func (m *Model) foot() line {
	if m.prompt != nil {
		l, _ := m.prompt.line(m.width)
		if m.notice != "" {
			return sides(l, line{{warning, m.notice.clip(m.width / 2)}}, m.width)
		}
		return l
	}
	if m.notice != "" {
		return line{{plain, " "}, {warning, m.notice}}
	}
	var keys []binding
	if m.overlay != nil {
		keys = m.overlay.footer(&m.keys)
	} else {
		keys = m.keys.footer(m.frame().at.view, m.situation())
	}
	return fitKeys(keys, m.width)
}
