// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scxdiag/bpf/vm/load"
	"scxdiag/dump"
	"scxdiag/dump/text"
)

// sysrq presses a key of the magic SysRq.
func sysrq(t *testing.T, key string) {
	t.Helper()
	if err := os.WriteFile("/proc/sysrq-trigger", []byte(key), 0); err != nil {
		t.Fatal(err)
	}
}

// checkAll checks that a snapshot has all tasks of both groups, each in the
// state that it is in, and that nothing else is missing either.
func checkAll(t *testing.T, what string, s *dump.Snapshot, runnable, sleeping []int) {
	t.Helper()
	if !s.Ledger.Complete() {
		t.Errorf("%s: the ledger is not clean: %v", what, s.Ledger.Notes)
	}
	for _, r := range s.Ledger.Records {
		if r.Expected != r.Received+r.Dropped {
			t.Errorf("%s: %+v", what, r)
		}
	}
	waiting, asleep := byPID(s, runnable), byPID(s, sleeping)
	if len(waiting) != len(runnable) {
		t.Errorf("%s: %d of %d runnable tasks", what, len(waiting), len(runnable))
	}
	if len(asleep) != len(sleeping) {
		t.Errorf("%s: %d of %d sleeping tasks", what, len(asleep), len(sleeping))
	}
	wrong := 0
	for _, task := range waiting {
		if task.State.V != 'R' || task.Walked {
			wrong++
		}
	}
	for _, task := range asleep {
		if task.State.V != 'S' || !task.Walked {
			wrong++
		}
	}
	if wrong > 2 { // a running machine moves a task or two between CPUs meanwhile
		t.Errorf("%s: %d tasks are in another state than the snapshot says", what, wrong)
	}
	printed := printedTasks(t, s)
	t.Logf("%s: %d of %d runnable and %d of %d sleeping tasks; the kernel's own text has %d of the runnable ones",
		what, len(waiting), len(runnable), len(asleep), len(sleeping), len(byPID(printed, runnable)))
	if s.Raw != "" && len(byPID(printed, runnable)) > len(runnable)/2 {
		t.Errorf("%s: the kernel's text of 32 KiB has more than it can", what)
	}
}

// printedTasks reads the kernel's own dump of a snapshot.
func printedTasks(t *testing.T, s *dump.Snapshot) *dump.Snapshot {
	t.Helper()
	printed, err := text.NewReader(strings.NewReader(s.Raw), text.Options{}).Next()
	if errors.Is(err, io.EOF) {
		return &dump.Snapshot{}
	}
	if err != nil {
		t.Fatal(err)
	}
	return printed
}

// TestManyTasks dumps 500 runnable and 2,000 sleeping tasks in the three ways
// that the kernel dumps. Those that are runnable share a CPU, so that an emulated
// machine has the others left, and take turns quickly: each is to have had several by
// the time that the watchdog grants.
func TestManyTasks(t *testing.T) {
	inGuest(t, 15*time.Minute, func(t *testing.T) {
		scheds := make(chan *Scheduler, 1)
		s := start(t, Session{
			Options: Options{Timeout: 20 * time.Second, Slice: 5 * time.Millisecond},
			Restart: true,
			loaded:  func(s *Scheduler) { scheds <- s },
		})
		sleeping := startLoad(t, load.Spec{Kind: load.Sleep, Count: 2000, Period: time.Hour, Comm: "sleeper"}).PIDs()
		spinning := startLoad(t, load.Spec{Kind: load.Spin, Count: 500, Comm: "spin", CPUs: []int{3}})
		for slices.Min(spinning.Progress()) == 0 {
			wait(100 * time.Millisecond)
		}
		runnable := spinning.PIDs()
		t.Log("2,500 tasks are up")
		if len(runnable) != 500 || len(sleeping) != 2000 {
			t.Fatalf("%d runnable and %d sleeping tasks", len(runnable), len(sleeping))
		}
		sysrq(t, "D")
		checkAll(t, "SysRq-D", s.next(dump.TriggerSysRq, time.Minute), runnable, sleeping)

		inject(t, <-scheds, "error-now")
		crash := s.next(dump.TriggerCrash, time.Minute)
		checkAll(t, "scx_bpf_error", crash, runnable, sleeping)
		if e := crash.Exit; e.Kind.V != dump.ExitErrorBPF || e.Message.V != "injected: error-now" || len(e.Backtrace) == 0 {
			t.Errorf("scx_bpf_error: exit %+v", e)
		}

		victim := runnable[100]
		inject(t, <-scheds, "lose-task="+strconv.Itoa(victim))
		crash = s.next(dump.TriggerCrash, 3*time.Minute)
		checkAll(t, "stall", crash, runnable, sleeping)
		lost := crash.Task(int32(victim))
		if e := crash.Exit; e.Kind.V != dump.ExitErrorStall || e.Subject.V.PID != lost.PID {
			t.Errorf("stall: exit %+v", e)
		}
		if !lost.HeldByBPF() {
			t.Errorf("the task lost is said to be on %s, ops_state %s", lost.DSQ.V, lost.OpsState.V)
		}
		if err := s.end(); err != nil && !errors.Is(err, ErrFailed) {
			t.Error(err)
		}
	})
}

