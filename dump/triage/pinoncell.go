// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var pinOnCell = Rule{
	Name:  "pin-on-cell",
	Title: "a pinned task waits on the queue of its cell",
	needs: state | steady,
	Page: Page{
		Happened: "A task that may use only some of the CPUs of its cell was put on the queue that all of them share. If it comes first, the others pass it over or stop at it; if it may use none of them, nobody ever takes it.",
		Shows:    "cpus= of the task has not all CPUs of the cell, and it waits on the DSQ of the cell.",
		Confirm:  "Compare its mask with that of the cell, and look at all_cell_cpus_allowed, which the scheduler keeps of it.",
		Fix:      "Put such a task on the queue of one CPU that it may use, and look at its mask again with each new configuration.",
	},
	check: func(v *view) []*finding {
		var victims []*dump.Task
		for _, t := range v.waiting {
			if !t.DSQ.Known || t.DSQ.V.Kind != dump.DSQKindCell || !t.CPUs.Known || t.Context == nil ||
				t.ConfigSeq.V != v.s.Status.AppliedSeq {
				continue
			}
			cell := v.live(t.DSQ.V.Cell)
			if cell == nil || cell.CPUs.V.SubsetOf(t.CPUs.V) {
				continue
			}
			victims = append(victims, t)
		}
		if len(victims) == 0 {
			return nil
		}
		t := v.foremost(victims)
		cell := v.live(t.DSQ.V.Cell)
		f := v.stallFinding(dump.ConfidenceHigh, victims, "%s may not use all CPUs of cell %d, and waits on its queue", t, cell.ID).
			because("%s may use %s and waits on the queue of cell %d, which %s.", t, cpuWords(t.CPUs.V), cell.ID, cpusDo(cell.CPUs.V, "serves", "serve"))
		if t.AllCellCPUsAllowed.V {
			f.because("The scheduler takes it for a task that may use all of them.")
		}
		f.Severity = dump.SeverityError
		return []*finding{f.task(v, t).cell(v, cell).then("look at when the scheduler compares the masks of task and cell")}
	},
}
