// SPDX-License-Identifier: GPL-2.0-only

package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"scxdiag/dump"
	"scxdiag/dump/wire"
	"scxdiag/dump/wire/wiretest"
)

// drawn is a dump that was made up, as a snapshot and as records.
type drawn struct {
	want    dump.Snapshot
	text    string
	records wiretest.Dump
	noEnd   bool
}

// drawer makes up dumps of one machine. What it draws is the model; records
// are made from that.
type drawer struct {
	t        *rapid.T
	host     wire.Host
	cgroups  map[uint64]string
	cpus     int
	jiffies  uint64
	dropping bool
}

func draw[V any](d *drawer, g *rapid.Generator[V], what string) V { return g.Draw(d.t, what) }

func (d *drawer) u64(what string) uint64 { return draw(d, rapid.Uint64(), what) }

func (d *drawer) num(what string, most int) int { return draw(d, rapid.IntRange(0, most), what) }

// cString draws what fits in a C array of n bytes.
func (d *drawer) cString(what string, n int) string {
	return string(draw(d, rapid.SliceOfN(rapid.ByteRange(1, 255), 0, n-1), what))
}

func (d *drawer) mask(what string) dump.CPUMask {
	var m dump.CPUMask
	for _, c := range draw(d, rapid.SliceOfN(rapid.IntRange(0, 700), 0, 5), what) {
		m = m.With(c)
	}
	return m
}

func newDrawer(t *rapid.T) *drawer {
	d := &drawer{t: t}
	d.host = wire.Host{
		Boot:      draw(d, rapid.Int64Range(0, 1<<61), "boot"),
		HZ:        draw(d, rapid.SampledFrom([]uint32{0, 100, 250, 300, 1000}), "HZ"),
		Enabled:   draw(d, rapid.SampledFrom([]uint32{0, 3, 4}), "enabled"),
		Name:      d.cString("host", 65),
		Release:   draw(d, rapid.SampledFrom([]string{"", "6.12.9", "7.3.4-test"}), "release"),
		Scheduler: d.cString("scheduler", 128),
	}
	d.cgroups = map[uint64]string{}
	for id := range uint64(d.num("cgroups", 3)) {
		d.cgroups[id+1] = fmt.Sprint("/", id)
	}
	d.cpus = 1 + d.num("CPUs", 5)
	d.jiffies = d.u64("jiffies")
	d.dropping = draw(d, rapid.Bool(), "dropping")
	return d
}

// sent puts a record on its ring or lets it be dropped; ok says which.
func (d *drawer) sent(out *drawn, r wiretest.Record) (ok bool) {
	if d.dropping && d.num("drop", 5) == 0 {
		out.records.Drop(r)
		return false
	}
	out.records.Send(r)
	return true
}

func (d *drawer) cgroup(id uint64) dump.Value[string] {
	path, ok := d.cgroups[id]
	return dump.Value[string]{V: path, Known: ok}
}

func known[V comparable](v V) dump.Value[V] {
	var zero V
	return dump.Value[V]{V: v, Known: v != zero}
}

