// SPDX-License-Identifier: GPL-2.0-only

package dump

import (
	"strings"
	"time"
)

// SliceInf is the slice of a task that may run until it blocks (SCX_SLICE_INF).
const SliceInf = ^uint64(0)

// Bits of Task.PFFlags that every kernel has.
const (
	PFExiting uint32 = 0x00000004
	PFKThread uint32 = 0x00200000
)

// Task is one task in a scheduler's care (struct sched_ext_entity of a
// task_struct), with what the scheduler's own text says of it.
type Task struct {
	TaskRef
	CPU     Value[int32] // whose run queue the task is accounted to
	Current bool         // it runs on that CPU
	State   Value[byte]  // one of RSDTtXZPI, as in ps
	// Owner is the scheduler that owns the task, "root" or "sub1-28"; 7.1 and
	// up. OwnerDumped is set if that is the scheduler being dumped.
	Owner       Value[string]
	OwnerDumped bool
	// RunnableAt is when the task became runnable, relative to the dump:
	// negative is before. The kernel's clock for it ticks in 1/HZ s. For a
	// current task it is the last time before it was picked.
	RunnableAt Value[time.Duration]

	SCXState   Value[TaskState]
	SCXStateNr Value[uint32] // the kernel's number for SCXState
	Flags      Value[uint32] // see Kernel.TaskFlagNames
	DSQFlags   Value[uint32] // bit 0: ordered by vtime in its DSQ
	OpsState   Value[OpsState]
	QSeq       Value[uint64] // enqueue sequence
	StickyCPU  Value[int32]  // target of a core migration in flight, -1 none
	HoldingCPU Value[int32]  // CPU that is moving the task, -1 none

	DSQ      Value[DSQRef] // where the kernel says the task is
	DSQVTime Value[uint64] // its key there; wraps
	Slice    Value[uint64] // ns left; SliceInf is no limit
	Weight   Value[uint32] // 1..10000, 100 is nice 0
	// CPUs is where the kernel lets the task run right now (cpus_ptr): one
	// CPU while its migration is disabled.
	CPUs              Value[CPUMask]
	MigrationDisabled Value[uint32] // nesting count; 6.18 and up
	// AllowedCPUs is where the kernel lets the task run when its migration is
	// enabled (cpus_mask).
	AllowedCPUs Value[CPUMask]
	TGID        Value[int32]  // pid of its process
	PFFlags     Value[uint32] // task_struct.flags, see PFExiting
	// Walked is set if the task was on no run queue when the dump was taken,
	// or not on one that was listed: it was found by a walk over all tasks, a
	// little later. As a rule it sleeps.
	Walked bool

	// What the scheduler says of the task.
	Cell               Value[int32]
	LLC                Value[int32]
	VTime              Value[uint64]
	BasisVTime         Value[uint64] // the clock that VTime was last set against
	AssignedDSQ        Value[DSQRef] // where the scheduler means to queue the task
	SchedulerCPUs      Value[CPUMask]
	AllCellCPUsAllowed Value[bool]
	CgroupID           Value[uint64]
	CgroupName         Value[string]
	// HasContext says whether the scheduler has its own storage for the task.
	// Without it the scheduler knows nothing of the task.
	HasContext Value[bool]
	ConfigSeq  Value[uint64]        // configuration that Cell and AssignedDSQ were chosen under
	RunTime    Value[time.Duration] // that it has run under the scheduler
	Runs       Value[uint64]        // times that it was picked
	Context    *TaskContext         // nil if unknown
	Scheduler  []KV                 // its further fields
	Text       []Line               // its text, verbatim

	Stack   []Line // kernel stack, innermost first
	Unknown []KV   // fields of the kernel's lines that this program does not know
	At      Span   // the task's whole block
}

// TaskContext is more of what a scheduler keeps of a task, where it sends
// records of its own.
type TaskContext struct {
	CgroupIDNow    uint64 // of its cgroup as the kernel has it now; CgroupID is what the scheduler was told
	VTimeRead      uint64 // the vtime that was compared with BasisVTime
	StartedAt      uint64 // when it last began to run, in ns since boot; 0 if never
	Clock          int32  // cell whose clock its vtime is on, and that its runs are charged to
	CellGeneration uint32 // of its cell, when that was read
	Fallback       bool   // it is in the root cell because it exits and its cgroup is dead
}

// WaitingFor is how long the task has been runnable without running. It is
// unknown for a current task, whose RunnableAt is stale.
func (t *Task) WaitingFor() (time.Duration, bool) {
	if t.Current || !t.RunnableAt.Known {
		return 0, false
	}
	return max(-t.RunnableAt.V, 0), true
}

// IsOffQueue reports whether the task was on no run queue, neither during the
// dump nor a little later when it was walked over: it sleeps, or has stopped.
func (t *Task) IsOffQueue() bool {
	return t.Walked && !t.Current && t.Flags.V&TaskFlagQUEUED == 0
}

// IsAssignedElsewhere reports whether the scheduler means to queue the task on
// another DSQ than the kernel has it on.
func (t *Task) IsAssignedElsewhere() bool {
	return t.AssignedDSQ.Known && !t.AssignedDSQ.V.IsNone() &&
		(!t.DSQ.Known || t.DSQ.V.IsNone() || t.DSQ.V.ID != t.AssignedDSQ.V.ID)
}

// HeldByBPF reports whether the BPF scheduler has the task in structures of
// its own and has not dispatched it.
func (t *Task) HeldByBPF() bool {
	return t.OpsState.Known && t.OpsState.V == OpsQueued && t.DSQ.Known && t.DSQ.V.IsNone()
}

// DumpFrames is how many frames at the top of Stack belong to the making of the
// dump, which interrupted what the task was doing.
func (t *Task) DumpFrames() int {
	if len(t.Stack) == 0 || !strings.HasPrefix(t.Stack[0].Text, "scx_dump_") {
		return 0
	}
	for i, l := range t.Stack {
		if strings.HasPrefix(l.Text, "asm_sysvec_") { // where the interrupt came in
			return i + 1
		}
	}
	return 0
}
