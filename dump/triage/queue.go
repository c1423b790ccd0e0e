// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var queueStarved = Rule{
	Name:    "queue-starved",
	Title:   "a queue is not served",
	needs:   whole,
	symptom: true,
	Page: Page{
		Happened: "A queue has old tasks and none is taken from it, while the CPUs run tasks of other queues: it has no budget, too low a priority, or nobody looks at it.",
		Shows:    "Several tasks wait on one DSQ, all of them for long, and CPUs that they may use run others. In scx_layered, HI_FALLBACK or LO_FALLBACK has an old head.",
		Confirm:  "Compare the youngest wait on that queue with those on other queues. Spread waits on all queues are overload.",
		Fix:      "Give every queue a share that is never zero, and serve one whose head is older than a limit first.",
	},
	check: checkQueue,
}

func checkQueue(v *view) []*finding {
	var found []*finding
	seen := make(map[dump.DSQID]bool)
	for _, t := range v.stalled {
		if !t.DSQ.Known || t.DSQ.V.IsNone() || seen[t.DSQ.V.ID] || t.DSQ.V.Kind == dump.DSQKindLocal || t.DSQ.V.Kind == dump.DSQKindCPU {
			continue
		}
		seen[t.DSQ.V.ID] = true
		queue := v.byDSQ[t.DSQ.V.ID]
		youngest := queue[len(queue)-1]
		if len(queue) < 2 || waited(youngest) < v.limit() || !v.runsExt(t) {
			continue
		}
		f := v.stallFinding(dump.ConfidenceMedium, queue, "nothing is taken from DSQ %s, where %s wait", t.DSQ.V, counted(len(queue), "task", "tasks")).
			because("All %d tasks on DSQ %s have waited for %s or more, up to %s, while CPUs that they may use run other tasks of sched_ext.", len(queue), t.DSQ.V, seconds(waited(youngest)), seconds(waited(queue[0]))).
			task(v, queue[0]).task(v, youngest)
		for i := range v.s.DSQs {
			if q := &v.s.DSQs[i]; q.ID.Known && q.ID.V == t.DSQ.V.ID {
				f.proof(v, "dsq:"+t.DSQ.V.ID.String(), q.At, q.Name)
			}
		}
		found = append(found, f.then("find who is to take tasks from that queue, and what keeps it from it"))
	}
	return found
}

// runsExt reports whether a CPU that a task may use runs another of sched_ext.
func (v *view) runsExt(t *dump.Task) bool {
	m, ok := v.allowed(t)
	for i := range v.s.CPUs {
		if c := &v.s.CPUs[i]; c.Class.V == dump.ClassExt && (!ok || m.Has(int(c.ID))) {
			return true
		}
	}
	return false
}
