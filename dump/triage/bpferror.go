// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var bpfError = Rule{
	Name:    "bpf-error",
	Title:   "the scheduler gave up by itself, or the kernel on it",
	symptom: true,
	follows: []string{"noctx-live"},
	Page: Page{
		Happened: "The scheduler called scx_bpf_error(), or the kernel ended it for a reason that no other rule knows.",
		Shows:    "Exit kind 1025 (SCX_EXIT_ERROR_BPF) with the scheduler's own message, or kind 1024 with the kernel's.",
		Confirm:  "The message often has the file and line of the call. The backtrace names the callback.",
		Fix:      "That is up to the scheduler: read the condition under which it gives up.",
	},
	check: checkBPFError,
}

func checkBPFError(v *view) []*finding {
	if !v.s.IsFailure() || v.isStall() {
		return nil
	}
	confidence := dump.ConfidenceHigh
	title := "the scheduler gave up by itself: %s"
	why := "The scheduler itself called scx_bpf_error(): %s."
	if v.kind() != dump.ExitErrorBPF {
		confidence = dump.ConfidenceLow
		title = "the kernel ended the scheduler: %s"
		why = "The kernel ended the scheduler, for a reason that no rule knows: %s."
	}
	words := v.message()
	if words == "" {
		words, confidence = "no message", dump.ConfidenceLow
	}
	f := finds(dump.SeverityError, confidence, title, words).because(why, words).hurts(v.subjects()...).explains(true).exit(v)
	if l, ok := v.callback(); ok {
		f.because("It did so in %s.", l.Text).backtrace(v, l)
	}
	return []*finding{f.then("read the code around that message")}
}
