// SPDX-License-Identifier: GPL-2.0-only

package dump

import (
	"strings"
	"time"
)

// Trigger says why there is a snapshot.
type Trigger string

// The triggers.
const (
	TriggerCrash  Trigger = "crash"  // the kernel threw the scheduler out
	TriggerExit   Trigger = "exit"   // the scheduler ended in order
	TriggerSysRq  Trigger = "sysrq"  // SysRq-D; the scheduler goes on
	TriggerSample Trigger = "sample" // taken on an interval or on demand
	// TriggerHalfway is of a sample that was taken because a task had waited for
	// half of the time after which the kernel throws the scheduler out.
	TriggerHalfway Trigger = "halfway"
	// TriggerUnknown is of a dump whose beginning is missing, which would tell.
	TriggerUnknown Trigger = ""
)

// Triggers are all triggers but TriggerUnknown.
func Triggers() []Trigger {
	return []Trigger{TriggerCrash, TriggerExit, TriggerSysRq, TriggerSample, TriggerHalfway}
}

// Source says where a snapshot was read from.
type Source struct {
	Name    string // file name as the user gave it, "-" for standard input
	Carrier string // what wrapped the text, outermost first: "actions+journald", "stderr"
	// Reversed is set if the newest line came first (journalctl -r). Raw keeps
	// the order of the source.
	Reversed bool
	// Offset is of the first byte of Raw in the source, after decoding to UTF-8 and,
	// where each line is in a record, taking it out of there; Line is the number of
	// the first line of Raw there, from 1.
	Offset int64
	Line   int
	// Copies says where else in the stream the same snapshot was found.
	Copies []Copy
}

// Copy is a further place of the same dump or verdict in a stream.
type Copy struct {
	Carrier string
	Offset  int64
	Line    int
}

// SubScheduler identifies a scheduler below the root, 7.1 and up.
type SubScheduler struct {
	Level    int    // 1 and up
	CgroupID uint64 // of the cgroup that it serves
	Path     string // of that cgroup
}

// Status is what a cell scheduler says of itself as a whole.
type Status struct {
	ConfigSeq   uint64 // sequence number of the configuration wanted
	AppliedSeq  uint64 // of the one in force
	Slice       uint64 // ns that a task may run for at most
	MaxCells    uint32
	NrEvents    uint64   // steps of the history so far; the snapshot holds the last ones
	EnqFallback uint64   // tasks put on the global DSQ for lack of their context
	TimeClamped uint64   // runs that ended before they started, by clocks that disagree
	Faults      []string // provoked on purpose, for tests of this program

	// At is when the snapshot was taken. It and all other times of the status
	// and of cells and CPUs are in ns since boot, 0 for never.
	At      uint64
	Grace   GraceStatus
	Apply   ApplyStatus
	Timer   TimerStatus
	Exiting ExitingStatus

	CpusetBegun uint64 // writes to cpusets that began
	CpusetEnded uint64 // and that ended; only then does one count
	AllocFail   uint64 // times that a cpuset got no cell, for all were taken
	LateInserts uint64 // tasks queued on a cell after it was free: a fault of the scheduler
	Rescued     uint64 // tasks taken off a queue that no CPU serves for them
	MaxUsed     uint32 // cells in use at the same time, at most
	Queues      uint32 // cells that have a queue; more are made as cgroups come
	HeldCPU     int32  // CPU kept back for the root cell, -1 if none had to be
	InitEnded   uint64 // when the scheduler had done everything but arm its timer
	Cgroups     uint32 // that it has a context of
}

// GraceStatus is about grace periods: a cell that ended may be used again when
// everything is over that may still know it.
type GraceStatus struct {
	Seq     uint64 // odd while one is in progress
	Started uint64 // when the one in progress, or the last one, began
}

// Active reports whether a grace period is in progress.
func (g GraceStatus) Active() bool { return g.Seq&1 != 0 }

// ApplyStatus is about configurations being brought into force.
type ApplyStatus struct {
	Begun, Ended uint64     // of the last one
	RC           int32      // of the last one: 0, or a negative errno
	Phase        ApplyPhase // "" while none is
	TokenSince   uint64     // that somebody has been at it; 0 if nobody is
}

// ApplyPhase is how far a configuration has got.
type ApplyPhase string

