// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"time"

	"scxdiag/dump"
)

var starvedQueue = Rule{
	Name:    "starved-cpuq",
	Title:   "the queue of a CPU has had the same head for long",
	symptom: true,
	follows: []string{"vt-frozen", "vtime-outlier", "rt-hog", "missed-kick"},
	needs:   state | earlier,
	Page: Page{
		Happened: "A CPU serves two queues, its own and that of its cell, the lower vtime first. The first task of its own has not come up while the CPU ran others.",
		Shows:    "Two snapshots more than a second apart have the same first task on the queue of a CPU, which ran tasks of sched_ext in between.",
		Confirm:  "Compare the vtime of that task with the clock of the cell.",
		Fix:      "Keep both queues on one clock, or let each be served in turn once one has waited for long.",
	},
	check: func(v *view) []*finding {
		if v.apart < time.Second {
			return nil
		}
		heads := make(map[dump.DSQID]int32)
		for i := range v.before.DSQs {
			if q := &v.before.DSQs[i]; len(q.PIDs) > 0 {
				heads[q.ID.V] = q.PIDs[0]
			}
		}
		var found []*finding
		for i := range v.s.DSQs {
			q := &v.s.DSQs[i]
			ref, ok := dump.TypedDSQ(q.ID.V)
			if !ok || ref.Kind != dump.DSQKindCPU || len(q.PIDs) == 0 || heads[q.ID.V] != q.PIDs[0] {
				continue
			}
			t, c := v.tasks[q.PIDs[0]], v.cpus[ref.CPU]
			if t == nil || c == nil || c.Class.V != dump.ClassExt || waited(t) < v.apart {
				continue
			}
			found = append(found, v.stallFinding(dump.ConfidenceMedium, []*dump.Task{t}, "%s has been first on the queue of CPU %d for %s", t, c.ID, seconds(v.apart)).
				because("%s before it was first, too, and the CPU runs tasks of sched_ext meanwhile.", seconds(v.apart)).
				task(v, t).cpu(v, c).then("compare its vtime with the clock of the cell that the CPU is in"))
		}
		return found
	},
}
