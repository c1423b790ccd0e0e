// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"scxdiag/dump"
)

// newCellList is the table of the cells and, below them, the DSQs: those that
// the scheduler's text describes and those that tasks are on.
func newCellList(x *index) *list {
	s := x.s
	nc := len(s.Cells)
	tasks := func(i int) *group {
		if i < nc {
			return x.byCell[s.Cells[i].ID]
		}
		return &x.queues[i-nc].group
	}
	l := &list{
		noun: "cells and DSQs",
		n:    nc + len(x.queues),
		place: func(i int) place {
			if i < nc {
				return placeOfCell(s.Cells[i].ID)
			}
			return x.placeOfQueue(i - nc)
		},
	}
	switch {
	case nc == 0:
		l.noun = "DSQs"
	case len(x.queues) == 0:
		l.noun = "cells"
	}
	nameWidth := 18
	for i := range x.queues {
		nameWidth = max(nameWidth, min(x.queues[i].name().width()+len("DSQ "), 24))
	}
	l.columns = []column{
		{
			title: "cell or DSQ", width: nameWidth, grow: 20,
			cell: func(i int) span {
				if i < nc {
					return span{name, "cell " + number(s.Cells[i].ID)}
				}
				return span{name, "DSQ " + x.queues[i-nc].name()}
			},
			key: func(i int) sortKey { return byNumber(i, true) },
		},
		{
			title: "CPUs", width: 7,
			cell: func(i int) span {
				if m := cellCPUs(x, i); i < nc && cpusetDiffers(&s.Cells[i]) && !m.V.IsEmpty() {
					return span{warning, "! " + cpuList(m.V)}
				}
				return masked(cellCPUs(x, i))
			},
			key: func(i int) sortKey {
				m := cellCPUs(x, i)
				return byNumber(m.V.Count(), m.Known)
			},
		},
		{
			title: "queued", width: 7, right: true, desc: true,
			cell: func(i int) span { return numberSpan(cellQueued(x, i)) },
			key:  func(i int) sortKey { return byNumber(cellQueued(x, i).V, cellQueued(x, i).Known) },
		},
		{
			title: "running", width: 8, right: true, desc: true, drop: 2,
			cell: func(i int) span { return countSpan(tasks(i), runs) },
			key: func(i int) sortKey {
				if g := tasks(i); g != nil {
					return byNumber(g.n[runs], true)
				}
				return byNumber(0, true)
			},
		},
		{
			title: "waiting", width: 7, right: true, desc: true,
			cell: func(i int) span { return countSpan(tasks(i), waits) },
			key:  func(i int) sortKey { return waitingKey(tasks(i)) },
		},
		{
			title: "oldest", width: 8, right: true, desc: true,
			cell: func(i int) span {
				if w := waitSpan(tasks(i)); w.text != unknown || i < nc {
					return w
				}
				if t := x.queues[i-nc].text; t != nil && t.HeadWait.Known {
					return span{plain, duration(t.HeadWait.V)}
				}
				return span{muted, unknown}
			},
			key: func(i int) sortKey { return waitKey(tasks(i)) },
		},
	}
	owned, staged, differs, rescued := false, false, false, false
	for i := range s.Cells {
		owned = owned || s.Cells[i].OwnerPath.Known
		staged = staged || s.Cells[i].State.Known
		differs = differs || cpusetDiffers(&s.Cells[i])
		rescued = rescued || s.Cells[i].Rescued.V > 0
	}
	if staged {
		l.columns = append(l.columns, column{
			title: "state", width: 5, drop: 1,
			cell: func(i int) span { return cellState(x, i) },
			key: func(i int) sortKey {
				if i < nc {
					return sortKey{known: s.Cells[i].State.Known, s: string(s.Cells[i].State.V)}
				}
				return sortKey{}
			},
		}, column{
			title: "gen", width: 4, right: true, desc: true, drop: 4,
			cell: func(i int) span { return numberSpan(generation(x, i)) },
			key:  func(i int) sortKey { return byNumber(generation(x, i).V, generation(x, i).Known) },
		}, column{
			title: "tasks", width: 5, right: true, desc: true, drop: 4,
			cell: func(i int) span { return span{plain, number(tasks(i).size())} },
			key:  func(i int) sortKey { return byNumber(tasks(i).size(), true) },
		})
	}
	if differs {
		l.columns = append(l.columns, column{
			title: "cpuset", width: 7, drop: 2,
			cell: func(i int) span {
				if i < nc && cpusetDiffers(&s.Cells[i]) {
					return span{warning, cpuList(s.Cells[i].CpusetCPUs.V)}
				}
				return span{muted, unknown}
			},
			key: func(i int) sortKey {
				if i < nc {
					return byNumber(s.Cells[i].CpusetCPUs.V.Count(), cpusetDiffers(&s.Cells[i]))
				}
				return sortKey{}
			},
		})
	}
	if rescued {
		l.columns = append(l.columns, column{
			title: "rescued", width: 7, right: true, desc: true, drop: 5,
			cell: func(i int) span {
				if i < nc {
					return numberSpan(s.Cells[i].Rescued)
				}
				return span{muted, unknown}
			},
			key: func(i int) sortKey {
				if i < nc {
					return byNumber(s.Cells[i].Rescued.V, s.Cells[i].Rescued.Known)
				}
				return sortKey{}
			},
		})
	}
	// The owner tells more of a cell than its clock, where there is one.
	ownerWidth, ownerDrop, clockDrop := 20, 3, 1
	if owned {
		ownerWidth, ownerDrop, clockDrop = 10, 1, 3
	}
	if nc > 0 {
		l.columns = append(l.columns, column{
			title: "vtime", width: 15, right: true, drop: clockDrop,
			cell: func(i int) span {
				if i < nc {
					return numberSpan(s.Cells[i].VTime)
				}
				return span{muted, unknown}
			},
			key: func(i int) sortKey {
				if i < nc {
					return byNumber(s.Cells[i].VTime.V, s.Cells[i].VTime.Known)
				}
				return sortKey{}
			},
		}, column{
			title: "owner", width: ownerWidth, grow: 60, drop: ownerDrop,
			cell: func(i int) span {
				if i < nc && s.Cells[i].OwnerPath.Known {
					return span{plain, clean(s.Cells[i].OwnerPath.V)}
				}
				return span{muted, unknown}
			},
			key: func(i int) sortKey {
				if i < nc {
					return sortKey{known: s.Cells[i].OwnerPath.Known, s: s.Cells[i].OwnerPath.V}
				}
				return sortKey{}
			},
		})
	}
	return l
}

