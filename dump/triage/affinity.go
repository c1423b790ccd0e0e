// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var affinityViolation = Rule{
	Name:  "affinity-violation",
	Title: "a task was put where it may not run",
	Page: Page{
		Happened: "The scheduler put a task on a queue that is served only by CPUs which the task may not use, or asked for the local DSQ of such a CPU. The kernel refuses the second, and nobody ever takes the task in the first case.",
		Shows:    "The kernel's message names a target CPU that is \"not allowed\" for the task; or the task waits on a DSQ of a CPU or cell, and none of the CPUs that serve it is in its cpus=.",
		Confirm:  "Compare cpus= of the task with the CPUs of its queue. Where migration/N raised the error, the mask changed after the task was queued: look for taskset, cpusets and hotplug at that time.",
		Fix:      "Test the target against p->cpus_ptr right before the insert, and choose again in ops.enqueue when ops.set_cpumask has run. Put tasks with a mask of their own on a queue of one allowed CPU.",
	},
	check: checkAffinity,
}

func checkAffinity(v *view) []*finding {
	if v.kind() == dump.ExitError && v.says("target CPU ") && v.says(" not allowed for ") {
		f := finds(dump.SeverityError, dump.ConfidenceHigh, "%s was put on a CPU that it may not use", v.who()).
			because("The kernel refused it: %s.", v.message()).
			hurts(v.subjects()...).explains(true).exit(v).task(v, v.subject)
		if l, ok := v.frame("migrat", "set_cpus_allowed", "task_can_run_on_remote_rq"); ok {
			f.because("The backtrace goes through %s.", l.Text).backtrace(v, l)
		}
		return []*finding{f.then("compare the CPU in the message with the task's mask, and find what changed that: taskset, a cpuset, hotplug")}
	}
	var victims []*dump.Task
	for _, t := range v.stalled {
		m, ok := v.allowed(t)
		served, known := v.served(t)
		if ok && known && !served.IsEmpty() && !m.Intersects(served) {
			victims = append(victims, t)
		}
	}
	if len(victims) == 0 {
		return nil
	}
	t := victims[0]
	served, _ := v.served(t)
	f := v.stallFinding(dump.ConfidenceHigh, victims, "%s waits on %s, whose CPUs it may not use", t, t.DSQ.V).
		because("%s waits on DSQ %s, which %s. It may run on %s only, so it is not taken.", t, t.DSQ.V, cpusDo(served, "serves", "serve"), cpuWords(t.CPUs.V)).
		task(v, t)
	return []*finding{f.then("find who inserted the task there after its mask had changed, or without looking at it")}
}
