// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"scxdiag/dump"
)

// newTaskList is the table of all tasks, the one that has waited for longest
// first.
func newTaskList(x *index) *list {
	s := x.s
	task := func(i int) *dump.Task { return &s.Tasks[i] }
	cells, owners, ran, cgroups := false, false, false, false
	nameWidth := 16
	for i := range s.Tasks {
		t := &s.Tasks[i]
		cells = cells || t.Cell.Known
		owners = owners || t.Owner.Known && !t.OwnerDumped
		ran = ran || t.RunTime.Known
		cgroups = cgroups || t.CgroupName.Known
		nameWidth = max(nameWidth, min(commWidth(t.Comm)+2+len(number(t.PID)), 24))
	}
	cpus := max(4, min(x.widest, 12))
	queues := map[dump.DSQRef]sortKey{} // far fewer than tasks
	l := &list{
		noun:   "tasks",
		n:      len(s.Tasks),
		place:  x.placeOfTask,
		find:   x.findTask,
		fields: taskFields(x),
	}
	add := func(c column) { l.columns = append(l.columns, c) }
	add(column{
		title: "wait", width: 8, right: true, desc: true,
		cell: func(i int) span { return taskWait(task(i)) },
		key: func(i int) sortKey {
			// Behind those that wait come those that run, then the others.
			if w, ok := task(i).WaitingFor(); ok {
				return byNumber(int64(w), true)
			}
			return sortKey{n: uint64(standingOf(task(i)))}
		},
	})
	add(column{
		title: "task", width: nameWidth,
		cell: func(i int) span { return span{name, clean(task(i).TaskRef.String())} },
		key:  func(i int) sortKey { return byText(task(i).Comm) },
	})
	add(column{
		title: "pid", width: 8, right: true, drop: 9,
		cell: func(i int) span { return span{plain, number(task(i).PID)} },
		key:  func(i int) sortKey { return byNumber(task(i).PID, true) },
	})
	add(column{
		title: "st", width: 3,
		cell: func(i int) span { return taskState(task(i)) },
		key:  func(i int) sortKey { return byNumber(task(i).State.V, task(i).State.Known) },
	})
	add(column{
		title: "CPU", width: 4, right: true,
		cell: func(i int) span { return numberSpan(task(i).CPU) },
		key:  func(i int) sortKey { return byNumber(task(i).CPU.V, task(i).CPU.Known) },
	})
	if cells {
		add(column{
			title: "cell", width: 5, right: true,
			cell: func(i int) span { return numberSpan(task(i).Cell) },
			key:  func(i int) sortKey { return byNumber(task(i).Cell.V, task(i).Cell.Known) },
		})
	}
	add(column{
		title: "DSQ", width: 14, grow: 12,
		cell: func(i int) span { return taskDSQ(task(i)) },
		key: func(i int) sortKey {
			d := &task(i).DSQ
			key, is := queues[d.V]
			if !is {
				key = sortKey{n: uint64(d.V.ID), s: d.V.String()}
				queues[d.V] = key
			}
			key.known = d.Known
			return key
		},
	})
	if ran {
		add(column{
			title: "ran", width: 9, right: true, desc: true,
			cell: func(i int) span { return textSpan(task(i).RunTime.Known, duration(task(i).RunTime.V)) },
			key:  func(i int) sortKey { return byNumber(int64(task(i).RunTime.V), task(i).RunTime.Known) },
		})
		add(column{
			title: "runs", width: 7, right: true, desc: true, drop: 3,
			cell: func(i int) span { return numberSpan(task(i).Runs) },
			key:  func(i int) sortKey { return byNumber(task(i).Runs.V, task(i).Runs.Known) },
		})
	}
	if cgroups {
		add(column{
			title: "cgroup", width: 12, grow: 20, drop: 3,
			cell: func(i int) span { return textSpan(task(i).CgroupName.Known, clean(task(i).CgroupName.V)) },
			key:  func(i int) sortKey { return byKnownText(task(i).CgroupName.V, task(i).CgroupName.Known) },
		})
	}
	add(column{
		title: "ops_state", width: 11, drop: 1,
		cell: func(i int) span {
			v := task(i).OpsState
			return textSpan(v.Known, clean(v.V.String()))
		},
		key: func(i int) sortKey { return byNumber(uint8(task(i).OpsState.V), task(i).OpsState.Known) },
	})
	add(column{
		title: "cpus", width: cpus, drop: 2,
		cell: func(i int) span { return textSpan(task(i).CPUs.Known, cpuList(task(i).CPUs.V)) },
		key: func(i int) sortKey {
			return byNumber(task(i).CPUs.V.Count(), task(i).CPUs.Known)
		},
	})
	add(column{
		title: "weight", width: 7, right: true, desc: true, drop: 4,
		cell: func(i int) span { return numberSpan(task(i).Weight) },
		key:  func(i int) sortKey { return byNumber(task(i).Weight.V, task(i).Weight.Known) },
	})
	add(column{
		title: "slice", width: 8, right: true, desc: true, drop: 5,
		cell: func(i int) span { return textSpan(task(i).Slice.Known, nanoseconds(task(i).Slice.V)) },
		key:  func(i int) sortKey { return byNumber(task(i).Slice.V, task(i).Slice.Known) },
	})
	add(column{
		title: "dsq_vtime", width: 15, right: true, drop: 6,
		cell: func(i int) span { return numberSpan(task(i).DSQVTime) },
		key:  func(i int) sortKey { return byNumber(task(i).DSQVTime.V, task(i).DSQVTime.Known) },
	})
	if owners {
		add(column{
			title: "owner", width: 10, drop: 3,
			cell: func(i int) span { return taskOwner(task(i)) },
			key:  func(i int) sortKey { return byText(task(i).Owner.V) },
		})
	}
	add(column{
		title: "flags", width: 18, grow: 40, drop: 7,
		cell: func(i int) span {
			t := task(i)
			return textSpan(t.Flags.Known, words(s.Kernel.TaskFlagNames(t.Flags.V)))
		},
		key: func(i int) sortKey { return byNumber(task(i).Flags.V, task(i).Flags.Known) },
	})
	addFurther(x, add)
	return l
}