// cellState is worth a look unless the cell is live.
func cellState(x *index, i int) span {
	if i >= len(x.s.Cells) || !x.s.Cells[i].State.Known {
		return span{muted, unknown}
	}
	switch v := x.s.Cells[i].State.V; v {
	case dump.CellLive:
		return span{plain, clean(string(v))}
	case dump.CellFree:
		return span{muted, clean(string(v))}
	default:
		return span{warning, clean(string(v))}
	}
}

// cpusetDiffers reports whether a cell has other CPUs than the cpuset that made
// it.
func cpusetDiffers(c *dump.Cell) bool {
	return c.CpusetCPUs.Known && c.State.V != dump.CellFree && c.CpusetCPUs.V != c.CPUs.V
}

func generation(x *index, i int) dump.Value[uint32] {
	if i < len(x.s.Cells) {
		return x.s.Cells[i].Generation
	}
	return dump.Value[uint32]{}
}

func masked(m dump.Value[dump.CPUMask]) span {
	if m.Known && m.V.IsEmpty() {
		return span{warning, "! none"}
	}
	return textSpan(m.Known, cpuList(m.V))
}

func cellCPUs(x *index, i int) dump.Value[dump.CPUMask] {
	if i < len(x.s.Cells) {
		return x.s.Cells[i].CPUs
	}
	q := &x.queues[i-len(x.s.Cells)]
	if q.text != nil && q.text.CPUs.Known {
		return q.text.CPUs
	}
	if k := q.ref.V.Kind; k == dump.DSQKindCPU || k == dump.DSQKindLocal && q.ref.V.CPU >= 0 {
		return dump.Of(dump.MaskOf(int(q.ref.V.CPU)))
	}
	if c := x.s.Cell(q.ref.V.Cell); c != nil && q.ref.V.Kind == dump.DSQKindCell {
		return c.CPUs
	}
	return dump.Value[dump.CPUMask]{}
}

