// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strconv"

	"scxdiag/dump"
)

// twoColumns is the width from which the overview has two columns.
const twoColumns = 130

// overviewPage leads with the cause: findings, if there are any, the verdict,
// and the task that it is about with its CPU, cell and DSQ. Of a scheduler that
// goes on it leads with what that has to do instead. What the snapshot is and
// what is missing from it follow, beside it on a wide screen.
func overviewPage(x *index, width int) (left, right []item) {
	if width < twoColumns {
		w := newWriter(width)
		leadOf(w, x)
		snapshotOf(w, x)
		ledgerOf(w, x)
		detailsOf(w, x)
		return w.items, nil
	}
	lw, rw := split(width)
	l, r := newWriter(lw), newWriter(rw)
	leadOf(l, x)
	backtraceOf(l, x)
	snapshotOf(r, x)
	ledgerOf(r, x)
	extrasOf(r, x)
	return l.items, r.items
}

func leadOf(w *writer, x *index) {
	summaryOf(w, x)
	findingsOf(w, x)
	verdictOf(w, x)
	faultsOf(w, x)
	sinceOf(w, x)
	if x.s.Exit == nil {
		machineOf(w, x)
		cellsOf(w, x)
		subjectOf(w, x)
		return
	}
	subjectOf(w, x)
	machineOf(w, x)
}

func detailsOf(w *writer, x *index) {
	backtraceOf(w, x)
	extrasOf(w, x)
}

// verdict says in a word or two what became of the scheduler.
func verdict(s *dump.Snapshot) (style, text) {
	switch {
	case s.IsFailure() && s.Exit.Kind.Known:
		return bad, "FAILED " + clean(s.Exit.Kind.V.String())
	case s.IsFailure():
		return bad, "FAILED"
	case s.Exit != nil && s.Exit.Kind.Known:
		return plain, "ENDED " + clean(s.Exit.Kind.V.String())
	case s.Exit != nil:
		return plain, "ENDED"
	case s.Trigger == dump.TriggerSysRq:
		return good, "RUNNING (SysRq-D)"
	case s.Trigger == dump.TriggerHalfway:
		return warning, "RUNNING (halfway to a stall)"
	case s.IsUndecided():
		return warning, "VERDICT UNKNOWN"
	default:
		return good, "RUNNING"
	}
}

func verdictOf(w *writer, x *index) {
	s := x.s
	on, word := verdict(s)
	if len(w.items) > 0 {
		w.section("Verdict")
	}
	e := s.Exit
	if e == nil {
		l := line{{on, word}}
		switch s.Trigger {
		case dump.TriggerSysRq:
			l.add(plain, ": the scheduler went on after this dump")
		case dump.TriggerUnknown:
			l.add(plain, ": the beginning of the dump is missing, which says what became of the scheduler")
		case dump.TriggerHalfway:
			l.add(plain, ": a task had waited for half of what the kernel's watchdog allows")
		default:
			l.add(plain, ": a sample of the scheduler at work")
		}
		w.para(l, nowhere, dump.Span{})
		return
	}
	l := line{{on, word}}
	if r, ok := e.Reason.Get(); ok {
		l.add(on, ": "+clean(r))
	} else if r := e.Kind.V.Reason(); e.Kind.Known && r != "" {
		l.add(on, ": "+clean(r))
	}
	if e.Kind.Known {
		l.add(muted, " (exit kind "+clean(strconv.Itoa(int(e.Kind.V)))+")")
	}
	link := nowhere
	if e.CPU.Known {
		l.add(plain, " on CPU "+number(e.CPU.V))
		link = placeOfCPU(e.CPU.V)
	}
	at := e.Kind.At
	if at.IsZero() {
		at = e.Reason.At
	}
	w.para(l, link, at)
	if e.Message.Known && e.Message.V != "" {
		link = nowhere
		if x.tie == named {
			link = x.placeOfTask(x.subject)
		}
		w.para(line{{heading, clean(e.Message.V)}}, link, e.Message.At)
	}
	if e.Code.V != 0 {
		w.value("exit code", number(e.Code.V), e.Code.At)
	}
	if e.Task.Known && x.tie != raisedIn { // the task has a section of its own
		raised := clean(e.Task.V.String())
		if e.Kind.V == dump.ExitErrorStall {
			raised += ", by the kernel's watchdog"
		}
		w.value("raised in", raised, e.Task.At)
	}
}

