// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var enqFallback = Rule{
	Name:    "enq-fallback",
	Title:   "tasks went to the global queue for want of the scheduler's storage",
	follows: []string{"noctx-live"},
	needs:   state,
	Page: Page{
		Happened: "The scheduler had no storage for a task, or could not tell where it belongs, and gave it to the kernel's global queue. It runs, and outside of its cell.",
		Shows:    "The scheduler counts such tasks; the count is not zero.",
		Confirm:  "The history has each of them, with its PID.",
		Fix:      "Make the storage in ops.init_task, and fail there if it cannot be made.",
	},
	check: func(v *view) []*finding {
		if v.s.Status.EnqFallback == 0 {
			return nil
		}
		n := int(v.s.Status.EnqFallback)
		return []*finding{finds(dump.SeverityWarning, dump.ConfidenceHigh, "%s went to the global queue for want of storage", counted(n, "enqueue", "enqueues")).
			because("There was no storage for a task, or no place for it, %s.", counted(n, "time", "times")).
			status(v, "enq_fallback %d", n).
			then("look for the fallbacks in the history, and which tasks they are of")}
	},
}
