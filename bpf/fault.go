// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf"
)

// faultKinds are the faults that there are, in the order of the bits of enum
// fault in fault.bpf.h.
var faultKinds = []struct {
	name string
	arg  string // what its value is, "" if it has none
	what string
}{
	{"lose-task", "PID|COMM", "forget the task each time it wants to run: a stall, after 30 s"},
	{"error-now", "", "raise an error at once"},
	{"timer-stop", "", "let the timer not arm itself again"},
	{"tick-only", "", "leave the timer's work to the tick of CPU 0, which has none while it idles"},
	{"no-reclaim", "", "leave its CPUs to a cell that ended"},
	{"no-drain", "", "free a cell that has tasks on its queue"},
	{"fentry-bump", "", "count a cpuset as changed when the write begins, and make it last 300 ms"},
	{"empty-root", "", "keep no CPU back for the root cell, and queue tasks on an empty cell"},
	{"pin-on-cell", "", "queue pinned tasks on their cell"},
	{"stale-vtime", "", "read a task's vtime before its cell"},
	{"split-clock", "", "advance clocks when tasks begin to run, not when they stop"},
	{"frozen-clock", "", "do not advance clocks"},
	{"leak-cell", "", "keep a cell whose owner is gone"},
	{"no-fallback", "", "make an exiting task of a dead cgroup an error"},
	{"no-cginit", "NAME", "keep no context of cgroups of that name"},
	{"gp-off", "", "do not wait for sections that are open"},
	{"gp-skip-exit", "", "let one section in 64 not end"},
	{"gp-nofence", "", "begin sections without a barrier"},
	{"slot-leak", "", "do not put back the spare mask of a cell"},
	{"token-leak", "", "do not give back the token to apply"},
	{"early-timer", "", "arm the timer first of all; at the start only"},
	{"slow-init", "", "take 300 ms longer to start; at the start only"},
	{"leak-cpu", "", "put the last CPU into no cell"},
	{"skip-apply", "", "count configurations as applied that are not"},
	{"no-kick", "", "do not wake an idle CPU for a task on a queue"},
	{"ignore-affinity", "", "count every task as one that may use its whole cell"},
	{"slow-section", "PID|COMM", "take a second to queue the task"},
}

// faultSyntax is how a fault of a kind is written.
func faultSyntax(name, arg string) string {
	if arg == "" {
		return name
	}
	return name + "=" + arg
}

// Fault is what the scheduler does wrong on purpose. The zero Fault is nothing.
type Fault struct {
	bits  uint32
	pid   int32
	comm  [16]byte
	after time.Duration // that the scheduler took over
}

// Faults lists what ParseFault takes, with what each does.
func Faults() [][2]string {
	list := make([][2]string, len(faultKinds))
	for i, k := range faultKinds {
		list[i] = [2]string{faultSyntax(k.name, k.arg), k.what}
	}
	return list
}

// ParseFault reads faults as --inject takes them: one of Faults or several with
// commas in between, of which one may have a value; and behind an @, if they are
// not to be there from the start, how long after the scheduler took over they
// are to come.
func ParseFault(s string) (Fault, error) {
	what, after := s, time.Duration(0)
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		var err error
		if after, err = time.ParseDuration(s[i+1:]); err != nil || after < 0 {
			return Fault{}, fmt.Errorf("fault %q: what is behind the @ is not a time such as 5s", s)
		}
		what = s[:i]
	}
	f := Fault{after: after}
	for one := range strings.SplitSeq(what, ",") {
		if err := f.add(one); err != nil {
			return Fault{}, err
		}
	}
	return f, nil
}

// add adds a fault without a time.
func (f *Fault) add(s string) error {
	name, arg, hasArg := strings.Cut(s, "=")
	for bit, k := range faultKinds {
		if k.name != name {
			continue
		}
		if hasArg != (k.arg != "") || (hasArg && arg == "") {
			return fmt.Errorf("fault %q: it is written %s", s, faultSyntax(k.name, k.arg))
		}
		f.bits |= 1 << bit
		if !hasArg {
			return nil
		}
		return f.target(s, arg, k.arg)
	}
	return fmt.Errorf("unknown fault %q: --help lists them", s)
}

// target sets what a fault is about: a pid or a name.
func (f *Fault) target(s, arg, kind string) error {
	if f.pid != 0 || f.comm != [16]byte{} {
		return fmt.Errorf("fault %q: only one fault can have a value", s)
	}
	if pid, err := strconv.ParseInt(arg, 10, 32); err == nil && kind == "PID|COMM" {
		if pid <= 0 {
			return fmt.Errorf("fault %q: the pid must be above 0", s)
		}
		f.pid = int32(pid)
		return nil
	}
	if len(arg) >= len(f.comm) {
		return fmt.Errorf("fault %q: a name has at most 15 bytes", s)
	}
	copy(f.comm[:], arg)
	return nil
}

// IsZero reports whether there is no fault.
func (f Fault) IsZero() bool { return f.bits == 0 }

// apply sets the fault before the scheduler is loaded, unless it is to come
// later.
func (f Fault) apply(spec *ebpf.CollectionSpec) error {
	if f.after > 0 {
		return nil
	}
	for name, v := range map[string]any{cellsVarFaults: f.bits, cellsVarFaultPid: f.pid, cellsVarFaultComm: f.comm} {
		if err := spec.Variables[name].Set(v); err != nil {
			return fmt.Errorf("inject a fault: %s: %w", name, err)
		}
	}
	return nil
}

// Inject commits a fault in the running scheduler, in place of any before. The
// zero Fault ends it.
func (s *Scheduler) Inject(f Fault) error {
	// The bits go last, for they are what makes the rest count.
	for _, v := range []struct {
		name  string
		value any
	}{{cellsVarFaultPid, f.pid}, {cellsVarFaultComm, f.comm}, {cellsVarFaults, f.bits}} {
		if err := s.coll.Variables[v.name].Set(v.value); err != nil {
			return fmt.Errorf("inject a fault: %s: %w", v.name, err)
		}
	}
	return nil
}
