// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"cmp"
	"slices"
	"time"

	"scxdiag/dump"
)

// newCPUList is the table of all CPUs.
func newCPUList(x *index) *list {
	s := x.s
	cpu := func(i int) *dump.CPU { return &s.CPUs[i] }
	tasks := func(i int) *group { return x.byCPU[s.CPUs[i].ID] }
	cells := false
	for i := range s.CPUs {
		cells = cells || s.CPUs[i].Cell.Known
	}
	l := &list{
		noun:   "CPUs",
		n:      len(s.CPUs),
		place:  func(i int) place { return placeOfCPU(s.CPUs[i].ID) },
		fields: cpuQueryFields(x),
	}
	l.columns = append(l.columns,
		column{
			title: "CPU", width: 4, right: true,
			cell: func(i int) span { return span{name, number(cpu(i).ID)} },
			key:  func(i int) sortKey { return byNumber(cpu(i).ID, true) },
		},
		column{
			title: "nr_run", width: 6, right: true, desc: true,
			cell: func(i int) span { return numberSpan(cpu(i).NrRunning) },
			key:  func(i int) sortKey { return byNumber(cpu(i).NrRunning.V, cpu(i).NrRunning.Known) },
		},
		column{
			title: "class", width: 6,
			cell: func(i int) span { return classSpan(cpu(i).Class) },
			key:  func(i int) sortKey { return byNumber(classRank(cpu(i).Class.V), cpu(i).Class.Known) },
		},
		column{
			title: "current", width: 15, grow: 10,
			cell: func(i int) span { return refSpan(cpu(i).Current) },
			key:  func(i int) sortKey { return byText(cpu(i).Current.V.String()) },
		})
	if cells {
		l.columns = append(l.columns, column{
			title: "cell", width: 4, right: true,
			cell: func(i int) span { return numberSpan(cpu(i).Cell) },
			key:  func(i int) sortKey { return byNumber(cpu(i).Cell.V, cpu(i).Cell.Known) },
		})
	}
	l.columns = append(l.columns,
		column{
			title: "waiting", width: 7, right: true, desc: true,
			cell: func(i int) span { return countSpan(tasks(i), waits) },
			key:  func(i int) sortKey { return waitingKey(tasks(i)) },
		},
		column{
			title: "oldest", width: 8, right: true, desc: true,
			cell: func(i int) span { return waitSpan(tasks(i)) },
			key:  func(i int) sortKey { return waitKey(tasks(i)) },
		},
		column{
			title: "queued", width: 7, right: true, desc: true, drop: 2,
			cell: func(i int) span { return numberSpan(cpu(i).Queued) },
			key:  func(i int) sortKey { return byNumber(cpu(i).Queued.V, cpu(i).Queued.Known) },
		},
		column{
			title: "flags", width: 16, grow: 40, drop: 1,
			cell: func(i int) span { return cpuFlags(s, cpu(i)) },
			key:  func(i int) sortKey { return byNumber(cpu(i).Flags.V, cpu(i).Flags.Known) },
		})
	return l
}

// classRank orders the classes as the kernel picks them.
func classRank(c dump.Class) int {
	for i, k := range []dump.Class{dump.ClassStop, dump.ClassDL, dump.ClassRT, dump.ClassFair, dump.ClassExt, dump.ClassIdle} {
		if c == k {
			return i
		}
	}
	return -1
}

