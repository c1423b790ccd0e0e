// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"scxdiag/bpf/vm/load"
	"scxdiag/dump"
)

// knob is a fault and what comes of it.
type knob struct {
	fault  string // as --inject has it; %PID is the first task of "work"
	start  bool   // it is there from the start, and the control run is one of its own
	opts   Options
	setup  func(k *knobRun) // what is there before the fault; nil is the usual
	act    func(k *knobRun) // what brings it out; nil is nothing
	rule   string           // that breaks; "" if none does
	exit   string           // in the message of the failure; "" if it goes on
	says   string           // what triage should say of it
	within time.Duration    // of act; 0 is knobWithin
	// apart is set if the scheduler has to be started anew for the fault.
	apart bool
}

// How long a fault may take to show, and how long the control run is watched
// where nothing else says.
const (
	knobWithin    = 30 * time.Second
	controlWithin = 3 * time.Second
)

// knobTimeout is the watchdog's where it is to end the scheduler, and soon. The others
// are to be spared it when the guest stands still.
const knobTimeout = 8 * time.Second

// knobs are all faults that bring about a state of their own.
var knobs = []knob{
	{
		fault: "lose-task=%PID", rule: "lost-task", exit: "failed to run",
		says: "the scheduler took the task and put it on no queue",
	},
	{
		fault: "error-now", exit: "injected: error-now",
		says: "the scheduler gave up on its own account; nothing else is wrong",
	},
	{
		fault: "timer-stop", act: (*knobRun).shrink, rule: "timer-stopped",
		says: "the timer that applies configurations has stopped",
	},
	{
		fault: "tick-only", setup: (*knobRun).idleZero, act: (*knobRun).changes, rule: "cfg-pending",
		says: "a configuration is not applied while CPU 0 idles",
	},
	{
		fault: "no-reclaim", act: (*knobRun).clear, rule: "not-reclaimed",
		says: "CPUs stay with a cell that has ended",
	},
	{
		fault: "no-drain", setup: (*knobRun).crowd, act: (*knobRun).widen, rule: "dsq-orphan", exit: "failed to run",
		says: "tasks are left on the queue of a cell that has ended",
	},
	{
		fault: "fentry-bump", act: (*knobRun).shrink, rule: "cfg-lost",
		says: "a change of a cpuset was lost: the scheduler read it before it was made",
	},
	{
		fault: "empty-root", apart: true, setup: (*knobRun).bare, act: (*knobRun).claimAll, rule: "cell-empty", exit: "failed to",
		says: "the root cell has no CPU",
	},
	{
		fault: "pin-on-cell", rule: "pin-on-cell", exit: "failed to run", within: 60 * time.Second,
		act:  (*knobRun).pinElsewhere,
		says: "a task that may not run on the CPUs of its cell waits on the queue of the cell",
	},
	{
		fault: "stale-vtime,split-clock", start: true, setup: (*knobRun).light, act: (*knobRun).lightCell,
		exit: "vtime too far ahead",
		says: "the vtime that was compared with the clock of a new cell is of an old one",
	},
	{
		fault: "frozen-clock", setup: (*knobRun).light, exit: "vtime too far ahead", rule: "vt-future", within: 60 * time.Second,
		says: "the clock of the cell stands still while its tasks run",
	},
	{
		fault: "leak-cell", start: true, opts: Options{Cells: 4}, setup: (*knobRun).bare, act: (*knobRun).come, rule: "cell-leak",
		says: "a cell is in use whose owner is gone",
	},
	{
		fault: "no-cginit=nocontext", start: true, act: (*knobRun).noContext, exit: "no context of cgroup",
		says: "the scheduler has no context of a cgroup that has tasks",
	},
	{
		fault: "gp-skip-exit", act: (*knobRun).shrink, rule: "gp-parity",
		says: "a section was left without its end: grace periods never end",
	},
	{
		fault: "slot-leak", act: (*knobRun).shrink, rule: "slot-empty",
		says: "the spare mask of a cell is gone: it cannot change any more",
	},
	{
		fault: "token-leak", act: (*knobRun).shrink, rule: "token-held",
		says: "the token to apply was never given back: no configuration is applied any more",
	},
	{
		fault: "leak-cpu", act: (*knobRun).shrink, rule: "cpu-orphan",
		says: "a CPU is in no cell",
	},
	{
		fault: "skip-apply", act: (*knobRun).shrink, rule: "cfg-lost",
		says: "a change of a cpuset counts as applied and is not",
	},
	{
		fault: "no-kick", setup: (*knobRun).isolate, act: (*knobRun).spread, rule: "idle-with-work", within: 60 * time.Second,
		says: "a CPU idles while tasks wait on its queue",
	},
	{
		fault: "ignore-affinity", rule: "pin-on-cell", exit: "failed to run", within: 60 * time.Second,
		act:  (*knobRun).pinElsewhere,
		says: "the scheduler takes a pinned task for one that may run on all of its cell",
	},
}

