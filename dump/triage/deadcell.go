// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var taskDeadCell = Rule{
	Name:    "task-dead-cell",
	Title:   "a task is in a cell that is not in use",
	follows: []string{"timer-stopped", "token-held", "slot-empty", "gp-parity", "cfg-pending", "dsq-orphan", "not-reclaimed", "noctx-live"},
	needs:   state | whole | steady,
	Page: Page{
		Happened: "A task belongs to a cell that has ended, although it has seen the configuration that is in force.",
		Shows:    "The cell of a runnable task is not live, and its sequence is that of the configuration in force.",
		Confirm:  "Compare the cell of its cgroup with that of the task.",
		Fix:      "Take the cell of a task from its cgroup each time that the sequence has changed.",
	},
	check: func(v *view) []*finding {
		var victims []*dump.Task
		for _, t := range v.waiting {
			if v.isPlaced(t) && !t.Context.Fallback && t.Cell.Known && v.live(t.Cell.V) == nil {
				victims = append(victims, t)
			}
		}
		if len(victims) == 0 {
			return nil
		}
		t := victims[0]
		f := v.stallFinding(dump.ConfidenceHigh, victims, "%s is in cell %d, which is not in use", t, t.Cell.V).
			because("%s has seen the configuration in force, and is in cell %d, which is not live.", names(victims), t.Cell.V)
		f.Severity = dump.SeverityError
		if c := v.cells[t.Cell.V]; c != nil {
			f.cell(v, c)
		}
		return []*finding{f.task(v, t).then("look at when the cell of a task is taken anew")}
	},
}

// isPlaced reports whether the scheduler has placed a task under the configuration
// that is in force.
func (v *view) isPlaced(t *dump.Task) bool {
	return t.Context != nil && !t.IsOffQueue() && t.ConfigSeq.V == v.s.Status.AppliedSeq
}
