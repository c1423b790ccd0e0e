// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var vtimeFrozen = Rule{
	Name:  "vt-frozen",
	Title: "the clock of a cell stands still while its tasks run",
	needs: state | earlier,
	Page: Page{
		Happened: "The vtime of a cell goes on with the tasks that run in it. It does not any more, so tasks that come get a vtime far behind, and those that ran are far ahead.",
		Shows:    "Two snapshots have the same vtime of a cell, in the same generation, while tasks on its clock ran for long in between.",
		Confirm:  "Compare vtime of the cell with the dsq_vtime of the tasks that it runs.",
		Fix:      "Advance the clock where a task begins to run, to its vtime, and never back.",
	},
	check: func(v *view) []*finding {
		earlier := make(map[int32]*dump.Task, len(v.before.Tasks))
		for i := range v.before.Tasks {
			earlier[v.before.Tasks[i].PID] = &v.before.Tasks[i]
		}
		ran := make(map[int32]int64)
		for i := range v.s.Tasks {
			t := &v.s.Tasks[i]
			if b := earlier[t.PID]; b != nil && t.Context != nil && b.Context != nil && t.Context.Clock == b.Context.Clock {
				ran[t.Context.Clock] += int64(t.RunTime.V - b.RunTime.V)
			}
		}
		var found []*finding
		for i := range v.s.Cells {
			c := &v.s.Cells[i]
			b := v.before.Cell(c.ID)
			if b == nil || b.Generation.V != c.Generation.V || c.VTime.V != b.VTime.V || ran[c.ID] < int64(stuckAfter)/4 {
				continue
			}
			found = append(found, v.cause("the clock of cell %d stands still while its tasks run", c.ID).
				because("The vtime of cell %d is %d, as it was %s before, while its tasks ran for %d ms.", c.ID, c.VTime.V, seconds(v.apart), ran[c.ID]/1e6).
				explains(v.kind() == dump.ExitErrorBPF && v.says("vtime")).
				cell(v, c).then("look at where the clock is advanced"))
		}
		return found
	},
}
