// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"slices"
	"strings"

	"scxdiag/dump"
)

// contentRows says what else the snapshot holds beside its focus.
func contentRows(s *dump.Snapshot, f *focus) []row {
	if len(s.CPUs) == 0 && len(s.Tasks) == 0 && len(s.Cells) == 0 {
		return []row{{label: "dump", lines: []phrase{say("none: the source has the verdict only")}}}
	}
	rows := []row{{label: "dump", lines: []phrase{counts(s)}}}
	if t := s.LongestWaiting(); t != nil && t != f.task {
		w, _ := t.WaitingFor()
		p := say(t.TaskRef, " waiting ", w)
		if t.CPU.Known {
			p = say(p, " on the run queue of CPU ", t.CPU.V)
		}
		rows = append(rows, row{label: "waits most", lines: []phrase{p}})
	}
	if s.Exit != nil { // or all CPUs are above
		if r, ok := fact("held", heldCPUs(s, f)); ok {
			rows = append(rows, r)
		}
	}
	if r, ok := fact("history", history(s)); ok {
		rows = append(rows, r)
	}
	if s.Exit != nil { // or it is above
		rows = append(rows, schedulerRows(s)...)
	}
	return rows
}

func counts(s *dump.Snapshot) phrase {
	idle, unknown, running, off, unsaid := 0, 0, 0, 0, 0
	for i := range s.CPUs {
		c := &s.CPUs[i]
		switch is, _ := s.IsIdle(c); {
		case is:
			idle++
		case s.IsUnseen(c):
			unknown++
		}
	}
	for i := range s.Tasks {
		switch t := &s.Tasks[i]; {
		case t.Current:
			running++
		case t.IsOffQueue():
			off++
		case !t.State.Known && !t.RunnableAt.Known && !t.Flags.Known && !t.Walked:
			unsaid++
		}
	}
	cpus := say(plural(len(s.CPUs), "CPU"))
	var idles, unknowns phrase
	if idle > 0 {
		idles = say(idle, " idle")
	}
	if unknown > 0 {
		unknowns = say(unknown, " unknown")
	}
	if p := join(", ", idles, unknowns); len(p) > 0 {
		cpus = say(cpus, " (", p, ")")
	}
	tasks := say(plural(len(s.Tasks), "task"))
	if len(s.Tasks) > 0 {
		var waiting, rest, unclear phrase
		if off > 0 {
			rest = say(off, " on no run queue")
		}
		if n := len(s.Tasks) - running - off - unsaid; n > 0 || unsaid == 0 {
			waiting = say(n, " waiting")
		}
		if unsaid > 0 {
			unclear = say(unsaid, " that may wait or sleep")
		}
		tasks = say(tasks, " (", join(", ", say(running, " running"), waiting, rest, unclear), ")")
	}
	var cells, cgroups, queues phrase
	if n := len(s.Cells); n > 0 {
		cells = say(plural(n, "cell"))
	}
	if n := len(s.Cgroups); n > 0 {
		cgroups = say(plural(n, "cgroup"))
	}
	if n := len(s.DSQs); n > 0 {
		queues = say(plural(n, "queue"))
	}
	return join(", ", cpus, tasks, cells, cgroups, queues)
}

// heldCPUs names the CPUs outside the focus that a class above sched_ext
// holds.
func heldCPUs(s *dump.Snapshot, f *focus) phrase {
	const limit = 4
	var p phrase
	n := 0
	for i := range s.CPUs {
		c := &s.CPUs[i]
		if !c.Class.V.IsHigher() || slices.Contains(f.cpus, c) {
			continue
		}
		if n++; n <= limit {
			p = join(", ", p, say("CPU ", c.ID, " by ", c.Current.V, " (", quoted(c.Class.V), ")"))
		}
	}
	if n > limit {
		p = say(p, " and ", plural(n-limit, "more CPU"))
	}
	if n > 0 {
		p = say(p, ", of a class above sched_ext")
	}
	return p
}

// sourceRows says what was running and where the snapshot was read from.
func sourceRows(s *dump.Snapshot) []row {
	var sched, kernel, host, when phrase
	if s.Scheduler != "" {
		sched = say(quoted(s.Scheduler))
		if s.Sub != nil {
			sched = say(sched, " (level ", s.Sub.Level, ", cgroup ", s.Sub.CgroupID, ")")
		}
	}
	if k := s.Kernel.String(); k != "" {
		kernel = say("kernel ", quoted(k))
	}
	if s.Host != "" {
		host = say("host ", quoted(s.Host))
	}
	if !s.Time.IsZero() {
		when = say(s.Time.Format("2006-01-02T15:04:05.999Z07:00"))
	}
	var rows []row
	if r, ok := fact("system", join(", ", sched, kernel, host, when)); ok {
		rows = append(rows, r)
	}
	return append(rows, row{label: "source", lines: []phrase{sourcePhrase(&s.Source)}})
}

func sourcePhrase(src *dump.Source) phrase {
	name := src.Name
	if name == "" {
		name = "(no name)"
	}
	p := say(quoted(name))
	if src.Line > 0 && src.Carrier != "ringbuf" { // there, Raw is of the kernel's making
		p = say(p, ", line ", src.Line)
	}
	if src.Carrier != "" {
		p = say(p, ", ", quoted(src.Carrier))
	}
	if src.Reversed {
		p = say(p, ", newest line first")
	}
	if n := len(src.Copies); n > 0 {
		lines := make([]string, 0, n)
		for _, c := range src.Copies {
			lines = append(lines, sourceLine(c.Line))
		}
		p = say(p, "; the same again at ", strings.Join(lines, ", "))
	}
	return p
}
