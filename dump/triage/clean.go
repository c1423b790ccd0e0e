// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var cleanExit = Rule{
	Name:  "clean-exit",
	Title: "the scheduler ended in order",
	Page: Page{
		Happened: "The scheduler ended because somebody asked it to: its own user space, a SysRq-S, its parent, or itself.",
		Shows:    "An exit kind below 1024.",
		Confirm:  "Nothing to confirm.",
		Fix:      "Nothing to fix.",
	},
	check: checkClean,
}

func checkClean(v *view) []*finding {
	e := v.s.Exit
	if e == nil || v.s.IsFailure() {
		return nil
	}
	reason := e.Reason.V
	if reason == "" {
		reason = e.Kind.V.Reason()
	}
	return []*finding{finds(dump.SeverityInfo, dump.ConfidenceHigh, "the scheduler ended in order: %s", reason).
		because("Exit kind %d is no failure.", e.Kind.V).explains(true).exit(v).then("nothing")}
}
