// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"math"
	"time"

	"scxdiag/dump"
)

// hasTimeline reports whether the screen has a line for the snapshots of the
// session.
func (m *Model) hasTimeline() bool { return len(m.snapshots) > 1 }

// tick is what a column of the timeline shows: of the snapshots in it the one
// that matters most, and the longest wait in any of them.
type tick struct {
	kind  kind
	ended bool // with kindDump: the scheduler came to its end in order
	wait  time.Duration
	waits bool
}

func (t *tick) add(s *shot) {
	if k := s.kind(); k > t.kind {
		t.kind, t.ended = k, false
	}
	if t.kind == kindDump && s.Exit != nil {
		t.ended = true
	}
	if s.wait.Known {
		t.wait, t.waits = max(t.wait, s.wait.V), true
	}
}

// mark is the tick as it is drawn; longest is the longest wait of the session.
func (t *tick) mark(longest time.Duration) span {
	switch {
	case t.kind == kindFailure:
		return span{bad, "✗"}
	case t.kind == kindDump && t.ended:
		return span{heading, "■"}
	case t.kind == kindDump:
		return span{good, "◆"}
	case !t.waits:
		return span{muted, "·"}
	}
	// From a jiffy on each step is a multiple: one stall would flatten all
	// other waits to nothing.
	const jiffy = float64(10 * time.Millisecond)
	return span{plain, bar(math.Log1p(float64(t.wait)/jiffy), math.Log1p(float64(longest)/jiffy))}
}

// bars are the heights of a bar, the lowest first.
var bars = [...]text{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}

// bar is a bar as high as v is in 0..highest.
func bar(v, highest float64) text {
	k := 0
	if highest > 0 && v > 0 {
		k = min(int(v/highest*float64(len(bars))), len(bars)-1)
	}
	return bars[k]
}

// legend says what the marks of the timeline are.
const legend text = "✗ failed  ◆ SysRq  ■ ended  ▁█ longest wait"

// timeline shows all snapshots of the session in one line, several in a column
// if there are more than columns: the one shown in brackets, the marked one in
// parentheses.
func (m *Model) timeline() line {
	n := len(m.snapshots)
	right := m.markLine()
	first, last, at := m.stamp(0), m.stamp(n-1), text("")
	if !m.snapshots[m.current].at.IsZero() {
		at = "at " + m.stamp(m.current)
	}
	// Two columns go to the brackets, and two more to the parentheses.
	brackets := 4
	room := m.width - 2 - right.width()
	need := min(n, m.width/3) + brackets
	if room-need < first.width()+last.width()+2 {
		first, last = "", ""
	} else {
		room -= first.width() + last.width() + 2
	}
	if m.width >= 80 || m.live != nil { // it stands at the top of the screen, too
		need = n + brackets
	}
	if room-need < at.width()+2 {
		at = ""
	} else {
		room -= at.width() + 2
	}
	per := (n + room - brackets - 1) / max(room-brackets, 1)
	l := line{{plain, " "}}
	if first != "" {
		l.add(muted, first+" ")
	}
	l = append(l, m.ticks(per)...)
	if last != "" {
		l.add(muted, " "+last)
	}
	if at != "" {
		l.add(plain, "  "+at)
	}
	if m.width-l.width()-right.width() > legend.width()+4 {
		l.add(muted, "  "+legend)
	}
	return sides(l, right, m.width)
}

// ticks is the columns of the timeline, each of per snapshots.
func (m *Model) ticks(per int) line {
	var longest time.Duration
	for _, s := range m.snapshots {
		longest = max(longest, s.wait.V)
	}
	current, marked := m.current/per, -1
	if i := m.find(m.markNr()); i >= 0 {
		marked = i / per
	}
	var l line
	for from := 0; from < len(m.snapshots); from += per {
		var t tick
		for _, s := range m.snapshots[from:min(from+per, len(m.snapshots))] {
			t.add(s)
		}
		mark := t.mark(longest)
		switch from / per {
		case current:
			l = append(l, span{heading, "["}, mark, span{heading, "]"})
		case marked:
			l = append(l, span{changed, "("}, mark, span{changed, ")"})
		default:
			l = append(l, mark)
		}
	}
	return l
}