func (d *drawer) dump(id uint64) *drawn {
	out := &drawn{records: wiretest.Dump{ID: id}}
	s := &out.want
	s.Source.Carrier = "ringbuf"
	s.Host, s.Scheduler, s.Kernel.Release = d.host.Name, d.host.Scheduler, d.host.Release
	if v, ok := dump.ParseVersion(d.host.Release); ok {
		s.Kernel.Min, s.Kernel.Max = v, v
	}
	if d.host.Boot > 0 {
		s.Time = time.Unix(0, d.host.Boot+int64(id)).UTC()
	}
	begin := d.begin()
	hasBegin := d.sent(out, begin)
	if hasBegin {
		s.Status = &dump.Status{
			ConfigSeq: begin.CfgSeq, AppliedSeq: begin.AppliedSeq, Slice: begin.SliceNS, MaxCells: begin.MaxCells,
			NrEvents: begin.NrEvents, EnqFallback: begin.EnqFallback, TimeClamped: begin.TimeClamped,
			Faults: wire.FaultNames(begin.Faults),
		}
		statusOf(s.Status, id, &begin)
		s.Trigger = dump.TriggerSysRq
	}
	for i := range int(begin.NrCells) {
		c := d.cell(int32(i))
		if d.sent(out, cellRecord(c)) {
			s.Cells = append(s.Cells, c)
		}
	}
	slices.Reverse(out.records.Vital) // the order of cells does not matter
	for id := range uint64(d.num("cgroup records", 3)) {
		g := d.cgroupOf(id + 1)
		if d.sent(out, cgroupRecord(&g)) {
			s.Cgroups = append(s.Cgroups, g)
		}
	}
	for i := range d.cpus {
		c := d.cpu(int32(i))
		if d.sent(out, cpuRecord(c)) {
			s.CPUs = append(s.CPUs, c)
		}
	}
	d.tasks(out, hasBegin)
	for range d.num("DSQs", 3) {
		q := dump.DSQ{
			ID: dump.Of(dump.DSQID(d.u64("DSQ") | 1<<62)), Queued: dump.Of(int64(draw(d, rapid.Int32(), "queued"))),
			PIDs: draw(d, rapid.SliceOfN(rapid.Int32(), 0, wire.DSQPIDs), "pids"),
		}
		q.Name = dump.BuiltinDSQ(q.ID.V, -1).String()
		r := wire.DSQ{ID: uint64(q.ID.V), NrQueued: int32(q.Queued.V), NrPIDs: uint32(len(q.PIDs))}
		copy(r.PIDs[:], q.PIDs)
		if d.sent(out, r) {
			s.DSQs = append(s.DSQs, q)
		}
	}
	d.events(out)
	if draw(d, rapid.Bool(), "exit") {
		d.exit(out)
	}
	if out.noEnd = d.num("no end", 4) == 0; !out.noEnd {
		out.records.Finish()
	}
	d.ledger(out, hasBegin, &begin)
	return out
}

func (d *drawer) begin() wire.Begin {
	return wire.Begin{
		Trigger: wire.TriggerSysRq, AtJiffies: d.jiffies, CfgSeq: d.u64("wanted"), AppliedSeq: d.u64("applied"),
		SliceNS: d.u64("slice"), NrCPUs: uint32(d.cpus), NrCells: uint32(d.num("cells", 3)), MaxCells: 256,
		Faults: draw(d, rapid.Uint32(), "faults"), NrEvents: d.u64("events"), EnqFallback: d.u64("fallback"),
		TimeClamped: d.u64("clamped"),

		GraceSeq: d.u64("grace"), GraceStarted: d.u64("grace since"),
		CpusetBegun: d.u64("cpusets begun"), CpusetEnded: d.u64("cpusets ended"),
		ApplyBegun: d.u64("apply begun"), ApplyEnded: d.u64("apply ended"), ApplyRC: draw(d, rapid.Int32(), "apply rc"),
		ApplyPhase: wire.Phase(d.num("phase", 3)), TokenSince: d.u64("token"),
		AllocFail: d.u64("alloc fail"), LateInserts: d.u64("late inserts"), Rescued: d.u64("rescued"),
		MaxUsed: draw(d, rapid.Uint32(), "max used"), HeldCPU: draw(d, rapid.Int32(), "held CPU"),
		TimerRuns: d.u64("timer runs"), TimerFirst: d.u64("timer first"), TimerLast: d.u64("timer last"),
		TimerMaxRun: d.u64("timer max") >> 1, TimerPeriod: d.u64("period") >> 1,
		TimerRC: draw(d, rapid.Int32(), "timer rc"), TimerArmed: uint32(d.num("armed", 1)), InitEnded: d.u64("init ended"),
		Fallbacks: d.u64("fallbacks"), FallbackCGID: d.u64("fallback cgroup"), FallbackPID: draw(d, rapid.Int32(), "fallback pid"),
		FallbackPFFlags: draw(d, rapid.Uint32(), "fallback flags"),
		NrCgroups:       draw(d, rapid.Uint32(), "with context"), NrQueues: draw(d, rapid.Uint32(), "queues"),
	}
}

