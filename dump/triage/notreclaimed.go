// SPDX-License-Identifier: GPL-2.0-only

package triage

var notReclaimed = Rule{
	Name:    "not-reclaimed",
	Title:   "CPUs stay with a cell that has ended",
	follows: []string{"timer-stopped", "token-held", "slot-empty", "gp-parity", "cfg-pending"},
	needs:   state | steady,
	Page: Page{
		Happened: "A cell ended or shrank, and its CPUs did not go back to the root cell: they serve a queue that nobody uses.",
		Shows:    "A CPU is in a cell that is not live, while no configuration is pending.",
		Confirm:  "Look whether the timer runs, and whether the CPU idles while others are busy.",
		Fix:      "Hand out all CPUs anew with each configuration: what nobody wants is the root cell's.",
	},
	check: func(v *view) []*finding {
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
