// SPDX-License-Identifier: GPL-2.0-only

package triage

var halfApply = Rule{
	Name:  "half-apply",
	Title: "a configuration could not be applied",
	needs: state,
	Page: Page{
		Happened: "Applying a configuration ended with an error halfway. Some cells have what is new, others what was.",
		Shows:    "The result of the last application is an error.",
		Confirm:  "Decode the error; look whether the next application, a period later, goes through.",
		Fix:      "Do all that may fail first, into spare masks, and only then put it into force.",
	},
	check: func(v *view) []*finding {
		if v.s.Status.Apply.RC == 0 {
			return nil
		}
		st := v.s.Status
		return []*finding{v.cause("the last configuration could not be applied: error %d", st.Apply.RC).
			because("Applying configuration %d ended with error %d; %d is in force.", st.ConfigSeq, st.Apply.RC, st.AppliedSeq).
			status(v, "config_seq %d, applied_seq %d, result %d", st.ConfigSeq, st.AppliedSeq, st.Apply.RC).
			then("look at what of applying can return that error")}
	},
}
