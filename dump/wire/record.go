// SPDX-License-Identifier: GPL-2.0-only

package wire

import (
	"encoding/binary"
	"errors"
	"strconv"

	"scxdiag/dump"
)

// Magic starts every record; in memory it reads "scxd". Version is the layout
// that this package knows.
const (
	Magic   uint32 = 0x64786373
	Version uint16 = 2
)

// Kind says what a record holds.
type Kind uint16

// The kinds of record.
const (
	kindNone Kind = 0 // of none that is fit for use

	KindBegin Kind = 1 // first of a dump: what it is and what is to follow
	KindCell  Kind = 2
	KindCPU   Kind = 3
	KindTask  Kind = 4
	KindDSQ   Kind = 5 // a DSQ that is not empty
	KindEvent Kind = 6 // a step of the history
	KindText  Kind = 7 // a piece of the kernel's own dump
	KindExit  Kind = 8 // why the kernel threw the scheduler out
	KindEnd   Kind = 9 // last of a dump: what was sent and what was dropped

	KindCgroup Kind = 10 // a cgroup, as the scheduler and its cpuset have it

	KindHost       Kind = 32 // written by the collector
	KindCgroupPath Kind = 33 // written by the collector

	// Kinds is above all kinds that End counts.
	Kinds = 16
)

var kindNames = [Kinds]string{
	KindBegin: "begin", KindCell: "cell", KindCPU: "cpu", KindTask: "task", KindDSQ: "dsq",
	KindEvent: "event", KindText: "text", KindExit: "exit", KindEnd: "end", KindCgroup: "cgroup",
}

