// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"fmt"
	"math/rand/v2"
)

// traceCarriers are the ways in which the tracepoint sched_ext_dump shows.
var traceCarriers = []Carrier{
	{Name: "ftrace", Stage: Program, Apply: func(rng *rand.Rand, t Text) Text { return newTracer(rng).trace(t) }},
	{Name: "ftrace-events", Stage: Program, Apply: func(rng *rand.Rand, t Text) Text {
		tr := newTracer(rng)
		tr.foreign = true
		out := noise("# tracer: nop", "#", "# entries-in-buffer/entries-written: 412/412   #P:4", "#",
			"#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION", "#              | |         |   |||||     |         |")
		return append(out, tr.trace(t)...)
	}},
	{Name: "ftrace-lost", Stage: Program, Lossy: true, PlainOnly: true, Apply: func(rng *rand.Rand, t Text) Text {
		tr := newTracer(rng)
		tr.loses = true
		return tr.trace(t)
	}},
	{Name: "trace-cmd", Stage: Program, Apply: func(rng *rand.Rand, t Text) Text {
		tr := newTracer(rng)
		tr.prefix = func() string {
			return fmt.Sprintf("%16s-%-5d [%03d] %5d.%06d: %-21s", tr.comm, tr.pid, tr.cpu, tr.sec, tr.usec, "sched_ext_dump:")
		}
		return append(noise("cpus=4"), tr.trace(t)...)
	}},
	{Name: "perf-script", Stage: Program, Apply: func(rng *rand.Rand, t Text) Text {
		tr := newTracer(rng)
		tr.prefix = func() string {
			return fmt.Sprintf("%16s %5d [%03d] %5d.%06d: sched_ext:sched_ext_dump: ", tr.comm, tr.pid, tr.cpu, tr.sec, tr.usec)
		}
		return tr.trace(t)
	}},
}

// tracer prints trace lines.
type tracer struct {
	rng       *rand.Rand
	comm      string
	pid, cpu  int
	sec, usec int
	prefix    func() string
	foreign   bool // events of others stand in between
	loses     bool // the ring buffer ran over
}

func newTracer(rng *rand.Rand) *tracer {
	tr := &tracer{
		rng: rng, comm: []string{"bash", "init", "kworker/u8:3", "<...>", "<idle>", "a b"}[rng.IntN(6)],
		pid: rng.IntN(99999), cpu: rng.IntN(16), sec: 1 + rng.IntN(9999), usec: rng.IntN(1000),
	}
	tr.prefix = func() string {
		return fmt.Sprintf("%16s-%-7d [%03d] d..2. %5d.%06d: sched_ext_dump: ", tr.comm, tr.pid, tr.cpu, tr.sec, tr.usec)
	}
	return tr
}

// trace makes an event of each of the kernel's lines. A line with a newline in
// it goes on without a prefix. No event holds more than 1023 bytes.
func (tr *tracer) trace(t Text) Text {
	var out Text
	room := 0
	for i, l := range t {
		if tr.usec += 1 + tr.rng.IntN(900); tr.usec > 999999 {
			tr.sec, tr.usec = tr.sec+1, 0
		}
		if !l.Continued {
			room = traceLineMax
			if tr.loses && i > 3 && len(l.Text) > 0 && tr.rng.IntN(15) == 0 {
				out = append(out, noise(fmt.Sprintf("CPU:%d [LOST %d EVENTS]", tr.cpu, 1))...)
				continue
			}
			if tr.foreign && tr.rng.IntN(12) == 0 {
				out = append(out, tr.event())
			}
		}
		if len(l.Text) > room {
			l.Text, l.Damaged = l.Text[:room], true
		}
		room -= min(room, len(l.Text)+1)
		if !l.Continued {
			l.Text = append([]byte(tr.prefix()), l.Text...)
		}
		out = append(out, l)
	}
	return out
}

// event is a line of another event.
func (tr *tracer) event() Line {
	text := []string{
		"bpf_trace_printk: CPUS: |OOOO", "sched_ext_event: name SCX_EV_ENQ_SKIP_EXITING delta 1",
		"bpf_trace_printk:           SCX_EV_DISPATCH_KEEP_LAST: 85", "sched_ext_bypass_lb: node 0: nr_cpus=4 nr_tasks=7",
		"bpf_trace_printk: |- user.slice (42%)",
	}[tr.rng.IntN(5)]
	return noise(fmt.Sprintf("%16s-%-7d [%03d] ..s1. %5d.%06d: %s", "<idle>", 0, tr.cpu+1, tr.sec, tr.usec, text))[0]
}
