// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"scxdiag/bpf/realtime"
	"scxdiag/bpf/vm/load"
	"scxdiag/dump"
)

// sampled runs the scheduler, has prepare make what it needs, and takes a
// sample when that has had some time and the configuration is in force, if it
// comes to be.
func sampled(t *testing.T, opts Options, prepare func(), after time.Duration) (*session, *dump.Snapshot) {
	t.Helper()
	sample := make(chan struct{})
	s := start(t, Session{Options: opts, Sample: sample})
	if prepare != nil {
		prepare()
	}
	wait(after)
	var d *dump.Snapshot
	for range 50 {
		sample <- struct{}{}
		if d = s.next(dump.TriggerSample, time.Minute); isSettled(d) {
			break
		}
		wait(500 * time.Millisecond)
	}
	return s, d
}

// ends ends a session that must not have failed.
func ends(t *testing.T, s *session) {
	t.Helper()
	if err := s.end(); err != nil {
		t.Error(err)
	}
}

// TestGracePeriods takes a second to put a task on the queue of its cell while
// the cell ends. The id is not free before that is over; without grace periods
// it is, and the scheduler counts the task as late.
func TestGracePeriods(t *testing.T) {
	inGuest(t, 6*time.Minute, func(t *testing.T) {
		for _, c := range []struct {
			faults string
			late   bool
		}{{"slow-section=slow-0", false}, {"slow-section=slow-0,gp-off", true}} {
			t.Run(c.faults, func(t *testing.T) {
				scheds := make(chan *Scheduler, 1)
				sample := make(chan struct{})
				s := start(t, Session{Options: Options{Timeout: 30 * time.Second}, Sample: sample, loaded: func(s *Scheduler) { scheds <- s }})
				dir := cgroup(t, "gp")
				startLoad(t, load.Spec{Kind: load.Spin, Count: 3, Comm: "slow", Cgroup: dir})
				inject(t, <-scheds, c.faults)
				waits := time.Duration(0)
				var d *dump.Snapshot
				for i := range 20 {
					// Half of the time it has a cell, the other half it has none.
					cpus := []int{0, 1, 2, 3}
					if i%2 == 0 {
						cpus = []int{2, 3}
					}
					if err := load.SetCPUs(dir, cpus...); err != nil {
						t.Error(err)
					}
					wait(600 * time.Millisecond)
					if i%5 != 4 {
						continue
					}
					sample <- struct{}{}
					d = s.next(dump.TriggerSample, time.Minute)
					if ago, ok := d.Since(d.Status.Grace.Started); ok && d.Status.Grace.Active() {
						waits = max(waits, ago)
					}
					if c.late && d.Status.LateInserts > 0 {
						break
					}
				}
				t.Logf("%d late inserts, %d grace periods, the longest seen in progress %s", d.Status.LateInserts, d.Status.Grace.Seq/2, waits)
				if got := d.Status.LateInserts > 0; got != c.late {
					t.Errorf("%d tasks came late", d.Status.LateInserts)
				}
				ends(t, s)
			})
		}
	})
}

// TestHistory has four CPUs write history as fast as they can while samples are
// taken: no event is torn or missing between the first and the last of a sample.
func TestHistory(t *testing.T) {
	inGuest(t, 4*time.Minute, func(t *testing.T) {
		left, right := cgroup(t, "left"), cgroup(t, "right")
		sample := make(chan struct{})
		s := start(t, Session{Sample: sample})
		startLoad(t, load.Spec{Kind: load.Hop, Count: 4, Period: 100 * time.Microsecond, Hops: []string{left, right}})
		startLoad(t, load.Spec{Kind: load.Fork, Count: 4, Period: 100 * time.Microsecond})
		const enough = 1000
		var first, events, torn, missing int64
		samples := 0
		for ; samples < 10 || samples < 100 && events-first < enough; samples++ {
			wait(500 * time.Millisecond)
			sample <- struct{}{}
			d := s.next(dump.TriggerSample, time.Minute)
			if samples == 0 {
				first = int64(d.Status.NrEvents)
			}
			events = int64(d.Status.NrEvents)
			for j := range d.Events {
				if d.Events[j].Torn {
					torn++
				}
				if j > 0 {
					missing += d.Events[j].Seq - d.Events[j-1].Seq - 1
				}
			}
		}
		t.Logf("%d events while %d samples were taken, %d torn, %d missing in between", events-first, samples, torn, missing)
		if torn > 0 || missing > 0 || events-first < enough {
			t.Error("the history is not whole, or had too little to tell")
		}
		ends(t, s)
	})
}

// TestCellLimit has more cpusets than cells: what finds none is in the cell of
// the cgroup above, and nothing fails.
func TestCellLimit(t *testing.T) {
	inGuest(t, 3*time.Minute, func(t *testing.T) {
		s, d := sampled(t, Options{Cells: 4}, func() {
			for i := range 4 {
				cgroup(t, fmt.Sprintf("limit%d", i), i%3)
			}
		}, 2*time.Second)
		owners, without := 0, 0
		for i := range d.Cgroups {
			g := &d.Cgroups[i]
			if !strings.HasPrefix(g.Path.V, "/limit") {
				continue
			}
			if g.Owns != 0 {
				owners++
			} else if without++; g.Cell != 0 {
				t.Errorf("%s has no cell of its own and is in cell %d", g.Path.V, g.Cell)
			}
		}
		t.Logf("%d of %d cells in use, %d cgroups with one, %d without, alloc_fail %d", d.CellsUsed(), d.Status.MaxCells, owners, without, d.Status.AllocFail)
		if owners != 3 || without != 1 || d.Status.AllocFail != 1 {
			t.Error("want three with a cell and one without")
		}
		checkInvariants(t, d)
		ends(t, s)
	})
}

