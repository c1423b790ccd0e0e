// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"scxdiag/dump"
)

// logText builds the source text of a snapshot, so that its values point at the
// lines that they would have been read from.
type logText struct{ strings.Builder }

// line appends a line and returns where it stands.
func (l *logText) line(format string, args ...any) dump.Span {
	off := l.Len()
	fmt.Fprintf(l, format, args...)
	at := dump.Span{Off: uint32(off), Len: uint32(l.Len() - off)}
	l.WriteByte('\n')
	return at
}

// taskSpec is what the tasks of the tests differ in.
type taskSpec struct {
	comm    string
	pid     int32
	cpu     int32
	running bool
	ago     time.Duration
	dsq     dump.DSQRef
	cell    int32 // below 0: the scheduler has none
	vtime   uint64
	basis   uint64
	cpus    dump.CPUMask
	flags   uint32
	stack   []string
}

// add appends a task as a 7.3 kernel prints it.
func (t taskSpec) add(s *dump.Snapshot, l *logText) {
	mark := ' '
	if t.running {
		mark = '*'
	}
	dsq := "(n/a)"
	if !t.dsq.IsNone() {
		dsq = t.dsq.ID.String()
	}
	head := l.line(" %cR %s[%d] *root %+dms", mark, t.comm, t.pid, -t.ago.Milliseconds())
	state := l.line("      scx_state/flags=4/0x%x dsq_flags=0x1 ops_state/qseq=0/0", t.flags)
	queue := l.line("      sticky/holding_cpu=-1/-1 dsq_id=%s", dsq)
	clock := l.line("      dsq_vtime=%d slice=20000000 weight=100", t.vtime)
	mask := l.line("      cpus=%s no_mig=0", t.cpus.Hex(4))
	var last dump.Span
	k := dump.Task{
		TaskRef:    dump.TaskRef{Comm: t.comm, PID: t.pid},
		CPU:        dump.OfAt(t.cpu, head),
		Current:    t.running,
		State:      dump.OfAt(byte('R'), head),
		Owner:      dump.OfAt("root", head),
		RunnableAt: dump.OfAt(-t.ago, head), OwnerDumped: true,
		SCXState:          dump.OfAt(dump.TaskEnabled, state),
		SCXStateNr:        dump.OfAt(uint32(4), state),
		Flags:             dump.OfAt(t.flags, state),
		DSQFlags:          dump.OfAt(uint32(1), state),
		OpsState:          dump.OfAt(dump.OpsNone, state),
		QSeq:              dump.OfAt(uint64(0), state),
		StickyCPU:         dump.OfAt(int32(-1), queue),
		HoldingCPU:        dump.OfAt(int32(-1), queue),
		DSQ:               dump.OfAt(t.dsq, queue),
		DSQVTime:          dump.OfAt(t.vtime, clock),
		Slice:             dump.OfAt(uint64(20000000), clock),
		Weight:            dump.OfAt(uint32(100), clock),
		CPUs:              dump.OfAt(t.cpus, mask),
		MigrationDisabled: dump.OfAt(uint32(0), mask),
	}
	if t.cell >= 0 {
		l.line("")
		own := l.line("    Task[%d] vtime=%d basis_vtime=%d cell=%d llc=0 dsq=%x all_cell_cpus_allowed=1",
			t.pid, t.vtime, t.basis, t.cell, uint64(t.dsq.ID))
		last = l.line("    Task[%d] CPUS=%s", t.pid, t.cpus.Hex(32))
		k.Cell, k.VTime, k.BasisVTime = dump.OfAt(t.cell, own), dump.OfAt(t.vtime, own), dump.OfAt(t.basis, own)
		k.LLC, k.AllCellCPUsAllowed = dump.OfAt(int32(0), own), dump.OfAt(true, own)
		k.SchedulerCPUs = dump.OfAt(t.cpus, last)
	} else {
		l.line("")
		last = l.line("    QMAP: force_local=0 core_sched_seq=%d", 1000+t.pid)
		k.Scheduler = []dump.KV{{Key: "force_local", Value: "0", At: last}, {Key: "core_sched_seq", Value: strconv.Itoa(int(1000 + t.pid)), At: last}}
	}
	if len(t.stack) > 0 {
		l.line("")
	}
	for _, f := range t.stack {
		last = l.line("    %s", f)
		k.Stack = append(k.Stack, dump.Line{Text: f, At: last})
	}
	l.line("")
	k.At = head.To(last)
	s.Tasks = append(s.Tasks, k)
}

