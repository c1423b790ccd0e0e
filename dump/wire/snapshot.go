// SPDX-License-Identifier: GPL-2.0-only

package wire

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"scxdiag/dump"
)

// Dump is a finished dump.
type Dump struct {
	Snapshot *dump.Snapshot
	// KernelText is the kernel's own dump of the same instant, as text that
	// package dump/text reads; nil if there was none. Where a piece of it was
	// lost, it ends with the last whole line in front of that, and the ledger
	// says so.
	KernelText []byte
	// ID is the time of the dump in ns since boot, which joins its records.
	ID uint64
}

// builder makes a snapshot of a dump's records.
type builder struct {
	d       *Raw
	s       *dump.Snapshot
	host    Host // the zero Host if there is none
	cgroups map[uint64]string
	states  dump.TaskStates

	comms strings.Builder    // all comms, so that they need no allocation each
	ctxs  []dump.TaskContext // of all tasks that have one
	pids  map[int32]struct{}
	cpus  map[uint32]struct{}
	cells map[uint32]struct{}
	twice [Kinds]uint64 // records that repeat an id
	torn  int

	exit    *Exit
	texts   []textPiece
	scratch Task // reused: a record is large
}

// textPiece is a Text record within its chunk.
type textPiece struct {
	offset uint64
	data   []byte
}

// Decode makes a snapshot of a finished dump. It is to be called once, from any
// goroutine; the records are gone afterwards.
func (d *Raw) Decode() *Dump {
	d.sift()
	b := builder{
		d: d, cgroups: d.cgroups.byID,
		s:     &dump.Snapshot{Source: dump.Source{Name: d.opts.Name, Carrier: "ringbuf"}},
		cpus:  make(map[uint32]struct{}, d.kept[KindCPU]),
		cells: make(map[uint32]struct{}, d.kept[KindCell]),
		pids:  make(map[int32]struct{}, d.kept[KindTask]),
	}
	if d.host != nil {
		b.host = *d.host
	}
	b.setHost()
	b.makeRoom()
	d.records(b.add)
	if d.walked > 0 {
		d.records(b.addWalked)
	}
	b.sort()
	b.setBegin()
	b.setExit()
	text := b.kernelText()
	b.account()
	d.cgroups.lent.Add(-1)
	d.pool.put(d.chunks)
	d.chunks = nil
	return &Dump{Snapshot: b.s, KernelText: text, ID: d.ID}
}

func (b *builder) setHost() {
	s := b.s
	s.Host, s.Scheduler = b.host.Name, b.host.Scheduler
	s.Kernel.Release = b.host.Release
	if v, ok := dump.ParseVersion(b.host.Release); ok {
		s.Kernel.Min, s.Kernel.Max = v, v
	}
	if ns := int64(b.d.ID); ns >= 0 && b.host.Boot > 0 && ns <= math.MaxInt64-b.host.Boot { //nolint:gosec // checked
		s.Time = time.Unix(0, b.host.Boot+ns).UTC()
	}
	enabled := -1
	if b.host.Enabled > 0 && b.host.Enabled < 16 {
		enabled = int(b.host.Enabled)
	}
	b.states = dump.CalibrateTaskStates(enabled, s.Kernel)
}

func (b *builder) makeRoom() {
	kept := &b.d.kept
	b.s.Cells = room[dump.Cell](kept[KindCell])
	b.s.CPUs = room[dump.CPU](kept[KindCPU])
	b.s.Tasks = room[dump.Task](kept[KindTask])
	b.ctxs = room[dump.TaskContext](kept[KindTask])
	b.s.Cgroups = room[dump.Cgroup](kept[KindCgroup])
	b.s.DSQs = room[dump.DSQ](kept[KindDSQ])
	b.s.Events = room[dump.Event](kept[KindEvent])
	b.comms.Grow(16 * int(kept[KindTask]+kept[KindCPU])) //nolint:gosec // bounded
}

