// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"time"

	"scxdiag/dump"
)

// broken is every rule that a snapshot breaks: those that look at it alone,
// those that compare it with an earlier one, where there is one, and those that
// compare it with the cpusets.
func broken(before, s *dump.Snapshot) []string {
	p := problems(invariants(s))
	if s.Status == nil {
		return p
	}
	p.idle(s)
	if isSettled(s) {
		for i := range s.Cgroups {
			if g := &s.Cgroups[i]; g.HasContext && g.Level > 0 && !g.Dying {
				if problem := cpusetProblem(s, g); problem != "" {
					p.addf("cfg-lost: cgroup %d %s: %s", g.ID, g.Path.V, problem)
				}
			}
		}
	}
	if s.Status.AllocFail > 0 {
		p.addf("cell-exhaust: no cell for %d cpusets", s.Status.AllocFail)
	}
	if before != nil && before.Status != nil {
		p.pair(before, s)
	}
	return p
}

// longIdle is how long a task may wait while a CPU that could take it idles. A
// guest is slow: its CPUs wait for the host's.
const longIdle = 500 * time.Millisecond

// idle looks for CPUs that idle while tasks wait for them.
func (p *problems) idle(s *dump.Snapshot) {
	for i := range s.Tasks {
		t := &s.Tasks[i]
		waits, waiting := t.WaitingFor()
		if !waiting || waits < longIdle || t.IsOffQueue() {
			continue
		}
		for j := range s.CPUs {
			c := &s.CPUs[j]
			serves := t.DSQ.V.Kind == dump.DSQKindCPU && t.DSQ.V.CPU == c.ID ||
				t.DSQ.V.Kind == dump.DSQKindCell && t.DSQ.V.Cell == c.Cell.V
			if idle, known := c.IsIdle(); serves && known && idle && c.Online.V && t.CPUs.V.Has(int(c.ID)) {
				p.addf("idle-with-work: CPU %d idles, %s waits for %s on %s", c.ID, t.TaskRef, waits, t.DSQ.V)
			}
		}
	}
}

// pair are the rules that look at two snapshots.
func (p *problems) pair(a, b *dump.Snapshot) {
	apart := time.Duration(b.Status.At - a.Status.At)
	if apart <= 0 { // a sample may be taken while a failure is dealt with, and come first
		return
	}
	period := a.Status.Timer.Period
	if apart > 5*period && a.Status.Timer.Runs == b.Status.Timer.Runs {
		p.addf("timer-stopped: %d runs, %s later still", a.Status.Timer.Runs, apart)
	}
	if apart > 3*period && pending(a) && pending(b) && a.Status.AppliedSeq == b.Status.AppliedSeq {
		p.addf("cfg-pending: configuration %d of %d, %s later still", a.Status.AppliedSeq, b.Status.ConfigSeq, apart)
	}
	ran := make(map[int32]time.Duration)
	for i := range b.Tasks {
		t := &b.Tasks[i]
		if before := a.Task(t.PID); before != nil && t.Context != nil && before.Context != nil && t.Context.Clock == before.Context.Clock {
			ran[t.Context.Clock] += t.RunTime.V - before.RunTime.V
		}
	}
	for i := range b.Cells {
		c := &b.Cells[i]
		before := a.Cell(c.ID)
		if before == nil || before.Generation.V != c.Generation.V {
			continue
		}
		if c.VTime.V == before.VTime.V && ran[c.ID] > 500*time.Millisecond {
			p.addf("vt-frozen: the clock of cell %d, whose tasks ran for %s", c.ID, ran[c.ID])
		}
		if int64(c.VTime.V-before.VTime.V) < 0 {
			p.addf("vt-backward: cell %d", c.ID)
		}
	}
}
