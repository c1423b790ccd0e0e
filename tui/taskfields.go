// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strconv"
	"strings"
	"time"

	"scxdiag/dump"
)

// runnableTerm is the term of the filter for all tasks that run or wait.
const runnableTerm = "is:runnable"

// taskKinds is what tasks have in common with many others: numbers, so that it is
// found fast. Strings and DSQs are numbers of the index, -1 if they are unknown.
type taskKinds struct {
	dsq, scx, owner, cgroup int32
	flags                   uint32
	cell                    int32
	how                     standing
	state                   byte // 0 if it is unknown
	ops                     dump.OpsState
	known                   known
}

// known says which of the kinds without a value for that are known.
type known uint8

const (
	knownFlags known = 1 << iota
	knownCell
	knownOps
)

// kindIndex collects the kinds of tasks.
type kindIndex struct {
	all  []taskKinds
	of   []int32 // of each task
	seen map[taskKinds]int32

	scx, owner, cgroup pool
	dsq                []dump.DSQRef
}

// pool gives the same number for the same string.
type pool struct {
	all  []string
	seen map[string]int32
	last int32 // tasks come in runs
}

func (p *pool) number(s string, known bool) int32 {
	if !known {
		return -1
	}
	if len(p.all) > 0 && p.all[p.last] == s {
		return p.last
	}
	nr, is := p.seen[s]
	if !is {
		if p.seen == nil {
			p.seen = map[string]int32{}
		}
		nr = int32(len(p.all)) //nolint:gosec // no more than tasks
		p.seen[s] = nr
		p.all = append(p.all, s)
	}
	p.last = nr
	return nr
}

// words is the string with a number, none for what is unknown.
func (p *pool) words(nr int32) []string {
	if nr < 0 {
		return nil
	}
	return p.all[nr : nr+1]
}

// add notes the kinds of the next task. Its DSQ has the number dsq.
func (x *kindIndex) add(t *dump.Task, how standing, dsq int32) {
	k := taskKinds{
		dsq: dsq, how: how, scx: x.scx.number(string(t.SCXState.V), t.SCXState.Known),
		owner: x.owner.number(t.Owner.V, t.Owner.Known), cgroup: x.cgroup.number(t.CgroupName.V, t.CgroupName.Known),
	}
	if t.State.Known {
		k.state = t.State.V
	}
	if t.OpsState.Known {
		k.ops, k.known = t.OpsState.V, k.known|knownOps
	}
	if t.Flags.Known {
		k.flags, k.known = t.Flags.V, k.known|knownFlags
	}
	if t.Cell.Known {
		k.cell, k.known = t.Cell.V, k.known|knownCell
	}
	nr, is := x.seen[k]
	if !is {
		if x.seen == nil {
			x.seen = map[taskKinds]int32{}
		}
		nr = int32(len(x.all)) //nolint:gosec // no more than tasks
		x.seen[k] = nr
		x.all = append(x.all, k)
	}
	x.of = append(x.of, nr)
}

// task is the kinds of task i.
func (x *kindIndex) task(i int) *taskKinds { return &x.all[x.of[i]] }

// ofKinds makes a test of tasks from one of their kinds, which is done at most once
// for each.
func (x *index) ofKinds(test func(k *taskKinds) bool) predicate {
	const yes, no = 1, 2
	known := make([]uint8, len(x.kinds.all))
	return func(i int) bool {
		nr := x.kinds.of[i]
		if known[nr] == 0 {
			known[nr] = no
			if test(&x.kinds.all[nr]) {
				known[nr] = yes
			}
		}
		return known[nr] == yes
	}
}

// kindField is a field of words that follow from the kinds of a task; none if they
// are unknown.
func (x *index) kindField(name text, words func(k *taskKinds) []string) field {
	return field{name: name, takes: "text", match: func(op operator, value string) (predicate, text) {
		test, problem := textTest(op, value)
		if problem != "" {
			return nil, problem
		}
		return x.ofKinds(func(k *taskKinds) bool {
			for _, w := range words(k) {
				if test(w) {
					return true
				}
			}
			return false
		}), ""
	}}
}

// names are those of all tasks in small letters, one behind the other: "comm[pid]".
// They take a fortieth of what the tasks do, and are searched many times as fast.
type names struct {
	all string
	end []uint32 // of each; it begins where the one before ends
}

// taskNames makes the names at the first call.
func (x *index) taskNames() *names {
	if x.names != nil {
		return x.names
	}
	var b []byte
	n := &names{end: make([]uint32, len(x.s.Tasks))}
	b = make([]byte, 0, 24*len(x.s.Tasks))
	for i := range x.s.Tasks {
		t := &x.s.Tasks[i]
		if isASCII(t.Comm) {
			for k := range len(t.Comm) {
				b = append(b, lowerByte(t.Comm[k]))
			}
		} else {
			b = append(b, strings.ToLower(t.Comm)...)
		}
		b = append(strconv.AppendInt(append(b, '['), int64(t.PID), 10), ']')
		n.end[i] = uint32(len(b)) //nolint:gosec // far below 4 GiB: comms are short
	}
	n.all = string(b)
	x.names = n
	return n
}

