// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var noContext = Rule{
	Name:  "noctx-live",
	Title: "the scheduler has no context of a cgroup that is in use",
	needs: state,
	Page: Page{
		Happened: "The kernel told the scheduler of a cgroup, and it made no context for it; or it was never told. Tasks in it cannot be placed.",
		Shows:    "A cgroup that was not removed has no context.",
		Confirm:  "Look for cgroup_init of its id in the history.",
		Fix:      "Make the context in ops.cgroup_init, and return the error if that fails.",
	},
	check: func(v *view) []*finding {
		var f *finding
		for i := range v.s.Cgroups {
			g := &v.s.Cgroups[i]
			if g.HasContext || g.Dying || !g.CPUController && g.Level > 0 {
				continue
			}
			if f == nil {
				f = v.cause("the scheduler has no context of cgroup %s", cgroupName(g)).
					because("Cgroup %s is in use, and the scheduler knows nothing of it.", cgroupName(g)).
					explains(v.kind() == dump.ExitErrorBPF && isLookup(v.message()))
			}
			f.cgroup(v, g)
		}
		if f == nil {
			return nil
		}
		return []*finding{f.then("look for its cgroup_init in the history")}
	},
}
