// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var cpuOrphan = Rule{
	Name:  "cpu-orphan",
	Title: "a CPU is in no cell",
	needs: state | whole | steady,
	Page: Page{
		Happened: "A CPU that is online is in the mask of no cell. It may still say that it belongs to one, but none counts on it.",
		Shows:    "The masks of all cells together lack a CPU that is online, while no configuration is pending.",
		Confirm:  "Add up the masks of all cells that are live.",
		Fix:      "Make the root cell's mask last, as all that is online and no other cell has.",
	},
	check: func(v *view) []*finding {
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
		f := v.cause("%s in no cell", cpusDo(lost, "is", "are")).
			because("%s online, and the cells together have only CPUs %s.", cpusDo(lost, "is", "are"), orNone(all))
		for i := range v.s.Cells {
			if c := &v.s.Cells[i]; c.State.V == dump.CellLive {
				f.cell(v, c)
			}
		}
		return []*finding{f.then("look at which CPUs the last configuration left out")}
	},
}
