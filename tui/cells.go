// SPDX-License-Identifier: GPL-2.0-only

package tui

import "scxdiag/dump"

// newCellList is the table of the cells.
func newCellList(x *index) *list {
	s := x.s
	cell := func(i int) *dump.Cell { return &s.Cells[i] }
	tasks := func(i int) *group { return x.byCell[s.Cells[i].ID] }
	owned, staged, clocked, differs, rescued := false, false, false, false, false
	for i := range s.Cells {
		owned = owned || cell(i).OwnerPath.Known
		staged = staged || cell(i).State.Known
		clocked = clocked || cell(i).VTime.Known
		differs = differs || cpusetDiffers(cell(i))
		rescued = rescued || cell(i).Rescued.V > 0
	}
	l := &list{
		noun:   "cells",
		empty:  "This scheduler has no cells, or the snapshot does not tell of them.",
		n:      len(s.Cells),
		place:  func(i int) place { return placeOfCell(cell(i).ID) },
		fields: cellFields(x),
	}
	add := func(c column) { l.columns = append(l.columns, c) }
	add(column{
		title: "cell", width: 5, right: true,
		cell: func(i int) span { return span{name, number(cell(i).ID)} },
		key:  func(i int) sortKey { return byNumber(cell(i).ID, true) },
	})
	if staged {
		add(column{
			title: "state", width: 5, drop: 1,
			cell: func(i int) span { return cellState(cell(i)) },
			key:  func(i int) sortKey { return byKnownText(string(cell(i).State.V), cell(i).State.Known) },
		})
	}
	add(column{
		title: "CPUs", width: 8, grow: 8,
		cell: func(i int) span {
			if c := cell(i); cpusetDiffers(c) && !c.CPUs.V.IsEmpty() {
				return span{warning, "! " + cpuList(c.CPUs.V)}
			}
			return masked(cell(i).CPUs)
		},
		key: func(i int) sortKey { return byNumber(cell(i).CPUs.V.Count(), cell(i).CPUs.Known) },
	})
	if ids := x.cpuIDs(); ids > 1 {
		width := min(ids, 32)
		add(column{
			title: "map", width: max(width, 3), drop: 6,
			cell: func(i int) span { return textSpan(cell(i).CPUs.Known, mapOf(cell(i).CPUs.V, ids, width)) },
			key:  func(i int) sortKey { return byNumber(cell(i).CPUs.V.First(), cell(i).CPUs.Known) },
		})
	}
	add(column{
		title: "queued", width: 6, right: true, desc: true,
		cell: func(i int) span { return numberSpan(cell(i).Queued) },
		key:  func(i int) sortKey { return byNumber(cell(i).Queued.V, cell(i).Queued.Known) },
	})
	add(column{
		title: "running", width: 7, right: true, desc: true, drop: 2,
		cell: func(i int) span { return countSpan(tasks(i), runs) },
		key: func(i int) sortKey {
			return byNumber(tasks(i).in(runs), true)
		},
	})
	add(column{
		title: "waiting", width: 7, right: true, desc: true,
		cell: func(i int) span { return countSpan(tasks(i), waits) },
		key:  func(i int) sortKey { return waitingKey(tasks(i)) },
	})
	add(column{
		title: "oldest", width: 8, right: true, desc: true,
		cell: func(i int) span { return waitSpan(tasks(i)) },
		key:  func(i int) sortKey { return waitKey(tasks(i)) },
	})
	add(column{
		// Of the task that has waited for longest: a small one explains a wait.
		title: "weight", width: 6, right: true, drop: 5,
		cell: func(i int) span { return numberSpan(x.oldestOf(tasks(i)).Weight) },
		key: func(i int) sortKey {
			w := x.oldestOf(tasks(i)).Weight
			return byNumber(w.V, w.Known)
		},
	})
	// The owner tells more of a cell than its clock, where there is one.
	ownerWidth, ownerDrop, clockDrop := 20, 3, 1
	if owned {
		ownerWidth, ownerDrop, clockDrop = 10, 1, 3
	}
	if clocked {
		add(column{
			title: "vtime", width: 15, right: true, drop: clockDrop,
			cell: func(i int) span { return numberSpan(cell(i).VTime) },
			key:  func(i int) sortKey { return byNumber(cell(i).VTime.V, cell(i).VTime.Known) },
		})
		add(column{
			// How far the task that has waited for longest is behind the clock.
			title: "lag", width: 9, right: true, desc: true, drop: 4,
			cell: func(i int) span {
				lag, known := x.lag(cell(i), tasks(i))
				return textSpan(known, signed(lag))
			},
			key: func(i int) sortKey {
				lag, known := x.lag(cell(i), tasks(i))
				return byNumber(lag, known)
			},
		})
	}
	if staged {
		add(column{
			title: "gen", width: 4, right: true, desc: true, drop: 7,
			cell: func(i int) span { return numberSpan(cell(i).Generation) },
			key:  func(i int) sortKey { return byNumber(cell(i).Generation.V, cell(i).Generation.Known) },
		})
		add(column{
			title: "tasks", width: 5, right: true, desc: true, drop: 7,
			cell: func(i int) span { return span{plain, number(tasks(i).size())} },
			key:  func(i int) sortKey { return byNumber(tasks(i).size(), true) },
		})
	}
	if differs {
		add(column{
			title: "cpuset", width: 7, drop: 2,
			cell: func(i int) span {
				if cpusetDiffers(cell(i)) {
					return span{warning, cpuList(cell(i).CpusetCPUs.V)}
				}
				return span{muted, unknown}
			},
			key: func(i int) sortKey { return byNumber(cell(i).CpusetCPUs.V.Count(), cpusetDiffers(cell(i))) },
		})
	}
	if rescued {
		add(column{
			title: "rescued", width: 7, right: true, desc: true, drop: 8,
			cell: func(i int) span { return numberSpan(cell(i).Rescued) },
			key:  func(i int) sortKey { return byNumber(cell(i).Rescued.V, cell(i).Rescued.Known) },
		})
	}
	if !owned {
		return l
	}
	add(column{
		title: "owner", width: ownerWidth, grow: 60, drop: ownerDrop,
		cell: func(i int) span { return textSpan(cell(i).OwnerPath.Known, clean(cell(i).OwnerPath.V)) },
		key:  func(i int) sortKey { return byKnownText(cell(i).OwnerPath.V, cell(i).OwnerPath.Known) },
	})
	return l
}

