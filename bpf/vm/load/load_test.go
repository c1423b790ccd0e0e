// SPDX-License-Identifier: GPL-2.0-only

package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"scxdiag/bpf/vm"
)

// inGuest is set in the guest that TestInAGuest runs this program in.
const inGuest = "SCXDIAG_LOAD_GUEST"

func TestMain(m *testing.M) {
	vm.RunGuest()
	RunChild()
	os.Exit(m.Run())
}

// TestInAGuest runs all tests again in a guest, where it runs those that change
// cgroups or need many tasks.
func TestInAGuest(t *testing.T) {
	if os.Getenv(inGuest) != "" {
		t.Run("many tasks are cheap", testManyTasks)
		t.Run("hoppers move themselves", testHoppers)
		t.Run("CPUs go off and on", testOnline)
		t.Run("a cpuset is set and cleared", testCpuset)
		t.Run("tasks move", testMove)
		t.Run("the default load runs", testDefault)
		return
	}
	if testing.Short() {
		t.Skip("boots a machine")
	}
	kernel, err := vm.Kernel(t.Context(), "", func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	m, err := vm.Start(t.Context(), vm.Config{Kernel: kernel})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	var out bytes.Buffer
	err = m.Run(t.Context(), vm.Cmd{
		Args: []string{vm.Self, "-test.v", "-test.timeout", "4m"},
		Env:  []string{inGuest + "=1"}, Stdout: &out, Stderr: &out,
	})
	t.Logf("%s", out.Bytes())
	if err != nil {
		t.Error(err)
	}
}

// startLoad starts a load that ends with the test.
func startLoad(t *testing.T, spec Spec) *Group {
	t.Helper()
	g, err := Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Stop)
	return g
}

// await waits until a condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-limit:
			t.Fatal("never: " + what)
		case <-tick.C:
		}
	}
}

// awaitProgress waits until each task has done its work some times.
func awaitProgress(t *testing.T, g *Group) {
	t.Helper()
	before := g.Progress()
	await(t, "progress of all tasks", func() bool {
		for i, n := range g.Progress() {
			if n < before[i]+2 {
				return false
			}
		}
		return true
	})
}

func comm(t *testing.T, tid int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", tid))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func TestEachKindMakesProgress(t *testing.T) {
	for _, spec := range []Spec{{Kind: Spin, Count: 3}, {Kind: Sleep, Count: 5}, {Kind: Fork, Count: 2}, {Kind: Pair, Count: 4}} {
		t.Run(string(spec.Kind), func(t *testing.T) {
			g := startLoad(t, spec)
			awaitProgress(t, g)
			for i, tid := range g.PIDs() {
				if got, want := comm(t, tid), fmt.Sprintf("%s-%d", spec.Kind, i); got != want {
					t.Errorf("task %d is called %s, not %s", i, got, want)
				}
			}
			g.Stop()
			for _, tid := range append(g.PIDs(), g.PID()) {
				if err := unix.Kill(tid, 0); !errors.Is(err, unix.ESRCH) {
					t.Errorf("task %d after the end: %v", tid, err)
				}
			}
			if got := g.Progress(); len(got) != spec.Count || !slices.Equal(got, g.Progress()) {
				t.Errorf("progress after the end: %v", got)
			}
		})
	}
}

func TestTasksAreAsAskedFor(t *testing.T) {
	g := startLoad(t, Spec{Kind: Sleep, Count: 2, Comm: "a-rather-long-name", CPUs: []int{0}, Pin: true, Nice: 5})
	for i, tid := range g.PIDs() {
		if got, want := comm(t, tid), "a-rather-long"+"-"+strconv.Itoa(i); got != want {
			t.Errorf("task %d is called %s, not %s", i, got, want)
		}
		var set unix.CPUSet
		if err := unix.SchedGetaffinity(tid, &set); err != nil || set.Count() != 1 || !set.IsSet(0) {
			t.Errorf("task %d has the CPUs %v, %v", i, set, err)
		}
		attr, err := unix.SchedGetAttr(tid, 0)
		if err != nil || attr.Nice != 5 || attr.Policy != uint32(Normal) {
			t.Errorf("task %d has %+v, %v", i, attr, err)
		}
	}
}

func TestWhatCannotStartSaysWhy(t *testing.T) {
	for want, spec := range map[string]Spec{
		"no such kind":     {Kind: "nothing", Count: 1},
		"0 tasks":          {Kind: Spin},
		"no cgroups":       {Kind: Hop, Count: 1},
		"do not make":      {Kind: Pair, Count: 3},
		"no CPUs to":       {Kind: Spin, Count: 1, Pin: true},
		"set CPUs of task": {Kind: Spin, Count: 1, CPUs: []int{1000}},
		"no such file":     {Kind: Spin, Count: 1, Cgroup: "/no/such"},
	} {
		if _, err := Start(t.Context(), spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, not %q", spec, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, Spec{Kind: Spin, Count: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("without time: %v", err)
	}
}

func testManyTasks(t *testing.T) {
	for _, spec := range []Spec{{Kind: Sleep, Count: 2000, Period: time.Hour}, {Kind: Spin, Count: 40}} {
		began := time.Now()
		g := startLoad(t, spec)
		t.Logf("%d tasks %s after %v", spec.Count, spec.Kind, time.Since(began).Round(time.Millisecond))
		if got := len(g.PIDs()); got != spec.Count {
			t.Errorf("%d tasks", got)
		}
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", g.PID()))
		if err != nil {
			t.Fatal(err)
		}
		if spare := len(threads) - spec.Count; spare > 20 {
			t.Errorf("%d threads are no tasks", spare)
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.PID()))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(status)) {
			if strings.HasPrefix(line, "VmRSS") {
				t.Logf("%s with %d threads", strings.TrimSpace(line), len(threads))
			}
		}
		g.Stop()
	}
}

