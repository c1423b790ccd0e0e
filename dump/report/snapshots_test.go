// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"strings"
	"time"

	"scxdiag/dump"
)

// lines makes lines of text.
func lines(texts ...string) []dump.Line {
	var out []dump.Line
	for _, t := range texts {
		out = append(out, dump.Line{Text: t})
	}
	return out
}

// cellRTHog is a dump of scx_mitosis: a real-time task holds the only CPU of a
// cell.
func cellRTHog() *dump.Snapshot {
	cellDSQ := dump.DSQRef{ID: 0x20010000, Kind: dump.DSQKindCell, Cell: 1}
	stalled := dump.Task{
		TaskRef:            dump.TaskRef{Comm: "websrv", PID: 228},
		CPU:                dump.Of[int32](1),
		State:              dump.Of[byte]('R'),
		Owner:              dump.Of("root"),
		OwnerDumped:        true,
		RunnableAt:         dump.Of(-35652 * time.Millisecond),
		SCXState:           dump.Of(dump.TaskEnabled),
		SCXStateNr:         dump.Of[uint32](4),
		Flags:              dump.Of[uint32](3),
		DSQFlags:           dump.Of[uint32](1),
		OpsState:           dump.Of(dump.OpsNone),
		QSeq:               dump.Of[uint64](0),
		StickyCPU:          dump.Of[int32](-1),
		HoldingCPU:         dump.Of[int32](-1),
		DSQ:                dump.Of(cellDSQ),
		DSQVTime:           dump.Of[uint64](2881842813),
		Slice:              dump.Of[uint64](20000000),
		Weight:             dump.Of[uint32](100),
		CPUs:               dump.Of(dump.MaskOf(1)),
		MigrationDisabled:  dump.Of[uint32](0),
		Cell:               dump.Of[int32](1),
		LLC:                dump.Of[int32](0),
		VTime:              dump.Of[uint64](2881842813),
		BasisVTime:         dump.Of[uint64](2881842813),
		AssignedDSQ:        dump.Of(cellDSQ),
		SchedulerCPUs:      dump.Of(dump.MaskOf(1)),
		AllCellCPUsAllowed: dump.Of(true),
		Stack:              lines("asm_sysvec_apic_timer_interrupt+0x1a/0x20"),
	}
	kworker := dump.Task{
		TaskRef:    dump.TaskRef{Comm: "kworker/u16:2", PID: 42},
		CPU:        dump.Of[int32](0),
		Current:    true,
		State:      dump.Of[byte]('R'),
		RunnableAt: dump.Of(-20 * time.Millisecond),
		SCXState:   dump.Of(dump.TaskEnabled),
		OpsState:   dump.Of(dump.OpsNone),
		DSQ:        dump.Of(dump.DSQRef{Kind: dump.DSQKindNone}),
		Slice:      dump.Of(dump.SliceInf),
		CPUs:       dump.Of(dump.MaskRange(0, 3)),
	}
	return &dump.Snapshot{
		Source: dump.Source{
			Name: "crash.log", Carrier: "stderr", Line: 4, Offset: 95,
			Copies: []dump.Copy{{Carrier: "ftrace", Offset: 9000, Line: 316}},
		},
		Time:      time.Date(2026, 8, 7, 12, 30, 5, 250e6, time.UTC),
		Host:      "vm1",
		Kernel:    dump.Kernel{Release: "7.3.4"},
		Scheduler: "mitosis",
		Trigger:   dump.TriggerCrash,
		Exit: &dump.Exit{
			Kind:    dump.Of(dump.ExitErrorStall),
			Reason:  dump.Of("runnable task stall"),
			Message: dump.Of("websrv[228] failed to run for 35.632s"),
			Task:    dump.Of(dump.TaskRef{Comm: "kworker/u16:2", PID: 42}),
			Subject: dump.Of(dump.TaskRef{Comm: "websrv", PID: 228}),
			CPU:     dump.Of[int32](1),
			Backtrace: lines("scx_vexit+0x6d/0xa0", "__scx_exit+0x4f/0x70", "scx_watchdog_workfn+0x1b6/0x260",
				"process_one_work+0x1cd/0x3c0", "worker_thread+0x1af/0x320", "kthread+0xe5/0x120",
				"ret_from_fork+0x2bc/0x350", "ret_from_fork_asm+0x1a/0x30"),
		},
		Ledger: dump.Ledger{Lines: dump.LineCounts{Parsed: 120, Blank: 31}},
		Cells: []dump.Cell{
			{ID: 0, CPUs: dump.Of(dump.MaskOf(0)), VTime: dump.Of[uint64](16065812837), Queued: dump.Of[int64](4)},
			{ID: 1, CPUs: dump.Of(dump.MaskOf(1)), VTime: dump.Of[uint64](2906061422), Queued: dump.Of[int64](3)},
			{ID: 2, CPUs: dump.Of(dump.MaskOf(2, 3)), VTime: dump.Of[uint64](30135706759), Queued: dump.Of[int64](-2)},
		},
		CPUs: []dump.CPU{
			{
				ID: 1, Listed: true, NrRunning: dump.Of[uint32](5), Flags: dump.Of[uint32](1), CPURel: dump.Of(false),
				KSync: dump.Of[uint64](614), Current: dump.Of(dump.TaskRef{Comm: "rt_hog", PID: 259}),
				Class: dump.Of(dump.ClassRT), NrRescue: dump.Of[uint32](0),
				RescueBudget: dump.Of(time.Duration(0)), CPUsToKick: dump.Of(dump.MaskOf(1, 3)),
				Cell: dump.Of[int32](1), VTime: dump.Of[uint64](2906061422), Queued: dump.Of[int64](2),
			},
			{
				ID: 0, Listed: true, NrRunning: dump.Of[uint32](5), Flags: dump.Of[uint32](0),
				Current: dump.Of(kworker.TaskRef), Class: dump.Of(dump.ClassExt), Cell: dump.Of[int32](0),
			},
			{ID: 2, Cell: dump.Of[int32](2)},
		},
		Tasks: []dump.Task{stalled, kworker},
		Counters: []dump.Counter{
			{Name: "SCX_EV_SELECT_CPU_FALLBACK", Value: 7}, {Name: "SCX_EV_BYPASS_DURATION", Value: -1},
		},
		Build: []dump.KV{{Key: "kernel", Value: "7.3.4 "}, {Key: "cc", Value: "gcc-14 <14.2.0>"}},
		Events: []dump.Event{
			{Seq: 1, Kind: "CGROUP_INIT", CgroupID: dump.Of[uint64](41), Time: dump.Of[uint64](18446744073709551615)},
		},
	}
}

