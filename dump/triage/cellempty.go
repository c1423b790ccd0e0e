// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"scxdiag/dump"
)

var cellEmpty = Rule{
	Name:  "cell-empty",
	Title: "a cell has tasks and no CPU",
	Page: Page{
		Happened: "A cell has no CPU left, and tasks are queued on it. Nobody will ever take them.",
		Shows:    "The cell's mask is empty and its queue is not. With the root cell (0) the watchdog's own worker is among the victims, so all that the kernel says is \"watchdog failed to check in\".",
		Confirm:  "Compare the cpusets of the cgroups: together they may claim all CPUs. Look whether CPUs went offline, and whether a configuration was being applied at the time.",
		Fix:      "Keep at least one CPU for the root cell, and hand the tasks of a cell that loses its last CPU to the root cell.",
	},
	check: checkCellEmpty,
}

func checkCellEmpty(v *view) []*finding {
	if v.s.Status != nil && v.s.Status.Apply.Phase != "" {
		return nil // masks change right now
	}
	var found []*finding
	for i := range v.s.Cells {
		c := &v.s.Cells[i]
		queued := v.waitingOn(c)
		if !c.CPUs.Known || !c.CPUs.V.IsEmpty() || c.Queued.V <= 0 && len(queued) == 0 ||
			c.State.Known && c.State.V != dump.CellLive {
			continue
		}
		f := v.stallFinding(dump.ConfidenceHigh, queued, "cell %d has no CPU, and tasks wait on it", c.ID).
			because("The mask of cell %d is empty, while %s on it. No CPU serves its queue.", c.ID, counted(max(int(c.Queued.V), len(queued)), "task waits", "tasks wait")).
			cell(v, c)
		if c.ID == 0 {
			f.because("It is the root cell, where the kernel's own workers are, so the watchdog may starve as well.").
				explains(v.isWatchdog())
		}
		if len(queued) > 0 {
			f.task(v, queued[0])
		}
		found = append(found, f.then("compare the cpusets of all cgroups with the CPUs that are online"))
	}
	return found
}

// waitingOn are the tasks that wait on the queue of a cell.
func (v *view) waitingOn(c *dump.Cell) []*dump.Task {
	var tasks []*dump.Task
	for _, t := range v.byCell[c.ID] {
		if t.DSQ.Known && t.DSQ.V.Kind == dump.DSQKindCell && t.DSQ.V.Cell == c.ID {
			tasks = append(tasks, t)
		}
	}
	return tasks
}
