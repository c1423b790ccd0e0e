// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"time"

	"scxdiag/dump"
)

// schedulerRows is what a cell scheduler says of itself as a whole.
func schedulerRows(s *dump.Snapshot) []row {
	t := s.Status
	if t == nil {
		return nil
	}
	rows := []row{{label: "scheduler", lines: []phrase{configPhrase(s), timerPhrase(s), gracePhrase(s), cellsPhrase(s)}}}
	if r, ok := fact("cgroups", cgroupsPhrase(s)); ok {
		rows = append(rows, r)
	}
	if r, ok := fact("noticed", noticedPhrase(t)); ok {
		rows = append(rows, r)
	}
	return rows
}

// since is how long ago something was, in words for behind a comma: ", WHAT 3s
// ago". It is empty if it never was or that is unknown.
func since(s *dump.Snapshot, what string, at uint64) phrase {
	ago, ok := s.Since(at)
	if !ok {
		return nil
	}
	return say(", ", what, short3(ago), " ago")
}

// short3 is a duration with about three digits.
func short3(d time.Duration) time.Duration {
	for unit := time.Second; unit > time.Microsecond; unit /= 1000 {
		if d >= unit {
			return d.Round(unit / 100)
		}
	}
	return d
}

func configPhrase(s *dump.Snapshot) phrase {
	t, a := s.Status, &s.Status.Apply
	p := say("configuration ", t.AppliedSeq, " in force")
	if t.ConfigSeq != t.AppliedSeq {
		p = say("configuration ", t.ConfigSeq, " wanted, ", t.AppliedSeq, " in force")
	}
	begun, beganKnown := s.Since(a.Begun)
	switch {
	case a.Phase != "" && beganKnown:
		p = say(p, ", being applied for ", short3(begun), " (", quoted(a.Phase), ")")
	case a.Phase != "":
		p = say(p, ", being applied (", quoted(a.Phase), ")")
	case a.Ended >= a.Begun:
		p = say(p, since(s, "applied ", a.Ended))
	default:
		p = say(p, since(s, "given up after it was begun ", a.Begun))
	}
	if a.RC != 0 {
		p = say(p, ", with error ", a.RC)
	}
	if held, ok := s.Since(a.TokenSince); ok && a.Phase == "" {
		p = say(p, ", the token to apply taken for ", short3(held))
	}
	if open := t.CpusetBegun - t.CpusetEnded; open != 0 {
		p = say(p, ", ", plural(open, "cpuset write"), " in progress")
	}
	return p
}

func timerPhrase(s *dump.Snapshot) phrase {
	t := &s.Status.Timer
	p := say("timer: ", plural(t.Runs, "run"))
	if !t.Armed {
		p = say("timer: never armed")
	}
	if t.Runs > 0 {
		p = say(p, since(s, "last ", t.Last), ", longest ", short3(t.MaxRun))
	}
	if t.Period > 0 {
		p = say(p, ", every ", t.Period)
	}
	if t.RC != 0 {
		p = say(p, ", arming it failed with error ", t.RC)
	}
	return p
}

func gracePhrase(s *dump.Snapshot) phrase {
	g := &s.Status.Grace
	switch {
	case g.Active():
		p := say("grace period ", g.Seq, " in progress")
		if d, ok := s.Since(g.Started); ok {
			p = say(p, " for ", short3(d))
		}
		if m := s.Awaited(); !m.IsEmpty() {
			p = say(p, ", waits for ", cpuList(m))
		}
		return p
	case g.Seq == 0:
		return say("no grace period so far")
	}
	return say("grace period: none in progress, sequence ", g.Seq, since(s, "the last began ", g.Started))
}

func cellsPhrase(s *dump.Snapshot) phrase {
	t := s.Status
	p := say("room for ", plural(t.MaxCells, "cell")) // what they are is not in this snapshot
	if len(s.Cells) > 0 {
		p = say(s.CellsUsed(), " of ", t.MaxCells, " cells in use")
	}
	if t.MaxUsed > 0 {
		p = say(p, ", at most ", t.MaxUsed, " at once")
	}
	if t.Queues > 0 {
		p = say(p, ", ", t.Queues, " with a queue")
	}
	return say(p, ", slice ", nanos(t.Slice))
}

// cgroupsPhrase counts the cgroups and those that are in a state of note.
func cgroupsPhrase(s *dump.Snapshot) phrase {
	if len(s.Cgroups) == 0 {
		return nil
	}
	var owners, dying, unknown int
	for i := range s.Cgroups {
		g := &s.Cgroups[i]
		if g.HasContext && g.Owns != 0 {
			owners++
		}
		if g.Dying {
			dying++
		}
		if !g.HasContext && g.CPUController {
			unknown++
		}
	}
	p := say(len(s.Cgroups), ", ", owners, " of them with a cell of their own")
	if dying > 0 {
		p = say(p, ", ", dying, " removed")
	}
	if unknown > 0 {
		p = say(p, ", ", unknown, " without the scheduler's storage")
	}
	return p
}

// noticedPhrase are counts of what is rare.
func noticedPhrase(t *dump.Status) phrase {
	var p phrase
	for _, c := range []struct {
		n          uint64
		noun, what string
	}{
		{t.EnqFallback, "enqueue", " on the global DSQ for lack of storage"},
		{t.TimeClamped, "run time", " clamped to zero"},
		{t.AllocFail, "time", " that a cpuset got no cell, for all were taken"},
		{t.LateInserts, "task", " queued on a cell that was free"},
		{t.Rescued, "task", " taken off a queue that no CPU serves for them"},
		{t.Exiting.Count, "exiting task", " of dead cgroups moved to the root cell"},
	} {
		if c.n > 0 {
			p = join(", ", p, say(plural(c.n, c.noun), c.what))
		}
	}
	if x := &t.Exiting; x.Count > 0 {
		p = say(p, " (the last PID ", x.PID, " of cgroup ", x.CgroupID, ")")
	}
	if t.HeldCPU >= 0 {
		p = join(", ", p, say("CPU ", t.HeldCPU, " kept back for the root cell"))
	}
	return p
}

// cellState is where a cell stands between two uses of its id.
func cellState(s *dump.Snapshot, c *dump.Cell) phrase {
	if !c.State.Known {
		return nil
	}
	p := say(quoted(c.State.V))
	if d, ok := s.Since(c.Since.V); ok {
		p = say(p, " for ", short3(d))
	}
	if c.GraceUntil.V != 0 {
		p = say(p, " until grace period ", c.GraceUntil.V)
	}
	if c.Generation.Known {
		p = say(p, ", generation ", c.Generation.V)
	}
	return p
}