// bpfError is a dump of scx_qmap that reported an error of its own, cut off.
func bpfError() *dump.Snapshot {
	busy := dump.TaskRef{Comm: "busy", PID: 258}
	return &dump.Snapshot{
		Source:    dump.Source{Name: "-", Carrier: "actions+journald", Line: 12, Reversed: true},
		Kernel:    dump.Kernel{Min: dump.Version{Major: 6, Minor: 16}, Max: dump.Version{Major: 6, Minor: 18}},
		Scheduler: "qmap",
		Trigger:   dump.TriggerCrash,
		Exit: &dump.Exit{
			Kind:    dump.Of(dump.ExitErrorBPF),
			Reason:  dump.Of("scx_bpf_error"),
			Message: dump.Of("scheds/c/scx_qmap.bpf.c:212: test triggering error"),
			Task:    dump.Of(busy),
			Backtrace: lines("scx_kf_exit+0x8d/0xc0", "scx_bpf_error_bstr+0x66/0x80",
				"bpf_prog_e9bbc0a611017e59_qmap_enqueue+0xda/0x355"),
		},
		Ledger: dump.Ledger{
			Truncated: true,
			Lines:     dump.LineCounts{Parsed: 20, Verbatim: 5, Blank: 4, Foreign: 2, NotUnderstood: 4, Truncated: 1},
			NotUnderstood: []dump.Line{
				{Text: "one", At: dump.Span{Off: 0, Len: 3}}, {Text: "two", At: dump.Span{Off: 4, Len: 3}},
				{Text: strings.Repeat("long ", 30)}, {Text: "four"},
			},
			Distrusted: []dump.Distrusted{{Entity: "task:258", Field: "dsq_vtime", Text: "28", At: dump.Span{Off: 4, Len: 3}}},
			Notes:      []string{"the carrier dropped blank lines"},
		},
		CPUs: []dump.CPU{{
			ID: 0, Listed: true, Current: dump.Of(busy), Class: dump.Of(dump.Class("0xffffffff82a01230")),
			Text:    lines("first", "second", "third", "fourth"),
			Unknown: []dump.KV{{Key: "new", Value: "1"}, {Key: "new", Value: "2"}},
		}},
		Tasks: []dump.Task{
			{
				TaskRef: busy, CPU: dump.Of[int32](0), Current: true, State: dump.Of[byte]('R'),
				OpsState: dump.Of(dump.OpsQueued), QSeq: dump.Of[uint64](1500),
				DSQ:   dump.Of(dump.DSQRef{Kind: dump.DSQKindNone}),
				Stack: lines("a+0x1/0x2", "b+0x1/0x2", "c+0x1/0x2", "d+0x1/0x2", "e+0x1/0x2"),
				Owner: dump.Of("sub1-28"), DSQVTime: dump.Of[uint64](0),
				Scheduler: []dump.KV{{Key: "core_sched_seq", Value: "12"}}, Text: lines("QMAP: core_sched_seq=12"),
			},
			{TaskRef: dump.TaskRef{Comm: "waiter", PID: 9}, RunnableAt: dump.Of(-40 * time.Millisecond)},
		},
		DSQs: []dump.DSQ{{
			Name: "FIFO[0]", Queued: dump.Of[int64](2), PIDs: []int32{258, 9},
			HeadWait: dump.Of(1500 * time.Millisecond),
		}},
		Text: lines("QMAP FIFO[0]: 258 9"),
		Raw:  "one\ntwo\n",
	}
}

