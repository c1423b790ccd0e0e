// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"slices"
	"time"

	"scxdiag/dump"
)

// pastLimit is how many snapshots the history of a task goes over.
const pastLimit = 60

// past is the snapshots that the history of a task goes over: as many as there
// may be up to the one shown, or more if it is one of the first.
type past struct {
	shots   []*shot
	current int
}

// lookBack is the past of the snapshot that is shown, of at most limit snapshots.
func (m *Model) lookBack(limit int) past {
	limit = min(limit, pastLimit)
	to := max(m.current+1, min(len(m.snapshots), limit))
	from := max(0, to-limit)
	return past{slices.Clone(m.snapshots[from:to]), m.current - from}
}

// moment is what a snapshot says of a task.
type moment struct {
	known          bool
	wait           time.Duration // 0 if it does not wait
	behind         int64         // how far it is behind its cell's clock, in ns of virtual time
	hasBehind, run bool
	cpu            int32 // below 0: unknown
}

// moments is what the past says of a task. Snapshots of another machine are
// without it.
func (p *past) moments(x *index, t *dump.Task) []moment {
	out := make([]moment, len(p.shots))
	near := x.findTask(place{view: viewTask, task: t.TaskRef})
	for i := len(out) - 1; i >= 0; i-- {
		s := p.shots[i].Snapshot
		out[i].cpu = -1
		if s.Host != x.s.Host || s.Kernel.Release != x.s.Kernel.Release || s.Scheduler != x.s.Scheduler {
			continue
		}
		k := findNear(s.Tasks, t.TaskRef, near)
		if k < 0 {
			continue
		}
		near = k
		out[i] = momentOf(s, &s.Tasks[k])
	}
	return out
}

// findNear finds a task, beginning at an index that it is likely near to: most
// tasks stay from one snapshot to the next.
func findNear(tasks []dump.Task, ref dump.TaskRef, near int) int {
	for by := range len(tasks) + max(near, 0) {
		for _, k := range [2]int{near + by, near - by} {
			if k >= 0 && k < len(tasks) && tasks[k].PID == ref.PID && tasks[k].Comm == ref.Comm {
				return k
			}
		}
	}
	return -1
}

func momentOf(s *dump.Snapshot, t *dump.Task) moment {
	m := moment{known: true, cpu: -1, run: t.Current}
	m.wait, _ = t.WaitingFor()
	if t.CPU.Known {
		m.cpu = t.CPU.V
	}
	if t.Cell.Known && t.VTime.Known {
		if c := s.Cell(t.Cell.V); c != nil && c.VTime.Known {
			m.behind, m.hasBehind = int64(c.VTime.V-t.VTime.V), true //nolint:gosec // a wrapping difference
		}
	}
	return m
}

// taskHistory shows how a task fared over the snapshots of the session that have
// it, if there are several.
func taskHistory(w *writer, x *index, t *dump.Task) {
	if x.past == nil {
		return
	}
	p := x.past(w.width - w.label - 2) // without the brackets
	all := p.moments(x, t)
	have := 0
	for i := range all {
		if all[i].known {
			have++
		}
	}
	if have < 2 {
		return
	}
	first, last := p.shots[0].nr, p.shots[len(all)-1].nr
	w.section("History: " + number(have) + " snapshots of " + number(first) + " to " + number(last))
	var longest time.Duration
	least, most, lags := int64(0), int64(0), false
	for i := range all {
		m := &all[i]
		longest = max(longest, m.wait)
		if m.hasBehind {
			least, most, lags = min(least, m.behind), max(most, m.behind), true
		}
	}
	p.spark(w, "waited", "at most "+duration(longest), all, func(m *moment) text {
		if m.wait == 0 {
			return "·"
		}
		return bar(float64(m.wait), float64(longest))
	})
	if lags {
		p.spark(w, "behind cell", signed(least)+" to "+signed(most), all, func(m *moment) text {
			if !m.hasBehind {
				return " "
			}
			return bar(float64(m.behind-least), float64(most-least))
		})
	}
	p.cpuHistory(w, all)
}

// cpuHistory shows on which CPU a task was: its last digit.
func (p *past) cpuHistory(w *writer, all []moment) {
	moves, was := 0, int32(-1)
	for i := range all {
		if cpu := all[i].cpu; cpu >= 0 {
			if was >= 0 && cpu != was {
				moves++
			}
			was = cpu
		}
	}
	if was < 0 {
		return
	}
	note := count(moves, "move")
	if was > 9 {
		note += ", the last digits"
	}
	p.spark(w, "CPU", note, all, func(m *moment) text {
		if m.cpu < 0 {
			return "·"
		}
		return number(m.cpu % 10)
	})
}

// spark appends a field with a column for each snapshot, the one shown in
// brackets; blank where the task is not. It is no field with a label: its value
// differs from snapshot to snapshot by nature.
func (p *past) spark(w *writer, label, note text, all []moment, one func(*moment) text) {
	var l line
	for i := range all {
		t := text(" ")
		if all[i].known {
			t = one(&all[i])
		}
		if i == p.current {
			l = append(l, span{heading, "["}, span{heading, t}, span{heading, "]"})
			continue
		}
		l.add(plain, t)
	}
	if l.width()+note.width()+2 <= w.width-w.label {
		l.add(muted, "  "+note)
		w.put(item{lines: []line{append(line{w.labelled(label)}, l...)}})
		return
	}
	w.put(item{lines: []line{append(line{w.labelled(label)}, l...), {{plain, spaces(w.label)}, {muted, note}}}})
}

// labelled is a label as it stands before a field.
func (w *writer) labelled(label text) span {
	return span{muted, label.clip(w.label-1).pad(w.label, false)}
}
