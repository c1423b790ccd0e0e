// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"strconv"
	"strings"

	"scxdiag/dump"
)

var rtHog = Rule{
	Name:  "rt-hog",
	Title: "a class above sched_ext holds a CPU",
	Page: Page{
		Happened: "A real-time, deadline or stop task runs on a CPU and does not let go of it. The kernel serves those classes first, so tasks of sched_ext that need this CPU wait, whatever their scheduler does. It is not the scheduler's fault.",
		Shows:    "The CPU's line has class=rt_sched_class, dl_sched_class or stop_sched_class, and tasks that can run nowhere else have waited on it for long: their mask has only that CPU, they are on its local DSQ, or their cell has no other CPU. Such a class on the CPU alone proves nothing: migration/N and the threads of interrupts run all the time, each for a moment.",
		Confirm:  "Look at the policy of the task that the CPU runs: chrt -p PID. Look whether anything limits it: sysctl kernel.sched_rt_runtime_us (-1 is no limit) and, from 6.12 on, the fair servers in /sys/kernel/debug/sched/fair_server. Run the same load with that task in an ordinary class.",
		Fix:      "Keep the real-time task within its limit, or give it a CPU of its own and keep that one out of the cpusets of others. A scheduler can mark such a CPU as unusable in ops.cpu_release, and move what waits there.",
	},
	check: checkRTHog,
}

func checkRTHog(v *view) []*finding {
	var found []*finding
	for cpu := range v.higher.All() {
		c := v.cpus[int32(cpu)] //nolint:gosec // it comes from there
		victims := v.hogged(c)
		sure := v.sureOfHog(c, victims)
		if sure == "" {
			continue
		}
		severity := dump.SeverityError
		if !v.s.IsFailure() {
			severity = dump.SeverityWarning
		}
		fault := "the scheduler may not be at fault"
		if sure == dump.ConfidenceHigh {
			fault = "not the scheduler's fault"
		}
		byItself := v.isLockup() && c.Current.Known && v.s.Exit.Task.Known && c.Current.V == v.s.Exit.Task.V
		oldest := "the oldest of them for"
		if len(victims) == 1 {
			oldest = "for"
		}
		f := finds(severity, sure, "%s, class %s, holds CPU %d: %s", runner(c), c.Class.V, c.ID, fault).
			because("CPU %d runs %s of class %s. The kernel serves that class before sched_ext, and no sched_ext scheduler can move it away.", c.ID, runner(c), c.Class.V).
			because("%s that can run only there: %s, %s %s.", counted(len(victims), "task waits", "tasks wait"), names(victims), oldest, seconds(waited(victims[0]))).
			hurts(victims...).explains(v.isWhy(victims) || byItself)
		if sure != dump.ConfidenceHigh {
			f.because("That may be a coincidence: the dump is of one instant, and does not show for how long the CPU has been held.")
		}
		if byItself {
			f.because("The kernel raised the error while this task was running.")
		}
		f.cpu(v, c).task(v, victims[0])
		if byItself {
			f.exit(v)
		}
		found = append(found, f.then("find out why "+runner(c)+" does not sleep: chrt -p "+pidOf(c)+", and a stack of it; scxdiag explain rt-hog"))
	}
	return found
}

// hogged are the tasks that have waited for long and can run only on a CPU which
// another class has, or on others that are held likewise.
func (v *view) hogged(c *dump.CPU) []*dump.Task {
	var only []*dump.Task
	for _, t := range v.stalled {
		m, known := v.allowed(t)
		if served, ok := v.served(t); ok {
			if known {
				m = m.And(served)
			} else {
				m, known = served, true
			}
		}
		if known && waited(t) >= v.limit() && m.Has(int(c.ID)) && m.SubsetOf(v.higher) {
			only = append(only, t)
		}
	}
	return only
}

// sureOfHog is how sure it is that a CPU is held because tasks wait that can run only
// there, "" if that proves nothing. What a CPU runs is of one instant. The wait of a
// task says more the surer only the CPU can end it: one on a queue of CPUs that all
// are held has nobody else to wait for, one on another queue may be passed over, and
// one that the scheduler has may be forgotten.
func (v *view) sureOfHog(c *dump.CPU, victims []*dump.Task) dump.Confidence {
	proof := 0
	for _, t := range victims {
		served, known := v.served(t)
		switch {
		case known && served.SubsetOf(v.higher):
			proof = 2
		case t.DSQ.Known && !t.DSQ.V.IsNone():
			proof = max(proof, 1)
		}
	}
	if len(victims) > 0 && !isBrief(c) {
		proof++
	}
	return [...]dump.Confidence{"", dump.ConfidenceMedium, dump.ConfidenceHigh, dump.ConfidenceHigh}[proof]
}

// isBrief reports whether a CPU runs what as a rule is done within microseconds: the
// kernel's stopper, or the thread of an interrupt.
func isBrief(c *dump.CPU) bool {
	return c.Class.V == dump.ClassStop || strings.HasPrefix(c.Current.V.Comm, "irq/")
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
