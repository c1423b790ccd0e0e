// SPDX-License-Identifier: GPL-2.0-only

package dump

import (
	"strconv"
	"strings"
)

// ExitKind is the kernel's enum scx_exit_kind.
type ExitKind int32

// The exit kinds. The kernel dumps for kinds of ExitError and above.
const (
	ExitNone         ExitKind = 0 // also SysRq-D: the scheduler goes on
	ExitDone         ExitKind = 1
	ExitUnreg        ExitKind = 64
	ExitUnregBPF     ExitKind = 65
	ExitUnregKern    ExitKind = 66
	ExitSysRq        ExitKind = 67
	ExitParent       ExitKind = 68 // 7.1
	ExitParentKill   ExitKind = 69 // 7.3
	ExitError        ExitKind = 1024
	ExitErrorBPF     ExitKind = 1025
	ExitErrorStall   ExitKind = 1026
	ExitErrorReenq   ExitKind = 1027 // 7.3
	ExitErrorRescue  ExitKind = 1028 // 7.3
	exitFirstFailure          = ExitError
)

// exitKinds is the kernel's list, with the reason text that goes with each.
var exitKinds = []struct {
	kind         ExitKind
	name, reason string
}{
	{ExitNone, "NONE", ""},
	{ExitDone, "DONE", ""},
	{ExitUnreg, "UNREG", "unregistered from user space"},
	{ExitUnregBPF, "UNREG_BPF", "unregistered from BPF"},
	{ExitUnregKern, "UNREG_KERN", "unregistered from the main kernel"},
	{ExitSysRq, "SYSRQ", "disabled by sysrq-S"},
	{ExitParent, "PARENT", "parent exiting"},
	{ExitParentKill, "PARENT_KILL", "killed by parent scheduler"},
	{ExitError, "ERROR", "runtime error"},
	{ExitErrorBPF, "ERROR_BPF", "scx_bpf_error"},
	{ExitErrorStall, "ERROR_STALL", "runnable task stall"},
	{ExitErrorReenq, "ERROR_REENQ", "reenqueue limit"},
	{ExitErrorRescue, "ERROR_RESCUE", "rescue bandwidth overload"},
}

// IsFailure reports whether the kernel threw the scheduler out.
func (k ExitKind) IsFailure() bool { return k >= exitFirstFailure }

// String is the kernel's name without SCX_EXIT_, or the number if the kind is
// newer than this program.
func (k ExitKind) String() string {
	for _, e := range exitKinds {
		if e.kind == k {
			return e.name
		}
	}
	return strconv.Itoa(int(k))
}

// ExitKinds are the kinds that this program knows, in the kernel's order.
func ExitKinds() []ExitKind {
	kinds := make([]ExitKind, len(exitKinds))
	for i, e := range exitKinds {
		kinds[i] = e.kind
	}
	return kinds
}

// ParseExitKind reads a kind as people write it: the kernel's name with or
// without SCX_EXIT_ and ERROR_, in any case, or the number.
func ParseExitKind(s string) (ExitKind, bool) {
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return ExitKind(n), true
	}
	name := strings.TrimPrefix(strings.ToUpper(s), "SCX_EXIT_")
	for _, prefix := range []string{"", "ERROR_"} {
		for _, e := range exitKinds {
			if e.name == prefix+name {
				return e.kind, true
			}
		}
	}
	return 0, false
}

// Reason is the kernel's sentence for the kind, "" if it has none.
func (k ExitKind) Reason() string {
	for _, e := range exitKinds {
		if e.kind == k {
			return e.reason
		}
	}
	return ""
}

// KindOfReason finds the kind whose sentence reason is.
func KindOfReason(reason string) (ExitKind, bool) {
	for _, e := range exitKinds {
		if e.reason != "" && e.reason == reason {
			return e.kind, true
		}
	}
	return 0, false
}

// TaskRef names a task: a comm alone is ambiguous, and pid 0 is the idle task
// of every CPU. A PID below 0 is unknown, except in rescuing=none[-1].
type TaskRef struct {
	Comm string // up to 15 bytes, any but NUL
	PID  int32  // the kernel's global thread id
}

// String is the kernel's form, "comm[pid]".
func (r TaskRef) String() string { return r.Comm + "[" + strconv.Itoa(int(r.PID)) + "]" }

// Exit is why a scheduler ended, the kernel's struct scx_exit_info.
type Exit struct {
	Kind    Value[ExitKind]
	Code    Value[int64]  // never in a dump; exit codes of graceful ends
	Reason  Value[string] // the kernel's sentence for the kind
	Message Value[string] // what the kernel or the scheduler said
	// Task is the task that triggered the dump: whatever the CPU was running
	// when the error was handled, for a stall usually a kworker. It is
	// rarely the culprit.
	Task Value[TaskRef]
	// Subject is the task that Message names, for a stall the one that
	// waited.
	Subject   Value[TaskRef]
	CPU       Value[int32] // 7.2 and up: where the error was raised, or the task waited
	Backtrace []Line       // of the code that raised the error, innermost first
}

// IsFailure reports whether the scheduler was thrown out rather than ended in
// order. An exit whose kind is unknown counts as a failure.
func (e *Exit) IsFailure() bool { return e != nil && (!e.Kind.Known || e.Kind.V.IsFailure()) }