// addCPU appends the header of a CPU.
func addCPU(s *dump.Snapshot, l *logText, id int32, nr uint32, comm string, pid int32, class dump.Class) *dump.CPU {
	head := l.line("CPU %-4d: nr_run=%d flags=0x1 cpu_rel=0 ksync=%d", id, nr, 600+id)
	rescue := l.line("          rescue=0 budget=0us rescuing=none[-1]")
	curr := l.line("          curr=%s[%d] class=%s_sched_class", comm, pid, class)
	l.line("")
	s.CPUs = append(s.CPUs, dump.CPU{
		ID: id, Listed: true,
		NrRunning:    dump.OfAt(nr, head),
		Flags:        dump.OfAt(uint32(1), head),
		CPURel:       dump.OfAt(false, head),
		KSync:        dump.OfAt(uint64(600+id), head),
		NrRescue:     dump.OfAt(uint32(0), rescue),
		RescueBudget: dump.OfAt(time.Duration(0), rescue),
		Current:      dump.OfAt(dump.TaskRef{Comm: comm, PID: pid}, curr),
		Class:        dump.OfAt(class, curr),
		At:           head.To(curr),
	})
	return &s.CPUs[len(s.CPUs)-1]
}

func cellDSQ(cell int32) dump.DSQRef {
	return dump.DSQRef{ID: dump.DSQID(0x20000000 | cell<<16), Kind: dump.DSQKindCell, Cell: cell}
}

func cpuDSQ(cpu int32) dump.DSQRef {
	return dump.DSQRef{ID: dump.DSQID(0x10000000 | cpu), Kind: dump.DSQKindCPU, CPU: cpu}
}

// mitosisStall is a stall in a cell whose only CPU a real-time task has,
// modelled on corpus/7.3-scx_mitosis-head-cell-rt-hog.log.
func mitosisStall() *dump.Snapshot {
	l := &logText{}
	s := &dump.Snapshot{
		Source: dump.Source{Name: "logs/cell-rt-hog.log", Carrier: "stderr", Offset: 92, Line: 6},
		Time:   time.Date(2026, 11, 15, 10, 2, 33, 120e6, time.UTC),
		Host:   "vm1", Kernel: dump.Kernel{Release: "7.3.4"}, Scheduler: "mitosis_1.1.2_x86_64_unknown_linux_gnu",
		Trigger: dump.TriggerCrash,
	}
	l.line("mitosis: root")
	trigger := l.line("kworker/u16:2[42] triggered exit kind 1026 on CPU 1:")
	reason := l.line("  runnable task stall (websrv[228] failed to run for 35.632s)")
	l.line("")
	l.line("Backtrace:")
	s.Exit = &dump.Exit{
		Kind:    dump.OfAt(dump.ExitErrorStall, trigger),
		Reason:  dump.OfAt("runnable task stall", reason),
		Message: dump.OfAt("websrv[228] failed to run for 35.632s", reason),
		Task:    dump.OfAt(dump.TaskRef{Comm: "kworker/u16:2", PID: 42}, trigger),
		Subject: dump.OfAt(dump.TaskRef{Comm: "websrv", PID: 228}, reason),
		CPU:     dump.OfAt(int32(1), trigger),
	}
	for _, f := range []string{
		"scx_vexit+0x6d/0xa0", "__scx_exit+0x4f/0x70", "scx_watchdog_workfn+0x1b6/0x260", "process_one_work+0x1cd/0x3c0",
		"worker_thread+0x1af/0x320", "kthread+0xe5/0x120", "ret_from_fork+0x2bc/0x350", "ret_from_fork_asm+0x1a/0x30",
	} {
		s.Exit.Backtrace = append(s.Exit.Backtrace, dump.Line{Text: f, At: l.line("  %s", f)})
	}
	l.line("")
	cc := l.line("cc: x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0")
	s.Build = []dump.KV{{Key: "cc", Value: "x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0", At: cc}}
	for i, mask := range []dump.CPUMask{dump.MaskOf(0), dump.MaskOf(1), dump.MaskOf(2, 3)} {
		vtime := []uint64{16065812837, 2906061422, 30135706759}[i]
		queued := []int64{4, 3, 1}[i]
		a := l.line("CELL[%d] CPUS=%s", i, mask.Hex(32))
		b := l.line("CELL[%d] vtime=%d nr_queued=%d", i, vtime, queued)
		s.Cells = append(s.Cells, dump.Cell{
			ID: int32(i), CPUs: dump.OfAt(mask, a), VTime: dump.OfAt(vtime, b), Queued: dump.OfAt(queued, b), At: a.To(b),
		})
	}
	s.Cells[1].OwnerCgroup, s.Cells[1].OwnerPath = dump.Of(uint64(312)), dump.Of("/cells/web")
	var perCPU [4]dump.Span
	for i, cell := range []int{0, 1, 2, 2} {
		perCPU[i] = l.line("CPU[%d] cell=%d vtime=%d nr_queued=%d", i, cell, s.Cells[cell].VTime.V, map[int]int{1: 2}[i])
	}
	l.line("")
	l.line("CPU states")
	l.line("----------")
	l.line("")
	irq := []string{"asm_sysvec_apic_timer_interrupt+0x1a/0x20"}
	kthread := []string{"kthread+0xe5/0x120", "ret_from_fork+0x2bc/0x350", "ret_from_fork_asm+0x1a/0x30"}
	addCPU(s, l, 1, 5, "rt_hog", 259, dump.ClassRT)
	one := dump.MaskOf(1)
	taskSpec{"websrv", 228, 1, false, 35652e6, cellDSQ(1), 1, 2881842813, 2881842813, one, 3, irq}.add(s, l)
	taskSpec{"websrv", 229, 1, false, 35624e6, cellDSQ(1), 1, 2902251375, 2902251375, one, 3, irq}.add(s, l)
	taskSpec{"websrv", 230, 1, false, 35596e6, cellDSQ(1), 1, 2906061422, 2906061422, one, 3, irq}.add(s, l)
	taskSpec{"kworker/1:0", 26, 1, false, 32532e6, cpuDSQ(1), 0, 2886061422, 2906061422, one, 0xb, kthread}.add(s, l)
	taskSpec{"ksoftirqd/1", 25, 1, false, 30464e6, cpuDSQ(1), 0, 2886061422, 2906061422, one, 0xb, kthread}.add(s, l)
	addCPU(s, l, 0, 4, "kworker/u16:2", 42, dump.ClassExt)
	all := dump.MaskRange(0, 3)
	taskSpec{"kworker/u16:2", 42, 0, true, 20e6, dump.DSQRef{}, 0, 16039326702, 16059326702, all, 0xd, append([]string{"scx_dump_cpu+0x5e1/0x630", "scx_dump_state+0x37f/0x6f0"}, kthread...)}.add(s, l)
	taskSpec{"rootbusy", 245, 0, false, 116e6, cellDSQ(0), 0, 16059326702, 16059326702, all, 3, irq}.add(s, l)
	taskSpec{"rootbusy", 244, 0, false, 68e6, cellDSQ(0), 0, 16059259553, 16059326702, all, 3, irq}.add(s, l)
	taskSpec{"napper", 251, 0, false, 20e6, cellDSQ(0), 0, 16060326702, 16060326702, all, 9, nil}.add(s, l)
	addCPU(s, l, 2, 2, "dbsrv", 237, dump.ClassExt)
	two := dump.MaskOf(2, 3)
	taskSpec{"dbsrv", 237, 2, true, 96e6, dump.DSQRef{}, 2, 30115706759, 30135706759, two, 5, nil}.add(s, l)
	taskSpec{"dbsrv", 238, 2, false, 72e6, cellDSQ(2), 2, 30135706759, 30135706759, two, 3, irq}.add(s, l)
	addCPU(s, l, 3, 1, "dbsrv", 236, dump.ClassExt)
	taskSpec{"dbsrv", 236, 3, true, 68e6, dump.DSQRef{}, 2, 30084682823, 30104682823, two, 5, nil}.add(s, l)
	for i := range s.CPUs {
		c := &s.CPUs[i]
		at := perCPU[c.ID]
		cell := []int32{0, 1, 2, 2}[c.ID]
		c.Cell, c.VTime = dump.OfAt(cell, at), dump.OfAt(s.Cells[cell].VTime.V, at)
		c.Queued = dump.OfAt(map[int32]int64{1: 2}[c.ID], at)
	}
	s.CPUs[0].CPUsToKick = dump.Of(dump.MaskOf(0, 2))
	l.line("Event counters")
	l.line("--------------")
	for _, c := range []dump.Counter{
		{Name: "SCX_EV_SELECT_CPU_FALLBACK", Value: 0}, {Name: "SCX_EV_DISPATCH_KEEP_LAST", Value: 51},
		{Name: "SCX_EV_ENQ_SKIP_EXITING", Value: 11}, {Name: "SCX_EV_BYPASS_DURATION", Value: 232044530},
	} {
		c.At = l.line("%40s: %16d", c.Name, c.Value)
		s.Counters = append(s.Counters, c)
	}
	s.Raw = l.String()
	n := strings.Count(s.Raw, "\n")
	s.Ledger.Lines = dump.LineCounts{Parsed: n - 60, Blank: 60}
	return s
}

