// SPDX-License-Identifier: GPL-2.0-only

package dump

import "time"

// CPU is the run queue of one CPU as sched_ext sees it (struct scx_rq), with
// what the scheduler's own text says of the CPU. A CPU that the kernel left
// out of the dump because it idled has no header; it may still be here, with
// Listed unset, if the scheduler's text knows it.
type CPU struct {
	ID     int32
	Listed bool // the dump has a header for it
	// NrRunning is the number of sched_ext tasks on the run queue, the
	// running one included.
	NrRunning Value[uint32]
	Flags     Value[uint32] // see Kernel.RQFlagNames
	// CPURel is set while a higher class has the CPU and the scheduler was
	// told so.
	CPURel  Value[bool]
	OpsQSeq Value[uint64] // up to 7.1: enqueue sequence of the CPU
	KSync   Value[uint64] // pick sequence; called pnt_seq up to 6.18
	Current Value[TaskRef]
	Class   Value[Class] // of Current

	NrRescue     Value[uint32]        // 7.3: tasks on the rescue DSQ
	RescueBudget Value[time.Duration] // 7.3: may be negative
	Rescuing     Value[TaskRef]       // 7.3: unknown if none

	// Kicks that the scheduler asked for and that are still due.
	CPUsToKick    Value[CPUMask]
	IdleToKick    Value[CPUMask]
	CPUsToPreempt Value[CPUMask]
	CPUsToWait    Value[CPUMask]
	CPUsToSync    Value[CPUMask]

	// What the scheduler says of the CPU.
	Cell     Value[int32]
	LLC      Value[int32]
	VTime    Value[uint64] // clock of the CPU's own queue; wraps
	Queued   Value[int64]  // tasks on the CPU's own DSQ; negative: the scheduler's errno
	DSQ      Value[DSQID]  // the CPU's own queue
	Online   Value[bool]   // it takes tasks: it is online and not about to leave
	PrevCell Value[int32]  // whose queue it serves, too, while a grace period is in progress
	// Sections is how many sections have ended on the CPU: stretches of code
	// that choose a queue by the configuration. Nesting is how deep it is in
	// one now, SectionSince when that began, in ns since boot.
	Sections     Value[uint64]
	Nesting      Value[uint32]
	SectionSince Value[uint64]
	Awaited      Value[bool] // the grace period in progress waits for it
	Scheduler    []KV        // its further fields
	Text         []Line      // its text, verbatim

	Unknown []KV // fields of the kernel's lines that this program does not know
	At      Span // from the header to the last line before its tasks
}

// IsIdle reports whether the CPU ran its idle task; known is false if its header
// does not say, or it has none. See Snapshot.IsIdle for those.
func (c *CPU) IsIdle() (idle, known bool) {
	return c.Class.V == ClassIdle, c.Class.Known
}
