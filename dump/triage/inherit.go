// SPDX-License-Identifier: GPL-2.0-only

package triage

var inherit = Rule{
	Name:    "inherit",
	Title:   "a cgroup without a cpuset is not in the cell of the one above it",
	follows: []string{"timer-stopped", "token-held", "slot-empty", "cfg-pending", "owner-1-1"},
	needs:   state | whole | steady,
	Page: Page{
		Happened: "A cgroup that owns no cell is in the cell of its parent. One is in another, so its tasks run where their cpuset does not want them, or not at all.",
		Shows:    "The cell of a cgroup that owns none differs from that of its parent, while no configuration is being applied.",
		Confirm:  "Move a task out of the cgroup and back: if it is in the same cell still, the cgroup is what is wrong.",
		Fix:      "Walk the tree from the top with each configuration, and hand the cell down.",
	},
	check: func(v *view) []*finding {
		byID := v.cgroupsByID()
		var found []*finding
		for i := range v.s.Cgroups {
			g := &v.s.Cgroups[i]
			parent := byID[g.Parent]
			if !g.HasContext || g.Owns != 0 && v.live(g.Owns) != nil || parent == nil || !parent.HasContext || g.Cell == parent.Cell {
				continue
			}
			f := v.cause("cgroup %s is in cell %d, and the one above it in cell %d", cgroupName(g), g.Cell, parent.Cell).
				because("Cgroup %s owns no cell, so it belongs into cell %d of cgroup %s, and is in cell %d.", cgroupName(g), parent.Cell, cgroupName(parent), g.Cell)
			f.cgroup(v, g)
			f.cgroup(v, parent)
			found = append(found, f.then("look at whether the last walk of the cgroups came by it"))
		}
		return found
	},
}