// The phases.
const (
	ApplyClaim   ApplyPhase = "claim"   // cpusets claim their CPUs
	ApplyPublish ApplyPhase = "publish" // cells get their masks, CPUs their cells
	ApplyInherit ApplyPhase = "inherit" // cgroups get their cells
)

// TimerStatus is about the timer in which a scheduler does all that.
type TimerStatus struct {
	Armed       bool // it was ever armed
	RC          int32
	Runs        uint64
	First, Last uint64        // when it ran
	MaxRun      time.Duration // the longest run
	Period      time.Duration
}

// ExitingStatus is about exiting tasks of dead cgroups, which go to the root cell.
type ExitingStatus struct {
	Count    uint64
	CgroupID uint64 // of the last one
	PID      int32  // likewise
	PFFlags  uint32 // likewise: task_struct.flags
}

// Snapshot is one instant of one scheduler.
type Snapshot struct {
	Source Source
	Time   time.Time // zero if unknown
	Host   string    // "" if unknown
	// Stamp tells a verdict without a dump from the next one with the same words:
	// the date, time and host that its line has in front of them. It is "" where
	// Time says as much, for dumps, and in recordings of versions that did not
	// have it.
	Stamp  string
	Kernel Kernel
	// Scheduler is the name in sched_ext_ops, which may carry a version and a
	// build target; see BaseName. "" if unknown.
	Scheduler string
	Sub       *SubScheduler // nil for the root scheduler, or where there are no others
	Trigger   Trigger
	Exit      *Exit // nil if the scheduler goes on, or if that is unknown; see IsUndecided
	Ledger    Ledger

	Status   *Status  // nil if unknown
	Cells    []Cell   // by id
	Cgroups  []Cgroup // from the top down, each behind the one above
	CPUs     []CPU    // in the order of the source, those without a header last
	Tasks    []Task   // in the order of the source
	DSQs     []DSQ
	Events   []Event // oldest first
	Counters []Counter
	// Text is what the scheduler printed about itself and nothing above
	// took in, verbatim.
	Text []Line
	// Build are the fields with which the scheduler describes its build, such
	// as its compiler.
	Build []KV

	Findings     []Finding
	NotEvaluated []NotEvaluated // rules that say neither yes nor no
	Signature    *Signature

	// Raw is the part of the source that holds the dump, from its first to its
	// last line, carrier and all; a verdict alone comes without colours and blanks
	// at the ends of lines. It is "" for snapshots that do not come from text. Every
	// Span points into it.
	Raw string
}

// BaseName is the scheduler's name without the version and build target that
// Rust schedulers append: "mitosis" of "mitosis_1.1.2_x86_64_unknown_linux_gnu".
func (s *Snapshot) BaseName() string { return BaseName(s.Scheduler) }

// BaseName strips the version and build target off the name of a scheduler:
// everything from the first "_" on that a number and a dot follow.
func BaseName(name string) string {
	for i := 1; i < len(name); i++ {
		if name[i] != '_' {
			continue
		}
		digits := strings.TrimLeft(name[i+1:], "0123456789")
		if len(digits) < len(name)-i-1 && strings.HasPrefix(digits, ".") {
			return name[:i]
		}
	}
	return name
}

// Since is how long before the snapshot something was, given when it was in ns
// since boot. It returns false if it never was, or the status is unknown.
func (s *Snapshot) Since(at uint64) (time.Duration, bool) {
	if s.Status == nil || at == 0 || s.Status.At == 0 {
		return 0, false
	}
	return max(time.Duration(s.Status.At-at), 0), true //nolint:gosec // wrapping, and not before it
}

// IsFailure reports whether the snapshot shows a scheduler that failed.
func (s *Snapshot) IsFailure() bool { return s.Exit.IsFailure() }

// IsUndecided reports whether the snapshot does not tell what became of the
// scheduler: the beginning of its dump is missing.
func (s *Snapshot) IsUndecided() bool { return s.Exit == nil && s.Trigger == TriggerUnknown }

// IsIdle reports whether a CPU ran its idle task; known is false if the snapshot
// does not say. The kernel leaves idle CPUs out of a dump, so one without a header
// was idle, but only if nothing of the dump is missing: else its header may be.
func (s *Snapshot) IsIdle(c *CPU) (idle, known bool) {
	if c.Class.Known || c.Listed {
		return c.IsIdle()
	}
	complete := s.Ledger.Complete()
	return complete, complete
}

