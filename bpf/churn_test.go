// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"scxdiag/bpf/vm/load"
	"scxdiag/dump"
)

// churnFor is how long cpusets change on their own, and then with CPUs that come
// and go.
var churnFor = flag.Duration("churn", time.Minute, "how long TestChurn changes cpusets")

// TestChurn changes cpusets ten times a second, under a mixed load, once on its
// own and once with CPUs that come and go. The scheduler must not fail, no task
// may be lost, every write must take effect, and every snapshot must hold
// together. Then another scheduler must start, and end: what CPUs that went have
// left undone shows there.
func TestChurn(t *testing.T) {
	var guests []guest
	for _, kernel := range kernels {
		guests = append(guests, guest{kernel: kernel}, guest{kernel: kernel, cpus: 8})
	}
	inGuests(t, guests, 12*time.Minute, func(t *testing.T) {
		sample := make(chan struct{})
		s := start(t, Session{Options: Options{Timeout: 20 * time.Second}, Sample: sample})
		for _, hotplug := range []bool{false, true} {
			c := newChurn(t, s, sample)
			if hotplug {
				c.plug()
			}
			c.run(*churnFor)
			c.finish(hotplug)
		}
		if err := s.end(); err != nil {
			t.Error(err)
		}
		if e := s.next(dump.TriggerExit, 10*time.Second); e.IsFailure() {
			t.Errorf("the scheduler failed: %+v", e.Exit)
		}
		s = start(t, Session{Sample: sample})
		if err := s.end(); err != nil {
			t.Error(err)
		}
	})
}

// churn is a run of changes to cpusets.
type churn struct {
	t      *testing.T
	s      *session
	sample chan struct{}
	rand   *rand.Rand
	cpus   int
	dirs   []string // of the cgroups that change, "" where there is none now
	refuge string   // a cgroup without a cpuset, for tasks on their way
	groups map[string]*load.Group

	plugged sync.WaitGroup
	unplug  chan struct{}

	steps, plugs, compared, samples int
	reused                          uint32 // the highest generation of a cell
}

const churnCgroups = 8

func newChurn(t *testing.T, s *session, sample chan struct{}) *churn {
	t.Helper()
	c := &churn{
		t: t, s: s, sample: sample, rand: rand.New(rand.NewPCG(1, 2)),
		cpus: runtime.NumCPU(), dirs: make([]string, churnCgroups), unplug: make(chan struct{}),
		groups: make(map[string]*load.Group),
	}
	c.refuge = c.make("refuge")
	still := c.make("still")
	c.groups = map[string]*load.Group{
		"busy":             startLoad(t, load.Spec{Kind: load.Spin, Count: 2, Comm: "busy", Cgroup: still}),
		"sleeping":         startLoad(t, load.Spec{Kind: load.Sleep, Count: 6, Period: 10 * time.Millisecond, Comm: "sleep", Cgroup: still}),
		"forking":          startLoad(t, load.Spec{Kind: load.Fork, Count: 1, Period: 20 * time.Millisecond, Comm: "fork"}),
		"waking":           startLoad(t, load.Spec{Kind: load.Pair, Count: 2, Comm: "pair"}),
		"busy on the move": startLoad(t, load.Spec{Kind: load.Spin, Count: 3, Comm: "mover", Cgroup: c.refuge}),
		"asleep and moved": startLoad(t, load.Spec{Kind: load.Sleep, Count: 4, Period: 5 * time.Millisecond, Comm: "nap", Cgroup: c.refuge}),
	}
	return c
}

// make makes one of the cgroups.
func (c *churn) make(name string) string {
	c.t.Helper()
	dir, err := load.Cgroup("churn/" + name)
	if err != nil {
		c.t.Fatal(err)
	}
	return dir
}

// some draws a set of CPUs that is neither empty nor all.
func (c *churn) some() []int {
	first, n := c.rand.IntN(c.cpus), 1+c.rand.IntN(c.cpus/2)
	var cpus []int
	for i := range n {
		cpus = append(cpus, (first+i)%c.cpus)
	}
	return cpus
}

// step changes one cgroup: makes it, gives it CPUs or others, takes them away,
// moves tasks into it, or removes it.
func (c *churn) step() {
	c.t.Helper()
	c.steps++
	i := c.rand.IntN(churnCgroups)
	name := fmt.Sprintf("c%d", i)
	if c.dirs[i] == "" {
		c.dirs[i] = c.make(name)
		c.check(load.SetCPUs(c.dirs[i], c.some()...))
		return
	}
	dir := c.dirs[i]
	switch c.rand.IntN(6) {
	case 0, 1:
		c.check(load.SetCPUs(dir, c.some()...))
	case 2:
		err := load.SetCPUs(dir)
		if errors.Is(err, unix.ENOSPC) { // older kernels want it to be empty
			c.check(load.MoveTasks(dir, c.refuge))
			err = load.SetCPUs(dir)
		}
		c.check(err)
	case 3:
		c.check(load.MoveTasks(c.refuge, dir))
	case 4:
		c.check(load.MoveTasks(dir, c.refuge))
	case 5:
		c.check(load.MoveTasks(dir, c.refuge))
		c.check(load.RemoveCgroup(c.t.Context(), dir))
		c.dirs[i] = ""
	}
}

// check fails the test for an error, but for those that hotplug brings: a
// cpuset may have no CPU that is there.
func (c *churn) check(err error) {
	c.t.Helper()
	if err != nil && !errors.Is(err, unix.ENOSPC) {
		c.t.Error(err)
	}
}

