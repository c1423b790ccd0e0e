// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var reenqueueLoop = Rule{
	Name:  "reenqueue-loop",
	Title: "a task was enqueued again and again",
	Page: Page{
		Happened: "The scheduler put a task back in the same place each time that the kernel took it from there, so it was enqueued again without end.",
		Shows:    "Exit kind 1027 (SCX_EXIT_ERROR_REENQ); the message names the task and how often it was enqueued.",
		Confirm:  "Look at the SCX_EV_REENQ counters, and at what ops.enqueue does when SCX_ENQ_REENQ is set.",
		Fix:      "Put a task that was taken off a local DSQ on another queue, not back on that one.",
	},
	check: func(v *view) []*finding {
		return v.byKind(dump.ExitErrorReenq, "%s was enqueued again and again", "look at what ops.enqueue does with SCX_ENQ_REENQ")
	},
}
