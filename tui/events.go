// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"
	"time"

	"scxdiag/dump"
)

// newEventList is the table of the scheduler's history, the newest step last.
func newEventList(x *index) *list {
	event := func(i int) *dump.Event { return &x.s.Events[i] }
	var first uint64
	for i := range x.s.Events {
		if t := event(i).Time; t.Known {
			first = t.V
			break
		}
	}
	l := &list{
		noun:   "events",
		empty:  "This snapshot has no history of the scheduler.",
		n:      len(x.s.Events),
		tail:   true,
		place:  func(i int) place { return x.placeOfEvent(event(i)) },
		same:   func(i int) any { return event(i).Seq },
		fields: eventFields(x),
	}
	l.columns = []column{
		{
			title: "#", width: 7, right: true,
			cell: func(i int) span { return span{plain, number(event(i).Seq)} },
			key:  func(i int) sortKey { return byNumber(event(i).Seq, true) },
		},
		{
			// The clock counts from the boot of the machine.
			title: "time", width: 12, right: true,
			cell: func(i int) span {
				t := event(i).Time
				return textSpan(t.Known, seconds(t.V))
			},
			key: func(i int) sortKey { return byNumber(event(i).Time.V-first, event(i).Time.Known) },
		},
		{
			title: "event", width: 13, grow: 7,
			cell: func(i int) span {
				if event(i).Torn { // its fields may belong to two steps
					return span{warning, "! " + clean(event(i).Kind)}
				}
				return span{plain, clean(event(i).Kind)}
			},
			key: func(i int) sortKey { return byText(event(i).Kind) },
		},
		{
			title: "task", width: 16, grow: 8,
			cell: func(i int) span { return x.eventTask(event(i)) },
			key:  func(i int) sortKey { return byNumber(event(i).PID.V, event(i).PID.V > 0) },
		},
		{
			title: "of", width: 20, grow: 60,
			cell: func(i int) span { return span{plain, x.eventObject(event(i))} },
			key:  func(i int) sortKey { return byText(string(x.eventObject(event(i)))) },
		},
		{
			title: "CPU", width: 4, right: true, drop: 1,
			cell: func(i int) span { return numberSpan(event(i).CPU) },
			key:  func(i int) sortKey { return byNumber(event(i).CPU.V, event(i).CPU.Known) },
		},
	}
	return l
}

// seconds is a time of the machine's clock.
func seconds(ns uint64) text {
	return textf("%d.%06d", ns/uint64(time.Second), ns%uint64(time.Second)/uint64(time.Microsecond))
}

// eventCell is the cell that a step is about.
func eventCell(e *dump.Event) (int32, bool) {
	return int32(uint32(e.Arg.V)), e.Arg.Known && strings.HasPrefix(e.Kind, "cell_") //nolint:gosec // the scheduler's id
}

// eventCPU is the CPU that came or went.
func eventCPU(e *dump.Event) (int32, bool) {
	return int32(uint32(e.Arg.V)), e.Arg.Known && strings.HasPrefix(e.Kind, "cpu_") //nolint:gosec // the scheduler's id
}

// placeOfEvent is where to read on: the task, if it is still there, the cell,
// the CPU or the cgroup.
func (x *index) placeOfEvent(e *dump.Event) place {
	if i, ok := x.byPID[e.PID.V]; ok && e.PID.V > 0 {
		return x.placeOfTask(i)
	}
	if id, ok := eventCell(e); ok {
		return placeOfCell(id)
	}
	if id, ok := eventCPU(e); ok {
		return placeOfCPU(id)
	}
	return x.placeOfCgroup(e.CgroupID.V)
}

func (x *index) eventTask(e *dump.Event) span {
	if !e.PID.Known || e.PID.V == 0 {
		return span{muted, unknown}
	}
	if i, ok := x.byPID[e.PID.V]; ok {
		return span{name, clean(x.s.Tasks[i].TaskRef.String())}
	}
	return span{muted, "pid " + number(e.PID.V)} // it has ended
}

// eventObject says what a step was done to.
func (x *index) eventObject(e *dump.Event) text {
	var parts []text
	if id, ok := eventCell(e); ok {
		parts = append(parts, "cell "+number(id))
	}
	if strings.HasPrefix(e.Kind, "apply_") && e.Arg.Known {
		parts = append(parts, "configuration "+number(e.Arg.V))
	}
	if id, ok := eventCPU(e); ok {
		parts = append(parts, "CPU "+number(id))
	}
	if strings.HasPrefix(e.Kind, "gp_") && e.Arg.Known {
		parts = append(parts, "grace period "+number(e.Arg.V))
	}
	if (e.Kind == "cpuset_end" || e.Kind == "timer_arm" || e.Kind == "error") && e.Arg.V != 0 {
		parts = append(parts, "errno "+number(e.Arg.V))
	}
	if e.CgroupID.Known && e.CgroupID.V > 0 {
		cgroup := x.cgroup(e.CgroupID.V)
		if e.Kind == "cgroup_move" && e.Arg.Known {
			cgroup += " from " + x.cgroup(e.Arg.V)
		}
		parts = append(parts, cgroup)
	}
	for _, kv := range e.Unknown {
		parts = append(parts, clean(kv.Key)+"="+clean(kv.Value))
	}
	return join(parts, ", ")
}

// cgroup is the path of a cgroup, where a task or a cell tells it.
func (x *index) cgroup(id uint64) text {
	if path, ok := x.cgroups[id]; ok {
		return clean(path)
	}
	return "cgroup " + number(id)
}

// eventFields are what the filter can ask of the steps of the history.
func eventFields(x *index) []field {
	event := func(i int) *dump.Event { return &x.s.Events[i] }
	return []field{
		textField("event", func(i int) dump.Value[string] { return dump.Of(event(i).Kind) }).found(),
		textField("task", func(i int) dump.Value[string] { return dump.Of(string(x.eventTask(event(i)).text)) }).found(),
		textField("of", func(i int) dump.Value[string] { return dump.Of(string(x.eventObject(event(i)))) }).found(),
		numberField("pid", func(i int) dump.Value[int32] { return event(i).PID }),
		numberField("cpu", func(i int) dump.Value[int32] { return event(i).CPU }),
		numberField("cell", func(i int) dump.Value[int32] {
			id, known := eventCell(event(i))
			return dump.Value[int32]{V: id, Known: known}
		}),
		sharedField("cgroup", func(i int) dump.Value[uint64] {
			id := event(i).CgroupID
			id.Known = id.Known && id.V > 0
			return id
		}, func(id uint64) []string { return []string{string(x.cgroup(id))} }),
		durationField("time", func(i int) dump.Value[time.Duration] {
			t := event(i).Time
			return dump.Value[time.Duration]{V: time.Duration(min(t.V, 1<<63-1)), Known: t.Known}
		}),
		numberField("seq", func(i int) dump.Value[int64] { return dump.Of(event(i).Seq) }),
		isField(quality{"torn", func(i int) bool { return event(i).Torn }}),
	}
}
