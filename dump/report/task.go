// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"scxdiag/dump"
)

// dsqByVTime is the bit of Task.DSQFlags that is set while the task stands in
// its DSQ by vtime.
const dsqByVTime = 1

// taskRows is all that is known of a task.
func taskRows(s *dump.Snapshot, label string, t *dump.Task) []row {
	rows := []row{{label: label, lines: []phrase{taskHead(s, t)}}}
	sub := func(label string, lines ...phrase) {
		if r, ok := fact(label, lines...); ok {
			r.sub = true
			rows = append(rows, r)
		}
	}
	sub("queue", taskQueue(t))
	sub("vtime", taskVTime(s, t))
	sub("may run", taskLimits(t))
	sub("ran", taskRuns(s, t))
	sub("state", taskState(s, t))
	sub("says", verbatim(t.Scheduler, t.Text, t.Cell.Known || t.VTime.Known), verbatim(t.Unknown, nil, false))
	if len(t.Stack) > 0 {
		rows = append(rows, row{
			label: "stack", sub: true, code: printableLines(t.Stack), top: 3,
			skip: min(t.DumpFrames(), len(t.Stack)-1), skipped: "of the dump itself",
		})
	}
	return rows
}

func taskHead(s *dump.Snapshot, t *dump.Task) phrase {
	doing := say("not running")
	if w, ok := t.WaitingFor(); ok {
		doing = say("waiting ", w)
	}
	if t.Current {
		doing = say("running")
	}
	var on, state, owner, cgroup phrase
	switch {
	case !t.CPU.Known:
	case t.IsOffQueue():
		on = say("on no run queue, last on CPU ", t.CPU.V)
	default:
		on = say("on the run queue of CPU ", t.CPU.V)
		if t.Current {
			on = say("on CPU ", t.CPU.V)
		}
	}
	if t.State.Known {
		state = say("state ", quoted(string([]byte{t.State.V})))
	}
	if t.Owner.Known {
		owner = say("owned by ", quoted(t.Owner.V))
		if !t.OwnerDumped {
			owner = say(owner, ", not the scheduler that was dumped")
		}
	}
	if t.CgroupName.Known {
		cgroup = say("cgroup ", quoted(t.CgroupName.V))
	} else if t.CgroupID.Known {
		cgroup = say("cgroup ", t.CgroupID.V)
	}
	if x := t.Context; x != nil && x.CgroupIDNow != t.CgroupID.V {
		cgroup = join(", ", cgroup, say("now in cgroup ", cgroupName(s, x.CgroupIDNow)))
	}
	return join(", ", say(t.TaskRef, " ", join(" ", doing, on)), state, owner, cgroup)
}

// cgroupName is the path of a cgroup, or else its id.
func cgroupName(s *dump.Snapshot, id uint64) phrase {
	if g := s.Cgroup(id); g != nil && g.Path.Known {
		return say(quoted(g.Path.V))
	}
	return say(id)
}

func taskQueue(t *dump.Task) phrase {
	var at, order, assigned, ops phrase
	switch {
	case t.HeldByBPF():
		at = say("on no DSQ: the BPF scheduler has it and has not dispatched it")
	case t.DSQ.Known && t.DSQ.V.IsNone():
		at = say("on no DSQ")
	case t.DSQ.Known:
		at = say(dsqName(t.DSQ.V))
		if t.DSQFlags.Known && t.DSQFlags.V&dsqByVTime != 0 {
			order = say("ordered by vtime")
		}
	}
	if t.IsAssignedElsewhere() {
		assigned = say("assigned to ", dsqName(t.AssignedDSQ.V))
	}
	if t.OpsState.Known {
		ops = say("ops_state ", t.OpsState.V.String())
		if t.QSeq.Known {
			ops = say(ops, "/", t.QSeq.V)
		}
	}
	return join(", ", at, order, assigned, ops)
}

// dsqName is a DSQ decoded, with the number that it was decoded from.
func dsqName(d dump.DSQRef) phrase {
	name := d.String()
	if id := d.ID.String(); name != id {
		name += " (" + id + ")"
	}
	return say("DSQ ", quoted(name))
}

func taskVTime(s *dump.Snapshot, t *dump.Task) phrase {
	var own, inDSQ, basis, read, clock phrase
	v := t.VTime
	if !v.Known {
		v = t.DSQVTime
	}
	if !v.Known || !t.VTime.Known && v.V == 0 { // 0 is what schedulers without vtimes leave
		return nil
	}
	own = say(v.V)
	if t.DSQVTime.Known && t.DSQVTime.V != v.V {
		inDSQ = say("in the DSQ ", t.DSQVTime.V)
	}
	if t.BasisVTime.Known {
		basis = say("basis ", t.BasisVTime.V)
	}
	cell := t.Cell
	if x := t.Context; x != nil {
		cell = dump.Of(x.Clock)
		if x.VTimeRead != v.V {
			read = say("read as ", x.VTimeRead)
		}
	}
	switch {
	case t.DSQ.Known && t.DSQ.V.Kind == dump.DSQKindCPU:
		if c := s.CPU(t.DSQ.V.CPU); c != nil && c.VTime.Known {
			clock = say(offset(v.V, c.VTime.V), " the clock of CPU ", c.ID)
		}
	case cell.Known:
		if c := s.Cell(cell.V); c != nil && c.VTime.Known {
			clock = say(offset(v.V, c.VTime.V), " the clock of cell ", c.ID)
		}
	}
	return join(", ", own, inDSQ, basis, read, clock)
}

