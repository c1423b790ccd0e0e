// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"scxdiag/dump"
)

// index holds what the views want to know of a snapshot again and again. It is
// made once for each snapshot that is shown, in one pass over its tasks.
type index struct {
	s      *dump.Snapshot
	all    group
	byCPU  map[int32]*group
	byCell map[int32]*group
	// byCgroup has the tasks by the cgroup that the scheduler was told.
	byCgroup map[uint64]*group
	queues   []queue
	byPID    map[int32]int // tasks
	// cgroups are the paths by id, as far as cgroups, tasks and cells tell.
	cgroups map[uint64]string
	nth     []int32 // of each task: how many before it have the same comm and pid
	// subject is the task that the overview shows, -1 if there is none, and
	// tie is what makes it that.
	subject int
	tie     tie
	past    func(limit int) past // of the session, when a page is built; nil for none
	delta   *delta               // what changed since the marked snapshot; nil if there is nothing to compare

	lines []uint32 // where the lines of Raw start; made when Raw is first shown
	lower string   // Raw in lower case; made by the first search that needs it
}

// group counts the tasks that have something in common.
type group struct {
	tasks      []int // indices in Snapshot.Tasks
	n          tally
	oldest     int // the task that has waited for longest, -1 if none waits
	oldestWait time.Duration
}

func (g *group) add(i int, t *dump.Task) {
	if len(g.tasks) == 0 {
		g.oldest = -1
	}
	g.tasks = append(g.tasks, i)
	g.n[standingOf(t)]++
	if w, ok := t.WaitingFor(); ok && (g.oldest < 0 || w > g.oldestWait) {
		g.oldest, g.oldestWait = i, w
	}
}

// wait is how long the oldest waiting task of the group has waited.
func (g *group) wait() (time.Duration, bool) {
	if g == nil || len(g.tasks) == 0 || g.oldest < 0 {
		return 0, false
	}
	return g.oldestWait, true
}

// size is how many tasks are in the group, which may be nil.
func (g *group) size() int {
	if g == nil {
		return 0
	}
	return len(g.tasks)
}

// queue is a DSQ that tasks are on, or that the scheduler's text describes, or
// both.
type queue struct {
	group
	ref  dump.Value[dump.DSQRef]
	text *dump.DSQ // what the scheduler says of it; nil if nothing
}

func (q *queue) name() text {
	switch {
	case q.ref.Known && q.text != nil && q.text.Name != "":
		return clean(q.text.Name) + " (" + clean(q.ref.V.ID.String()) + ")"
	case q.ref.Known:
		return dsqName(q.ref.V)
	case q.text.Name != "":
		return clean(q.text.Name)
	default:
		return "without a name"
	}
}

func newIndex(s *dump.Snapshot) *index {
	x := &index{
		s:        s,
		byCPU:    map[int32]*group{},
		byCell:   map[int32]*group{},
		byCgroup: map[uint64]*group{},
		byPID:    make(map[int32]int, len(s.Tasks)),
		cgroups:  map[uint64]string{},
		nth:      make([]int32, len(s.Tasks)),
		subject:  -1,
	}
	x.all.oldest = -1
	seen := make(map[dump.TaskRef]int32, len(s.Tasks))
	byRef := map[dump.DSQRef]*queue{}
	for i := range s.Tasks {
		t := &s.Tasks[i]
		x.nth[i] = seen[t.TaskRef]
		seen[t.TaskRef]++
		x.byPID[t.PID] = i
		if t.CgroupID.Known && t.CgroupName.Known {
			x.cgroups[t.CgroupID.V] = t.CgroupName.V
		}
		x.all.add(i, t)
		if t.CPU.Known {
			groupOf(x.byCPU, t.CPU.V).add(i, t)
		}
		if t.Cell.Known {
			groupOf(x.byCell, t.Cell.V).add(i, t)
		}
		if t.CgroupID.Known {
			groupOf(x.byCgroup, t.CgroupID.V).add(i, t)
		}
		if t.DSQ.Known && !t.DSQ.V.IsNone() {
			q := byRef[t.DSQ.V]
			if q == nil {
				q = &queue{ref: dump.Of(t.DSQ.V)}
				byRef[t.DSQ.V] = q
			}
			q.add(i, t)
		}
	}
	for i := range s.Cells {
		if c := &s.Cells[i]; c.OwnerCgroup.Known && c.OwnerPath.Known {
			x.cgroups[c.OwnerCgroup.V] = c.OwnerPath.V
		}
	}
	for i := range s.Cgroups {
		if g := &s.Cgroups[i]; g.Path.Known {
			x.cgroups[g.ID] = g.Path.V
		}
	}
	x.findQueues(byRef)
	x.findSubject()
	return x
}

