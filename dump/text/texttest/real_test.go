// SPDX-License-Identifier: GPL-2.0-only

package texttest_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scxdiag/dump"
	"scxdiag/dump/text/texttest"
)

// realDump cuts what a scheduler's user side printed between its two rules out
// of a log of the corpus.
func realDump(t *testing.T, name string) string {
	t.Helper()
	log, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "dumps", name))
	if err != nil {
		t.Fatal(err)
	}
	rule := strings.Repeat("=", 80) + "\n"
	parts := bytes.SplitN(log, []byte(rule), 3)
	if len(parts) != 3 {
		t.Fatalf("%s: no dump", name)
	}
	return strings.TrimPrefix(strings.TrimSuffix(string(parts[1]), "\n"), "\n")
}

// frames makes lines of text.
func frames(text ...string) []dump.Line {
	lines := make([]dump.Line, len(text))
	for i, l := range text {
		lines[i].Text = l
	}
	return lines
}

func task(comm string, pid int32, cpu int32, ms int) dump.Task {
	return dump.Task{
		TaskRef: dump.TaskRef{Comm: comm, PID: pid}, CPU: dump.Of(cpu), State: dump.Of[byte]('R'),
		Owner: dump.Of("root"), OwnerDumped: true, RunnableAt: dump.Of(time.Duration(ms) * time.Millisecond),
		SCXStateNr: dump.Of[uint32](4), Flags: dump.Of[uint32](1), StickyCPU: dump.Of[int32](-1), HoldingCPU: dump.Of[int32](-1),
		DSQ:      dump.Of(dump.BuiltinDSQ(dump.DSQGlobal, cpu)),
		DSQVTime: dump.Of[uint64](0), Slice: dump.Of[uint64](20000000), Weight: dump.Of[uint32](100),
		CPUs: dump.Of(dump.MaskRange(0, 3)), MigrationDisabled: dump.Of[uint32](0),
	}
}

func cpu(id int32, nr uint32, flags uint32, seq uint64, comm string, pid int32, class dump.Class) dump.CPU {
	return dump.CPU{
		ID: id, Listed: true, NrRunning: dump.Of(nr), Flags: dump.Of(flags), KSync: dump.Of(seq),
		Current: dump.Of(dump.TaskRef{Comm: comm, PID: pid}), Class: dump.Of(class),
	}
}