// qmapSysRq is a dump of a scheduler that goes on, without cells, modelled on
// corpus/7.3-scx_qmap-sysrq-D.log.
func qmapSysRq() *dump.Snapshot {
	l := &logText{}
	s := &dump.Snapshot{
		Source: dump.Source{Name: "trace.txt", Carrier: "ftrace", Line: 120},
		Kernel: dump.Kernel{Min: dump.Version{Major: 7, Minor: 3}}, Scheduler: "qmap", Trigger: dump.TriggerSysRq,
	}
	l.line("qmap: root")
	l.line("Debug dump triggered by SysRq-D")
	l.line("")
	for i := range 5 {
		at := l.line("QMAP FIFO[%d]:%s", i, map[int]string{0: " 226:1 227:2", 1: ""}[i])
		d := dump.DSQ{Name: fmt.Sprintf("FIFO[%d]", i), Queued: dump.OfAt(int64(0), at), At: at}
		if i == 0 {
			d.PIDs, d.Queued = []int32{226, 227}, dump.OfAt(int64(2), at)
		}
		s.DSQs = append(s.DSQs, d)
	}
	all := dump.MaskRange(0, 3)
	addCPU(s, l, 0, 1, "swapper/0", 0, dump.ClassIdle)
	held := taskSpec{"busy", 226, 0, false, 0, dump.DSQRef{}, -1, 0, 0, all, 3, nil}
	held.add(s, l)
	s.Tasks[0].OpsState = dump.Of(dump.OpsQueued)
	addCPU(s, l, 1, 3, "rt_hog", 246, dump.ClassRT)
	taskSpec{"pinned", 239, 1, false, 1388e6, dump.BuiltinDSQ(dump.DSQLocal, 1), -1, 0, 0, dump.MaskOf(1), 1, nil}.add(s, l)
	taskSpec{"kworker/1:1", 49, 1, false, 1320e6, dump.BuiltinDSQ(dump.DSQLocal, 1), -1, 0, 0, dump.MaskOf(1), 9, []string{"kthread+0xe4/0x120"}}.add(s, l)
	taskSpec{"ksoftirqd/1", 27, 1, false, 540e6, dump.BuiltinDSQ(dump.DSQLocal, 1), -1, 0, 0, dump.MaskOf(1), 9, nil}.add(s, l)
	addCPU(s, l, 2, 1, "busy", 227, dump.ClassExt)
	taskSpec{"busy", 227, 2, true, 12e6, dump.DSQRef{}, -1, 0, 0, all, 5, nil}.add(s, l)
	s.CPUs = append(s.CPUs, dump.CPU{ID: 3})
	s.CPUs[1].Text = []dump.Line{{Text: "QMAP: dsp_idx=2 dsp_cnt=0 avg_weight=97 cpuperf_target=512", At: s.CPUs[1].At}}
	s.Raw = l.String()
	s.Ledger.Lines = dump.LineCounts{Parsed: strings.Count(s.Raw, "\n")}
	return s
}