// room is an empty list that n elements fit in, nil if there is none.
func room[T any](n uint64) []T {
	if n == 0 {
		return nil
	}
	return make([]T, 0, n)
}

// add takes every record but those of tasks that were walked over.
func (b *builder) add(k Kind, record []byte) {
	c := codec{b: record}
	switch k {
	case KindCell:
		var r Cell
		r.fields(&c)
		b.addCell(&r, record)
	case KindCPU:
		var r CPU
		r.fields(&c)
		b.addCPU(&r)
	case KindTask:
		if r := &b.scratch; !isWalk(record) {
			r.fields(&c)
			b.pids[r.PID] = struct{}{}
			b.addTask(r, record)
		}
	case KindDSQ:
		var r DSQ
		r.fields(&c)
		b.addDSQ(&r)
	case KindCgroup:
		var r Cgroup
		r.fields(&c)
		b.addCgroup(&r, record)
	case KindEvent:
		var r Event
		r.fields(&c)
		b.addEvent(&r)
	case KindText:
		offset := binary.LittleEndian.Uint32(record[headerSize:])
		size := binary.LittleEndian.Uint32(record[headerSize+4:])
		b.texts = append(b.texts, textPiece{uint64(offset), record[headerSize+8:][:size]})
	case KindExit:
		b.exit = new(Exit)
		b.exit.fields(&c)
	}
}

// addWalked takes the tasks that were on no run queue. A task that changed its
// run queue during the dump may be on two, and then stands in the snapshot
// twice, as in the kernel's text.
func (b *builder) addWalked(k Kind, record []byte) {
	if k != KindTask || !isWalk(record) {
		return
	}
	r := &b.scratch
	r.fields(&codec{b: record})
	if _, ok := b.pids[r.PID]; ok {
		return
	}
	b.pids[r.PID] = struct{}{}
	b.addTask(r, record)
}

func isWalk(record []byte) bool { return binary.LittleEndian.Uint32(record[headerSize-4:]) != 0 }

// foreign reports whether the scheduler is not the one of this project.
func (b *builder) foreign() bool { return b.d.hasBegin && b.d.begin.Trigger == TriggerForeign }

// comm is the text of a C array.
func (b *builder) comm(c []byte) string {
	start := b.comms.Len()
	b.comms.Write(cString(c))
	return b.comms.String()[start:]
}

// nonZero is v, or unknown if that is zero.
func nonZero[T comparable](v T) dump.Value[T] {
	var zero T
	return dump.Value[T]{V: v, Known: v != zero}
}

// notNegative is v, or unknown if that is below zero.
func notNegative(v int32) dump.Value[int32] {
	if v < 0 {
		return dump.Value[int32]{}
	}
	return dump.Of(v)
}

// id is a number of a cell or a CPU; one that is none is unknown.
func id(v uint32) dump.Value[int32] { return notNegative(int32(v)) } //nolint:gosec // negative if too large

// seen reports whether an id was there before, and enters it.
func (b *builder) seen(set map[uint32]struct{}, v uint32, k Kind) bool {
	if _, ok := set[v]; ok {
		b.twice[k]++
		return true
	}
	set[v] = struct{}{}
	return false
}

var cellStates = []dump.CellState{
	CellFree: dump.CellFree, CellPrep: dump.CellPrep, CellLive: dump.CellLive, CellDrain: dump.CellDrain,
}

