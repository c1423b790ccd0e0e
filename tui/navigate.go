// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"slices"

	"scxdiag/dump"
)

// frame is an entry of the stack of views.
type frame struct {
	at    place
	scope place  // what a table of tasks is confined to
	row   place  // what was selected in a table when it was left
	was   string // its filter then
	page  *page  // of a place that is shown as a page
	built built  // what the page was built for
	seen  int    // number of the last snapshot shown that has what the place is of; 0 if none has
}

// built says what a page was built for; it is built again when that changes.
type built struct {
	snapshot *dump.Snapshot
	width    int
	delta    *delta
}

func newFrame(at place) frame { return frame{at: at, page: new(page)} }

// build fills the page of the frame, if it has one and it is out of date.
func (f *frame) build(x *index, width int) {
	now := built{x.s, width, x.delta}
	if f.built == now {
		return
	}
	f.built = now
	switch f.at.view {
	case viewTriage:
		f.page.set(overviewPage(x, width))
	case viewTask:
		f.page.set(f.gone(x, taskPage(x, f.at, width), width), nil)
	case viewCPU:
		f.page.set(f.gone(x, cpuPage(x, f.at.id, width), width), nil)
	case viewCell:
		f.page.set(f.gone(x, cellPage(x, f.at.id, width), width), nil)
	case viewQueue:
		f.page.set(f.gone(x, queuePage(x, f.at, width), width), nil)
	case viewCgroup:
		f.page.set(f.gone(x, cgroupPage(x, f.at, width), width), nil)
	case viewRule:
		f.page.set(rulePage(f.at.name, width), nil)
	}
}

// gone adds to a page what changed since the marked snapshot, and the way back to a page whose thing the snapshot does not have.
func (f *frame) gone(x *index, items []item, width int) []item {
	items = x.since(f.at, items, width)
	if f.seen == 0 || x.has(f.at) {
		return items
	}
	back := place{view: viewSnapshot, id: int32(f.seen)} //nolint:gosec // nobody sees as many
	for i := range items {
		if items[i].link == nowhere {
			items[i].link = back
		}
	}
	w := newWriter(width)
	w.items = items
	w.para(line{{plain, "Snapshot " + number(f.seen) + " is the last one shown that has it: enter goes back there."}}, back, dump.Span{})
	return w.items
}

// frame is where the user is.
func (m *Model) frame() *frame { return &m.stack[len(m.stack)-1] }

// maxStack bounds how far esc goes back.
const maxStack = 64

// push goes to a place that esc comes back from.
func (m *Model) push(f frame) {
	m.leave()
	if len(m.stack) == maxStack {
		m.stack = slices.Delete(m.stack, 1, 2)
	}
	if m.x().has(f.at) {
		f.seen = m.snapshots[m.current].nr
	} else if d := m.x().delta; d != nil && d.x.has(f.at) {
		f.seen = d.nr
	}
	m.stack = append(m.stack, f)
	m.enter()
}

// start goes to one of the numbered views; there is nothing to go back to.
func (m *Model) start(v view) {
	if len(m.stack) > 1 || m.frame().at.view != v {
		m.leave()
		m.stack = append(m.stack[:0], newFrame(place{view: v}))
	}
	m.frame().scope = nowhere
	m.enter()
}

// back drops a filter if there is one, and else goes back one place.
func (m *Model) back() {
	switch l := m.list(); {
	case l != nil && l.filter != "":
		l.filter = ""
		l.update()
	case m.frame().at.view == viewRaw && m.raw.query != "":
		m.raw.query, m.raw.found = "", -1
	case len(m.stack) > 1:
		m.stack = m.stack[:len(m.stack)-1]
		m.enter()
		if l := m.list(); l != nil {
			if l.filter != m.frame().was {
				l.filter = m.frame().was
				l.update()
			}
			l.seekPlace(m.frame().row)
		}
	}
}

func (m *Model) leave() {
	if l := m.list(); l != nil {
		if i, ok := l.current(); ok {
			m.frame().row = l.place(i)
		}
		m.frame().was = l.filter
	}
}

// enter sets up the view that the stack now ends in.
func (m *Model) enter() {
	if f, l := m.frame(), m.lists[viewTasks]; f.at.view == viewTasks && (l.scope != f.scope || l.read.source != l.filter) {
		l.confine(m.x(), f.scope)
		l.update()
	}
}

