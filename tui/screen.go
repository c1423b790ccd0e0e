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
// live session has another one, and so has one with several snapshots.
const frameLines = 3

func (m *Model) tooSmall() bool { return m.width < minWidth || m.height < minHeight }

// top is the first line of the screen that a view has.
func (m *Model) top() int {
	if m.live != nil {
		return 3
	}
	return 2
}

func (m *Model) bodyHeight() int {
	height := m.height - frameLines
	if m.live != nil {
		height--
	}
	if m.hasTimeline() {
		height--
	}
	return height
}

// View implements tea.Model.
func (m *Model) View() tea.View {
	v := tea.NewView(strings.Join(m.Render(), "\n"))
	v.AltScreen = true
	if !m.mouseOff {
		v.MouseMode = tea.MouseModeCellMotion
	}
	if m.prompt != nil && !m.tooSmall() {
		_, x := m.promptLine()
		v.Cursor = tea.NewCursor(min(x, m.width-1), m.height-1)
	} else if p := m.chooser(); p != nil && !m.tooSmall() {
		_, x := p.prompt.line(m.width)
		v.Cursor = tea.NewCursor(min(x, m.width-1), m.height-1-m.bodyHeight())
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
			line{{key, m.keys[cmdQuit].key()}, {muted, " quit"}}.render(m.styles, plain, m.width),
		}
	}
	out := make([]string, 0, m.height)
	out = append(out, m.title().render(m.styles, plain, m.width))
	if m.live != nil {
		out = append(out, m.liveLine().render(m.styles, plain, m.width))
	}
	out = append(out, m.tabs().render(m.styles, plain, m.width))
	out = append(out, m.body()...)
	end := m.height - 1
	if m.hasTimeline() {
		end--
	}
	for len(out) < end {
		out = append(out, "")
	}
	if m.hasTimeline() {
		out = append(out, m.timeline().render(m.styles, plain, m.width))
	}
	return append(out, m.foot().render(m.styles, plain, m.width))
}

func (m *Model) body() []string {
	width, height := m.width, m.bodyHeight()
	if m.overlay != nil {
		return m.overlay.Render(m.styles, width, height)
	}
	return m.pane().Render(m.styles, width, height)
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
		if m.width >= 100 {
			right.add(warning, ": "+missing(&s.Ledger))
		}
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

// tabs shows the views and where in the present one the user is: with their names
// where they fit, closer together, or else only by their numbers.
func (m *Model) tabs() line {
	root := m.stack[0].at.view
	if m.frame().at.view == viewRaw {
		root = viewRaw
	}
	var position text
	if m.overlay == nil {
		position = m.pane().position()
	}
	right := line{{muted, position + " "}}
	var left line
	for _, dense := range []bool{false, true} {
		left = tabLine(root, func(nr, name text) text {
			if dense && name != (place{view: root}).title() {
				return nr + name
			}
			return nr + " " + name
		})
		if left.width()+right.width() < m.width {
			return sides(left, right, m.width)
		}
	}
	left = tabLine(root, func(nr, name text) text {
		if name == (place{view: root}).title() {
			return nr + " " + name
		}
		return nr
	})
	return sides(left, right, m.width)
}

// tabLine is the views, each as label writes it, that which is shown in brackets.
func tabLine(root view, label func(nr, name text) text) line {
	var l line
	gap := text(" ")
	for _, v := range numbered {
		t := label(number(v.nr), place{view: v.view}.title())
		if v.view == root {
			l.add(tab, "["+t+"]")
			gap = ""
			continue
		}
		l.add(muted, gap+t)
		gap = " "
	}
	return l
}

// hint is a key with a word for what it does.
type hint struct{ label, short text }

func (m *Model) hint(c command) hint { return hint{m.keys[c].key(), m.keys[c].short} }

// fitKeys shows as many keys as fit. The first two always do, and stand last.
func fitKeys(keys []hint, width int) line {
	shown := func(h hint) line {
		if h.label == "" { // there is no key for it
			return nil
		}
		return line{{plain, "  "}, {key, h.label}, {muted, " " + h.short}}
	}
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
		l, _ := m.promptLine()
		return sides(l, line{{warning, m.notice.clip(m.width - l.width() - 2)}}, m.width)
	}
	if m.notice != "" {
		return line{{plain, " "}, {warning, m.notice}}
	}
	var keys []hint
	if m.overlay != nil {
		if p := m.chooser(); p != nil {
			return p.foot(m.keys, m.width)
		}
		keys = append([]hint{{m.keys[cmdBack].key(), "close"}, m.hint(cmdQuit)}, m.overlay.footer(m.keys)...)
		return fitKeys(keys, m.width)
	}
	for _, c := range m.footer() {
		h := m.hint(c)
		if c == cmdPause && m.live.ended {
			h.short = "newest"
		} else if c == cmdPause && m.live.paused {
			h.short = "resume"
		} else if c == cmdMark && m.markNr() == m.snapshots[m.current].nr {
			h.short = "unmark"
		}
		keys = append(keys, h)
	}
	if len(m.snapshots) > 1 {
		if back, on := m.keys[cmdPreviousSnapshot].key(), m.keys[cmdNextSnapshot].key(); back != "" && on != "" {
			keys = append(keys, hint{back + " " + on, "snapshot"})
		}
	}
	return fitKeys(keys, m.width)
}