func (b *builder) addCell(r *Cell, record []byte) {
	if b.seen(b.cells, r.ID, KindCell) {
		return
	}
	c := dump.Cell{
		ID:          int32(r.ID), //nolint:gosec // below maxCells
		CPUs:        r.mask(record, 0),
		OwnerCgroup: nonZero(r.Owner),
		OwnerPath:   b.cgroup(r.Owner),
		VTime:       dump.Of(r.VTime),
		Queued:      dump.Of(int64(r.NrQueued)),
		Generation:  dump.Of(r.Generation),
		DSQ:         dump.Of(dump.DSQID(r.DSQ)),

		Since: nonZero(r.Since), GraceUntil: dump.Of(r.GraceUntil), Rescued: dump.Of(r.Rescued),
		SpareMissing: dump.Of(r.Flags&CellSpare == 0), CpusetCPUs: r.mask(record, 1),
	}
	if r.ID == 0 {
		c.CpusetCPUs = dump.Value[dump.CPUMask]{} // the root cell is of no cpuset
	}
	if int64(r.State) < int64(len(cellStates)) {
		c.State = dump.Of(cellStates[r.State])
	} else {
		c.State = dump.Of(dump.CellState("state_" + strconv.FormatUint(uint64(r.State), 10)))
	}
	b.s.Cells = append(b.s.Cells, c)
}

// cgroup is the path of the cgroup with the given id.
func (b *builder) cgroup(id uint64) dump.Value[string] {
	path, ok := b.cgroups[id]
	return dump.Value[string]{V: path, Known: ok}
}

var classes = []dump.Class{
	ClassIdle: dump.ClassIdle, ClassExt: dump.ClassExt, ClassFair: dump.ClassFair,
	ClassRT: dump.ClassRT, ClassDL: dump.ClassDL, ClassStop: dump.ClassStop,
}

func (b *builder) addCPU(r *CPU) {
	if b.seen(b.cpus, r.ID, KindCPU) {
		return
	}
	c := dump.CPU{ID: int32(r.ID)} //nolint:gosec // below MaxCPUs
	if !b.foreign() || r.Known != 0 {
		c.Online = dump.Of(r.Flags&CPUOnline != 0)
	}
	if !b.foreign() {
		c.Cell, c.PrevCell = id(r.Cell), id(r.PrevCell)
		c.VTime, c.Queued, c.DSQ = dump.Of(r.VTime), dump.Of(int64(r.NrQueued)), dump.Of(dump.DSQID(r.DSQ))
		c.Sections, c.Nesting, c.Awaited = dump.Of(r.Sections), dump.Of(r.Nesting), dump.Of(r.Flags&CPUAwaited != 0)
	}
	if c.Nesting.V != 0 {
		c.SectionSince = nonZero(r.SectionSince)
	}
	if r.Known != 0 {
		c.Listed = true
		c.NrRunning = dump.Of(r.NrRunning)
		c.Flags = dump.Of(r.RQFlags)
		c.Current = dump.Of(dump.TaskRef{Comm: b.comm(r.CurrComm[:]), PID: r.CurrPID})
		if int64(r.CurrClass) < int64(len(classes)) {
			c.Class = nonZero(classes[r.CurrClass])
		}
	}
	b.s.CPUs = append(b.s.CPUs, c)
}

