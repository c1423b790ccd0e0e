// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"slices"

	"scxdiag/dump"
)

var overload = Rule{
	Name:    "overload",
	Title:   "there is more work than the CPUs get through",
	symptom: true,
	Page: Page{
		Happened: "More tasks are runnable than the CPUs get through within the watchdog's limit. Each waits its turn; the one that was named merely was the first whose turn came too late.",
		Shows:    "All CPUs run tasks of sched_ext, many tasks wait on the same queue, and their waits are spread evenly up to that of the task which was named.",
		Confirm:  "Divide the number of waiting tasks by that of the CPUs, and multiply with the slice: if that is near the limit, nobody is at fault. If one queue is old and the others are young, it is queue-starved.",
		Fix:      "A shorter slice when many wait, or a longer timeout_ms. The limit cannot be above 30 s.",
	},
	check: checkOverload,
}

// manyPerCPU is how many tasks must wait for each CPU before that is much.
const manyPerCPU = 8

func checkOverload(v *view) []*finding {
	t := v.subject
	if t == nil || !v.isStall() {
		return nil
	}
	queue := make([]*dump.Task, 0, len(v.waiting)) // in whatever structure: all of them compete
	for _, o := range v.waiting {
		if v.pinned(o) < 0 {
			queue = append(queue, o)
		}
	}
	if len(queue) < manyPerCPU*max(v.listed.Count(), 1) || !slices.Contains(queue, t) || !isSpread(queue, t) {
		return nil
	}
	for i := range v.s.CPUs {
		if c := &v.s.CPUs[i]; c.Listed && c.Class.Known && c.Class.V != dump.ClassExt {
			return nil
		}
	}
	confidence := dump.ConfidenceHigh
	if v.partial || !v.unlisted.IsEmpty() {
		confidence = dump.ConfidenceMedium
	}
	many := counted(len(queue), "task waits", "tasks wait")
	atLeast := ""
	if v.partial {
		atLeast = "at least "
	}
	f := v.stallFinding(confidence, queue, "overload: %s%s, and %s was the first whose turn came too late", atLeast, many, t).
		because("In the dump %s, for anything from %s to the %s of %s, and the CPUs run tasks of sched_ext all the time. Nobody in particular is at fault: there is more work than the CPUs get through within the limit.",
			many, seconds(waited(queue[len(queue)-1])), seconds(waited(t)), t)
	if v.s.Ledger.Truncated {
		f.because("It is cut off after them, so more may wait.")
	}
	f.task(v, t).task(v, queue[len(queue)/2])
	if v.partial {
		f.because("What the CPUs do whose lines are missing is unknown.")
	}
	return []*finding{f.then("compare the number of tasks and the slice with the limit")}
}

// isSpread reports whether the waits of a queue, longest first, are spread evenly up
// to that of t, which is among the longest.
func isSpread(queue []*dump.Task, t *dump.Task) bool {
	longest := waited(queue[0])
	if waited(t)*10 < longest*9 {
		return false
	}
	for _, q := range [...]struct{ part, least, most int }{{1, 40, 95}, {2, 20, 85}, {3, 5, 70}} {
		percent := int(waited(queue[len(queue)*q.part/4]) * 100 / max(longest, 1))
		if percent < q.least || percent > q.most {
			return false
		}
	}
	return true
}
