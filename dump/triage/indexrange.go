// SPDX-License-Identifier: GPL-2.0-only

package triage

var indexRange = Rule{
	Name:  "index-range",
	Title: "a cell has an id that there is no room for",
	needs: state,
	Page: Page{
		Happened: "Ids of cells are below the number that the scheduler has room for. One is not, so what is looked up by it is not there, or something else.",
		Shows:    "The id of a cell, or the cell of a CPU or a cgroup, is too large.",
		Confirm:  "Look which of them name it.",
		Fix:      "Compare an id with the limit where it is read, not only where it is made.",
	},
	check: func(v *view) []*finding {
		room := v.s.Status.MaxCells
		outside := func(id int32) bool { return room > 0 && (id < 0 || uint32(id) >= room) }
		for i := range v.s.Cells {
			if c := &v.s.Cells[i]; outside(c.ID) {
				return indexFinding(v.cause("cell %d is outside of the %d that there are", c.ID, room).cell(v, c))
			}
		}
		for i := range v.s.CPUs {
			if c := &v.s.CPUs[i]; c.Cell.Known && outside(c.Cell.V) {
				return indexFinding(v.cause("CPU %d is in cell %d, outside of the %d that there are", c.ID, c.Cell.V, room).cpu(v, c))
			}
		}
		for i := range v.s.Cgroups {
			if g := &v.s.Cgroups[i]; g.HasContext && (outside(g.Cell) || outside(g.Owns)) {
				f := v.cause("cgroup %s is in cell %d and owns %d, outside of the %d that there are", cgroupName(g), g.Cell, g.Owns, room)
				f.cgroup(v, g)
				return indexFinding(f)
			}
		}
		return nil
	},
}

func indexFinding(f *finding) []*finding {
	return []*finding{f.because("What is looked up by that id is not there, or is something else.").then("find what wrote the id: it was not compared with the limit")}
}