// A model of a real dump, written by hand, must render to that dump, byte for
// byte.
func TestRenderEqualsRealDumps(t *testing.T) {
	running := task("cat", 170, 1, -32)
	running.Current, running.Flags, running.DSQ = true, dump.Of[uint32](5), dump.Of(dump.DSQRef{})
	running.Stack = frames("scx_dump_cpu+0x5e1/0x630", "scx_dump_state+0x355/0x6f0", "scx_disable_irq_workfn+0x3e/0x50",
		"irq_work_run_list+0x53/0x90", "irq_work_run+0x18/0x50", "__sysvec_irq_work+0x1d/0xb0", "sysvec_irq_work+0x6c/0x90",
		"asm_sysvec_irq_work+0x1a/0x20", "__wake_up+0x44/0x60", "splice_file_to_pipe+0x9d/0xd0", "do_sendfile+0x163/0x430",
		"__x64_sys_sendfile64+0xb1/0xd0", "do_syscall_64+0xc2/0x520", "entry_SYSCALL_64_after_hwframe+0x76/0x7e")
	rcu := task("rcu_preempt", 15, 0, -16)
	rcu.Stack = frames("rcu_gp_kthread+0x9f/0x140", "kthread+0xe5/0x120", "ret_from_fork+0x2bc/0x350", "ret_from_fork_asm+0x1a/0x30")
	initTask := task("init", 130, 2, -16)
	initTask.Stack = frames("vfs_read+0x341/0x370", "ksys_read+0xbe/0xe0", "do_syscall_64+0xc2/0x520", "entry_SYSCALL_64_after_hwframe+0x76/0x7e")

	for _, tt := range []struct {
		name, file string
		cfg        texttest.Config
		model      dump.Snapshot
	}{{
		name: "an error while loading on 6.16",
		file: "6.16-scx_mitosis-2025-10-bad-rootcg.log",
		cfg:  texttest.Config{Series: texttest.SeriesNamed("6.16"), CPUIDs: 4},
		model: dump.Snapshot{
			Exit: &dump.Exit{
				Kind: dump.Of(dump.ExitError), Reason: dump.Of("runtime error"), Message: dump.Of("ops.init() failed (-2)"),
				Task: dump.Of(dump.TaskRef{Comm: "gload", PID: 198}),
				Backtrace: frames("scx_exit+0x50/0x70", "scx_enable.isra.0+0xbf9/0x1030", "bpf_struct_ops_link_create+0x12d/0x180",
					"__sys_bpf+0x1952/0x25f0", "__x64_sys_bpf+0x21/0x30", "do_syscall_64+0x84/0x2f0", "entry_SYSCALL_64_after_hwframe+0x76/0x7e"),
			},
			CPUs: []dump.CPU{
				cpu(1, 0, 1, 0, "rootbusy", 189, dump.ClassFair),
				cpu(2, 0, 1, 0, "rootbusy", 188, dump.ClassFair),
				cpu(3, 0, 1, 0, "gload", 198, dump.ClassFair),
			},
		},
	}, {
		name: "a bogus DSQ on 7.3",
		file: "7.3-selftest-ddsp_bogus_dsq_fail-run.log",
		cfg:  texttest.Config{Series: texttest.SeriesNamed("7.3"), CPUIDs: 4, SubSched: true},
		model: dump.Snapshot{
			Scheduler: "ddsp_bogus_dsq_fail",
			Exit: &dump.Exit{
				Kind: dump.Of(dump.ExitError), Reason: dump.Of("runtime error"), Message: dump.Of("non-existent DSQ 0xcafef00d"),
				Task: dump.Of(dump.TaskRef{Comm: "cat", PID: 170}), CPU: dump.Of[int32](1),
				Backtrace: frames("scx_vexit+0x6d/0xa0", "__scx_exit+0x4f/0x70", "find_dsq_for_dispatch+0x168/0x220",
					"scx_do_enqueue_task+0x108/0x7d0", "enqueue_task_scx+0x188/0x340", "enqueue_task+0x86/0x190",
					"ttwu_do_activate+0x75/0x1b0", "try_to_wake_up+0x2b6/0x790", "autoremove_wake_function+0x15/0x60",
					"__wake_up_common+0x78/0xa0", "__wake_up+0x36/0x60", "splice_file_to_pipe+0x9d/0xd0", "do_sendfile+0x163/0x430",
					"__x64_sys_sendfile64+0xb1/0xd0", "do_syscall_64+0xc2/0x520", "entry_SYSCALL_64_after_hwframe+0x76/0x7e"),
			},
			CPUs: []dump.CPU{
				cpu(1, 1, 0x101, 8, "cat", 170, dump.ClassExt),
				cpu(0, 1, 1, 3, "swapper/0", 0, dump.ClassIdle),
				cpu(2, 1, 1, 9, "swapper/2", 0, dump.ClassIdle),
				cpu(3, 0, 0x101, 1, "scx_enable_help", 167, dump.ClassRT),
			},
			Tasks: []dump.Task{running, rcu, initTask},
			Counters: []dump.Counter{
				{Name: "SCX_EV_DISPATCH_KEEP_LAST", Value: 5}, {Name: "SCX_EV_REFILL_SLICE_DFL", Value: 7},
				{Name: "SCX_EV_BYPASS_DURATION", Value: 108634443}, {Name: "SCX_EV_BYPASS_DISPATCH", Value: 4},
				{Name: "SCX_EV_BYPASS_ACTIVATE", Value: 1},
			},
		},
	}} {
		t.Run(tt.name, func(t *testing.T) {
			got := string(texttest.Render(&tt.model, tt.cfg))
			if diff := cmp.Diff(realDump(t, tt.file), got); diff != "" {
				t.Errorf("rendered text differs from the real one (-real +rendered):\n%s", diff)
			}
		})
	}
}