// statusOf sets what the status says of the systems of the scheduler.
func statusOf(s *dump.Status, id uint64, b *wire.Begin) {
	s.At = id
	s.Grace.Seq, s.Grace.Started = b.GraceSeq, b.GraceStarted
	s.CpusetBegun, s.CpusetEnded = b.CpusetBegun, b.CpusetEnded
	s.Apply = dump.ApplyStatus{
		Begun: b.ApplyBegun, Ended: b.ApplyEnded, RC: b.ApplyRC, TokenSince: b.TokenSince,
		Phase: []dump.ApplyPhase{"", dump.ApplyClaim, dump.ApplyPublish, dump.ApplyInherit}[b.ApplyPhase],
	}
	s.AllocFail, s.LateInserts, s.Rescued = b.AllocFail, b.LateInserts, b.Rescued
	s.MaxUsed, s.HeldCPU, s.Cgroups, s.Queues = b.MaxUsed, b.HeldCPU, b.NrCgroups, b.NrQueues
	s.Timer = dump.TimerStatus{
		Armed: b.TimerArmed == 1, RC: b.TimerRC, Runs: b.TimerRuns, First: b.TimerFirst, Last: b.TimerLast,
		MaxRun: time.Duration(b.TimerMaxRun), Period: time.Duration(b.TimerPeriod),
	}
	s.InitEnded = b.InitEnded
	s.Exiting = dump.ExitingStatus{
		Count: b.Fallbacks, CgroupID: b.FallbackCGID, PID: b.FallbackPID, PFFlags: b.FallbackPFFlags,
	}
}

func (d *drawer) cell(id int32) dump.Cell {
	owner := uint64(d.num("owner", 4))
	c := dump.Cell{
		ID: id, CPUs: dump.Of(d.mask("CPUs")), OwnerCgroup: known(owner), OwnerPath: d.cgroup(owner),
		VTime: dump.Of(d.u64("vtime")), Queued: dump.Of(int64(draw(d, rapid.Int32(), "queued"))),
		State: dump.Of(draw(d, rapid.SampledFrom([]dump.CellState{
			dump.CellFree, dump.CellPrep, dump.CellLive, dump.CellDrain,
		}), "state")),
		Generation: dump.Of(draw(d, rapid.Uint32(), "generation")), DSQ: dump.Of(dump.DSQID(d.u64("dsq"))),
		Since: known(d.u64("since")), GraceUntil: dump.Of(d.u64("grace until")), Rescued: dump.Of(d.u64("rescued")),
		SpareMissing: dump.Of(draw(d, rapid.Bool(), "spare missing")),
	}
	if id > 0 { // the root cell is of no cpuset
		c.CpusetCPUs = dump.Of(d.mask("cpuset"))
	}
	return c
}

func (d *drawer) cgroupOf(id uint64) dump.Cgroup {
	yes := func(what string) bool { return draw(d, rapid.Bool(), what) }
	g := dump.Cgroup{
		ID: id, Path: d.cgroup(id), Parent: d.u64("parent"), Level: draw(d, rapid.Uint32(), "level"),
		HasContext: yes("context"), Dying: yes("dying"), Populated: yes("populated"), CPUController: yes("cpu controller"),
	}
	if g.HasContext {
		g.Cell, g.Owns = int32(d.num("cell", 3)), int32(d.num("owns", 3))
	}
	if yes("cpuset controller") {
		g.CPUs, g.EffectiveCPUs = dump.Of(d.mask("cpuset")), dump.Of(d.mask("effective"))
	}
	return g
}

func cgroupRecord(g *dump.Cgroup) wire.Cgroup {
	r := wire.Cgroup{
		Header: wire.Header{Words: 1}, ID: g.ID, Parent: g.Parent, Level: g.Level,
		Cell: uint32(g.Cell), Owns: uint32(g.Owns), CPUs: g.CPUs.V, Effective: g.EffectiveCPUs.V,
	}
	for _, f := range []struct {
		set  bool
		flag wire.CgroupFlags
	}{
		{g.HasContext, wire.CgroupCtx},
		{g.Dying, wire.CgroupDying},
		{g.Populated, wire.CgroupPopulated},
		{g.CPUs.Known, wire.CgroupCpuset},
		{g.CPUController, wire.CgroupCPU},
	} {
		if f.set {
			r.Flags |= f.flag
		}
	}
	if !g.HasContext {
		r.Cell, r.Owns = 7, 7 // which means nothing then
	}
	return r
}

