// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var ownerMismatch = Rule{
	Name:    "owner-1-1",
	Title:   "a cgroup and its cell do not name each other",
	follows: []string{"timer-stopped", "token-held", "slot-empty", "cfg-pending", "cell-leak"},
	needs:   state | whole | steady,
	Page: Page{
		Happened: "A cgroup with a cpuset owns one cell, and the cell has that cgroup as its owner. Of this pair one names another, so a change of the cpuset reaches the wrong cell.",
		Shows:    "A cgroup owns a cell that is live and that another cgroup owns, or it is itself in another cell.",
		Confirm:  "Compare the owner that each cell names with what that cgroup says it owns.",
		Fix:      "Set and clear both sides together, under the token that guards applying.",
	},
	check: func(v *view) []*finding {
		var found []*finding
		for i := range v.s.Cgroups {
			g := &v.s.Cgroups[i]
			c := v.live(g.Owns)
			if !g.HasContext || g.Owns == 0 || c == nil || c.OwnerCgroup.V == g.ID && g.Cell == g.Owns {
				continue
			}
			f := v.cause("cgroup %s owns cell %d, which does not agree", cgroupName(g), c.ID).
				because("Cgroup %s owns cell %d and is in cell %d; cell %d names cgroup %d as its owner.", cgroupName(g), g.Owns, g.Cell, c.ID, c.OwnerCgroup.V).
				cell(v, c)
			f.cgroup(v, g)
			found = append(found, f.then("look at what gave the cell its owner"))
		}
		return found
	},
}

// cgroupsByID are the cgroups of a snapshot.
func (v *view) cgroupsByID() map[uint64]*dump.Cgroup {
	all := make(map[uint64]*dump.Cgroup, len(v.s.Cgroups))
	for i := range v.s.Cgroups {
		all[v.s.Cgroups[i].ID] = &v.s.Cgroups[i]
	}
	return all
}
