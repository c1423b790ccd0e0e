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
	byPID    map[int32]int // tasks; of several with a pid the first
	// samePID is, for a task, the next with the same pid; only of those that have one.
	samePID map[int]int
	// queueAt has the queues by what the tasks on them say, and cgroupAt the
	// cgroups of the snapshot by id, of several the first.
	queueAt  map[dump.DSQRef]int
	cgroupAt map[uint64]int
	cpuAt    map[int32]int // CPUs, of several with a number the first
	// cgroups are the paths by id, as far as cgroups, tasks and cells tell.
	cgroups map[uint64]string
	nth     map[int]int32 // of a task: how many before it have the same comm and pid; only where that is not 0
	masks   int           // the width of the machine's masks: one more than the highest CPU that is known
	widest  int           // columns that the longest mask of a task takes as a list
	// subject is the task that the overview shows, -1 if there is none, and
	// tie is what makes it that.
	subject int
	tie     tie
	past    func(limit int) past // of the session, when a page is built; nil for none
	delta   *delta               // what changed since the marked snapshot; nil if there is nothing to compare
	// kinds are what the tasks have in common with others. They are few, and lie close
	// together: what is asked of all tasks again and again is asked of them.
	kinds kindIndex
	names *names // of the tasks; made by the first filter that needs them

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
	wait, waits := t.WaitingFor()
	g.count(i, standingOf(t), wait, waits)
}

