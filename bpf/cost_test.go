// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"scxdiag/bpf/vm/load"
	"scxdiag/dump"
	"scxdiag/dump/wire"
)

// taskTimes notes when each task record of a dump was written, by the guest's
// clock.
type taskTimes struct {
	mu   sync.Mutex
	cut  []byte              // the start of a record that comes in two writes
	walk map[uint64][]uint64 // by dump: from the walk over all tasks
	rq   map[uint64][]uint64 // by dump: from the run queues
	size uint32              // of a record
}

func (tt *taskTimes) Write(b []byte) (int, error) {
	tt.mu.Lock()
	defer tt.mu.Unlock()
	tt.cut = append(tt.cut, b...)
	rest := tt.cut
	for len(rest) > 0 {
		h, err := wire.ParseHeader(rest)
		if err != nil { // its rest comes with the next write
			break
		}
		if h.Kind == wire.KindTask {
			times := tt.rq
			if h.Walk != 0 {
				times = tt.walk
			}
			times[h.Dump] = append(times[h.Dump], h.Time)
			tt.size = h.Len
		}
		rest = rest[h.Len:]
	}
	tt.cut = append([]byte(nil), rest...)
	return len(b), nil
}

// perTask is the time between two records of the dump with the most of them.
func perTask(dumps map[uint64][]uint64) (each float64, records int) {
	for _, times := range dumps {
		if n := len(times); n > records && n > 1 {
			records = n
			each = float64(times[n-1]-times[0]) / float64(n-1)
		}
	}
	return each, records
}

// TestCostOfADump compares what the dump handler costs per task with what the
// kernel's own text costs, in the same dump of an abort. The guest's clock
// counts its instructions, so a nanosecond is one. It has one CPU: those of others
// would be counted as well.
func TestCostOfADump(t *testing.T) {
	inGuests(t, []guest{{kernel: "7.3", counting: true, cpus: 1}}, 9*time.Minute, func(t *testing.T) {
		for _, c := range []struct {
			what string
			text bool // the scheduler prints a line for each task, too
		}{{"the kernel's lines", false}, {"the kernel's lines and one of the scheduler", true}} {
			costOfADump(t, c.what, c.text)
		}
	})
}

func costOfADump(t *testing.T, what string, ownText bool) {
	t.Helper()
	times := &taskTimes{walk: make(map[uint64][]uint64), rq: make(map[uint64][]uint64)}
	scheds := make(chan *Scheduler, 1)
	s := start(t, Session{
		Records: times,
		Options: Options{NoDumpText: !ownText, ExitDumpLen: 1 << 20},
		loaded:  func(s *Scheduler) { scheds <- s },
	})
	sleeping := startLoad(t, load.Spec{Kind: load.Sleep, Count: 200, Period: time.Hour})
	spinning := startLoad(t, load.Spec{Kind: load.Spin, Count: 40})
	for slices.Min(spinning.Progress()) == 0 {
		wait(100 * time.Millisecond)
	}
	inject(t, <-scheds, "error-now")
	d := s.next(dump.TriggerCrash, 2*time.Minute)
	if !d.Ledger.Complete() {
		t.Errorf("ledger: %+v", d.Ledger)
	}
	if err := <-s.err; !errors.Is(err, ErrFailed) {
		t.Error(err)
	}
	spinning.Stop()
	sleeping.Stop()
	times.mu.Lock()
	defer times.mu.Unlock()
	ours, walked := perTask(times.walk)
	both, onQueue := perTask(times.rq)
	kernels := both - ours
	t.Logf("instructions per task: a record %.0f (%d tasks), %s %.0f (%d tasks), ratio 1/%.1f; %d bytes a record",
		ours, walked, what, kernels, onQueue, kernels/ours, times.size)
	if walked < 240 || onQueue < 30 {
		t.Fatal("too few tasks to tell")
	}
	if ours*10 > kernels {
		t.Errorf("a record costs more than a tenth of %s", what)
	}
}
