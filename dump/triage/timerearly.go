// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var timerEarly = Rule{
	Name:  "timer-early",
	Title: "the timer ran before the scheduler was set up",
	needs: state,
	Page: Page{
		Happened: "The timer was armed in ops.init before all that it needs was there, and ran at once on another CPU.",
		Shows:    "The time of the timer's first run is before that of the end of ops.init.",
		Confirm:  "Compare the two; the history begins with what the timer did.",
		Fix:      "Arm the timer last, and let its callback look whether the set-up has ended.",
	},
	check: func(v *view) []*finding {
		st := v.s.Status
		if st.InitEnded == 0 || st.Timer.First == 0 || st.Timer.First >= st.InitEnded {
			return nil
		}
		return []*finding{finds(dump.SeverityWarning, dump.ConfidenceHigh, "the timer ran before ops.init had ended").
			because("It first ran %d us before that.", (st.InitEnded-st.Timer.First)/1000).
			status(v, "timer: first run at %d, ops.init ended at %d", st.Timer.First, st.InitEnded).
			then("arm the timer as the last thing in ops.init")}
	},
}