// manyTasks is an error with n tasks on a large machine.
func manyTasks(n int) *dump.Snapshot {
	const cpus = 64
	l := &logText{}
	s := &dump.Snapshot{
		Source: dump.Source{Name: "many.log", Carrier: "journald", Line: 1}, Host: "node7",
		Kernel: dump.Kernel{Release: "7.3.4"}, Scheduler: "qmap", Trigger: dump.TriggerCrash,
		Exit: &dump.Exit{
			Kind: dump.Of(dump.ExitErrorBPF), Reason: dump.Of("scx_bpf_error"),
			Message: dump.Of("scx_qmap.bpf.c:412: exiting on request"), CPU: dump.Of(int32(0)),
		},
	}
	per := (n + cpus - 1) / cpus
	for c := range int32(cpus) {
		addCPU(s, l, c, uint32(per), fmt.Sprintf("worker%d", c), 1000+c, dump.ClassExt)
		for k := range int32(per) {
			if len(s.Tasks) == n {
				break
			}
			pid := 1000 + c + k*cpus
			spec := taskSpec{
				comm: fmt.Sprintf("worker%d", c), pid: pid, cpu: c, running: k == 0,
				ago: time.Duration(pid*7919%30000) * time.Millisecond, cell: -1,
				cpus: dump.MaskRange(0, cpus-1), flags: 3,
			}
			if k > 0 {
				spec.dsq = dump.BuiltinDSQ(dump.DSQID(uint64(pid)%5), c)
			}
			spec.add(s, l)
		}
	}
	s.Raw = l.String()
	s.Ledger.Lines = dump.LineCounts{Parsed: strings.Count(s.Raw, "\n")}
	return s
}

