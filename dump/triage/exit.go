// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"slices"
	"strings"

	"scxdiag/dump"
)

// stallFinding begins a finding on tasks that do not run: an error if it explains
// why the scheduler was thrown out, else a warning.
func (v *view) stallFinding(c dump.Confidence, victims []*dump.Task, title string, args ...any) *finding {
	fits := v.isWhy(victims)
	severity := dump.SeverityWarning
	if fits {
		severity = dump.SeverityError
	}
	return finds(severity, c, title, args...).hurts(victims...).explains(fits)
}

// isWhy reports whether the scheduler was thrown out because some tasks do not run:
// the one that the message names is among them, or, where it names none, a worker of
// the kernel's, unless none waits.
func (v *view) isWhy(victims []*dump.Task) bool {
	if !v.isStall() {
		return false
	}
	if v.s.Exit.Subject.Known {
		return slices.Contains(victims, v.subject) || v.subject == nil && !v.partial
	}
	workers := v.workers()
	return len(workers) == 0 && !v.partial || slices.ContainsFunc(workers, func(w *dump.Task) bool { return slices.Contains(victims, w) })
}

// workers are the workers of the kernel's that have waited for long: one of them is
// the watchdog's.
func (v *view) workers() []*dump.Task {
	var workers []*dump.Task
	for _, t := range v.stalled {
		if strings.HasPrefix(t.Comm, "kworker/") {
			workers = append(workers, t)
		}
	}
	return workers
}

// who names the task of the exit.
func (v *view) who() string {
	if v.s.Exit != nil && v.s.Exit.Subject.Known {
		return v.s.Exit.Subject.V.String()
	}
	return "a task"
}

// subjects is the task of the exit as a list.
func (v *view) subjects() []*dump.Task {
	if v.subject == nil {
		return nil
	}
	return []*dump.Task{v.subject}
}

// isLockup reports whether the kernel found a CPU that makes no progress.
func (v *view) isLockup() bool {
	return v.s.IsFailure() && v.says("soft lockup", "hard lockup", "RCU CPU stall", "rcu stall", "RCU stall")
}

// isWatchdog reports whether the watchdog itself did not run.
func (v *view) isWatchdog() bool {
	return v.isStall() && strings.Contains(v.message(), "watchdog failed to check in")
}

// byKind finds what the kind of the exit alone tells.
func (v *view) byKind(kind dump.ExitKind, title, next string) []*finding {
	if v.kind() != kind {
		return nil
	}
	f := finds(dump.SeverityError, dump.ConfidenceHigh, title, v.who()).
		because("The kernel said so: %s.", v.message()).
		hurts(v.subjects()...).explains(true).exit(v).task(v, v.subject)
	for i := range v.s.CPUs {
		if c := &v.s.CPUs[i]; kind == dump.ExitErrorRescue && c.NrRescue.V > 0 {
			f.cpu(v, c)
		}
	}
	return []*finding{f.then(next)}
}
