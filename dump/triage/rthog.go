// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"strconv"

	"scxdiag/dump"
)

var rtHog = Rule{
	Name:  "rt-hog",
	Title: "a class above sched_ext holds a CPU",
	Page: Page{
		Happened: "A real-time, deadline or stop task runs on a CPU and does not let go of it. The kernel serves those classes first, so tasks of sched_ext that need this CPU wait, whatever their scheduler does. It is not the scheduler's fault.",
		Shows:    "The CPU's line has class=rt_sched_class, dl_sched_class or stop_sched_class, and tasks that can run nowhere else have waited on it for long: their mask has only that CPU, they are on its local DSQ, or their cell has no other CPU.",
		Confirm:  "Look at the policy of the task that the CPU runs: chrt -p PID. Look whether anything limits it: sysctl kernel.sched_rt_runtime_us (-1 is no limit) and, from 6.12 on, the fair servers in /sys/kernel/debug/sched/fair_server. Run the same load with that task in an ordinary class.",
		Fix:      "Keep the real-time task within its limit, or give it a CPU of its own and keep that one out of the cpusets of others. A scheduler can mark such a CPU as unusable in ops.cpu_release, and move what waits there.",
	},
	check: checkRTHog,
}

func checkRTHog(v *view) []*finding {
	var found []*finding
	for cpu := range v.higher.All() {
		c := v.cpus[int32(cpu)] //nolint:gosec // it comes from there
		victims, certain := v.hogged(c)
		byItself := v.s.IsFailure() && !v.isStall() && c.Current.Known && v.s.Exit.Task.Known &&
			c.Current.V == v.s.Exit.Task.V && v.isLockup()
		if len(victims) == 0 && !byItself {
			continue
		}
		severity, confidence := dump.SeverityError, dump.ConfidenceMedium
		if certain || byItself {
			confidence = dump.ConfidenceHigh
		}
		if !v.s.IsFailure() {
			severity = dump.SeverityWarning
		}
		f := finds(severity, confidence, "%s, class %s, holds CPU %d: not the scheduler's fault", runner(c), c.Class.V, c.ID).
			because("CPU %d runs %s of class %s. The kernel serves that class before sched_ext, and no sched_ext scheduler can move it away.", c.ID, runner(c), c.Class.V).
			hurts(victims...).explains(len(victims) > 0 && v.isWhy(victims) || byItself)
		switch {
		case len(victims) > 0 && certain:
			f.because("%s that can run only there: %s, the oldest of them for %s.", counted(len(victims), "task waits", "tasks wait"), names(victims), seconds(waited(victims[0])))
		case len(victims) > 0:
			f.because("%s on its run queue, although the scheduler might have put them elsewhere: %s, the oldest of them for %s.", counted(len(victims), "task waits", "tasks wait"), names(victims), seconds(waited(victims[0])))
		}
		if byItself {
			f.because("The kernel raised the error while this task was running.")
		}
		f.cpu(v, c)
		if len(victims) > 0 {
			f.task(v, victims[0])
		}
		if byItself {
			f.exit(v)
		}
		found = append(found, f.then("find out why "+runner(c)+" does not sleep: chrt -p "+pidOf(c)+", and a stack of it; scxdiag explain rt-hog"))
	}
	return found
}

// hogged are the tasks that wait for a CPU which another class has: those that can
// run only on such CPUs if there are any, and certain is true; else those that wait
// on its run queue.
func (v *view) hogged(c *dump.CPU) (victims []*dump.Task, certain bool) {
	var only, there []*dump.Task
	for _, t := range v.stalled {
		m, known := v.allowed(t)
		if served, ok := v.served(t); ok {
			if known {
				m = m.And(served)
			} else {
				m, known = served, true
			}
		}
		switch {
		case known && m.Has(int(c.ID)) && m.SubsetOf(v.higher):
			only = append(only, t)
		case t.CPU.Known && t.CPU.V == c.ID:
			there = append(there, t)
		}
	}
	if len(only) > 0 {
		return only, true
	}
	return there, false
}

// runner names what a CPU runs.
func runner(c *dump.CPU) string {
	if !c.Current.Known {
		return "a task"
	}
	return c.Current.V.String()
}

func pidOf(c *dump.CPU) string {
	if !c.Current.Known {
		return "PID"
	}
	return strconv.Itoa(int(c.Current.V.PID))
}