// faultsOf warns of a scheduler that fails on purpose.
func faultsOf(w *writer, x *index) {
	if f := faults(x.s); len(f) > 0 {
		w.para(line{{warning, "! It does wrong on purpose: " + join(f, ", ")}}, nowhere, dump.Span{})
	}
}

// faults are those that were injected.
func faults(s *dump.Snapshot) []text {
	if s.Status == nil {
		return nil
	}
	var all []text
	for _, f := range s.Status.Faults {
		all = append(all, clean(f))
	}
	return all
}

func subjectOf(w *writer, x *index) {
	t := x.task(x.subject)
	e := x.s.Exit
	missing := e != nil && e.Subject.Known && x.tie != named
	if missing {
		w.section("The task that the verdict names")
		w.para(line{{warning, clean(e.Subject.V.String()) + " is not among the tasks of this dump."}}, nowhere, e.Subject.At)
	}
	switch {
	case t == nil:
		return
	case x.tie == named:
		w.section("The task that the verdict names")
	case x.tie == raisedIn:
		w.section("The task in which the error was raised")
	case missing:
		w.section("The task that has waited for longest instead")
	default:
		w.section("The task that has waited for longest")
		if e.IsFailure() && e.Kind.V != dump.ExitErrorStall {
			w.para(line{{muted, "The verdict does not name it: it need not have to do with the error."}}, nowhere, dump.Span{})
		}
	}
	here := x.placeOfTask(x.subject)
	l := line{{name, clean(t.TaskRef.String())}}
	if wait, ok := t.WaitingFor(); ok {
		l.add(plain, ", runnable for ")
		l.add(heading, duration(wait))
		l.add(plain, " without running")
	} else if t.Current {
		l.add(plain, ", ")
		l.add(good, "running")
	}
	w.field("task", l, here, t.At)
	if t.CPU.Known {
		w.field("CPU", cpuLine(x, t.CPU.V), placeOfCPU(t.CPU.V), t.CPU.At)
	}
	if t.DSQ.Known {
		w.field("DSQ", subjectQueue(x, t), subjectQueuePlace(x, t), t.DSQ.At)
	}
	if t.IsAssignedElsewhere() {
		w.value("assigned DSQ", dsqName(t.AssignedDSQ.V), t.AssignedDSQ.At)
	}
	if t.Cell.Known {
		w.field("cell", cellLine(x, t.Cell.V), placeOfCell(t.Cell.V), t.Cell.At)
	}
	if t.CgroupName.Known {
		w.value("cgroup", clean(t.CgroupName.V), t.CgroupName.At)
	}
	subjectClock(w, x, t, here)
	subjectState(w, x, t, here)
	if stack := t.Stack[t.DumpFrames():]; len(stack) > 0 {
		first, more := firstOf(stack, 3)
		parts := make([]text, len(first))
		for i := range first {
			parts[i] = clean(first[i].Text)
		}
		l := line{{plain, join(parts, ", ")}}
		if more > 0 {
			l.add(muted, ", "+number(more)+" more")
		}
		w.field("stack", l, here, stack[0].At)
	}
}

func subjectQueuePlace(x *index, t *dump.Task) place {
	if i := x.queueOf(t); i >= 0 {
		return x.placeOfQueue(i)
	}
	return nowhere
}

func subjectQueue(x *index, t *dump.Task) line {
	l := line{{name, dsqName(t.DSQ.V)}}
	if t.HeldByBPF() {
		l.add(plain, ": the BPF scheduler holds it and has not dispatched it")
	}
	if i := x.queueOf(t); i >= 0 {
		q := &x.queues[i]
		l.add(plain, ", "+count(len(q.tasks), "task")+" listed")
		if q.oldest == x.subject && q.n[waits] > 1 {
			l.add(plain, ", this one the oldest")
		}
	}
	return l
}