func cellRecord(c dump.Cell) wire.Cell {
	r := wire.Cell{
		Header: wire.Header{Words: 1}, ID: uint32(c.ID),
		State: map[dump.CellState]wire.CellState{
			dump.CellFree: wire.CellFree, dump.CellPrep: wire.CellPrep, dump.CellLive: wire.CellLive, dump.CellDrain: wire.CellDrain,
		}[c.State.V],
		Generation: c.Generation.V, NrQueued: int32(c.Queued.V), Owner: c.OwnerCgroup.V, VTime: c.VTime.V,
		DSQ: uint64(c.DSQ.V), CPUs: c.CPUs.V, Cpuset: c.CpusetCPUs.V,
		Since: c.Since.V, GraceUntil: c.GraceUntil.V, Rescued: c.Rescued.V,
	}
	if !c.SpareMissing.V {
		r.Flags = wire.CellSpare
	}
	return r
}

func (d *drawer) cpu(id int32) dump.CPU {
	c := dump.CPU{
		ID: id, Listed: d.num("listed", 3) > 0, Cell: dump.Of(int32(d.num("cell", 3))), VTime: dump.Of(d.u64("vtime")),
		Queued: dump.Of(int64(draw(d, rapid.Int32(), "queued"))), DSQ: dump.Of(dump.DSQID(d.u64("dsq"))),
		Online: dump.Of(draw(d, rapid.Bool(), "online")), Awaited: dump.Of(draw(d, rapid.Bool(), "awaited")),
		PrevCell: dump.Of(int32(d.num("previous cell", 3))), Sections: dump.Of(d.u64("sections")),
		Nesting: dump.Of(uint32(d.num("nesting", 2))),
	}
	if c.Nesting.V > 0 {
		c.SectionSince = known(d.u64("section since"))
	}
	if c.Listed {
		c.NrRunning = dump.Of(draw(d, rapid.Uint32(), "nr_running"))
		c.Flags = dump.Of(draw(d, rapid.Uint32(), "flags"))
		c.Current = dump.Of(dump.TaskRef{Comm: d.cString("comm", 16), PID: draw(d, rapid.Int32(), "pid")})
		c.Class = known(draw(d, rapid.SampledFrom([]dump.Class{
			"", dump.ClassIdle, dump.ClassExt, dump.ClassFair, dump.ClassRT, dump.ClassDL, dump.ClassStop,
		}), "class"))
	}
	return c
}

func cpuRecord(c dump.CPU) wire.CPU {
	r := wire.CPU{
		ID: uint32(c.ID), Cell: uint32(c.Cell.V), NrRunning: c.NrRunning.V, RQFlags: c.Flags.V,
		CurrPID: c.Current.V.PID, VTime: c.VTime.V, DSQ: uint64(c.DSQ.V), NrQueued: int32(c.Queued.V),
		CurrClass: map[dump.Class]wire.Class{
			dump.ClassIdle: wire.ClassIdle, dump.ClassExt: wire.ClassExt, dump.ClassFair: wire.ClassFair,
			dump.ClassRT: wire.ClassRT, dump.ClassDL: wire.ClassDL, dump.ClassStop: wire.ClassStop,
		}[c.Class.V],
	}
	r.PrevCell, r.Sections, r.Nesting, r.SectionSince = uint32(c.PrevCell.V), c.Sections.V, c.Nesting.V, c.SectionSince.V
	if c.Nesting.V == 0 {
		r.SectionSince = 7 // which means nothing then
	}
	if c.Online.V {
		r.Flags |= wire.CPUOnline
	}
	if c.Awaited.V {
		r.Flags |= wire.CPUAwaited
	}
	copy(r.CurrComm[:], c.Current.V.Comm)
	if c.Listed {
		r.Known = 1
	}
	return r
}

// tasks draws tasks on run queues, each of which is also walked over a little
// later and may have changed, and tasks that are only walked over.
func (d *drawer) tasks(out *drawn, hasBegin bool) {
	queued, all := d.num("on run queues", 4), d.num("tasks", 8)
	got := map[int32]bool{}
	var walked []dump.Task
	for pid := int32(1); pid <= int32(max(all, queued)); pid++ {
		if int(pid) <= queued {
			t, r := d.task(pid, hasBegin)
			if d.sent(out, r) {
				out.want.Tasks = append(out.want.Tasks, t)
				got[pid] = true
			}
		}
		t, r := d.task(pid, hasBegin)
		t.Walked, r.Walk = true, 1
		if d.sent(out, r) && !got[pid] {
			walked = append(walked, t)
		}
	}
	out.want.Tasks = append(out.want.Tasks, walked...)
}