// The parts of dumps that take a scheduler.
func TestRenderEqualsPartsOfRealDumps(t *testing.T) {
	mitosis := task("wl", 255, 3, -12)
	mitosis.Current, mitosis.Flags, mitosis.DSQ = true, dump.Of[uint32](5), dump.Of(dump.DSQRef{})
	mitosis.DSQVTime, mitosis.Slice = dump.Of[uint64](56542422), dump.Of[uint64](19753398)
	mitosis.CPUs = dump.Of(dump.MaskOf(2, 3))
	mitosis.VTime, mitosis.BasisVTime = dump.Of[uint64](56542422), dump.Of[uint64](55992521)
	mitosis.Cell, mitosis.LLC = dump.Of[int32](2), dump.Of[int32](0)
	mitosis.AssignedDSQ = dump.Of(texttest.MitosisV7.CPUDSQ(3))
	mitosis.AllCellCPUsAllowed, mitosis.SchedulerCPUs = dump.Of(false), dump.Of(dump.MaskOf(2, 3))
	cell := func(id int32, vtime uint64, queued int64, cpus ...int) dump.Cell {
		return dump.Cell{ID: id, CPUs: dump.Of(dump.MaskOf(cpus...)), VTime: dump.Of(vtime), Queued: dump.Of(queued)}
	}
	share := func(c dump.CPU, id int32, vtime uint64) dump.CPU {
		c.Cell, c.VTime, c.Queued = dump.Of(id), dump.Of(vtime), dump.Of[int64](0)
		return c
	}

	queued := task("kcompactd0", 52, 0, 0)
	queued.SCXStateNr, queued.Flags = dump.Of[uint32](3), dump.Of[uint32](9)
	queued.OpsState, queued.QSeq, queued.DSQ = dump.Of(dump.OpsQueued), dump.Of[uint64](712), dump.Of(dump.DSQRef{})
	queued.Slice = dump.Of[uint64](19853758)
	queued.Scheduler = []dump.KV{{Key: "force_local", Value: "0"}, {Key: "core_sched_seq", Value: "2901"}}
	queued.Stack = frames("kthread+0xfc/0x240", "ret_from_fork+0x19a/0x1d0", "ret_from_fork_asm+0x1a/0x30")
	cpu0 := cpu(0, 4, 1, 43, "init", 178, dump.ClassExt)
	cpu0.OpsQSeq = dump.Of[uint64](715)
	cpu0.Scheduler = []dump.KV{
		{Key: "dsp_idx", Value: "2"}, {Key: "dsp_cnt", Value: "3"}, {Key: "avg_weight", Value: "97"}, {Key: "cpuperf_target", Value: "512"},
	}

	for _, tt := range []struct {
		name, file string
		trace      bool
		from, to   string // first line of the real part, and the line behind it
		cfg        texttest.Config
		model      dump.Snapshot
	}{{
		name: "cells and a task of mitosis on 7.3",
		file: "7.3-scx_mitosis-head-multipin-reject.log",
		from: "kernel: 7.3.4 ", to: "    scx_dump_cpu+",
		cfg: texttest.Config{Series: texttest.SeriesNamed("7.3"), CPUIDs: 5, SubSched: true, Format: texttest.MitosisV7},
		model: dump.Snapshot{
			Kernel: dump.Kernel{Release: "7.3.4"},
			Build:  []dump.KV{{Key: "kernel", Value: "7.3.4"}, {Key: "cc", Value: "x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0"}},
			Cells:  []dump.Cell{cell(0, 256732593, 0, 0), cell(1, 121274971, 2, 1), cell(2, 55992521, 0, 2, 3, 4)},
			CPUs: []dump.CPU{
				share(cpu(3, 1, 1, 24, "wl", 255, dump.ClassExt), 2, 55992521), share(dump.CPU{ID: 0}, 0, 256732593),
				share(dump.CPU{ID: 1}, 1, 121274971), share(dump.CPU{ID: 2}, 2, 414287), share(dump.CPU{ID: 4}, 2, 33930668),
			},
			Tasks: []dump.Task{mitosis},
		},
	}, {
		name: "FIFOs, a CPU and a task of qmap on 6.16, from the trace",
		file: "6.16-scx_qmap-sysrq-D.log", trace: true,
		from: "QMAP FIFO[0]:", to: " *R init[178] -32ms",
		cfg: texttest.Config{Series: texttest.SeriesNamed("6.16"), CPUIDs: 4, Format: texttest.QmapPID},
		model: dump.Snapshot{
			DSQs: []dump.DSQ{{}, {}, {PIDs: []int32{413, 420, 52, 392, 394, 400, 391, 389}}, {}, {}},
			CPUs: []dump.CPU{cpu0},
		},
	}, {
		name: "a queued task of qmap on 6.16, from the trace",
		file: "6.16-scx_qmap-sysrq-D.log", trace: true,
		from: "  R kcompactd0[52] +0ms", to: "  R busy[392] +0ms",
		cfg:   texttest.Config{Series: texttest.SeriesNamed("6.16"), CPUIDs: 4, Format: texttest.QmapPID},
		model: dump.Snapshot{CPUs: []dump.CPU{cpu0}, Tasks: []dump.Task{queued}},
	}} {
		t.Run(tt.name, func(t *testing.T) {
			want := part(t, tt.file, tt.trace, tt.from, tt.to)
			if got := string(texttest.Render(&tt.model, tt.cfg)); !strings.Contains(got, want) {
				t.Errorf("rendered text lacks the real one (-real +rendered):\n%s", cmp.Diff(want, got))
			}
		})
	}
}

// part cuts lines out of a real dump, from its first line that starts with from
// to the line before the one that starts with to.
func part(t *testing.T, file string, trace bool, from, to string) string {
	t.Helper()
	log, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "dumps", file))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(log)) {
		if trace {
			_, payload, ok := strings.Cut(line, "sched_ext_dump: ")
			if !ok {
				continue
			}
			line = payload
		}
		switch {
		case b.Len() == 0 && !strings.HasPrefix(line, from):
		case b.Len() > 0 && strings.HasPrefix(line, to):
			return b.String()
		default:
			b.WriteString(line)
		}
	}
	t.Fatalf("%s: no lines from %q to %q", file, from, to)
	return ""
}
