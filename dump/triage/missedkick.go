// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"time"

	"scxdiag/dump"
)

var missedKick = Rule{
	Name:  "missed-kick",
	Title: "work waits, and a CPU that may do it idles",
	Page: Page{
		Happened: "A task was put on a queue, and none of the CPUs that serve it was woken: each went to sleep before the task came, or the wake-up went elsewhere.",
		Shows:    "A task has waited for long on a DSQ, and a CPU that serves it and is in its cpus= is idle: listed with class=idle_sched_class, or left out of a dump that is whole.",
		Confirm:  "Take a second dump: if the same task is still there and the same CPU idles, the wake-up was lost.",
		Fix:      "Call scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE) after the insert, for the CPU that was idle when it was chosen; a CPU that scx_bpf_pick_idle_cpu() returned no longer counts as idle, so it must be used or kicked.",
	},
	check: checkKick,
}

// idleAfter is how long a task must wait before it is odd that a CPU idles: a guest
// is slow, its CPUs wait for the host's.
const idleAfter = 500 * time.Millisecond

func checkKick(v *view) []*finding {
	var victims []*dump.Task
	var listed, guessed dump.CPUMask
	candidates := v.stalled
	if v.hasState() && !v.s.IsFailure() { // a CPU of its own records is certain to idle
		candidates = v.waiting
	}
	for _, t := range candidates {
		if waited(t) < idleAfter {
			continue
		}
		m, ok := v.allowed(t)
		if !ok || !t.DSQ.Known || t.DSQ.V.IsNone() || t.DSQ.V.Kind == dump.DSQKindRescue {
			continue
		}
		if served, known := v.served(t); known {
			m = m.And(served)
		}
		idle, absent := m.And(v.idle), m.And(v.unlisted)
		if idle.IsEmpty() && absent.IsEmpty() {
			continue
		}
		victims = append(victims, t)
		listed, guessed = listed.Or(idle), guessed.Or(absent)
	}
	if len(victims) == 0 || v.partial {
		return nil
	}
	t := victims[0]
	confidence, cpus := dump.ConfidenceHigh, listed
	if listed.IsEmpty() {
		confidence, cpus = dump.ConfidenceMedium, guessed
	}
	stood := v.stoodStill()
	if stood != nil {
		confidence = dump.ConfidenceLow
	}
	f := v.stallFinding(confidence, victims, "%s waits while %s, which may run it", t, cpusDo(cpus, "idles", "idle")).
		because("%s has waited for %s on DSQ %s. It may run on %s, and %s.", t, seconds(waited(t)), t.DSQ.V, cpuWords(t.CPUs.V), cpusDo(cpus, "idles", "idle")).
		task(v, t)
	if listed.IsEmpty() {
		f.because("The kernel leaves idle CPUs out of a dump; it could also be offline.")
	} else {
		f.cpu(v, v.cpus[int32(cpus.First())]) //nolint:gosec // it comes from there
	}
	if stood != nil {
		f.because("But the machine as a whole may have stood still, since even %s, which runs, was last seen runnable %s ago. Then the wait is long only by the clock.", stood, seconds(-stood.RunnableAt.V))
	}
	return []*finding{f.then("take a second dump; if the task is still there, look for an insert without a kick")}
}
