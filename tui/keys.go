// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	tea "charm.land/bubbletea/v2"
)

// key does what a key says.
func (m *Model) key(k tea.KeyPressMsg) tea.Cmd {
	m.notice = ""
	switch {
	case k.String() == "ctrl+c":
		return tea.Quit
	case m.keys.suspend.matches(k):
		return tea.Suspend
	case m.prompt != nil:
		m.promptKey(k)
	case m.keys.quit.matches(k):
		return tea.Quit
	case m.index == nil || m.tooSmall():
		// Nothing to act on, or nothing that can be seen.
	case m.overlay != nil:
		if !m.overlay.key(m, k) {
			m.overlay = nil
		}
	case m.canSample() && m.keys.sample.matches(k):
		return m.sample()
	case m.moveKey(k) || m.globalKey(k):
	default:
		m.viewKey(k)
	}
	return nil
}

// moveKey moves the cursor, or scrolls where there is none.
func (m *Model) moveKey(k tea.KeyPressMsg) bool {
	if l := m.list(); l != nil {
		return m.moveList(l, k)
	}
	if m.frame().at.view == viewRaw {
		return m.moveRaw(k)
	}
	p := m.frame().page
	switch keys := &m.keys; {
	case keys.up.matches(k):
		p.move(-1)
	case keys.down.matches(k):
		p.move(1)
	case keys.pageUp.matches(k):
		p.scroll(-p.height)
	case keys.pageDown.matches(k):
		p.scroll(p.height)
	case keys.top.matches(k):
		p.first()
	case keys.bottom.matches(k):
		p.last()
	default:
		return false
	}
	return true
}

func (m *Model) moveList(l *list, k tea.KeyPressMsg) bool {
	switch keys := &m.keys; {
	case keys.up.matches(k):
		l.move(-1)
	case keys.down.matches(k):
		l.move(1)
	case keys.pageUp.matches(k):
		l.move(-l.height)
	case keys.pageDown.matches(k):
		l.move(l.height)
	case keys.top.matches(k):
		l.first()
	case keys.bottom.matches(k):
		l.move(len(l.rows))
	default:
		return false
	}
	return true
}

func (m *Model) moveRaw(k tea.KeyPressMsg) bool {
	r := &m.raw
	switch keys := &m.keys; {
	case keys.up.matches(k):
		r.top--
	case keys.down.matches(k):
		r.top++
	case keys.pageUp.matches(k):
		r.top -= r.height
	case keys.pageDown.matches(k):
		r.top += r.height
	case keys.top.matches(k):
		r.top = 0
	case keys.bottom.matches(k):
		r.top = len(m.x().lineStarts())
	case keys.left.matches(k):
		r.left -= tabWidth
	case keys.right.matches(k):
		r.left += tabWidth
	default:
		return false
	}
	return true
}

// globalKey takes the keys that work in every view.
func (m *Model) globalKey(k tea.KeyPressMsg) bool {
	switch keys := &m.keys; {
	case keys.help.matches(k):
		m.overlay = &helpOverlay{groups: keys.groups(m.frame().at.view, m.situation())}
	case m.live != nil && keys.pause.matches(k):
		m.pause()
	case keys.back.matches(k):
		m.back()
	case keys.overview.matches(k):
		m.start(viewOverview)
	case keys.cpus.matches(k):
		m.start(viewCPUs)
	case keys.tasks.matches(k):
		m.start(viewTasks)
	case keys.cells.matches(k):
		m.start(viewCells)
	case keys.raw.matches(k):
		m.openRaw()
	case keys.events.matches(k):
		m.openEvents()
	case keys.cgroups.matches(k):
		m.openCgroups()
	case keys.snapshots.matches(k):
		m.overlay = newSessionOverlay(m)
	case keys.nextSnapshot.matches(k):
		m.step(1)
	case keys.previousSnapshot.matches(k):
		m.step(-1)
	default:
		return false
	}
	return true
}

func (m *Model) step(n int) {
	m.hold()
	if i := m.current + n; i >= 0 && i < len(m.snapshots) {
		m.show(i)
		return
	}
	m.notice = "There is no further snapshot in this session."
}

// goTo goes to a snapshot by its number.
func (m *Model) goTo(nr int) {
	m.hold()
	m.show(m.find(nr))
}

// situation is which keys there is a use for.
func (m *Model) situation() situation {
	l := m.list()
	c := situation{
		back:    len(m.stack) > 1 || l != nil && l.filter != "",
		several: len(m.snapshots) > 1,
		sample:  m.canSample(),
		events:  len(m.x().s.Events) > 0,
		cgroups: len(m.x().s.Cgroups) > 0,
		found:   len(m.x().s.Findings) > 0,
	}
	if m.live != nil {
		c.live, c.paused, c.ended = true, m.live.paused, m.live.ended
	}
	return c
}

// viewKey takes the keys of the view that is shown.
func (m *Model) viewKey(k tea.KeyPressMsg) {
	keys := &m.keys
	l := m.list()
	atRaw := m.frame().at.view == viewRaw
	switch {
	case keys.open.matches(k):
		m.open()
	case keys.cpu.matches(k):
		m.openCPU()
	case keys.tasksOf.matches(k):
		m.openTasks()
	case keys.explain.matches(k):
		m.openRule()
	case l != nil && keys.sort.matches(k):
		l.sortNext()
	case l != nil && keys.reverse.matches(k):
		l.reverse = !l.reverse
		l.update()
	case l != nil && l.words != nil && keys.filter.matches(k):
		m.prompt = &prompt{label: "filter: ", value: l.filter, before: l.filter}
	case m.frame().at.view == viewTasks && keys.runnable.matches(k):
		l.toggle(runnableWord)
	case atRaw && keys.search.matches(k):
		m.prompt = &prompt{label: "search: ", before: m.raw.query}
		m.raw.origin = m.raw.firstOffset(m.x())
	case atRaw && keys.next.matches(k):
		m.searchAgain(true)
	case atRaw && keys.previous.matches(k):
		m.searchAgain(false)
	}
}

func (m *Model) promptKey(k tea.KeyPressMsg) {
	changed, done := m.prompt.typed(k)
	if changed {
		m.prompted()
	}
	if done {
		m.prompt = nil
		if m.frame().at.view == viewRaw && m.raw.query != "" && m.raw.found < 0 {
			m.searched(false)
		}
	}
}

// prompted applies what the prompt holds while it is typed.
func (m *Model) prompted() {
	if l := m.list(); l != nil {
		l.filter = m.prompt.value
		l.update()
		return
	}
	m.raw.query = m.prompt.value
	m.searched(m.raw.search(m.x(), m.raw.origin, true))
}

func (m *Model) searchAgain(forward bool) {
	if m.raw.query == "" {
		m.notice = "Search for something first, with /."
		return
	}
	m.searched(m.raw.again(m.x(), forward))
}

// searched tells the user how a search went.
func (m *Model) searched(found bool) {
	m.notice = ""
	switch {
	case !found:
		m.notice = "Not found: " + clean(m.raw.query)
	case m.raw.wrapped:
		m.notice = "The search went around the end."
	}
	m.raw.column(m.x(), m.width-numbers(m.x())-3)
}
