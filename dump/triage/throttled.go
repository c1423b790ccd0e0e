// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"strings"

	"scxdiag/dump"
)

var throttled = Rule{
	Name:  "throttled",
	Title: "the limit of a cgroup holds a task",
	Page: Page{
		Happened: "The scheduler enforces cpu.max itself, and has set a task aside because its cgroup has used up its time. The kernel's watchdog knows nothing of that.",
		Shows:    "ops_state is QUEUED, the task is on no DSQ, and the scheduler's text says that it, or its cgroup, is throttled.",
		Confirm:  "Look at cpu.max and at nr_throttled in cpu.stat of the task's cgroup.",
		Fix:      "Let a throttled task run before the watchdog's limit, or leave cpu.max to the kernel.",
	},
	check: checkThrottled,
}

func checkThrottled(v *view) []*finding {
	var victims []*dump.Task
	var proof dump.KV
	for _, t := range v.stalled {
		if !t.HeldByBPF() {
			continue
		}
		if kv, ok := throttledBy(t); ok {
			if len(victims) == 0 {
				proof = kv
			}
			victims = append(victims, t)
		}
	}
	if len(victims) == 0 {
		return nil
	}
	t := victims[0]
	return []*finding{v.stallFinding(dump.ConfidenceHigh, victims, "the scheduler has throttled %s", t).
		because("The scheduler holds %s back because its cgroup is throttled, as it says itself: %s: %s.", t, proof.Key, proof.Value).
		task(v, t).proof(v, taskName(t), before(proof.At, proof.Key+": "), "").
		then("compare cpu.max of the cgroup with the watchdog's limit")}
}

// throttledBy finds what the scheduler's text has on a task, or on its cgroup, being
// throttled: scx_lavd prints "task_status: throttled" and "cgroup: a[7] (throttled)".
func throttledBy(t *dump.Task) (dump.KV, bool) {
	for _, kv := range t.Scheduler {
		if kv.Value == "throttled" || strings.HasSuffix(kv.Value, "(throttled)") {
			return kv, true
		}
	}
	return dump.KV{}, false
}

// field finds a field of the scheduler's text on a task.
func field(t *dump.Task, key string) (dump.KV, bool) {
	for _, kv := range t.Scheduler {
		if kv.Key == key {
			return kv, true
		}
	}
	return dump.KV{}, false
}
