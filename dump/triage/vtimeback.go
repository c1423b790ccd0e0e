// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var vtimeBackward = Rule{
	Name:  "vt-backward",
	Title: "the clock of a cell went back",
	needs: state | earlier,
	Page: Page{
		Happened: "The vtime of a cell only ever goes on. It went back, so tasks that were level with it are far ahead now and wait.",
		Shows:    "The later of two snapshots has a lower vtime of a cell, in the same generation.",
		Confirm:  "Look which task of the cell has a vtime like that of the clock: it set it.",
		Fix:      "Advance the clock with a comparison and an exchange that fails if somebody else was faster.",
	},
	check: func(v *view) []*finding {
		var found []*finding
		for i := range v.s.Cells {
			c := &v.s.Cells[i]
			b := v.before.Cell(c.ID)
			if b == nil || !c.VTime.Known || b.Generation.V != c.Generation.V || int64(c.VTime.V-b.VTime.V) >= 0 {
				continue
			}
			found = append(found, v.cause("the clock of cell %d went back by %d", c.ID, b.VTime.V-c.VTime.V).
				because("The vtime of cell %d was %d, and %s later it is %d.", c.ID, b.VTime.V, seconds(v.apart), c.VTime.V).
				explains(v.kind() == dump.ExitErrorBPF && v.says("vtime")).
				cell(v, c).then("look at who writes the clock without comparing"))
		}
		return found
	},
}
