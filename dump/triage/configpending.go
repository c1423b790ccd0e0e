// SPDX-License-Identifier: GPL-2.0-only

package triage

var configPending = Rule{
	Name:    "cfg-pending",
	Title:   "a configuration is not applied",
	follows: []string{"timer-stopped", "token-held", "slot-empty", "gp-parity"},
	needs:   state | earlier,
	Page: Page{
		Happened: "A cpuset, a cgroup or a CPU changed, and the scheduler knows it, but does not bring the new configuration into force.",
		Shows:    "Two snapshots, several periods of the timer apart, have the same applied_seq while config_seq is ahead.",
		Confirm:  "Look whether the timer runs, whether a grace period is in progress, and who holds the token.",
		Fix:      "Apply configurations in a timer, which runs whether CPUs are busy or not; a tick of one CPU stops while that idles.",
	},
	check: func(v *view) []*finding {
		a, b := v.before.Status, v.s.Status
		if v.apart <= 3*a.Timer.Period || !pendingConfig(v.before) || !pendingConfig(v.s) || a.AppliedSeq != b.AppliedSeq {
			return nil
		}
		return []*finding{v.cause("configuration %d is not applied", b.ConfigSeq).
			because("Configuration %d is wanted and %d in force, as it was %s before.", b.ConfigSeq, b.AppliedSeq, seconds(v.apart)).
			status(v, "config_seq %d, applied_seq %d, both snapshots", b.ConfigSeq, b.AppliedSeq).
			then("look at the timer, the token and the grace period")}
	},
}
