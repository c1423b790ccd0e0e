// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"errors"
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
// kernel's own text costs, in the same dump. The guest's clock counts its
// instructions, so a nanosecond is one.
func TestCostOfADump(t *testing.T) {
	inGuests(t, []guest{{"7.3", true}}, 9*time.Minute, func(t *testing.T) {
		times := &taskTimes{walk: make(map[uint64][]uint64), rq: make(map[uint64][]uint64)}
		s := start(t, Session{Records: times, Options: Options{NoDumpText: true}})
		startLoad(t, load.Spec{Kind: load.Sleep, Count: 200, Period: time.Hour})
		startLoad(t, load.Spec{Kind: load.Spin, Count: 40})
		sysrq(t, "D")
		d := s.next(dump.TriggerSysRq, 2*time.Minute)
		if !d.Ledger.Complete() {
			t.Errorf("ledger: %+v", d.Ledger)
		}
		if err := s.end(); err != nil && !errors.Is(err, ErrFailed) {
			t.Error(err)
		}
		times.mu.Lock()
		defer times.mu.Unlock()
		ours, walked := perTask(times.walk)
		both, onQueue := perTask(times.rq)
		kernels := both - ours
		t.Logf("instructions per task: record %.0f (%d tasks), the kernel's text %.0f (%d tasks), ratio 1/%.0f; %d bytes a record",
			ours, walked, kernels, onQueue, kernels/ours, times.size)
		if walked < 240 || onQueue < 30 {
			t.Fatalf("too few tasks to tell")
		}
		if ours*10 > kernels {
			t.Errorf("a record costs more than a tenth of the kernel's text")
		}
	})
}
