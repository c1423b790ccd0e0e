// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var taskStale = Rule{
	Name:    "task-stale",
	Title:   "a task waits under an old configuration",
	symptom: true,
	follows: []string{"timer-stopped", "token-held", "slot-empty", "gp-parity", "cfg-pending", "dsq-orphan", "not-reclaimed"},
	needs:   state | steady,
	Page: Page{
		Happened: "A task was queued under a configuration that is no longer in force, and has waited since: nobody has moved it to where the present one wants it.",
		Shows:    "A task has waited for seconds, and its sequence is not that of the configuration in force. Tasks that sleep have old ones without harm.",
		Confirm:  "Look whether its queue is one that a CPU still serves.",
		Fix:      "Drain the queue of a cell that ends or shrinks, and place anew what was on it.",
	},
	check: func(v *view) []*finding {
		var victims []*dump.Task
		for _, t := range v.stalled {
			if t.Context != nil && !t.IsOffQueue() && v.s.IsStale(t) {
				victims = append(victims, t)
			}
		}
		if len(victims) == 0 {
			return nil
		}
		t := victims[0]
		return []*finding{v.stallFinding(dump.ConfidenceMedium, victims, "%s waits since before the configuration in force", t).
			because("%s has waited for %s under configuration %d; %d is in force.", t, seconds(waited(t)), t.ConfigSeq.V, v.s.Status.AppliedSeq).
			task(v, t).then("look at whether its queue was drained when the configuration changed")}
	},
}