// cpuQueryFields are what the filter can ask of CPUs.
func cpuQueryFields(x *index) []field {
	s := x.s
	cpu := func(i int) *dump.CPU { return &s.CPUs[i] }
	tasks := func(i int) *group { return x.byCPU[s.CPUs[i].ID] }
	return []field{
		numberField("cpu", func(i int) dump.Value[int32] { return dump.Of(cpu(i).ID) }),
		numberField("cell", func(i int) dump.Value[int32] { return cpu(i).Cell }),
		textField("class", func(i int) dump.Value[string] {
			return dump.Value[string]{V: string(cpu(i).Class.V), Known: cpu(i).Class.Known}
		}).found(),
		textField("current", func(i int) dump.Value[string] {
			return dump.Value[string]{V: cpu(i).Current.V.String(), Known: cpu(i).Current.Known}
		}).found(),
		isField(
			quality{"idle", func(i int) bool { return cpu(i).Class.V == dump.ClassIdle }},
			quality{"busy", func(i int) bool { return cpu(i).Class.Known && cpu(i).Class.V != dump.ClassIdle }},
			quality{"higher", func(i int) bool { return cpu(i).Class.V.IsHigher() }},
			quality{"offline", func(i int) bool { return cpu(i).Online.Known && !cpu(i).Online.V }},
			quality{"awaited", func(i int) bool { return cpu(i).Awaited.V }},
		),
		numberField("waiting", func(i int) dump.Value[int] { return dump.Of(tasks(i).in(waits)) }),
		groupWaitField("oldest", tasks),
		numberField("nr_run", func(i int) dump.Value[uint32] { return cpu(i).NrRunning }),
		numberField("queued", func(i int) dump.Value[int64] { return cpu(i).Queued }),
		sharedField("flags", func(i int) dump.Value[uint32] { return cpu(i).Flags }, s.Kernel.RQFlagNames).found(),
		numberField("llc", func(i int) dump.Value[int32] { return cpu(i).LLC }),
		numberField("vtime", func(i int) dump.Value[uint64] { return cpu(i).VTime }),
	}
}

// groupWaitField is for how long the oldest task of a group has waited.
func groupWaitField(name text, of func(i int) *group) field {
	return durationField(name, func(i int) dump.Value[time.Duration] {
		wait, known := of(i).wait()
		return dump.Value[time.Duration]{V: wait, Known: known}
	})
}

// cpuFlags shows the flags by name; a CPU that is not ONLINE is worth a look.
func cpuFlags(s *dump.Snapshot, c *dump.CPU) span {
	switch {
	case c.Online.Known && !c.Online.V:
		return span{warning, "! offline"}
	case !c.Flags.Known && !c.Listed:
		return span{muted, "not listed"}
	case !c.Flags.Known:
		return span{muted, unknown}
	case c.Flags.V&dump.RQFlagONLINE == 0:
		return span{warning, "! not ONLINE " + words(s.Kernel.RQFlagNames(c.Flags.V))}
	default:
		return span{plain, words(s.Kernel.RQFlagNames(c.Flags.V))}
	}
}

func numberSpan[T int32 | int64 | uint32 | uint64](v dump.Value[T]) span {
	if !v.Known {
		return span{muted, unknown}
	}
	if v.V < 0 {
		return span{warning, number(v.V)}
	}
	return span{plain, number(v.V)}
}

func refSpan(v dump.Value[dump.TaskRef]) span {
	if !v.Known {
		return span{muted, unknown}
	}
	return span{plain, clean(v.V.String())}
}

func countSpan(g *group, s standing) span {
	n := g.in(s)
	if n == 0 {
		return span{muted, "0"}
	}
	return span{plain, number(n)}
}

func waitSpan(g *group) span {
	w, ok := g.wait()
	if !ok {
		return span{muted, unknown}
	}
	return span{plain, duration(w)}
}

func waitKey(g *group) sortKey {
	w, ok := g.wait()
	return byNumber(int64(w), ok)
}

func waitingKey(g *group) sortKey {
	return byNumber(g.in(waits), true)
}