// ringSample is what a ring buffer brings of a scheduler at work.
func ringSample() *dump.Snapshot {
	task := func(comm string, pid, cpu, cell int32) dump.Task {
		return dump.Task{
			TaskRef: dump.TaskRef{Comm: comm, PID: pid}, TGID: dump.Of(pid), PFFlags: dump.Of(uint32(0x400000)),
			CPU: dump.Of(cpu), State: dump.Of(byte('R')), SCXState: dump.Of(dump.TaskEnabled), SCXStateNr: dump.Of(uint32(4)),
			Flags: dump.Of(uint32(3)), DSQFlags: dump.Of(uint32(0)), OpsState: dump.Of(dump.OpsNone), QSeq: dump.Of(uint64(0)),
			StickyCPU: dump.Of(int32(-1)), HoldingCPU: dump.Of(int32(-1)), DSQ: dump.Of(dump.DSQRef{Kind: dump.DSQKindNone}),
			DSQVTime: dump.Of(uint64(9e9)), Slice: dump.Of(uint64(20e6)), Weight: dump.Of(uint32(100)),
			CPUs: dump.Of(dump.MaskOf(int(cpu))), AllowedCPUs: dump.Of(dump.MaskOf(int(cpu))), MigrationDisabled: dump.Of(uint32(0)),
			Cell: dump.Of(cell), HasContext: dump.Of(true), VTime: dump.Of(uint64(9e9)), BasisVTime: dump.Of(uint64(9e9)),
			AssignedDSQ: dump.Of(cellDSQ(cell)), AllCellCPUsAllowed: dump.Of(true), CgroupID: dump.Of(uint64(61)),
			CgroupName: dump.Of("/a/x"), ConfigSeq: dump.Of(uint64(7)), RunTime: dump.Of(3746 * time.Millisecond), Runs: dump.Of(uint64(17991)),
			Context: &dump.TaskContext{
				CgroupIDNow: 61, VTimeRead: 9e9, StartedAt: 40e9 - 9e6, Clock: cell, CellGeneration: uint32(cell),
			},
		}
	}
	running := task("batch", 156, 1, 1)
	running.Current, running.RunnableAt = true, dump.Of(-9*time.Millisecond)
	waiting := task("web-1", 146, 0, 2)
	waiting.TGID, waiting.RunnableAt = dump.Of(int32(142)), dump.Of(-40*time.Millisecond)
	waiting.DSQ, waiting.ConfigSeq = dump.Of(dump.BuiltinDSQ(dump.DSQLocal, 0)), dump.Of(uint64(6))
	waiting.MigrationDisabled, waiting.AllowedCPUs = dump.Of(uint32(1)), dump.Of(dump.MaskRange(0, 1))
	waiting.Context.CgroupIDNow, waiting.Context.Clock, waiting.Context.CellGeneration = 28, 1, 1
	waiting.Context.VTimeRead, waiting.Context.Fallback = 89e8, true
	queued := task("web-2", 147, 0, 2)
	queued.RunnableAt, queued.DSQ, queued.DSQFlags = dump.Of(-12*time.Millisecond), dump.Of(cellDSQ(2)), dump.Of(uint32(1))
	asleep := task("kworker/3:1", 7, 3, 0)
	asleep.Walked, asleep.State, asleep.Flags = true, dump.Of(byte('I')), dump.Of(uint32(8))
	asleep.PFFlags, asleep.HasContext = dump.Of(dump.PFKThread|dump.PFExiting), dump.Of(false)
	asleep.Context = nil
	asleep.CgroupID, asleep.CgroupName = dump.Of(uint64(1)), dump.Of("/")
	s := &dump.Snapshot{
		Source: dump.Source{Name: "live --vm", Carrier: "ringbuf"}, Host: "scxdiag-vm",
		Time:   time.Date(2026, 11, 25, 4, 49, 15, 795e6, time.UTC),
		Kernel: dump.Kernel{Release: "7.3.4"}, Scheduler: "scxdiag_cells", Trigger: dump.TriggerSample,
		Status: &dump.Status{
			ConfigSeq: 8, AppliedSeq: 7, Slice: 20e6, MaxCells: 64, NrEvents: 1740, EnqFallback: 2, TimeClamped: 1,
			At: 40e9, Grace: dump.GraceStatus{Seq: 7, Started: 40e9 - 12e6},
			Apply: dump.ApplyStatus{Begun: 40e9 - 31005e5, Ended: 40e9 - 31e8},
			Timer: dump.TimerStatus{
				Armed: true, Runs: 531, First: 9e8, Last: 40e9 - 4e7, MaxRun: 3 * time.Millisecond, Period: 100 * time.Millisecond,
			},
			Exiting:     dump.ExitingStatus{Count: 1, CgroupID: 28, PID: 99},
			CpusetBegun: 4, CpusetEnded: 4, Rescued: 5, MaxUsed: 6, Queues: 8, HeldCPU: -1, InitEnded: 8e8, Cgroups: 4,
		},
		Cgroups: []dump.Cgroup{
			{
				ID: 1, Path: dump.Of("/"), HasContext: true, Populated: true, CPUController: true,
				CPUs: dump.Of(dump.CPUMask{}), EffectiveCPUs: dump.Of(dump.MaskRange(0, 3)),
			},
			{
				ID: 28, Path: dump.Of("/a"), Parent: 1, Level: 1, HasContext: true, Cell: 1, Owns: 1, Populated: true,
				CPUController: true, CPUs: dump.Of(dump.MaskRange(0, 1)), EffectiveCPUs: dump.Of(dump.MaskRange(0, 1)),
			},
			{
				ID: 94, Path: dump.Of("/gone"), Parent: 1, Level: 1, HasContext: true, Cell: 3, Owns: 3, Dying: true,
				CPUController: true, CPUs: dump.Of(dump.MaskOf(2)), EffectiveCPUs: dump.Of(dump.MaskOf(2)),
			},
			{
				ID: 61, Path: dump.Of("/a/x"), Parent: 28, Level: 2, HasContext: true, Cell: 2, Owns: 2, Populated: true,
				CPUController: true, CPUs: dump.Of(dump.MaskOf(0)), EffectiveCPUs: dump.Of(dump.MaskOf(0)),
			},
			{ID: 62, Path: dump.Of("/a/lost"), Parent: 28, Level: 2, Populated: true, CPUController: true},
			{ID: 63, Path: dump.Of("/a/x/plain"), Parent: 61, Level: 3},
		},
		Tasks: []dump.Task{running, waiting, queued, asleep},
		DSQs:  []dump.DSQ{{ID: dump.Of(cellDSQ(2).ID), Name: "cell 2", Queued: dump.Of(int64(1)), PIDs: []int32{147}}},
		Ledger: dump.Ledger{Records: []dump.RecordCount{
			{Kind: "begin", Expected: 1, Received: 1}, {Kind: "cell", Expected: 5, Received: 5},
			{Kind: "task", Expected: 4, Received: 4}, {Kind: "event", Expected: 7, Received: 7},
		}},
	}
	for i, c := range []struct {
		state  dump.CellState
		cpus   dump.CPUMask
		queued int64
		owner  string
	}{
		{dump.CellLive, dump.MaskRange(2, 3), 0, ""}, {dump.CellLive, dump.MaskOf(1), 0, "/a"},
		{dump.CellLive, dump.MaskOf(0), 1, "/a/x"}, {dump.CellDrain, dump.CPUMask{}, 1, "/gone"}, {dump.CellFree, dump.CPUMask{}, 0, ""},
	} {
		cell := dump.Cell{
			ID: int32(i), State: dump.Of(c.state), Generation: dump.Of(uint32(i)), CPUs: dump.Of(c.cpus),
			VTime: dump.Of(uint64(9e9)), Queued: dump.Of(c.queued), DSQ: dump.Of(cellDSQ(int32(i)).ID),
			Since: dump.Of(uint64(40e9 - 31e8)), GraceUntil: dump.Of(uint64(0)), Rescued: dump.Of(uint64(i / 2)),
			SpareMissing: dump.Of(i == 2),
		}
		if i > 0 {
			cell.CpusetCPUs = dump.Of(c.cpus)
		}
		if i == 1 {
			cell.CpusetCPUs = dump.Of(dump.MaskRange(0, 1))
		}
		if c.state == dump.CellDrain {
			cell.GraceUntil = dump.Of(uint64(8))
		}
		if c.owner != "" {
			cell.OwnerCgroup, cell.OwnerPath = dump.Of(uint64(28+33*(i-1))), dump.Of(c.owner)
		}
		s.Cells = append(s.Cells, cell)
	}
	for i, cell := range []int32{2, 1, 0, 0} {
		s.CPUs = append(s.CPUs, dump.CPU{
			ID: int32(i), Listed: true, NrRunning: dump.Of(uint32(1)), Flags: dump.Of(uint32(1)), Cell: dump.Of(cell),
			Current: dump.Of(dump.TaskRef{Comm: fmt.Sprint("swapper/", i)}), Class: dump.Of(dump.ClassIdle),
			VTime: dump.Of(uint64(9e9)), Queued: dump.Of(int64(0)), DSQ: dump.Of(cpuDSQ(int32(i)).ID),
			Online: dump.Of(i != 3), PrevCell: dump.Of(cell), Sections: dump.Of(uint64(8123 + i)), Nesting: dump.Of(uint32(0)),
			Awaited: dump.Of(i == 0),
		})
	}
	s.CPUs[0].Nesting, s.CPUs[0].SectionSince, s.CPUs[0].PrevCell = dump.Of(uint32(1)), dump.Of(uint64(40e9-12e6)), dump.Of(int32(1))
	s.CPUs[0].Current, s.CPUs[0].Class = dump.Of(dump.TaskRef{Comm: "scxdiag", PID: 128}), dump.Of(dump.ClassRT)
	s.CPUs[1].Current, s.CPUs[1].Class = dump.Of(running.TaskRef), dump.Of(dump.ClassExt)
	for i, e := range []dump.Event{
		{Kind: "cgroup_init", CgroupID: dump.Of(uint64(61)), PID: dump.Of(int32(0)), Arg: dump.Of(uint64(0))},
		{Kind: "apply_begin", CgroupID: dump.Of(uint64(0)), PID: dump.Of(int32(0)), Arg: dump.Of(uint64(7))},
		{Kind: "cell_alloc", CgroupID: dump.Of(uint64(61)), PID: dump.Of(int32(0)), Arg: dump.Of(uint64(2))},
		{Kind: "init_task", CgroupID: dump.Of(uint64(61)), PID: dump.Of(int32(146)), Arg: dump.Of(uint64(0))},
		{Kind: "cgroup_move", CgroupID: dump.Of(uint64(61)), PID: dump.Of(int32(146)), Arg: dump.Of(uint64(28))},
		{Kind: "exit_task", CgroupID: dump.Of(uint64(500)), PID: dump.Of(int32(99)), Arg: dump.Of(uint64(0))},
		{Kind: "event_13", Torn: true},
	} {
		e.Seq, e.Time, e.CPU = int64(1733+i), dump.Of(uint64(39e9+i*7000000)), dump.Of(int32(i%4))
		s.Events = append(s.Events, e)
	}
	return s
}

