// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"strconv"

	"scxdiag/dump"
)

var staleDirectDispatch = Rule{
	Name:  "stale-direct-dispatch",
	Title: "a direct dispatch of earlier is still set on a task",
	Page: Page{
		Happened: "A kernel bug: a task was dispatched directly and then dequeued, and the id of the DSQ that it was to go to stayed set on it. The next enqueue goes wrong, and the task is on no queue.",
		Shows:    "ops_state is QUEUED, the task is on no DSQ and not throttled, and ddsp_dsq_id in the scheduler's text is not 0x8000000000000000 (SCX_DSQ_INVALID).",
		Confirm:  "See whether the kernel has the fix: newer ones clear the id when the task is dequeued.",
		Fix:      "Update the kernel.",
	},
	check: checkStale,
}

func checkStale(v *view) []*finding {
	for _, t := range v.stalled {
		kv, ok := field(t, "ddsp_dsq_id")
		if !ok || !t.HeldByBPF() {
			continue
		}
		if _, throttled := throttledBy(t); throttled {
			continue
		}
		id, err := strconv.ParseUint(kv.Value, 0, 64)
		if err != nil || dump.DSQID(id) == dump.DSQInvalid {
			continue
		}
		return []*finding{v.stallFinding(dump.ConfidenceMedium, []*dump.Task{t}, "a direct dispatch of earlier is still set on %s", t).
			because("The kernel has %s as owned by the scheduler and on no DSQ, yet a direct dispatch to %s is still set on it. That is left over from an earlier one: a bug of the kernel.", t, kv.Value).
			task(v, t).proof(v, taskName(t), before(kv.At, kv.Key+": "), "").
			then("update the kernel")}
	}
	return nil
}