// knobRun is a run of the scheduler, first without a fault, as a control, and
// then with it.
type knobRun struct {
	*knob
	t       *testing.T
	s       *session
	sched   *Scheduler
	sample  chan struct{}
	records bytes.Buffer
	faulty  bool   // the fault is there
	cell    string // the folder of the cgroup that has a cell
	cpus    []int  // its cpuset
	work    *load.Group
	last    *dump.Snapshot
	before  *dump.Snapshot // the one that was taken before last
	text    string         // the kernel's dump of about the same instant, where it is to be kept
}

// usual is a cell with more tasks than CPUs, and tasks in the root cell.
func (k *knobRun) usual() {
	k.owner(0, 1)
	k.work = k.begin(load.Spec{Kind: load.Spin, Count: 3, Comm: "work", Cgroup: k.cell})
	k.begin(load.Spec{Kind: load.Sleep, Count: 4, Period: 5 * time.Millisecond, Comm: "nap", Cgroup: k.cell})
	k.begin(load.Spec{Kind: load.Spin, Count: 2, Comm: "root"})
}

// owner makes the cgroup that has a cell.
func (k *knobRun) owner(cpus ...int) { k.cell, k.cpus = cgroup(k.t, "cell", cpus...), cpus }

func (k *knobRun) begin(spec load.Spec) *load.Group {
	k.t.Helper()
	return startLoad(k.t, spec)
}

func (k *knobRun) check(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Error(err)
	}
}

// bare is no load at all.
func (k *knobRun) bare() {}

// idleZero is a cell of CPU 0 alone, which has nothing to do there.
func (k *knobRun) idleZero() {
	k.owner(0)
	k.begin(load.Spec{Kind: load.Spin, Count: 3, Comm: "root"})
}

// changes has the scheduler apply something time and again.
func (k *knobRun) changes() {
	other := cgroup(k.t, "other", 1)
	for i := range 8 {
		k.check(load.SetCPUs(other, 1+i%3))
		if k.look(); k.found() {
			return
		}
		wait(500 * time.Millisecond)
	}
}

// crowd is a cell with many tasks for each of its CPUs.
func (k *knobRun) crowd() {
	k.owner(0, 1)
	k.work = k.begin(load.Spec{Kind: load.Spin, Count: 8, Comm: "work", Cgroup: k.cell})
}

// light is tasks of the least weight, whose vtime runs fastest.
func (k *knobRun) light() {
	k.owner()
	k.work = k.begin(load.Spec{Kind: load.Spin, Count: 6, Comm: "light", Nice: 19, Cgroup: k.cell})
}

// lightCell gives them a cell of their own when their clock is far on.
func (k *knobRun) lightCell() {
	wait(10 * time.Second)
	k.check(load.SetCPUs(k.cell, 0, 1))
}

func (k *knobRun) shrink() { k.check(load.SetCPUs(k.cell, 1)) }

// widen gives the cgroup all CPUs, so that it has no cell any more.
func (k *knobRun) widen() { k.check(load.SetCPUs(k.cell, 0, 1, 2, 3)) }

// clear takes its cpuset away.
func (k *knobRun) clear() {
	err := load.SetCPUs(k.cell)
	if errors.Is(err, unix.ENOSPC) { // older kernels want it to be empty
		refuge := cgroup(k.t, "refuge")
		k.check(load.MoveTasks(k.cell, refuge))
		err = load.SetCPUs(k.cell)
	}
	k.check(err)
}

