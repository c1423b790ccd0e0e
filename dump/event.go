// SPDX-License-Identifier: GPL-2.0-only

package dump

// Event is one step of a scheduler's history: a cgroup or a task that was
// initialised or left.
type Event struct {
	Seq      int64         // position in the history, oldest first
	Kind     string        // the scheduler's name for it, "CGROUP_INIT"
	CgroupID Value[uint64] //
	PID      Value[int32]  //
	Time     Value[uint64] // the scheduler's clock, usually ns since boot
	Unknown  []KV
	At       Span
	CPU      Value[int32]  // where the step was taken
	Arg      Value[uint64] // what it means depends on Kind
	Torn     bool          // overwritten while it was read: its fields may belong to two steps
}

// Counter is one of the kernel's event counters (struct scx_event_stats),
// 6.15 and up: a total since the scheduler was enabled. Names that end in
// _DURATION count ns.
type Counter struct {
	Name  string // "SCX_EV_SELECT_CPU_FALLBACK"
	Value int64
	At    Span
}