func cellQueued(x *index, i int) dump.Value[int64] {
	if i < len(x.s.Cells) {
		return x.s.Cells[i].Queued
	}
	q := &x.queues[i-len(x.s.Cells)]
	if q.text != nil {
		return q.text.Queued
	}
	if q.ref.V.Kind == dump.DSQKindCPU {
		if c := x.s.CPU(q.ref.V.CPU); c != nil {
			return c.Queued
		}
	}
	if c := x.s.Cell(q.ref.V.Cell); c != nil && q.ref.V.Kind == dump.DSQKindCell && len(c.LLCs) == 0 {
		return c.Queued
	}
	return dump.Value[int64]{}
}

// cellPage shows all that is known of one cell.
func cellPage(x *index, id int32, width int) []item {
	w := newWriter(width)
	c := x.s.Cell(id)
	if c == nil {
		w.para(line{{warning, "The dump does not list cell " + number(id) + "."}}, nowhere, dump.Span{})
		taskRows(w, x, "Tasks of cell "+number(id), x.byCell[id])
		return w.items
	}
	w.section("Cell " + number(id))
	if c.State.Known {
		l := line{{plain, clean(string(c.State.V))}}
		if m := cellMeaning(c.State.V); m != "" {
			l.add(muted, "  "+m)
		}
		since(&l, x, "for ", c.Since.V, "")
		if c.GraceUntil.V != 0 {
			l.list(plain, "waits for grace period "+number(c.GraceUntil.V))
		}
		w.field("state", l, nowhere, c.State.At)
	}
	if c.Generation.Known {
		w.value("generation", number(c.Generation.V), c.Generation.At)
	}
	if c.CPUs.Known {
		l := line{{plain, maskText(x, c.CPUs.V)}}
		if c.CPUs.V.IsEmpty() {
			l = line{{warning, "! none: nothing can run its tasks"}}
		}
		w.field("CPUs", l, nowhere, c.CPUs.At)
	}
	if c.CpusetCPUs.Known {
		l := line{{plain, maskText(x, c.CpusetCPUs.V)}}
		if cpusetDiffers(c) {
			l.add(warning, "  not the CPUs of the cell")
		}
		w.field("cpuset", l, nowhere, c.CpusetCPUs.At)
	}
	if c.SpareMissing.V {
		w.field("spare mask", line{{warning, "! not in its place: no configuration can give it other CPUs"}}, nowhere, c.SpareMissing.At)
	}
	if c.Rescued.Known {
		w.value("rescued", number(c.Rescued.V)+", taken off its queue because no CPU of it may run them", c.Rescued.At)
	}
	if c.VTime.Known {
		w.value("vtime", number(c.VTime.V), c.VTime.At)
	}
	if c.Queued.Known {
		w.field("nr_queued", line{numberSpan(c.Queued)}, nowhere, c.Queued.At)
	}
	if c.OwnerCgroup.Known || c.OwnerPath.Known {
		var l line
		if c.OwnerPath.Known {
			l.add(plain, clean(c.OwnerPath.V))
		}
		if c.OwnerCgroup.Known {
			l.add(muted, " id "+number(c.OwnerCgroup.V))
		}
		w.field("cgroup", l, x.placeOfCgroup(c.OwnerCgroup.V), c.OwnerCgroup.At)
	}
	if c.DSQ.Known {
		w.value("DSQ", clean(c.DSQ.V.String()), c.DSQ.At)
	}
	if c.CPULLCs.Known {
		w.value("LLCs with CPUs", hex(c.CPULLCs.V), c.CPULLCs.At)
	}
	if c.DrainLLCs.Known {
		w.value("LLCs to drain", hex(c.DrainLLCs.V), c.DrainLLCs.At)
	}
	for i := range c.LLCs {
		cellLLC(w, &c.LLCs[i])
	}
	w.pairs("Unknown fields", c.Unknown)
	w.section("Its CPUs")
	for i := range x.s.CPUs {
		p := &x.s.CPUs[i]
		if p.Cell.Known && p.Cell.V == id || !p.Cell.Known && c.CPUs.V.Has(int(p.ID)) {
			w.field("CPU", cpuLine(x, p.ID), placeOfCPU(p.ID), p.At)
		}
	}
	taskRows(w, x, "Tasks of cell "+number(id), x.byCell[id])
	return w.items
}

