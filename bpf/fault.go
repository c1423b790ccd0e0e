// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf"
)

var native = binary.NativeEndian

// The bits of enum fault in fault.bpf.h.
const (
	faultLoseTask = 1 << iota
	faultErrorNow
)

// Fault is what the scheduler does wrong on purpose. The zero Fault is nothing.
type Fault struct {
	bits  uint32
	pid   int32
	comm  [16]byte
	after time.Duration // that the scheduler took over
}

// Faults lists what ParseFault takes, with what each does.
func Faults() [][2]string {
	return [][2]string{
		{"lose-task=PID|COMM", "forget the task each time it wants to run: a stall, after 30 s"},
		{"error-now", "raise an error at once"},
	}
}

// ParseFault reads a fault as --inject takes it: one of Faults, and behind an @,
// if it is not to be there from the start, how long after the scheduler took
// over it is to come.
func ParseFault(s string) (Fault, error) {
	what, after := s, time.Duration(0)
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		var err error
		if after, err = time.ParseDuration(s[i+1:]); err != nil || after < 0 {
			return Fault{}, fmt.Errorf("fault %q: what is behind the @ is not a time such as 5s", s)
		}
		what = s[:i]
	}
	f, err := parseFault(what)
	f.after = after
	return f, err
}

// parseFault reads a fault without a time.
func parseFault(s string) (Fault, error) {
	name, arg, hasArg := strings.Cut(s, "=")
	switch {
	case name == "lose-task" && hasArg && arg != "":
		f := Fault{bits: faultLoseTask}
		if pid, err := strconv.ParseInt(arg, 10, 32); err == nil {
			if pid <= 0 {
				return Fault{}, fmt.Errorf("fault %q: the pid must be above 0", s)
			}
			f.pid = int32(pid)
			return f, nil
		}
		if len(arg) >= len(f.comm) {
			return Fault{}, fmt.Errorf("fault %q: a task's name has at most 15 bytes", s)
		}
		copy(f.comm[:], arg)
		return f, nil
	case name == "error-now" && !hasArg:
		return Fault{bits: faultErrorNow}, nil
	}
	known := make([]string, 0, len(Faults()))
	for _, f := range Faults() {
		known = append(known, f[0])
	}
	return Fault{}, fmt.Errorf("unknown fault %q: give one of %s", s, strings.Join(known, ", "))
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

// Inject commits a fault in the running scheduler, in place of any before.
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