// ringCrash is the failure of that scheduler, which was told to fail, with
// records lost.
func ringCrash() *dump.Snapshot {
	s := ringSample()
	s.Trigger, s.Status.Faults = dump.TriggerCrash, []string{"lose-task"}
	s.Exit = &dump.Exit{
		Kind: dump.Of(dump.ExitErrorStall), Reason: dump.Of("runnable task stall"),
		Message: dump.Of("web-1[146] failed to run for 30.016s"), Subject: dump.Of(s.Tasks[1].TaskRef),
	}
	s.Ledger.Records[2] = dump.RecordCount{Kind: "task", Expected: 40, Received: 4, Dropped: 36}
	return s
}

// verdictOnly is what a kernel log has of a failure: no dump.
func verdictOnly() *dump.Snapshot {
	l := &logText{}
	a := l.line(`[  131.612345] sched_ext: BPF scheduler "simple" disabled (runtime error)`)
	b := l.line(`[  131.612401] sched_ext: simple: SCX_DSQ_LOCAL[_ON] target CPU 3 not allowed for busy[226]`)
	c := l.line(`[  131.612444]    scx_exit+0x44/0x60`)
	s := &dump.Snapshot{
		Source:    dump.Source{Name: "dmesg.txt", Carrier: "dmesg", Line: 902},
		Scheduler: "simple", Trigger: dump.TriggerCrash, Raw: l.String(),
		Exit: &dump.Exit{
			Kind: dump.OfAt(dump.ExitError, a), Reason: dump.OfAt("runtime error", a),
			Message:   dump.OfAt("SCX_DSQ_LOCAL[_ON] target CPU 3 not allowed for busy[226]", b),
			Subject:   dump.OfAt(dump.TaskRef{Comm: "busy", PID: 226}, b),
			Backtrace: []dump.Line{{Text: "scx_exit+0x44/0x60", At: c}},
		},
	}
	s.Ledger.Lines.Parsed = 3
	s.Ledger.Note("the source holds the verdict only, no dump")
	return s
}