// cellMeaning explains the state of a cell.
func cellMeaning(s dump.CellState) text {
	switch s {
	case dump.CellFree:
		return "not in use"
	case dump.CellPrep:
		return "taken, not yet in use"
	case dump.CellLive:
		return "in use"
	case dump.CellDrain:
		return "given up; its queue is being emptied"
	}
	return ""
}

func cellLLC(w *writer, c *dump.CellLLC) {
	var l line
	if c.VTime.Known {
		l.list(plain, "vtime "+number(c.VTime.V))
	}
	if c.Queued.Known {
		l.list(plain, number(c.Queued.V)+" queued")
	}
	if c.TrackedQueued.Known {
		l.list(plain, number(c.TrackedQueued.V)+" by the scheduler's own count")
	}
	if c.Drain.V {
		l.list(warning, "being emptied")
	}
	if c.HasCPUs.Known && !c.HasCPUs.V {
		l.list(warning, "without CPUs")
	}
	w.field("LLC "+number(c.LLC), l, nowhere, c.At)
}

// queuePage shows all that is known of one DSQ.
func queuePage(x *index, p place, width int) []item {
	w := newWriter(width)
	i := x.findQueue(p)
	if i < 0 {
		w.para(line{{warning, p.title() + " is not in this snapshot, or no task is on it."}}, nowhere, dump.Span{})
		return w.items
	}
	q := &x.queues[i]
	w.section("DSQ " + q.name())
	if q.ref.Known {
		w.value("id", clean(q.ref.V.ID.String())+", "+clean(string(q.ref.V.Kind)), x.span(p))
		switch q.ref.V.Kind {
		case dump.DSQKindCell:
			w.field("cell", cellLine(x, q.ref.V.Cell), placeOfCell(q.ref.V.Cell), dump.Span{})
		case dump.DSQKindCPU, dump.DSQKindLocal:
			if q.ref.V.CPU >= 0 {
				w.field("CPU", cpuLine(x, q.ref.V.CPU), placeOfCPU(q.ref.V.CPU), dump.Span{})
			}
		}
	}
	if d := q.text; d != nil {
		if d.Queued.Known {
			w.field("nr_queued", line{numberSpan(d.Queued)}, nowhere, d.Queued.At)
		}
		if d.NrCPUs.Known {
			w.value("nr_cpus", number(d.NrCPUs.V), d.NrCPUs.At)
		}
		if d.CPUs.Known {
			w.value("CPUs", maskText(x, d.CPUs.V), d.CPUs.At)
		}
		if d.HeadWait.Known {
			w.value("first task", "waits "+duration(d.HeadWait.V), d.HeadWait.At)
		}
		if len(d.PIDs) > 0 {
			pids := make([]text, len(d.PIDs))
			for k, pid := range d.PIDs {
				pids[k] = number(pid)
			}
			w.value("pids", join(pids, " "), d.At)
		}
	}
	taskRows(w, x, "Tasks that the dump shows on it", &q.group)
	return w.items
}