// states are values of task_struct.__state and exit_state for each letter.
var states = map[byte][2]uint32{
	'R': {0, 0}, 'S': {1, 0}, 'D': {2, 0}, 'T': {4, 0}, 't': {8, 0}, 'X': {0x80, 0x10}, 'Z': {0x80, 0x20},
	'P': {0x40, 0}, 'I': {0x402, 0},
}

func (d *drawer) task(pid int32, hasBegin bool) (dump.Task, wire.Task) {
	cpu := int32(d.num("CPU", d.cpus-1))
	t := dump.Task{
		TaskRef: dump.TaskRef{Comm: d.cString("comm", 16), PID: pid}, TGID: dump.Of(draw(d, rapid.Int32(), "tgid")),
		CPU: dump.Of(cpu), Current: draw(d, rapid.Bool(), "current"),
		State:      dump.Of(draw(d, rapid.SampledFrom([]byte("RSDTtXZPI")), "state")),
		PFFlags:    dump.Of(draw(d, rapid.Uint32(), "PF flags")),
		SCXStateNr: dump.Of(uint32(d.num("scx_state", 6))), Flags: dump.Of(draw(d, rapid.Uint32(), "flags")),
		DSQFlags: dump.Of(draw(d, rapid.Uint32(), "dsq_flags")),
		OpsState: dump.Of(dump.OpsState(d.num("ops_state", 3))), QSeq: dump.Of(d.u64("qseq") >> 2),
		StickyCPU: dump.Of(draw(d, rapid.Int32(), "sticky")), HoldingCPU: dump.Of(draw(d, rapid.Int32(), "holding")),
		DSQ: dump.Of(d.dsqRef(cpu)), DSQVTime: dump.Of(d.u64("dsq_vtime")), Slice: dump.Of(d.u64("slice")),
		Weight: dump.Of(draw(d, rapid.Uint32(), "weight")), CPUs: dump.Of(d.mask("CPUs")),
		AllowedCPUs:       dump.Of(d.mask("allowed")),
		MigrationDisabled: dump.Of(uint32(draw(d, rapid.Uint16(), "migration disabled"))),
		HasContext:        dump.Of(draw(d, rapid.Bool(), "context")),
	}
	enabled := int(d.host.Enabled)
	if enabled == 0 {
		enabled = -1
	}
	k := dump.Kernel{}
	if v, ok := dump.ParseVersion(d.host.Release); ok {
		k.Min, k.Max = v, v
	}
	name, ok := dump.CalibrateTaskStates(enabled, k).Name(t.SCXStateNr.V)
	t.SCXState = dump.Value[dump.TaskState]{V: name, Known: ok}
	if t.HasContext.V {
		cgid := uint64(d.num("cgid", 4))
		t.Cell, t.VTime, t.BasisVTime = dump.Of(int32(d.num("cell", 3))), t.DSQVTime, dump.Of(d.u64("basis"))
		t.AssignedDSQ = dump.Of(d.dsqRef(cpu))
		t.AllCellCPUsAllowed = dump.Of(draw(d, rapid.Bool(), "all"))
		t.CgroupID, t.CgroupName = known(cgid), d.cgroup(cgid)
		t.ConfigSeq, t.Runs = dump.Of(d.u64("seq")), dump.Of(d.u64("runs"))
		t.RunTime = dump.Of(time.Duration(d.u64("run time") >> 1))
		t.Context = &dump.TaskContext{
			CgroupIDNow: d.u64("cgid now"), VTimeRead: d.u64("vtime read"), StartedAt: d.u64("started at"),
			Clock: int32(d.num("clock", 3)), CellGeneration: draw(d, rapid.Uint32(), "generation"),
			Fallback: draw(d, rapid.Bool(), "fallback"),
		}
	}
	r := taskRecord(&t)
	ticks := draw(d, rapid.Int64Range(-1<<32, 1000), "ticks")
	r.RunnableAt = d.jiffies + uint64(ticks)
	if hasBegin && d.host.HZ > 0 && t.Flags.V&1 != 0 && ticks > -int64(d.host.HZ)*365*24*3600 {
		hz := int64(d.host.HZ)
		t.RunnableAt = dump.Of(time.Duration(ticks/hz)*time.Second + time.Duration(ticks%hz*int64(time.Second)/hz))
	}
	return t, r
}

