// SPDX-License-Identifier: GPL-2.0-only

package triage_test

import (
	"slices"
	"testing"
	"time"

	"scxdiag/dump"
	"scxdiag/dump/triage"
)

// healthy is a pair of samples of our own scheduler with nothing wrong, a second
// apart: cell 1, of CPUs 0 and 1, belongs to the cgroup /cell.
func healthy(t *testing.T) (before, s *dump.Snapshot) {
	t.Helper()
	const file = "../../testdata/cells/7.3-skip-apply.rec.gz"
	before, s = recordsOf(t, file)[0], recordsOf(t, file)[0]
	s.Status.At += uint64(time.Second)
	s.Status.Timer.Last += uint64(time.Second)
	s.Status.Timer.Runs += 10
	return before, s
}

func taskCalled(s *dump.Snapshot, comm string) *dump.Task {
	for i := range s.Tasks {
		if s.Tasks[i].Comm == comm {
			return &s.Tasks[i]
		}
	}
	return nil
}

func cgroupAt(s *dump.Snapshot, path string) *dump.Cgroup {
	for i := range s.Cgroups {
		if s.Cgroups[i].Path.V == path {
			return &s.Cgroups[i]
		}
	}
	return nil
}

// waits has a task wait for some time.
func waits(t *dump.Task, d time.Duration) { t.RunnableAt = dump.Of(-d) }

// ago is a time before a snapshot.
func ago(s *dump.Snapshot, d time.Duration) uint64 { return s.Status.At - uint64(d) }

// pends has a configuration wait to be applied, which excuses much.
func pends(_, s *dump.Snapshot) { s.Status.ConfigSeq++ }

