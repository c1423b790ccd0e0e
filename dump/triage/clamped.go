// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var timeClamped = Rule{
	Name:  "vt-underflow",
	Title: "a task ended its run before it had begun",
	needs: state,
	Page: Page{
		Happened: "The time that a task ran is the difference of two readings of a clock. The later one was smaller, as clocks of different CPUs can be; the scheduler took the difference for zero. Without that, the task's vtime would have jumped by ages.",
		Shows:    "The scheduler counts such runs; the count is not zero.",
		Confirm:  "Look whether the count grows.",
		Fix:      "Read both times from one clock (scx_bpf_now(), or bpf_ktime_get_ns()), on the CPU that the task runs on.",
	},
	check: func(v *view) []*finding {
		n := int(v.s.Status.TimeClamped)
		if n == 0 {
			return nil
		}
		return []*finding{finds(dump.SeverityInfo, dump.ConfidenceHigh, "%s of a task ended before it had begun, and counts as nothing", counted(n, "run", "runs")).
			because("The clock of one CPU was behind that of another. No harm came of it.").
			status(v, "time_clamped %d", n).
			then("look whether the count grows")}
	},
}
