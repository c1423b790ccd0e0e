// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	tea "charm.land/bubbletea/v2"

	"scxdiag/dump"
)

// Model is the whole state of the program. It implements tea.Model; tests
// drive it without a terminal.
type Model struct {
	keys   keyMap
	styles *styles

	width, height int // of the screen; 0 until the terminal told

	snapshots []*shot // by number
	after     int     // snapshots behind these, which are not there
	current   int     // the snapshot shown
	index     *index  // of the snapshot shown; nil if there is none yet
	live      *live   // nil if the session has all its snapshots from the start

	cpus, tasks, cells, events, cgroups *list
	raw                                 raw
	// stack is where the user is, and behind it what esc goes back to. The
	// first is one of the numbered views, and there is always one.
	stack []frame

	overlay overlay
	prompt  *prompt
	notice  text // shown until the next key
}

// New makes the model of a session.
func New(snapshots []*dump.Snapshot, o Options) *Model {
	m := &Model{
		after:  o.After,
		keys:   newKeyMap(),
		styles: newStyles(o.NoColor),
		raw:    raw{found: -1},
	}
	for i, s := range snapshots {
		m.snapshots = append(m.snapshots, newShot(s, o.Before+i+1))
	}
	m.stack = []frame{newFrame(place{view: viewOverview})}
	first := firstToShow(snapshots)
	if o.Start > 0 {
		first = min(o.Start, len(snapshots)) - 1
	}
	m.show(first)
	m.notice = statusLine(o.Notice)
	return m
}

// firstToShow is the snapshot that a session opens with: the first failure
// that has a dump, or else the first failure, or else the first dump.
func firstToShow(snapshots []*dump.Snapshot) int {
	best, bestRank := 0, 0
	for i, s := range snapshots {
		rank := 0
		if s.IsFailure() {
			rank = 2
		}
		if len(s.CPUs) > 0 || len(s.Tasks) > 0 {
			rank++
		}
		if rank > bestRank {
			best, bestRank = i, rank
		}
	}
	return best
}

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd {
	if m.live == nil {
		return nil
	}
	return m.live.read()
}

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		cmd = m.key(msg)
		if m.live != nil {
			m.turn() // it may have waited for what was typed
		}
	case fedMsg:
		cmd = m.fed(msg)
	case tea.PasteMsg:
		if m.prompt != nil {
			m.prompt.insert(msg.Content)
			m.prompted()
		}
	}
	m.layout()
	return m, cmd
}

// x is the index of the snapshot shown.
func (m *Model) x() *index { return m.index }

// show goes to snapshot i and keeps what is selected, where it exists there.
func (m *Model) show(i int) {
	if i < 0 || i >= len(m.snapshots) {
		return
	}
	s := m.snapshots[i]
	m.current = i
	if m.index != nil && m.index.s == s.Snapshot {
		return
	}
	first := m.index == nil
	m.index = newIndex(s.Snapshot)
	x := m.x()
	for k := range m.stack {
		if x.has(m.stack[k].at) {
			m.stack[k].seen = s.nr
		}
	}
	m.cpus = relist(m.cpus, newCPUList(x), x)
	m.tasks = relist(m.tasks, newTaskList(x), x)
	m.cells = relist(m.cells, newCellList(x), x)
	m.events = relist(m.events, newEventList(x), x)
	m.cgroups = relist(m.cgroups, newCgroupList(x), x)
	if first && (m.live == nil || s.IsFailure()) {
		m.toSubject()
	}
	m.showRaw()
}

// showRaw looks in the source text of another snapshot for what is selected.
// Snapshots of a live session are much alike, so that the user stays where he
// is in the text.
func (m *Model) showRaw() {
	m.raw.found = -1
	if m.live == nil {
		m.raw.top, m.raw.left = 0, 0
	}
	if m.frame().at.view != viewRaw {
		return
	}
	of := m.raw.of
	of.at = m.x().span(of.place)
	if m.live == nil {
		m.raw.show(m.x(), of)
	} else {
		m.raw.of = of
	}
}

// relist takes over from the list of another snapshot how it was sorted,
// filtered and confined, and where its cursor was.
func relist(old, l *list, x *index) *list {
	if old != nil {
		l.adopt(old)
		l.confine(x, old.scope)
	}
	l.update()
	if old != nil {
		l.resume(old)
	}
	return l
}

// toSubject puts all cursors on what the verdict is about.
func (m *Model) toSubject() {
	x := m.x()
	t := x.task(x.subject)
	if t == nil {
		return
	}
	if x.tie != raisedIn { // it ran, and so is far below those that wait
		m.tasks.seekPlace(x.placeOfTask(x.subject))
	}
	if t.CPU.Known {
		m.cpus.seekPlace(placeOfCPU(t.CPU.V))
	}
	if t.Cell.Known {
		m.cells.seekPlace(placeOfCell(t.Cell.V))
	} else if i := x.queueOf(t); i >= 0 {
		m.cells.seekPlace(x.placeOfQueue(i))
	}
}

// list is the table that is shown, nil if none is.
func (m *Model) list() *list {
	switch m.frame().at.view {
	case viewCPUs:
		return m.cpus
	case viewTasks:
		return m.tasks
	case viewCells:
		return m.cells
	case viewEvents:
		return m.events
	case viewCgroups:
		return m.cgroups
	}
	return nil
}

// selection is what the cursor is on.
type selection struct {
	place place     // nowhere if it is not of one thing
	at    dump.Span // what proves it
}

func (m *Model) selection() selection {
	x, f := m.x(), m.frame()
	if f.at.view == viewRaw {
		return m.raw.of
	}
	if l := m.list(); l != nil {
		if i, ok := l.current(); ok {
			return selection{l.place(i), x.span(l.place(i))}
		}
		return selection{}
	}
	s := selection{place: f.at}
	if it := f.page.selected(); it != nil {
		s.at = it.at
		if f.at.view == viewOverview {
			s.place = it.link
		}
	}
	if s.at.IsZero() {
		s.at = x.span(s.place)
	}
	return s
}

// layout tells every part of the screen its size, and has it scroll to what is
// selected.
func (m *Model) layout() {
	if m.index == nil || m.tooSmall() {
		return
	}
	height := m.bodyHeight()
	x, f := m.x(), m.frame()
	m.raw.height = max(height-1, 1)
	switch l := m.list(); {
	case l != nil:
		l.layout(height)
	case f.at.view == viewRaw:
		m.raw.layout(x)
	default:
		f.build(x, m.width)
		f.page.layout(height)
	}
	if m.overlay != nil {
		m.overlay.layout(m, m.width, height)
	}
}