func (b *builder) addTask(r *Task, record []byte) {
	b.s.Tasks = append(b.s.Tasks, dump.Task{})
	t := &b.s.Tasks[len(b.s.Tasks)-1]
	t.TaskRef = dump.TaskRef{Comm: b.comm(r.Comm[:]), PID: r.PID}
	t.TGID = dump.Of(r.TGID)
	t.CPU = notNegative(r.CPU)
	t.Current = r.Flags&TaskCurrent != 0
	t.Walked = r.Walk != 0
	t.State = dump.Of(stateLetter(r.State, r.ExitState))
	t.PFFlags = dump.Of(r.PFFlags)
	t.RunnableAt = b.runnableAt(r)

	t.SCXStateNr = dump.Of(uint32(r.SCXState))
	if name, ok := b.states.Name(uint32(r.SCXState)); ok {
		t.SCXState = dump.Of(name)
	}
	t.Flags = dump.Of(r.SCXFlags)
	t.DSQFlags = dump.Of(r.DSQFlags)
	t.OpsState = dump.Of(dump.OpsState(r.OpsState & 3))
	t.QSeq = dump.Of(r.OpsState >> 2)
	t.StickyCPU = dump.Of(r.StickyCPU)
	t.HoldingCPU = dump.Of(r.HoldingCPU)
	t.DSQ = dump.Of(dump.DSQRef{Kind: dump.DSQKindNone})
	if r.Flags&TaskOnDSQ != 0 {
		t.DSQ = dump.Of(decodeDSQ(dump.DSQID(r.DSQID), r.CPU))
	}
	t.DSQVTime = dump.Of(r.DSQVTime)
	t.Slice = dump.Of(r.Slice)
	t.Weight = dump.Of(r.Weight)
	t.MigrationDisabled = dump.Of(uint32(r.MigrationDisabled))
	t.CPUs = r.mask(record, 0)
	t.AllowedCPUs = r.mask(record, 1)

	if b.foreign() {
		t.CgroupID, t.CgroupName = nonZero(r.CGIDNow), b.cgroup(r.CGIDNow)
		return
	}
	hasContext := r.Flags&TaskCtx != 0
	t.HasContext = dump.Of(hasContext)
	if !hasContext {
		return
	}
	t.Cell = id(r.Cell)
	t.VTime = dump.Of(r.DSQVTime) // the scheduler keeps it nowhere else
	t.BasisVTime = dump.Of(r.Basis)
	t.AssignedDSQ = dump.Of(dump.DSQRef{Kind: dump.DSQKindNone})
	if r.DSQ != 0 {
		t.AssignedDSQ = dump.Of(decodeDSQ(dump.DSQID(r.DSQ), r.CPU))
	}
	t.AllCellCPUsAllowed = dump.Of(r.Flags&TaskAllCell != 0)
	t.CgroupID = nonZero(r.CGID)
	t.CgroupName = b.cgroup(r.CGID)
	t.ConfigSeq = dump.Of(r.Seq)
	t.RunTime = dump.Of(duration(r.RunNS))
	t.Runs = dump.Of(r.NrRuns)
	b.ctxs = append(b.ctxs, dump.TaskContext{
		CgroupIDNow: r.CGIDNow, VTimeRead: r.VTimeRead, StartedAt: r.StartedAt,
		Clock: id(r.Clock).V, CellGeneration: r.Generation, Fallback: r.Flags&TaskFallback != 0,
	})
	t.Context = &b.ctxs[len(b.ctxs)-1]
}

func (b *builder) addCgroup(r *Cgroup, record []byte) {
	g := dump.Cgroup{
		ID: r.ID, Path: b.cgroup(r.ID), Parent: r.Parent, Level: r.Level,
		HasContext: r.Flags&CgroupCtx != 0, Dying: r.Flags&CgroupDying != 0, Populated: r.Flags&CgroupPopulated != 0,
		CPUController: r.Flags&CgroupCPU != 0,
	}
	if g.HasContext {
		g.Cell, g.Owns = id(r.Cell).V, id(r.Owns).V
	}
	if r.Flags&CgroupCpuset != 0 {
		g.CPUs, g.EffectiveCPUs = r.mask(record, 0), r.mask(record, 1)
	}
	b.s.Cgroups = append(b.s.Cgroups, g)
}

// runnableAt is when a task became runnable, relative to the dump. A task that
// is not queued has the time of its last wakeup, which means nothing.
func (b *builder) runnableAt(r *Task) dump.Value[time.Duration] {
	if !b.d.hasBegin || b.host.HZ == 0 || r.SCXFlags&dump.TaskFlagQUEUED == 0 {
		return dump.Value[time.Duration]{}
	}
	ticks := int64(r.RunnableAt - b.d.begin.AtJiffies) //nolint:gosec // jiffies wrap
	hz := int64(b.host.HZ)
	const year = 365 * 24 * 3600
	if ticks/hz > year || ticks/hz < -year { // the kernel cannot have meant that
		return dump.Value[time.Duration]{}
	}
	sec, rest := ticks/hz, ticks%hz
	return dump.Of(time.Duration(sec)*time.Second + time.Duration(rest*int64(time.Second)/hz))
}

