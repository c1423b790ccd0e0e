// SPDX-License-Identifier: GPL-2.0-only

package diff

import (
	"cmp"
	"slices"

	"scxdiag/dump"
)

// Queues is how the queues of cells, CPUs and the scheduler itself grew and
// shrank.
type Queues struct {
	Changed []Queue // those whose length changed, the most first
	Lengths Tally
}

// QueueKind says whose queue it is.
type QueueKind string

// The kinds of queue.
const (
	QueueOfCell QueueKind = "cell"
	QueueOfCPU  QueueKind = "cpu"
	QueueOther  QueueKind = "dsq" // that the scheduler describes by itself
)

// Queue is a queue of both snapshots.
type Queue struct {
	Kind          QueueKind
	Of            int32     // id of the cell or CPU
	DSQ           *dump.DSQ // for QueueOther, as it was in After
	Before, After int64     // tasks in it
}

// Delta is by how much the queue grew.
func (q *Queue) Delta() int64 { return q.After - q.Before }

// queues compares lengths. It needs the cells and CPUs to have been compared.
func (d *Diff) queues() {
	r := &d.Queues
	for i := range d.Cells.Progress {
		p := &d.Cells.Progress[i]
		r.add(Queue{Kind: QueueOfCell, Of: p.After.ID}, p.Before.Queued, p.After.Queued)
	}
	before := firstByID(d.Before.CPUs, func(c *dump.CPU) int32 { return c.ID })
	for _, a := range firstByIDInOrder(d.After.CPUs, func(c *dump.CPU) int32 { return c.ID }) {
		if b := before[a.ID]; b != nil {
			r.add(Queue{Kind: QueueOfCPU, Of: a.ID}, b.Queued, a.Queued)
		}
	}
	owned := make(map[dump.DSQID]bool) // told above
	for i := range d.After.Cells {
		if c := &d.After.Cells[i]; c.DSQ.Known && c.Queued.Known {
			owned[c.DSQ.V] = true
		}
	}
	for i := range d.After.CPUs {
		if c := &d.After.CPUs[i]; c.DSQ.Known && c.Queued.Known {
			owned[c.DSQ.V] = true
		}
	}
	dsqs := firstByID(d.Before.DSQs, dsqKey)
	for _, a := range firstByIDInOrder(d.After.DSQs, dsqKey) {
		if b := dsqs[dsqKey(a)]; b != nil && !(a.ID.Known && owned[a.ID.V]) {
			r.add(Queue{Kind: QueueOther, DSQ: a}, b.Queued, a.Queued)
		}
	}
	slices.SortStableFunc(r.Changed, func(a, b Queue) int { return cmp.Compare(size(b.Delta()), size(a.Delta())) })
}

func (r *Queues) add(q Queue, before, after dump.Value[int64]) {
	// a negative length is the error of the scheduler that asked for it
	before.Known, after.Known = before.Known && before.V >= 0, after.Known && after.V >= 0
	s := stateOf(before, after, func(a, b int64) bool { return a == b })
	r.Lengths.add(s)
	if s == Changed {
		q.Before, q.After = before.V, after.V
		r.Changed = append(r.Changed, q)
	}
}

// dsqID is what a DSQ is matched by.
type dsqID struct {
	id    dump.DSQID
	known bool
	name  string
}

func dsqKey(q *dump.DSQ) dsqID {
	if q.ID.Known {
		return dsqID{id: q.ID.V, known: true}
	}
	return dsqID{name: q.Name}
}

// firstByIDInOrder is what firstByID finds, in the order of the list.
func firstByIDInOrder[T any, K comparable](list []T, id func(*T) K) []*T {
	seen := make(map[K]bool, len(list))
	out := make([]*T, 0, len(list))
	for i := range list {
		if e := &list[i]; !seen[id(e)] {
			seen[id(e)] = true
			out = append(out, e)
		}
	}
	return out
}

func size(n int64) int64 { return max(n, -n) }
