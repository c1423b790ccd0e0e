// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"scxdiag/dump"
)

// held is what a life of the scheduler must give back.
type held struct {
	Maps, Programs, Links, Files, Goroutines int
}

// count counts what is held now.
func count(t *testing.T) held {
	t.Helper()
	var h held
	var err error
	var m ebpf.MapID
	for m, err = ebpf.MapGetNextID(0); err == nil; m, err = ebpf.MapGetNextID(m) {
		h.Maps++
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var p ebpf.ProgramID
	for p, err = ebpf.ProgramGetNextID(0); err == nil; p, err = ebpf.ProgramGetNextID(p) {
		h.Programs++
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	links := new(link.Iterator)
	for links.Next() {
		h.Links++
	}
	if err := links.Err(); err != nil {
		t.Fatal(err)
	}
	links.Close()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	h.Files, h.Goroutines = len(files), runtime.NumGoroutine()
	return h
}

// TestCycles loads the scheduler, has it abort, and loads it again, and so on.
// Nothing is left of it, and each time the machine is back on its own scheduler.
func TestCycles(t *testing.T) {
	const cycles = 50
	inGuests(t, []guest{{kernel: "7.3"}}, 15*time.Minute, func(t *testing.T) {
		fault, err := ParseFault("error-now")
		if err != nil {
			t.Fatal(err)
		}
		var before held
		for i := range cycles + 1 {
			crashes := 0
			s := Session{
				Options: Options{Fault: fault},
				Dump: func(d *dump.Snapshot) {
					if d.IsFailure() && d.Ledger.Complete() {
						crashes++
						return
					}
					t.Logf("cycle %d: %s %+v %+v", i, d.Trigger, d.Exit, d.Ledger)
				},
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			err := s.Run(ctx)
			cancel()
			if !errors.Is(err, ErrFailed) || crashes != 1 {
				t.Fatalf("cycle %d: %v, %d whole dumps of a crash", i, err, crashes)
			}
			if state, err := State(); state != "disabled" || err != nil {
				t.Fatalf("cycle %d: sched_ext is %q: %v", i, state, err)
			}
			if i == 0 { // now all is there that stays
				before = settled(t, held{})
			}
		}
		after := settled(t, before)
		t.Logf("after 1 cycle %+v, after %d %+v", before, cycles+1, after)
		if after != before || after.Maps+after.Programs+after.Links > 0 {
			t.Error("something is left")
		}
	})
}

// settled counts until what is held is as wanted, or does not change any more and
// is nothing of BPF, for which it waits a minute:
// the kernel frees some of it a little later, and the library unmaps the
// variables of programs, which keeps their maps, when garbage is collected.
func settled(t *testing.T, want held) held {
	t.Helper()
	var last held
	end := time.Now().Add(time.Minute)
	for same := 0; same < 10; {
		runtime.GC()
		h := count(t)
		if h == want {
			return h
		}
		if h == last && (h.Maps+h.Programs+h.Links == 0 || time.Now().After(end)) {
			same++
		} else {
			last, same = h, 0
		}
		wait(300 * time.Millisecond)
	}
	return last
}
