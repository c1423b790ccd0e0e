// SPDX-License-Identifier: GPL-2.0-only

package triage

var cpuCellMask = Rule{
	Name:    "cpu-cell-mask",
	Title:   "a CPU serves a cell that does not count it among its CPUs",
	follows: []string{"timer-stopped", "token-held", "slot-empty", "cfg-pending", "cpu-orphan", "cpu-twice", "not-reclaimed"},
	needs:   state | whole | steady,
	Page: Page{
		Happened: "What a CPU is in is written twice: in the CPU's own state and in the mask of the cell. The two differ, so tasks are queued where that CPU does not look, or it looks where it may not.",
		Shows:    "The cell of a CPU is live, and its mask has not that CPU, while no configuration is being applied.",
		Confirm:  "Look which of the two changed last: the generation of the cell tells.",
		Fix:      "Write both in the same step of applying, the mask first.",
	},
	check: func(v *view) []*finding {
		var f *finding
		for i := range v.s.CPUs {
			c := &v.s.CPUs[i]
			cell := v.live(c.Cell.V)
			if !c.Online.V || !c.Cell.Known || cell == nil || cell.CPUs.V.Has(int(c.ID)) {
				continue
			}
			if f == nil {
				f = v.cause("CPU %d serves cell %d, which does not count on it", c.ID, cell.ID).
					because("CPU %d says that it is in cell %d, which has CPUs %s.", c.ID, cell.ID, orNone(cell.CPUs.V))
			}
			f.cpu(v, c).cell(v, cell)
		}
		if f == nil {
			return nil
		}
		return []*finding{f.then("look at the order in which a configuration changes masks and CPUs")}
	},
}
