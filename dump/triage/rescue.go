// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

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
