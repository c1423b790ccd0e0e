// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"scxdiag/dump"
)

// longWait is how long a task must have waited in a snapshot of a scheduler that
// goes on before that is worth a word: a third of the watchdog's default.
const longWait = 10 * time.Second

// view is a snapshot with what rules look up in it, made once.
type view struct {
	s       *dump.Snapshot
	before  *dump.Snapshot // an earlier one of the same run, with a status, or nil
	apart   time.Duration  // how much earlier
	subject *dump.Task     // that the exit names, nil if it names none or the dump lacks it
	waiting []*dump.Task   // runnable and not running, longest first
	stalled []*dump.Task   // of them, those that have waited for long
	byDSQ   map[dump.DSQID][]*dump.Task
	byCell  map[int32][]*dump.Task
	cpus    map[int32]*dump.CPU
	tasks   map[int32]*dump.Task // by pid
	cells   map[int32]*dump.Cell
	// all are the CPUs that there are, as far as the snapshot knows.
	all dump.CPUMask
	// higher are the CPUs that a class above sched_ext has. A CPU that the dump has
	// twice, with different classes, is neither higher nor idle.
	higher dump.CPUMask
	// idle are the CPUs that are listed as idle, unlisted those of all that the
	// dump left out although it is whole: the kernel does that with idle CPUs.
	idle, unlisted, listed dump.CPUMask
	// partial is set if something is missing: then nothing can be concluded from
	// what is not there, such as a CPU that idles, a task that waits less, or the
	// task that the message names. Rules that cannot do without need whole.
	partial bool
}

func newView(s, before *dump.Snapshot) *view {
	v := &view{
		s: s, subject: s.Subject(),
		byDSQ: make(map[dump.DSQID][]*dump.Task), byCell: make(map[int32][]*dump.Task),
		cpus: make(map[int32]*dump.CPU, len(s.CPUs)), tasks: make(map[int32]*dump.Task, len(s.Tasks)),
		cells:   make(map[int32]*dump.Cell, len(s.Cells)),
		partial: !s.Ledger.Complete(),
	}
	v.follow(before)
	v.readCPUs()
	v.readTasks()
	if !v.partial && !v.listed.IsEmpty() {
		v.unlisted = v.all.AndNot(v.listed)
	}
	for i := range s.Cells {
		v.cells[s.Cells[i].ID] = &s.Cells[i]
	}
	return v
}

// follow takes an earlier snapshot, if it can be compared.
func (v *view) follow(before *dump.Snapshot) {
	if before == nil || !v.hasState() || before.Status == nil ||
		before.Scheduler != v.s.Scheduler || before.Host != v.s.Host || before.Status.InitEnded != v.s.Status.InitEnded {
		return
	}
	apart := time.Duration(v.s.Status.At - before.Status.At) //nolint:gosec // below the age of the machine
	if apart <= 0 {                                          // a sample may be taken while a failure is dealt with, and come first
		return
	}
	v.before, v.apart = before, apart
}

func (v *view) readCPUs() {
	var listed []int
	var disputed dump.CPUMask
	for i := range v.s.CPUs {
		c := &v.s.CPUs[i]
		if o := v.cpus[c.ID]; o != nil && o.Class.V != c.Class.V {
			disputed = disputed.With(int(c.ID))
		}
		v.cpus[c.ID] = c
		v.all = v.all.With(int(c.ID))
		if c.Listed {
			listed = append(listed, int(c.ID))
		}
		switch {
		case c.Class.V.IsHigher():
			v.higher = v.higher.With(int(c.ID))
		case c.Class.Known && c.Class.V == dump.ClassIdle:
			v.idle = v.idle.With(int(c.ID))
		}
	}
	v.higher, v.idle = v.higher.AndNot(disputed), v.idle.AndNot(disputed)
	v.listed = dump.MaskOf(listed...)
}

