// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var apiMisuse = Rule{
	Name:  "api-misuse",
	Title: "the scheduler called the kernel in a wrong way",
	Page: Page{
		Happened: "The kernel caught a call that it does not allow: a task inserted twice, an insert by vtime into a built-in DSQ, a function called from a callback that may not.",
		Shows:    "Exit kind 1024 (SCX_EXIT_ERROR) with a message about the call, and a BPF callback in the backtrace.",
		Confirm:  "Find the callback that the backtrace names, and the call in it that the message is about.",
		Fix:      "See the comment of the function in kernel/sched/ext.c: it says from where it may be called and how often.",
	},
	check: checkAPI,
}

func checkAPI(v *view) []*finding {
	if v.kind() != dump.ExitError || v.isLockup() || initCall(v.message()) != "" || v.says("target CPU ") && v.says(" not allowed for ") || v.says("cannot move migration disabled") {
		return nil
	}
	l, ok := v.callback()
	known := v.says("already", "dispatched", "dispatch", "insert", "vtime", "DSQ", "called from", "kfunc", "not allowed", "nested", "locked", "enq_flags", "deadlock")
	if !ok && !known {
		return nil
	}
	confidence := dump.ConfidenceMedium
	if ok && known {
		confidence = dump.ConfidenceHigh
	}
	f := finds(dump.SeverityError, confidence, "%s: the kernel refused what the scheduler did", v.message()).
		because("The kernel ended the scheduler for a call that it does not allow: %s.", v.message()).
		hurts(v.subjects()...).explains(true).exit(v)
	if ok {
		f.because("The call came from %s.", l.Text).backtrace(v, l)
	}
	return []*finding{f.then("read the call in that callback")}
}

// callback is the frame of the exit's backtrace that is of the scheduler's own
// code.
func (v *view) callback() (dump.Line, bool) { return v.frame("bpf_prog_", "bpf__sched_ext_ops_") }
