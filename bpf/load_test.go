// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"scxdiag/bpf/vm/load"
	"scxdiag/dump"
)

// startLoad starts a load that ends with the test.
func startLoad(t *testing.T, spec load.Spec) *load.Group {
	t.Helper()
	g, err := load.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Stop)
	return g
}

// cgroup makes a cgroup that is gone after the test.
func cgroup(t *testing.T, path string, cpus ...int) string {
	t.Helper()
	dir, err := load.Cgroup(path, cpus...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := load.RemoveCgroup(t.Context(), dir); err != nil {
			t.Log(err) // the guest is not for long
		}
	})
	return dir
}

// wait waits for a time to pass.
func wait(d time.Duration) { <-time.After(d) }

// byPID finds the tasks of a group in a snapshot. One that moved to another CPU
// while the kernel dumped is in it twice, and counts once.
func byPID(s *dump.Snapshot, pids []int) []*dump.Task {
	var found []*dump.Task
	seen := make(map[int32]bool)
	for i := range s.Tasks {
		if pid := s.Tasks[i].PID; slices.Contains(pids, int(pid)) && !seen[pid] {
			seen[pid] = true
			found = append(found, &s.Tasks[i])
		}
	}
	return found
}

// TestMixedLoad runs all kinds of tasks for a minute: nothing fails, all make
// progress, and pinned tasks get their share of their CPUs.
func TestMixedLoad(t *testing.T) {
	const runFor = 60 * time.Second
	inGuest(t, 6*time.Minute, func(t *testing.T) {
		left, right := cgroup(t, "left", 1), cgroup(t, "right", 2, 3)
		sample := make(chan struct{})
		s := start(t, Session{Sample: sample})
		groups := map[string]*load.Group{
			"busy in the root cell": startLoad(t, load.Spec{Kind: load.Spin, Count: 2, Comm: "busy"}),
			"busy in a cell":        startLoad(t, load.Spec{Kind: load.Spin, Count: 2, Comm: "hog", Cgroup: right}),
			"pinned in a cell":      startLoad(t, load.Spec{Kind: load.Spin, Count: 2, Comm: "pinned", Cgroup: right, CPUs: []int{2, 3}, Pin: true}),
			"light":                 startLoad(t, load.Spec{Kind: load.Spin, Count: 1, Comm: "light", Nice: 19, Cgroup: left}),
			"sleeping":              startLoad(t, load.Spec{Kind: load.Sleep, Count: 8, Period: 10 * time.Millisecond, Comm: "sleep", Cgroup: left}),
			"forking":               startLoad(t, load.Spec{Kind: load.Fork, Count: 2, Period: 20 * time.Millisecond, Comm: "fork", Cgroup: left}),
			"waking each other":     startLoad(t, load.Spec{Kind: load.Pair, Count: 2, Comm: "pair"}),
			"hopping":               startLoad(t, load.Spec{Kind: load.Hop, Count: 2, Period: 50 * time.Millisecond, Comm: "hop", Hops: []string{left, right}}),
		}
		sample <- struct{}{}
		first := s.next(dump.TriggerSample, time.Minute)
		before := make(map[string][]uint64)
		for name, g := range groups {
			before[name] = g.Progress()
		}
		wait(runFor)
		for name, g := range groups {
			for i, n := range g.Progress() {
				if n <= before[name][i] {
					t.Errorf("%s: task %d made no progress in %s", name, i, runFor)
				}
			}
		}
		sample <- struct{}{}
		last := s.next(dump.TriggerSample, time.Minute)
		checkSample(t, first)
		checkSample(t, last)
		share(t, first, last, groups["pinned in a cell"].PIDs(), groups["busy in a cell"].PIDs())
		if err := s.end(); err != nil {
			t.Error(err)
		}
		if e := s.next(dump.TriggerExit, 10*time.Second); e.IsFailure() {
			t.Errorf("the scheduler failed: %+v", e.Exit)
		}
	})
}

// share checks that pinned tasks got as much as those that share their CPUs
// with them and may run on both.
func share(t *testing.T, first, last *dump.Snapshot, pinned, busy []int) {
	t.Helper()
	ran := func(pids []int) (each []time.Duration, all time.Duration) {
		for _, pid := range pids {
			a, b := first.Task(int32(pid)), last.Task(int32(pid))
			if a == nil || b == nil {
				t.Fatalf("task %d is not in both samples", pid)
			}
			d := b.RunTime.V - a.RunTime.V
			each, all = append(each, d), all+d
		}
		return each, all
	}
	eachPinned, p := ran(pinned)
	_, b := ran(busy)
	t.Logf("two CPUs: pinned tasks ran for %s (%v), the others for %s", p, eachPinned, b)
	for _, d := range eachPinned {
		if got := float64(d) / float64(p+b); got < 0.18 || got > 0.32 {
			t.Errorf("a pinned task got %.2f of two CPUs, want a quarter", got)
		}
	}
}

// machineCPUs are the CPUs of this machine that are online.
func machineCPUs(t *testing.T) dump.CPUMask {
	t.Helper()
	list, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		t.Fatal(err)
	}
	cpus, err := dump.ParseMaskList(strings.TrimSpace(string(list)))
	if err != nil {
		t.Fatal(err)
	}
	return cpus
}

// checkSample checks what holds in every sample of a healthy scheduler.
func checkSample(t *testing.T, s *dump.Snapshot) {
	t.Helper()
	if !s.Ledger.Complete() {
		t.Errorf("the ledger is not clean: %+v", s.Ledger)
	}
	var all dump.CPUMask
	for _, c := range s.Cells {
		if !all.And(c.CPUs.V).IsEmpty() {
			t.Errorf("cell %d has CPUs of another: %s", c.ID, c.CPUs.V)
		}
		all = all.Or(c.CPUs.V)
	}
	machine := machineCPUs(t)
	if all != machine {
		t.Errorf("the cells have CPUs %s, the machine %s", all, machine)
	}
	for _, c := range s.CPUs {
		if !machine.Has(int(c.ID)) {
			continue
		}
		if cell := s.Cell(c.Cell.V); cell == nil || !cell.CPUs.V.Has(int(c.ID)) {
			t.Errorf("CPU %d says it is in cell %d, which does not have it", c.ID, c.Cell.V)
		}
	}
	for i := range s.Tasks {
		task := &s.Tasks[i]
		if !task.DSQ.Known || task.DSQ.V.Kind != dump.DSQKindCPU {
			continue
		}
		if !task.CPUs.V.Has(int(task.DSQ.V.CPU)) {
			t.Errorf("%s waits on CPU %d, which it may not use: %s", task.TaskRef, task.DSQ.V.CPU, task.CPUs.V)
		}
	}
	if s.Status != nil && s.Status.EnqFallback > 0 {
		t.Errorf("%d tasks fell back to the global DSQ", s.Status.EnqFallback)
	}
	if !strings.HasPrefix(s.Kernel.Release, s.Kernel.Min.String()) {
		t.Errorf("kernel %+v", s.Kernel)
	}
}