// stateLetter is the letter of a task's state, as the kernel's
// task_state_to_char finds it.
func stateLetter(state, exitState uint32) byte {
	const (
		uninterruptible = 0x0002
		reported        = 0x007f // the states that have a letter, exit states included
		idle            = 0x0402 // uninterruptible, and does not count as load
		lockWait        = 0x1000 // for an rtlock
		frozen          = 0x8000
	)
	letters := [...]byte{'R', 'S', 'D', 'T', 't', 'X', 'Z', 'P', 'I'}
	reports := (state | exitState) & reported
	if state&idle == idle {
		reports = reported + 1
	}
	if state&(lockWait|frozen) != 0 {
		reports = uninterruptible
	}
	return letters[bits.Len32(reports)]
}

// decodeDSQ says what a DSQ is; cpu is the CPU of the task that is on it, or -1.
func decodeDSQ(id dump.DSQID, cpu int32) dump.DSQRef {
	if r, ok := dump.TypedDSQ(id); ok {
		return r
	}
	return dump.BuiltinDSQ(id, max(cpu, -1))
}

func (b *builder) addDSQ(r *DSQ) {
	b.s.DSQs = append(b.s.DSQs, dump.DSQ{
		ID:     dump.Of(dump.DSQID(r.ID)),
		Name:   decodeDSQ(dump.DSQID(r.ID), -1).String(),
		Queued: dump.Of(int64(r.NrQueued)),
		PIDs:   slices.Clone(r.PIDs[:r.NrPIDs]),
	})
}

func (b *builder) addEvent(r *Event) {
	if r.Torn != 0 {
		b.torn++
	}
	b.s.Events = append(b.s.Events, dump.Event{
		Seq:      int64(min(r.Pos, math.MaxInt64)),
		Kind:     r.Kind.String(),
		CgroupID: nonZero(r.CGID),
		PID:      nonZero(r.PID),
		Time:     dump.Of(r.At),
		CPU:      id(r.CPU),
		Arg:      dump.Of(r.Arg),
		Torn:     r.Torn != 0,
	})
}

