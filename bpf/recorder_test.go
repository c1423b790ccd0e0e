// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
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

// startForeign makes it the machine's scheduler.
func startForeign(t *testing.T) *foreign {
	t.Helper()
	f, err := newForeign()
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
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, err
	}
	l, err := link.AttachStructOps(link.StructOpsOptions{Map: coll.Maps[fifoMapFifoOps]})
	if err != nil {
		coll.Close()
		return nil, err
	}
	return &foreign{coll, l}, nil
}

func (f *foreign) end() {
	if f.link != nil {
		_ = f.link.Close()
		f.link = nil
		f.coll.Close()
	}
}

func (f *foreign) set(t *testing.T, name string) {
	t.Helper()
	if err := f.coll.Variables[name].Set(uint32(1)); err != nil {
		t.Fatal(err)
	}
}

// ownText is what the scheduler's own user space would print of its end.
func (f *foreign) ownText(t *testing.T) *dump.Snapshot {
	t.Helper()
	var exits uint64
	for deadline := time.Now().Add(2 * time.Minute); exits == 0 && time.Now().Before(deadline); wait(100 * time.Millisecond) {
		if err := f.coll.Variables[fifoVarFifoExits].Get(&exits); err != nil {
			t.Fatal(err)
		}
	}
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
	t    *testing.T
	got  chan *dump.Snapshot
	stop func()
}

func record(t *testing.T, r *Recorder) *recording {
	t.Helper()
	rec := &recording{Recorder: r, t: t, got: make(chan *dump.Snapshot, 1000)}
	r.Snapshot = func(s *dump.Snapshot) { rec.got <- s }
	if err := r.Attach(); err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Points() {
		if p.Err != nil {
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

// checkWhole checks that a snapshot of the recorder has all tasks.
func checkWhole(t *testing.T, what string, s *dump.Snapshot, runnable []int) {
	t.Helper()
	if !s.Ledger.Complete() {
		t.Errorf("%s: the ledger is not clean: %+v", what, s.Ledger)
	}
	for _, r := range s.Ledger.Records {
		if r.Expected != r.Received+r.Dropped || r.Received == 0 {
			t.Errorf("%s: %+v", what, r)
		}
	}
	missing := 0
	if s.Trigger == dump.TriggerSysRq { // the machine runs on, and tasks change CPUs meanwhile
		missing = 2
	}
	if got := len(byPID(s, runnable)); got < len(runnable)-missing {
		t.Errorf("%s: %d of %d tasks", what, got, len(runnable))
	}
	if s.Scheduler != "fifo" || s.Kernel.Release != release() || s.Time.IsZero() || s.Source.Carrier != "ringbuf" {
		t.Errorf("%s: scheduler %q, kernel %q, time %v, carrier %q", what, s.Scheduler, s.Kernel.Release, s.Time, s.Source.Carrier)
	}
}

// recorderTasks is more than the text of 32 KiB has room for.
const recorderTasks = 200

// TestRecorder has a scheduler that knows nothing of scxdiag fail with many runnable
// tasks, and compares what the recorder has with what the scheduler itself gets.
func TestRecorder(t *testing.T) {
	inGuest(t, 10*time.Minute, func(t *testing.T) {
		r := record(t, &Recorder{})
		f := startForeign(t)
		spinning := startLoad(t, load.Spec{Kind: load.Spin, Count: recorderTasks, Comm: "spin"})
		for slices.Min(spinning.Progress()) == 0 {
			wait(100 * time.Millisecond)
		}
		runnable := spinning.PIDs()
		sysrq(t, "D")
		s := r.next(dump.TriggerSysRq, time.Minute)
		checkWhole(t, "SysRq-D", s, runnable)

		f.set(t, fifoVarFifoError)
		s = r.next(dump.TriggerCrash, time.Minute)
		checkWhole(t, "scx_bpf_error", s, runnable)
		if e := s.Exit; e.Kind.V != dump.ExitErrorBPF || !strings.HasPrefix(e.Message.V, "fifo: told to fail by ") || len(e.Backtrace) == 0 {
			t.Errorf("scx_bpf_error: exit %+v", e)
		}
		compareOwn(t, "scx_bpf_error", f, s, runnable)
		f.end()

		f = startForeign(t)
		f.set(t, fifoVarFifoStall)
		s = r.next(dump.TriggerCrash, time.Minute)
		checkWhole(t, "stall", s, runnable)
		if e := s.Exit; e.Kind.V != dump.ExitErrorStall || !e.Subject.Known {
			t.Errorf("stall: exit %+v", e)
		}
		compareOwn(t, "stall", f, s, runnable)
		f.end()

		f = startForeign(t)
		f.end()
		s = r.next(dump.TriggerExit, time.Minute)
		if s.Scheduler != "fifo" || s.Exit.Kind.V != dump.ExitUnreg {
			t.Errorf("unregister: %q, exit %+v", s.Scheduler, s.Exit)
		}
		r.stop()
		select {
		case s := <-r.got:
			t.Errorf("a snapshot too many: %s, %+v", s.Trigger, s.Exit)
		default:
		}
	})
}

// compareOwn compares a snapshot with what the scheduler itself got.
func compareOwn(t *testing.T, what string, f *foreign, s *dump.Snapshot, runnable []int) {
	t.Helper()
	own := f.ownText(t)
	t.Logf("%s: %d of %d tasks; the scheduler's own text has %d", what, len(byPID(s, runnable)), len(runnable), len(byPID(own, runnable)))
	if n := len(byPID(own, runnable)); n == 0 || n > len(runnable)*3/4 {
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
		f.set(t, fifoVarFifoError)
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
