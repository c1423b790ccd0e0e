// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"
)

// overlay covers the view that is shown until it is closed.
type overlay interface {
	// key takes a key; it returns false to be closed.
	key(m *Model, k tea.KeyPressMsg) bool
	layout(m *Model, width, height int)
	Render(st *styles, width, height int) []string
	// footer is the keys to show, beside those that close it and quit.
	footer(keys *keyMap) []hint
}

// helpOverlay lists the keys of the view that it was opened on.
type helpOverlay struct {
	groups []commandGroup
	keys   *keyMap
	list   *list // nil if the view is no table
	of     view
	lines  []line
	top    int
	height int
}

func newHelpOverlay(m *Model) *helpOverlay {
	return &helpOverlay{groups: m.commands(), keys: m.keys, list: m.list(), of: m.frame().at.view}
}

func (h *helpOverlay) key(m *Model, k tea.KeyPressMsg) bool {
	to, is := m.keys.motion(k)
	if is {
		h.move(to)
	}
	return is
}

func (h *helpOverlay) move(to motion) {
	switch to {
	case moveUp:
		h.top--
	case moveDown:
		h.top++
	case movePageUp:
		h.top -= h.height
	case movePageDown:
		h.top += h.height
	case moveFirst:
		h.top = 0
	case moveLast:
		h.top = len(h.lines)
	}
}

// wideHelp is from which width on the help has two columns.
const wideHelp = 120

func (h *helpOverlay) layout(_ *Model, width, height int) {
	h.height = height
	if width < wideHelp {
		h.lines = h.column(h.groups, width)
	} else {
		h.lines = h.columns(width)
	}
	h.top = max(0, min(h.top, len(h.lines)-height))
}

// columns puts the groups below and beside each other, so that both columns are
// about as long.
func (h *helpOverlay) columns(width int) []line {
	half := (width - gap) / 2
	var left, right []line
	for n := range len(h.groups) + 1 {
		l, r := h.column(h.groups[:n], half), h.column(h.groups[n:], half)
		if n == 0 || max(len(l), len(r)) < max(len(left), len(right)) {
			left, right = l, r
		}
	}
	out := make([]line, max(len(left), len(right)))
	for i := range out {
		if i < len(left) {
			out[i] = left[i]
		}
		if i < len(right) && len(right[i]) > 0 {
			out[i].add(plain, spaces(half+gap-out[i].width()))
			out[i] = append(out[i], right[i]...)
		}
	}
	return out
}

// column is groups of commands below each other.
func (h *helpOverlay) column(groups []commandGroup, width int) []line {
	const label = 10
	var lines []line
	for i, g := range groups {
		if i > 0 {
			lines = append(lines, nil)
		}
		lines = append(lines, line{{plain, "  "}, {heading, g.title}})
		for _, c := range g.commands {
			b := &h.keys[c]
			keys, others := b.label()
			help := b.help
			switch {
			case keys == "":
				help += " (by its name: " + clean(b.name) + ")"
			case len(others) > 0:
				help += " (also " + join(others, ", ") + ")"
			}
			for k, l := range (line{{plain, help}}).wrap(width - label - 4) {
				head := line{{plain, spaces(4 + label)}}
				if k == 0 {
					head = line{{plain, "    "}, {key, keys.clip(label-1).pad(label, false)}}
				}
				lines = append(lines, append(head, l...))
			}
		}
		if g.title == h.groups[0].title {
			lines = append(lines, filterHelp(h.list, filterExamples[h.of], width)...)
		}
	}
	return lines
}

func (h *helpOverlay) Render(st *styles, width, height int) []string {
	var out []string
	for i := h.top; i < len(h.lines) && len(out) < height; i++ {
		out = append(out, h.lines[i].render(st, plain, width))
	}
	if n := len(h.lines) - h.top - height; n > 0 && len(out) > 0 {
		out[len(out)-1] = line{{muted, "    " + number(n+1) + " more lines"}}.render(st, plain, width)
	}
	return out
}

