// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var stallWithoutDump = Rule{
	Name:    "stall-without-dump",
	Title:   "a task did not run in time, and the dump is not here",
	symptom: true,
	Page: Page{
		Happened: "The kernel threw the scheduler out for a task that did not run in time. Why is in the dump that it wrote, and that dump is not here: what is here only tells of the end.",
		Shows:    "There is a line such as \"EXIT: runnable task stall\", or \"disabled (runnable task stall)\" in the kernel's log, and no line of a CPU or a task.",
		Confirm:  "Any cause of a stall fits, also one that is not the scheduler's fault. Get the dump: the scheduler writes it to its standard error as a rule, and the trace event sched_ext_dump has it if that was enabled.",
		Fix:      "Nothing before the cause is known. Keep the standard error of the scheduler, in the journal for example, so that the next dump is not lost.",
	},
	check: checkNoDump,
}

func checkNoDump(v *view) []*finding {
	if !v.isStall() || v.isWatchdog() || !v.s.IsVerdict() {
		return nil
	}
	f := finds(dump.SeverityError, dump.ConfidenceLow, "%s did not run in time, and the dump that shows why is not here", v.who())
	if m := v.message(); m != "" {
		f.because("All that there is of this end is its message: %s.", m)
	} else {
		f.because("All that there is of this end is what the kernel calls it, a runnable task stall, without a message.")
	}
	return []*finding{f.because("It is consistent with any cause of a stall.").explains(true).exit(v).
		then("get the dump: it is on the standard error of the scheduler, and in the trace event sched_ext_dump")}
}
