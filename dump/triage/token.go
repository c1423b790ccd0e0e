// SPDX-License-Identifier: GPL-2.0-only

package triage

var tokenHeld = Rule{
	Name:  "token-held",
	Title: "whoever applies configurations never ended",
	needs: state,
	Page: Page{
		Happened: "A token keeps two CPUs from applying a configuration at the same time. Somebody took it and did not give it back, so no configuration is applied any more.",
		Shows:    "The token has been held for seconds, while applying a configuration takes milliseconds.",
		Confirm:  "Look at the phase: claim, publish or inherit says how far it got; none says that it was done and left the token.",
		Fix:      "Give the token back on every path; a guard that runs at the end of the scope cannot be forgotten.",
	},
	check: func(v *view) []*finding {
		st := v.s.Status
		held, ok := v.s.Since(st.Apply.TokenSince)
		if !ok || held < stuckAfter {
			return nil
		}
		f := v.cause("the token to apply configurations has been held for %s", seconds(held)).
			because("Whoever took it has not given it back for %s, so no configuration is applied.", seconds(held))
		if st.Apply.Phase != "" {
			f.because("It got as far as %q.", st.Apply.Phase)
		}
		return []*finding{f.status(v, "token held since %s ago, phase %q, applied %d of %d", seconds(held), st.Apply.Phase, st.AppliedSeq, st.ConfigSeq).
			then("find the path that returns without giving the token back")}
	},
}