func (d *drawer) dsqRef(cpu int32) dump.DSQRef {
	switch d.num("kind of DSQ", 4) {
	case 0:
		return dump.DSQRef{Kind: dump.DSQKindNone}
	case 1:
		n := int32(d.num("CPU", 1<<20))
		return dump.DSQRef{ID: dump.DSQID(0x10000000 | n), Kind: dump.DSQKindCPU, CPU: n}
	case 2:
		n := int32(d.num("cell", 0xfff))
		return dump.DSQRef{ID: dump.DSQID(0x20000000 | n<<16), Kind: dump.DSQKindCell, Cell: n}
	case 3:
		return dump.DSQRef{ID: dump.DSQLocal, Kind: dump.DSQKindLocal, CPU: cpu}
	}
	return dump.DSQRef{ID: dump.DSQGlobal, Kind: dump.DSQKindGlobal}
}

func taskRecord(t *dump.Task) wire.Task {
	state := states[t.State.V]
	r := wire.Task{
		Header: wire.Header{Words: 1}, PID: t.PID, TGID: t.TGID.V, CPU: t.CPU.V, State: state[0], ExitState: state[1],
		PFFlags: t.PFFlags.V, MigrationDisabled: uint16(t.MigrationDisabled.V), SCXState: uint16(t.SCXStateNr.V),
		SCXFlags: t.Flags.V, DSQFlags: t.DSQFlags.V, OpsState: uint64(t.OpsState.V) | t.QSeq.V<<2,
		StickyCPU: t.StickyCPU.V, HoldingCPU: t.HoldingCPU.V, DSQID: uint64(t.DSQ.V.ID), DSQVTime: t.DSQVTime.V,
		Slice: t.Slice.V, Weight: t.Weight.V, Cell: uint32(t.Cell.V), Seq: t.ConfigSeq.V, DSQ: uint64(t.AssignedDSQ.V.ID),
		Basis: t.BasisVTime.V, CGID: t.CgroupID.V, RunNS: uint64(t.RunTime.V), NrRuns: t.Runs.V,
		CPUs: t.CPUs.V, Allowed: t.AllowedCPUs.V,
	}
	copy(r.Comm[:], t.Comm)
	x := t.Context
	if x == nil {
		x = new(dump.TaskContext)
	}
	r.CGIDNow, r.VTimeRead, r.StartedAt = x.CgroupIDNow, x.VTimeRead, x.StartedAt
	r.Clock, r.Generation = uint32(x.Clock), x.CellGeneration
	for _, f := range []struct {
		set  bool
		flag wire.TaskFlags
	}{
		{t.Current, wire.TaskCurrent},
		{t.HasContext.V, wire.TaskCtx},
		{t.AllCellCPUsAllowed.V, wire.TaskAllCell},
		{!t.DSQ.V.IsNone(), wire.TaskOnDSQ},
		{x.Fallback, wire.TaskFallback},
	} {
		if f.set {
			r.Flags |= f.flag
		}
	}
	return r
}

func (d *drawer) events(out *drawn) {
	for i := range int64(d.num("events", 4)) {
		kind := wire.EventKind(1 + d.num("kind", 23))
		e := dump.Event{
			Seq: i << 40, Kind: kind.String(), CgroupID: known(uint64(d.num("cgid", 4))), PID: known(int32(d.num("pid", 3))),
			Time: dump.Of(d.u64("time")), CPU: dump.Of(int32(d.num("CPU", 7))), Arg: dump.Of(d.u64("arg")),
			Torn: d.num("torn", 9) == 0,
		}
		r := wire.Event{
			Pos: uint64(e.Seq), At: e.Time.V, Kind: kind, PID: e.PID.V, CGID: e.CgroupID.V, Arg: e.Arg.V, CPU: uint32(e.CPU.V),
		}
		if e.Torn {
			r.Torn = 1
		}
		if d.sent(out, r) {
			out.want.Events = append(out.want.Events, e)
		}
	}
}