// states are the rules on the state of cells: what breaks them, and what looks much
// like it and is in order.
var states = []struct {
	rule       string
	broken     func(before, s *dump.Snapshot)
	near       func(before, s *dump.Snapshot)
	alsoBroken bool // near comes on top of broken, and excuses it
}{
	{
		rule:   "timer-stopped",
		broken: func(b, s *dump.Snapshot) { s.Status.Timer.Runs = b.Status.Timer.Runs },
		near:   func(b, s *dump.Snapshot) { s.Status.Timer.Runs = b.Status.Timer.Runs + 1 },
	},
	{
		rule:   "timer-stopped",
		broken: func(_, s *dump.Snapshot) { s.Status.Timer.Last = ago(s, 20*time.Second) },
		near:   func(_, s *dump.Snapshot) { s.Status.Timer.Last = ago(s, time.Second) },
	},
	{
		rule:   "token-held",
		broken: func(_, s *dump.Snapshot) { s.Status.Apply.TokenSince = ago(s, 5*time.Second) },
		near:   func(_, s *dump.Snapshot) { s.Status.Apply.TokenSince = ago(s, 100*time.Millisecond) },
	},
	{
		rule:   "slot-empty",
		broken: func(_, s *dump.Snapshot) { s.Cell(1).SpareMissing = dump.Of(true) },
		near:   func(_, s *dump.Snapshot) { s.Cell(1).SpareMissing = dump.Of(false) },
	},
	{
		rule:   "half-apply",
		broken: func(_, s *dump.Snapshot) { s.Status.Apply.RC = -12 },
		near:   func(_, s *dump.Snapshot) { s.Status.Timer.RC = -16 },
	},
	{
		rule: "gp-parity",
		broken: func(_, s *dump.Snapshot) {
			s.CPU(2).Nesting, s.CPU(2).SectionSince = dump.Of[uint32](2), dump.Of(ago(s, time.Second))
		},
		near: func(_, s *dump.Snapshot) {
			s.CPU(2).Nesting, s.CPU(2).SectionSince = dump.Of[uint32](1), dump.Of(ago(s, time.Millisecond))
		},
	},
	{
		rule: "cfg-pending",
		broken: func(b, s *dump.Snapshot) {
			b.Status.ConfigSeq++
			s.Status.ConfigSeq++
		},
		near: pends,
	},
	{
		rule:   "cfg-lost",
		broken: func(_, s *dump.Snapshot) { cgroupAt(s, "/cell").CPUs = dump.Of(dump.MaskOf(1)) },
		near: func(b, s *dump.Snapshot) {
			cgroupAt(s, "/cell").CPUs = dump.Of(dump.MaskOf(1))
			pends(b, s)
		},
	},
	{
		rule: "cell-empty",
		broken: func(_, s *dump.Snapshot) {
			s.Cell(1).CPUs = dump.Of(dump.CPUMask{})
			waits(taskCalled(s, "work-2"), 20*time.Second)
		},
		near: func(_, s *dump.Snapshot) { waits(taskCalled(s, "work-2"), 20*time.Second) },
	},
	{
		rule:   "not-reclaimed",
		broken: func(_, s *dump.Snapshot) { s.CPU(1).Cell = dump.Of[int32](5) }, near: pends, alsoBroken: true,
	},
	{
		rule:   "cpu-orphan",
		broken: func(_, s *dump.Snapshot) { s.Cell(0).CPUs = dump.Of(dump.MaskOf(2)) },
		near: func(_, s *dump.Snapshot) {
			s.Cell(0).CPUs = dump.Of(dump.MaskOf(2))
			s.CPU(3).Online = dump.Of(false)
		},
	},
	{
		rule:   "cpu-twice",
		broken: func(_, s *dump.Snapshot) { s.Cell(0).CPUs = dump.Of(dump.MaskRange(1, 3)) },
		near: func(_, s *dump.Snapshot) { // what is left of an ended one
			s.Cells = append(s.Cells, dump.Cell{ID: 2, State: dump.Of(dump.CellFree), CPUs: dump.Of(dump.MaskOf(2))})
		},
	},
	{
		rule:   "cpu-cell-mask",
		broken: func(_, s *dump.Snapshot) { s.CPU(2).Cell = dump.Of[int32](1) }, near: pends, alsoBroken: true,
	},
	{
		rule:   "cell-leak",
		broken: func(_, s *dump.Snapshot) { s.Cell(1).OwnerCgroup = dump.Of[uint64](999) }, near: pends, alsoBroken: true,
	},
	{
		rule:   "cell-exhaust",
		broken: func(_, s *dump.Snapshot) { s.Status.AllocFail = 3 },
		near:   func(_, s *dump.Snapshot) { s.Status.MaxUsed = s.Status.MaxCells },
	},
	{
		rule: "owner-1-1",
		broken: func(_, s *dump.Snapshot) {
			cgroupAt(s, "/nocontext").Owns, cgroupAt(s, "/nocontext").Cell = 1, 1
		},
		near: pends, alsoBroken: true,
	},
	{
		rule:   "inherit",
		broken: func(_, s *dump.Snapshot) { cgroupAt(s, "/nocontext").Cell = 1 },
		near: func(_, s *dump.Snapshot) { // one that the kernel never told of
			cgroupAt(s, "/nocontext").Cell, cgroupAt(s, "/nocontext").HasContext, cgroupAt(s, "/nocontext").Dying = 1, false, true
		},
	},
	{
		rule: "dsq-orphan",
		broken: func(_, s *dump.Snapshot) {
			s.Cell(1).State = dump.Of(dump.CellDrain)
			s.Cell(1).Since = dump.Of(ago(s, 20*time.Second))
		},
		near: func(_, s *dump.Snapshot) {
			s.Cell(1).State = dump.Of(dump.CellDrain)
			s.Cell(1).Since = dump.Of(ago(s, 100*time.Millisecond))
		},
	},
	{
		rule:   "noctx-live",
		broken: func(_, s *dump.Snapshot) { cgroupAt(s, "/nocontext").HasContext = false },
		near: func(_, s *dump.Snapshot) {
			cgroupAt(s, "/nocontext").HasContext, cgroupAt(s, "/nocontext").Dying = false, true
		},
	},
	{
		rule:   "late-insert",
		broken: func(_, s *dump.Snapshot) { s.Status.LateInserts = 2 },
		near:   func(_, s *dump.Snapshot) { s.Status.Rescued = 2 },
	},
	{
		rule: "lost-task",
		broken: func(_, s *dump.Snapshot) {
			x := taskCalled(s, "work-2")
			x.DSQ, x.OpsState = dump.Of(dump.DSQRef{Kind: dump.DSQKindNone}), dump.Of(dump.OpsQueued)
			waits(x, 8*time.Second)
		},
		near: func(_, s *dump.Snapshot) { // on its way
			x := taskCalled(s, "work-2")
			x.DSQ, x.OpsState = dump.Of(dump.DSQRef{Kind: dump.DSQKindNone}), dump.Of(dump.OpsQueued)
			waits(x, 20*time.Millisecond)
		},
	},
	{
		rule:   "task-dead-cell",
		broken: func(_, s *dump.Snapshot) { taskCalled(s, "work-2").Cell = dump.Of[int32](7) },
		near: func(_, s *dump.Snapshot) { // it will look again
			taskCalled(s, "work-2").Cell = dump.Of[int32](7)
			taskCalled(s, "work-2").ConfigSeq.V--
		},
	},
	{
		rule:   "seq-cell",
		broken: func(_, s *dump.Snapshot) { taskCalled(s, "work-2").Cell = dump.Of[int32](0) },
		near: func(_, s *dump.Snapshot) { // it was moved, and will look again
			taskCalled(s, "work-2").Cell = dump.Of[int32](0)
			taskCalled(s, "work-2").Context.CgroupIDNow = 1
		},
	},
	{
		rule: "dsq-mismatch",
		broken: func(_, s *dump.Snapshot) {
			taskCalled(s, "work-2").AssignedDSQ = dump.Of(dump.DSQRef{ID: 0x20000000, Kind: dump.DSQKindCell})
		},
		near: func(_, s *dump.Snapshot) { // a CPU has taken it
			taskCalled(s, "work-2").DSQ = dump.Of(dump.DSQRef{ID: dump.DSQLocal, Kind: dump.DSQKindLocal, CPU: 1})
		},
	},
	{
		rule:   "pin-on-cell",
		broken: func(_, s *dump.Snapshot) { taskCalled(s, "work-2").CPUs = dump.Of(dump.MaskOf(0)) },
		near:   func(_, s *dump.Snapshot) { taskCalled(s, "work-2").CPUs = dump.Of(dump.MaskRange(0, 2)) },
	},
	{
		rule: "vt-frozen",
		broken: func(_, s *dump.Snapshot) {
			taskCalled(s, "work-2").RunTime.V += 900 * time.Millisecond
		},
		near: func(_, s *dump.Snapshot) {
			taskCalled(s, "work-2").RunTime.V += 900 * time.Millisecond
			s.Cell(1).VTime.V += 1e9
		},
	},
	{
		rule:   "vt-backward",
		broken: func(_, s *dump.Snapshot) { s.Cell(1).VTime.V -= 1000 },
		near: func(_, s *dump.Snapshot) { // it is another cell
			s.Cell(1).VTime.V -= 1000
			s.Cell(1).Generation.V++
		},
	},
	{
		rule: "task-stale",
		broken: func(_, s *dump.Snapshot) {
			taskCalled(s, "work-2").ConfigSeq.V--
			waits(taskCalled(s, "work-2"), 20*time.Second)
		},
		near: func(_, s *dump.Snapshot) { // asleep
			taskCalled(s, "work-2").ConfigSeq.V--
		},
	},
	{
		rule:   "prev-cell",
		broken: func(_, s *dump.Snapshot) { s.CPU(2).PrevCell = dump.Of[int32](1) },
		near: func(_, s *dump.Snapshot) {
			s.CPU(2).PrevCell = dump.Of[int32](1)
			s.Status.Grace.Seq |= 1 // in progress
		},
	},
	{
		rule:   "root-mask",
		broken: func(_, s *dump.Snapshot) { s.Cell(0).CPUs = dump.Of(dump.MaskRange(2, 5)) }, near: pends, alsoBroken: true,
	},
	{
		rule:   "cell-near",
		broken: func(_, s *dump.Snapshot) { s.Status.MaxCells = 2 },
		near:   func(_, s *dump.Snapshot) { s.Status.MaxCells = 3 },
	},
	{
		rule:   "index-range",
		broken: func(_, s *dump.Snapshot) { s.CPU(2).Cell = dump.Of[int32](64) },
		near:   func(_, s *dump.Snapshot) { s.CPU(2).Cell = dump.Of[int32](63) },
	},
	{
		rule:   "vt-underflow",
		broken: func(_, s *dump.Snapshot) { s.Status.TimeClamped = 1 },
		near:   func(_, s *dump.Snapshot) { s.Status.Rescued = 1 },
	},
	{
		rule:   "exiting-dead-cg",
		broken: func(_, s *dump.Snapshot) { s.Status.Exiting.Count = 1 },
		near:   func(_, s *dump.Snapshot) { cgroupAt(s, "/nocontext").Dying = true },
	},
	{
		rule: "starved-cpuq",
		broken: func(_, s *dump.Snapshot) {
			s.CPU(0).Class = dump.Of(dump.ClassExt)
			waits(taskCalled(s, "kworker/0:1"), 2*time.Second)
		},
		near: func(_, s *dump.Snapshot) { // it came up, and is there again
			s.CPU(0).Class = dump.Of(dump.ClassExt)
			waits(taskCalled(s, "kworker/0:1"), 200*time.Millisecond)
		},
	},
	{
		rule:   "timer-early",
		broken: func(_, s *dump.Snapshot) { s.Status.Timer.First = s.Status.InitEnded - 1000 },
		near:   func(_, s *dump.Snapshot) { s.Status.Timer.First = s.Status.InitEnded + 1000 },
	},
	{
		rule:   "enq-fallback",
		broken: func(_, s *dump.Snapshot) { s.Status.EnqFallback = 1 },
		near:   func(_, s *dump.Snapshot) { s.Status.Exiting.Count = 1 }, // a zombie, for which the root cell is right
	},
	{
		rule: "ev-order",
		broken: func(_, s *dump.Snapshot) {
			s.Events = slices.Delete(s.Events, 3, 4)
		},
		near: func(_, s *dump.Snapshot) { // the oldest were overwritten
			s.Events = s.Events[3:]
		},
	},
}

