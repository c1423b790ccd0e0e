// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var notReclaimed = Rule{
	Name:    "not-reclaimed",
	Title:   "CPUs stay with a cell that has ended",
	follows: []string{"timer-stopped", "token-held", "slot-empty", "gp-parity", "cfg-pending"},
	Page: Page{
		Happened: "A cell ended or shrank, and its CPUs did not go back to the root cell: they serve a queue that nobody uses.",
		Shows:    "A CPU is in a cell that is not live, while no configuration is pending.",
		Confirm:  "Look whether the timer runs, and whether the CPU idles while others are busy.",
		Fix:      "Hand out all CPUs anew with each configuration: what nobody wants is the root cell's.",
	},
	check: func(v *view) []*finding {
		if !v.hasState() || pendingConfig(v.s) || v.s.Status.Apply.Phase != "" {
			return nil
		}
		var f *finding
		for i := range v.s.CPUs {
			c := &v.s.CPUs[i]
			if !c.Online.V || !c.Cell.Known || v.live(c.Cell.V) != nil {
				continue
			}
			if f == nil {
				f = v.cause("CPU %d stays with cell %d, which is not in use", c.ID, c.Cell.V).
					because("CPU %d is in cell %d, which is not live, and no configuration is pending: it serves nobody.", c.ID, c.Cell.V)
			}
			f.cpu(v, c)
			if cell := v.cells[c.Cell.V]; cell != nil {
				f.cell(v, cell)
			}
		}
		if f == nil {
			return nil
		}
		return []*finding{f.then("look at what the last configuration did with the CPUs of that cell")}
	},
}

var cpuOrphan = Rule{
	Name:  "cpu-orphan",
	Title: "a CPU is in no cell",
	Page: Page{
		Happened: "A CPU that is online is in the mask of no cell. It may still say that it belongs to one, but none counts on it.",
		Shows:    "The masks of all cells together lack a CPU that is online, while no configuration is pending.",
		Confirm:  "Add up the masks of all cells that are live.",
		Fix:      "Make the root cell's mask last, as all that is online and no other cell has.",
	},
	check: func(v *view) []*finding {
		if !v.hasState() || pendingConfig(v.s) || v.s.Status.Apply.Phase != "" || v.partial {
			return nil
		}
		var all dump.CPUMask
		for i := range v.s.Cells {
			if c := &v.s.Cells[i]; c.State.V == dump.CellLive {
				all = all.Or(c.CPUs.V)
			}
		}
		lost := v.online().AndNot(all)
		if lost.IsEmpty() {
			return nil
		}
		f := v.cause("CPU %s is in no cell", lost).
			because("CPU %s is online, and the cells together have only CPUs %s.", lost, orNone(all))
		for i := range v.s.Cells {
			if c := &v.s.Cells[i]; c.State.V == dump.CellLive {
				f.cell(v, c)
			}
		}
		return []*finding{f.then("look at which CPUs the last configuration left out")}
	},
}

var cellLeak = Rule{
	Name:    "cell-leak",
	Title:   "a cell is in use whose owner is gone",
	follows: []string{"timer-stopped", "token-held", "cfg-pending"},
	Page: Page{
		Happened: "The cgroup that owned a cell was removed, or owns another one now, and the cell was not ended. It keeps its CPUs and its id; with enough of them cells run out.",
		Shows:    "A cell is live, no configuration is pending, and its owner is not among the cgroups, or does not own it.",
		Confirm:  "Look for the owner's id among the cgroups.",
		Fix:      "End every cell that no cgroup claimed when a configuration is applied.",
	},
	check: func(v *view) []*finding {
		if !v.hasState() || pendingConfig(v.s) || v.s.Status.Apply.Phase != "" || v.partial {
			return nil
		}
		owners := make(map[uint64]*dump.Cgroup, len(v.s.Cgroups))
		for i := range v.s.Cgroups {
			owners[v.s.Cgroups[i].ID] = &v.s.Cgroups[i]
		}
		var found []*finding
		for i := range v.s.Cells {
			c := &v.s.Cells[i]
			if c.ID == 0 || c.State.V != dump.CellLive {
				continue
			}
			if g := owners[c.OwnerCgroup.V]; g != nil && g.Owns == c.ID {
				continue
			}
			found = append(found, v.cause("cell %d is in use, and its owner is gone", c.ID).
				because("Cell %d is live with CPUs %s. Its owner, cgroup %d, is not there any more, or does not own it.", c.ID, orNone(c.CPUs.V), c.OwnerCgroup.V).
				cell(v, c).then("look at how the cell was to end when the cgroup was removed"))
		}
		return found
	},
}

var queueOrphan = Rule{
	Name:    "dsq-orphan",
	Title:   "tasks are on the queue of a cell that has ended",
	follows: []string{"timer-stopped", "token-held"},
	Page: Page{
		Happened: "A cell ended while tasks were on its queue, or a task was put there afterwards. No CPU serves that queue, so they wait for ever.",
		Shows:    "The queue of a cell has tasks, and the cell is free, or has been draining for seconds.",
		Confirm:  "Look whether the same tasks are there in a second snapshot.",
		Fix:      "Empty the queue before the id is free, and wait for a grace period before that, so that nobody can still add to it.",
	},
	check: func(v *view) []*finding {
		if !v.hasState() {
			return nil
		}
		var found []*finding
		for i := range v.s.DSQs {
			q := &v.s.DSQs[i]
			ref, ok := dump.TypedDSQ(q.ID.V)
			if !ok || ref.Kind != dump.DSQKindCell || q.Queued.V <= 0 {
				continue
			}
			c := v.cells[ref.Cell]
			switch {
			case c == nil || c.State.V == dump.CellFree:
			case c.State.V == dump.CellDrain:
				if ago, ok := v.s.Since(c.Since.V); !ok || ago < timerAfter {
					continue
				}
			default:
				continue
			}
			victims := v.byDSQ[q.ID.V]
			f := v.stallFinding(dump.ConfidenceHigh, victims, "%s on the queue of cell %d, which has ended", counted(int(q.Queued.V), "task is", "tasks are"), ref.Cell).
				because("The queue of cell %d has %s, and the cell is no longer in use: no CPU serves it.", ref.Cell, counted(int(q.Queued.V), "task", "tasks"))
			f.Severity = dump.SeverityError
			f.status(v, "DSQ %s of cell %d: %d queued", q.ID.V, ref.Cell, q.Queued.V)
			if c != nil {
				f.cell(v, c)
			}
			if len(victims) > 0 {
				f.task(v, victims[0])
			}
			found = append(found, f.then("look at what empties the queue of a cell that ends"))
		}
		return found
	},
}
