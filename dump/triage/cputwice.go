// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var cpuTwice = Rule{
	Name:  "cpu-twice",
	Title: "a CPU is in two cells",
	needs: state | whole | steady,
	Page: Page{
		Happened: "The masks of two cells have a CPU in common. It takes tasks of one of them only, and the other counts on it in vain.",
		Shows:    "The masks of two cells that are live overlap, while no configuration is being applied.",
		Confirm:  "Look which of the two the CPU itself says that it is in.",
		Fix:      "Hand out CPUs from what is left, and take each from there as it is handed out.",
	},
	check: func(v *view) []*finding {
		var all dump.CPUMask
		for i := range v.s.Cells {
			c := &v.s.Cells[i]
			if c.State.V != dump.CellLive {
				continue
			}
			both := all.And(c.CPUs.V)
			if both.IsEmpty() {
				all = all.Or(c.CPUs.V)
				continue
			}
			f := v.cause("%s in two cells", cpusDo(both, "is", "are")).
				because("Cell %d has %s, and another cell has %s, too.", c.ID, cpuWords(c.CPUs.V), cpuWords(both)).cell(v, c)
			for k := range i {
				if o := &v.s.Cells[k]; o.State.V == dump.CellLive && !o.CPUs.V.And(both).IsEmpty() {
					f.cell(v, o)
				}
			}
			return []*finding{f.then("look at how the last configuration handed out that CPU")}
		}
		return nil
	},
}
