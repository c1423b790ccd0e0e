// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	tea "charm.land/bubbletea/v2"

	"scxdiag/dump"
)

// Model is the whole state of the program. It implements tea.Model; tests
// drive it without a terminal.
type Model struct {
	keys    *keyMap
	setting setting // what the styles follow from
	styles  *styles
	asking  bool // the answer of the terminal to what its background is may yet come
	leaving bool // the user wants to quit

	width, height int // of the screen; 0 until the terminal told

	snapshots []*shot // by number
	after     int     // snapshots behind these, which are not there
	current   int     // the snapshot shown
	index     *index  // of the snapshot shown; nil if there is none yet
	mark      *mark   // the snapshot to compare with; nil if none is marked
	live      *live   // nil if the session has all its snapshots from the start

	lists [nrViews]*list // those of the views that are tables
	grid  grid           // another shape of the CPUs
	masks masks
	raw   raw
	// stack is where the user is, and behind it what esc goes back to. The
	// first is one of the numbered views, and there is always one.
	stack []frame

	overlay overlay
	prompt  *prompt
	notice  text // shown until the next key

	outlet   Outlet
	mouseOff bool // the mouse is left to the terminal
}

// New makes the model of a session.
func New(snapshots []*dump.Snapshot, o Options) *Model {
	m := &Model{
		after:   o.After,
		outlet:  o.Outlet,
		keys:    o.keyMap(),
		setting: o.setting(),
		raw:     raw{found: -1},
	}
	m.styles, m.asking = m.setting.styles(), m.setting.ask
	for i, s := range snapshots {
		m.snapshots = append(m.snapshots, newShot(s, o.Before+i+1))
	}
	m.stack = []frame{newFrame(place{view: viewTriage})}
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
	var ask, read tea.Cmd
	if m.setting.ask {
		ask = askBackground()
	}
	if m.live != nil {
		read = m.live.read()
	}
	return tea.Batch(ask, read)
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
	case tea.MouseClickMsg:
		cmd = m.click(msg)
	case tea.MouseWheelMsg:
		m.wheel(msg)
	case copiedMsg:
		cmd = m.copied(msg)
	case tea.BackgroundColorMsg:
		cmd = m.background(msg)
	case noAnswerMsg:
		cmd = m.answered()
	case fedMsg:
		cmd = m.fed(msg)
	case tea.PasteMsg:
		if m.prompt != nil {
			m.prompt.insert(msg.Content)
			m.prompted()
		} else if p := m.chooser(); p != nil {
			p.paste(m, msg.Content)
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
	m.index.past = m.lookBack
	m.compare()
	x := m.x()
	for k := range m.stack {
		if x.has(m.stack[k].at) {
			m.stack[k].seen = s.nr
		}
	}
	m.relist()
	m.raw.x = x
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
		m.raw.show(of)
	} else {
		m.raw.of = of
	}
}

// relist makes the tables of the snapshot that is shown.
func (m *Model) relist() {
	for v, table := range tables {
		if table != nil {
			m.lists[v] = relist(m.lists[v], m.table(view(v)), m.x())
		}
	}
	m.grid.show(m.x(), m.lists[viewCPUs])
	m.masks.show(m.x())
}

// relist takes over from the list of another snapshot how it was sorted,
// filtered and confined, and where its cursor was.
func relist(old, l *list, x *index) *list {
	if old != nil {
		l.adopt(old)
		l.confine(x, old.scope)
	}
	l.x = x
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
	m.masks.toSubject()
	if x.tie != raisedIn { // it ran, and so is far below those that wait
		m.lists[viewTasks].seekPlace(x.placeOfTask(x.subject))
	}
	if t.CPU.Known {
		m.lists[viewCPUs].seekPlace(placeOfCPU(t.CPU.V))
	}
	if t.Cell.Known {
		m.lists[viewCells].seekPlace(placeOfCell(t.Cell.V))
	}
	if i := x.queueOf(t); i >= 0 {
		m.lists[viewQueues].seekPlace(x.placeOfQueue(i))
	}
}

// tables makes the list of each view that is one.
var tables = [nrViews]func(*index) *list{
	viewCells: newCellList, viewCPUs: newCPUList, viewTasks: newTaskList, viewQueues: newQueueList,
	viewEvents: newEventList, viewCounters: newCounterList, viewCgroups: newCgroupList,
}

// layout tells every part of the screen its size, and has it scroll to what is
// selected.
func (m *Model) layout() {
	if m.index == nil || m.tooSmall() {
		return
	}
	height := m.bodyHeight()
	m.raw.height = max(height-1, 1)
	if p, is := m.pane().(*page); is {
		m.frame().build(m.x(), m.width)
		p.at, p.x = m.frame().at, m.x()
	}
	m.pane().layout(m.width, height)
	if m.overlay != nil {
		m.overlay.layout(m, m.width, height)
	}
}
