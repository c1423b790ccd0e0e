// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var cellNear = Rule{
	Name:    "cell-near",
	Title:   "almost all cells are in use",
	symptom: true,
	follows: []string{"cell-leak", "cell-exhaust"},
	needs:   state,
	Page: Page{
		Happened: "More than four in five of the cells that the scheduler has room for are in use. The cpusets that come when all are taken get none.",
		Shows:    "The number of cells in use, against the room that there is.",
		Confirm:  "Look whether each of them has an owner that is still there.",
		Fix:      "Start the scheduler with more cells.",
	},
	check: func(v *view) []*finding {
		used, room := v.s.CellsUsed(), int(v.s.Status.MaxCells)
		if room == 0 || used*5 <= room*4 {
			return nil
		}
		return []*finding{finds(dump.SeverityInfo, dump.ConfidenceHigh, "%d of %d cells are in use", used, room).
			because("When all are, the next cgroup with a cpuset gets none, and shares the root cell.").
			status(v, "%d of %d cells in use", used, room).
			then("start it with more cells before they run out")}
	},
}
