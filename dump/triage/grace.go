// SPDX-License-Identifier: GPL-2.0-only

package triage

import "strconv"

var gpParity = Rule{
	Name:  "gp-parity",
	Title: "a section was begun and never ended",
	needs: state,
	Page: Page{
		Happened: "Code that chooses a queue by the configuration runs in a section, which a grace period waits for. One was left without its end, so grace periods never end, and cells that ended are never free.",
		Shows:    "A CPU is more than one section deep, or a grace period has waited for a CPU for seconds.",
		Confirm:  "The depth grows with each one that is lost. Look how long the section of that CPU has lasted.",
		Fix:      "End sections with a guard, on every path.",
	},
	check: checkGrace,
}

func checkGrace(v *view) []*finding {
	st := v.s.Status
	var f *finding
	for i := range v.s.CPUs {
		c := &v.s.CPUs[i]
		since, _ := v.s.Since(c.SectionSince.V)
		stuck := c.Awaited.V && st.Grace.Active() && since > stuckAfter
		if c.Nesting.V < 2 && !stuck {
			continue
		}
		if f == nil {
			f = v.cause("CPU %d has not ended a section, so no grace period ends", c.ID).
				because("CPU %d is %s deep, and has been in the outermost for %s. Whoever waits for it waits for ever.", c.ID, counted(int(c.Nesting.V), "section", "sections"), seconds(since))
		}
		f.proof(v, "cpu:"+strconv.Itoa(int(c.ID)), c.At, "CPU "+strconv.Itoa(int(c.ID))+": "+counted(int(c.Nesting.V), "section", "sections")+" deep, for "+seconds(since))
	}
	if f == nil {
		return nil
	}
	if active, ok := v.s.Since(st.Grace.Started); ok && st.Grace.Active() {
		f.status(v, "grace period %d has lasted for %s", st.Grace.Seq, seconds(active))
	}
	return []*finding{f.then("find the path that leaves a section without its end")}
}