// stamp is when snapshot i was taken, as short as the session allows; its number
// if that is not known.
func (m *Model) stamp(i int) text {
	s := m.snapshots[i]
	if s.at.IsZero() {
		return "#" + number(s.nr)
	}
	first, last := m.snapshots[0].at, m.snapshots[m.newest()].at
	if !first.IsZero() && !last.IsZero() && last.Sub(first).Abs() > 24*time.Hour {
		return clean(s.at.Format("Jan 02 15:04"))
	}
	return clean(s.at.Format("15:04:05"))
}

// turn is a set of the ways in which a snapshot is another than the one before
// it.
type turn uint8

const (
	turnHost turn = 1 << iota
	turnKernel
	turnScheduler
	turnVerdict
	turnConfig
	turnCells
)

// turnOf says what turned from one snapshot to the next, as far as both tell.
func turnOf(before, after *dump.Snapshot) turn {
	var t turn
	differ := func(what turn, a, b string) {
		if a != "" && b != "" && a != b {
			t |= what
		}
	}
	differ(turnHost, before.Host, after.Host)
	differ(turnKernel, before.Kernel.Release, after.Kernel.Release)
	differ(turnScheduler, before.Scheduler, after.Scheduler)
	if (before.Exit == nil) != (after.Exit == nil) || after.Exit != nil && before.Exit.Kind.V != after.Exit.Kind.V {
		t |= turnVerdict
	}
	if b, a := before.Status, after.Status; b != nil && a != nil && b.AppliedSeq != a.AppliedSeq {
		t |= turnConfig
	}
	if len(before.Cells) > 0 && len(after.Cells) > 0 && before.CellsUsed() != after.CellsUsed() {
		t |= turnCells
	}
	return t
}

// turnText says what turned.
func turnText(t turn, before, after *dump.Snapshot) text {
	var parts []text
	add := func(what turn, p text) {
		if t&what != 0 {
			parts = append(parts, p)
		}
	}
	_, verdict := verdict(after)
	add(turnVerdict, verdict)
	add(turnHost, "host "+clean(after.Host))
	add(turnKernel, "kernel "+clean(after.Kernel.Release))
	add(turnScheduler, "scheduler "+schedulerName(after))
	if t&turnConfig != 0 {
		add(turnConfig, "configuration "+number(before.Status.AppliedSeq)+" → "+number(after.Status.AppliedSeq))
	}
	add(turnCells, number(before.CellsUsed())+" → "+count(after.CellsUsed(), "cell"))
	return join(parts, ", ")
}

// jump goes to the next crash or change, by 1, or to the one before, by -1.
func (m *Model) jump(by int) {
	m.hold()
	for i := m.current + by; i >= 0 && i < len(m.snapshots); i += by {
		s := m.snapshots[i]
		var t turn
		if i > 0 {
			t = turnOf(m.snapshots[i-1].Snapshot, s.Snapshot)
		}
		if t == 0 && !s.IsFailure() {
			continue
		}
		m.show(i)
		_, why := verdict(s.Snapshot)
		if t != 0 {
			why = turnText(t, m.snapshots[i-1].Snapshot, s.Snapshot)
		}
		m.notice = "Snapshot " + number(s.nr) + ": " + why
		return
	}
	m.notice = "No crash and no change before this one."
	if by > 0 {
		m.notice = "No crash and no change behind this one."
	}
}

// goToEnd goes to the first or to the last snapshot.
func (m *Model) goToEnd(last bool) {
	m.hold()
	i := 0
	if last {
		i = m.newest()
	}
	m.show(i)
}