// liveDump is a SysRq-D dump of a sub-scheduler.
func liveDump() *dump.Snapshot {
	return &dump.Snapshot{
		Source:    dump.Source{Name: "trace.txt", Carrier: "ftrace", Line: 1},
		Kernel:    dump.Kernel{Min: dump.Version{Major: 7, Minor: 3}},
		Scheduler: "qmap",
		Sub:       &dump.SubScheduler{Level: 1, CgroupID: 28, Path: "/tenantA"},
		Trigger:   dump.TriggerSysRq,
		Ledger:    dump.Ledger{Lines: dump.LineCounts{Parsed: 30}},
		CPUs: []dump.CPU{
			{
				ID: 0, Listed: true, NrRunning: dump.Of[uint32](1), Flags: dump.Of[uint32](1),
				Current: dump.Of(dump.TaskRef{Comm: "swapper/0"}), Class: dump.Of(dump.ClassIdle),
			},
			{
				ID: 1, Listed: true, Current: dump.Of(dump.TaskRef{Comm: "migration/1", PID: 20}),
				Class: dump.Of(dump.ClassStop),
			},
		},
		Tasks: []dump.Task{
			{
				TaskRef: dump.TaskRef{Comm: "early", PID: 5}, CPU: dump.Of[int32](1),
				RunnableAt: dump.Of(3 * time.Millisecond),
			},
			{
				TaskRef: dump.TaskRef{Comm: "tenA", PID: 336}, CPU: dump.Of[int32](0),
				RunnableAt: dump.Of(-1200 * time.Millisecond), OpsState: dump.Of(dump.OpsQueued),
				DSQ: dump.Of(dump.DSQRef{Kind: dump.DSQKindNone}), MigrationDisabled: dump.Of[uint32](1),
				CPUs: dump.Of(dump.MaskOf(0)), SchedulerCPUs: dump.Of(dump.MaskRange(0, 3)),
			},
		},
	}
}