// sort orders what the rings may have brought in any order. Tasks of run
// queues stay in front of the others, each in the order in which they came.
func (b *builder) sort() {
	slices.SortFunc(b.s.Cells, func(x, y dump.Cell) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortStableFunc(b.s.Events, func(x, y dump.Event) int { return cmp.Compare(x.Seq, y.Seq) })
}

var triggers = map[Trigger]dump.Trigger{
	TriggerAbort: dump.TriggerCrash, TriggerSysRq: dump.TriggerSysRq, TriggerSample: dump.TriggerSample,
	TriggerForeign: dump.TriggerSample,
}

// setBegin takes over what the first record says of the scheduler as a whole.
func (b *builder) setBegin() {
	if !b.d.hasBegin {
		return
	}
	r := &b.d.begin
	b.s.Trigger = triggers[r.Trigger]
	if b.foreign() {
		return
	}
	b.s.Status = &dump.Status{
		ConfigSeq: r.CfgSeq, AppliedSeq: r.AppliedSeq, Slice: r.SliceNS, MaxCells: r.MaxCells,
		NrEvents: r.NrEvents, EnqFallback: r.EnqFallback, TimeClamped: r.TimeClamped,
		Faults: FaultNames(r.Faults),

		At:    b.d.ID,
		Grace: dump.GraceStatus{Seq: r.GraceSeq, Started: r.GraceStarted},
		Apply: dump.ApplyStatus{Begun: r.ApplyBegun, Ended: r.ApplyEnded, RC: r.ApplyRC, Phase: phase(r.ApplyPhase), TokenSince: r.TokenSince},
		Timer: dump.TimerStatus{
			Armed: r.TimerArmed != 0, RC: r.TimerRC, Runs: r.TimerRuns, First: r.TimerFirst, Last: r.TimerLast,
			MaxRun: duration(r.TimerMaxRun), Period: duration(r.TimerPeriod),
		},
		Exiting: dump.ExitingStatus{Count: r.Fallbacks, CgroupID: r.FallbackCGID, PID: r.FallbackPID, PFFlags: r.FallbackPFFlags},

		CpusetBegun: r.CpusetBegun, CpusetEnded: r.CpusetEnded, AllocFail: r.AllocFail, LateInserts: r.LateInserts,
		Rescued: r.Rescued, MaxUsed: r.MaxUsed, Queues: r.NrQueues, HeldCPU: r.HeldCPU, InitEnded: r.InitEnded,
		Cgroups: r.NrCgroups,
	}
}

var phases = []dump.ApplyPhase{
	PhaseClaim: dump.ApplyClaim, PhasePublish: dump.ApplyPublish, PhaseInherit: dump.ApplyInherit,
}

func phase(p Phase) dump.ApplyPhase {
	if int64(p) < int64(len(phases)) {
		return phases[p]
	}
	return dump.ApplyPhase("phase_" + strconv.FormatUint(uint64(p), 10))
}

// duration is a number of ns.
func duration(ns uint64) time.Duration { return time.Duration(min(ns, math.MaxInt64)) }

// setExit takes over why the scheduler ended, from the exit record or else from
// what the first record knows of it.
func (b *builder) setExit() {
	begin, r := &b.d.begin, b.exit
	aborting := b.d.hasBegin && begin.Trigger == TriggerAbort
	if r == nil && !aborting {
		return
	}
	x := new(dump.Exit)
	b.s.Exit = x
	if r != nil {
		x.Kind = nonZero(dump.ExitKind(r.Kind & math.MaxInt32))
		x.Code = dump.Of(r.Code)
		x.Reason = nonZero(string(cString(r.Reason[:])))
		x.Message = nonZero(string(cString(r.Msg[:])))
		x.CPU = notNegative(r.ExitCPU)
		for _, pc := range r.Frames[:r.NrFrames] {
			x.Backtrace = append(x.Backtrace, dump.Line{Text: "0x" + strconv.FormatUint(pc, 16)})
		}
	}
	if aborting {
		if !x.Kind.Known {
			x.Kind = nonZero(dump.ExitKind(begin.ExitKind & math.MaxInt32))
		}
		if !x.Code.Known {
			x.Code = dump.Of(begin.ExitCode)
		}
		if !x.Reason.Known {
			x.Reason = nonZero(string(cString(begin.Reason[:])))
		}
		// The dump is taken in an interrupt of the task that the kernel
		// names as the one that triggered it.
		if c := b.s.CPU(begin.CPU); c != nil {
			x.Task = c.Current
		}
	}
	b.s.Trigger = dump.TriggerCrash
	if !x.IsFailure() {
		b.s.Trigger = dump.TriggerExit
	}
	b.s.FindSubject()
}

// kernelText joins the pieces of the kernel's own dump, up to the first one
// that is missing: what follows a hole may belong to any CPU.
func (b *builder) kernelText() []byte {
	var total, have uint64
	if b.exit != nil {
		total = uint64(b.exit.TextSize)
	}
	slices.SortStableFunc(b.texts, func(x, y textPiece) int { return cmp.Compare(x.offset, y.offset) })
	var text []byte
	hole := false
	for _, p := range b.texts {
		end := p.offset + uint64(len(p.data))
		total = max(total, end)
		switch n := uint64(len(text)); {
		case hole || p.offset > n:
			hole = true
			have += uint64(len(p.data))
		case end > n:
			text = append(text, p.data[n-p.offset:]...)
		}
	}
	if have += uint64(len(text)); uint64(len(text)) < total {
		text = text[:bytes.LastIndexByte(text, '\n')+1]
		b.note("the kernel's own dump has a hole: ", have, " of ", total, " bytes came, the first ", len(text), " are used")
	}
	if len(text) == 0 {
		return nil
	}
	return text
}
