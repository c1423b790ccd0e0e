// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var lostTask = Rule{
	Name:  "lost-task",
	Title: "the scheduler took a task and has it nowhere",
	Page: Page{
		Happened: "The kernel gave a task to the scheduler, and the scheduler has it in none of its queues. Nothing will ever run it.",
		Shows:    "The kernel has given the task to the scheduler (ops_state QUEUED), it is on no DSQ, and has been so for seconds. The scheduler prints its queues in full, as scx_qmap does, and the task is in none of them; or it keeps no tasks of its own, as its records show.",
		Confirm:  "A second snapshot has it in the same state.",
		Fix:      "Find the path of ops.enqueue that returns without an insert, also where a queue is full, and the one that takes a task from a queue and does not dispatch it.",
	},
	check: checkLost,
}

func checkLost(v *view) []*finding {
	queued, printed := v.queued()
	var victims []*dump.Task
	for _, t := range v.waiting {
		if !t.HeldByBPF() || waited(t) <= stuckAfter {
			continue
		}
		if t.Context != nil || printed && v.isOwn(t) && !queued[t.PID] {
			victims = append(victims, t)
		}
	}
	if len(victims) == 0 {
		return nil
	}
	t := v.foremost(victims)
	f := v.stallFinding(dump.ConfidenceHigh, victims, "the scheduler lost %s: it took it, and has it on no queue", t).
		because("The kernel gave %s to the scheduler %s ago, and it is on no DSQ.", t, seconds(waited(t)))
	f.Severity = dump.SeverityError
	f.then("find the path of ops.enqueue that returns without an insert, or what takes a task from a queue and does not dispatch it")
	if t.Context != nil {
		return []*finding{f.because("This scheduler keeps no tasks of its own, so one that is on no queue is lost.").task(v, t)}
	}
	f.because("The scheduler prints its queues, and the task is in none of them.")
	f.proof(v, taskName(t), t.At, t.String()+" "+waitWords(t)).
		proof(v, taskName(t), before(t.OpsState.At, "ops_state/qseq="), "ops_state QUEUED").
		proof(v, taskName(t), before(t.DSQ.At, "dsq_id="), "on no DSQ")
	for i := range v.s.DSQs {
		if q := &v.s.DSQs[i]; !q.ID.Known {
			f.proof(v, "scheduler", q.At, q.Name)
		}
	}
	return []*finding{f}
}

// queued are the tasks in the queues that the scheduler keeps itself. It returns
// false if it does not print them, or not all of what is in them is known.
func (v *view) queued() (map[int32]bool, bool) {
	if v.partial {
		return nil, false
	}
	in := make(map[int32]bool)
	lists := 0
	for i := range v.s.DSQs {
		q := &v.s.DSQs[i]
		if q.ID.Known {
			continue
		}
		if !q.Queued.Known || q.Queued.V != int64(len(q.PIDs)) || q.NrCPUs.Known { // that last has only a DSQ
			return nil, false
		}
		lists++
		for _, pid := range q.PIDs {
			in[pid] = true
		}
	}
	return in, lists > 0
}

// isOwn reports whether a task is one of the scheduler that was dumped, and not of
// another that runs beside it.
func (v *view) isOwn(t *dump.Task) bool { return !t.Owner.Known || t.OwnerDumped }
