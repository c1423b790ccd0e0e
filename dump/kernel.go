// SPDX-License-Identifier: GPL-2.0-only

package dump

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is a kernel series such as 6.12. The zero Version is unknown.
type Version struct{ Major, Minor uint8 }

// Compare is negative if v is older than w, positive if it is newer.
func (v Version) Compare(w Version) int {
	return (int(v.Major)<<8 | int(v.Minor)) - (int(w.Major)<<8 | int(w.Minor))
}

// IsZero reports whether the version is unknown.
func (v Version) IsZero() bool { return v == Version{} }

func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// ParseVersion reads the series that a release such as "7.3.4+deb13" starts
// with.
func ParseVersion(release string) (Version, bool) {
	major, rest, ok := strings.Cut(release, ".")
	if !ok {
		return Version{}, false
	}
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	a, err1 := strconv.ParseUint(major, 10, 8)
	b, err2 := strconv.ParseUint(rest[:end], 10, 8)
	if err1 != nil || err2 != nil {
		return Version{}, false
	}
	return Version{uint8(a), uint8(b)}, true
}

// Kernel is what is known of the kernel that a snapshot comes from.
type Kernel struct {
	Release string  // exact, "7.3.4+deb13-cloud-amd64"; "" if only a range is known
	Min     Version // oldest series that prints what was seen; zero: no bound
	Max     Version // newest series that prints what was seen; zero: no bound
}

// String is the release, or a range such as ">=7.2" or ">=6.16 <=6.18", or "".
func (k Kernel) String() string {
	if k.Release != "" {
		return k.Release
	}
	var parts []string
	if k.Min == k.Max && !k.Min.IsZero() {
		return k.Min.String()
	}
	if !k.Min.IsZero() {
		parts = append(parts, ">="+k.Min.String())
	}
	if !k.Max.IsZero() {
		parts = append(parts, "<="+k.Max.String())
	}
	return strings.Join(parts, " ")
}

// Admits reports whether a kernel of series v could have printed what was
// seen.
func (k Kernel) Admits(v Version) bool {
	return (k.Min.IsZero() || v.Compare(k.Min) >= 0) && (k.Max.IsZero() || v.Compare(k.Max) <= 0)
}

// certainly reports whether every kernel that could have printed what was
// seen lies in first..last; a zero bound is open.
func (k Kernel) certainly(first, last Version) bool {
	return (first.IsZero() || !k.Min.IsZero() && k.Min.Compare(first) >= 0) &&
		(last.IsZero() || !k.Max.IsZero() && k.Max.Compare(last) <= 0)
}

// flag is one named bit, with the series that use it. A zero bound is open.
type flag struct {
	bit         uint32
	name        string
	first, last Version
}

// flagNames names the bits of v as kernel k does. A bit that some kernel in
// the range of k does not have keeps its name: the dump shows that it was set.
// A bit that no kernel of the range has, or that has two names within it, is
// given as hex.
func flagNames(v uint32, k Kernel, table []flag) []string {
	var names []string
	for v != 0 {
		bit := v & -v
		v &^= bit
		name := ""
		for _, f := range table {
			if f.bit != bit {
				continue
			}
			overlaps := (f.last.IsZero() || k.Min.IsZero() || k.Min.Compare(f.last) <= 0) &&
				(f.first.IsZero() || k.Max.IsZero() || k.Max.Compare(f.first) >= 0)
			if !overlaps {
				continue
			}
			if name != "" { // two kernels of the range disagree
				name = ""
				break
			}
			name = f.name
		}
		if name == "" {
			name = "0x" + strconv.FormatUint(uint64(bit), 16)
		}
		names = append(names, name)
	}
	return names
}

// rqFlags are the bits of struct scx_rq.flags (enum scx_rq_flags).
var rqFlags = []flag{
	{1 << 0, "ONLINE", Version{}, Version{}},
	{1 << 1, "CAN_STOP_TICK", Version{}, Version{}},
	{1 << 2, "BAL_PENDING", Version{}, Version{6, 18}},
	{1 << 3, "BAL_KEEP", Version{}, Version{7, 1}},
	{1 << 4, "BYPASSING", Version{}, Version{7, 0}},
	{1 << 5, "CLK_VALID", Version{6, 14}, Version{}},
	{1 << 6, "BAL_CB_PENDING", Version{6, 18}, Version{}},
	{1 << 7, "SUB_IDLE_RENOTIFY", Version{7, 3}, Version{}},
	{1 << 8, "ROOT_IDLE_RENOTIFY", Version{7, 3}, Version{}},
	{1 << 16, "IN_WAKEUP", Version{}, Version{}},
	{1 << 17, "IN_BALANCE", Version{}, Version{7, 2}},
	{1 << 17, "IN_DISPATCH", Version{7, 3}, Version{}},
}

// RQFlagONLINE is the run-queue flag of a CPU that the scheduler may use.
const RQFlagONLINE = 1 << 0

