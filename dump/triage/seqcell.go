// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var seqCell = Rule{
	Name:    "seq-cell",
	Title:   "a task is in another cell than its cgroup",
	follows: []string{"timer-stopped", "token-held", "slot-empty", "cfg-pending", "task-dead-cell"},
	needs:   state | whole | steady,
	Page: Page{
		Happened: "A task took its cell from its cgroup, noted the sequence of the configuration, and has the cell of an older one: it read the sequence after the cell, so it will never look again.",
		Shows:    "The sequence of a task is that of the configuration in force, and its cell is not that of its cgroup.",
		Confirm:  "Write any cpuset: with the next configuration the task is right again.",
		Fix:      "Read the sequence first and the cell after it; publish the cell first and the sequence after it.",
	},
	check: func(v *view) []*finding {
		byID := v.cgroupsByID()
		var victims []*dump.Task
		for _, t := range v.waiting {
			if !v.isPlaced(t) || t.Context.Fallback || !t.CgroupID.Known || t.Context.CgroupIDNow != t.CgroupID.V {
				continue
			}
			if g := byID[t.CgroupID.V]; g != nil && g.HasContext && t.Cell.V != g.Cell {
				victims = append(victims, t)
			}
		}
		if len(victims) == 0 {
			return nil
		}
		t := victims[0]
		g := byID[t.CgroupID.V]
		f := v.stallFinding(dump.ConfidenceHigh, victims, "%s is in cell %d, its cgroup in cell %d", t, t.Cell.V, g.Cell).
			because("%s has seen configuration %d, which is in force, and is in cell %d; cgroup %s is in cell %d.", t, t.ConfigSeq.V, t.Cell.V, cgroupName(g), g.Cell)
		f.Severity = dump.SeverityError
		f.task(v, t).cgroup(v, g)
		return []*finding{f.then("look at the order in which sequence and cell are read")}
	},
}