// TestManyCells has 300 cgroups and 256 cells on four CPUs. A cell needs a CPU,
// so four are live; all have a queue.
func TestManyCells(t *testing.T) {
	inGuest(t, 5*time.Minute, func(t *testing.T) {
		began := time.Now()
		s, d := sampled(t, Options{Cells: maxCells}, func() {
			t.Logf("up after %s", time.Since(began))
			for i := range 300 {
				cgroup(t, fmt.Sprintf("many%d", i), i%4)
			}
		}, 3*time.Second)
		t.Logf("%d cells in use, %d queues, %d cgroups, the longest run of the timer %s", d.CellsUsed(), d.Status.Queues, d.Status.Cgroups, d.Status.Timer.MaxRun)
		if d.Status.Queues != maxCells || d.Status.Cgroups < 300 || d.CellsUsed() != 4 {
			t.Errorf("%d cells in use, %d queues, %d cgroups", d.CellsUsed(), d.Status.Queues, d.Status.Cgroups)
		}
		checkInvariants(t, d)
		ends(t, s)
	})
}

// TestEarlyTimer arms the timer before anything else is done, and has the rest
// take three of its periods: the runs that come too early do no harm.
func TestEarlyTimer(t *testing.T) {
	inGuest(t, 3*time.Minute, func(t *testing.T) {
		for _, fault := range []string{"slow-init", "early-timer,slow-init"} {
			s, d := sampled(t, Options{Fault: parseFault(t, fault)}, func() { cgroup(t, "early", 1) }, 2*time.Second)
			early := has(invariants(d), "timer-early")
			t.Logf("%s: first run at %d, init ended at %d", fault, d.Status.Timer.First, d.Status.InitEnded)
			if early != strings.HasPrefix(fault, "early") {
				t.Errorf("%s: a run before the end of init: %v", fault, early)
			}
			if d.CellsUsed() != 2 {
				t.Errorf("%s: %d cells in use, want 2", fault, d.CellsUsed())
			}
			ends(t, s)
		}
	})
}

// zombie makes a task that is dead but not reaped, of a cgroup that is gone.
func zombie(t *testing.T) {
	t.Helper()
	dir, err := load.Cgroup("zombie")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only used to start
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(f.Fd())}
	if err := realtime.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // until then it is a zombie
	for range 200 {
		events, err := os.ReadFile(filepath.Join(dir, "cgroup.events"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(events), "populated 0") {
			break
		}
		wait(20 * time.Millisecond)
	}
	if err := load.RemoveCgroup(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
}

// removed is the id of a cgroup that was removed and that the kernel cannot let
// go of: there is a socket that was made in it.
func removed(t *testing.T) uint64 {
	t.Helper()
	dir, err := load.Cgroup("removed")
	if err != nil {
		t.Fatal(err)
	}
	id, err := CgroupID(dir)
	if err != nil {
		t.Fatal(err)
	}
	move := func(to string) {
		if err := os.WriteFile(filepath.Join(to, "cgroup.procs"), []byte("0"), 0); err != nil {
			t.Fatal(err)
		}
	}
	move(dir)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	move(load.CgroupRoot)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) }) // nothing was done with it
	if err := load.RemoveCgroup(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	return id
}

// TestZombie loads the scheduler where a task is dead, not reaped, and of a
// cgroup that is gone. Kernels up to 6.18 offer it to the scheduler, which puts
// it into the root cell, and refuses to start if it may not. Another cgroup is
// gone that the kernel still has in its tree: the snapshot says so.
func TestZombie(t *testing.T) {
	inGuest(t, 3*time.Minute, func(t *testing.T) {
		zombie(t)
		gone := removed(t)
		s, d := sampled(t, Options{}, nil, time.Second)
		if i := slices.IndexFunc(d.Cgroups, func(g dump.Cgroup) bool { return g.ID == gone }); i < 0 || !d.Cgroups[i].Dying {
			t.Errorf("cgroup %d, which was removed, is not told to be: %+v", gone, d.Cgroups)
		}
		offered := d.Kernel.Min.String() < "6.19"
		if !offered { // the cgroup of a task that is offered was never told of
			checkInvariants(t, d)
		}
		t.Logf("%d fallbacks, the last for task %d of cgroup %d", d.Status.Exiting.Count, d.Status.Exiting.PID, d.Status.Exiting.CgroupID)
		if (d.Status.Exiting.Count > 0) != offered {
			t.Errorf("%d fallbacks on %s", d.Status.Exiting.Count, d.Kernel.Release)
		}
		ends(t, s)
		if !offered {
			return
		}
		refused := Session{Options: Options{Fault: parseFault(t, "no-fallback")}, Status: func(line string) { t.Log(line) }}
		if err := refused.Run(t.Context()); err == nil || errors.Is(err, t.Context().Err()) {
			t.Errorf("without the fallback it starts: %v", err)
		} else {
			t.Logf("without the fallback: %v", err)
		}
	})
}