// sample is what a ring buffer brings of a scheduler at work.
func sample() *dump.Snapshot {
	cell := func(id int32) dump.DSQRef {
		return dump.DSQRef{ID: dump.DSQID(0x20000000 | id<<16), Kind: dump.DSQKindCell, Cell: id}
	}
	task := func(comm string, pid, cpu, of int32) dump.Task {
		return dump.Task{
			TaskRef: dump.TaskRef{Comm: comm, PID: pid}, TGID: dump.Of(pid), PFFlags: dump.Of[uint32](0x400000),
			CPU: dump.Of(cpu), State: dump.Of[byte]('R'), SCXState: dump.Of(dump.TaskEnabled),
			Flags: dump.Of[uint32](1), OpsState: dump.Of(dump.OpsNone), DSQ: dump.Of(dump.DSQRef{Kind: dump.DSQKindNone}),
			Slice: dump.Of[uint64](20000000), Weight: dump.Of[uint32](100), CPUs: dump.Of(dump.MaskRange(0, 3)),
			AllowedCPUs: dump.Of(dump.MaskRange(0, 3)), Cell: dump.Of(of), HasContext: dump.Of(true),
			VTime: dump.Of[uint64](900), BasisVTime: dump.Of[uint64](900), AssignedDSQ: dump.Of(cell(of)),
			CgroupID: dump.Of[uint64](61), CgroupName: dump.Of("/a/x"), ConfigSeq: dump.Of[uint64](7),
			RunTime: dump.Of(164659273 * time.Nanosecond), Runs: dump.Of[uint64](487),
			Context: &dump.TaskContext{CgroupIDNow: 61, VTimeRead: 900, StartedAt: 21e9 - 16e6, Clock: of, CellGeneration: 3},
		}
	}
	running := task("batch", 156, 1, 1)
	running.Current = true
	waiting := task("web-1", 146, 0, 2)
	waiting.TGID, waiting.DSQ = dump.Of[int32](142), dump.Of(dump.BuiltinDSQ(dump.DSQLocal, 0))
	waiting.RunnableAt, waiting.ConfigSeq = dump.Of(-16*time.Millisecond), dump.Of[uint64](6)
	waiting.CPUs, waiting.MigrationDisabled = dump.Of(dump.MaskOf(0)), dump.Of[uint32](1)
	waiting.Context.Clock, waiting.Context.CellGeneration, waiting.Context.VTimeRead = 1, 2, 870
	waiting.Context.CgroupIDNow = 62
	asleep := task("idle", 7, 3, 0)
	asleep.Context.Fallback = true
	asleep.Flags, asleep.Walked, asleep.State = dump.Of[uint32](8), true, dump.Of[byte]('S')
	cpu := func(id, of int32, comm string, pid int32, class dump.Class) dump.CPU {
		return dump.CPU{
			ID: id, Listed: true, NrRunning: dump.Of[uint32](1), Flags: dump.Of[uint32](1), Cell: dump.Of(of),
			Current: dump.Of(dump.TaskRef{Comm: comm, PID: pid}), Class: dump.Of(class), VTime: dump.Of[uint64](1000),
			Queued: dump.Of[int64](2), DSQ: dump.Of(dump.DSQID(0x10000000 | id)),
			Online: dump.Of(id != 3), PrevCell: dump.Of[int32](2), Sections: dump.Of[uint64](8123),
			Nesting: dump.Of(uint32(1 - min(id, 1))), Awaited: dump.Of(id == 0),
			SectionSince: dump.Of[uint64](21e9 - 12e6),
		}
	}
	own := func(id int32, state dump.CellState, cpus dump.CPUMask, queued int64, path string) dump.Cell {
		c := dump.Cell{
			ID: id, State: dump.Of(state), Generation: dump.Of(uint32(3)), CPUs: dump.Of(cpus), Queued: dump.Of(queued),
			VTime: dump.Of[uint64](1000), DSQ: dump.Of(cell(id).ID),
			Since: dump.Of[uint64](21e9 - 3.1e9), GraceUntil: dump.Of[uint64](0), Rescued: dump.Of(uint64(id / 2)),
			SpareMissing: dump.Of(id == 2),
		}
		if id > 0 {
			c.CpusetCPUs = dump.Of(cpus.With(int(2 - id%2)))
		}
		if state == dump.CellDrain {
			c.GraceUntil = dump.Of[uint64](8)
		}
		if path != "" {
			c.OwnerCgroup, c.OwnerPath = dump.Of(uint64(60+id)), dump.Of(path)
		}
		return c
	}
	return &dump.Snapshot{
		Source: dump.Source{Name: "live --vm", Carrier: "ringbuf"},
		Time:   time.Date(2026, 11, 25, 4, 35, 22, 17575152, time.UTC), Host: "scxdiag-vm",
		Kernel: dump.Kernel{Release: "7.3.4"}, Scheduler: "scxdiag_cells", Trigger: dump.TriggerSample,
		Status: &dump.Status{
			ConfigSeq: 8, AppliedSeq: 7, Slice: 20000000, MaxCells: 64, NrEvents: 1030, EnqFallback: 2, TimeClamped: 1,
			At: 21e9, Grace: dump.GraceStatus{Seq: 7, Started: 21e9 - 12e6},
			Apply: dump.ApplyStatus{Begun: 21e9 - 3.1004e9, Ended: 21e9 - 3.1e9},
			Timer: dump.TimerStatus{
				Armed: true, Runs: 531, First: 1e9, Last: 21e9 - 40e6, MaxRun: 3123456, Period: 100 * time.Millisecond,
			},
			Exiting:     dump.ExitingStatus{Count: 1, CgroupID: 66, PID: 99, PFFlags: 4},
			CpusetBegun: 9, CpusetEnded: 8, AllocFail: 3, LateInserts: 1, Rescued: 5, MaxUsed: 6, Queues: 7, HeldCPU: 3,
			InitEnded: 9e8, Cgroups: 3,
		},
		Cgroups: []dump.Cgroup{
			{
				ID: 1, Path: dump.Of("/"), HasContext: true, Populated: true, CPUController: true,
				CPUs: dump.Of(dump.CPUMask{}), EffectiveCPUs: dump.Of(dump.MaskRange(0, 3)),
			},
			{
				ID: 61, Path: dump.Of("/a"), Parent: 1, Level: 1, HasContext: true, Cell: 1, Owns: 1, Populated: true,
				CPUController: true, CPUs: dump.Of(dump.MaskOf(1)), EffectiveCPUs: dump.Of(dump.MaskOf(1)),
			},
			{ID: 62, Path: dump.Of("/a/x"), Parent: 61, Level: 2, CPUController: true},
			{ID: 63, Parent: 1, Level: 1, HasContext: true, Dying: true},
		},
		Cells: []dump.Cell{
			own(0, dump.CellLive, dump.MaskOf(3), 8, ""), own(1, dump.CellLive, dump.MaskOf(1), 3, "/a"),
			own(2, dump.CellLive, dump.MaskOf(0), 9, "/a/x"), own(3, dump.CellDrain, dump.CPUMask{}, 1, "/gone"),
			own(4, dump.CellFree, dump.CPUMask{}, 0, ""),
		},
		CPUs: []dump.CPU{
			cpu(0, 2, "scxdiag", 130, dump.ClassRT), cpu(1, 1, "batch", 156, dump.ClassExt),
			cpu(3, 0, "swapper/3", 0, dump.ClassIdle),
		},
		Tasks: []dump.Task{running, waiting, asleep},
		Events: []dump.Event{
			{Seq: 1027, Kind: "cgroup_init", CgroupID: dump.Of[uint64](61), Time: dump.Of[uint64](20809895037), CPU: dump.Of[int32](0)},
			{Seq: 1028, Kind: "init_task", CgroupID: dump.Of[uint64](61), PID: dump.Of[int32](146), Time: dump.Of[uint64](20819053500)},
			{Seq: 1029, Kind: "init_task", CgroupID: dump.Of[uint64](61), PID: dump.Of[int32](7), Arg: dump.Of[uint64](2)},
		},
		Ledger: dump.Ledger{Records: []dump.RecordCount{
			{Kind: "begin", Expected: 1, Received: 1}, {Kind: "cell", Expected: 5, Received: 5},
			{Kind: "task", Expected: 3, Received: 3}, {Kind: "event", Expected: 3, Received: 3},
		}},
	}
}

