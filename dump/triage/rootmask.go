// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var rootMask = Rule{
	Name:    "root-mask",
	Title:   "the root cell has not all that is left",
	symptom: true,
	follows: []string{"timer-stopped", "token-held", "slot-empty", "cfg-pending", "cpu-orphan", "cpu-twice", "cell-empty"},
	needs:   state | whole | steady,
	Page: Page{
		Happened: "The root cell has the CPUs that are online and in no other cell, exactly. It has others, or fewer.",
		Shows:    "Its mask differs from what is online less the masks of the other cells, while no configuration is being applied.",
		Confirm:  "Add up the masks.",
		Fix:      "Make the root cell's mask last, from what is left.",
	},
	check: func(v *view) []*finding {
		root := v.live(0)
		if root == nil {
			return nil
		}
		left := v.online()
		for i := range v.s.Cells {
			if c := &v.s.Cells[i]; c.ID != 0 && c.State.V == dump.CellLive {
				left = left.AndNot(c.CPUs.V)
			}
		}
		if left == root.CPUs.V {
			return nil
		}
		f := v.cause("the root cell has CPUs %s, and %s are left for it", orNone(root.CPUs.V), orNone(left)).
			because("Of the CPUs that are online, %s are in no other cell.", orNone(left)).cell(v, root)
		return []*finding{f.then("look at how the last configuration made the root cell's mask")}
	},
}