// claimAll has cpusets claim all CPUs.
func (k *knobRun) claimAll() {
	cgroup(k.t, "low", 0, 1)
	cgroup(k.t, "high", 2, 3)
}

// come makes cgroups with cpusets and removes them.
func (k *knobRun) come() {
	for range 5 {
		dir, err := load.Cgroup("passing", 1)
		k.check(err)
		wait(500 * time.Millisecond)
		k.check(load.RemoveCgroup(k.t.Context(), dir))
		wait(500 * time.Millisecond)
	}
}

// noContext has tasks move to a cgroup that the scheduler knows nothing of.
func (k *knobRun) noContext() {
	k.check(load.MoveTasks(k.cell, cgroup(k.t, "nocontext")))
}

// pinElsewhere has tasks of the root cell run that may only use a CPU of another.
func (k *knobRun) pinElsewhere() {
	k.begin(load.Spec{Kind: load.Sleep, Count: 2, Period: 20 * time.Millisecond, Comm: "pinned", CPUs: []int{0, 1}, Pin: true})
}

// isolate keeps all that can be moved off CPU 3, and has two tasks on each of the
// others: CPU 3 idles, and nothing but the scheduler wakes it.
func (k *knobRun) isolate() {
	threads, err := filepath.Glob("/proc/[0-9]*/task/[0-9]*")
	k.check(err)
	for _, thread := range threads {
		tid, err := strconv.Atoi(filepath.Base(thread))
		k.check(err)
		if err := allow(tid, 0, 1, 2); !errors.Is(err, unix.EINVAL) { // what the kernel has bound itself
			k.check(err)
		}
	}
	k.work = k.begin(load.Spec{Kind: load.Spin, Count: 6, Comm: "work", CPUs: []int{0, 1, 2}, Pin: true})
}

// spread lets those tasks run on CPU 3, too: the first of those that wait is put
// on the queue of that CPU.
func (k *knobRun) spread() {
	for range 20 {
		for i, pid := range k.work.PIDs() {
			k.check(allow(pid, i%3))
		}
		wait(300 * time.Millisecond)
		for _, pid := range k.work.PIDs() {
			k.check(allow(pid, 0, 1, 2, 3))
		}
		wait(longIdle + 200*time.Millisecond)
		if k.look(); !k.faulty || k.found() {
			return
		}
	}
}

// allow sets the CPUs that a task may use, if it still is there.
func allow(pid int, cpus ...int) error {
	var set unix.CPUSet
	for _, cpu := range cpus {
		set.Set(cpu)
	}
	if err := unix.SchedSetaffinity(pid, &set); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("set CPUs of task %d: %w", pid, err)
	}
	return nil
}

func (k *knobRun) limit() time.Duration {
	if k.within != 0 {
		return k.within
	}
	return knobWithin
}

// look takes a sample, or what comes first: the end.
func (k *knobRun) look() {
	k.t.Helper()
	limit := time.After(time.Minute)
	ask := k.sample
	for {
		select {
		case ask <- struct{}{}:
			ask = nil // once
		case d := <-k.s.dumps:
			if k.take(d) {
				return
			}
		case <-limit:
			k.t.Error("no sample within a minute")
			return
		}
	}
}

// take takes a snapshot, and reports whether it is a sample or the last one.
func (k *knobRun) take(d *dump.Snapshot) bool {
	if d.Trigger != dump.TriggerSample && !d.IsFailure() || len(d.Tasks) == 0 { // without tasks it is over
		return false
	}
	if k.last != nil && k.last.IsFailure() {
		return true // what came after it is of its end
	}
	k.before, k.last = k.last, d
	return true
}

func (k *knobRun) failed() bool { return k.last != nil && k.last.IsFailure() }

// found reports whether the last snapshot shows what is to be shown.
func (k *knobRun) found() bool {
	if k.last == nil {
		return false
	}
	if k.exit != "" && (!k.failed() || !strings.Contains(k.last.Exit.Message.V, k.exit)) {
		return false
	}
	return k.rule == "" || has(broken(k.before, k.last), k.rule)
}

