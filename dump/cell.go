// SPDX-License-Identifier: GPL-2.0-only

package dump

// Cell is a set of CPUs that cgroups share: their queue and their virtual
// time. Cells partition the machine.
type Cell struct {
	ID          int32
	CPUs        Value[CPUMask]
	OwnerCgroup Value[uint64] // cgroup id of the cgroup whose cpuset made the cell
	OwnerPath   Value[string] // its path
	VTime       Value[uint64] // the cell's clock; wraps
	Queued      Value[int64]  // tasks on the cell's DSQ; negative: the scheduler's errno
	// DrainLLCs and CPULLCs are bit sets of the LLCs whose queues are being
	// emptied and of those that have CPUs of the cell.
	DrainLLCs Value[uint64]
	CPULLCs   Value[uint64]
	LLCs      []CellLLC // where the scheduler splits cells by LLC
	Unknown   []KV
	State     Value[CellState]
	// Generation grows each time the id is given to another cell.
	Generation Value[uint32]
	DSQ        Value[DSQID] // the cell's queue
	// Since is when the cell came into its state, in ns since boot.
	Since Value[uint64]
	// GraceUntil is the grace-period sequence that a draining cell waits for
	// before its id can be free, 0 if it does not.
	GraceUntil Value[uint64]
	// Rescued is how many tasks were taken off its queue in this generation,
	// because no CPU of it may run them.
	Rescued Value[uint64]
	// SpareMissing is set if the mask in which the cell's next CPUs are made
	// is not in its place. Outside of a configuration that is being applied it
	// never will be again.
	SpareMissing Value[bool]
	// CpusetCPUs is what the cpuset of its owner had when the scheduler last
	// read it.
	CpusetCPUs Value[CPUMask]
	At         Span
}

// CellState is where a cell stands between two uses of its id.
type CellState string

// The cell states.
const (
	CellFree  CellState = "free"
	CellPrep  CellState = "prep"  // taken, not yet in use
	CellLive  CellState = "live"  // tasks are queued on it
	CellDrain CellState = "drain" // given up; its queue is being emptied
)

// CellLLC is the part of a cell that lies in one last-level cache.
type CellLLC struct {
	LLC           int32
	VTime         Value[uint64]
	Queued        Value[int64]
	TrackedQueued Value[uint32] // the scheduler's own count
	Drain         Value[bool]   // its queue is being emptied
	HasCPUs       Value[bool]
	At            Span
}