// offset says how far a vtime is from a clock. Both wrap.
func offset(v, clock uint64) string {
	switch d := int64(v - clock); { //nolint:gosec // a wrapping difference
	case d > 0:
		return fmt.Sprint(d, " ahead of")
	case d < 0:
		return fmt.Sprint(clock-v, " behind")
	}
	return "level with"
}

func taskLimits(t *dump.Task) phrase {
	var cpus, pinned, allowed, own, all, slice, weight phrase
	if t.CPUs.Known {
		cpus = say("on ", cpuList(t.CPUs.V))
	}
	if t.AllowedCPUs.Known && (!t.CPUs.Known || t.AllowedCPUs.V != t.CPUs.V) {
		allowed = say("otherwise on ", cpuList(t.AllowedCPUs.V))
	}
	if t.MigrationDisabled.Known && t.MigrationDisabled.V > 0 {
		pinned = say("migration disabled")
	}
	if t.SchedulerCPUs.Known && (!t.CPUs.Known || t.SchedulerCPUs.V != t.CPUs.V) {
		own = say("for the scheduler on ", cpuList(t.SchedulerCPUs.V))
	}
	if t.AllCellCPUsAllowed.Known && t.Cell.Known {
		all = say("not on all CPUs of cell ", t.Cell.V)
		if t.AllCellCPUsAllowed.V {
			all = say("on all CPUs of cell ", t.Cell.V)
		}
	}
	if t.Slice.Known {
		slice = say("slice ", nanos(t.Slice.V))
	}
	if t.Weight.Known {
		weight = say("weight ", t.Weight.V)
	}
	return join(", ", cpus, pinned, allowed, own, all, slice, weight)
}

// taskRuns says how much the task has run and what the scheduler has missed of
// it.
func taskRuns(s *dump.Snapshot, t *dump.Task) phrase {
	var ran, last, stale, generation, fallback, context phrase
	if t.RunTime.Known {
		ran = say(t.RunTime.V.Round(time.Microsecond))
		if t.Runs.Known {
			ran = say(ran, " in ", plural(t.Runs.V, "run"))
		}
	}
	if s.IsStale(t) {
		stale = say("not seen since configuration ", t.ConfigSeq.V, ", of ", s.Status.AppliedSeq)
	}
	if t.HasContext.Known && !t.HasContext.V {
		context = say("the scheduler has no storage for it")
	}
	if x := t.Context; x != nil {
		if d, ok := s.Since(x.StartedAt); ok {
			last = say("began to run ", short3(d), " ago")
		}
		if c := s.Cell(t.Cell.V); t.Cell.Known && c != nil && c.Generation.Known && c.Generation.V != x.CellGeneration {
			generation = say("from generation ", x.CellGeneration, " of its cell, now ", c.Generation.V)
		}
		if x.Fallback {
			fallback = say("in the root cell because it exits and its cgroup is dead")
		}
	}
	return join(", ", ran, last, stale, generation, fallback, context)
}

func taskState(s *dump.Snapshot, t *dump.Task) phrase {
	var kind, state, flags, sticky, holding phrase
	if t.PFFlags.V&dump.PFKThread != 0 {
		kind = say("kernel thread")
	}
	if t.PFFlags.V&dump.PFExiting != 0 {
		kind = join(", ", kind, say("exiting"))
	}
	if t.TGID.Known && t.TGID.V != t.PID {
		kind = join(", ", kind, say("thread of process ", t.TGID.V))
	}
	switch {
	case t.SCXState.Known:
		state = say(quoted(t.SCXState.V))
	case t.SCXStateNr.Known:
		state = say("scx_state ", t.SCXStateNr.V)
	}
	if t.Flags.Known {
		flags = flagList(s.Kernel.TaskFlagNames(t.Flags.V))
	}
	if t.StickyCPU.Known && t.StickyCPU.V >= 0 {
		sticky = say("on its way to CPU ", t.StickyCPU.V)
	}
	if t.HoldingCPU.Known && t.HoldingCPU.V >= 0 {
		holding = say("being moved by CPU ", t.HoldingCPU.V)
	}
	return join(", ", state, flags, sticky, holding, kind)
}

func flagList(names []string) phrase {
	if len(names) == 0 {
		return say("no flags")
	}
	return say("flags ", strings.Join(names, "|"))
}

// cpuList names the CPUs of a mask: "CPU 1", "CPUs 0-3", "no CPU".
func cpuList(m dump.CPUMask) string {
	switch m.Count() {
	case 0:
		return "no CPU"
	case 1:
		return "CPU " + m.String()
	}
	return "CPUs " + m.String()
}

// nanos is a time slice for people.
func nanos(v uint64) string {
	switch {
	case v == dump.SliceInf:
		return "without limit"
	case v > math.MaxInt64:
		return fmt.Sprint(v, "ns")
	}
	return time.Duration(v).String()
}

// verbatim is what a scheduler says of something beyond the fields that other
// rows show: its further fields, or, if nothing of its text was understood, the
// first lines of that.
func verbatim(fields []dump.KV, text []dump.Line, understood bool) phrase {
	const maxFields, maxLines = 8, 2
	var p phrase
	for i, kv := range fields {
		if i == maxFields {
			return join(" ", p, say("(", len(fields)-i, " more)"))
		}
		p = join(" ", p, say(quoted(kv.Key+"="+kv.Value)))
	}
	if understood || len(fields) > 0 {
		return p
	}
	for i, l := range text {
		if i == maxLines {
			return join(" ", p, say("(", plural(len(text)-i, "more line"), ")"))
		}
		p = join("; ", p, say(quoted(strings.TrimSpace(l.Text))))
	}
	return p
}