// cpuPage shows all that is known of one CPU.
func cpuPage(x *index, id int32, width int) []item {
	c := x.s.CPU(id)
	w := newWriter(width)
	if c == nil {
		w.para(line{{warning, "CPU " + number(id) + " is not in this snapshot."}}, nowhere, dump.Span{})
		return w.items
	}
	w.section("CPU " + number(id))
	switch _, known := x.s.IsIdle(c); {
	case c.Listed:
	case known:
		w.para(line{{muted, "The kernel did not list it, as it does with idle CPUs. What follows is the scheduler's."}}, nowhere, c.At)
	default:
		w.para(line{{muted, "It is not in what there is of the dump: whether it was idle is unknown. What follows is the scheduler's."}}, nowhere, c.At)
	}
	if c.Current.Known {
		l := line{{name, clean(c.Current.V.String())}}
		l = append(l, classPhrase(c.Class)...)
		link := nowhere
		if i := x.findCurrent(c); i >= 0 {
			link = x.placeOfTask(i)
		}
		w.field("curr", l, link, c.Current.At)
	} else if c.Class.Known {
		w.field("class", line{classSpan(c.Class)}, nowhere, c.Class.At)
	}
	if c.NrRunning.Known {
		w.value("nr_run", number(c.NrRunning.V), c.NrRunning.At)
	}
	if c.Flags.Known {
		f := cpuFlags(x.s, c)
		w.field("flags", line{{plain, hex(c.Flags.V) + " "}, f}, nowhere, c.Flags.At)
	}
	if c.Online.Known {
		l := line{{plain, "yes"}}
		if !c.Online.V {
			l = line{{warning, "! no, or about to leave"}}
		}
		w.field("online", l, nowhere, c.Online.At)
	}
	if c.CPURel.Known {
		t := text("0")
		if c.CPURel.V {
			t = "1, a higher class has the CPU and the scheduler was told so"
		}
		w.value("cpu_rel", t, c.CPURel.At)
	}
	if c.OpsQSeq.Known {
		w.value("ops_qseq", number(c.OpsQSeq.V), c.OpsQSeq.At)
	}
	if c.KSync.Known {
		w.value("ksync", number(c.KSync.V), c.KSync.At)
	}
	if c.NrRescue.Known {
		w.value("rescue", number(c.NrRescue.V), c.NrRescue.At)
	}
	if c.RescueBudget.Known {
		w.value("budget", duration(c.RescueBudget.V), c.RescueBudget.At)
	}
	if c.Rescuing.Known {
		w.value("rescuing", clean(c.Rescuing.V.String()), c.Rescuing.At)
	}
	masks := []struct {
		label text
		mask  dump.Value[dump.CPUMask]
	}{
		{"cpus_to_kick", c.CPUsToKick}, {"idle_to_kick", c.IdleToKick}, {"cpus_to_preempt", c.CPUsToPreempt},
		{"cpus_to_wait", c.CPUsToWait}, {"cpus_to_sync", c.CPUsToSync},
	}
	for _, m := range masks {
		if m.mask.Known {
			w.value(m.label, maskText(x, m.mask.V), m.mask.At)
		}
	}
	cpuSchedulerFields(w, x, c)
	w.pairs("Further fields of the scheduler", c.Scheduler)
	w.pairs("Unknown fields", c.Unknown)
	taskRows(w, x, "Tasks of CPU "+number(id), x.byCPU[id])
	w.verbatim("Scheduler text", c.Text)
	return w.items
}

func cpuSchedulerFields(w *writer, x *index, c *dump.CPU) {
	if !c.Cell.Known && !c.LLC.Known && !c.VTime.Known && !c.Queued.Known && !c.DSQ.Known && !c.Sections.Known {
		return
	}
	w.section("Scheduler")
	if c.Cell.Known {
		w.field("cell", cellLine(x, c.Cell.V), placeOfCell(c.Cell.V), c.Cell.At)
	}
	if c.PrevCell.Known && c.PrevCell.V != c.Cell.V {
		l := append(cellLine(x, c.PrevCell.V), span{plain, ", whose queue it serves, too"})
		w.field("previous cell", l, placeOfCell(c.PrevCell.V), c.PrevCell.At)
	}
	if l := sectionLine(x, c); len(l) > 0 {
		w.field("sections", l, nowhere, c.Sections.At)
	}
	if c.LLC.Known {
		w.value("llc", number(c.LLC.V), c.LLC.At)
	}
	if c.VTime.Known {
		w.value("vtime", number(c.VTime.V), c.VTime.At)
	}
	if c.Queued.Known {
		w.value("nr_queued", number(c.Queued.V)+", on the CPU's own DSQ", c.Queued.At)
	}
	if c.DSQ.Known {
		w.value("DSQ", clean(c.DSQ.V.String()), c.DSQ.At)
	}
}

