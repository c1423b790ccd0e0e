// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var cellExhaust = Rule{
	Name:    "cell-exhaust",
	Title:   "a cpuset got no cell, for all were taken",
	follows: []string{"cell-leak"},
	needs:   state,
	Page: Page{
		Happened: "There are more cgroups with a cpuset than the scheduler has cells for. Those that came last share the root cell: they run, and their cpuset is kept by the kernel alone.",
		Shows:    "The count of cells that could not be given is not zero.",
		Confirm:  "Compare how many cells are in use with how many there may be.",
		Fix:      "Start the scheduler with more cells, or find out why cells that ended are not free again.",
	},
	check: func(v *view) []*finding {
		if v.s.Status.AllocFail == 0 {
			return nil
		}
		st := v.s.Status
		f := finds(dump.SeverityWarning, dump.ConfidenceHigh, "%s got no cell, for all %d were taken", counted(int(st.AllocFail), "cpuset", "cpusets"), st.MaxCells).
			because("The scheduler has room for %d cells, and used %d at once. Cgroups that got none share the root cell.", st.MaxCells, st.MaxUsed).
			status(v, "alloc_fail %d, %d of %d cells in use", st.AllocFail, v.s.CellsUsed(), st.MaxCells)
		return []*finding{f.then("start it with more cells, or give fewer cgroups a cpuset")}
	},
}