// truncated is the stall with its end cut off and damage in the middle.
func truncated() *dump.Snapshot {
	s := mitosisStall()
	s.Source.Name = "cut.log"
	s.Tasks = s.Tasks[:7]
	s.Counters = nil
	s.Ledger.Truncated = true
	s.Ledger.Lines.Truncated, s.Ledger.Lines.NotUnderstood = 1, 2
	s.Ledger.NotUnderstood = []dump.Line{{Text: "      what=is this", At: s.Tasks[2].At}, {Text: "  and=this", At: s.Tasks[3].At}}
	s.Ledger.Distrusted = []dump.Distrusted{{Entity: "task:245", Field: "dsq_vtime", Text: "160593", At: s.Tasks[6].At}}
	s.Ledger.Note("the kernel cut the dump off at 32768 bytes")
	return s
}

// hostileText holds everything that a terminal would act on or that confuses
// the width of a line.
const hostileText = "\x1b[2J\x1b]0;owned\x07\x1bP\n\r\t\b\x7f\u009b31m\u202egnp\u2066\u200b\xff\xfe\u00ad\ufeff" +
	"日本語 👩‍👩‍👧 🇩🇪 ❤️ e\u0301\u0301\u0301 \u0301"

// hostile has that text in every field that can hold any.
func hostile() *dump.Snapshot {
	h := hostileText
	at := dump.Span{Off: 40, Len: 300}
	kv := []dump.KV{{Key: "k" + h, Value: h, At: at}}
	lines := []dump.Line{{Text: h, At: at}, {Text: strings.Repeat("長", 200), At: at}}
	s := mitosisStall()
	s.Source.Name, s.Source.Carrier, s.Host = "dir/"+h+".log", h, h
	s.Source.Copies = []dump.Copy{{Carrier: h, Line: 3}}
	s.Kernel.Release, s.Scheduler, s.Trigger = "7.3.4"+h, h, dump.Trigger(h)
	s.Sub = &dump.SubScheduler{Level: 1, CgroupID: 28, Path: "/" + h}
	s.Exit.Reason, s.Exit.Message = dump.Of(h), dump.Of(strings.Repeat(h, 20))
	s.Exit.Task = dump.Of(dump.TaskRef{Comm: h, PID: 42})
	s.Exit.Subject = dump.Of(dump.TaskRef{Comm: h, PID: 228})
	s.Exit.Backtrace = lines
	for i := range s.Tasks {
		t := &s.Tasks[i]
		t.Comm, t.CgroupName, t.Owner = h, dump.Of(h), dump.Of(h)
		t.State, t.SCXState, t.OwnerDumped = dump.Of(byte(0x9b)), dump.Of(dump.TaskState(h)), i%2 == 0
		t.Scheduler, t.Text, t.Stack, t.Unknown = kv, lines, lines, kv
	}
	s.Tasks[3].DSQ.V.Kind, s.Tasks[4].State.V = dump.DSQKind(h), 0x1b
	for i := range s.CPUs {
		c := &s.CPUs[i]
		c.Current, c.Rescuing = dump.Of(dump.TaskRef{Comm: h, PID: 1}), dump.Of(dump.TaskRef{Comm: h, PID: -1})
		c.Scheduler, c.Text, c.Unknown = kv, lines, kv
	}
	s.CPUs[1].Class = dump.Of(dump.Class(h))
	for i := range s.Cells {
		s.Cells[i].OwnerPath, s.Cells[i].Unknown = dump.Of(h), kv
	}
	s.DSQs = []dump.DSQ{{Name: h, At: at}, {ID: dump.Of(dump.DSQID(0x20010000)), Name: "x" + h, At: at}}
	s.Events = []dump.Event{{Kind: h, Unknown: kv, At: at}}
	s.Events = append(s.Events, dump.Event{Kind: "cell_" + h, CgroupID: dump.Of(uint64(9)), PID: dump.Of(int32(228)), Arg: dump.Of(uint64(1))})
	s.Tasks[0].CgroupID = dump.Of(uint64(9))
	s.Cells[0].State = dump.Of(dump.CellState(h))
	s.Status = &dump.Status{
		ConfigSeq: 2, AppliedSeq: 1, EnqFallback: 1, TimeClamped: 1, Faults: []string{h}, At: 1 << 63, LateInserts: 1 << 63,
		Apply: dump.ApplyStatus{Phase: dump.ApplyPhase(h), Begun: 1, RC: -1 << 31}, Grace: dump.GraceStatus{Seq: 1<<64 - 1, Started: 1<<64 - 1},
		Timer: dump.TimerStatus{RC: -1, Runs: 1 << 63, Last: 1<<64 - 1, MaxRun: -1},
	}
	s.Cgroups = []dump.Cgroup{
		{ID: 9, Path: dump.Of("/" + h), HasContext: true, Cell: -1 << 31, Owns: 1<<31 - 1},
		{ID: 10, Path: dump.Of(strings.Repeat("/"+h, 30)), Parent: 9, Level: 1 << 31, CPUController: true},
		{ID: 11, Path: dump.Of(h), Parent: 12}, {ID: 12, Path: dump.Of(""), Parent: 11, Dying: true}, {ID: 13, Parent: 13}, {ID: 9},
	}
	for i := range uint64(12) { // far to the right
		s.Cgroups = append(s.Cgroups, dump.Cgroup{ID: 100 + i, Parent: 99 + i, Path: dump.Of(h)})
	}
	s.Tasks[1].Context = &dump.TaskContext{CgroupIDNow: 10, Clock: -1, StartedAt: 1<<64 - 1, Fallback: true}
	s.CPUs[2].Online, s.CPUs[2].Nesting, s.CPUs[2].Awaited = dump.Of(false), dump.Of(uint32(1<<31)), dump.Of(true)
	s.Cells[1].CpusetCPUs, s.Cells[1].SpareMissing = dump.Of(dump.MaskRange(0, dump.MaxCPUs-1)), dump.Of(true)
	s.Counters = append(s.Counters, dump.Counter{Name: h, Value: 7, At: at})
	s.Text, s.Build = lines, kv
	s.Findings = []dump.Finding{{
		Rule: h, Severity: dump.Severity(h), Confidence: dump.Confidence(h), Title: h, Explanation: h, Next: h,
		Evidence: []dump.Evidence{{Entity: "task:228", Text: h, At: at}, {Entity: h, Text: h}},
	}}
	s.Signature = &dump.Signature{ID: h, Title: h, Parts: []string{h}, Weak: true}
	s.Ledger.Notes = []string{h}
	s.Ledger.NotUnderstood = lines
	s.Ledger.Distrusted = []dump.Distrusted{{Entity: h, Field: h, Text: h, At: at}}
	s.Ledger.Records = []dump.RecordCount{{Kind: h, Expected: 3, Received: 1, Dropped: 2}}
	s.Raw = strings.Repeat(h+"\n", 40) + s.Raw + strings.Repeat(h, 3000)
	return s
}