func (h *helpOverlay) footer(keys *keyMap) []hint {
	return []hint{{keys[cmdUp].key() + " " + keys[cmdDown].key(), "scroll"}}
}

// sessionOverlay lists the snapshots of the session.
type sessionOverlay struct{ list *list }

func newSessionOverlay(m *Model) *sessionOverlay {
	snaps := slices.Clone(m.snapshots)
	l := &list{
		noun:  "snapshots",
		fixed: true,
		n:     len(snaps),
		place: func(i int) place { return place{view: viewSnapshot, id: int32(snaps[i].nr)} }, //nolint:gosec // few
	}
	l.columns = []column{
		{
			title: "#", width: 4, right: true,
			cell: func(i int) span { return span{name, number(snaps[i].nr)} },
			key:  func(i int) sortKey { return byNumber(i, true) },
		},
		{
			title: "", width: 1,
			cell: func(i int) span {
				if !snaps[i].Ledger.Complete() {
					return span{warning, "!"}
				}
				return span{}
			},
			key: func(int) sortKey { return sortKey{} },
		},
		{
			title: "verdict", width: 18,
			cell: func(i int) span {
				on, t := verdict(snaps[i].Snapshot)
				return span{on, t}
			},
			key: func(int) sortKey { return sortKey{} },
		},
		{
			title: "scheduler", width: 12,
			cell: func(i int) span { return span{plain, schedulerName(snaps[i].Snapshot)} },
			key:  func(int) sortKey { return sortKey{} },
		},
		{
			title: "time", width: 12, drop: 1,
			cell: func(i int) span {
				t := snaps[i].at
				return textSpan(!t.IsZero(), clean(t.Format("15:04:05.000")))
			},
			key: func(int) sortKey { return sortKey{} },
		},
		{
			// What a survey groups by: the same cause has the same words.
			title: "cause", width: 22, grow: 20, drop: 3,
			cell: func(i int) span {
				g := snaps[i].Signature
				if g == nil {
					return span{muted, unknown}
				}
				return span{plain, clean(g.Title)}
			},
			key: func(int) sortKey { return sortKey{} },
		},
		{
			title: "message", width: 12, grow: 100,
			cell: func(i int) span {
				s := snaps[i]
				switch {
				case s.Exit != nil:
					return textSpan(s.Exit.Message.Known, clean(s.Exit.Message.V))
				case s.wait.Known:
					return span{plain, "waits " + duration(s.wait.V)}
				}
				return span{muted, unknown}
			},
			key: func(int) sortKey { return sortKey{} },
		},
		{
			title: "source", width: 34, drop: 2,
			cell: func(i int) span {
				at := sourceName(snaps[i].Snapshot)
				if n := snaps[i].Source.Line; n > 0 {
					at += ":" + number(n)
				}
				return span{muted, at.clipLeft(34)}
			},
			key: func(int) sortKey { return sortKey{} },
		},
	}
	l.update()
	l.cursor = m.current
	return &sessionOverlay{list: l}
}

// refreshOverlay has the list of the snapshots show those that came or went.
func (m *Model) refreshOverlay() {
	if o, ok := m.overlay.(*sessionOverlay); ok {
		now := newSessionOverlay(m)
		now.list.resume(o.list)
		m.overlay = now
	}
}

func (o *sessionOverlay) key(m *Model, k tea.KeyPressMsg) bool {
	if m.keys[cmdOpen].matches(k) {
		if i, ok := o.list.current(); ok {
			m.follow(o.list.place(i))
		}
		return false
	}
	to, is := m.keys.motion(k)
	if is {
		o.list.move(to)
	}
	return is
}

func (o *sessionOverlay) move(to motion) { o.list.move(to) }

func (o *sessionOverlay) layout(_ *Model, width, height int) { o.list.layout(width, height) }

func (o *sessionOverlay) Render(st *styles, width, height int) []string {
	return o.list.Render(st, width, height)
}

func (o *sessionOverlay) footer(keys *keyMap) []hint {
	return []hint{{keys[cmdOpen].key(), "show"}}
}
