// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var exitingDead = Rule{
	Name:  "exiting-dead-cg",
	Title: "tasks that exit had lost their cgroup",
	needs: state,
	Page: Page{
		Happened: "A task that exits may still run when its cgroup was removed already, on kernels up to 6.18. The scheduler has no context for that cgroup any more, and lets the task end in the root cell.",
		Shows:    "The scheduler counts such tasks, and remembers the last one.",
		Confirm:  "The task has PF_EXITING set. One that has not is another matter: see noctx-live.",
		Fix:      "Nothing: it is what a scheduler should do.",
	},
	check: func(v *view) []*finding {
		x := &v.s.Status.Exiting
		if x.Count == 0 {
			return nil
		}
		return []*finding{finds(dump.SeverityInfo, dump.ConfidenceHigh, "%s had lost their cgroup, and ended in the root cell", counted(int(x.Count), "task that exits", "tasks that exit")).
			because("The last one was PID %d of cgroup %d. That is expected on kernels up to 6.18.", x.PID, x.CgroupID).
			status(v, "exiting: %d, the last PID %d, cgroup %d, flags %#x", x.Count, x.PID, x.CgroupID, x.PFFlags).
			then("nothing, unless the kernel is newer than 6.18")}
	},
}