// inject commits a fault in a running scheduler.
func inject(t *testing.T, s *Scheduler, fault string) {
	t.Helper()
	if err := s.Inject(parseFault(t, fault)); err != nil {
		t.Fatal(err)
	}
}

func parseFault(t *testing.T, fault string) Fault {
	t.Helper()
	f, err := ParseFault(fault)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFullRing has ring buffers that hold next to nothing: what is lost is told
// to the record.
func TestFullRing(t *testing.T) {
	inGuest(t, 4*time.Minute, func(t *testing.T) {
		scheds := make(chan *Scheduler, 1)
		sample := make(chan struct{})
		s := start(t, Session{
			Options: Options{RingSize: 1, NoDumpText: true}, // a page
			Sample:  sample,
			loaded:  func(s *Scheduler) { scheds <- s },
		})
		startLoad(t, load.Spec{Kind: load.Sleep, Count: 300, Period: time.Hour})
		startLoad(t, load.Spec{Kind: load.Spin, Count: 30})
		sample <- struct{}{}
		checkLoss(t, "sample", s.next(dump.TriggerSample, time.Minute))
		sysrq(t, "D")
		checkLoss(t, "SysRq-D", s.next(dump.TriggerSysRq, time.Minute))
		inject(t, <-scheds, "error-now")
		checkLoss(t, "scx_bpf_error", s.next(dump.TriggerCrash, time.Minute))
		if err := <-s.err; !errors.Is(err, ErrFailed) {
			t.Error(err)
		}
	})
}

// checkLoss checks that a snapshot lost records and knows exactly how many.
func checkLoss(t *testing.T, what string, s *dump.Snapshot) {
	t.Helper()
	tasks := 0
	for _, r := range s.Ledger.Records {
		if r.Expected != r.Received+r.Dropped {
			t.Errorf("%s: %+v does not add up", what, r)
		}
		if r.Kind == "task" {
			tasks = int(r.Received)
		}
	}
	t.Logf("%s: %d records dropped, %d task records came, %d tasks; %v", what, s.Ledger.Dropped(), tasks, len(s.Tasks), s.Ledger.Notes)
	if s.Ledger.Dropped() == 0 || s.Ledger.Complete() {
		t.Errorf("%s: nothing was lost: %+v", what, s.Ledger)
	}
	if len(s.Tasks) > tasks {
		t.Errorf("%s: %d tasks from %d records", what, len(s.Tasks), tasks)
	}
}

// TestThreeWays takes one abort in three ways, as our records, as the text in
// the kernel's exit info, and as the trace carried it. They must agree.
func TestThreeWays(t *testing.T) {
	guests := append(everyKernel(), guest{kernel: "7.3", llcs: 2}, guest{kernel: "7.3", possible: 72})
	inGuests(t, guests, 4*time.Minute, func(t *testing.T) {
		trace(t, "buffer_size_kb", "8192")
		trace(t, "events/sched_ext/sched_ext_dump/enable", "1")
		scheds := make(chan *Scheduler, 1)
		s := start(t, Session{
			Options: Options{ExitDumpLen: 1 << 20},
			loaded:  func(s *Scheduler) { scheds <- s },
		})
		cell := cgroup(t, "three", 2, 3)
		startLoad(t, load.Spec{Kind: load.Spin, Count: 6, Comm: "cell", Cgroup: cell})
		startLoad(t, load.Spec{Kind: load.Spin, Count: 3, Comm: "pinned", Cgroup: cell, CPUs: []int{2}, Pin: true})
		startLoad(t, load.Spec{Kind: load.Spin, Count: 8, Comm: "root"})
		startLoad(t, load.Spec{Kind: load.Sleep, Count: 20, Period: 5 * time.Millisecond})
		sched := <-scheds
		wait(2 * time.Second)
		inject(t, sched, "error-now")
		records := s.next(dump.TriggerCrash, time.Minute)
		if err := <-s.err; !errors.Is(err, ErrFailed) {
			t.Error(err)
		}
		if !records.Ledger.Complete() {
			t.Errorf("records: %+v", records.Ledger)
		}
		exit := printedTasks(t, records)
		if !exit.Ledger.Complete() {
			t.Errorf("text: %+v", exit.Ledger)
		}
		data, err := os.ReadFile("/sys/kernel/tracing/trace")
		if err != nil {
			t.Fatal(err)
		}
		traced, err := text.NewReader(bytes.NewReader(data), text.Options{}).Next()
		if err != nil {
			t.Fatal("no dump in the trace:", err)
		}
		agree(t, "the kernel's text", records, exit)
		agree(t, "the trace", records, traced)
	})
}

func trace(t *testing.T, file, value string) {
	t.Helper()
	if err := os.WriteFile("/sys/kernel/tracing/"+file, []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

// facts are what both records and text say of a task.
type facts struct {
	Comm                                  string
	CPU                                   int32
	Current                               bool
	State                                 string
	SCXState                              string
	Flags, DSQFlags, Weight               uint32
	OpsState                              string
	QSeq, DSQVTime, Slice, VTime, Basis   uint64
	Sticky, Holding, Cell                 int32
	DSQ, Assigned, CPUs                   string
	AllCell                               bool
	RunnableFor                           time.Duration
	MigrationDisabled                     uint32
	HasMigration, HasBasis, HasRunnableAt bool
}

func factsOf(task *dump.Task) facts {
	return facts{
		Comm: task.Comm, CPU: task.CPU.V, Current: task.Current, State: string(task.State.V),
		SCXState: string(task.SCXState.V), Flags: task.Flags.V, DSQFlags: task.DSQFlags.V, Weight: task.Weight.V,
		OpsState: string(task.OpsState.V), QSeq: task.QSeq.V, DSQVTime: task.DSQVTime.V, Slice: task.Slice.V,
		VTime: task.VTime.V, Basis: task.BasisVTime.V, HasBasis: task.BasisVTime.Known,
		Sticky: task.StickyCPU.V, Holding: task.HoldingCPU.V, Cell: task.Cell.V,
		DSQ: task.DSQ.V.String(), Assigned: task.AssignedDSQ.V.String(), CPUs: task.CPUs.V.String(),
		AllCell: task.AllCellCPUsAllowed.V, RunnableFor: task.RunnableAt.V, HasRunnableAt: task.RunnableAt.Known,
		MigrationDisabled: task.MigrationDisabled.V, HasMigration: task.MigrationDisabled.Known,
	}
}

// recordOf finds what the records have of a task of the text. One that went from one
// CPU to another meanwhile stands in both twice.
func recordOf(records *dump.Snapshot, task *dump.Task) *dump.Task {
	for i := range records.Tasks {
		if r := &records.Tasks[i]; r.PID == task.PID && r.CPU.V == task.CPU.V {
			return r
		}
	}
	return records.Task(task.PID)
}

// agree checks that records and a text of the same abort say the same.
func agree(t *testing.T, what string, records, printed *dump.Snapshot) {
	t.Helper()
	compared := 0
	for i := range printed.Tasks {
		task := &printed.Tasks[i]
		r := recordOf(records, task)
		if r == nil {
			t.Errorf("%s has %s, the records do not", what, task.TaskRef)
			continue
		}
		want, got := factsOf(task), factsOf(r)
		if !want.HasMigration { // kernels before 6.18 do not print it
			want.MigrationDisabled, want.HasMigration = got.MigrationDisabled, got.HasMigration
		}
		if want.Flags&dump.TaskFlagQUEUED == 0 { // then the records do not have it, for it is stale
			want.RunnableFor, want.HasRunnableAt = got.RunnableFor, got.HasRunnableAt
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s and the records differ in %s (-%s +records):\n%s", what, task.TaskRef, what, diff)
		}
		compared++
	}
	onQueue := 0
	for i := range records.Tasks {
		if !records.Tasks[i].Walked {
			onQueue++
		}
	}
	if compared != onQueue || compared == 0 {
		t.Errorf("%s has %d tasks, the records %d", what, compared, onQueue)
	}
	for _, c := range printed.Cells {
		r := records.Cell(c.ID)
		if r == nil || r.CPUs.V != c.CPUs.V || r.VTime.V != c.VTime.V && !before(r.VTime.V, c.VTime.V) {
			t.Errorf("%s: cell %+v, records %+v", what, c, r)
		}
	}
	for _, c := range printed.CPUs {
		r := records.CPU(c.ID)
		if r == nil || c.Listed && (r.NrRunning.V != c.NrRunning.V || r.Current.V != c.Current.V || r.Class.V != c.Class.V || r.Flags.V != c.Flags.V) {
			t.Errorf("%s: CPU %+v, records %+v", what, c, r)
		}
	}
	kinds := make(map[string]int)
	for i := range printed.Tasks {
		kinds[string(printed.Tasks[i].DSQ.V.Kind)]++
	}
	names := make([]string, 0, len(kinds))
	for k, n := range kinds {
		names = append(names, k+" "+strconv.Itoa(n))
	}
	slices.Sort(names)
	t.Logf("%s and the records agree on %d tasks (%s), %d cells, %d CPUs", what, compared, strings.Join(names, ", "), len(printed.Cells), len(printed.CPUs))
}

// before compares two points of virtual time.
func before(a, b uint64) bool { return int64(a-b) < 0 }
