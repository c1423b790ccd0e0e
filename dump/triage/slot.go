// SPDX-License-Identifier: GPL-2.0-only

package triage

var slotEmpty = Rule{
	Name:  "slot-empty",
	Title: "a cell has lost its spare mask",
	needs: state,
	Page: Page{
		Happened: "The next CPUs of a cell are made up in a spare mask that is swapped with the one in use. The spare was taken out and not put back, so the cell can never change again.",
		Shows:    "The spare of a cell is missing while no configuration is being applied.",
		Confirm:  "Nothing else takes it out, so it is certain.",
		Fix:      "Put the mask back on every path, also where the swap fails.",
	},
	check: func(v *view) []*finding {
		if v.s.Status.Apply.Phase != "" || v.s.Status.Apply.TokenSince != 0 {
			return nil
		}
		var f *finding
		for i := range v.s.Cells {
			c := &v.s.Cells[i]
			if !c.SpareMissing.V {
				continue
			}
			if f == nil {
				f = v.cause("cell %d has lost its spare mask and cannot change any more", c.ID).
					because("The mask in which the next CPUs of a cell are made up is not in its place, although no configuration is being applied.")
			}
			f.cell(v, c)
		}
		if f == nil {
			return nil
		}
		return []*finding{f.then("find the path that takes the mask out and returns without it")}
	},
}
