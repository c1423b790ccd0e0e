// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var watchdogStarved = Rule{
	Name:    "watchdog-starved",
	Title:   "the watchdog itself did not run",
	symptom: true,
	Page: Page{
		Happened: "The kernel looks for stalled tasks in a worker of its own. That one did not get to run within the limit, and a tick found out. The message names no task.",
		Shows:    "The message is \"watchdog failed to check in\", and scx_tick is in the backtrace.",
		Confirm:  "Look for a kworker that waits, and what its CPU does. If even tasks that run have been runnable for that long, time was lost as a whole: a guest whose host stopped it, or a suspend.",
		Fix:      "What starves the worker starves others: look at the other findings first.",
	},
	check: checkWatchdog,
}

func checkWatchdog(v *view) []*finding {
	if !v.isWatchdog() {
		return nil
	}
	f := finds(dump.SeverityError, dump.ConfidenceMedium, "the kernel's watchdog did not get to run").
		because("The kernel looks for stalled tasks in a worker, which did not run in time: %s.", v.message()).
		explains(true).exit(v)
	if l, ok := v.frame("scx_tick"); ok {
		f.backtrace(v, l)
	}
	workers := v.workers()
	if len(workers) > 0 {
		w := workers[0]
		f.because("%s for long, %s for %s.", counted(len(workers), "worker of the kernel's own waits", "workers of the kernel's own wait"), w, seconds(waited(w))).task(v, w)
		if c := v.cpus[w.CPU.V]; c != nil && w.CPU.Known {
			f.cpu(v, c)
		}
	}
	if late := v.stoodStill(); late != nil {
		f.because("Even %s, which runs, was last seen runnable %s ago: the machine as a whole may have stood still, as a guest does whose host stops it.", late, seconds(-late.RunnableAt.V)).
			proof(v, taskName(late), late.At, late.String())
	}
	f.hurts(v.stalled...)
	return []*finding{f.then("look what the CPU of the waiting kworker was doing, and in the kernel log for a gap in time")}
}

// stoodStill finds a sign that the machine as a whole stood still, nil if there is
// none: the watchdog did not run, and yet a task that runs was last seen runnable
// long ago. Without the first it may merely have run for as long.
func (v *view) stoodStill() *dump.Task {
	if !v.isWatchdog() {
		return nil
	}
	for i := range v.s.Tasks {
		if t := &v.s.Tasks[i]; t.Current && t.RunnableAt.Known && -t.RunnableAt.V >= v.limit() {
			return t
		}
	}
	return nil
}