func subjectClock(w *writer, x *index, t *dump.Task, here place) {
	switch {
	case t.VTime.Known:
		l := line{{plain, number(t.VTime.V)}}
		if t.BasisVTime.Known {
			l.add(plain, ", "+against(t.VTime.V, t.BasisVTime.V)+" basis_vtime")
		}
		if c := x.cellOf(t); c != nil && c.VTime.Known {
			l.add(plain, ", "+against(t.VTime.V, c.VTime.V)+" the cell")
		}
		w.field("vtime", l, here, t.VTime.At)
	case t.DSQVTime.Known && t.DSQFlags.V&1 != 0:
		w.value("dsq_vtime", number(t.DSQVTime.V), t.DSQVTime.At)
	}
}

func subjectState(w *writer, x *index, t *dump.Task, here place) {
	var l line
	if t.State.Known {
		l.list(plain, clean(string(rune(t.State.V))))
	}
	if t.SCXState.Known {
		l.list(plain, clean(string(t.SCXState.V)))
	}
	if t.OpsState.Known {
		l.list(plain, "ops_state "+clean(t.OpsState.V.String()))
	}
	if t.Flags.Known && t.Flags.V != 0 {
		l.list(plain, words(x.s.Kernel.TaskFlagNames(t.Flags.V)))
	}
	if len(l) > 0 {
		w.field("state", l, here, t.OpsState.At)
	}
	var m line
	if t.CPUs.Known {
		m.list(plain, cpusPhrase(t.CPUs.V))
	}
	if t.MigrationDisabled.V > 0 {
		m.list(warning, "migration disabled")
	}
	if t.Weight.Known {
		m.list(plain, "weight "+number(t.Weight.V))
	}
	if t.Slice.Known {
		m.list(plain, "slice "+nanoseconds(t.Slice.V))
	}
	if t.Owner.Known && !t.OwnerDumped {
		m.list(warning, "owned by "+clean(t.Owner.V))
	}
	if len(m) > 0 {
		w.field("may run on", m, here, t.CPUs.At)
	}
	if ran := ranLine(x, t); len(ran) > 0 {
		w.field("ran", ran, here, t.RunTime.At)
	}
}

func machineOf(w *writer, x *index) {
	s := x.s
	if len(s.CPUs) == 0 && len(s.Tasks) == 0 {
		w.section("Machine")
		w.para(line{{muted, "The source has the verdict only: no CPUs and no tasks."}}, nowhere, dump.Span{})
		return
	}
	w.section("Machine")
	listed, idle := 0, 0
	for i := range s.CPUs {
		if s.CPUs[i].Listed {
			listed++
		}
		if is, _ := s.CPUs[i].IsIdle(); is {
			idle++
		}
	}
	l := line{{plain, number(listed) + " listed"}}
	if idle > 0 {
		l.list(plain, number(idle)+" idle")
	}
	if n := len(s.CPUs) - listed; n > 0 {
		l.list(plain, number(n)+" known only to the scheduler")
	}
	w.field("CPUs", l, place{view: viewCPUs}, dump.Span{})
	for i := range s.CPUs {
		if c := &s.CPUs[i]; c.Class.V.IsHigher() {
			l := line{{higher, "! CPU " + number(c.ID) + " runs class " + clean(string(c.Class.V))}}
			if c.Current.Known {
				l.add(plain, ": "+clean(c.Current.V.String()))
			}
			if wait, ok := x.byCPU[c.ID].wait(); ok {
				l.add(plain, ", "+count(x.byCPU[c.ID].n[waits], "task")+" waiting up to "+duration(wait))
			}
			w.field("", l, placeOfCPU(c.ID), c.Class.At)
		}
	}
	l = line{{plain, runnable(&x.all) + x.all.n.others()}}
	w.field("tasks", l, place{view: viewTasks}, dump.Span{})
	if len(s.Cells) > 0 && s.Exit != nil { // or they have a section of their own
		w.field("cells", line{{plain, number(len(s.Cells))}}, place{view: viewCells}, dump.Span{})
	}
	if len(x.queues) > 0 {
		w.field("DSQs", line{{plain, number(len(x.queues)) + " with tasks or described"}}, place{view: viewCells}, dump.Span{})
	}
	if n := len(s.Events); n > 0 {
		l := line{{plain, number(n)}}
		if s.Status != nil && s.Status.NrEvents > uint64(n) {
			l.add(plain, ", the last of "+number(s.Status.NrEvents))
		}
		last := &s.Events[n-1]
		l.add(muted, "; the newest: "+clean(last.Kind)+" "+x.eventObject(last))
		w.field("events", l, place{view: viewEvents}, dump.Span{})
	}
	statusOf(w, x)
}