// plug takes CPUs away and brings them back, until finish.
func (c *churn) plug() {
	random := rand.New(rand.NewPCG(3, 4))
	c.plugged.Go(func() {
		tick := time.NewTicker(300 * time.Millisecond)
		defer tick.Stop()
		online := make([]bool, c.cpus)
		for i := range online {
			online[i] = true
		}
		set := func(cpu int, on bool) {
			if err := load.SetOnline(cpu, on); err != nil {
				c.t.Error(err)
				return
			}
			online[cpu] = on
			c.plugs++
		}
		for {
			select {
			case <-tick.C:
				cpu := 1 + random.IntN(c.cpus-1)
				set(cpu, !online[cpu])
			case <-c.unplug:
				for cpu, on := range online {
					if !on {
						set(cpu, true)
					}
				}
				return
			}
		}
	})
}

// run changes cpusets for some time, and looks at a snapshot now and then.
func (c *churn) run(limit time.Duration) {
	c.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); time.Now().Before(end); {
		<-tick.C
		c.step()
		if c.steps%7 == 0 {
			c.look()
		}
		if c.steps%25 == 0 {
			c.settle()
		}
	}
}

// look takes a sample and checks what holds in every snapshot.
func (c *churn) look() *dump.Snapshot {
	c.t.Helper()
	c.sample <- struct{}{}
	d := c.s.next(dump.TriggerSample, time.Minute)
	c.samples++
	for _, cell := range d.Cells {
		c.reused = max(c.reused, cell.Generation.V)
	}
	if broken := invariants(d); len(broken) > 0 && allMayPass(broken) {
		c.t.Logf("%q; looking again", broken)
		wait(time.Second)
		c.sample <- struct{}{}
		d = c.s.next(dump.TriggerSample, time.Minute)
	}
	checkInvariants(c.t, d)
	return d
}

// settle waits until nothing is left to apply, and compares every cgroup with
// its cpuset.
func (c *churn) settle() {
	c.t.Helper()
	var d *dump.Snapshot
	for range 50 {
		wait(250 * time.Millisecond)
		if d = c.look(); isSettled(d) {
			break
		}
	}
	if !isSettled(d) {
		c.t.Errorf("the scheduler does not settle: %+v", d.Status)
		return
	}
	for i := range d.Cgroups {
		g := &d.Cgroups[i]
		if !g.HasContext || g.Level == 0 || g.Dying {
			continue
		}
		c.compared++
		c.compareFile(g)
		checkCpuset(c.t, d, g)
	}
}

// compareFile compares the cpuset of a snapshot with the file.
func (c *churn) compareFile(g *dump.Cgroup) {
	c.t.Helper()
	if !g.Path.Known || !g.CPUs.Known {
		return
	}
	text, err := os.ReadFile(filepath.Join(load.CgroupRoot, g.Path.V, "cpuset.cpus"))
	if err != nil {
		return // it is gone
	}
	want, err := dump.ParseMaskList(strings.TrimSpace(string(text)))
	if err == nil && want != g.CPUs.V {
		c.t.Errorf("cgroup %s has CPUs %s, the snapshot says %s", g.Path.V, want, g.CPUs.V)
	}
}

// finish ends the run, removes its cgroups and says what it did.
func (c *churn) finish(hotplug bool) {
	c.t.Helper()
	before := make(map[string][]uint64)
	close(c.unplug)
	c.plugged.Wait()
	for name, g := range c.groups {
		before[name] = g.Progress()
	}
	c.settle()
	for name, g := range c.groups {
		for end := time.Now().Add(30 * time.Second); stuck(before[name], g.Progress()) >= 0 && time.Now().Before(end); {
			wait(100 * time.Millisecond)
		}
		if i := stuck(before[name], g.Progress()); i >= 0 {
			c.t.Errorf("%s: task %d makes no progress any more", name, i)
		}
		g.Stop()
	}
	d := c.look()
	c.t.Logf("hotplug %v: %d steps, %d of CPUs, %d samples, %d cgroups compared with their cpusets, %d late inserts, %d tasks rescued, no cell for a cpuset %d times, generation %d",
		hotplug, c.steps, c.plugs, c.samples, c.compared, d.Status.LateInserts, d.Status.Rescued, d.Status.AllocFail, c.reused)
	if c.steps < 50 || c.compared < 15 || c.reused < 2 || (hotplug && c.plugs < 10) {
		c.t.Error("that is too little to show anything")
	}
	for i, dir := range c.dirs {
		if dir != "" {
			c.check(load.RemoveCgroup(c.t.Context(), dir))
			c.dirs[i] = ""
		}
	}
	for _, name := range []string{"refuge", "still"} {
		c.check(load.RemoveCgroup(c.t.Context(), filepath.Join(load.CgroupRoot, "churn", name)))
	}
}

// stuck is the first of a group's tasks that has made no progress, -1 if all have.
func stuck(before, after []uint64) int {
	for i := range after {
		if after[i] <= before[i] {
			return i
		}
	}
	return -1
}

// isSettled reports whether the configuration that is wanted is in force and
// nothing of an earlier one is left.
func isSettled(s *dump.Snapshot) bool {
	if s.Status == nil || s.Status.ConfigSeq != s.Status.AppliedSeq || s.Status.Grace.Active() {
		return false
	}
	return !slices.ContainsFunc(s.Cells, func(c dump.Cell) bool { return c.State.V != dump.CellLive })
}