// addFurther adds columns that are only shown if they are chosen.
func addFurther(x *index, add func(column)) {
	task := func(i int) *dump.Task { return &x.s.Tasks[i] }
	add(column{
		title: "scx_state", width: 10, off: true,
		cell: func(i int) span { return textSpan(task(i).SCXState.Known, clean(string(task(i).SCXState.V))) },
		key:  func(i int) sortKey { return byKnownText(string(task(i).SCXState.V), task(i).SCXState.Known) },
	})
	add(column{
		title: "vtime", width: 15, right: true, off: true,
		cell: func(i int) span { return numberSpan(task(i).VTime) },
		key:  func(i int) sortKey { return byNumber(task(i).VTime.V, task(i).VTime.Known) },
	})
	add(column{
		title: "tgid", width: 8, right: true, off: true,
		cell: func(i int) span { return numberSpan(task(i).TGID) },
		key:  func(i int) sortKey { return byNumber(task(i).TGID.V, task(i).TGID.Known) },
	})
	add(column{
		title: "llc", width: 4, right: true, off: true,
		cell: func(i int) span { return numberSpan(task(i).LLC) },
		key:  func(i int) sortKey { return byNumber(task(i).LLC.V, task(i).LLC.Known) },
	})
	add(column{
		title: "no_mig", width: 6, right: true, desc: true, off: true,
		cell: func(i int) span { return numberSpan(task(i).MigrationDisabled) },
		key:  func(i int) sortKey { return byNumber(task(i).MigrationDisabled.V, task(i).MigrationDisabled.Known) },
	})
}

// commWidth is how many columns a comm takes.
func commWidth(comm string) int {
	if isASCII(comm) { // as nearly all are
		return len(comm)
	}
	return clean(comm).width()
}

func textSpan(known bool, t text) span {
	if !known {
		return span{muted, unknown}
	}
	return span{plain, t}
}

// taskWait is how long a task has waited, or that it runs or sleeps.
func taskWait(t *dump.Task) span {
	switch standingOf(t) {
	case runs:
		return span{good, "running"}
	case sleeps:
		return span{muted, "asleep"}
	}
	w, ok := t.WaitingFor()
	return textSpan(ok, duration(w))
}

// taskState is marker and state letter as the kernel prints them.
func taskState(t *dump.Task) span {
	mark := text(" ")
	if t.Current {
		mark = "*"
	}
	if !t.State.Known {
		return span{muted, mark + unknown}
	}
	return span{plain, mark + clean(string(rune(t.State.V)))}
}

func taskDSQ(t *dump.Task) span {
	switch {
	case !t.DSQ.Known:
		return span{muted, unknown}
	case t.HeldByBPF():
		return span{plain, "(n/a), held by BPF"}
	case t.DSQ.V.IsNone():
		return span{muted, clean(t.DSQ.V.String())}
	default:
		return span{plain, clean(t.DSQ.V.String())}
	}
}