// count adds a task of which is known how it stands.
func (g *group) count(i int, how standing, wait time.Duration, waits bool) {
	if len(g.tasks) == 0 {
		g.oldest = -1
	}
	g.tasks = append(g.tasks, i)
	g.n[how]++
	if waits && (g.oldest < 0 || wait > g.oldestWait) {
		g.oldest, g.oldestWait = i, wait
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

// in is how many tasks of the group, which may be nil, stand so.
func (g *group) in(s standing) int {
	if g == nil {
		return 0
	}
	return g.n[s]
}

// queue is a DSQ that tasks are on, or that the scheduler's text describes, or
// both.
type queue struct {
	group
	ref  dump.Value[dump.DSQRef]
	text *dump.DSQ // what the scheduler says of it; nil if nothing
	kind int32     // its number among the kinds of the tasks
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
		byCPU:    make(map[int32]*group, len(s.CPUs)),
		byCell:   make(map[int32]*group, len(s.Cells)),
		byCgroup: map[uint64]*group{},
		byPID:    make(map[int32]int, len(s.Tasks)),
		cgroups:  map[uint64]string{},
		subject:  -1,
	}
	x.all = group{oldest: -1, tasks: make([]int, 0, len(s.Tasks))}
	x.indexThings()
	byRef := x.indexTasks()
	x.nameCgroups()
	x.findQueues(byRef)
	x.queueAt = make(map[dump.DSQRef]int, len(x.queues))
	for i := range x.queues {
		if q := &x.queues[i]; q.ref.Known {
			if _, is := x.queueAt[q.ref.V]; !is {
				x.queueAt[q.ref.V] = i
			}
		}
	}
	x.findSubject()
	return x
}

// indexTasks goes over the tasks. It gives the queues that they are on.
func (x *index) indexTasks() map[dump.DSQRef]*queue {
	s := x.s
	byRef := map[dump.DSQRef]*queue{}
	const none = 0 // the number of no DSQ
	x.kinds.dsq = append(x.kinds.dsq, dump.DSQRef{Kind: dump.DSQKindNone})
	x.kinds.of = make([]int32, 0, len(s.Tasks))
	last := map[int32]int{}            // of those with the same pid
	others := map[dump.TaskRef]int32{} // of those that are not the first with their pid
	mask, masks := dump.CPUMask{}, 0   // the one before, and how many differed from that
	var onCPU, inCell, inCgroup *group // those of the task before: tasks come in runs
	var cpu, cell int32
	var cgroup uint64
	var named dump.Value[uint64] // the cgroup of which path is
	var path string
	for i := range s.Tasks {
		t := &s.Tasks[i]
		if first, is := x.byPID[t.PID]; is {
			x.again(i, first, last, others)
		} else {
			x.byPID[t.PID] = i
		}
		if t.CgroupID.Known && t.CgroupName.Known && (!named.Known || named.V != t.CgroupID.V || path != t.CgroupName.V) {
			named, path = t.CgroupID, t.CgroupName.V
			x.cgroups[named.V] = path
		}
		how := standingOf(t)
		wait, waits := t.WaitingFor()
		x.all.count(i, how, wait, waits)
		if t.CPU.Known {
			if onCPU == nil || cpu != t.CPU.V {
				cpu, onCPU = t.CPU.V, groupOf(x.byCPU, t.CPU.V)
			}
			onCPU.count(i, how, wait, waits)
		}
		if t.Cell.Known {
			if inCell == nil || cell != t.Cell.V {
				cell, inCell = t.Cell.V, groupOf(x.byCell, t.Cell.V)
			}
			inCell.count(i, how, wait, waits)
		}
		if t.CgroupID.Known {
			if inCgroup == nil || cgroup != t.CgroupID.V {
				cgroup, inCgroup = t.CgroupID.V, groupOf(x.byCgroup, t.CgroupID.V)
			}
			inCgroup.count(i, how, wait, waits)
		}
		dsq := int32(-1)
		switch {
		case !t.DSQ.Known:
		case t.DSQ.V.IsNone():
			dsq = none
		default:
			q := byRef[t.DSQ.V]
			if q == nil {
				q = &queue{ref: dump.Of(t.DSQ.V), group: group{oldest: -1}, kind: int32(len(x.kinds.dsq))} //nolint:gosec // no more than tasks
				byRef[t.DSQ.V] = q
				x.kinds.dsq = append(x.kinds.dsq, t.DSQ.V)
			}
			q.count(i, how, wait, waits)
			dsq = q.kind
		}
		x.kinds.add(t, how, dsq)
		if t.CPUs.V != mask {
			mask = t.CPUs.V
			x.masks = max(x.masks, mask.Last()+1)
			if masks++; masks <= maxMasks {
				x.widest = max(x.widest, cpuList(mask).width())
			}
		}
	}
	return byRef
}

// maxMasks is how many masks are looked at for the width of a column: a sample will
// do for that.
const maxMasks = 256

// again notes a task whose pid the task first has, too.
func (x *index) again(i, first int, last map[int32]int, others map[dump.TaskRef]int32) {
	if x.samePID == nil {
		x.samePID, x.nth = map[int]int{}, map[int]int32{}
	}
	t := &x.s.Tasks[i]
	n := others[t.TaskRef]
	others[t.TaskRef]++
	if x.s.Tasks[first].TaskRef == t.TaskRef {
		n++
	}
	if n > 0 {
		x.nth[i] = n
	}
	before, is := last[t.PID]
	if !is {
		before = first
	}
	x.samePID[before] = i
	last[t.PID] = i
}

// indexThings goes over what there is besides the tasks.
func (x *index) indexThings() {
	s := x.s
	x.masks, x.widest = 1, cpuList(dump.CPUMask{}).width()
	x.cpuAt = make(map[int32]int, len(s.CPUs))
	for i := range s.CPUs {
		id := s.CPUs[i].ID
		x.masks = max(x.masks, int(id)+1)
		if _, is := x.cpuAt[id]; !is {
			x.cpuAt[id] = i
		}
	}
	for i := range s.Cells {
		x.masks = max(x.masks, s.Cells[i].CPUs.V.Last()+1)
	}
	x.cgroupAt = make(map[uint64]int, len(s.Cgroups))
	for i := range s.Cgroups {
		if _, is := x.cgroupAt[s.Cgroups[i].ID]; !is {
			x.cgroupAt[s.Cgroups[i].ID] = i
		}
	}
}

// nameCgroups adds the paths that are told besides the tasks, and that weigh more.
func (x *index) nameCgroups() {
	s := x.s
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
	if t != nil { // the first with its pid
		x.subject, x.tie = x.byPID[t.PID], how
		return
	}
	x.subject, x.tie = x.all.oldest, longest
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
	if i, is := x.queueAt[t.DSQ.V]; is {
		return i
	}
	return -1
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
	return x.cpu(t.CPU.V)
}

// cpu is the CPU with a number, nil if the snapshot has none.
func (x *index) cpu(id int32) *dump.CPU {
	if i, is := x.cpuAt[id]; is {
		return &x.s.CPUs[i]
	}
	return nil
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
