// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"strings"

	"scxdiag/dump"
)

var hotplug = Rule{
	Name:  "hotplug",
	Title: "a CPU came or went",
	Page: Page{
		Happened: "A CPU went on- or offline. A scheduler that has no callbacks for that is ended by the kernel, with an exit code that asks its user space to start it again.",
		Shows:    "The exit says \"going offline\", \"going online\" or \"hotplug seq\"; or cpuhp/N raised the error and the backtrace goes through cpu_offline or cpu_online.",
		Confirm:  "The kernel log of that moment names the CPU: \"smpboot: CPU n is now offline\".",
		Fix:      "A clean request to start again is no error. To survive hotplug, implement ops.cpu_online and ops.cpu_offline.",
	},
	check: checkHotplug,
}

func checkHotplug(v *view) []*finding {
	e := v.s.Exit
	if e == nil {
		return nil
	}
	words := v.says("going offline", "going online", "hotplug seq")
	if !v.s.IsFailure() {
		if !words {
			return nil
		}
		return []*finding{finds(dump.SeverityInfo, dump.ConfidenceHigh, "a CPU came or went, so the kernel asked for the scheduler to be started again").
			because("The exit says %q. That is no failure.", v.message()).explains(true).exit(v).
			then("nothing, unless the scheduler did not start again")}
	}
	frame, inBacktrace := v.frame("cpu_offline", "cpu_online", "sched_cpu_deactivate", "sched_cpu_activate", "cpuhp_")
	byThread := e.Task.Known && strings.HasPrefix(e.Task.V.Comm, "cpuhp/")
	if !words && !inBacktrace && !byThread {
		return nil
	}
	f := finds(dump.SeverityError, dump.ConfidenceMedium, "the scheduler failed while a CPU came or went").
		because("The error was raised while a CPU went on- or offline.").explains(true).exit(v)
	if inBacktrace {
		f.backtrace(v, frame)
	}
	return []*finding{f.then("look in the kernel log for \"is now offline\" and \"Booting Node\" at that time")}
}
