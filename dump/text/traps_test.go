// SPDX-License-Identifier: GPL-2.0-only

package text_test

import (
	"fmt"
	"strings"
	"testing"

	"scxdiag/dump"
)

// A small dump of 6.13, in parts that the traps put something between.
const (
	trapHead = `kworker/u8:2[311] triggered exit kind 1026:
  runnable task stall (web[77] failed to run for 30.016s)

Backtrace:
  scx_watchdog_workfn+0x150/0x1d0

`
	trapStates = `CPU states
----------

`
	trapCPU0 = `CPU 0   : nr_run=2 flags=0x1 cpu_rel=0 ops_qseq=8812 pnt_seq=19377
          curr=stress[900] class=ext_sched_class

`
	trapTask0 = ` *R stress[900] -12ms
      scx_state/flags=3/0x5 dsq_flags=0x0 ops_state/qseq=0/0
      sticky/holding_cpu=-1/-1 dsq_id=(n/a) dsq_vtime=0
      cpus=f

    kthread+0xfc/0x240

`
	trapTask1    = "  R web[77] -30016ms\n" + trapDetails1
	trapDetails1 = `      scx_state/flags=3/0x9 dsq_flags=0x0 ops_state/qseq=2/8790
      sticky/holding_cpu=-1/-1 dsq_id=(n/a) dsq_vtime=0
      cpus=1
`
	trapCPU1 = `
CPU 1   : nr_run=1 flags=0x1 cpu_rel=0 ops_qseq=1 pnt_seq=2
          curr=swapper/1[0] class=idle_sched_class

`
	trapTask2 = `  R db[78] -4ms
      scx_state/flags=3/0x9 dsq_flags=0x0 ops_state/qseq=2/8791
      sticky/holding_cpu=-1/-1 dsq_id=(n/a) dsq_vtime=0
      cpus=2

    do_nanosleep+0x6a/0x170
    hrtimer_nanosleep+0xa1/0x130
`
	trapSysRq = "Debug dump triggered by SysRq-D\n\n" + trapStates + trapCPU0 + trapTask0 + trapTask1
	trapDump  = trapHead + trapStates + trapCPU0 + trapTask0 + trapTask1 + trapCPU1 + trapTask2
)

