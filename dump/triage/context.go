// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"strings"

	"scxdiag/dump"
)

var contextLookup = Rule{
	Name:    "context-lookup",
	Title:   "the scheduler did not find its own storage",
	follows: []string{"noctx-live"},
	Page: Page{
		Happened: "The scheduler keeps a context of each task or cgroup, and asked for one that was not there: it never was made, or is gone already.",
		Shows:    "Exit kind 1025 (scx_bpf_error) with a message such as \"task_ctx lookup failed\".",
		Confirm:  "A frame of init_task below scx_enable means at load. A task with PF_EXITING, or a removed cgroup, means at exit. Otherwise find the callback that may run before the context is made.",
		Fix:      "Make the context where the kernel first tells of the task or cgroup, treat a missing one of an exiting task as the root's, and let only a missing one of a live task be an error.",
	},
	check: checkContext,
}

func checkContext(v *view) []*finding {
	if v.kind() != dump.ExitErrorBPF || !isLookup(v.message()) {
		return nil
	}
	f := finds(dump.SeverityError, dump.ConfidenceHigh, "the scheduler did not find its own storage: %s", v.message()).
		because("The scheduler gave up because a context of its own was missing: %s.", v.message()).
		hurts(v.subjects()...).explains(true).exit(v)
	switch l, ok := v.frame("scx_enable", "init_task", "scx_ops_enable"); {
	case ok:
		f.because("That was while it was being enabled.").backtrace(v, l)
	case v.exiting():
		f.because("That was while a task exited: its cgroup may be gone already.")
	}
	if l, ok := v.callback(); ok {
		f.backtrace(v, l)
	}
	return []*finding{f.then("find out whether the task or cgroup was new, live or exiting at that time")}
}

// isLookup reports whether a message says that something was looked up in vain.
func isLookup(message string) bool {
	m := strings.ToLower(message)
	for _, words := range []string{"lookup failed", "failed to lookup", "failed to look up", "no context", "lookup_task_ctx", "failed to get task", "failed to get cgrp", "failed to get cgroup", "no task ctx", "no task_ctx", "missing context", "ctx not found", "context not found", "failed to find task", "failed to lookup"} {
		if strings.Contains(m, words) {
			return true
		}
	}
	return strings.Contains(m, "lookup") && strings.Contains(m, "fail") || strings.Contains(m, "ctx") && strings.Contains(m, "not found")
}

// exiting reports whether the error was raised where a task exits.
func (v *view) exiting() bool {
	_, ok := v.frame("do_exit", "exit_task", "sched_ext_free", "sched_ext_dead")
	return ok || v.subject != nil && v.subject.PFFlags.V&dump.PFExiting != 0
}