// run runs the scheduler: without the fault, with it, or first the one and then
// the other.
func (k *knobRun) run(control, fault bool) {
	t := k.t
	opts := k.opts
	if k.stalls() {
		opts.Timeout = knobTimeout
	}
	if k.start && fault {
		opts.Fault = parseFault(t, k.fault)
		k.faulty = true
	}
	k.sample = make(chan struct{})
	scheds := make(chan *Scheduler, 1)
	k.s = start(t, Session{Options: opts, Sample: k.sample, Records: &k.records, loaded: func(s *Scheduler) { scheds <- s }})
	k.sched = <-scheds
	if k.setup != nil {
		k.setup(k)
	} else {
		k.usual()
	}
	wait(time.Second)
	if control {
		k.watch()
	}
	if fault && !t.Failed() {
		k.commit()
		k.watch()
		if keeping() {
			k.text = k.kernelText()
		}
	}
	k.s.stop()
	if err := <-k.s.err; err != nil && !errors.Is(err, ErrFailed) {
		t.Error(err)
	}
}

// commit has the scheduler commit the fault from now on.
func (k *knobRun) commit() {
	if k.start {
		return
	}
	if len(k.cpus) > 0 { // as it was before the control run
		k.check(load.SetCPUs(k.cell, k.cpus...))
		wait(500 * time.Millisecond)
	}
	name := k.fault
	if k.work != nil {
		name = strings.ReplaceAll(name, "%PID", strconv.Itoa(k.work.PIDs()[0]))
	}
	k.faulty = true
	inject(k.t, k.sched, name)
}

// watch brings out what the fault does, and looks until it is there, or for some
// time where it must not come.
func (k *knobRun) watch() {
	k.look()
	if k.act != nil {
		k.act(k)
	}
	limit := controlWithin
	if k.faulty {
		limit = k.limit()
	} else if k.stalls() {
		limit = knobTimeout + time.Second
	}
	for end := time.Now().Add(limit); time.Now().Before(end) && !k.failed() && (!k.faulty || !k.found()); {
		wait(600 * time.Millisecond)
		k.look()
	}
	k.judge()
}

// judge says whether the run showed what it was to show.
func (k *knobRun) judge() {
	t := k.t
	rules := broken(k.before, k.last)
	switch {
	case k.faulty && !k.found():
		t.Errorf("%s: not shown; the last snapshot is %s %+v and breaks %q", k.fault, k.last.Trigger, k.last.Exit, rules)
	case k.faulty && k.failed():
		t.Logf("%s: %s; %q", k.fault, k.last.Exit.Message.V, rules)
	case k.faulty:
		t.Logf("%s: %q", k.fault, rules)
	case k.failed() || len(rules) > 0:
		t.Errorf("%s, not injected: %s %q", k.fault, k.last.Trigger, rules)
	default:
		t.Logf("%s, not injected: every rule holds", k.fault)
	}
}

// TestKnobs injects every fault that brings about a state of its own, after a
// control run: the same without it. The kernels take turns, for there is no time
// for all on each; with -keep every fault is injected on every kernel.
func TestKnobs(t *testing.T) {
	t.Parallel()
	for i, k := range knobs {
		guests := everyKernel()
		if !*keepDumps {
			guests = guests[i%len(guests):][:1]
		}
		t.Run(k.name(), func(t *testing.T) {
			inGuests(t, guests, 5*time.Minute, func(t *testing.T) {
				if k.start || k.apart {
					t.Run("control", func(t *testing.T) {
						k := knobRun{knob: &k, t: t}
						k.run(true, false)
					})
				}
				r := knobRun{knob: &k, t: t}
				r.run(!k.start && !k.apart, true)
				if !t.Failed() {
					r.keep()
				}
			})
		})
	}
}

// stalls reports whether the watchdog is to end the scheduler.
func (k *knob) stalls() bool { return strings.HasPrefix(k.exit, "failed to") }

// name is the knob's without values.
func (k *knob) name() string {
	name, _, _ := strings.Cut(k.fault, "=")
	name, _, _ = strings.Cut(name, ",")
	return name
}
