// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"scxdiag/bpf/vm/load"
	"scxdiag/dump"
	"scxdiag/dump/text"
)

// foreign is a scheduler that knows nothing of scxdiag: that of fifo.bpf.c.
type foreign struct {
	coll *ebpf.Collection
	link link.Link
}

// foreignTimeout is how long it may let a task wait.
const foreignTimeout = 24 * time.Second

// startForeign makes it the machine's scheduler.
func startForeign(t *testing.T) *foreign {
	t.Helper()
	f, err := newForeign()
	if err == nil {
		err = f.attach()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.end)
	return f
}

func newForeign() (*foreign, error) {
	spec, err := loadFifo()
	if err != nil {
		return nil, err
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, err
	}
	if err := fit(spec, kernel); err != nil {
		return nil, err
	}
	if err := setOps(spec.Maps[fifoMapFifoOps], map[string]uint32{"timeout_ms": uint32(foreignTimeout.Milliseconds())}); err != nil {
		return nil, err
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, err
	}
	return &foreign{coll: coll}, nil
}

func (f *foreign) attach() (err error) {
	f.link, err = link.AttachStructOps(link.StructOpsOptions{Map: f.coll.Maps[fifoMapFifoOps]})
	return err
}

// detach ends it, as one that is closed or has failed; it may be attached again.
func (f *foreign) detach() {
	_ = f.link.Close() // it only closes a file descriptor
	f.link = nil
}

func (f *foreign) end() {
	if f.link != nil {
		f.detach()
	}
	f.coll.Close()
}

func (f *foreign) set(t *testing.T, name string, on uint32) {
	t.Helper()
	if err := f.coll.Variables[name].Set(on); err != nil {
		t.Fatal(err)
	}
}

// exits is how often it has ended.
func (f *foreign) exits(t *testing.T) (n uint64) {
	t.Helper()
	if err := f.coll.Variables[fifoVarFifoExits].Get(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// awaitExit waits until it has ended so often.
func (f *foreign) awaitExit(t *testing.T, n uint64) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); f.exits(t) < n; wait(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the scheduler has ended %d times, not %d", f.exits(t), n)
		}
	}
}