// IsUnseen reports whether nothing tells what a CPU ran: what there is of the dump does
// not list it, and something is missing.
func (s *Snapshot) IsUnseen(c *CPU) bool {
	_, known := s.IsIdle(c)
	return !known && !c.Listed && !c.Current.Known
}

// IsVerdict reports whether there is no dump: nothing but how the scheduler ended.
func (s *Snapshot) IsVerdict() bool {
	return len(s.Cells) == 0 && len(s.CPUs) == 0 && len(s.Tasks) == 0
}

// CellsUsed is how many cells are in use.
func (s *Snapshot) CellsUsed() int {
	n := 0
	for i := range s.Cells {
		if s.Cells[i].State.V != CellFree {
			n++
		}
	}
	return n
}

// IsStale reports whether the scheduler chose cell and DSQ of a task under
// another configuration than the one in force, and has not seen the task since.
// A task that never was queued has none.
func (s *Snapshot) IsStale(t *Task) bool {
	return s.Status != nil && t.ConfigSeq.Known && t.ConfigSeq.V != 0 && t.ConfigSeq.V != s.Status.AppliedSeq
}

// Task finds the task with the given pid, the running one if the pid is 0 and
// there are several. It returns nil if the snapshot has none.
func (s *Snapshot) Task(pid int32) *Task {
	for i := range s.Tasks {
		if s.Tasks[i].PID == pid {
			return &s.Tasks[i]
		}
	}
	return nil
}

// CPU finds the CPU with the given number, nil if the snapshot has none.
func (s *Snapshot) CPU(id int32) *CPU {
	for i := range s.CPUs {
		if s.CPUs[i].ID == id {
			return &s.CPUs[i]
		}
	}
	return nil
}

// Cell finds the cell with the given id, nil if the snapshot has none.
func (s *Snapshot) Cell(id int32) *Cell {
	for i := range s.Cells {
		if s.Cells[i].ID == id {
			return &s.Cells[i]
		}
	}
	return nil
}

// Cgroup finds the cgroup with the given id, nil if the snapshot has none.
func (s *Snapshot) Cgroup(id uint64) *Cgroup {
	for i := range s.Cgroups {
		if s.Cgroups[i].ID == id {
			return &s.Cgroups[i]
		}
	}
	return nil
}

// Awaited are the CPUs that the grace period in progress waits for.
func (s *Snapshot) Awaited() CPUMask {
	var m CPUMask
	for i := range s.CPUs {
		if c := &s.CPUs[i]; c.Awaited.V {
			m = m.With(int(c.ID))
		}
	}
	return m
}

// Subject finds the task that the exit message names, nil if the message names
// none or the dump does not list it.
func (s *Snapshot) Subject() *Task {
	if s.Exit == nil || !s.Exit.Subject.Known {
		return nil
	}
	t := s.Task(s.Exit.Subject.V.PID)
	if t == nil || t.Comm != s.Exit.Subject.V.Comm {
		return nil
	}
	return t
}

// RaisedIn finds the task that ran when the error was raised, nil if the dump
// does not list it or the error is a stall: a stall is raised by the watchdog,
// in its own worker or in a bystander.
func (s *Snapshot) RaisedIn() *Task {
	e := s.Exit
	if !e.IsFailure() || !e.Task.Known || !e.Kind.Known || e.Kind.V == ExitErrorStall {
		return nil
	}
	t := s.Task(e.Task.V.PID)
	if t == nil || t.Comm != e.Task.V.Comm {
		return nil
	}
	return t
}

// LongestWaiting finds the task that has been runnable for longest without
// running, nil if none waits.
func (s *Snapshot) LongestWaiting() *Task {
	var oldest *Task
	var longest time.Duration = -1
	for i := range s.Tasks {
		if w, ok := s.Tasks[i].WaitingFor(); ok && w > longest {
			oldest, longest = &s.Tasks[i], w
		}
	}
	return oldest
}

// At is the text that a span covers, "" if it points nowhere.
func (s *Snapshot) At(span Span) string {
	if span.IsZero() || int64(span.Off)+int64(span.Len) > int64(len(s.Raw)) {
		return ""
	}
	return s.Raw[span.Off:span.End()]
}

// Line is the line number in the source of the first byte of a span, from 1; 0
// if the span points nowhere.
func (s *Snapshot) Line(span Span) int {
	if span.IsZero() || int(span.Off) > len(s.Raw) {
		return 0
	}
	return s.Source.Line + strings.Count(s.Raw[:span.Off], "\n")
}