// exit draws an exit with the kernel's own dump in pieces.
func (d *drawer) exit(out *drawn) {
	kind := draw(d, rapid.SampledFrom([]dump.ExitKind{dump.ExitUnreg, dump.ExitError, dump.ExitErrorStall}), "kind")
	x := &dump.Exit{
		Kind: dump.Of(kind), Code: dump.Of(draw(d, rapid.Int64(), "code")), Reason: known(kind.Reason()),
		Message: dump.Of("comm[12] failed to run for 5.000s"), Subject: dump.Of(dump.TaskRef{Comm: "comm", PID: 12}),
		CPU: dump.Of(int32(d.num("CPU", 3))),
	}
	var text strings.Builder
	for i := range d.num("lines", 900) {
		fmt.Fprintf(&text, "line %d\n", i)
	}
	r := wire.Exit{Kind: uint32(kind), ExitCPU: x.CPU.V, Code: x.Code.V, TextSize: uint32(text.Len())}
	copy(r.Reason[:], x.Reason.V)
	copy(r.Msg[:], x.Message.V)
	for i := range d.num("frames", 3) {
		r.Frames[i] = d.u64("pc")
		r.NrFrames++
		x.Backtrace = append(x.Backtrace, dump.Line{Text: fmt.Sprintf("%#x", r.Frames[i])})
	}
	hasExit := d.sent(out, r)
	if hasExit {
		out.want.Exit = x
		out.want.Trigger = dump.TriggerCrash
		if !x.IsFailure() {
			out.want.Trigger = dump.TriggerExit
		}
	}
	whole, lost := text.String(), false
	out.text = whole
	for off := 0; off < len(whole); off += wire.TextBytes {
		p := wire.Text{Offset: uint32(off)}
		p.Size = uint32(copy(p.Data[:], whole[off:]))
		if !d.sent(out, p) && !lost {
			lost = true
			out.text = whole[:strings.LastIndexByte(whole[:off], '\n')+1]
			if !hasExit && len(whole) <= off+wire.TextBytes { // nothing says that there was more
				out.text = whole[:off]
			}
		}
	}
}

// ledger works out what the ledger must say. Notes are not compared here, only
// whether there must be any.
func (d *drawer) ledger(out *drawn, hasBegin bool, begin *wire.Begin) {
	l := &out.want.Ledger
	l.Truncated = out.noEnd
	for k := range wire.Kind(wire.Kinds) {
		sent, dropped := out.records.End.Sent[k], out.records.End.Dropped[k]
		if out.noEnd {
			sent, dropped = sent-dropped, 0
		}
		if sent > 0 && k != wire.KindEnd {
			l.Records = append(l.Records, dump.RecordCount{Kind: k.String(), Expected: sent, Received: sent - dropped, Dropped: dropped})
		}
	}
	for i := range out.want.Events {
		if out.want.Events[i].Torn {
			l.Note("torn")
		}
	}
	if !hasBegin || out.noEnd || len(out.want.CPUs) < d.cpus || len(out.want.Cells) < int(begin.NrCells) {
		l.Note("announced")
	}
}

// merged takes from the queues in random order and keeps the order of each.
func merged(t *rapid.T, queues ...[][]byte) [][]byte {
	var out [][]byte
	for {
		queues = slices.DeleteFunc(queues, func(q [][]byte) bool { return len(q) == 0 })
		if len(queues) == 0 {
			return out
		}
		i := rapid.IntRange(0, len(queues)-1).Draw(t, "queue")
		out = append(out, queues[i][0])
		queues[i] = queues[i][1:]
	}
}

var sameDump = cmp.Options{
	cmp.Comparer(func(a, b dump.CPUMask) bool { return a == b }),
	cmp.Comparer(func(a, b dump.Ledger) bool {
		return a.Truncated == b.Truncated && cmp.Equal(a.Records, b.Records) && a.Complete() == b.Complete()
	}),
	cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "DSQs.PIDs" }, cmp.Comparer(slices.Equal[[]int32])),
}

