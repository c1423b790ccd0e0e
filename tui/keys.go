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
		return m.quit()
	case m.keys[cmdSuspend].matches(k) && (k.Text == "" || !m.typing()):
		return tea.Suspend
	case m.prompt != nil:
		return m.promptKey(k)
	case m.chooser() != nil && !m.tooSmall():
		return m.chooser().typed(m, k)
	case m.keys[cmdQuit].matches(k):
		return m.quit()
	case m.index == nil || m.tooSmall():
		// Nothing to act on, or nothing that can be seen.
	case m.overlay != nil:
		if !m.overlay.key(m, k) {
			m.overlay = nil
		}
	default:
		for _, g := range m.commands() {
			for _, c := range g.commands {
				if m.keys[c].matches(k) {
					return m.do(c)
				}
			}
		}
		for c := range nrCommands {
			if m.keys[c].matches(k) {
				m.notice = m.why(c)
				break
			}
		}
	}
	return nil
}

// do does what a command is for. It is one of commands.
func (m *Model) do(c command) tea.Cmd {
	if c >= cmdUp && c <= cmdRight {
		m.pane().move(motion(c - cmdUp))
		return nil
	}
	if v, is := viewOf(c); is {
		m.start(v)
		return nil
	}
	switch l := m.list(); c {
	case cmdQuit:
		return m.quit()
	case cmdSuspend:
		return tea.Suspend
	case cmdSample:
		return m.sample()
	case cmdHelp:
		m.overlay = newHelpOverlay(m)
	case cmdPalette:
		m.overlay = newPalette(m)
	case cmdBack:
		m.back()
	case cmdOpen:
		m.open()
	case cmdRaw:
		m.openRaw()
	case cmdCgroups:
		m.openCgroups()
	case cmdSort:
		l.sortNext()
	case cmdReverse:
		l.reverse = !l.reverse
		l.update()
	case cmdColumns:
		m.overlay = newColumnsOverlay(m)
	case cmdFilter:
		m.prompt = &prompt{label: "filter: ", value: l.filter, before: l.filter}
		l.typeFilter()
	case cmdRunnable:
		l.toggle(runnableTerm)
	case cmdCPU:
		m.openCPU()
	case cmdTasksOf:
		m.openTasks()
	case cmdExplain:
		m.openRule()
	case cmdShape:
		m.reshape()
	case cmdSearch:
		m.prompt = &prompt{label: "search: ", before: m.raw.query}
		m.raw.origin = m.raw.firstOffset()
	case cmdNext:
		m.searchAgain(true)
	case cmdPrevious:
		m.searchAgain(false)
	case cmdSnapshots:
		m.overlay = newSessionOverlay(m)
	case cmdNextSnapshot:
		m.step(1)
	case cmdPreviousSnapshot:
		m.step(-1)
	case cmdCopy:
		return m.copySelection()
	case cmdCopyIssue:
		return m.copyIssue()
	case cmdWrite:
		m.askWhere()
	case cmdMouse:
		m.mouseOff = !m.mouseOff
	case cmdNextChange:
		m.jump(1)
	case cmdPreviousChange:
		m.jump(-1)
	case cmdFirstSnapshot:
		m.goToEnd(false)
	case cmdLastSnapshot:
		m.goToEnd(true)
	case cmdTime:
		m.askTime()
	case cmdMark:
		m.toggleMark()
	case cmdPause:
		m.pause()
	}
	return nil
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

func (m *Model) promptKey(k tea.KeyPressMsg) tea.Cmd {
	p := m.prompt
	if k.String() == "tab" && p.enter == nil {
		m.completeFilter()
		return nil
	}
	changed, done := p.typed(k)
	if changed {
		m.prompted()
	}
	if !done {
		return nil
	}
	m.prompt = nil
	m.filterTyped()
	switch {
	case p.enter != nil && k.String() == "enter":
		return p.enter(m, p.value)
	case p.enter != nil && p.leave != nil:
		p.leave(m)
	case p.enter == nil && m.frame().at.view == viewRaw && m.raw.query != "" && m.raw.found < 0:
		m.searched(false)
	}
	return nil
}

// prompted applies what the prompt holds while it is typed.
func (m *Model) prompted() {
	if m.prompt.enter != nil {
		return
	}
	if l := m.list(); l != nil {
		l.filter = m.prompt.value
		l.update()
		m.notice = l.advice()
		return
	}
	m.raw.query = m.prompt.value
	m.searched(m.raw.search(m.raw.origin, true))
}

func (m *Model) searchAgain(forward bool) {
	if m.raw.query == "" {
		m.notice = "Search for something first, with " + m.keys[cmdSearch].key() + "."
		return
	}
	m.searched(m.raw.again(forward))
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
	m.raw.column(m.width - m.raw.numbers() - 3)
}
