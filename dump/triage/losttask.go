// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var lostTask = Rule{
	Name:  "lost-task",
	Title: "the scheduler took a task and put it nowhere",
	Page: Page{
		Happened: "The scheduler puts every task on a queue in ops.enqueue, as its records show, and did not do so with this one. Nothing will ever run it.",
		Shows:    "The kernel has given the task to the scheduler (ops_state QUEUED), it is on no DSQ, and has been so for seconds.",
		Confirm:  "A second snapshot has it in the same state.",
		Fix:      "Find the path of ops.enqueue that returns without an insert.",
	},
	check: func(v *view) []*finding {
		var victims []*dump.Task
		for _, t := range v.waiting {
			if t.Context != nil && t.HeldByBPF() && waited(t) > stuckAfter {
				victims = append(victims, t)
			}
		}
		if len(victims) == 0 {
			return nil
		}
		t := victims[0]
		f := v.stallFinding(dump.ConfidenceHigh, victims, "the scheduler took %s and put it on no queue", t).
			because("The kernel gave %s to the scheduler %s ago. This scheduler keeps no tasks of its own, so one that is on no queue is lost.", t, seconds(waited(t)))
		f.Severity = dump.SeverityError
		return []*finding{f.task(v, t).then("find the path of ops.enqueue that returns without an insert")}
	},
}