func taskOwner(t *dump.Task) span {
	if t.Owner.Known && !t.OwnerDumped {
		return span{warning, clean(t.Owner.V)}
	}
	return textSpan(t.Owner.Known, clean(t.Owner.V))
}

// taskPage shows all that is known of one task.
func taskPage(x *index, p place, width int) []item {
	w := newWriter(width)
	t := x.task(x.findTask(p))
	if t == nil {
		w.para(line{{warning, "Task " + clean(p.task.String()) + " is not in this snapshot."}}, nowhere, dump.Span{})
		return w.items
	}
	w.section("Task " + clean(t.TaskRef.String()))
	taskStatus(w, x, t)
	taskHistory(w, x, t)
	taskPlacement(w, x, t)
	taskClock(w, x, t)
	taskMasks(w, x, t)
	w.pairs("Further fields of the scheduler", t.Scheduler)
	taskBookkeeping(w, t)
	w.pairs("Unknown fields", t.Unknown)
	w.verbatim("Scheduler text", t.Text)
	w.verbatim("Stack, innermost first", t.Stack)
	return w.items
}

func taskStatus(w *writer, x *index, t *dump.Task) {
	if t.Current {
		w.field("runs", line{{good, "running"}}, nowhere, t.At)
	} else if d, ok := t.WaitingFor(); ok {
		w.field("waits", line{{plain, "for " + duration(d) + ", runnable and not running"}}, nowhere, t.RunnableAt.At)
	} else if t.IsOffQueue() {
		w.value("on no queue", "found by a walk over all tasks, a little after the others", t.At)
	}
	if l := taskKind(t); len(l) > 0 {
		w.field("kind", l, nowhere, t.PFFlags.At)
	}
	if l := ranLine(x, t); len(l) > 0 {
		w.field("ran", l, nowhere, t.RunTime.At)
	}
	if t.State.Known {
		l := line{{plain, clean(string(rune(t.State.V)))}}
		if m := stateMeaning(t); m != "" {
			l.add(muted, "  "+m)
		}
		w.field("state", l, nowhere, t.State.At)
	}
	if t.Flags.Known {
		w.value("flags", hex(t.Flags.V)+" "+words(x.s.Kernel.TaskFlagNames(t.Flags.V)), t.Flags.At)
	}
	if t.OpsState.Known {
		l := line{{plain, clean(t.OpsState.V.String())}}
		if m := opsMeaning(t.OpsState.V); m != "" {
			l.add(muted, "  "+m)
		}
		w.field("ops_state", l, nowhere, t.OpsState.At)
	}
	if t.Owner.Known {
		l := line{taskOwner(t)}
		if !t.OwnerDumped {
			l.add(warning, ", not the scheduler that this dump is of")
		}
		w.field("owner", l, nowhere, t.Owner.At)
	}
}

// taskKind says what sort of task it is, if not the common one.
func taskKind(t *dump.Task) line {
	var l line
	if t.PFFlags.V&dump.PFKThread != 0 {
		l.list(plain, "kernel thread")
	}
	if t.PFFlags.V&dump.PFExiting != 0 {
		l.list(warning, "exiting")
	}
	if t.TGID.Known && t.TGID.V != t.PID {
		l.list(plain, "thread of process "+number(t.TGID.V))
	}
	if t.HasContext.Known && !t.HasContext.V {
		l.list(warning, "! the scheduler has no storage for it")
	}
	return l
}

// ranLine is how much the task has run under the scheduler.
func ranLine(x *index, t *dump.Task) line {
	var l line
	if t.RunTime.Known {
		l.add(plain, duration(t.RunTime.V))
		if t.Runs.Known {
			l.add(plain, " in "+number(t.Runs.V)+" runs")
		}
	}
	if t.Context != nil {
		since(&l, x, "began to run ", t.Context.StartedAt, " ago")
	}
	if x.s.IsStale(t) {
		l.list(muted, "not seen since configuration "+number(t.ConfigSeq.V)+", of "+number(x.s.Status.AppliedSeq))
	}
	return l
}

