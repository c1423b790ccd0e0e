// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"slices"

	"scxdiag/dump"
)

var heldByBPF = Rule{
	Name:    "held-by-bpf",
	Title:   "the scheduler owns a task and did not dispatch it",
	symptom: true,
	follows: []string{"lost-task"},
	Page: Page{
		Happened: "The kernel gave the task to the scheduler, which has it in structures of its own and did not hand it back. Why cannot be seen in the kernel's text: it may have been forgotten, or wait for something.",
		Shows:    "ops_state is QUEUED and dsq_id is (n/a).",
		Confirm:  "If the scheduler prints its queues, look whether the task is in one of them. If so, the queue is not served; if not, it is lost-task.",
		Fix:      "Every path of ops.enqueue must either insert the task or leave it where ops.dispatch finds it, also when a queue is full; ops.dequeue must take it out.",
	},
	check: checkHeld,
}

func checkHeld(v *view) []*finding {
	var victims []*dump.Task
	for _, t := range v.stalled {
		if t.HeldByBPF() {
			victims = append(victims, t)
		}
	}
	if len(victims) == 0 {
		return nil
	}
	t := v.foremost(victims)
	f := v.stallFinding(dump.ConfidenceMedium, victims, "the scheduler has %s and did not dispatch it", t).
		because("The kernel gave %s to the scheduler %s ago, and the scheduler neither put it on a DSQ nor gave it back. That is consistent with the scheduler having forgotten it, or not getting to it.", t, seconds(waited(t))).
		task(v, t)
	if !t.OpsState.At.IsZero() {
		f.proof(v, taskName(t), before(t.OpsState.At, "ops_state/qseq="), "")
	}
	in := v.queueOf(t)
	if in != nil {
		f.because("It stands in %s of the scheduler, which is not served in time.", in.Name).proof(v, "scheduler", in.At, in.Name)
	}
	if !v.idle.IsEmpty() && in == nil {
		if m, ok := v.allowed(t); ok && m.Intersects(v.idle) {
			f.because("%s meanwhile, and may run it.", cpusDo(m.And(v.idle), "idles", "idle"))
		}
	}
	return []*finding{f.then("take a second dump and compare; look at each path of ops.enqueue that does not insert the task")}
}

// queueOf finds the queue in the scheduler's text that has a task in it, nil if there
// is none.
func (v *view) queueOf(t *dump.Task) *dump.DSQ {
	for i := range v.s.DSQs {
		if q := &v.s.DSQs[i]; !q.ID.Known && slices.Contains(q.PIDs, t.PID) {
			return q
		}
	}
	return nil
}