// follow goes where a link leads.
func (m *Model) follow(p place) {
	if p.view == viewSnapshot {
		m.goTo(int(p.id))
		return
	}
	if p != nowhere && p != m.frame().at {
		m.push(newFrame(p))
	}
}

// open goes on from what is selected: to the thing itself, or from a thing to
// what it belongs to.
func (m *Model) open() {
	f := m.frame()
	if l := m.list(); l != nil {
		if i, ok := l.current(); ok && (m.pane() == pane(l) || m.grid.cursor() >= 0) {
			l.picked = true
			m.follow(l.place(i))
		}
		return
	}
	if f.at.view == viewRaw {
		m.openLine()
		return
	}
	if f.at.view == viewMasks {
		m.follow(m.masks.selection().place)
		return
	}
	if it := f.page.selected(); it != nil && it.link != nowhere {
		m.follow(it.link)
		return
	}
	switch f.at.view {
	case viewTask:
		m.openCPU()
	case viewCPU, viewCell, viewQueue, viewCgroup:
		m.openTasks()
	}
}

// openLine goes to what the lines of the source are of that are found or marked, or
// else the first ones shown.
func (m *Model) openLine() {
	p := m.raw.thing()
	if p == nowhere {
		m.notice = "These lines are of no task, CPU, cell or DSQ."
		return
	}
	m.follow(p)
}

// isGhost tells the user, and reports, that the cursor is on a row of the marked
// snapshot only, of which there is nothing here.
func (m *Model) isGhost() bool {
	l := m.list()
	if l == nil || l.delta == nil {
		return false
	}
	i, ok := l.current()
	if ok = ok && i >= l.delta.base; ok {
		m.notice = "It is only in snapshot " + number(m.markNr()) + ", which is marked."
	}
	return ok
}

// openCPU goes to the CPU of the task that is selected.
func (m *Model) openCPU() {
	if m.isGhost() {
		return
	}
	x := m.x()
	p := m.pane().selection().place
	if p == nowhere && m.frame().at.view == viewTriage && x.subject >= 0 {
		p = x.placeOfTask(x.subject)
	}
	switch p.view {
	case viewCPU:
		m.follow(p)
	case viewTask:
		if t := x.task(x.findTask(p)); t != nil && t.CPU.Known {
			m.follow(placeOfCPU(t.CPU.V))
			return
		}
		m.notice = "The dump does not say on which CPU it is."
	}
}

// openTasks goes to the table of the tasks that belong to what is selected.
func (m *Model) openTasks() {
	if m.isGhost() || m.pane().selection() == (selection{}) {
		return
	}
	f := m.frame()
	p := f.at
	if l := m.list(); l != nil {
		i, ok := l.current()
		if !ok {
			return
		}
		p = l.place(i)
	}
	if f.at.view == viewMasks {
		p = m.masks.tasksOf()
	}
	switch p.view {
	case viewCPU, viewCell, viewQueue, viewCgroup:
	default:
		return
	}
	if g := m.x().group(p); g == nil || len(g.tasks) == 0 {
		m.notice = "No task of the dump belongs to " + p.title() + "."
		return
	}
	m.lists[viewTasks].filter = ""
	to := newFrame(place{view: viewTasks})
	to.scope = p
	m.push(to)
	m.lists[viewTasks].first()
}

// openRule explains the finding that the cursor is on or below, or else the first.
func (m *Model) openRule() {
	f := m.frame()
	p := placeOfRule(m.x().s.Findings[0].Rule)
	for i := 0; i <= f.page.cursor && i < len(f.page.left); i++ {
		if link := f.page.left[i].link; link.view == viewRule {
			p = link
		}
	}
	if p == nowhere {
		m.notice = "This program has no such rule: another version has recorded the finding."
		return
	}
	m.follow(p)
}

// openCgroups shows the tree of the cgroups.
func (m *Model) openCgroups() {
	if m.frame().at.view != viewCgroups {
		m.push(newFrame(place{view: viewCgroups}))
	}
}

// openRaw shows the source of what is selected.
func (m *Model) openRaw() {
	if m.frame().at.view == viewRaw {
		return
	}
	if m.isGhost() {
		return
	}
	s := m.pane().selection()
	m.raw.show(s)
	m.push(newFrame(place{view: viewRaw}))
}
