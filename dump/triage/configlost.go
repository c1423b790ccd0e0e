// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"fmt"

	"scxdiag/dump"
)

var configLost = Rule{
	Name:    "cfg-lost",
	Title:   "a change of a cpuset was lost",
	follows: []string{"slot-empty"},
	needs:   state | whole | steady,
	Page: Page{
		Happened: "A cpuset was written, and the scheduler counts as up to date, but has not what the cpuset says: it read the cpuset before the write was done, or lost the update.",
		Shows:    "config_seq and applied_seq are equal, no grace period is in progress, and the cell of a cgroup differs from its cpuset.",
		Confirm:  "Write the same cpuset again: if the cell follows now, the first write was lost.",
		Fix:      "Count the configuration up when the write has ended, not when it begins, and read the number before the cpusets.",
	},
	check: checkConfigLost,
}

func checkConfigLost(v *view) []*finding {
	if !v.settled() {
		return nil
	}
	var f *finding
	for i := range v.s.Cgroups {
		g := &v.s.Cgroups[i]
		if !g.HasContext || g.Level == 0 || g.Dying || !g.CPUs.Known {
			continue
		}
		problem := v.cpusetProblem(g)
		if problem == "" {
			continue
		}
		if f == nil {
			f = v.cause("a change of the cpuset of %s was lost", cgroupName(g)).
				because("The scheduler says that it has applied all there is, yet of cgroup %s %s.", cgroupName(g), problem)
		}
		f.cgroup(v, g)
		if c := v.cells[g.Owns]; c != nil && g.Owns != 0 {
			f.cell(v, c)
		}
	}
	if f == nil {
		return nil
	}
	return []*finding{f.status(v, "config_seq %d, applied_seq %d: nothing is to be applied", v.s.Status.ConfigSeq, v.s.Status.AppliedSeq).
		then("write the cpuset again and see whether the cell follows")}
}

// cpusetProblem says what of a cgroup is not as its cpuset asks for, "" if nothing.
func (v *view) cpusetProblem(g *dump.Cgroup) string {
	on := v.online()
	want := g.CPUs.V.And(g.EffectiveCPUs.V).And(on)
	proper := !want.IsEmpty() && want != on
	var own *dump.Cell
	if g.Owns != 0 {
		own = v.live(g.Owns)
	}
	switch {
	case !proper && own != nil:
		return fmt.Sprintf("cell %d of CPUs %s is still in use, and it has no cpuset", own.ID, own.CPUs.V)
	case proper && own != nil && own.CpusetCPUs.V != want:
		return fmt.Sprintf("the cpuset is %s and the scheduler has read %s", want, orNone(own.CpusetCPUs.V))
	case proper && own != nil && !own.CPUs.V.AndNot(want).IsEmpty():
		return fmt.Sprintf("the cpuset is %s and its cell has %s", want, own.CPUs.V)
	case proper && own == nil && !v.takenByOthers(g, want):
		return fmt.Sprintf("the cpuset is %s and it has no cell", want)
	}
	return ""
}

// takenByOthers reports whether every CPU of a cpuset is in a cell that has it from
// another cpuset, or kept back for the root cell.
func (v *view) takenByOthers(g *dump.Cgroup, want dump.CPUMask) bool {
	for i := range v.s.Cells {
		c := &v.s.Cells[i]
		if c.ID != 0 && c.State.V == dump.CellLive && c.OwnerCgroup.V != g.ID {
			want = want.AndNot(c.CPUs.V)
		}
	}
	if held := v.s.Status.HeldCPU; held >= 0 && want.Has(int(held)) {
		want = want.AndNot(dump.MaskOf(int(held)))
	}
	return want.IsEmpty() || v.s.Status.AllocFail > 0
}