func TestStates(t *testing.T) {
	before, s := healthy(t)
	triage.Apply(s, before)
	if len(s.Findings) > 0 {
		t.Fatalf("healthy: %s", rulesOf(s))
	}
	for _, c := range states {
		t.Run(c.rule, func(t *testing.T) {
			b, s := healthy(t)
			c.broken(b, s)
			triage.Apply(s, b)
			whole := findingOf(s, c.rule)
			if whole == nil || len(whole.Evidence) == 0 || whole.Title == "" || whole.Next == "" {
				t.Errorf("broken: no such finding, or an empty one, but %s", rulesOf(s))
			}

			s.Ledger.Truncated = true
			triage.Apply(s, b)
			if part := findingOf(s, c.rule); part != nil && whole != nil && !lessSure(part.Confidence, whole.Confidence) {
				t.Errorf("truncated: confidence %s as before", part.Confidence)
			}

			b, s = healthy(t)
			if c.alsoBroken {
				c.broken(b, s)
			}
			c.near(b, s)
			triage.Apply(s, b)
			if findingOf(s, c.rule) != nil {
				t.Errorf("near miss: it is found, too")
			}
		})
	}
}

// findingOf is the finding of a rule, or that it is folded under.
func findingOf(s *dump.Snapshot, rule string) *dump.Finding {
	for i := range s.Findings {
		if f := &s.Findings[i]; f.Rule == rule || slices.Contains(f.Follows, rule) {
			return f
		}
	}
	return nil
}

func lessSure(a, b dump.Confidence) bool {
	order := []dump.Confidence{dump.ConfidenceLow, dump.ConfidenceMedium, dump.ConfidenceHigh}
	return slices.Index(order, a) < slices.Index(order, b) || a == dump.ConfidenceLow
}