// cellLimit is how many cells the overview lists.
const cellLimit = 16

// cellsOf says of each cell which CPUs it has and what there is to do for them.
// Cells without either are ids that are not in use.
func cellsOf(w *writer, x *index) {
	if len(x.s.Cells) == 0 {
		return
	}
	w.section("Cells")
	all := place{view: viewCells}
	listed, more := 0, 0
	for i := range x.s.Cells {
		c := &x.s.Cells[i]
		g := x.byCell[c.ID]
		if c.CPUs.V.IsEmpty() && c.Queued.V == 0 && g == nil {
			continue
		}
		if listed == cellLimit {
			more++
			continue
		}
		listed++
		w.field("cell "+number(c.ID), cellWork(c, g), placeOfCell(c.ID), c.At)
	}
	switch unused := len(x.s.Cells) - listed - more; {
	case more > 0:
		w.field("", line{{muted, number(more) + " more"}}, all, dump.Span{})
	case unused > 0:
		w.field("", line{{muted, number(unused) + " without CPUs and tasks"}}, all, dump.Span{})
	}
}

func cellWork(c *dump.Cell, g *group) line {
	var l line
	switch {
	case !c.CPUs.Known:
	case c.CPUs.V.IsEmpty():
		l.list(warning, "! no CPUs")
	default:
		l.list(plain, cpusPhrase(c.CPUs.V))
	}
	if c.State.Known && c.State.V != dump.CellLive {
		l.list(warning, clean(string(c.State.V)))
	}
	if cpusetDiffers(c) {
		l.list(warning, "cpuset "+cpuList(c.CpusetCPUs.V))
	}
	if c.OwnerPath.Known {
		l.list(plain, clean(c.OwnerPath.V))
	}
	if c.Queued.Known {
		l.list(plain, number(c.Queued.V)+" queued")
	}
	if g != nil {
		l.list(plain, runnable(g))
	}
	return l
}

// runnable says how many tasks of a group run and wait, and for how long.
func runnable(g *group) text {
	t := g.n.runnable()
	if wait, ok := g.wait(); ok {
		t += ", the oldest for " + duration(wait)
	}
	return t
}

func snapshotOf(w *writer, x *index) {
	s := x.s
	w.section("Snapshot")
	put := func(label, value text) {
		if value == "" {
			value = "unknown"
		}
		w.value(label, value, dump.Span{})
	}
	scheduler := clean(s.Scheduler)
	if s.Sub != nil {
		scheduler += ", sub-scheduler of level " + number(s.Sub.Level) + " for " + clean(s.Sub.Path)
	}
	put("scheduler", scheduler)
	put("kernel", clean(s.Kernel.String()))
	put("host", clean(s.Host))
	when := text("")
	if !s.Time.IsZero() {
		when = clean(s.Time.Format("2006-01-02 15:04:05.000 MST"))
	}
	put("time", when)
	put("trigger", clean(string(s.Trigger)))
	source := sourceName(s)
	if s.Source.Line > 0 {
		source += ", from line " + number(s.Source.Line)
	}
	put("source", source)
	carrier := clean(s.Source.Carrier)
	if s.Source.Reversed {
		carrier += ", newest line first"
	}
	put("carrier", carrier)
	for _, c := range s.Source.Copies {
		put("also at", "line "+number(c.Line)+", "+clean(c.Carrier))
	}
	if s.Signature != nil {
		sig := clean(s.Signature.Title) + " (" + clean(s.Signature.ID) + ")"
		if s.Signature.Weak {
			sig += ", weak: from part of a dump"
		}
		put("signature", sig)
	}
}

// ledgerLimit is how many entries of a kind the overview lists.
const ledgerLimit = 8

