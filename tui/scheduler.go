// SPDX-License-Identifier: GPL-2.0-only

package tui

import "scxdiag/dump"

// since appends how long before the snapshot something was, between two pieces
// of text; nothing if it never was.
func since(l *line, x *index, before text, at uint64, after text) {
	if d, ok := x.s.Since(at); ok {
		l.list(plain, before+duration(d)+after)
	}
}

// statusOf is what a cell scheduler says of itself as a whole.
func statusOf(w *writer, x *index) {
	t := x.s.Status
	if t == nil {
		return
	}
	put := func(label text, l line) { w.field(label, l, nowhere, dump.Span{}) }
	put("config", configLine(x))
	put("timer", timerLine(x))
	put("grace period", graceLine(x))
	l := line{{plain, "room for " + number(t.MaxCells)}} // what they are is not in this snapshot
	if len(x.s.Cells) > 0 {
		l = line{{plain, number(x.s.CellsUsed()) + " of " + number(t.MaxCells) + " in use"}}
	}
	if t.MaxUsed > 0 {
		l.list(plain, "at most "+number(t.MaxUsed)+" at once")
	}
	if t.Queues > 0 {
		l.list(plain, number(t.Queues)+" with a queue")
	}
	l.list(plain, "slice "+nanoseconds(t.Slice))
	w.field("cells", l, place{view: viewCells}, dump.Span{})
	if n := len(x.s.Cgroups); n > 0 {
		w.field("cgroups", cgroupCounts(x), place{view: viewCgroups}, dump.Span{})
	}
	if l := noticedLine(t); len(l) > 0 {
		put("noticed", l)
	}
}

func configLine(x *index) line {
	t, a := x.s.Status, &x.s.Status.Apply
	l := line{{plain, number(t.AppliedSeq) + " in force"}}
	if t.ConfigSeq != t.AppliedSeq {
		l.list(warning, number(t.ConfigSeq)+" wanted")
	}
	switch {
	case a.Phase != "":
		l.list(plain, "being applied ("+clean(string(a.Phase))+")")
		since(&l, x, "begun ", a.Begun, " ago")
	case a.Ended >= a.Begun:
		since(&l, x, "applied ", a.Ended, " ago")
	default:
		since(&l, x, "given up, begun ", a.Begun, " ago")
	}
	if a.RC != 0 {
		l.list(warning, "! error "+number(a.RC))
	}
	if a.Phase == "" {
		since(&l, x, "the token to apply taken for ", a.TokenSince, "")
	}
	if open := t.CpusetBegun - t.CpusetEnded; open != 0 {
		l.list(plain, number(open)+" cpuset writes in progress")
	}
	return l
}

func timerLine(x *index) line {
	t := &x.s.Status.Timer
	l := line{{plain, number(t.Runs) + " runs"}}
	if !t.Armed {
		l.list(warning, "! never armed")
	}
	if t.Runs > 0 {
		since(&l, x, "the last ", t.Last, " ago")
		l.list(plain, "the longest "+duration(t.MaxRun))
	}
	if t.Period > 0 {
		l.list(plain, "every "+duration(t.Period))
	}
	if t.RC != 0 {
		l.list(warning, "! error "+number(t.RC))
	}
	return l
}

func graceLine(x *index) line {
	g := &x.s.Status.Grace
	var l line
	switch {
	case g.Active():
		l.list(plain, number(g.Seq)+" in progress")
		since(&l, x, "for ", g.Started, "")
		if m := x.s.Awaited(); !m.IsEmpty() {
			l.list(plain, "waits for "+cpusPhrase(m))
		}
	case g.Seq == 0:
		l.list(plain, "none so far")
	default:
		l.list(plain, "none in progress, sequence "+number(g.Seq))
		since(&l, x, "the last began ", g.Started, " ago")
	}
	return l
}

func cgroupCounts(x *index) line {
	var owners, dying, lost int
	for i := range x.s.Cgroups {
		g := &x.s.Cgroups[i]
		if cgroupOwns(g).Known {
			owners++
		}
		if g.Dying {
			dying++
		}
		if g.CPUController && !g.HasContext {
			lost++
		}
	}
	l := line{{plain, number(len(x.s.Cgroups))}}
	l.list(plain, number(owners)+" with a cell of their own")
	if dying > 0 {
		l.list(plain, number(dying)+" removed")
	}
	if lost > 0 {
		l.list(warning, "! "+number(lost)+" without storage")
	}
	return l
}

// noticedLine are counts of what is rare, those that should be zero marked.
func noticedLine(t *dump.Status) line {
	var l line
	for _, c := range []struct {
		n    uint64
		on   style
		what text
	}{
		{t.EnqFallback, warning, "! enqueues on the global DSQ for lack of storage: "},
		{t.TimeClamped, warning, "! run times clamped to zero: "},
		{t.LateInserts, warning, "! tasks queued on a free cell: "},
		{t.AllocFail, warning, "! cpusets without a cell, for all were taken: "},
		{t.Rescued, plain, "tasks rescued from queues that no CPU serves for them: "},
		{t.Exiting.Count, plain, "exiting tasks of dead cgroups moved to the root cell: "},
	} {
		if c.n > 0 {
			l.list(c.on, c.what+number(c.n))
		}
	}
	if x := &t.Exiting; x.Count > 0 {
		l.add(muted, " (the last pid "+number(x.PID)+" of cgroup "+number(x.CgroupID)+")")
	}
	if t.HeldCPU >= 0 {
		l.list(plain, "CPU "+number(t.HeldCPU)+" kept back for the root cell")
	}
	return l
}
