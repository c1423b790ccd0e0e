// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var dsqMismatch = Rule{
	Name:    "dsq-mismatch",
	Title:   "a task is on another queue than the scheduler believes",
	follows: []string{"dsq-orphan"},
	needs:   state,
	Page: Page{
		Happened: "The scheduler notes on which of its queues it put a task. The kernel has the task on another of them.",
		Shows:    "dsq_id of a task is a queue of the scheduler's, and differs from what the scheduler's state of it says.",
		Confirm:  "Look at the task again: with the next enqueue it is right if the note was merely late.",
		Fix:      "Note the queue before the insert, in the same place.",
	},
	check: func(v *view) []*finding {
		var victims []*dump.Task
		for _, t := range v.waiting {
			ours := t.DSQ.V.Kind == dump.DSQKindCell || t.DSQ.V.Kind == dump.DSQKindCPU
			if t.Context != nil && ours && t.AssignedDSQ.Known && t.AssignedDSQ.V.ID != t.DSQ.V.ID {
				victims = append(victims, t)
			}
		}
		if len(victims) == 0 {
			return nil
		}
		t := victims[0]
		f := v.stallFinding(dump.ConfidenceHigh, victims, "%s is on %s, and was meant for %s", t, t.DSQ.V, t.AssignedDSQ.V).
			because("The kernel has %s on the queue %s; the scheduler noted %s.", t, t.DSQ.V, t.AssignedDSQ.V)
		f.Severity = dump.SeverityError
		return []*finding{f.task(v, t).then("look at what changes the note without an insert")}
	},
}
