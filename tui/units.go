// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strconv"
	"strings"
	"time"

	"scxdiag/dump"
)

// unknown stands for a value that the snapshot does not have.
const unknown text = "-"

// duration is d as precise as the kernel is, and no longer than people need:
// "68ms", "35.652s", "2m3.4s", "5h2m".
func duration(d time.Duration) text {
	switch a := d.Abs(); {
	case a < time.Millisecond && a != 0:
		return clean(strings.Replace(d.String(), "µ", "u", 1))
	case a < time.Second:
		return textf("%dms", d.Milliseconds())
	case a < 100*time.Second:
		return textf("%.3fs", d.Seconds())
	case a < time.Hour:
		return textf("%dm%.1fs", int(d.Minutes()), (a % time.Minute).Truncate(100*time.Millisecond).Seconds())
	default:
		return textf("%dh%dm", int(d.Hours()), int((a % time.Hour).Minutes()))
	}
}

// nanoseconds is a time slice.
func nanoseconds(n uint64) text {
	if n == dump.SliceInf {
		return "infinite"
	}
	if n >= uint64(time.Second) {
		return number(n) + "ns"
	}
	return clean(strconv.FormatFloat(float64(n/1000)/1000, 'f', -1, 64)) + "ms"
}

// signed is a difference of vtimes, in ns, with its sign: "+24.2ms".
func signed(ns int64) text {
	if d := time.Duration(ns); d.Abs() >= time.Second {
		return textf("%+.2fs", d.Seconds())
	}
	return textf("%+.1fms", float64(ns)/1e6)
}

// against says how vtime a lies to vtime b. The clocks wrap.
func against(a, b uint64) text {
	switch d := a - b; {
	case d == 0:
		return "equal to"
	case int64(d) > 0: //nolint:gosec // a wrapping difference is meant
		return number(d) + " ahead of"
	default:
		return number(-d) + " behind"
	}
}

// cpuList is a mask as a list, never empty.
func cpuList(m dump.CPUMask) text {
	if m.IsEmpty() {
		return "none"
	}
	return clean(m.String())
}

// cpusPhrase is a mask within a sentence: "CPU 1", "CPUs 0-3", "no CPU".
func cpusPhrase(m dump.CPUMask) text {
	switch m.Count() {
	case 0:
		return "no CPU"
	case 1:
		return "CPU " + clean(m.String())
	}
	return "CPUs " + clean(m.String())
}

// count is a number with its noun: "1 task", "3 tasks".
func count(n int, noun text) text {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}

// schedulerName is the scheduler in short: without its version and build, but
// with its place below the root scheduler.
func schedulerName(s *dump.Snapshot) text {
	if s.Scheduler == "" {
		return "unknown scheduler"
	}
	if s.Sub != nil {
		return clean(s.BaseName()) + " sub" + number(s.Sub.Level) + "-" + number(s.Sub.CgroupID)
	}
	return clean(s.BaseName())
}

// sourceName is where a snapshot comes from.
func sourceName(s *dump.Snapshot) text {
	if s.Source.Name == "-" {
		return "standard input"
	}
	return clean(s.Source.Name)
}

// words is a list of the kernel's names, "-" if there are none.
func words(names []string) text {
	if len(names) == 0 {
		return unknown
	}
	return clean(strings.Join(names, " "))
}

// dsqName is the DSQ for people, with the id where that says more.
func dsqName(d dump.DSQRef) text {
	t := clean(d.String())
	if d.Kind == dump.DSQKindCell || d.Kind == dump.DSQKindCPU {
		t += " (" + clean(d.ID.String()) + ")"
	}
	return t
}

// classSpan marks classes that run before sched_ext with a ! of their own.
func classSpan(c dump.Value[dump.Class]) span {
	switch {
	case !c.Known:
		return span{muted, unknown}
	case c.V.IsHigher():
		return span{higher, "! " + clean(string(c.V))}
	case c.V == dump.ClassIdle:
		return span{muted, clean(string(c.V))}
	default:
		return span{plain, clean(string(c.V))}
	}
}

// classPhrase is the class within a sentence, from a comma on.
func classPhrase(c dump.Value[dump.Class]) line {
	var l line
	switch {
	case !c.Known:
	case c.V.IsHigher():
		l.add(plain, ", ")
		l.add(higher, "class "+clean(string(c.V))+", above sched_ext")
	default:
		l.add(plain, ", class "+clean(string(c.V)))
	}
	return l
}

// stateMeaning explains the letter of a task's state, as ps does.
func stateMeaning(t *dump.Task) text {
	asleep := text("about to sleep")
	if standingOf(t) == sleeps {
		asleep = "asleep"
	}
	switch t.State.V {
	case 'R':
		return "running or runnable"
	case 'S':
		return asleep
	case 'D':
		return asleep + ", uninterruptible"
	case 'T':
		return "stopped"
	case 't':
		return "stopped by a tracer"
	case 'X':
		return "dead"
	case 'Z':
		return "zombie"
	case 'P':
		return "parked"
	case 'I':
		return "idle"
	}
	return ""
}

// opsMeaning says who has the task.
func opsMeaning(s dump.OpsState) text {
	switch s {
	case dump.OpsNone:
		return "the kernel's core has it"
	case dump.OpsQueueing:
		return "on its way to the BPF scheduler"
	case dump.OpsQueued:
		return "the BPF scheduler has it"
	case dump.OpsDispatching:
		return "on its way back from the BPF scheduler"
	}
	return ""
}

// firstOf keeps the first n entries of a long list and counts the others.
func firstOf[T any](list []T, n int) (first []T, more int) {
	if len(list) <= n {
		return list, 0
	}
	return list[:n], len(list) - n
}
