// SPDX-License-Identifier: GPL-2.0-only

package tui

import "scxdiag/dump"

// view is what a screen shows.
type view uint8

const (
	viewTriage view = iota
	viewCells
	viewCPUs
	viewTasks
	viewQueues
	viewEvents
	viewCounters
	viewRaw
	viewTask
	viewCPU
	viewCell
	viewQueue
	viewCgroups
	viewCgroup
	viewRule
	viewMasks
	viewSnapshot // never shown: it goes to another snapshot
	nrViews
)

// numbered are the views that the tabs show, by their numbers.
var numbered = []struct {
	nr      int
	view    view
	command command
}{
	{1, viewTriage, cmdTriage},
	{2, viewCells, cmdCells},
	{3, viewCPUs, cmdCPUs},
	{4, viewTasks, cmdTasks},
	{5, viewQueues, cmdQueues},
	{6, viewMasks, cmdMasks},
	{7, viewEvents, cmdEvents},
	{8, viewCounters, cmdCounters},
	{9, viewRaw, cmdRaw},
}

// viewOf is the view that a command starts. That of the source text is no start: it
// shows where what is selected comes from.
func viewOf(c command) (view, bool) {
	for _, v := range numbered {
		if v.command == c {
			return v.view, c != cmdRaw
		}
	}
	return 0, false
}

// place is where a user can be or go: a view, and the thing that it shows if
// the view is of one thing. It names things by their identity, not by their
// index, so that it means the same in the next snapshot.
type place struct {
	view view
	task dump.TaskRef // of viewTask
	nth  int32        // of viewTask: which one, if several have that name
	id   int32        // of viewCPU, viewCell and viewSnapshot
	dsq  dump.DSQRef  // of viewQueue
	name string       // of viewQueue, where the scheduler's text describes it; of viewCgroup, its path; of viewRule

	cgroup uint64 // of viewCgroup: its id
}

// nowhere is not a place to go to.
var nowhere = place{}

func placeOfCPU(id int32) place  { return place{view: viewCPU, id: id} }
func placeOfCell(id int32) place { return place{view: viewCell, id: id} }

func (x *index) placeOfTask(i int) place {
	return place{view: viewTask, task: x.s.Tasks[i].TaskRef, nth: x.nth[i]}
}

func (x *index) placeOfQueue(i int) place {
	p := place{view: viewQueue, dsq: x.queues[i].ref.V}
	if t := x.queues[i].text; t != nil {
		p.name = t.Name
	}
	return p
}

// placeOfCgroup is where a cgroup is shown, nowhere if the snapshot does not
// have it.
func (x *index) placeOfCgroup(id uint64) place {
	i, is := x.cgroupAt[id]
	if !is {
		return nowhere
	}
	return place{view: viewCgroup, cgroup: id, name: x.s.Cgroups[i].Path.V}
}

// findTask finds the task of a place: -1 if the snapshot does not have it. A
// task may change its comm; its pid decides if nothing else fits.
func (x *index) findTask(p place) int {
	first, is := x.byPID[p.task.PID]
	if !is {
		return -1
	}
	for i := first; is; i, is = x.samePID[i] {
		if x.s.Tasks[i].TaskRef == p.task && x.nth[i] == p.nth {
			return i
		}
	}
	if p.task.PID > 0 {
		return first
	}
	return -1
}

// findQueue finds the queue of a place: -1 if the snapshot does not have it.
func (x *index) findQueue(p place) int {
	if i, is := x.queueAt[p.dsq]; is && x.placeOfQueue(i) == p {
		return i
	}
	for i := range x.queues {
		if x.placeOfQueue(i) == p {
			return i
		}
	}
	return -1
}

// group is the tasks that belong to a place, nil if the place is not of
// something that has tasks.
func (x *index) group(p place) *group {
	switch p.view {
	case viewCPU:
		return x.byCPU[p.id]
	case viewCell:
		return x.byCell[p.id]
	case viewQueue:
		if i := x.findQueue(p); i >= 0 {
			return &x.queues[i].group
		}
	case viewCgroup:
		return x.byCgroup[p.cgroup]
	}
	return nil
}

// has reports whether the snapshot has the thing that a place shows; false for
// places that are not of one thing.
func (x *index) has(p place) bool {
	switch p.view {
	case viewTask:
		return x.findTask(p) >= 0
	case viewCPU:
		return x.cpu(p.id) != nil
	case viewCell:
		return x.s.Cell(p.id) != nil
	case viewQueue:
		return x.findQueue(p) >= 0
	case viewCgroup:
		return x.s.Cgroup(p.cgroup) != nil
	}
	return false
}

// span is the part of Raw that proves what a place shows.
func (x *index) span(p place) dump.Span {
	switch p.view {
	case viewTask:
		if t := x.task(x.findTask(p)); t != nil {
			return t.At
		}
	case viewCPU:
		if c := x.cpu(p.id); c != nil {
			return c.At
		}
	case viewCell:
		if c := x.s.Cell(p.id); c != nil {
			return c.At
		}
	case viewQueue:
		if i := x.findQueue(p); i >= 0 && x.queues[i].text != nil {
			return x.queues[i].text.At
		}
	}
	return dump.Span{}
}

// title names a place for people.
func (p place) title() text {
	switch p.view {
	case viewTriage:
		return "Triage"
	case viewCPUs:
		return "CPUs"
	case viewTasks:
		return "Tasks"
	case viewCells:
		return "Cells"
	case viewQueues:
		return "Queues"
	case viewMasks:
		return "Masks"
	case viewCounters:
		return "Counters"
	case viewRaw:
		return "Raw"
	case viewEvents:
		return "Events"
	case viewTask:
		return "task " + clean(p.task.String())
	case viewCPU:
		return "CPU " + number(p.id)
	case viewCell:
		return "cell " + number(p.id)
	case viewQueue:
		if p.name != "" {
			return "DSQ " + clean(p.name)
		}
		return "DSQ " + dsqName(p.dsq)
	case viewCgroups:
		return "Cgroups"
	case viewCgroup:
		if p.name != "" {
			return "cgroup " + clean(p.name)
		}
		return "cgroup " + number(p.cgroup)
	case viewRule:
		return "rule " + clean(p.name)
	}
	return ""
}

// kind is what sort of thing a place shows.
func (p place) kind() text {
	switch p.view {
	case viewTask:
		return "Task"
	case viewCPU:
		return "CPU"
	case viewCell:
		return "Cell"
	case viewQueue:
		return "DSQ"
	case viewCgroup:
		return "Cgroup"
	}
	return p.title()
}