// String is the name of the kind as ledgers have it, or "kind 12".
func (k Kind) String() string {
	switch {
	case k == KindHost:
		return "host"
	case k == KindCgroupPath:
		return "cgroup path"
	case k < Kinds && kindNames[k] != "":
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// MaxRecord is the length in bytes that no record exceeds.
const MaxRecord = 1 << 16

// headerSize is the size of Header in bytes.
const headerSize = 40

// Header starts every record. Writers set CPU, Dump, Time, Words and Walk; the
// rest is filled in by Append.
type Header struct {
	Magic   uint32
	Version uint16
	Kind    Kind
	Len     uint32 // of the record with this header, in bytes
	CPU     int32  // that wrote it, -1 for the collector
	Dump    uint64 // joins the records of one dump: ns since boot when it was taken
	Time    uint64 // bpf_ktime_get_ns
	Masks   uint16 // offset of the masks from the start of the record, 0 if it has none
	Words   uint16 // 64-bit words in each mask
	Walk    uint32 // 1 if the record comes from a walk over all tasks, not from the run queue
}

func (h *Header) fields(c *codec) {
	if !c.write {
		h.read((*[headerSize]byte)(c.b[c.off:]))
		c.off += headerSize
		return
	}
	c.u32(&h.Magic)
	c.u16(&h.Version)
	c.u16((*uint16)(&h.Kind))
	c.u32(&h.Len)
	c.s32(&h.CPU)
	c.u64(&h.Dump)
	c.u64(&h.Time)
	c.u16(&h.Masks)
	c.u16(&h.Words)
	c.u32(&h.Walk)
}

// read does what the codec would, in a third of the time: every record that
// comes passes here.
func (h *Header) read(b *[headerSize]byte) {
	h.Magic = binary.LittleEndian.Uint32(b[0:])
	h.Version = binary.LittleEndian.Uint16(b[4:])
	h.Kind = Kind(binary.LittleEndian.Uint16(b[6:]))
	h.Len = binary.LittleEndian.Uint32(b[8:])
	h.CPU = int32(binary.LittleEndian.Uint32(b[12:])) //nolint:gosec // the same bits
	h.Dump = binary.LittleEndian.Uint64(b[16:])
	h.Time = binary.LittleEndian.Uint64(b[24:])
	h.Masks = binary.LittleEndian.Uint16(b[32:])
	h.Words = binary.LittleEndian.Uint16(b[34:])
	h.Walk = binary.LittleEndian.Uint32(b[36:])
}

// Trigger says why a dump was taken.
type Trigger uint32

// The triggers.
const (
	TriggerAbort  Trigger = 1
	TriggerSysRq  Trigger = 2
	TriggerSample Trigger = 3
	// TriggerForeign is of a sample of a scheduler that is not the one of this
	// project: nothing is known of it, its tasks and CPUs but what the kernel has.
	TriggerForeign Trigger = 4
)

// Begin is the first record of a dump.
type Begin struct {
	Header
	Trigger     Trigger
	ExitKind    uint32 // dump.ExitKind, 0 unless aborting
	ExitCode    int64
	AtJiffies   uint64
	CfgSeq      uint64 // configuration wanted
	AppliedSeq  uint64 // configuration in force
	SliceNS     uint64
	NrCPUs      uint32 // CPU records that follow: possible CPUs
	NrCells     uint32 // cell records that follow
	MaxCells    uint32
	Faults      uint32 // bit set, see FaultNames
	NrEvents    uint64 // steps of the history so far
	EnqFallback uint64 // tasks put on the global DSQ for lack of their context
	TimeClamped uint64 // runs that ended before they started by the clock
	Reason      [64]byte

	// How the systems of the scheduler are. Times are bpf_ktime_get_ns, 0 if
	// there was none.
	GraceSeq        uint64 // odd while a grace period is in progress
	GraceStarted    uint64 // of the one in progress or the last one
	CpusetBegun     uint64 // writes to cpusets that began
	CpusetEnded     uint64 // and that ended
	ApplyBegun      uint64 // of the last configuration
	ApplyEnded      uint64
	ApplyRC         int32 // 0 or -errno
	ApplyPhase      Phase
	TokenSince      uint64 // that somebody has had the token to apply
	AllocFail       uint64 // times that a cpuset got no cell, for all were taken
	LateInserts     uint64 // tasks queued on a cell after it was free
	Rescued         uint64 // tasks taken off a queue that no CPU serves for them
	MaxUsed         uint32 // cells in use at the same time, at most
	HeldCPU         int32  // kept back for the root cell, -1 if none had to be
	TimerRuns       uint64
	TimerFirst      uint64
	TimerLast       uint64
	TimerMaxRun     uint64 // ns
	TimerPeriod     uint64 // ns
	TimerRC         int32  // of arming it last: 0 or -errno
	TimerArmed      uint32 // 1 if it was ever armed
	InitEnded       uint64
	Fallbacks       uint64 // exiting tasks of dead cgroups that went to the root cell
	FallbackCGID    uint64 // of the last one, and so on
	FallbackPID     int32
	FallbackPFFlags uint32 // task_struct.flags
	NrCgroups       uint32 // with a context
	NrQueues        uint32 // cells that have a queue
}

// Phase is how far the application of a configuration has got.
type Phase uint32

// The phases.
const (
	PhaseNone    Phase = 0
	PhaseClaim   Phase = 1
	PhasePublish Phase = 2
	PhaseInherit Phase = 3
)

func (r *Begin) fields(c *codec) {
	r.Header.fields(c)
	c.u32((*uint32)(&r.Trigger))
	c.u32(&r.ExitKind)
	c.s64(&r.ExitCode)
	c.u64(&r.AtJiffies)
	c.u64(&r.CfgSeq)
	c.u64(&r.AppliedSeq)
	c.u64(&r.SliceNS)
	c.u32(&r.NrCPUs)
	c.u32(&r.NrCells)
	c.u32(&r.MaxCells)
	c.u32(&r.Faults)
	c.u64(&r.NrEvents)
	c.u64(&r.EnqFallback)
	c.u64(&r.TimeClamped)
	c.bytes(r.Reason[:])
	c.u64(&r.GraceSeq)
	c.u64(&r.GraceStarted)
	c.u64(&r.CpusetBegun)
	c.u64(&r.CpusetEnded)
	c.u64(&r.ApplyBegun)
	c.u64(&r.ApplyEnded)
	c.s32(&r.ApplyRC)
	c.u32((*uint32)(&r.ApplyPhase))
	c.u64(&r.TokenSince)
	c.u64(&r.AllocFail)
	c.u64(&r.LateInserts)
	c.u64(&r.Rescued)
	c.u32(&r.MaxUsed)
	c.s32(&r.HeldCPU)
	c.u64(&r.TimerRuns)
	c.u64(&r.TimerFirst)
	c.u64(&r.TimerLast)
	c.u64(&r.TimerMaxRun)
	c.u64(&r.TimerPeriod)
	c.s32(&r.TimerRC)
	c.u32(&r.TimerArmed)
	c.u64(&r.InitEnded)
	c.u64(&r.Fallbacks)
	c.u64(&r.FallbackCGID)
	c.s32(&r.FallbackPID)
	c.u32(&r.FallbackPFFlags)
	c.u32(&r.NrCgroups)
	c.u32(&r.NrQueues)
}

// Append appends the record to b.
func (r Begin) Append(b []byte) []byte { return appendRecord(b, KindBegin, &r.Header, r.fields) }

// faultNames are the bits of Begin.Faults (enum fault in bpf/include/fault.bpf.h).
var faultNames = []string{
	"lose-task", "error-now", "timer-stop", "tick-only", "no-reclaim", "no-drain", "fentry-bump", "empty-root",
	"pin-on-cell", "stale-vtime", "split-clock", "frozen-clock", "leak-cell", "no-fallback", "no-cginit",
	"gp-off", "gp-skip-exit", "gp-nofence", "slot-leak", "token-leak", "early-timer", "slow-init", "leak-cpu",
	"skip-apply", "no-kick", "ignore-affinity", "slow-section",
}

// FaultNames names the faults that are provoked on purpose. Bits without a
// name are given in hex.
func FaultNames(faults uint32) []string {
	var names []string
	for bit := 0; faults != 0; bit, faults = bit+1, faults>>1 {
		switch {
		case faults&1 == 0:
		case bit < len(faultNames):
			names = append(names, faultNames[bit])
		default:
			names = append(names, "0x"+strconv.FormatUint(1<<bit, 16))
		}
	}
	return names
}

// CellState is where a cell stands between two uses of its id.
type CellState uint32

// The cell states.
const (
	CellFree  CellState = 0
	CellPrep  CellState = 1
	CellLive  CellState = 2
	CellDrain CellState = 3
)

// Cell is one cell.
type Cell struct {
	Header
	ID         uint32
	State      CellState
	Generation uint32 // grows each time the id is used again
	NrQueued   int32  // on its DSQ, or -errno
	Owner      uint64 // cgroup id, 0 for the root cell
	VTime      uint64
	DSQ        uint64
	Since      uint64 // ns, when it came into this state
	GraceUntil uint64 // grace-period sequence that it waits for before its id is free, 0 if it does not
	Rescued    uint64 // tasks taken off its queue since it is in use
	Flags      CellFlags
	Unused     uint32
	CPUs       dump.CPUMask // a mask behind the fixed part
	Cpuset     dump.CPUMask // a second one: what its owner's cpuset had when it was last read
}

// CellFlags are the bits of Cell.Flags.
type CellFlags uint32

// The cell flags.
const (
	CellSpare CellFlags = 1 // the mask for its next CPUs is in its place
)

func (r *Cell) fields(c *codec) {
	r.Header.fields(c)
	c.u32(&r.ID)
	c.u32((*uint32)(&r.State))
	c.u32(&r.Generation)
	c.s32(&r.NrQueued)
	c.u64(&r.Owner)
	c.u64(&r.VTime)
	c.u64(&r.DSQ)
	c.u64(&r.Since)
	c.u64(&r.GraceUntil)
	c.u64(&r.Rescued)
	c.u32((*uint32)(&r.Flags))
	c.u32(&r.Unused)
}

// Append appends the record to b, its masks with Words words each or as many as
// they need.
func (r Cell) Append(b []byte) []byte {
	return appendRecord(b, KindCell, &r.Header, r.fields, r.CPUs, r.Cpuset)
}

// Class is the scheduling class of a CPU's current task.
type Class uint32

// The classes.
const (
	ClassUnknown Class = 0
	ClassIdle    Class = 1
	ClassExt     Class = 2
	ClassFair    Class = 3
	ClassRT      Class = 4
	ClassDL      Class = 5
	ClassStop    Class = 6
)

// CPU is the run queue of one CPU.
type CPU struct {
	Header
	ID        uint32
	Cell      uint32
	NrRunning uint32 // sched_ext tasks on the run queue, the running one included
	RQFlags   uint32 // scx_rq.flags
	CurrPID   int32
	CurrClass Class
	CurrComm  [16]byte
	VTime     uint64 // of the task that ran last
	DSQ       uint64
	NrQueued  int32  // on its DSQ, or -errno
	Known     uint32 // 1 if the run queue could be read

	Sections     uint64 // that have ended on it
	SectionSince uint64 // ns, when the one began that it is in; meaningless without Nesting
	Nesting      uint32 // of the section that it is in, 0 if it is in none
	PrevCell     uint32 // whose queue it serves, too, while a grace period is in progress
	Flags        CPUFlags
	Unused       uint32
}

// CPUFlags are the bits of CPU.Flags.
type CPUFlags uint32

// The CPU flags.
const (
	CPUOnline  CPUFlags = 1 // and not about to go offline
	CPUAwaited CPUFlags = 2 // the grace period in progress waits for it
)

func (r *CPU) fields(c *codec) {
	r.Header.fields(c)
	c.u32(&r.ID)
	c.u32(&r.Cell)
	c.u32(&r.NrRunning)
	c.u32(&r.RQFlags)
	c.s32(&r.CurrPID)
	c.u32((*uint32)(&r.CurrClass))
	c.bytes(r.CurrComm[:])
	c.u64(&r.VTime)
	c.u64(&r.DSQ)
	c.s32(&r.NrQueued)
	c.u32(&r.Known)
	c.u64(&r.Sections)
	c.u64(&r.SectionSince)
	c.u32(&r.Nesting)
	c.u32(&r.PrevCell)
	c.u32((*uint32)(&r.Flags))
	c.u32(&r.Unused)
}

// Append appends the record to b.
func (r CPU) Append(b []byte) []byte { return appendRecord(b, KindCPU, &r.Header, r.fields) }

// TaskFlags are the bits of Task.Flags.
type TaskFlags uint32

// The task flags.
const (
	TaskCurrent TaskFlags = 1 // it is running
	TaskCtx     TaskFlags = 2 // the scheduler's storage for it is there
	TaskAllCell TaskFlags = 4 // it may use every CPU of its cell, so it is not pinned
	TaskOnDSQ   TaskFlags = 8 // DSQID says where

	TaskFallback TaskFlags = 16 // it is in the root cell because its cgroup is dead
)

// Task is one task.
type Task struct {
	Header
	PID               int32
	TGID              int32
	Comm              [16]byte
	Flags             TaskFlags
	CPU               int32  // whose run queue it is accounted to
	State             uint32 // task_struct.__state
	ExitState         uint32
	PFFlags           uint32 // task_struct.flags
	MigrationDisabled uint16
	SCXState          uint16
	SCXFlags          uint32 // without the state
	DSQFlags          uint32
	OpsState          uint64 // state in bits 0-1, sequence above
	StickyCPU         int32
	HoldingCPU        int32
	DSQID             uint64
	DSQVTime          uint64
	Slice             uint64
	RunnableAt        uint64 // jiffies
	Weight            uint32
	Cell              uint32
	Seq               uint64       // configuration that cell and dsq were chosen under
	DSQ               uint64       // where the scheduler means to queue it
	Basis             uint64       // clock of its queue when it was last enqueued
	CGID              uint64       //
	RunNS             uint64       // that it has run under this scheduler
	NrRuns            uint64       //
	CGIDNow           uint64       // of its cgroup as the kernel has it now
	VTimeRead         uint64       // the vtime that was compared with Basis
	StartedAt         uint64       // ns, when it last began to run; 0 if never
	Clock             uint32       // cell whose clock its vtime is on
	Generation        uint32       // of its cell, when that was read
	CPUs              dump.CPUMask // a mask behind the fixed part: where it may run now
	Allowed           dump.CPUMask // a second one: where it may run when migration is enabled
}

func (r *Task) fields(c *codec) {
	r.Header.fields(c)
	c.s32(&r.PID)
	c.s32(&r.TGID)
	c.bytes(r.Comm[:])
	c.u32((*uint32)(&r.Flags))
	c.s32(&r.CPU)
	c.u32(&r.State)
	c.u32(&r.ExitState)
	c.u32(&r.PFFlags)
	c.u16(&r.MigrationDisabled)
	c.u16(&r.SCXState)
	c.u32(&r.SCXFlags)
	c.u32(&r.DSQFlags)
	c.u64(&r.OpsState)
	c.s32(&r.StickyCPU)
	c.s32(&r.HoldingCPU)
	c.u64(&r.DSQID)
	c.u64(&r.DSQVTime)
	c.u64(&r.Slice)
	c.u64(&r.RunnableAt)
	c.u32(&r.Weight)
	c.u32(&r.Cell)
	c.u64(&r.Seq)
	c.u64(&r.DSQ)
	c.u64(&r.Basis)
	c.u64(&r.CGID)
	c.u64(&r.RunNS)
	c.u64(&r.NrRuns)
	c.u64(&r.CGIDNow)
	c.u64(&r.VTimeRead)
	c.u64(&r.StartedAt)
	c.u32(&r.Clock)
	c.u32(&r.Generation)
}

// Append appends the record to b, its masks with Words words each or as many
// as they need.
func (r Task) Append(b []byte) []byte {
	return appendRecord(b, KindTask, &r.Header, r.fields, r.CPUs, r.Allowed)
}

// DSQPIDs is how many tasks a DSQ record lists.
const DSQPIDs = 32

// DSQ is a dispatch queue that is not empty.
type DSQ struct {
	Header
	ID       uint64
	NrQueued int32 // or -errno
	NrPIDs   uint32
	PIDs     [DSQPIDs]int32 // the first ones, in order
}

func (r *DSQ) fields(c *codec) {
	r.Header.fields(c)
	c.u64(&r.ID)
	c.s32(&r.NrQueued)
	c.u32(&r.NrPIDs)
	for i := range r.PIDs {
		c.s32(&r.PIDs[i])
	}
}

// Append appends the record to b.
func (r DSQ) Append(b []byte) []byte { return appendRecord(b, KindDSQ, &r.Header, r.fields) }

// EventKind says what a step of the history was.
type EventKind uint32

// The kinds of event (enum event_kind in bpf/include/event.bpf.h).
const (
	EventCgroupInit EventKind = 1
	EventCgroupExit EventKind = 2
	EventCgroupMove EventKind = 3
	EventInitTask   EventKind = 4
	EventExitTask   EventKind = 5
	EventApplyBegin EventKind = 6
	EventApplyEnd   EventKind = 7
	EventCellAlloc  EventKind = 8
	EventCellFree   EventKind = 9
	EventCellDrain  EventKind = 10
	EventFallback   EventKind = 11
	EventError      EventKind = 12
	EventCellLive   EventKind = 13
	EventSetBegin   EventKind = 14
	EventSetEnd     EventKind = 15
	EventGPBegin    EventKind = 16
	EventGPEnd      EventKind = 17
	EventTimerArm   EventKind = 18
	EventTimerFire  EventKind = 19
	EventInitEnd    EventKind = 20
	EventCPUOnline  EventKind = 21
	EventCPUOffline EventKind = 22
)

var eventNames = []string{
	EventCgroupInit: "cgroup_init", EventCgroupExit: "cgroup_exit", EventCgroupMove: "cgroup_move",
	EventInitTask: "init_task", EventExitTask: "exit_task",
	EventApplyBegin: "apply_begin", EventApplyEnd: "apply_end",
	EventCellAlloc: "cell_alloc", EventCellFree: "cell_free", EventCellDrain: "cell_drain",
	EventFallback: "fallback", EventError: "error", EventCellLive: "cell_live",
	EventSetBegin: "cpuset_begin", EventSetEnd: "cpuset_end", EventGPBegin: "gp_begin", EventGPEnd: "gp_end",
	EventTimerArm: "timer_arm", EventTimerFire: "timer_fire", EventInitEnd: "init_end",
	EventCPUOnline: "cpu_online", EventCPUOffline: "cpu_offline",
}

// String is the scheduler's name for the kind, or "event_13".
func (k EventKind) String() string {
	if int64(k) < int64(len(eventNames)) && eventNames[k] != "" {
		return eventNames[k]
	}
	return "event_" + strconv.FormatUint(uint64(k), 10)
}

// Event is a step of the history.
type Event struct {
	Header
	Pos  uint64 // in the history, from 0
	At   uint64 // bpf_ktime_get_ns
	Kind EventKind
	PID  int32 // 0 if the step concerns no task
	CGID uint64
	Arg  uint64
	CPU  uint32
	Torn uint32 // 1 if it was overwritten while it was read
}

func (r *Event) fields(c *codec) {
	r.Header.fields(c)
	c.u64(&r.Pos)
	c.u64(&r.At)
	c.u32((*uint32)(&r.Kind))
	c.s32(&r.PID)
	c.u64(&r.CGID)
	c.u64(&r.Arg)
	c.u32(&r.CPU)
	c.u32(&r.Torn)
}

// Append appends the record to b.
func (r Event) Append(b []byte) []byte { return appendRecord(b, KindEvent, &r.Header, r.fields) }

// CgroupFlags are the bits of Cgroup.Flags.
type CgroupFlags uint32

// The cgroup flags.
const (
	CgroupCtx       CgroupFlags = 1 // the scheduler's storage for it is there
	CgroupDying     CgroupFlags = 2
	CgroupPopulated CgroupFlags = 4  // it or one below it has tasks
	CgroupCpuset    CgroupFlags = 8  // the controller is enabled for it, and the masks are its own
	CgroupCPU       CgroupFlags = 16 // likewise cpu
)

// Cgroup is a cgroup as the scheduler and its cpuset have it.
type Cgroup struct {
	Header
	ID        uint64
	Parent    uint64 // id, 0 for the root of the hierarchy
	Level     uint32 // 0 for the root of the hierarchy
	Cell      uint32 // its tasks are in
	Owns      uint32 // the cell that its cpuset made, 0 if none
	Flags     CgroupFlags
	CPUs      dump.CPUMask // a mask behind the fixed part: cpuset.cpus
	Effective dump.CPUMask // a second one: cpuset.cpus.effective
}

func (r *Cgroup) fields(c *codec) {
	r.Header.fields(c)
	c.u64(&r.ID)
	c.u64(&r.Parent)
	c.u32(&r.Level)
	c.u32(&r.Cell)
	c.u32(&r.Owns)
	c.u32((*uint32)(&r.Flags))
}

// Append appends the record to b, its masks with Words words each or as many as
// they need.
func (r Cgroup) Append(b []byte) []byte {
	return appendRecord(b, KindCgroup, &r.Header, r.fields, r.CPUs, r.Effective)
}

// TextBytes is how much of the kernel's dump fits in one record.
const TextBytes = 4096

// Text is a piece of the kernel's own dump.
type Text struct {
	Header
	Offset uint32 // of Data in the text
	Size   uint32 // of Data
	Data   [TextBytes]byte
}

func (r *Text) fields(c *codec) {
	r.Header.fields(c)
	c.u32(&r.Offset)
	c.u32(&r.Size)
	c.bytes(r.Data[:])
}

// Append appends the record to b.
func (r Text) Append(b []byte) []byte { return appendRecord(b, KindText, &r.Header, r.fields) }

// Sizes of the arrays of Exit.
const (
	ExitFrames = 64
	ExitMsg    = 1024
)

// Exit is why the kernel threw the scheduler out (struct scx_exit_info).
type Exit struct {
	Header
	Kind     uint32 // dump.ExitKind
	ExitCPU  int32  // -1 if the kernel does not tell
	Code     int64
	NrFrames uint32
	TextSize uint32 // of the kernel's own dump, which follows in Text records
	Reason   [64]byte
	Msg      [ExitMsg]byte
	Frames   [ExitFrames]uint64
}

func (r *Exit) fields(c *codec) {
	r.Header.fields(c)
	c.u32(&r.Kind)
	c.s32(&r.ExitCPU)
	c.s64(&r.Code)
	c.u32(&r.NrFrames)
	c.u32(&r.TextSize)
	c.bytes(r.Reason[:])
	c.bytes(r.Msg[:])
	for i := range r.Frames {
		c.u64(&r.Frames[i])
	}
}

// Append appends the record to b.
func (r Exit) Append(b []byte) []byte { return appendRecord(b, KindExit, &r.Header, r.fields) }

// End is the last record of a dump on its ring. Records on the other ring may
// be read after it.
type End struct {
	Header
	Sent    [Kinds]uint64 // by kind, without End: received + dropped
	Dropped [Kinds]uint64 // by kind: the ring was full
}

func (r *End) fields(c *codec) {
	r.Header.fields(c)
	for i := range r.Sent {
		c.u64(&r.Sent[i])
	}
	for i := range r.Dropped {
		c.u64(&r.Dropped[i])
	}
}

// Append appends the record to b.
func (r End) Append(b []byte) []byte { return appendRecord(b, KindEnd, &r.Header, r.fields) }

// fixedSize is the length of each kind's fixed part, masks how many masks it
// has behind that.
var (
	fixedSize = [Kinds]int{
		KindBegin: sizeOf(new(Begin).fields), KindCell: sizeOf(new(Cell).fields), KindCPU: sizeOf(new(CPU).fields),
		KindTask: sizeOf(new(Task).fields), KindDSQ: sizeOf(new(DSQ).fields), KindEvent: sizeOf(new(Event).fields),
		KindText: sizeOf(new(Text).fields), KindExit: sizeOf(new(Exit).fields), KindEnd: sizeOf(new(End).fields),
		KindCgroup: sizeOf(new(Cgroup).fields),
	}
	maskCount = [Kinds]int{KindCell: 2, KindTask: 2, KindCgroup: 2}
)

func sizeOf(fields func(*codec)) int {
	c := codec{b: make([]byte, MaxRecord), write: true}
	fields(&c)
	return c.off
}

// appendRecord encodes a record and fills in what its header says of it.
func appendRecord(b []byte, k Kind, h *Header, fields func(*codec), masks ...dump.CPUMask) []byte {
	size := fixedSize[k]
	h.Magic, h.Version, h.Kind, h.Masks = Magic, Version, k, 0
	for _, m := range masks {
		h.Words = max(h.Words, uint16(m.Last()/64+1)) //nolint:gosec // below MaxCPUs/64
		h.Masks = uint16(size)                        //nolint:gosec // the fixed part is short
	}
	total := size + len(masks)*int(h.Words)*8
	h.Len = uint32(total) //nolint:gosec // below MaxRecord
	start := len(b)
	b = append(b, make([]byte, total)...)
	fields(&codec{b: b[start:], write: true})
	for i, m := range masks {
		words := b[start+size+i*int(h.Words)*8:]
		for cpu := range m.All() {
			words[cpu/8] |= 1 << (cpu % 8) // little endian: byte 0 has CPUs 0 to 7
		}
	}
	return b
}

// mask is the i-th mask of a record whose masks have been checked; it is
// unknown if the record has none.
func (h *Header) mask(record []byte, i int) dump.Value[dump.CPUMask] {
	if h.Masks == 0 || h.Words == 0 {
		return dump.Value[dump.CPUMask]{}
	}
	n := int(h.Words) * 8
	start := int(h.Masks) + i*n
	return dump.Of(dump.MaskOfWords(record[start : start+n]))
}

// Reasons why a record is not accepted. They are made once, since a flood of
// bad records must not cost memory.
var (
	errMagic   = errors.New("not a record: no magic")
	errLength  = errors.New("record with an impossible length")
	errVersion = errors.New("record of another version")
	errShort   = errors.New("record too short for its kind")
	errMasks   = errors.New("record with masks outside of it")
	errID      = errors.New("record with an impossible id")
	errCount   = errors.New("record with an impossible count")
	errKind    = errors.New("record of an unknown kind")
	errLate    = errors.New("record of a dump that is finished")
	errLimit   = errors.New("record beyond the limits of the assembler")
)

// ParseHeader reads and checks the header of the record that b starts with:
// magic, version, and that all of its Len bytes are in b. A record of a version
// that this package does not know gives a header with an error.
func ParseHeader(b []byte) (Header, error) {
	var h Header
	if len(b) < headerSize {
		return h, errLength
	}
	h.read((*[headerSize]byte)(b))
	switch {
	case h.Magic != Magic:
		return h, errMagic
	case h.Len < headerSize || h.Len > MaxRecord || int(h.Len) > len(b):
		return h, errLength
	case h.Version != Version:
		return h, errVersion
	}
	return h, nil
}

// check checks the body of a record whose header is good and whose kind End
// counts.
func (h *Header) check(record []byte) error {
	size := fixedSize[h.Kind]
	switch {
	case size == 0:
		return errKind
	case len(record) < size:
		return errShort
	}
	if h.Masks != 0 && maskCount[h.Kind] > 0 {
		masks, words := int(h.Masks), int(h.Words)
		if masks < size || words > dump.MaxCPUs/64 || masks+maskCount[h.Kind]*words*8 > len(record) {
			return errMasks
		}
	}
	at := func(off int) uint32 { return binary.LittleEndian.Uint32(record[off:]) }
	switch h.Kind {
	case KindCPU:
		if at(headerSize) >= dump.MaxCPUs {
			return errID
		}
	case KindCell:
		if at(headerSize) >= maxCells {
			return errID
		}
	case KindDSQ:
		if at(headerSize+12) > DSQPIDs {
			return errCount
		}
	case KindText:
		if at(headerSize+4) > TextBytes {
			return errCount
		}
	case KindExit:
		if at(headerSize+16) > ExitFrames {
			return errCount
		}
	}
	return nil
}
