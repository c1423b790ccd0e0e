// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"strings"

	"scxdiag/dump"
)

var loadFailure = Rule{
	Name:  "load-failure",
	Title: "the scheduler failed while it was being enabled",
	Page: Page{
		Happened: "A callback that sets the scheduler up returned an error, so the kernel never ran it.",
		Shows:    "The message is \"ops.init() failed\", \"ops.init_task() failed\" or \"ops.cgroup_init() failed\" with an errno, the backtrace goes through scx_enable, and the dump has no tasks or few.",
		Confirm:  "Decode the errno: -2 is ENOENT, -12 ENOMEM, -22 EINVAL. Start the scheduler again with its own messages visible, and with the options that it had.",
		Fix:      "Check options and what they name (cgroups, CPUs) in user space before the scheduler is attached, and say what is wrong with scx_bpf_error() where BPF finds out.",
	},
	check: checkLoad,
}

func checkLoad(v *view) []*finding {
	if !v.s.IsFailure() {
		return nil
	}
	frame, enabling := v.frame("scx_enable", "scx_ops_enable", "scx_root_enable", "scx_sub_enable")
	call := initCall(v.message())
	if call == "" || !enabling && (len(v.s.Tasks) > 0 || v.partial) {
		return nil
	}
	f := finds(dump.SeverityError, dump.ConfidenceHigh, "%s, so the scheduler was never enabled", v.message()).
		because("The kernel called %s while it enabled the scheduler, and that returned an error%s.", call, errnoWords(v.message())).
		explains(true).exit(v)
	if enabling {
		f.backtrace(v, frame)
	}
	return []*finding{f.then("check the options that the scheduler was started with, and what they name; its own output says more")}
}

// initCall is the callback that a message says has failed, "" if it is none of
// those that set a scheduler up.
func initCall(message string) string {
	for _, call := range []string{"ops.init_task()", "ops.cgroup_init()", "ops.init_cids()", "ops.init()", "ops.sub_attach()"} {
		if strings.Contains(message, call+" failed") {
			return call
		}
	}
	return ""
}