// TestSnapshotsAreWhatWasSent sends two dumps over the same two rings, in random
// order and with random losses, and reads them in batches of random sizes.
func TestSnapshotsAreWhatWasSent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDrawer(t)
		all := []*drawn{d.dump(1000), d.dump(2000)}
		got := map[uint64]*wire.Dump{}
		a := wire.NewAssembler(wire.Options{}, decode(func(d *wire.Dump) {
			if got[d.ID] != nil {
				t.Errorf("dump %d came twice", d.ID)
			}
			got[d.ID] = d
		}))
		for _, r := range prelude(d) {
			if err := a.Add(r); err != nil {
				t.Fatal(err)
			}
		}
		var rings [2]wire.Batch
		queues := [2][][]byte{
			merged(t, all[0].records.Vital, all[1].records.Vital), merged(t, all[0].records.Bulk, all[1].records.Bulk),
		}
		buf := make([]byte, 0, wire.MaxRecord)
		for len(queues[0])+len(queues[1]) > 0 {
			i := rapid.IntRange(0, 1).Draw(t, "ring")
			n := rapid.IntRange(0, len(queues[i])).Draw(t, "records")
			if n == 1 {
				buf = append(buf[:0], queues[i][0]...) // memory that is used again for each record
				if err := a.Add(buf); err != nil {
					t.Fatal(err)
				}
			} else {
				inBatches(a, &rings[i], n, queues[i][:n])
			}
			queues[i] = queues[i][n:]
		}
		for _, want := range all {
			id := want.records.ID
			if (got[id] != nil) == want.noEnd {
				t.Errorf("dump %d: finished %v, before anything said that no more would come", id, got[id] != nil)
			}
		}
		a.FlushAll()
		if a.Held() != 0 {
			t.Errorf("%d bytes are held without any dump", a.Held())
		}
		for _, want := range all {
			check(t, want, got[want.records.ID])
		}
	})
}

// prelude is what the collector writes in front of the first dump.
func prelude(d *drawer) [][]byte {
	out := [][]byte{d.host.Append(nil)}
	for id, path := range d.cgroups {
		out = append(out, wire.CgroupPath{ID: id, Path: path}.Append(nil))
	}
	return out
}

func check(t *rapid.T, want *drawn, got *wire.Dump) {
	t.Helper()
	if got == nil {
		t.Fatalf("dump %d is missing", want.records.ID)
	}
	if diff := cmp.Diff(&want.want, got.Snapshot, sameDump); diff != "" {
		t.Errorf("dump %d (-want +got):\n%s\nnotes: %q", want.records.ID, diff, got.Snapshot.Ledger.Notes)
	}
	if diff := cmp.Diff(want.text, string(got.KernelText)); diff != "" {
		t.Errorf("dump %d: kernel text (-want +got):\n%s", want.records.ID, diff)
	}
}

// TestReaderGetsOverDamage puts rubbish between the records of a stream and
// reads it in pieces.
func TestReaderGetsOverDamage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDrawer(t)
		want := d.dump(1000)
		var stream []byte
		skipped := 0
		for _, r := range append(prelude(d), merged(t, want.records.Vital, want.records.Bulk)...) {
			if rapid.IntRange(0, 9).Draw(t, "rubbish") == 0 {
				rubbish := rapid.SliceOfN(rapid.SampledFrom([]byte("scx\x00d\xff")), 1, 60).Draw(t, "rubbish")
				for bytes.Contains(rubbish, []byte("scxd")) {
					rubbish = bytes.ReplaceAll(rubbish, []byte("scxd"), nil)
				}
				stream = append(stream, rubbish...)
				skipped += len(rubbish)
			}
			stream = append(stream, r...)
		}
		var src io.Reader = bytes.NewReader(stream)
		switch rapid.IntRange(0, 2).Draw(t, "pieces") {
		case 1:
			src = iotest.HalfReader(src)
		case 2:
			src = iotest.DataErrReader(iotest.OneByteReader(src))
		}
		r := wire.NewReader(src, wire.Options{})
		got, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if skipped > 0 {
			want.want.Ledger.Note("skipped")
		}
		// Rubbish behind the last record of the dump is in no ledger.
		if got.Snapshot.Ledger.Complete() != want.want.Ledger.Complete() && r.Stats().Skipped == 0 {
			t.Error("the ledger knows nothing of the damage")
		}
		want.want.Ledger, got.Snapshot.Ledger = dump.Ledger{}, dump.Ledger{Records: nil}
		check(t, want, got)
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("got %v behind the last dump, want EOF", err)
		}
		if n := r.Stats().Skipped; n != uint64(skipped) {
			t.Errorf("%d bytes were skipped, want %d", n, skipped)
		}
	})
}