func (v *view) readTasks() {
	s := v.s
	var last dump.CPUMask // most tasks have the same
	for i := range s.Tasks {
		t := &s.Tasks[i]
		if t.PID != 0 {
			v.tasks[t.PID] = t
		}
		if t.CPUs.Known && t.CPUs.V != last {
			last = t.CPUs.V
			v.all = v.all.Or(last)
		}
		if _, ok := t.WaitingFor(); !ok || t.IsOffQueue() {
			continue
		}
		v.waiting = append(v.waiting, t)
	}
	slices.SortStableFunc(v.waiting, func(a, b *dump.Task) int { return cmp.Compare(waited(b), waited(a)) })
	limit := v.limit()
	for _, t := range v.waiting {
		if waited(t) >= limit || t == v.subject {
			v.stalled = append(v.stalled, t)
		}
		if t.DSQ.Known && !t.DSQ.V.IsNone() {
			v.byDSQ[t.DSQ.V.ID] = append(v.byDSQ[t.DSQ.V.ID], t)
		}
		if t.Cell.Known {
			v.byCell[t.Cell.V] = append(v.byCell[t.Cell.V], t)
		}
	}
}

// limit is from when on a wait is long: in the dump of a stall half of the
// longest wait, else longWait.
func (v *view) limit() time.Duration {
	if !v.isStall() {
		return longWait
	}
	longest := time.Second
	if v.subject != nil {
		longest = max(longest, waited(v.subject))
	} else if len(v.waiting) > 0 {
		longest = max(longest, waited(v.waiting[0]))
	}
	return longest / 2
}

// waited is how long a task has waited, 0 if it does not or that is unknown.
func waited(t *dump.Task) time.Duration {
	d, _ := t.WaitingFor()
	return d
}

// isStall reports whether the kernel threw the scheduler out for a task that
// waited, or for its watchdog.
func (v *view) isStall() bool { return v.kind() == dump.ExitErrorStall }

// kind is the kind of the exit, ExitNone if there is none or it is unknown.
func (v *view) kind() dump.ExitKind {
	if v.s.Exit == nil {
		return dump.ExitNone
	}
	return v.s.Exit.Kind.V
}

// message is what the exit says, "" if it says nothing.
func (v *view) message() string {
	if v.s.Exit == nil {
		return ""
	}
	return v.s.Exit.Message.V
}

// says reports whether the message of the exit has one of the words in it.
func (v *view) says(words ...string) bool {
	m := v.message()
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(m, w) })
}

// frame returns the first frame of the exit's backtrace with one of the words in
// it.
func (v *view) frame(words ...string) (dump.Line, bool) {
	if v.s.Exit == nil {
		return dump.Line{}, false
	}
	for _, l := range v.s.Exit.Backtrace {
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(l.Text, w) }) {
			return l, true
		}
	}
	return dump.Line{}, false
}

// allowed are the CPUs that a task may run on right now. It returns false if that
// is unknown.
func (v *view) allowed(t *dump.Task) (dump.CPUMask, bool) {
	return t.CPUs.V, t.CPUs.Known && !t.CPUs.V.IsEmpty()
}

// pinned is the only CPU that a task may run on, -1 if there are others or that is
// unknown.
func (v *view) pinned(t *dump.Task) int32 {
	m, ok := v.allowed(t)
	if !ok || m.Count() != 1 {
		return -1
	}
	return int32(m.First()) //nolint:gosec // below MaxCPUs
}

// served are the CPUs that take tasks from the DSQ which a task is on. It returns
// false if that is unknown, or the task is on none.
func (v *view) served(t *dump.Task) (dump.CPUMask, bool) {
	if !t.DSQ.Known {
		return dump.CPUMask{}, false
	}
	switch d := t.DSQ.V; d.Kind {
	case dump.DSQKindLocal, dump.DSQKindLocalOn, dump.DSQKindCPU:
		if d.CPU < 0 {
			return dump.CPUMask{}, false
		}
		return dump.MaskOf(int(d.CPU)), true
	case dump.DSQKindCell:
		if c := v.cells[d.Cell]; c != nil && c.CPUs.Known {
			return c.CPUs.V, true
		}
	case dump.DSQKindUser:
		for i := range v.s.DSQs {
			if q := &v.s.DSQs[i]; q.ID.Known && q.ID.V == d.ID && q.CPUs.Known {
				return q.CPUs.V, true
			}
		}
	}
	return dump.CPUMask{}, false
}

// current is the task that a CPU runs, nil if the snapshot does not list it.
func (v *view) current(c *dump.CPU) *dump.Task {
	if !c.Current.Known {
		return nil
	}
	t := v.tasks[c.Current.V.PID]
	if t == nil || !t.Current {
		return nil
	}
	return t
}
