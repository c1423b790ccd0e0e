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

var rescueOverload = Rule{
	Name:  "rescue-overload",
	Title: "the kernel had to rescue too many tasks",
	Page: Page{
		Happened: "The kernel runs tasks itself that a scheduler put where they cannot run, within a budget. There were more of them than that allows.",
		Shows:    "Exit kind 1028 (SCX_EXIT_ERROR_RESCUE); rescue= and budget= of the CPUs, and tasks on the rescue DSQ.",
		Confirm:  "Look which tasks are on the rescue DSQ, and what they have in common: as a rule their mask.",
		Fix:      "Queue tasks only where a CPU that they may use takes them.",
	},
	check: func(v *view) []*finding {
		return v.byKind(dump.ExitErrorRescue, "%s waited for a rescue too long", "look what the tasks on the rescue DSQ have in common")
	},
}

// byKind finds what the kind of the exit alone tells.
func (v *view) byKind(kind dump.ExitKind, title, next string) []*finding {
	if v.kind() != kind {
		return nil
	}
	f := finds(dump.SeverityError, dump.ConfidenceHigh, title, v.who()).
		because("The kernel said so: %s.", v.message()).
		hurts(v.subjects()...).explains(true).exit(v).task(v, v.subject)
	for i := range v.s.CPUs {
		if c := &v.s.CPUs[i]; kind == dump.ExitErrorRescue && c.NrRescue.V > 0 {
			f.cpu(v, c)
		}
	}
	return []*finding{f.then(next)}
}
