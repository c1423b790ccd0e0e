// SPDX-License-Identifier: GPL-2.0-only

package triage

var timerStopped = Rule{
	Name:  "timer-stopped",
	Title: "the timer that applies configurations does not run",
	needs: state,
	Page: Page{
		Happened: "Cells are made, resized and ended in a timer of the scheduler. It was not started again, so nothing of that happens any more: writes to cpusets have no effect, CPUs stay with cells that ended, and tasks stay on queues that nobody serves.",
		Shows:    "The timer's last run is seconds ago while its period is a tenth of one; or two snapshots have the same number of runs.",
		Confirm:  "Take a second snapshot and compare the runs.",
		Fix:      "Start the timer again as the first thing that its callback does, and look at the return value.",
	},
	check: checkTimer,
}

func checkTimer(v *view) []*finding {
	st := v.s.Status
	ago, ran := v.s.Since(st.Timer.Last)
	same := v.before != nil && v.before.Status.Timer.Runs == st.Timer.Runs && v.apart > 5*max(st.Timer.Period, 1)
	if !same && ran && ago <= timerAfter {
		return nil
	}
	if !ran && (!st.Timer.Armed || v.apart == 0) { // it may be about to run for the first time
		return nil
	}
	f := v.cause("the scheduler's timer has stopped, so no configuration is applied any more")
	if ran {
		f.because("The timer runs every %s as a rule, and last did so %s ago.", st.Timer.Period, seconds(ago))
	}
	if same {
		f.because("%s before it had the same number of runs, %d.", seconds(v.apart), st.Timer.Runs)
	}
	return []*finding{f.status(v, "timer: %d runs, the last %s ago, period %s", st.Timer.Runs, seconds(ago), st.Timer.Period).
		then("look at what bpf_timer_start() returned, and whether the callback returns before it")}
}