func groupOf[K comparable](m map[K]*group, id K) *group {
	g := m[id]
	if g == nil {
		g = &group{oldest: -1}
		m[id] = g
	}
	return g
}

// findQueues puts the DSQs that the scheduler describes first, in its order,
// and then those that only tasks show.
func (x *index) findQueues(byRef map[dump.DSQRef]*queue) {
	for i := range x.s.DSQs {
		d := &x.s.DSQs[i]
		q := queue{text: d, group: group{oldest: -1}}
		if d.ID.Known {
			for ref, seen := range byRef {
				if ref.ID == d.ID.V && ref.Kind != dump.DSQKindLocal {
					q.group, q.ref = seen.group, seen.ref
					delete(byRef, ref)
				}
			}
			if !q.ref.Known {
				q.ref = dump.Of(dump.BuiltinDSQ(d.ID.V, -1))
			}
		}
		if len(q.tasks) == 0 {
			for _, pid := range d.PIDs {
				if t, ok := x.byPID[pid]; ok {
					q.add(t, &x.s.Tasks[t])
				}
			}
		}
		x.queues = append(x.queues, q)
	}
	described := len(x.queues)
	for _, q := range byRef {
		x.queues = append(x.queues, *q)
	}
	slices.SortFunc(x.queues[described:], func(a, b queue) int {
		return cmp.Or(strings.Compare(string(a.ref.V.Kind), string(b.ref.V.Kind)),
			cmp.Compare(a.ref.V.ID, b.ref.V.ID), cmp.Compare(a.ref.V.CPU, b.ref.V.CPU))
	})
}

// tie is what a task has to do with the verdict.
type tie uint8

const (
	longest  tie = iota // nothing but that it has waited for longest
	named               // the message names it
	raisedIn            // the error was raised while it ran
)

func (x *index) findSubject() {
	t, how := x.s.Subject(), named
	if t == nil {
		t, how = x.s.RaisedIn(), raisedIn
	}
	if t == nil {
		t, how = x.s.LongestWaiting(), longest
	}
	for i := range x.s.Tasks {
		if &x.s.Tasks[i] == t {
			x.subject, x.tie = i, how
			return
		}
	}
}

// task is the subject's or any other task, nil for index -1.
func (x *index) task(i int) *dump.Task {
	if i < 0 || i >= len(x.s.Tasks) {
		return nil
	}
	return &x.s.Tasks[i]
}

// queueOf finds the queue that a task is on; -1 if there is none.
func (x *index) queueOf(t *dump.Task) int {
	if !t.DSQ.Known || t.DSQ.V.IsNone() {
		return -1
	}
	return slices.IndexFunc(x.queues, func(q queue) bool { return q.ref.Known && q.ref.V == t.DSQ.V })
}

// cellOf is the cell that a task belongs to: the one that the scheduler names
// with the task.
func (x *index) cellOf(t *dump.Task) *dump.Cell {
	if !t.Cell.Known {
		return nil
	}
	return x.s.Cell(t.Cell.V)
}

// cpuOf is the CPU that a task is accounted to.
func (x *index) cpuOf(t *dump.Task) *dump.CPU {
	if !t.CPU.Known {
		return nil
	}
	return x.s.CPU(t.CPU.V)
}

// lineStarts is where the lines of Raw start.
func (x *index) lineStarts() []uint32 {
	if x.lines != nil || x.s.Raw == "" {
		return x.lines
	}
	raw := x.s.Raw
	x.lines = make([]uint32, 1, 1+len(raw)/64)
	for i := 0; ; {
		n := strings.IndexByte(raw[i:], '\n')
		if n < 0 || i+n+1 >= len(raw) {
			return x.lines
		}
		i += n + 1
		x.lines = append(x.lines, uint32(i)) //nolint:gosec // Raw is below 4 GiB, or no Span could point into it
	}
}

// lineAt is the index of the line of Raw that holds the byte off.
func (x *index) lineAt(off uint32) int {
	i, exact := slices.BinarySearch(x.lineStarts(), off)
	if exact {
		return i
	}
	return max(i-1, 0)
}

// lineText is line i of Raw without its end.
func (x *index) lineText(i int) string {
	starts := x.lineStarts()
	end := len(x.s.Raw)
	if i+1 < len(starts) {
		end = int(starts[i+1])
	}
	return strings.TrimSuffix(strings.TrimSuffix(x.s.Raw[starts[i]:end], "\n"), "\r")
}

// lowered is Raw with its ASCII letters in lower case. Offsets stay the same,
// which strings.ToLower does not promise.
func (x *index) lowered() string {
	if x.lower == "" {
		x.lower = lowerASCII(x.s.Raw)
	}
	return x.lower
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
