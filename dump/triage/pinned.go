// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var pinnedStarved = Rule{
	Name:    "pinned-starved",
	Title:   "a task that can run on one CPU only is passed over there",
	symptom: true,
	Page: Page{
		Happened: "A task may use one CPU only, often a worker of the kernel, and waits on a queue that several CPUs share, or on one that loses against others. Its CPU goes on with other tasks.",
		Shows:    "cpus= of the task has one CPU, it waits on a DSQ that is not that CPU's local one, and the CPU runs another task of sched_ext.",
		Confirm:  "If the CPU idles it is missed-kick, if a real-time task has it rt-hog.",
		Fix:      "Queue tasks with one CPU on a queue of that CPU, and serve that one in turn with the shared one.",
	},
	check: checkPinned,
}

func checkPinned(v *view) []*finding {
	var victims []*dump.Task
	for _, t := range v.stalled {
		cpu := v.pinned(t)
		if cpu < 0 || !t.DSQ.Known || t.DSQ.V.IsNone() || isLocalOf(t, cpu) || v.all.Count() < 2 {
			continue
		}
		if c := v.cpus[cpu]; c != nil && c.Class.V == dump.ClassExt {
			victims = append(victims, t)
		}
	}
	if len(victims) == 0 {
		return nil
	}
	t := v.foremost(victims)
	c := v.cpus[v.pinned(t)]
	return []*finding{v.stallFinding(dump.ConfidenceMedium, victims, "%s can run only on CPU %d, which runs others", t, c.ID).
		because("%s may use CPU %d only, and has waited for %s on DSQ %s. That CPU runs %s of sched_ext meanwhile.", t, c.ID, seconds(waited(t)), t.DSQ.V, runner(c)).
		task(v, t).cpu(v, c).
		then("look how the scheduler orders tasks with one CPU against those of a shared queue")}
}
