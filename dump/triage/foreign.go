// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"strings"

	"scxdiag/dump"
)

var foreignTrigger = Rule{
	Name:    "foreign-trigger",
	Title:   "another program caused it",
	symptom: true,
	Page: Page{
		Happened: "The error was raised while another scheduler, or a tool that changes schedulers, was running: it ended this one.",
		Shows:    "The task that raised the error has the name of another scheduler (scx_…) or of its loader.",
		Confirm:  "Look what started at that time: a service such as scx_loader, or another scheduler that was tried.",
		Fix:      "One scheduler at a time: stop the service that starts another one.",
	},
	check: checkForeign,
}

func checkForeign(v *view) []*finding {
	e := v.s.Exit
	if !v.s.IsFailure() || !e.Task.Known || v.isStall() || v.isLockup() {
		return nil
	}
	comm := e.Task.V.Comm
	if !strings.HasPrefix(comm, "scx_") && comm != "scxctl" || v.isAgent(&dump.Task{TaskRef: e.Task.V}) ||
		v.s.Scheduler == "" || strings.HasPrefix("scx_"+v.s.BaseName(), comm) || strings.HasPrefix(comm, "scx_"+v.s.BaseName()) {
		return nil
	}
	return []*finding{finds(dump.SeverityWarning, dump.ConfidenceLow, "%s raised the error, which is not this scheduler's", e.Task.V).
		because("The error was raised while %s was running. It may be another scheduler, or a tool that changes them.", e.Task.V).
		proof(v, "exit", e.Task.At, e.Task.V.String()).
		then("look what started that program at the time")}
}
