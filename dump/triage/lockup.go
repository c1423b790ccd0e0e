// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var lockup = Rule{
	Name:    "lockup",
	Title:   "a CPU made no progress",
	symptom: true,
	Page: Page{
		Happened: "One of the kernel's detectors found a CPU that did not get to what it must do: a soft lockup (its watchdog thread did not run), a hard lockup (no timer interrupts) or a stall of RCU. It blames sched_ext first, and throws the scheduler out.",
		Shows:    "The message says \"soft lockup\", \"hard lockup\" or \"RCU CPU stall\".",
		Confirm:  "Look what that CPU ran: the stack of the task that raised the error. Printing to a slow console, a guest whose host takes its CPU away, and a real-time task do this without any fault of the scheduler.",
		Fix:      "If the stack is in the scheduler's own code, bound its loops. Else look after what the CPU was doing.",
	},
	check: checkLockup,
}

func checkLockup(v *view) []*finding {
	if !v.isLockup() {
		return nil
	}
	f := finds(dump.SeverityError, dump.ConfidenceMedium, "%s: a CPU made no progress", v.message()).
		because("One of the kernel's detectors reported it, and the kernel then threw the scheduler out as the first suspect: %s.", v.message()).
		explains(true).exit(v)
	if t := v.s.RaisedIn(); t != nil {
		f.because("%s was running there.", t).hurts(t).proof(v, taskName(t), t.At, t.String())
		if n := t.DumpFrames(); n < len(t.Stack) {
			f.proof(v, taskName(t), t.Stack[n].At, t.Stack[n].Text)
		}
		if l := inStack(t, "console_", "vprintk", "serial8250", "uart_"); l != nil {
			f.because("It was printing to the console (%s), which can be as slow as that; then the scheduler is not at fault.", l.Text).proof(v, taskName(t), l.At, l.Text)
		}
	}
	for _, t := range v.stalled {
		f.hurts(t)
	}
	return []*finding{f.then("look at the stack of what the CPU was doing, and whether this is a guest whose host was busy")}
}

// inStack finds the first frame of a task's stack that begins with one of the
// words, nil if there is none.
func inStack(t *dump.Task, words ...string) *dump.Line {
	for i := range t.Stack {
		for _, w := range words {
			if len(t.Stack[i].Text) >= len(w) && t.Stack[i].Text[:len(w)] == w {
				return &t.Stack[i]
			}
		}
	}
	return nil
}
