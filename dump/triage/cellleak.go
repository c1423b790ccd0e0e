// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var cellLeak = Rule{
	Name:    "cell-leak",
	Title:   "a cell is in use whose owner is gone",
	follows: []string{"timer-stopped", "token-held", "cfg-pending"},
	needs:   state | whole | steady,
	Page: Page{
		Happened: "The cgroup that owned a cell was removed, or owns another one now, and the cell was not ended. It keeps its CPUs and its id; with enough of them cells run out.",
		Shows:    "A cell is live, no configuration is pending, and its owner is not among the cgroups, or does not own it.",
		Confirm:  "Look for the owner's id among the cgroups.",
		Fix:      "End every cell that no cgroup claimed when a configuration is applied.",
	},
	check: func(v *view) []*finding {
		owners := v.cgroupsByID()
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
