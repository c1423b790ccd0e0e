// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var lateInsert = Rule{
	Name:    "late-insert",
	Title:   "a task was queued on a cell that was free already",
	follows: []string{"gp-parity"},
	needs:   state,
	Page: Page{
		Happened: "A cell is free only after everybody who might still put a task on its queue is done. Somebody put one there later: the grace period ended too soon, and the task waits on a queue that nobody serves.",
		Shows:    "The scheduler counts such inserts; the count is not zero.",
		Confirm:  "Look for tasks on the queue of a cell that is not live, and at the grace periods in the history.",
		Fix:      "Publish the sequence last and read it first, with full barriers, and wait for every section that began before.",
	},
	check: func(v *view) []*finding {
		if v.s.Status.LateInserts == 0 {
			return nil
		}
		n := int(v.s.Status.LateInserts)
		return []*finding{finds(dump.SeverityError, dump.ConfidenceMedium, "%s came onto the queue of a cell that was free", counted(n, "task", "tasks")).
			because("Grace periods did not wait for whoever put %s there.", counted(n, "task", "tasks")).
			status(v, "late_inserts %d, grace period %d", n, v.s.Status.Grace.Seq).
			then("look at the barriers between the sequence and the cell, and at what ends a section")}
	},
}