// sectionLine says whether the CPU is in a section, a stretch of code that
// chooses a queue by the configuration, and whether a grace period waits for
// that to end.
func sectionLine(x *index, c *dump.CPU) line {
	var l line
	if c.Sections.Known {
		l.list(plain, number(c.Sections.V)+" ended")
	}
	switch n := c.Nesting.V; {
	case n == 1:
		l.list(plain, "in one now")
	case n > 1:
		l.list(plain, number(n)+" deep in them now")
	case c.Nesting.Known:
		l.list(muted, "in none now")
	}
	if c.Nesting.V > 0 {
		since(&l, x, "for ", c.SectionSince.V, "")
	}
	if c.Awaited.V {
		l.list(warning, "! the grace period waits for it")
	}
	return l
}

// findCurrent finds the task that the CPU runs among the tasks of the
// snapshot, where only tasks of sched_ext are; -1 if it is none of them.
func (x *index) findCurrent(c *dump.CPU) int {
	g := x.byCPU[c.ID]
	if g == nil || !c.Current.Known {
		return -1
	}
	for _, i := range g.tasks {
		if t := &x.s.Tasks[i]; t.Current && t.TaskRef == c.Current.V {
			return i
		}
	}
	return -1
}

// maskText is a mask as a list and as the kernel prints it.
func maskText(x *index, m dump.CPUMask) text {
	return cpuList(m) + " (hex " + clean(m.Hex(x.cpuIDs())) + ")"
}

// cpuIDs is the width of the machine's masks: one more than the highest CPU
// that the snapshot knows.
func (x *index) cpuIDs() int { return min(x.masks, dump.MaxCPUs) } // what a log says is a CPU number need not be one

// maxTaskRows is how many tasks a page lists.
const maxTaskRows = 200

// taskRows lists the tasks that run or wait, each of which can be opened; of many
// those that have waited for longest. The others, of which there may be thousands,
// are in the table of the tasks.
func taskRows(w *writer, x *index, title text, g *group) {
	if g == nil || len(g.tasks) == 0 {
		return
	}
	w.section(title + ": " + g.n.runnable() + g.n.others())
	listed := x.runnableOf(g)
	for _, i := range listed {
		t := &x.s.Tasks[i]
		l := line{{name, clean(t.TaskRef.String()).clip(25).pad(26, false)}}
		wait := taskWait(t)
		l.add(wait.style, wait.text.pad(9, true)+"  ")
		l.add(plain, "DSQ "+taskDSQ(t).text)
		w.row(l, x.placeOfTask(i), t.At)
	}
	if others := len(g.tasks) - len(listed); others > 0 {
		w.row(line{{muted, "T lists the " + count(others, "other") + " too"}}, nowhere, dump.Span{})
	}
}

// runnableOf is the tasks of a group that run or wait, as they stand in the snapshot;
// if they are too many for a page, those that run and have waited for longest.
func (x *index) runnableOf(g *group) []int {
	all := make([]int, 0, min(g.n[runs]+g.n[waits], len(g.tasks)))
	for _, i := range g.tasks {
		if s := standingOf(&x.s.Tasks[i]); s == runs || s == waits {
			all = append(all, i)
		}
	}
	if len(all) <= maxTaskRows {
		return all
	}
	wait := func(i int) time.Duration {
		t := &x.s.Tasks[i]
		if t.Current {
			return 1<<63 - 1
		}
		d, _ := t.WaitingFor()
		return d
	}
	slices.SortStableFunc(all, func(a, b int) int { return cmp.Compare(wait(b), wait(a)) })
	return all[:maxTaskRows]
}
