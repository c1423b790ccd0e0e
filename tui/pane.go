// SPDX-License-Identifier: GPL-2.0-only

package tui

import "scxdiag/dump"

// pane is what fills the screen between the tabs and the foot.
type pane interface {
	// layout tells it its size, and has it scroll to where its cursor is.
	layout(width, height int)
	Render(st *styles, width, height int) []string
	move(to motion)
	// sideways reports whether it moves to the left and the right.
	sideways() bool
	// selection is what the cursor is on.
	selection() selection
	// position says how far down the screen is.
	position() text
}

// motion is a way to move in a pane, in the order of the commands for it.
type motion uint8

const (
	moveUp motion = iota
	moveDown
	movePageUp
	movePageDown
	moveFirst
	moveLast
	moveLeft
	moveRight
)

// selection is what the cursor is on.
type selection struct {
	place place     // nowhere if it is not of one thing
	at    dump.Span // what proves it
}

// pane is the one that is shown.
func (m *Model) pane() pane {
	switch view := m.frame().at.view; {
	case view == viewCPUs && !m.grid.table:
		return &m.grid
	case view == viewMasks:
		return &m.masks
	}
	if l := m.list(); l != nil {
		return l
	}
	if m.frame().at.view == viewRaw {
		return &m.raw
	}
	return m.frame().page
}

// reshape shows the view in its next shape.
func (m *Model) reshape() {
	switch m.frame().at.view {
	case viewCPUs:
		m.grid.table = !m.grid.table
	case viewMasks:
		if !m.masks.reshape() {
			m.notice = m.why(cmdShape)
		}
	}
}

// list is the table that is shown, nil if none is. That of the CPUs is there too
// while they are shown as a grid, which has its cursor and its filter.
func (m *Model) list() *list { return m.lists[m.frame().at.view] }