// injected is the failure of a scheduler that was told to fail, with records
// lost.
func injected() *dump.Snapshot {
	s := sample()
	s.Trigger, s.Status.Faults = dump.TriggerCrash, []string{"lose-task"}
	s.Exit = &dump.Exit{
		Kind: dump.Of(dump.ExitErrorStall), Reason: dump.Of("runnable task stall"),
		Message: dump.Of("web-1[146] failed to run for 30.016s"), Subject: dump.Of(s.Tasks[1].TaskRef),
	}
	s.Ledger.Records[2] = dump.RecordCount{Kind: "task", Expected: 40, Received: 3, Dropped: 37}
	return s
}

// verdictOnly is what dmesg keeps of a failure.
func verdictOnly() *dump.Snapshot {
	return &dump.Snapshot{
		Source:    dump.Source{Name: "dmesg.txt", Carrier: "dmesg", Line: 812},
		Scheduler: "simple",
		Trigger:   dump.TriggerCrash,
		Exit: &dump.Exit{
			Kind:      dump.Of(dump.ExitError),
			Reason:    dump.Of("runtime error"),
			Message:   dump.Of("non-existent DSQ 0xcafef00d"),
			Backtrace: lines("scx_exit+0x50/0x70", "find_dsq_for_dispatch+0x168/0x220"),
		},
		Ledger: dump.Ledger{Lines: dump.LineCounts{Parsed: 4}},
	}
}