// RQFlagNames names the flags= of a CPU header. Bits without a name are given
// in hex.
func (k Kernel) RQFlagNames(flags uint32) []string { return flagNames(flags, k, rqFlags) }

// taskFlags are the bits of struct sched_ext_entity.flags (enum
// scx_ent_flags), without those that hold the task state and the re-enqueue
// reason.
var taskFlags = []flag{
	{1 << 0, "QUEUED", Version{}, Version{}},
	{1 << 1, "IN_CUSTODY", Version{7, 1}, Version{}},
	{1 << 2, "RESET_RUNNABLE_AT", Version{}, Version{}},
	{1 << 3, "DEQD_FOR_SLEEP", Version{}, Version{}},
	{1 << 4, "SUB_INIT", Version{7, 1}, Version{}},
	{1 << 5, "IMMED", Version{7, 1}, Version{}},
	{1 << 6, "PROTECTED", Version{7, 3}, Version{}},
	{1 << 31, "CURSOR", Version{}, Version{}},
}

// TaskFlagQUEUED is the task flag of a task on a run queue.
const TaskFlagQUEUED = 1 << 0

// reenqReasons are the values of bits 12 to 14 of the task flags.
var reenqReasons = []string{"", "REENQ_KFUNC", "REENQ_IMMED", "REENQ_PREEMPTED", "REENQ_CAP"}

// TaskFlagNames names the flags of a task. Bits without a name are given in
// hex.
func (k Kernel) TaskFlagNames(flags uint32) []string {
	const shift, mask = 12, 7 << 12
	reason := flags & mask >> shift
	if reason == 0 || k.certainly(Version{}, Version{7, 0}) || int(reason) >= len(reenqReasons) {
		return flagNames(flags, k, taskFlags)
	}
	return append(flagNames(flags&^mask, k, taskFlags), reenqReasons[reason])
}

// TaskState is where a task stands in a scheduler's care (enum
// scx_task_state). The numbers of the kernel moved within the 7.1 cycle; these
// are names, so that nobody compares numbers across kernels.
type TaskState string

// The task states.
const (
	TaskNone      TaskState = "NONE"
	TaskInitBegin TaskState = "INIT_BEGIN" // late 7.1 and up
	TaskInit      TaskState = "INIT"
	TaskReady     TaskState = "READY"
	TaskEnabled   TaskState = "ENABLED"
	TaskDead      TaskState = "DEAD" // late 7.1 and up
)

var (
	taskStatesOld = []TaskState{TaskNone, TaskInit, TaskReady, TaskEnabled}
	taskStatesNew = []TaskState{TaskNone, TaskInitBegin, TaskInit, TaskReady, TaskEnabled, TaskDead}
)

// TaskStates decodes the state numbers of one dump. Every task that a dump
// lists is in practice ENABLED, so the numbers that running tasks show decide
// which of the two tables the kernel had; see [CalibrateTaskStates].
type TaskStates struct{ table []TaskState }

// CalibrateTaskStates picks the table of state numbers for a dump whose running
// tasks have the state number enabled (negative: there was none) and that
// kernel k made.
func CalibrateTaskStates(enabled int, k Kernel) TaskStates {
	switch {
	case enabled == 3:
		return TaskStates{taskStatesOld}
	case enabled == 4:
		return TaskStates{taskStatesNew}
	case k.certainly(Version{}, Version{7, 0}):
		return TaskStates{taskStatesOld}
	case k.certainly(Version{7, 2}, Version{}):
		return TaskStates{taskStatesNew}
	}
	return TaskStates{}
}

// Name is the state with number n, and false if it cannot be told.
func (s TaskStates) Name(n uint32) (TaskState, bool) {
	switch {
	case n == 0: // in every table
		return TaskNone, true
	case int(n) >= len(s.table):
		return "", false
	}
	return s.table[n], true
}

// OpsState says who has a runnable task (enum scx_ops_state).
type OpsState uint8

// The ops states.
const (
	OpsNone        OpsState = iota // the kernel's core has it
	OpsQueueing                    // on its way to the BPF scheduler
	OpsQueued                      // the BPF scheduler has it
	OpsDispatching                 // on its way back
)

// String is the kernel's name without SCX_OPSS_, or the number.
func (s OpsState) String() string {
	names := [...]string{"NONE", "QUEUEING", "QUEUED", "DISPATCHING"}
	if int(s) < len(names) {
		return names[s]
	}
	return strconv.Itoa(int(s))
}

// Class is the scheduling class of a CPU's current task.
type Class string

// The classes, highest priority first. Kernels without data symbols print an
// address instead, which Class then holds as it stands.
const (
	ClassStop Class = "stop"
	ClassDL   Class = "dl"
	ClassRT   Class = "rt"
	ClassFair Class = "fair"
	ClassExt  Class = "ext"
	ClassIdle Class = "idle"
)

// IsHigher reports whether tasks of the class run before those of sched_ext
// and no sched_ext scheduler can move them away.
func (c Class) IsHigher() bool { return c == ClassStop || c == ClassDL || c == ClassRT }