func taskPlacement(w *writer, x *index, t *dump.Task) {
	w.section("Where it is")
	if t.CPU.Known {
		w.field("CPU", cpuLine(x, t.CPU.V), placeOfCPU(t.CPU.V), t.CPU.At)
	}
	if t.DSQ.Known {
		l := line{{plain, dsqName(t.DSQ.V)}}
		link := nowhere
		if t.HeldByBPF() {
			l.add(plain, ", held by the BPF scheduler")
		}
		if i := x.queueOf(t); i >= 0 {
			l.add(muted, ", "+count(len(x.queues[i].tasks), "task")+" listed")
			link = x.placeOfQueue(i)
		}
		w.field("dsq_id", l, link, t.DSQ.At)
	}
	if t.AssignedDSQ.Known {
		l := line{{plain, dsqName(t.AssignedDSQ.V)}}
		if t.IsAssignedElsewhere() && t.DSQ.Known && !t.DSQ.V.IsNone() {
			l.add(muted, ", not where the kernel has it")
		}
		w.field("assigned DSQ", l, nowhere, t.AssignedDSQ.At)
	}
	if t.Cell.Known {
		w.field("cell", cellLine(x, t.Cell.V), placeOfCell(t.Cell.V), t.Cell.At)
	}
	if v := t.Context; v != nil {
		taskGeneration(w, x, t, v)
	}
	if t.LLC.Known {
		w.value("llc", number(t.LLC.V), t.LLC.At)
	}
	if t.CgroupName.Known || t.CgroupID.Known {
		l := line{}
		if t.CgroupName.Known {
			l.add(plain, clean(t.CgroupName.V))
		}
		if t.CgroupID.Known {
			l.add(muted, " id "+number(t.CgroupID.V))
		}
		w.field("cgroup", l, x.placeOfCgroup(t.CgroupID.V), t.CgroupID.At)
	}
	if v := t.Context; v != nil && v.CgroupIDNow != t.CgroupID.V {
		l := line{{plain, x.cgroup(v.CgroupIDNow)}}
		l.add(muted, "  as the kernel has it now")
		w.field("cgroup now", l, x.placeOfCgroup(v.CgroupIDNow), dump.Span{})
	}
}

// taskGeneration says of which generation of its cell a task is, and why it is
// in the root cell if its cgroup is not.
func taskGeneration(w *writer, x *index, t *dump.Task, v *dump.TaskContext) {
	l := line{{plain, number(v.CellGeneration)}}
	if c := x.cellOf(t); c != nil && c.Generation.Known && c.Generation.V != v.CellGeneration {
		l.add(warning, "  the cell has "+number(c.Generation.V))
	}
	w.field("generation", l, nowhere, dump.Span{})
	if v.Fallback {
		w.field("fallback", line{{warning, "to the root cell: it exits and its cgroup is dead"}}, nowhere, dump.Span{})
	}
}

func cpuOrNone(cpu int32) text {
	if cpu < 0 {
		return "none (" + number(cpu) + ")"
	}
	return number(cpu)
}

func taskClock(w *writer, x *index, t *dump.Task) {
	w.section("Virtual time")
	if t.DSQVTime.Known {
		w.value("dsq_vtime", number(t.DSQVTime.V), t.DSQVTime.At)
	}
	if t.DSQFlags.Known {
		l := line{{plain, hex(t.DSQFlags.V)}}
		if t.DSQFlags.V&1 != 0 {
			l.add(muted, "  ordered by vtime in its DSQ")
		}
		w.field("dsq_flags", l, nowhere, t.DSQFlags.At)
	}
	if t.VTime.Known {
		l := line{{plain, number(t.VTime.V)}}
		if t.BasisVTime.Known {
			l.add(muted, "  "+against(t.VTime.V, t.BasisVTime.V)+" basis_vtime")
		}
		w.field("vtime", l, nowhere, t.VTime.At)
	}
	if t.BasisVTime.Known {
		w.value("basis_vtime", number(t.BasisVTime.V), t.BasisVTime.At)
	}
	if v := t.Context; v != nil {
		l := line{{plain, number(v.VTimeRead)}}
		if t.BasisVTime.Known {
			l.add(muted, "  "+against(v.VTimeRead, t.BasisVTime.V)+" basis_vtime, with which it was compared")
		}
		w.field("vtime read", l, nowhere, dump.Span{})
		w.field("clock", line{{plain, "that of cell " + number(v.Clock)}}, placeOfCell(v.Clock), dump.Span{})
	}
	if c := x.cellOf(t); c != nil && c.VTime.Known {
		l := line{{plain, number(c.VTime.V)}}
		if t.VTime.Known {
			l.add(muted, "  the task is "+against(t.VTime.V, c.VTime.V)+" it")
		}
		w.field("cell's vtime", l, placeOfCell(c.ID), c.VTime.At)
	}
	if c := x.cpuOf(t); c != nil && c.VTime.Known {
		l := line{{plain, number(c.VTime.V)}}
		if t.VTime.Known {
			l.add(muted, "  the task is "+against(t.VTime.V, c.VTime.V)+" it")
		}
		w.field("CPU's vtime", l, placeOfCPU(c.ID), c.VTime.At)
	}
	clockRow(w, x, t)
	if t.Slice.Known {
		l := line{{plain, nanoseconds(t.Slice.V)}}
		l.add(muted, "  "+number(t.Slice.V)+" left")
		w.field("slice", l, nowhere, t.Slice.At)
	}
	if t.Weight.Known {
		w.value("weight", number(t.Weight.V), t.Weight.At)
	}
}

