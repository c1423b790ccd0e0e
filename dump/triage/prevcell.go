// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var prevCell = Rule{
	Name:    "prev-cell",
	Title:   "a CPU still serves the queue of a cell that it has left",
	follows: []string{"gp-parity", "timer-stopped", "token-held"},
	needs:   state,
	Page: Page{
		Happened: "A CPU that changes its cell serves the queue of the old one, too, until a grace period has ended, for tasks may still come onto it. The grace period is over, and it does so still.",
		Shows:    "The previous cell of a CPU is not its cell, while no grace period is in progress.",
		Confirm:  "Look whether the next grace period ends that.",
		Fix:      "Make the previous cell the present one for all CPUs where a grace period ends.",
	},
	check: func(v *view) []*finding {
		if v.s.Status.Grace.Active() || v.s.Status.Apply.Phase != "" {
			return nil
		}
		var f *finding
		for i := range v.s.CPUs {
			c := &v.s.CPUs[i]
			if !c.PrevCell.Known || !c.Cell.Known || c.PrevCell.V == c.Cell.V {
				continue
			}
			if f == nil {
				f = finds(dump.SeverityWarning, dump.ConfidenceHigh, "CPU %d still serves the queue of cell %d, which it has left", c.ID, c.PrevCell.V).
					because("CPU %d is in cell %d, was in cell %d before, and no grace period is in progress.", c.ID, c.Cell.V, c.PrevCell.V)
			}
			f.cpu(v, c)
		}
		if f == nil {
			return nil
		}
		return []*finding{f.then("look at what the end of a grace period does with the CPUs")}
	},
}