func testHoppers(t *testing.T) {
	var dirs []string
	for _, name := range []string{"hop/one", "hop/two"} {
		dir, err := Cgroup(name)
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
	}
	g := startLoad(t, Spec{Kind: Hop, Count: 2, Period: 50 * time.Millisecond, Hops: dirs})
	awaitProgress(t, g)
	for i, tid := range g.PIDs() {
		if got, want := comm(t, tid), "hop-"+strconv.Itoa(i); got != want || tid == g.PID() {
			t.Errorf("process %d is called %s", tid, got)
		}
		for _, dir := range dirs {
			await(t, "process in "+dir, func() bool { return strings.HasSuffix(cgroupOf(t, tid), filepath.Base(dir)) })
		}
	}
	g.Stop()
	for _, dir := range append(dirs, filepath.Dir(dirs[0])) {
		if err := RemoveCgroup(t.Context(), dir); err != nil {
			t.Error(err)
		}
	}
}

// cgroupOf is the cgroup that a process is in.
func cgroupOf(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(strings.TrimSpace(string(text)), "0::")
}

func testDefault(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	groups, err := Default(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "0-1", "a/x": "0", "a/y": "0-1", "b": "2", "c": "0-3"} {
		got, err := os.ReadFile(filepath.Join(CgroupRoot, name, "cpuset.cpus.effective"))
		if err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("%s has the CPUs %s, not %s: %v", name, got, want, err)
		}
	}
	for _, g := range groups {
		awaitProgress(t, g)
	}
	if got := cgroupOf(t, groups[0].PIDs()[0]); got != "/a/x" {
		t.Errorf("a task of the first group is in %s", got)
	}
	cancel()
	for _, g := range groups {
		g.Stop()
	}
}

func testOnline(t *testing.T) {
	online := func() string {
		text, err := os.ReadFile("/sys/devices/system/cpu/online")
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	g := startLoad(t, Spec{Kind: Sleep, Count: 8})
	for _, step := range []struct {
		cpu  int
		on   bool
		want string
	}{{2, false, "0-1,3"}, {2, false, "0-1,3"}, {1, false, "0,3"}, {2, true, "0,2-3"}, {1, true, "0-3"}, {1, true, "0-3"}} {
		if err := SetOnline(step.cpu, step.on); err != nil {
			t.Fatal(err)
		}
		if got := online(); got != step.want {
			t.Errorf("after CPU %d was set to %v, %s are online, not %s", step.cpu, step.on, got, step.want)
		}
		awaitProgress(t, g)
	}
	if err := SetOnline(1000, true); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a CPU that is not there: %v", err)
	}
}

func testCpuset(t *testing.T) {
	dir, err := Cgroup("set", 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		cpus            []int
		want, effective string
	}{{[]int{0, 2, 3}, "0,2-3", "0,2-3"}, {nil, "", "0-3"}, {[]int{3}, "3", "3"}} {
		if err := SetCPUs(dir, step.cpus...); err != nil {
			t.Fatal(err)
		}
		for file, want := range map[string]string{"cpuset.cpus": step.want, "cpuset.cpus.effective": step.effective} {
			got, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil || strings.TrimSpace(string(got)) != want {
				t.Errorf("after %v, %s is %q, not %s: %v", step.cpus, file, got, want, err)
			}
		}
	}
	if err := SetCPUs(dir, 1000); !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ERANGE) {
		t.Errorf("a CPU that is not there: %v", err)
	}
	g := startLoad(t, Spec{Kind: Sleep, Count: 2, Cgroup: dir})
	if err := SetCPUs(dir); err != nil {
		t.Errorf("clear the cpuset of a cgroup with tasks: %v", err)
	}
	awaitProgress(t, g)
	g.Stop()
	if err := RemoveCgroup(t.Context(), dir); err != nil {
		t.Error(err)
	}
	if err := SetCPUs(dir, 1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a cgroup that is not there: %v", err)
	}
}

func testMove(t *testing.T) {
	from, err := Cgroup("from")
	if err != nil {
		t.Fatal(err)
	}
	to, err := Cgroup("to", 2)
	if err != nil {
		t.Fatal(err)
	}
	sleepers := startLoad(t, Spec{Kind: Sleep, Count: 5, Cgroup: from})
	forkers := startLoad(t, Spec{Kind: Fork, Count: 3, Cgroup: from})
	if err := MoveTasks(from, to); err != nil {
		t.Fatal(err)
	}
	await(t, "no task left behind", func() bool {
		left, err := Tasks(from)
		return err == nil && len(left) == 0
	})
	there, err := Tasks(to)
	if err != nil {
		t.Fatal(err)
	}
	for _, tid := range append(sleepers.PIDs(), forkers.PIDs()...) {
		if !slices.Contains(there, tid) {
			t.Errorf("task %d is not among those that moved", tid)
		}
	}
	awaitProgress(t, forkers)
	if err := MoveTasks(from, "/no/such"); err != nil {
		t.Errorf("no tasks to move: %v", err)
	}
	if err := MoveTasks(to, "/no/such"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("to a cgroup that is not there: %v", err)
	}
	sleepers.Stop()
	forkers.Stop()
	for _, dir := range []string{from, to} {
		if err := RemoveCgroup(t.Context(), dir); err != nil {
			t.Error(err)
		}
	}
}