func taskMasks(w *writer, x *index, t *dump.Task) {
	w.section("Where it may run")
	if t.CPUs.Known {
		w.value("cpus", maskText(x, t.CPUs.V), t.CPUs.At)
	}
	if t.AllowedCPUs.Known && (!t.CPUs.Known || t.AllowedCPUs.V != t.CPUs.V) {
		w.value("otherwise", maskText(x, t.AllowedCPUs.V)+", once its migration is enabled", t.AllowedCPUs.At)
	}
	if t.MigrationDisabled.Known {
		l := line{{plain, number(t.MigrationDisabled.V)}}
		if t.MigrationDisabled.V > 0 {
			l.add(warning, "  its migration is disabled: cpus is where it is now")
		}
		w.field("no_mig", l, nowhere, t.MigrationDisabled.At)
	}
	if t.SchedulerCPUs.Known {
		w.value("scheduler CPUS", maskText(x, t.SchedulerCPUs.V), t.SchedulerCPUs.At)
	}
	if c := x.cellOf(t); c != nil && c.CPUs.Known {
		w.field("cell's CPUs", line{{plain, maskText(x, c.CPUs.V)}}, placeOfCell(c.ID), c.CPUs.At)
	}
	if t.AllCellCPUsAllowed.Known {
		v := text("not all CPUs of the cell (all_cell_cpus_allowed=0)")
		if t.AllCellCPUsAllowed.V {
			v = "all CPUs of the cell (all_cell_cpus_allowed=1)"
		}
		w.value("allowed", v, t.AllCellCPUsAllowed.At)
	}
	maskRows(w, x, t)
}

func taskBookkeeping(w *writer, t *dump.Task) {
	w.section("Bookkeeping")
	if t.RunnableAt.Known {
		l := line{{plain, textf("%+dms", t.RunnableAt.V.Milliseconds())}}
		if t.Current {
			l.add(muted, "  before it was last picked")
		}
		w.field("runnable_at", l, nowhere, t.RunnableAt.At)
	}
	if t.SCXState.Known || t.SCXStateNr.Known {
		l := line{{plain, unknown}}
		if t.SCXState.Known {
			l = line{{plain, clean(string(t.SCXState.V))}}
		}
		if t.SCXStateNr.Known {
			l.add(muted, " ("+number(t.SCXStateNr.V)+")")
		}
		w.field("scx_state", l, nowhere, t.SCXStateNr.At)
	}
	if t.QSeq.Known {
		w.value("qseq", number(t.QSeq.V), t.QSeq.At)
	}
	if t.StickyCPU.Known {
		w.value("sticky_cpu", cpuOrNone(t.StickyCPU.V), t.StickyCPU.At)
	}
	if t.HoldingCPU.Known {
		w.value("holding_cpu", cpuOrNone(t.HoldingCPU.V), t.HoldingCPU.At)
	}
}

// cpuLine is a CPU in half a sentence: what it runs.
func cpuLine(x *index, id int32) line {
	l := line{{name, number(id)}}
	c := x.s.CPU(id)
	if c == nil {
		return l
	}
	if c.Current.Known {
		l.add(plain, ", runs "+clean(c.Current.V.String()))
	}
	return append(l, classPhrase(c.Class)...)
}

// cellLine is a cell in half a sentence.
func cellLine(x *index, id int32) line {
	l := line{{name, number(id)}}
	c := x.s.Cell(id)
	if c == nil {
		if len(x.s.Cells) > 0 {
			l.add(warning, ", which the dump does not list")
		}
		return l
	}
	if c.CPUs.Known {
		l.add(plain, ", "+cpusPhrase(c.CPUs.V))
	}
	if c.Queued.Known {
		l.add(plain, ", "+number(c.Queued.V)+" queued")
	}
	if c.VTime.Known {
		l.add(plain, ", vtime "+number(c.VTime.V))
	}
	return l
}