func ledgerOf(w *writer, x *index) {
	l := &x.s.Ledger
	w.section("Ledger")
	if l.Complete() {
		w.para(line{{good, "Complete"}, {plain, ": nothing is known to be missing"}}, nowhere, dump.Span{})
	} else {
		w.para(line{{warning, "! INCOMPLETE"}, {plain, ": " + missing(l)}}, nowhere, dump.Span{})
	}
	if c := l.Lines; c.Total() > 0 {
		v := line{{plain, number(c.Parsed) + " parsed"}}
		for _, p := range []struct {
			n    int
			what text
			on   style
		}{
			{c.Verbatim, " verbatim", plain}, {c.Blank, " blank", plain}, {c.Foreign, " foreign", plain},
			{c.NotUnderstood, " not understood", warning}, {c.Truncated, " cut off", warning},
		} {
			if p.n > 0 {
				v.list(p.on, number(p.n)+p.what)
			}
		}
		w.field("lines", v, nowhere, dump.Span{})
	}
	recordsOf(w, l)
	for _, n := range x.s.NotEvaluated {
		w.field("not judged", line{{plain, "by " + rulesText(n.Rules) + ": " + clean(n.Why)}}, nowhere, dump.Span{})
	}
	for _, n := range l.Notes {
		w.field("note", line{{warning, clean(n)}}, nowhere, dump.Span{})
	}
	distrusted, more := firstOf(l.Distrusted, ledgerLimit)
	for _, d := range distrusted {
		v := line{{plain, clean(d.Entity) + " " + clean(d.Field) + ": " + clean(d.Text)}}
		w.field("distrusted", v, x.placeOfEntity(d.Entity), d.At)
	}
	tooMany(w, more)
	lines, more := firstOf(l.NotUnderstood, ledgerLimit)
	for _, n := range lines {
		w.field("not understood", line{{plain, clean(n.Text)}}, nowhere, n.At)
	}
	tooMany(w, more)
}

// recordsOf accounts for the records by kind: those of which none is missing in
// one line.
func recordsOf(w *writer, l *dump.Ledger) {
	var all line
	for _, r := range l.Records {
		if r.Received == r.Expected && r.Dropped == 0 {
			all.list(plain, number(r.Received)+" "+clean(r.Kind))
		}
	}
	if len(all) > 0 {
		all.add(muted, ": all that were sent")
		w.field("records", all, nowhere, dump.Span{})
	}
	for _, r := range l.Records {
		if r.Received == r.Expected && r.Dropped == 0 {
			continue
		}
		v := line{{warning, number(r.Received) + " of " + number(r.Expected) + " received, " + number(r.Dropped) + " dropped"}}
		w.field(clean(r.Kind), v, nowhere, dump.Span{})
	}
}

func tooMany(w *writer, more int) {
	if more > 0 {
		w.field("", line{{muted, number(more) + " more"}}, nowhere, dump.Span{})
	}
}

// missing says in one sentence what a ledger misses.
func missing(l *dump.Ledger) text {
	var parts []text
	if l.Truncated {
		parts = append(parts, "the end is cut off")
	}
	if n := l.Dropped(); n > 0 {
		parts = append(parts, count(int(min(n, 1<<31-1)), "record")+" dropped")
	}
	if n := l.Lines.NotUnderstood; n > 0 {
		parts = append(parts, count(n, "line")+" not understood")
	}
	if n := l.Lines.Truncated; n > 0 {
		parts = append(parts, count(n, "line")+" damaged")
	}
	if n := len(l.Distrusted); n > 0 {
		parts = append(parts, count(n, "value")+" distrusted")
	}
	if len(parts) == 0 {
		return "see the notes"
	}
	return join(parts, ", ")
}

func backtraceOf(w *writer, x *index) {
	if x.s.Exit != nil {
		w.verbatim("Backtrace of the error, innermost first", x.s.Exit.Backtrace)
	}
}

// extrasOf is what else the snapshot holds: nothing that was read stays
// hidden.
func extrasOf(w *writer, x *index) {
	s := x.s
	var zero int
	var counted []dump.Counter
	for _, c := range s.Counters {
		if c.Value == 0 {
			zero++
			continue
		}
		counted = append(counted, c)
	}
	if len(s.Counters) > 0 {
		w.section("Event counters")
		for _, c := range counted {
			l := line{{plain, number(c.Value).pad(12, true) + "  "}, {muted, clean(c.Name)}}
			w.row(l, nowhere, c.At)
		}
		if zero > 0 {
			w.row(line{{muted, count(zero, "counter") + " at zero"}}, nowhere, s.Counters[0].At)
		}
	}
	w.verbatim("Scheduler text", s.Text)
	w.pairs("Build", s.Build)
}
