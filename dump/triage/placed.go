// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"scxdiag/dump"
)

var lostTask = Rule{
	Name:  "lost-task",
	Title: "the scheduler took a task and put it nowhere",
	Page: Page{
		Happened: "The scheduler puts every task on a queue in ops.enqueue, as its records show, and did not do so with this one. Nothing will ever run it.",
		Shows:    "The kernel has given the task to the scheduler (ops_state QUEUED), it is on no DSQ, and has been so for seconds.",
		Confirm:  "A second snapshot has it in the same state.",
		Fix:      "Find the path of ops.enqueue that returns without an insert.",
	},
	check: func(v *view) []*finding {
		var victims []*dump.Task
		for _, t := range v.waiting {
			if t.Context != nil && t.HeldByBPF() && waited(t) > stuckAfter {
				victims = append(victims, t)
			}
		}
		if len(victims) == 0 {
			return nil
		}
		t := victims[0]
		f := v.stallFinding(dump.ConfidenceHigh, victims, "the scheduler took %s and put it on no queue", t).
			because("The kernel gave %s to the scheduler %s ago. This scheduler keeps no tasks of its own, so one that is on no queue is lost.", t, seconds(waited(t)))
		f.Severity = dump.SeverityError
		return []*finding{f.task(v, t).then("find the path of ops.enqueue that returns without an insert")}
	},
}

var pinOnCell = Rule{
	Name:  "pin-on-cell",
	Title: "a pinned task waits on the queue of its cell",
	Page: Page{
		Happened: "A task that may use only some of the CPUs of its cell was put on the queue that all of them share. If it comes first, the others pass it over or stop at it; if it may use none of them, nobody ever takes it.",
		Shows:    "cpus= of the task has not all CPUs of the cell, and it waits on the DSQ of the cell.",
		Confirm:  "Compare its mask with that of the cell, and look at all_cell_cpus_allowed, which the scheduler keeps of it.",
		Fix:      "Put such a task on the queue of one CPU that it may use, and look at its mask again with each new configuration.",
	},
	check: func(v *view) []*finding {
		if !v.hasState() || pendingConfig(v.s) {
			return nil
		}
		var victims []*dump.Task
		for _, t := range v.waiting {
			if !t.DSQ.Known || t.DSQ.V.Kind != dump.DSQKindCell || !t.CPUs.Known || t.Context == nil ||
				t.ConfigSeq.V != v.s.Status.AppliedSeq {
				continue
			}
			cell := v.live(t.DSQ.V.Cell)
			if cell == nil || cell.CPUs.V.SubsetOf(t.CPUs.V) {
				continue
			}
			victims = append(victims, t)
		}
		if len(victims) == 0 {
			return nil
		}
		t := victims[0]
		if contains(victims, v.subject) {
			t = v.subject
		}
		cell := v.live(t.DSQ.V.Cell)
		f := v.stallFinding(dump.ConfidenceHigh, victims, "%s may not use all CPUs of cell %d, and waits on its queue", t, cell.ID).
			because("%s may use CPUs %s and waits on the queue of cell %d, which CPUs %s serve.", t, t.CPUs.V, cell.ID, cell.CPUs.V)
		if t.AllCellCPUsAllowed.V {
			f.because("The scheduler takes it for a task that may use all of them.")
		}
		f.Severity = dump.SeverityError
		return []*finding{f.task(v, t).cell(v, cell).then("look at when the scheduler compares the masks of task and cell")}
	},
}

var noContext = Rule{
	Name:  "noctx-live",
	Title: "the scheduler has no context of a cgroup that is in use",
	Page: Page{
		Happened: "The kernel told the scheduler of a cgroup, and it made no context for it; or it was never told. Tasks in it cannot be placed.",
		Shows:    "A cgroup that was not removed has no context.",
		Confirm:  "Look for cgroup_init of its id in the history.",
		Fix:      "Make the context in ops.cgroup_init, and return the error if that fails.",
	},
	check: func(v *view) []*finding {
		if !v.hasState() {
			return nil
		}
		var f *finding
		for i := range v.s.Cgroups {
			g := &v.s.Cgroups[i]
			if g.HasContext || g.Dying || !g.CPUController && g.Level > 0 {
				continue
			}
			if f == nil {
				f = v.cause("the scheduler has no context of cgroup %s", cgroupName(g)).
					because("Cgroup %s is in use, and the scheduler knows nothing of it.", cgroupName(g)).
					explains(v.kind() == dump.ExitErrorBPF && isLookup(v.message()))
			}
			f.cgroup(v, g)
		}
		if f == nil {
			return nil
		}
		return []*finding{f.then("look for its cgroup_init in the history")}
	},
}

var vtimeFrozen = Rule{
	Name:  "vt-frozen",
	Title: "the clock of a cell stands still while its tasks run",
	Page: Page{
		Happened: "The vtime of a cell goes on with the tasks that run in it. It does not any more, so tasks that come get a vtime far behind, and those that ran are far ahead.",
		Shows:    "Two snapshots have the same vtime of a cell, in the same generation, while tasks on its clock ran for long in between.",
		Confirm:  "Compare vtime of the cell with the dsq_vtime of the tasks that it runs.",
		Fix:      "Advance the clock where a task begins to run, to its vtime, and never back.",
	},
	check: func(v *view) []*finding {
		if !v.hasState() || v.before == nil {
			return nil
		}
		earlier := make(map[int32]*dump.Task, len(v.before.Tasks))
		for i := range v.before.Tasks {
			earlier[v.before.Tasks[i].PID] = &v.before.Tasks[i]
		}
		ran := make(map[int32]int64)
		for i := range v.s.Tasks {
			t := &v.s.Tasks[i]
			if b := earlier[t.PID]; b != nil && t.Context != nil && b.Context != nil && t.Context.Clock == b.Context.Clock {
				ran[t.Context.Clock] += int64(t.RunTime.V - b.RunTime.V)
			}
		}
		var found []*finding
		for i := range v.s.Cells {
			c := &v.s.Cells[i]
			b := v.before.Cell(c.ID)
			if b == nil || b.Generation.V != c.Generation.V || c.VTime.V != b.VTime.V || ran[c.ID] < int64(stuckAfter)/4 {
				continue
			}
			found = append(found, v.cause("the clock of cell %d stands still while its tasks run", c.ID).
				because("The vtime of cell %d is %d, as it was %s before, while its tasks ran for %d ms.", c.ID, c.VTime.V, seconds(v.apart), ran[c.ID]/1e6).
				explains(v.kind() == dump.ExitErrorBPF && v.says("vtime")).
				cell(v, c).then("look at where the clock is advanced"))
		}
		return found
	},
}
