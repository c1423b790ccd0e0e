// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"scxdiag/dump"
)

// checkInvariants checks what holds in every snapshot that is taken of a
// healthy scheduler.
func checkInvariants(t *testing.T, s *dump.Snapshot) {
	t.Helper()
	for _, problem := range invariants(s) {
		t.Errorf("%s; %d of %d configurations applied, grace period %d", problem, s.Status.AppliedSeq, s.Status.ConfigSeq, s.Status.Grace.Seq)
	}
}

// problems collects what is wrong, each with the name of the rule first.
type problems []string

func (p *problems) addf(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

// invariants are the rules that look at one snapshot. It returns what does not
// hold, nil if all does.
func invariants(s *dump.Snapshot) []string {
	var p problems
	if s.Status == nil || !s.Ledger.Complete() {
		p.addf("dump-incomplete: %v", s.Ledger.Notes)
		return p
	}
	p.cells(s)
	p.cpus(s)
	p.owners(s)
	p.machinery(s)
	p.queues(s)
	for i := range s.Tasks {
		p.task(s, &s.Tasks[i])
	}
	p.history(s)
	return p
}

// has reports whether a rule is among the problems.
func has(problems []string, rule string) bool {
	for _, p := range problems {
		if len(p) > len(rule) && p[:len(rule)] == rule && p[len(rule)] == ':' {
			return true
		}
	}
	return false
}

// liveCell finds a cell that is live.
func liveCell(s *dump.Snapshot, id int32) *dump.Cell {
	if c := s.Cell(id); c != nil && c.State.V == dump.CellLive {
		return c
	}
	return nil
}

// online are the CPUs that take tasks.
func online(s *dump.Snapshot) dump.CPUMask {
	var mask dump.CPUMask
	for i := range s.CPUs {
		if s.CPUs[i].Online.V {
			mask = mask.With(int(s.CPUs[i].ID))
		}
	}
	return mask
}

// pending reports whether a configuration is still to come into force.
func pending(s *dump.Snapshot) bool { return s.Status.ConfigSeq != s.Status.AppliedSeq }

func (p *problems) cells(s *dump.Snapshot) {
	var all, others dump.CPUMask
	for i := range s.Cells {
		c := &s.Cells[i]
		if c.ID < 0 || c.ID >= int32(s.Status.MaxCells) {
			p.addf("index-range: cell %d of %d", c.ID, s.Status.MaxCells)
		}
		if c.SpareMissing.V {
			p.addf("slot-empty: cell %d", c.ID)
		}
		if c.State.V != dump.CellLive {
			continue
		}
		if c.CPUs.V.IsEmpty() {
			p.addf("cell-empty: cell %d", c.ID)
		}
		if both := all.And(c.CPUs.V); !both.IsEmpty() {
			p.addf("cpu-twice: %s", both)
		}
		all = all.Or(c.CPUs.V)
		if c.ID != 0 {
			others = others.Or(c.CPUs.V)
		}
	}
	if pending(s) {
		return // CPUs may have come or gone
	}
	on := online(s)
	if lost := on.AndNot(all); !lost.IsEmpty() {
		p.addf("cpu-orphan: %s is in no cell", lost)
	}
	if root := liveCell(s, 0); root == nil || root.CPUs.V != on.AndNot(others) {
		p.addf("root-mask: %+v, online %s, of others %s", root, on, others)
	}
}

func (p *problems) cpus(s *dump.Snapshot) {
	for i := range s.CPUs {
		c := &s.CPUs[i]
		if c.Nesting.V > 1 {
			p.addf("gp-parity: CPU %d is %d sections deep", c.ID, c.Nesting.V)
		}
		if !s.Status.Grace.Active() && c.PrevCell.V != c.Cell.V {
			p.addf("prev-cell: CPU %d was in cell %d and is in %d", c.ID, c.PrevCell.V, c.Cell.V)
		}
		if !c.Online.V || pending(s) {
			continue
		}
		switch cell := liveCell(s, c.Cell.V); {
		case cell == nil:
			p.addf("not-reclaimed: CPU %d is in cell %d, which is not live", c.ID, c.Cell.V)
		case !cell.CPUs.V.Has(int(c.ID)):
			p.addf("cpu-cell-mask: CPU %d is in cell %d, which has %s", c.ID, c.Cell.V, cell.CPUs.V)
		}
	}
}

func (p *problems) owners(s *dump.Snapshot) {
	byID := make(map[uint64]*dump.Cgroup)
	for i := range s.Cgroups {
		byID[s.Cgroups[i].ID] = &s.Cgroups[i]
	}
	for i := range s.Cells {
		c := &s.Cells[i]
		if c.ID == 0 || c.State.V != dump.CellLive || pending(s) {
			continue
		}
		if owner := byID[c.OwnerCgroup.V]; owner == nil || owner.Owns != c.ID {
			p.addf("cell-leak: cell %d of cgroup %d, which is %+v", c.ID, c.OwnerCgroup.V, owner)
		}
	}
	for _, g := range byID {
		if !g.HasContext && !g.Dying {
			p.addf("noctx-live: cgroup %d %s", g.ID, g.Path.V)
			continue
		}
		if pending(s) {
			continue
		}
		own := liveCell(s, g.Owns)
		if g.Owns != 0 && own != nil {
			if own.OwnerCgroup.V != g.ID || g.Cell != g.Owns {
				p.addf("owner-1-1: cgroup %d owns cell %d, is in %d, which %d owns", g.ID, g.Owns, g.Cell, own.OwnerCgroup.V)
			}
			continue
		}
		if parent := byID[g.Parent]; parent != nil && parent.HasContext && g.Cell != parent.Cell {
			p.addf("inherit: cgroup %d is in cell %d, its parent in %d", g.ID, g.Cell, parent.Cell)
		}
	}
}

// How long the machinery may be at it; a guest is slow, and its clock stops.
const (
	timerWithin = 5 * time.Second
	tokenWithin = 2 * time.Second
)

// allMayPass reports whether all that is broken is what a guest breaks when its host has
// other things to do and lets it stand still. What is really stuck stays stuck.
func allMayPass(broken []string) bool {
	return !slices.ContainsFunc(broken, func(problem string) bool {
		rule, _, _ := strings.Cut(problem, ":")
		return rule != "timer-late" && rule != "token-held" && rule != "gp-stuck"
	})
}

func (p *problems) machinery(s *dump.Snapshot) {
	st := s.Status
	if ago, ok := s.Since(st.Timer.Last); st.Timer.Runs == 0 || !ok || ago > timerWithin {
		p.addf("timer-late: %d runs, the last %s ago", st.Timer.Runs, ago)
	}
	if held, ok := s.Since(st.Apply.TokenSince); ok && held > tokenWithin {
		p.addf("token-held: for %s", held)
	}
	if st.Apply.RC != 0 {
		p.addf("half-apply: %d", st.Apply.RC)
	}
	if active, ok := s.Since(st.Grace.Started); ok && st.Grace.Active() && active > tokenWithin {
		p.addf("gp-stuck: for %s", active)
	}
	if st.LateInserts != 0 {
		p.addf("late-insert: %d", st.LateInserts)
	}
	if st.EnqFallback != 0 {
		p.addf("enq-fallback: %d tasks went to the global DSQ", st.EnqFallback)
	}
	if st.InitEnded != 0 && st.Timer.First != 0 && st.Timer.First < st.InitEnded {
		p.addf("timer-early: at %d, init ended at %d", st.Timer.First, st.InitEnded)
	}
}

func (p *problems) queues(s *dump.Snapshot) {
	for i := range s.DSQs {
		ref, ok := dump.TypedDSQ(s.DSQs[i].ID.V)
		if !ok || ref.Kind != dump.DSQKindCell || s.DSQs[i].Queued.V <= 0 {
			continue
		}
		c := s.Cell(ref.Cell)
		switch {
		case c == nil:
			p.addf("dsq-orphan: %d tasks on the queue of cell %d, which is free", s.DSQs[i].Queued.V, ref.Cell)
		case c.State.V == dump.CellDrain:
			if ago, ok := s.Since(c.Since.V); ok && ago > timerWithin {
				p.addf("dsq-orphan: %d tasks on the queue of cell %d, which drains for %s", s.DSQs[i].Queued.V, ref.Cell, ago)
			}
		}
	}
}

// waitsFor is how long a task may wait for its turn. Guests are slow, and full.
const waitsFor = 8 * time.Second

// lostAfter is when a task that is on no queue is not on its way to one any more.
const lostAfter = 2 * time.Second

func (p *problems) task(s *dump.Snapshot, t *dump.Task) {
	if t.Context == nil || t.IsOffQueue() {
		return
	}
	applied := t.ConfigSeq.V == s.Status.AppliedSeq && !pending(s)
	waits, waiting := t.WaitingFor()
	if applied && !t.Context.Fallback && liveCell(s, t.Cell.V) == nil {
		p.addf("task-dead-cell: %s in cell %d", t.TaskRef, t.Cell.V)
	}
	if waiting && waits > waitsFor && s.IsStale(t) {
		p.addf("task-stale: %s waits for %s with configuration %d", t.TaskRef, waits, t.ConfigSeq.V)
	}
	if waiting && waits > lostAfter && t.HeldByBPF() {
		p.addf("lost-task: %s", t.TaskRef)
	}
	if t.Context.Fallback {
		p.addf("fallback-wrong: %s flags %#x", t.TaskRef, t.PFFlags.V)
	}
	if lead := int64(t.Context.VTimeRead - t.BasisVTime.V); lead > 64*int64(s.Status.Slice) {
		p.addf("vt-future: %s leads by %s", t.TaskRef, time.Duration(lead))
	}
	for i := range s.Cgroups {
		if g := &s.Cgroups[i]; applied && g.ID == t.Context.CgroupIDNow && g.HasContext && t.CgroupID.V == g.ID && t.Cell.V != g.Cell {
			p.addf("seq-cell: %s is in cell %d, its cgroup in %d", t.TaskRef, t.Cell.V, g.Cell)
		}
	}
	if t.DSQ.V.Kind == dump.DSQKindCell || t.DSQ.V.Kind == dump.DSQKindCPU {
		p.queued(s, t, applied)
	}
}

// queued checks a task that is on a queue of the scheduler.
func (p *problems) queued(s *dump.Snapshot, t *dump.Task, applied bool) {
	if t.AssignedDSQ.V.ID != t.DSQ.V.ID {
		p.addf("dsq-mismatch: %s is on %s, meant for %s", t.TaskRef, t.DSQ.V, t.AssignedDSQ.V)
	}
	if t.DSQ.V.Kind == dump.DSQKindCPU {
		if !t.CPUs.V.Has(int(t.DSQ.V.CPU)) {
			p.addf("pin-wrong-cpu: %s may use %s, is on %s", t.TaskRef, t.CPUs.V, t.DSQ.V)
		}
		return
	}
	cell := liveCell(s, t.DSQ.V.Cell)
	if cell == nil || !applied {
		return
	}
	if t.CPUs.V.And(cell.CPUs.V).IsEmpty() {
		p.addf("pin-on-cell: %s may use %s, is on %s of %s", t.TaskRef, t.CPUs.V, t.DSQ.V, cell.CPUs.V)
	}
	if !t.AllCellCPUsAllowed.V {
		p.addf("pin-cache: %s is pinned and on %s", t.TaskRef, t.DSQ.V)
	}
}

// history checks the order of events, as far as they are there.
func (p *problems) history(s *dump.Snapshot) {
	whole := len(s.Events) > 0 && s.Events[0].Seq == 0
	born, gone := make(map[uint64]bool), make(map[uint64]bool)
	for i := range s.Events {
		e := &s.Events[i]
		if e.Torn {
			p.addf("ev-gap: event %d is torn", e.Seq)
		}
		if i > 0 && e.Seq != s.Events[i-1].Seq+1 {
			p.addf("ev-gap: event %d follows %d", e.Seq, s.Events[i-1].Seq)
		}
		switch e.Kind {
		case "cgroup_init":
			if born[e.CgroupID.V] {
				p.addf("ev-double: cgroup %d", e.CgroupID.V)
			}
			born[e.CgroupID.V] = true
		case "cgroup_exit":
			gone[e.CgroupID.V] = true
			delete(born, e.CgroupID.V)
		case "init_task":
			if whole && !born[e.CgroupID.V] && !gone[e.CgroupID.V] {
				p.addf("ev-init-order: task %d of cgroup %d before that", e.PID.V, e.CgroupID.V)
			}
			if gone[e.CgroupID.V] {
				p.addf("ev-after-exit: task %d of cgroup %d", e.PID.V, e.CgroupID.V)
			}
		}
	}
}

// checkCpuset checks that a cgroup has the cell that its cpuset asks for, once
// nothing is left to apply.
func checkCpuset(t *testing.T, s *dump.Snapshot, g *dump.Cgroup) {
	t.Helper()
	if problem := cpusetProblem(s, g); problem != "" {
		t.Errorf("cfg-lost: cgroup %d %s: %s", g.ID, g.Path.V, problem)
	}
}

// cpusetProblem says what of a cgroup is not as its cpuset asks for, "" if
// nothing.
func cpusetProblem(s *dump.Snapshot, g *dump.Cgroup) string {
	on := online(s)
	want := g.CPUs.V.And(g.EffectiveCPUs.V).And(on)
	proper := !want.IsEmpty() && want != on
	own := liveCell(s, g.Owns)
	if g.Owns == 0 {
		own = nil
	}
	switch {
	case !proper && own != nil:
		return fmt.Sprintf("it owns cell %d of %s and has no cpuset", own.ID, own.CPUs.V)
	case proper && own != nil && own.CpusetCPUs.V != want:
		return fmt.Sprintf("its cpuset is %s, the scheduler read %s", want, own.CpusetCPUs.V)
	case proper && own != nil && !own.CPUs.V.AndNot(want).IsEmpty():
		return fmt.Sprintf("its cpuset is %s, its cell has %s", want, own.CPUs.V)
	case proper && own == nil && !takenByOthers(s, g, want):
		return fmt.Sprintf("its cpuset is %s, and it has no cell", want)
	}
	return ""
}

// takenByOthers reports whether every CPU of a cpuset is in a cell that has it
// from another cpuset, or kept back for the root cell.
func takenByOthers(s *dump.Snapshot, g *dump.Cgroup, want dump.CPUMask) bool {
	for i := range s.Cells {
		c := &s.Cells[i]
		if c.ID != 0 && c.State.V == dump.CellLive && c.OwnerCgroup.V != g.ID {
			want = want.AndNot(c.CPUs.V)
		}
	}
	if held := s.Status.HeldCPU; held >= 0 && want.Has(int(held)) {
		want = want.AndNot(dump.MaskOf(int(held)))
	}
	return want.IsEmpty()
}