func (n *names) of(i int) string {
	from := uint32(0)
	if i > 0 {
		from = n.end[i-1]
	}
	return n.all[from:n.end[i]]
}

// nameField is the field of comm and pid, as tasks are written everywhere.
func (x *index) nameField() field {
	return field{name: "task", takes: "text", match: func(op operator, value string) (predicate, text) {
		n := x.taskNames()
		if lower := strings.ToLower(value); op == opHas {
			return func(i int) bool { return strings.Contains(n.of(i), lower) }, ""
		}
		test, problem := textTest(op, value)
		if problem != "" {
			return nil, problem
		}
		return func(i int) bool { return test(n.of(i)) }, ""
	}}
}

// taskFields are what the filter can ask of tasks.
func taskFields(x *index) []field {
	s := x.s
	task := func(i int) *dump.Task { return &s.Tasks[i] }
	return []field{
		x.nameField().found(),
		x.cellField(),
		numberField("cpu", func(i int) dump.Value[int32] { return task(i).CPU }),
		letterField("state", func(i int) dump.Value[byte] {
			c := x.kinds.task(i).state
			return dump.Value[byte]{V: c, Known: c != 0}
		}).called("st"),
		durationField("wait", func(i int) dump.Value[time.Duration] {
			wait, known := task(i).WaitingFor()
			return dump.Value[time.Duration]{V: wait, Known: known}
		}),
		x.kindField("dsq", func(k *taskKinds) []string {
			if k.dsq < 0 {
				return nil
			}
			return dsqWords(x.kinds.dsq[k.dsq])
		}).found(),
		textField("comm", func(i int) dump.Value[string] { return dump.Of(task(i).Comm) }),
		numberField("pid", func(i int) dump.Value[int32] { return dump.Of(task(i).PID) }),
		x.taskQualities(),
		maskField("cpus", func(i int) *dump.Value[dump.CPUMask] { return &task(i).CPUs }),
		numberField("weight", func(i int) dump.Value[uint32] { return task(i).Weight }),
		x.kindField("flags", func(k *taskKinds) []string {
			if k.known&knownFlags == 0 {
				return nil
			}
			return s.Kernel.TaskFlagNames(k.flags)
		}).found(),
		x.kindField("cgroup", func(k *taskKinds) []string { return x.kinds.cgroup.words(k.cgroup) }).found(),
		x.kindField("ops_state", func(k *taskKinds) []string {
			if k.known&knownOps == 0 {
				return nil
			}
			return []string{k.ops.String()}
		}).found(),
		x.kindField("scx_state", func(k *taskKinds) []string { return x.kinds.scx.words(k.scx) }).found(),
		durationField("slice", func(i int) dump.Value[time.Duration] {
			v := &task(i).Slice
			return dump.Value[time.Duration]{V: time.Duration(min(v.V, 1<<63-1)), Known: v.Known}
		}),
		numberField("vtime", func(i int) dump.Value[uint64] { return task(i).VTime }),
		numberField("dsq_vtime", func(i int) dump.Value[uint64] { return task(i).DSQVTime }),
		durationField("ran", func(i int) dump.Value[time.Duration] { return task(i).RunTime }),
		numberField("runs", func(i int) dump.Value[uint64] { return task(i).Runs }),
		x.kindField("owner", func(k *taskKinds) []string { return x.kinds.owner.words(k.owner) }).found(),
		numberField("tgid", func(i int) dump.Value[int32] { return task(i).TGID }),
		numberField("llc", func(i int) dump.Value[int32] { return task(i).LLC }),
	}
}

func (x *index) cellField() field {
	return numberField("cell", func(i int) dump.Value[int32] {
		k := x.kinds.task(i)
		return dump.Value[int32]{V: k.cell, Known: k.known&knownCell != 0}
	})
}

// taskQualities is what tasks are or are not.
func (x *index) taskQualities() field {
	task := func(i int) *dump.Task { return &x.s.Tasks[i] }
	stands := func(name text, ways ...standing) quality {
		return quality{name, func(i int) bool {
			for _, w := range ways {
				if x.kinds.task(i).how == w {
					return true
				}
			}
			return false
		}}
	}
	return isField(
		stands("runnable", runs, waits), stands("waiting", waits), stands("running", runs),
		stands("asleep", sleeps), stands("sleeping", sleeps),
		quality{"pinned", func(i int) bool { return task(i).CPUs.Known && task(i).CPUs.V.Count() == 1 }},
		quality{"kthread", func(i int) bool { return task(i).PFFlags.V&dump.PFKThread != 0 }},
		quality{"exiting", func(i int) bool { return task(i).PFFlags.V&dump.PFExiting != 0 }},
		quality{"stale", func(i int) bool { return x.s.IsStale(task(i)) }},
	)
}

// dsqWords are what a DSQ can be called in a filter.
func dsqWords(d dump.DSQRef) []string {
	if d.IsNone() {
		return []string{d.String()}
	}
	return []string{d.String(), string(d.Kind), d.ID.String()}
}