// ownText is what the scheduler's own user space would print of its end.
func (f *foreign) ownText(t *testing.T) *dump.Snapshot {
	t.Helper()
	f.awaitExit(t, 1)
	raw := make([]byte, 64<<10)
	if err := f.coll.Variables[fifoVarFifoText].Get(raw); err != nil {
		t.Fatal(err)
	}
	s, err := text.NewReader(strings.NewReader(unix.ByteSliceToString(raw)), text.Options{}).Next()
	if errors.Is(err, io.EOF) {
		return &dump.Snapshot{}
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// recording is a recorder that runs.
type recording struct {
	*Recorder
	t      *testing.T
	got    chan *dump.Snapshot
	half   chan *dump.Snapshot // those by dump.TriggerHalfway, whose time the guest decides
	sample chan struct{}
	stop   func()
}

func record(t *testing.T, r *Recorder) *recording {
	t.Helper()
	rec := &recording{
		Recorder: r, t: t, sample: make(chan struct{}),
		got: make(chan *dump.Snapshot, 1000), half: make(chan *dump.Snapshot, 1000),
	}
	r.Sample = rec.sample
	r.Snapshot = func(s *dump.Snapshot) {
		if s.Trigger == dump.TriggerHalfway {
			rec.half <- s
		} else {
			rec.got <- s
		}
	}
	if err := r.Attach(); err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Points() {
		if p.Err != nil && r.loading == nil {
			t.Errorf("%s: %v", p.Name, p.Err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	rec.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		r.Close()
		rec.stop = func() {}
	}
	t.Cleanup(func() { rec.stop() })
	return rec
}

// next is the next snapshot, which must be of the trigger.
func (r *recording) next(want dump.Trigger, within time.Duration) *dump.Snapshot {
	r.t.Helper()
	select {
	case s := <-r.got:
		if s.Trigger != want {
			r.t.Fatalf("got a snapshot by %s, not %s: %+v", s.Trigger, want, s.Exit)
		}
		return s
	case <-time.After(within):
		r.t.Fatalf("no snapshot by %s within %v", want, within)
	}
	return nil
}

// noMore checks that there is no further snapshot.
func (r *recording) noMore() {
	r.t.Helper()
	select {
	case s := <-r.got:
		r.t.Errorf("a snapshot too many: %s, %+v", s.Trigger, s.Exit)
	default:
	}
}

// awaitWaiting takes samples until all tasks wait to run.
func (r *recording) awaitWaiting(pids []int) *dump.Snapshot {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		r.sample <- struct{}{}
		s := r.next(dump.TriggerSample, time.Minute)
		waiting := 0
		for _, task := range byPID(s, pids) {
			if _, ok := task.WaitingFor(); ok {
				waiting++
			}
		}
		if waiting == len(pids) {
			return s
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%d of %d tasks wait", waiting, len(pids))
		}
		wait(500 * time.Millisecond)
	}
}

// checkWhole checks that a snapshot of the recorder has all tasks.
func checkWhole(t *testing.T, what string, s *dump.Snapshot, pids []int) {
	t.Helper()
	if !s.Ledger.Complete() {
		t.Errorf("%s: the ledger is not clean: %+v", what, s.Ledger)
	}
	for _, r := range s.Ledger.Records {
		if r.Expected != r.Received+r.Dropped || r.Received == 0 {
			t.Errorf("%s: %+v", what, r)
		}
	}
	if got := byPID(s, pids); len(got) != len(pids) {
		missing := slices.DeleteFunc(slices.Clone(pids), func(pid int) bool {
			return slices.ContainsFunc(got, func(t *dump.Task) bool { return int(t.PID) == pid })
		})
		t.Errorf("%s: %d of %d tasks; not %v", what, len(got), len(pids), missing)
	}
	if len(s.CPUs) == 0 || len(s.Counters) == 0 {
		t.Errorf("%s: %d CPUs, %d counters", what, len(s.CPUs), len(s.Counters))
	}
	if s.Scheduler != "fifo" || s.Kernel.Release != release() || s.Time.IsZero() || s.Source.Carrier != "ringbuf" {
		t.Errorf("%s: scheduler %q, kernel %q, time %v, carrier %q", what, s.Scheduler, s.Kernel.Release, s.Time, s.Source.Carrier)
	}
}

// recorderTasks is more than the text of 32 KiB has room for.
const recorderTasks = 500

// TestRecorder has a scheduler that knows nothing of scxdiag fail with many runnable
// tasks, and compares what the recorder has with what the scheduler itself gets. The
// tasks are those that wake up while it takes nothing from its queue.
func TestRecorder(t *testing.T) {
	inGuest(t, 10*time.Minute, func(t *testing.T) {
		r := record(t, &Recorder{Halfway: true})
		sysrq(t, "D") // there is nothing to dump
		r.sample <- struct{}{}
		f := startForeign(t)
		group := startLoad(t, load.Spec{Kind: load.Sleep, Count: recorderTasks, Period: time.Second, Comm: "sleep"})
		tasks := group.PIDs()
		r.sample <- struct{}{}
		checkWhole(t, "a sample", r.next(dump.TriggerSample, time.Minute), tasks)
		sysrq(t, "D")
		if s := r.next(dump.TriggerSysRq, time.Minute); s.Scheduler != "fifo" || !s.Ledger.Complete() {
			t.Errorf("SysRq-D: %q, %+v", s.Scheduler, s.Ledger)
		}

		f.set(t, fifoVarFifoStall, 1)
		checkWhole(t, "a sample while it stalls", r.awaitWaiting(tasks), tasks)
		sysrq(t, "D")
		checkWhole(t, "SysRq-D while it stalls", r.next(dump.TriggerSysRq, time.Minute), tasks)
		s := r.next(dump.TriggerCrash, time.Minute)
		checkWhole(t, "stall", s, tasks)
		if e := s.Exit; e.Kind.V != dump.ExitErrorStall || !e.Subject.Known {
			t.Errorf("stall: exit %+v", e)
		}
		compareOwn(t, "stall", f, s, tasks)
		if len(r.half) != 1 {
			t.Fatalf("stall: %d samples halfway", len(r.half))
		}
		s = <-r.half
		checkWhole(t, "halfway", s, tasks)
		if w, _ := s.LongestWaiting().WaitingFor(); w < foreignTimeout/2 || w > foreignTimeout {
			t.Errorf("halfway: a task has waited for %v of %v", w, foreignTimeout)
		}
		f.end()

		f = startForeign(t)
		f.set(t, fifoVarFifoStall, 1)
		r.awaitWaiting(tasks)
		f.set(t, fifoVarFifoError, 1)
		s = r.next(dump.TriggerCrash, time.Minute)
		checkWhole(t, "scx_bpf_error", s, tasks)
		if e := s.Exit; e.Kind.V != dump.ExitErrorBPF || !strings.HasPrefix(e.Message.V, "fifo: told to fail by ") || len(e.Backtrace) == 0 {
			t.Errorf("scx_bpf_error: exit %+v", e)
		}
		compareOwn(t, "scx_bpf_error", f, s, tasks)
		f.end()
		group.Stop()

		f = startForeign(t)
		if err := load.SetOnline(1, false); err != nil {
			t.Fatal(err)
		}
		s = r.next(dump.TriggerExit, time.Minute)
		if s.Scheduler != "fifo" || s.Exit.Kind.V != dump.ExitUnregKern || s.Exit.Code.V == 0 {
			t.Errorf("a CPU that goes: %q, exit %+v", s.Scheduler, s.Exit)
		}
		f.end()
		if err := load.SetOnline(1, true); err != nil {
			t.Fatal(err)
		}

		f = startForeign(t)
		f.end()
		s = r.next(dump.TriggerExit, time.Minute)
		if s.Scheduler != "fifo" || s.Exit.Kind.V != dump.ExitUnreg {
			t.Errorf("unregister: %q, exit %+v", s.Scheduler, s.Exit)
		}
		r.stop()
		r.noMore()
	})
}

// kernelObjects counts what BPF has in the kernel.
func kernelObjects(t *testing.T) (n [3]int) {
	t.Helper()
	for id, err := ebpf.ProgramGetNextID(0); err == nil; id, err = ebpf.ProgramGetNextID(id) {
		n[0]++
	}
	for id, err := ebpf.MapGetNextID(0); err == nil; id, err = ebpf.MapGetNextID(id) {
		n[1]++
	}
	links := new(link.Iterator)
	defer links.Close()
	for links.Next() {
		n[2]++
	}
	return n
}

// moreThan reports whether there is more of anything. Less there may be: the kernel may
// not have freed what was there before.
func moreThan(now, before [3]int) bool {
	return now[0] > before[0] || now[1] > before[1] || now[2] > before[2]
}

// TestRecorderSchedulersComeAndGo has schedulers fail and end one after the other, with
// a recorder that comes, goes and comes again before, between and under them.
func TestRecorderSchedulersComeAndGo(t *testing.T) {
	const lives = 100
	inGuest(t, 8*time.Minute, func(t *testing.T) {
		objects, goroutines := kernelObjects(t), runtime.NumGoroutine()
		f, err := newForeign()
		if err != nil {
			t.Fatal(err)
		}
		r := record(t, &Recorder{})
		got := make(map[dump.ExitKind]int)
		sum := 0
		collect := func(n int) {
			for ; sum < n; sum++ {
				select {
				case s := <-r.got:
					if s.Exit == nil || s.Scheduler != "fifo" || !s.Ledger.Complete() {
						t.Errorf("after %d: %s of %q: %+v, %+v\n%s", sum, s.Trigger, s.Scheduler, s.Exit, s.Ledger, s.Raw)
						continue
					}
					got[s.Exit.Kind.V]++
				case <-time.After(time.Minute):
					t.Fatalf("%d of %d lives came, %v", sum, n, got)
				}
			}
		}
		again := func(life int) {
			collect(life)
			r.stop()
			r.noMore()
			r = record(t, &Recorder{})
		}
		crashes := 0
		for life := range lives { // three fail in a row, one ends in order
			f.set(t, fifoVarFifoError, 0)
			if life%50 == 20 {
				again(life)
			}
			if err := f.attach(); err != nil {
				t.Fatalf("life %d: %v", life, err)
			}
			if life%50 == 40 {
				again(life)
			}
			if life%4 != 3 {
				crashes++
				f.set(t, fifoVarFifoError, 1)
				f.awaitExit(t, uint64(life)+1)
			}
			f.detach()
		}
		collect(lives)
		r.stop()
		r.noMore()
		if got[dump.ExitErrorBPF] != crashes || got[dump.ExitUnreg] != lives-crashes {
			t.Errorf("%d lives, %d crashes: %v", lives, crashes, got)
		}
		f.end()
		for deadline := time.Now().Add(time.Minute); moreThan(kernelObjects(t), objects) || runtime.NumGoroutine() > goroutines; wait(50 * time.Millisecond) {
			// The library maps what programs' variables are in, until nobody can use it
			// any more; the kernel frees what it has behind a grace period.
			runtime.GC()
			if time.Now().After(deadline) {
				t.Fatalf("left behind: programs, maps, links %v of %v; goroutines %d of %d",
					kernelObjects(t), objects, runtime.NumGoroutine(), goroutines)
			}
		}
	})
}

// compareOwn compares a snapshot with what the scheduler itself got.
func compareOwn(t *testing.T, what string, f *foreign, s *dump.Snapshot, runnable []int) {
	t.Helper()
	own := f.ownText(t)
	t.Logf("%s: %d of %d tasks; the scheduler's own text has %d", what, len(byPID(s, runnable)), len(runnable), len(byPID(own, runnable)))
	if n := len(byPID(own, runnable)); n == 0 || n > len(runnable)/2 {
		t.Errorf("%s: the scheduler's own text has %d tasks", what, n)
	}
	if own.Exit == nil || own.Exit.Kind.V != s.Exit.Kind.V || own.Exit.Message.V != s.Exit.Message.V {
		t.Errorf("%s: the scheduler's own text tells another exit: %+v, %+v", what, own.Exit, s.Exit)
	}
}

// TestRecorderLosesNothingUnsaid has a ring that holds next to nothing.
func TestRecorderLosesNothingUnsaid(t *testing.T) {
	inGuest(t, 4*time.Minute, func(t *testing.T) {
		r := record(t, &Recorder{RingSize: os.Getpagesize()})
		f := startForeign(t)
		startLoad(t, load.Spec{Kind: load.Spin, Count: 30})
		wait(time.Second)
		sysrq(t, "D")
		first := r.next(dump.TriggerSysRq, time.Minute)
		f.set(t, fifoVarFifoError, 1)
		second := r.next(dump.TriggerCrash, time.Minute)
		var sent, received, dropped uint64
		for _, s := range []*dump.Snapshot{first, second} {
			for _, c := range s.Ledger.Records {
				t.Logf("%s: %+v", s.Trigger, c)
				sent, received, dropped = sent+c.Expected, received+c.Received, dropped+c.Dropped
			}
			if s.Ledger.Complete() {
				t.Errorf("%s: nothing is said to be lost", s.Trigger)
			}
		}
		lost, err := r.Lost()
		if err != nil {
			t.Fatal(err)
		}
		if sent != received+dropped || dropped != lost.Lines || dropped == 0 || lost.Steps != 0 {
			t.Errorf("sent %d, received %d, dropped %d; the kernel says %+v", sent, received, dropped, lost)
		}
	})
}

// TestRecorderGoesWithoutWhatIsRefused has the verifier refuse a program: all else works.
func TestRecorderGoesWithoutWhatIsRefused(t *testing.T) {
	const refused = recorderProgSampleTask
	inGuest(t, 4*time.Minute, func(t *testing.T) {
		r := record(t, &Recorder{loading: func(spec *ebpf.CollectionSpec) {
			spec.Programs[refused].Instructions = asm.Instructions{
				asm.LoadMem(asm.R0, asm.R10, 8, asm.DWord).WithSymbol(refused), // beyond the stack
				asm.Return(),
			}
		}})
		for i, p := range r.Points() {
			var v *ebpf.VerifierError
			if wanted := recorderPoints[i].program == refused; errors.As(p.Err, &v) != wanted || (p.Err != nil) != wanted {
				t.Errorf("%s: %v", p.Name, p.Err)
			}
		}
		f := startForeign(t)
		f.set(t, fifoVarFifoError, 1)
		if s := r.next(dump.TriggerCrash, time.Minute); len(s.CPUs) == 0 || s.Exit == nil {
			t.Errorf("a crash without %s: %d CPUs, %+v", refused, len(s.CPUs), s.Exit)
		}
	})
}

// TestCostOfRecording has a recorder watch a busy scheduler of which nothing is wrong,
// and compares a sample by iterators with a dump by SysRq-D. The guest's clock counts its
// instructions, so a nanosecond is one. It has one CPU: those of others would be counted
// as well.
func TestCostOfRecording(t *testing.T) {
	var guests []guest
	for _, kernel := range kernels {
		guests = append(guests, guest{kernel: kernel, counting: true, cpus: 1})
	}
	inGuests(t, guests, 9*time.Minute, func(t *testing.T) {
		f := startForeign(t)
		startLoad(t, load.Spec{Kind: load.Spin, Count: 2})
		sleeping := startLoad(t, load.Spec{Kind: load.Sleep, Count: 500, Period: 100 * time.Millisecond})
		r := record(t, &Recorder{Halfway: true})
		stats, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = stats.Close() }()
		began, cpu, woken := time.Now(), cpuTime(t), sum(sleeping.Progress())
		wait(6 * time.Second)
		elapsed := time.Since(began)
		own, programs := cpuTime(t)-cpu, r.runtime(t)
		t.Logf("%v, %d wakeups a second: the recorder used %.3f %% of a core, its programs %.3f %% (those that it runs itself count twice)",
			elapsed.Round(time.Millisecond), uint64(float64(sum(sleeping.Progress())-woken)/elapsed.Seconds()),
			100*own.Seconds()/elapsed.Seconds(), 100*programs.Seconds()/elapsed.Seconds())
		if own+programs > elapsed/200 {
			t.Errorf("the recorder used %v and its programs %v in %v: more than half a percent of a core", own, programs, elapsed)
		}

		f.set(t, fifoVarFifoStall, 1)
		s := r.awaitWaiting(sleeping.PIDs())
		sample := time.Hour
		for range 3 { // the least: others may have garbage collected
			cpu = cpuTime(t)
			r.sample <- struct{}{}
			r.next(dump.TriggerSample, time.Minute)
			sample = min(sample, cpuTime(t)-cpu)
		}
		began = time.Now()
		sysrq(t, "0") // what there is around a dump: the console
		around := time.Since(began)
		began = time.Now()
		sysrq(t, "D")
		dumped := time.Since(began) - around
		r.next(dump.TriggerSysRq, time.Minute)
		t.Logf("of %d tasks, %d of them runnable: a sample %v in all, during which tasks run; SysRq-D %v with interrupts off",
			len(s.Tasks), len(sleeping.PIDs()), sample, dumped)
		if sample > dumped {
			t.Error("a sample costs more than a dump")
		}
	})
}

// runtime is how long its programs have run.
func (r *recording) runtime(t *testing.T) (all time.Duration) {
	t.Helper()
	for name, p := range r.coll.Programs {
		s, err := p.Stats()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d runs, %v", name, s.RunCount, s.Runtime)
		all += s.Runtime
	}
	return all
}

func sum(all []uint64) (n uint64) {
	for _, v := range all {
		n += v
	}
	return n
}