// explained is cellRTHog with a finding and a signature, from ring-buffer
// records of which some were lost.
func explained() *dump.Snapshot {
	s := cellRTHog()
	s.Raw = strings.Repeat("line\n", 40)
	s.Findings = []dump.Finding{{
		Rule: "rt-hog", Severity: dump.SeverityError, Confidence: dump.ConfidenceHigh,
		Title:       "rt_hog[259] keeps CPU 1, the only CPU of cell 1",
		Explanation: "A SCHED_FIFO or SCHED_RR task runs on CPU 1. Until it blocks, no task of cell 1 can run.",
		Evidence: []dump.Evidence{
			{Entity: "cpu:1", Text: "          curr=rt_hog[259] class=rt_sched_class", At: dump.Span{Off: 175, Len: 4}},
		},
		Next: "look at what rt_hog does: perf top -p 259",
	}}
	s.Findings[0].Victims = []string{"task:228", "task:229"}
	s.Findings[0].Follows = []string{"pinned-starved"}
	s.Signature = &dump.Signature{
		ID: "c0ffee", Title: "stall: rt holds the cell", Parts: []string{"stall", "rt"}, Weak: true,
		Seen: &dump.Seen{
			Count: 3, First: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), Last: time.Date(2026, 8, 2, 12, 0, 0, 0, time.UTC),
			LastKernel: "7.2.1", LastHost: "vm2",
		},
	}
	s.Ledger = dump.Ledger{
		Records: []dump.RecordCount{{Kind: "task", Expected: 40, Received: 37, Dropped: 3}},
	}
	return s
}

// hostile is a dump whose strings try to break out of every format.
func hostile() *dump.Snapshot {
	const comm = "\x1b[31m`@all\xff"
	s := cellRTHog()
	s.Tasks[0].Comm = comm
	s.Exit.Subject.V.Comm = comm
	s.Exit.Message = dump.Of("``` <script>\n# @everyone see #1\u202e\u009b2J")
	s.Scheduler = "`<img src=x>`"
	s.CPUs[0].Current.V.Comm = "|`|"
	s.Build = []dump.KV{{Key: "\xfe", Value: "\"</"}}
	return s
}
