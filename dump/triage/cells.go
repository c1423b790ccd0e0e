// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"fmt"
	"strconv"
	"time"

	"scxdiag/dump"
)

// What the rules on the state of cells share. They need a scheduler that says what
// it is doing (dump.Status), so as a rule its records.

const (
	// stuckAfter is how long a step of the scheduler's machinery may take before
	// it counts as stuck: some twenty periods of its timer.
	stuckAfter = 2 * time.Second
	// timerAfter is the same for the timer itself, which a busy guest delays.
	timerAfter = 5 * time.Second
)

// hasState reports whether the scheduler said all that the rules on cells need.
func (v *view) hasState() bool { return v.s.Status != nil && v.s.Status.At != 0 }

// pendingConfig reports whether a configuration is still to come into force: masks
// and cells may differ meanwhile.
func pendingConfig(s *dump.Snapshot) bool { return s.Status.ConfigSeq != s.Status.AppliedSeq }

// settled reports whether nothing of an earlier configuration is left where no
// other is on its way.
func (v *view) settled() bool {
	if v.s.Status.Grace.Active() {
		return false
	}
	for i := range v.s.Cells {
		if v.s.Cells[i].State.V != dump.CellLive {
			return false
		}
	}
	return true
}

// live is a cell that is in use, nil if it is not.
func (v *view) live(id int32) *dump.Cell {
	if c := v.cells[id]; c != nil && c.State.V == dump.CellLive {
		return c
	}
	return nil
}

// online are the CPUs that take tasks.
func (v *view) online() dump.CPUMask {
	var m dump.CPUMask
	for i := range v.s.CPUs {
		if v.s.CPUs[i].Online.V {
			m = m.With(int(v.s.CPUs[i].ID))
		}
	}
	return m
}

// cause begins a finding on the scheduler's machinery: an error, since nothing that
// it shows is ever right, and what the exit comes from, if there is one.
func (v *view) cause(title string, args ...any) *finding {
	return finds(dump.SeverityError, dump.ConfidenceHigh, title, args...)
}

// status adds what the scheduler says of its machinery.
func (f *finding) status(v *view, format string, args ...any) *finding {
	return f.proof(v, "scheduler", dump.Span{}, fmt.Sprintf(format, args...))
}

// cgroup adds what the snapshot says of a cgroup.
func (f *finding) cgroup(v *view, g *dump.Cgroup) {
	words := "cgroup " + cgroupName(g) + fmt.Sprintf(": in cell %d", g.Cell)
	if g.Owns != 0 {
		words += fmt.Sprintf(", owns cell %d", g.Owns)
	}
	if g.CPUs.Known {
		words += ", cpuset.cpus " + orNone(g.CPUs.V)
	}
	if g.EffectiveCPUs.Known {
		words += ", effective " + orNone(g.EffectiveCPUs.V)
	}
	f.proof(v, fmt.Sprintf("cgroup:%d", g.ID), dump.Span{}, words)
}

func cgroupName(g *dump.Cgroup) string {
	if g.Path.V != "" {
		return g.Path.V
	}
	return strconv.FormatUint(g.ID, 10)
}

func orNone(m dump.CPUMask) string {
	if m.IsEmpty() {
		return "none"
	}
	return m.String()
}