// withFindings is the stall after triage.
func withFindings() *dump.Snapshot {
	s := mitosisStall()
	s.Findings = []dump.Finding{{
		Rule: "rt-hog", Severity: dump.SeverityError, Confidence: dump.ConfidenceHigh,
		Title:       "rt_hog[259] of class rt keeps CPU 1 from all sched_ext tasks",
		Explanation: "CPU 1 is the only CPU of cell 1. While a real-time task has it, nothing of the cell runs.",
		Evidence: []dump.Evidence{
			{Entity: "cpu:1", Text: "curr=rt_hog[259] class=rt_sched_class", At: s.CPUs[0].Class.At},
			{Entity: "task:228", Text: "R websrv[228] *root -35652ms", At: s.Tasks[0].RunnableAt.At},
		},
		Next:    "Move rt_hog to another CPU, or give cell 1 a second one.",
		Victims: []string{"task:228", "task:229", "task:4711"},
		Follows: []string{"pinned-starved"},
	}}
	s.Signature = &dump.Signature{
		ID: "c0ffee", Title: "mitosis: rt-hog",
		Seen: &dump.Seen{
			Count: 2, First: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), Last: time.Date(2026, 8, 2, 12, 0, 0, 0, time.UTC),
			LastKernel: "7.2.1", LastHost: "vm2",
		},
	}
	return s
}