// cellFields are what the filter can ask of cells.
func cellFields(x *index) []field {
	cell := func(i int) *dump.Cell { return &x.s.Cells[i] }
	tasks := func(i int) *group { return x.byCell[x.s.Cells[i].ID] }
	return []field{
		numberField("cell", func(i int) dump.Value[int32] { return dump.Of(cell(i).ID) }),
		textField("state", func(i int) dump.Value[string] {
			return dump.Value[string]{V: string(cell(i).State.V), Known: cell(i).State.Known}
		}).found(),
		textField("owner", func(i int) dump.Value[string] { return cell(i).OwnerPath }).found(),
		maskField("cpus", func(i int) *dump.Value[dump.CPUMask] { return &cell(i).CPUs }),
		maskField("cpuset", func(i int) *dump.Value[dump.CPUMask] { return &cell(i).CpusetCPUs }),
		isField(
			quality{"waiting", func(i int) bool { return tasks(i).in(waits) > 0 }},
			quality{"empty", func(i int) bool { return tasks(i).size() == 0 && cell(i).Queued.V == 0 }},
			quality{"different", func(i int) bool { return cpusetDiffers(cell(i)) }},
		),
		numberField("queued", func(i int) dump.Value[int64] { return cell(i).Queued }),
		numberField("running", func(i int) dump.Value[int] { return dump.Of(tasks(i).in(runs)) }),
		numberField("waiting", func(i int) dump.Value[int] { return dump.Of(tasks(i).in(waits)) }),
		groupWaitField("oldest", tasks),
		numberField("tasks", func(i int) dump.Value[int] { return dump.Of(tasks(i).size()) }),
		numberField("vtime", func(i int) dump.Value[uint64] { return cell(i).VTime }),
		numberField("gen", func(i int) dump.Value[uint32] { return cell(i).Generation }),
		numberField("rescued", func(i int) dump.Value[uint64] { return cell(i).Rescued }),
	}
}

// oldestOf is the task of a group that has waited for longest; one of which
// nothing is known if none waits.
func (x *index) oldestOf(g *group) *dump.Task {
	if _, waits := g.wait(); !waits {
		return &dump.Task{}
	}
	return &x.s.Tasks[g.oldest]
}

// lag is how far the task of a cell that has waited for longest is behind the
// cell's clock, in ns of virtual time; negative if it is ahead.
func (x *index) lag(c *dump.Cell, g *group) (int64, bool) {
	t := x.oldestOf(g)
	return int64(c.VTime.V - t.VTime.V), c.VTime.Known && t.VTime.Known //nolint:gosec // a wrapping difference
}

// mapOf shows which of the CPUs below n a mask has, in width columns, each of as
// many CPUs as it takes.
func mapOf(m dump.CPUMask, n, width int) text {
	per := (n + width - 1) / width
	var t text
	for from := 0; from < n; from += per {
		has := 0
		for cpu := from; cpu < min(from+per, n); cpu++ {
			if m.Has(cpu) {
				has++
			}
		}
		switch {
		case has == 0:
			t += "·"
		case has < min(per, n-from):
			t += "▄"
		default:
			t += "█"
		}
	}
	return t
}

// cellState is worth a look unless the cell is live.
func cellState(c *dump.Cell) span {
	if !c.State.Known {
		return span{muted, unknown}
	}
	switch v := c.State.V; v {
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

func masked(m dump.Value[dump.CPUMask]) span {
	if m.Known && m.V.IsEmpty() {
		return span{warning, "! none"}
	}
	return textSpan(m.Known, cpuList(m.V))
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