// Each trap has fooled a reader once.
func TestTraps(t *testing.T) {
	coloured := func(s string) string {
		return "\x1b[1m" + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\x1b[0m\n\x1b[1m") + "\x1b[0m\n"
	}
	inTrace := func(line string) string {
		return "scx_loader[40055]:     kworker/u8:3-4842    [011] d..2.  6488.081582: sched_ext_dump: " + line
	}
	each := func(s string, f func(line string) string) string {
		var b strings.Builder
		for line := range strings.Lines(s) {
			b.WriteString(f(strings.TrimSuffix(line, "\n")) + "\n")
		}
		return b.String()
	}
	traced := func(s string) string {
		return each(s, func(l string) string {
			return "            init-178     [000] d..2.    59.128461: sched_ext_dump: " + l
		})
	}
	clocked := func(s string) string { // as dmesg --time-format=iso
		n := 0
		return each(s, func(l string) string {
			n++
			return fmt.Sprintf("2026-11-23T07:33:30,%06d+00:00 %s", 123456+37*n, l)
		})
	}
	mitosisOn := func(cpus int) string {
		var b strings.Builder
		b.WriteString("kernel: 6.13.4 \ncc: gcc\nCELL[0] CPUS=00000001\nCELL[0] vtime=5 nr_queued=0\n")
		for i := range cpus {
			fmt.Fprintf(&b, "CPU[%d] cell=0 vtime=%d nr_queued=0\n", i, i)
		}
		return b.String()
	}
	tasks := func(want ...string) func(t *testing.T, s *dump.Snapshot) {
		return func(t *testing.T, s *dump.Snapshot) {
			t.Helper()
			var got []string
			for i := range s.Tasks {
				got = append(got, s.Tasks[i].String())
			}
			if g, w := strings.Join(got, ", "), strings.Join(want, ", "); g != w {
				t.Errorf("tasks: got %q, want %q", g, w)
			}
		}
	}
	for _, tt := range []struct {
		name, log string
		check     func(t *testing.T, s *dump.Snapshot)
	}{{
		"a later kernel appends a field to the header of a task",
		strings.Replace(trapDump, "R web[77] -30016ms", "R web[77] -30016ms z=+3", 1),
		func(t *testing.T, s *dump.Snapshot) {
			tasks("stress[900]", "web[77]", "db[78]")(t, s)
			if task := s.Task(77); task != nil && (len(task.Unknown) != 1 || task.Unknown[0].Key != "z" || task.Unknown[0].Value != "+3") {
				t.Errorf("unknown fields: got %v", task.Unknown)
			}
		},
	}, {
		"a comm holds a line that looks like the verdict of user space",
		strings.Replace(trapDump, "curr=stress[900]", "curr=\nEXIT: x (y)[900]", 1),
		func(t *testing.T, s *dump.Snapshot) {
			tasks("stress[900]", "web[77]", "db[78]")(t, s)
			if got := s.CPUs[0].Current.V.Comm; got != "\nEXIT: x (y)" {
				t.Errorf("current task: got %q", got)
			}
		},
	}, {
		"a comm starts with a newline and a tab",
		strings.Replace(trapDump, "curr=stress[900]", "curr=\n\tb[900]", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if got := s.CPUs[0].Current; got.V.Comm != "\n\tb" || s.CPUs[0].Class.V != dump.ClassExt || s.Ledger.Lines.NotUnderstood > 0 {
				t.Errorf("current task: got %q, class %s, %d lines not understood", got.V.Comm, s.CPUs[0].Class.V, s.Ledger.Lines.NotUnderstood)
			}
		},
	}, {
		"such a comm is the last line of the dump",
		trapHead + trapStates + "CPU 0   : nr_run=0 flags=0x1 cpu_rel=0 ops_qseq=8812 pnt_seq=19377\n          curr=\n(b[900] class=fair_sched_class\n",
		func(t *testing.T, s *dump.Snapshot) {
			if got := s.CPUs[0].Current; got.V.Comm != "\n(b" || s.CPUs[0].Class.V != dump.ClassFair {
				t.Errorf("current task: got %q, class %s", got.V.Comm, s.CPUs[0].Class.V)
			}
		},
	}, {
		"the comm of the trigger has a newline, below the scheduler's name",
		"qmap: root\n" + strings.Replace(trapDump, "kworker/u8:2[311]", "a\n x\nb[311]", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if got := s.Exit.Task.V.Comm; got != "a\n x\nb" || s.Scheduler != "qmap" {
				t.Errorf("trigger: got %q of scheduler %q", got, s.Scheduler)
			}
		},
	}, {
		"a line of the scheduler's on a CPU starts like a task, with a letter that is no state",
		strings.Replace(trapDump, trapCPU1, strings.TrimSuffix(trapCPU1, "\n")+"\n  z  2\n\n", 1),
		func(t *testing.T, s *dump.Snapshot) {
			tasks("stress[900]", "web[77]", "db[78]")(t, s)
			if c := s.CPU(1); len(c.Text) != 1 || c.Text[0].Text != "z  2" {
				t.Errorf("text of CPU 1: got %v", c.Text)
			}
		},
	}, {
		"the scheduler prints the titles of sections, without underline",
		trapHead + "CPU states\nEvent counters\n\n" + trapStates + trapCPU0 + trapTask0 + trapTask1 + trapCPU1 + trapTask2,
		func(t *testing.T, s *dump.Snapshot) {
			tasks("stress[900]", "web[77]", "db[78]")(t, s)
			if len(s.Text) != 2 || !s.Kernel.Admits(dump.Version{Major: 6, Minor: 13}) {
				t.Errorf("text %v, kernel %s", s.Text, s.Kernel)
			}
		},
	}, {
		"the last line of a task's text is the title of the counters",
		trapDump[:strings.LastIndex(trapDump, "    do_nanosleep")] + "    Event counters\n",
		func(t *testing.T, s *dump.Snapshot) {
			if task := s.Task(78); task == nil || len(task.Text) != 1 || !s.Kernel.Admits(dump.Version{Major: 6, Minor: 13}) {
				t.Errorf("task %v, kernel %s", task, s.Kernel)
			}
		},
	}, {
		"the dump is cut within the name of a counter",
		trapDump + "\nEvent counters\n--------------\n              SCX_EV_SELECT_CPU_FALLBACK:                0\n                 SC\n\n~~~~ TRUNCATED ~~~~\n",
		func(t *testing.T, s *dump.Snapshot) {
			if !s.Ledger.Truncated || len(s.Counters) != 1 {
				t.Errorf("truncated %t, %d counters", s.Ledger.Truncated, len(s.Counters))
			}
		},
	}, {
		"the dump is cut within a comm that looks like the class behind it",
		trapHead + trapStates + "CPU 0   : nr_run=2 flags=0x1 cpu_rel=0 ops_qseq=8812 pnt_seq=19377\n          curr=x[1] class=y\n\n~~~~ TRUNCATED ~~~~\n",
		func(t *testing.T, s *dump.Snapshot) {
			if s.CPUs[0].Current.Known || s.CPUs[0].Class.Known {
				t.Errorf("current task %s, class %s", s.CPUs[0].Current.V, s.CPUs[0].Class.V)
			}
		},
	}, {
		"the dump is cut within the compiler's name",
		trapHead + "kernel: 6.13.4 \ncc: gcc-14 (Deb\n\n~~~~ TRUNCATED ~~~~\n",
		func(t *testing.T, s *dump.Snapshot) {
			for _, kv := range s.Build {
				if kv.Key == "cc" {
					t.Errorf("cc: got %q", kv.Value)
				}
			}
		},
	}, {
		"the dump is cut within the kernel's version",
		trapHead + "kernel: 6.1\n\n~~~~ TRUNCATED ~~~~\n",
		func(t *testing.T, s *dump.Snapshot) {
			if s.Kernel.Release != "" || len(s.Build) > 0 {
				t.Errorf("release %q, build %v", s.Kernel.Release, s.Build)
			}
		},
	}, {
		"mitosis prints a line for each of 8192 CPUs",
		trapHead + mitosisOn(8192) + "\n" + strings.TrimPrefix(trapDump, trapHead),
		func(t *testing.T, s *dump.Snapshot) {
			tasks("stress[900]", "web[77]", "db[78]")(t, s)
			if len(s.Cells) != 1 || len(s.CPUs) != 8192 {
				t.Errorf("%d cells, %d CPUs", len(s.Cells), len(s.CPUs))
			}
		},
	}, {
		"fallback queues of old layered have decimal ids",
		trapHead + "kernel: 6.13.4 \ncc: gcc\nLAYER[0]DSQ[0] nr_cpus=1 nr_queued=0 -0ms cpus=00000001\nHI_FALLBACK[1073741824] nr_queued=0 -0ms\n\n" + trapStates,
		func(t *testing.T, s *dump.Snapshot) {
			for _, d := range s.DSQs {
				if d.ID.Known && d.ID.V != 0 && d.ID.V != 0x40000000 {
					t.Errorf("%s: got id %s", d.Name, d.ID.V)
				}
			}
		},
	}, {
		"every line is coloured, blank ones too",
		coloured(strings.Replace(trapDump, "      cpus=2\n", "      cpus=2\n\n    a line of the scheduler\n", 1)),
		func(t *testing.T, s *dump.Snapshot) {
			tasks("stress[900]", "web[77]", "db[78]")(t, s)
			if n := len(s.Task(78).Stack); n != 2 || len(s.Task(78).Text) != 1 {
				t.Errorf("the last task has %d frames, want 2, and the text %v", n, s.Task(78).Text)
			}
		},
	}, {
		"the colour stands before the stamp",
		coloured(each(trapDump, func(l string) string { return "2026-11-23T07:33:30.6530036Z " + l })),
		func(t *testing.T, s *dump.Snapshot) {
			if got := s.Exit.Task.V.Comm; got != "kworker/u8:2" {
				t.Errorf("trigger: got %q", got)
			}
		},
	}, {
		"an event of another program stands between trigger and reason",
		strings.Replace(traced(trapDump), "\n", "\n          <idle>-0       [004] ..s1.    59.128949: bpf_trace_printk: CPUS: |OOOO\n", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if s.Exit.Reason.V != "runnable task stall" || s.Exit.Message.V != "web[77] failed to run for 30.016s" {
				t.Errorf("reason %q, message %q", s.Exit.Reason.V, s.Exit.Message.V)
			}
		},
	}, {
		"an event of another program stands before the last frames",
		traced(trapDump[:strings.LastIndex(trapDump, "    hrtimer")]) +
			"          <idle>-0       [004] ..s1.    59.128949: bpf_trace_printk: CPUS: |OOOO\n" + traced("    hrtimer_nanosleep+0xa1/0x130\n"),
		func(t *testing.T, s *dump.Snapshot) {
			if n := len(s.Task(78).Stack); n != 2 {
				t.Errorf("the last task has %d frames, want 2", n)
			}
		},
	}, {
		"the trace lost the header of a CPU",
		traced(trapHead+trapStates+trapCPU0+trapTask0+trapTask1) + "CPU:0 [LOST 3 EVENTS]\n" + traced("\n"+trapTask2),
		func(t *testing.T, s *dump.Snapshot) {
			if task := s.Task(78); task != nil && task.CPU.Known {
				t.Errorf("task db: got CPU %d", task.CPU.V)
			}
		},
	}, {
		"the trace lost the header of a task",
		traced(trapHead+trapStates+trapCPU0+trapTask0) + "CPU:0 [LOST 1 EVENTS]\n" + traced(trapDetails1+"\n    schedule+0x1/0x2\n"),
		func(t *testing.T, s *dump.Snapshot) {
			tasks("stress[900]")(t, s)
			if n := len(s.Tasks[0].Stack); n != 1 || s.Ledger.Complete() {
				t.Errorf("the first task has %d frames, want 1; complete %t", n, s.Ledger.Complete())
			}
		},
	}, {
		"the reason was left out",
		strings.Replace(trapDump, "  runnable task stall (web[77] failed to run for 30.016s)\n\n", "...\n", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if s.Exit.Reason.Known || s.Exit.Message.Known || len(s.Exit.Backtrace) != 1 {
				t.Errorf("reason %q, message %q, %d frames", s.Exit.Reason.V, s.Exit.Message.V, len(s.Exit.Backtrace))
			}
		},
	}, {
		"the title of the CPUs was left out",
		trapHead + "...\n\n" + trapTask1 + trapCPU1 + trapTask2,
		func(t *testing.T, s *dump.Snapshot) { tasks("web[77]", "db[78]")(t, s) },
	}, {
		"some counters were left out",
		trapDump + "\nEvent counters\n--------------\n              SCX_EV_SELECT_CPU_FALLBACK:                0\n...\n                  SCX_EV_BYPASS_ACTIVATE:                1\n",
		func(t *testing.T, s *dump.Snapshot) {
			if len(s.Counters) != 2 {
				t.Errorf("%d counters, want 2", len(s.Counters))
			}
		},
	}, {
		"the prefix of the trigger is damaged, that of the other lines is not",
		strings.Replace(each(trapDump, func(l string) string { return "Nov 23 07:33:30 host scx[12]: " + l }),
			"host scx[12]: kworker", "host=cx[12]: kworker", 1),
		func(t *testing.T, s *dump.Snapshot) {
			tasks("stress[900]", "web[77]", "db[78]")(t, s)
			if e := s.Exit; e.Task.Known || e.Kind.V != dump.ExitErrorStall || e.Reason.V != "runnable task stall" || len(e.Backtrace) != 1 {
				t.Errorf("task %s, kind %s, reason %q, %d frames", e.Task.V, e.Kind.V, e.Reason.V, len(e.Backtrace))
			}
		},
	}, {
		"another program writes between the trigger and the reason",
		strings.Replace(trapDump, ":\n", ":\nit (or its name) stopped\n", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if e := s.Exit; e.Reason.V != "runnable task stall" || e.Message.V != "web[77] failed to run for 30.016s" || len(e.Backtrace) != 1 {
				t.Errorf("reason %q, message %q, %d frames", e.Reason.V, e.Message.V, len(e.Backtrace))
			}
		},
	}, {
		"the message is lost, another program writes below the reason",
		strings.Replace(trapDump, " (web[77] failed to run for 30.016s)", "\nit stopped", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if e := s.Exit; e.Reason.V != "runnable task stall" || e.Message.Known || len(e.Backtrace) != 1 || s.Ledger.Lines.NotUnderstood != 1 {
				t.Errorf("reason %q, message %q, %d frames, %d lines not understood", e.Reason.V, e.Message.V, len(e.Backtrace), s.Ledger.Lines.NotUnderstood)
			}
		},
	}, {
		"a pager cut the message",
		strings.Replace(trapDump, "(web[77] failed to run for 30.016s)", "((sd-pam)[77] fai>", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if s.Exit.Message.Known {
				t.Errorf("message: got %q", s.Exit.Message.V)
			}
		},
	}, {
		"a pager cut a frame above an address",
		strings.Replace(trapDump, "    do_nanosleep+0x6a/0x170\n", "    do_nanosleep+0>\n    0xffffffffc0a1b2c3\n", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if n := len(s.Task(78).Stack); n != 2 {
				t.Errorf("the last task has %d frames, want 2", n)
			}
		},
	}, {
		"three records stand on one line",
		strings.Replace(each(trapDump, func(l string) string { return "Nov 23 07:33:30 host scx[12]: " + l }),
			"nanosleep+0x6a/0x170\n", "nanosleep+0x6a/0x170Nov 23 07:33:30 host scx[12]:     a+0x1/0x2", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if n := len(s.Task(78).Stack); n != 3 {
				t.Errorf("the last task has %d frames, want 3", n)
			}
		},
	}, {
		"two records stand on one line, behind the time alone",
		strings.Replace(clocked(trapDump), "nanosleep+0x6a/0x170\n", "nanosleep+0x6a/0x170", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if n := len(s.Task(78).Stack); n != 2 {
				t.Errorf("the last task has %d frames, want 2", n)
			}
		},
	}, {
		"an empty record of a trace, without the blank at its end, stands before another",
		strings.Replace(traced(trapDump), "sched_ext_dump: \n", "sched_ext_dump:", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if s.Exit.Message.V != "web[77] failed to run for 30.016s" || len(s.Exit.Backtrace) != 1 {
				t.Errorf("message %q, %d frames", s.Exit.Message.V, len(s.Exit.Backtrace))
			}
		},
	}, {
		"a coloured event of a trace stands within a message of two lines",
		strings.Replace(traced(strings.Replace(trapDump, "(web[77]", "(web\n[77]", 1)),
			"(web\n", "(web\n\x1b[32m            sh-311     [001] d..2.    59.128470: sched_switch: prev=(x)\x1b[0m\n", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if s.Exit.Message.V != "web\n[77] failed to run for 30.016s" {
				t.Errorf("message %q", s.Exit.Message.V)
			}
		},
	}, {
		"a byte order mark stands before two records on one line",
		"\ufeff" + strings.Replace(each(trapDump, func(l string) string { return "Nov 23 07:33:30 host scx[12]: " + l }),
			"kind 1026:\n", "kind 1026:", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if s.Exit.Kind.V != dump.ExitErrorStall || s.Exit.Message.V != "web[77] failed to run for 30.016s" {
				t.Errorf("kind %v, message %q", s.Exit.Kind, s.Exit.Message.V)
			}
		},
	}, {
		"the title of the CPU section lost its first character",
		strings.Replace(trapDump, "CPU states", "PU states", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if len(s.Text) != 1 || s.Text[0].Text != "PU states" || len(s.CPUs) != 2 {
				t.Errorf("text %v, %d CPUs", s.Text, len(s.CPUs))
			}
		},
	}, {
		"the title of the CPU section has a damaged prefix",
		strings.Replace(each(trapHead+trapStates, func(l string) string { return "[ 4776.142317] " + l }), "[ 4776.142317] CPU states", " 4776.142317] CPU states", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if len(s.Text) != 0 {
				t.Errorf("text %v", s.Text)
			}
		},
	}, {
		"all between the trigger and the counters was left out",
		"stress[0] triggered exit kind 1024:\n...\n       SCX_EV_SELECT_CPU_FALLBACK:                7\n",
		func(t *testing.T, s *dump.Snapshot) {
			if len(s.Counters) != 1 || s.Counters[0].Value != 7 {
				t.Errorf("counters %v", s.Counters)
			}
		},
	}, {
		"a byte order mark stands between a quote and a time",
		strings.Replace(each(trapHead+trapStates, func(l string) string { return "> 2026-11-23T07:33:30.9679357Z " + l }), "> ", "> \ufeff", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if s.Exit.Task.V.PID != 311 {
				t.Errorf("task %v", s.Exit.Task)
			}
		},
	}, {
		"a dump without CPUs comes newest first",
		reversed(trapHead + "kernel: 6.13.4 \ncc: gcc\nCELL[0] CPUS=00000001\nCELL[0] vtime=5 nr_queued=0\n\nCPU states\n----------\n"),
		func(t *testing.T, s *dump.Snapshot) {
			if s.Exit == nil || s.Exit.Reason.V != "runnable task stall" || len(s.Exit.Backtrace) != 1 || len(s.Cells) != 1 {
				t.Errorf("exit %+v, %d cells", s.Exit, len(s.Cells))
			}
		},
	}, {
		"text of the scheduler begins like a line of the kernel's log, behind the time alone",
		clocked(trapHead + "[  123.456789] tick\n\n" + trapStates + trapCPU0),
		func(t *testing.T, s *dump.Snapshot) {
			if len(s.Text) != 1 || s.Text[0].Text != "[  123.456789] tick" {
				t.Errorf("text %v", s.Text)
			}
		},
	}, {
		"the message of an unknown kind looks like a verdict, in a quoted dump",
		each(strings.Replace(strings.Replace(trapDump, "kind 1026", "kind 1042", 1),
			"runnable task stall (web[77] failed to run for 30.016s)", "<UNKNOWN> (EXIT: no (yes))", 1),
			func(l string) string { return strings.TrimRight("> "+l, " ") }),
		func(t *testing.T, s *dump.Snapshot) {
			if s.Exit.Reason.V != "<UNKNOWN>" || s.Exit.Message.V != "EXIT: no (yes)" {
				t.Errorf("reason %q, message %q", s.Exit.Reason.V, s.Exit.Message.V)
			}
		},
	}, {
		"the first line, of a SysRq, and an underline have damaged prefixes",
		strings.Replace(strings.Replace(each(trapSysRq, func(l string) string { return "[ 4776.142317] " + l }),
			"[ 4776.142317] Debug", " 4776.142317] Debug", 1), "[ 4776.142317] ---", " 4776.142317] ---", 1),
		func(t *testing.T, s *dump.Snapshot) {
			tasks("stress[900]", "web[77]")(t, s)
			if s.Trigger != dump.TriggerSysRq || len(s.CPUs) != 1 {
				t.Errorf("trigger %q, %d CPUs", s.Trigger, len(s.CPUs))
			}
		},
	}, {
		"the colour of the first line lost its escape character",
		strings.TrimPrefix(coloured(trapDump), "\x1b"),
		func(t *testing.T, s *dump.Snapshot) {
			if got := s.Exit.Task.V.Comm; got != "kworker/u8:2" {
				t.Errorf("trigger: got %q", got)
			}
		},
	}, {
		"the first of the last two lines, of the scheduler's, lost a blank",
		strings.TrimSuffix(trapHead+trapStates+trapCPU0, "\n") + "\n R\n  queue 2\n",
		func(t *testing.T, s *dump.Snapshot) {
			if text := s.CPUs[0].Text; len(text) != 2 || text[0].Text != "R" || text[1].Text != "queue 2" {
				t.Errorf("text of the CPU: got %v", text)
			}
		},
	}, {
		"two records stand on one line, behind a program but without a date",
		strings.Replace(each(trapHead+mitosisOn(1), func(l string) string { return "[ 7610.940000] host scx[12]: " + l }), "6.13.4 \n", "6.13.4 ", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if s.Kernel.Release != "6.13.4" || len(s.Build) != 2 {
				t.Errorf("release %q, build %v", s.Kernel.Release, s.Build)
			}
		},
	}, {
		"an empty record stands before one that looks like a program's, behind the time alone",
		strings.Replace(clocked(trapHead+mitosisOn(1)), "+00:00 \n2026-11-23T07:33:30,123715+00:00 kernel", "+00:00 2026-11-23T07:33:30,123715+00:00 kernel", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if s.Kernel.Release != "6.13.4" || s.Ledger.Lines.Glued != 1 {
				t.Errorf("release %q, %d records glued", s.Kernel.Release, s.Ledger.Lines.Glued)
			}
		},
	}, {
		"the caller in one prefix of dmesg is damaged",
		strings.Replace(each(trapHead+mitosisOn(3)+"\n"+trapStates, func(l string) string { return "[ 4776.142317] [   T123] " + l }), "[   T123] CELL[0] CPUS", "[ \x7fT123] CELL[0] CPUS", 1),
		func(t *testing.T, s *dump.Snapshot) {
			if len(s.Cells) != 1 || s.Cells[0].VTime.V != 5 || len(s.CPUs) != 3 {
				t.Errorf("cells %v, %d CPUs", s.Cells, len(s.CPUs))
			}
		},
	}, {
		"damage makes the zone before the trigger another, and the rest of it part of the comm",
		strings.Replace(clocked(trapDump), "+00:00 kworker", "+00:77 00 kworker", 1),
		func(t *testing.T, s *dump.Snapshot) {
			tasks("stress[900]", "web[77]", "db[78]")(t, s)
			if e := s.Exit; e.Task.Known || e.Kind.V != dump.ExitErrorStall || e.Reason.V != "runnable task stall" {
				t.Errorf("task %s, kind %s, reason %q", e.Task.V, e.Kind.V, e.Reason.V)
			}
		},
	}, {
		"only the titles and the counters are left",
		"...\n" + trapStates + "Event counters\n--------------\n              SCX_EV_SELECT_CPU_FALLBACK:                7\n",
		func(t *testing.T, s *dump.Snapshot) {
			if len(s.Counters) != 1 || s.Counters[0].Value != 7 {
				t.Errorf("counters %v", s.Counters)
			}
		},
	}, {
		"the scheduler prints the title of the counters, that of the CPUs is lost",
		traced(trapHead+"Event counters\n\n") + "CPU:0 [LOST 1 EVENTS]\n" + traced("----------\n\n"+trapCPU0+trapTask0),
		func(t *testing.T, s *dump.Snapshot) {
			tasks("stress[900]")(t, s)
			if len(s.Text) != 1 || !s.Kernel.Admits(dump.Version{Major: 6, Minor: 13}) {
				t.Errorf("text %v, kernel %s", s.Text, s.Kernel)
			}
		},
	}, {
		"the first of two titles and the second of two underlines are lost",
		traced("Debug dump triggered by SysRq-D\n\nkernel: 6.15.4 \n\n") + "CPU:0 [LOST 1 EVENTS]\n" + traced("----------\n\nEvent counters\n") + "CPU:0 [LOST 1 EVENTS]\n" + traced("              SCX_EV_SELECT_CPU_FALLBACK:                7\n"),
		func(t *testing.T, s *dump.Snapshot) {
			if s.Source.Reversed || len(s.Counters) != 1 || s.Kernel.Release != "6.15.4" {
				t.Errorf("reversed %t, counters %v, kernel %s", s.Source.Reversed, s.Counters, s.Kernel)
			}
		},
	}, {
		"the title of the debug events lost its first character",
		trapHead + mitosisOn(1) + "\nEBUG EVENTS (last 1):\n[  0] CGROUP_INIT cgid=5 ts=7\n\n" + trapStates + trapCPU0,
		func(t *testing.T, s *dump.Snapshot) {
			if len(s.Events) != 1 || s.Events[0].CgroupID.V != 5 {
				t.Errorf("events %v", s.Events)
			}
		},
	}, {
		"the underline of the counters lost its first character",
		trapHead + trapStates + trapCPU0 + "Event counters\n-------------\n              SCX_EV_SELECT_CPU_FALLBACK:                7\n",
		func(t *testing.T, s *dump.Snapshot) {
			if len(s.Counters) != 1 || len(s.CPUs[0].Text) != 0 {
				t.Errorf("counters %v, text of the CPU %v", s.Counters, s.CPUs[0].Text)
			}
		},
	}, {
		"a comm of two newlines and what looks like the header of a task, but in the first column",
		strings.Replace(trapDump, "R web[77]", "R \n\nR [77]", 1),
		func(t *testing.T, s *dump.Snapshot) { tasks("stress[900]", "\n\nR [77]", "db[78]")(t, s) },
	}, {
		"the first line, of a SysRq through two carriers, lacks the prefix of the outer one",
		strings.TrimPrefix(each(traced(trapSysRq), func(l string) string { return "[ 4776.142317] " + l }), "["),
		func(t *testing.T, s *dump.Snapshot) { tasks("stress[900]", "web[77]")(t, s) },
	}, {
		"the dump is cut behind what the scheduler prints, the title of the counters",
		"Debug dump triggered by SysRq-D\n\nEvent counters\n\n~~~~ TRUNCATED ~~~~\n",
		func(t *testing.T, s *dump.Snapshot) {
			if !s.Kernel.Admits(dump.Version{Major: 6, Minor: 13}) {
				t.Errorf("kernel %s", s.Kernel)
			}
		},
	}, {
		"a pager cut the trigger and the reason",
		strings.NewReplacer(" exit kind 1026:", ">", " (web[77] failed to run for 30.016s)", " (we>").Replace(trapDump),
		func(t *testing.T, s *dump.Snapshot) {
			tasks("stress[900]", "web[77]", "db[78]")(t, s)
			for _, l := range s.Text {
				if l.Text == "Backtrace:" {
					t.Errorf("text %v", s.Text)
				}
			}
		},
	}, {
		"the first line, of a SysRq, has a damaged prefix without a date",
		strings.TrimPrefix(each(trapSysRq, func(l string) string { return "[ 7610.940000] host scx[12]: " + l }), "["),
		func(t *testing.T, s *dump.Snapshot) { tasks("stress[900]", "web[77]")(t, s) },
	}, {
		"another event tells of a counter, newest first",
		each(reversed(each(trapStates, inTrace))+"scx_loader[40055]:           <idle>-0       [012] ..s1.  6488.082627: sched_ext_event: name SCX_EV_ENQ_SKIP_EXITING delta 1\n"+
			reversed(each(trapHead, inTrace)), func(l string) string { return "Nov 17 07:33:30 cachyos " + l }),
		func(t *testing.T, s *dump.Snapshot) {
			if len(s.Counters) > 0 || s.Exit == nil || !s.Exit.Task.Known {
				t.Errorf("counters %v, exit %v", s.Counters, s.Exit)
			}
		},
	}, {
		"another event is glued to a line of the trace",
		each(trapHead+trapStates+trapCPU0+trapTask0, inTrace) + inTrace("  R web[77] -30016ms") + "scx_loader[40055]:           <idle>-0       [012] ..s1.  6488.082627: sched_ext_bypass_lb: node 0\n" +
			each(trapDetails1, inTrace),
		tasks("stress[900]", "web[77]"),
	}} {
		t.Run(tt.name, func(t *testing.T) {
			s := snapshotIn(t, []byte(tt.log))
			checkLedger(t, s)
			checkSpans(t, s)
			tt.check(t, s)
		})
	}
}

// A message that is never closed is not one, however many lines follow.
func TestMessageWithoutEnd(t *testing.T) {
	s := snapshotIn(t, []byte("EXIT: runnable task stall (web[77] fai\n\n# dmesg\nnothing of note\n"))
	if e := s.Exit; e.Message.Known || e.Reason.V != "runnable task stall" || s.Raw != "EXIT: runnable task stall (web[77] fai" {
		t.Errorf("reason %q, message %q in %q", e.Reason.V, e.Message.V, s.Raw)
	}
}

// What stands between two dumps belongs to neither.
func TestTextBetweenDumps(t *testing.T) {
	second := strings.Replace(trapDump, "kworker/u8:2[311]", "kworker/u8:2[312]", 1)
	all := snapshotsIn(t, []byte(trapDump+"scheduler restarts\n  now\n"+second))
	if len(all) != 2 || all[0].Raw+"\n" != trapDump || all[1].Raw+"\n" != second {
		t.Errorf("got %d snapshots: %s", len(all), titles(all))
		for _, s := range all {
			t.Logf("%q", s.Raw)
		}
	}
}

// reversed turns the order of the lines round.
func reversed(text string) string {
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n")+"\n", "\n")
	var b strings.Builder
	for i := len(lines) - 1; i >= 0; i-- {
		b.WriteString(lines[i])
	}
	return b.String()
}
