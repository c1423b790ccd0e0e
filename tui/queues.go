// SPDX-License-Identifier: GPL-2.0-only

package tui

import "scxdiag/dump"

// newQueueList is the table of the DSQs: those that the scheduler's text describes,
// and those that tasks are on.
func newQueueList(x *index) *list {
	queue := func(i int) *queue { return &x.queues[i] }
	nameWidth := 14
	for i := range x.queues {
		nameWidth = max(nameWidth, min(queue(i).name().width(), 24))
	}
	l := &list{
		noun:   "DSQs",
		empty:  "No task of this snapshot is on a DSQ.",
		n:      len(x.queues),
		place:  x.placeOfQueue,
		fields: queueFields(x),
	}
	l.columns = []column{
		{
			title: "DSQ", width: nameWidth, grow: 20,
			cell: func(i int) span { return span{name, queue(i).name()} },
			key:  func(i int) sortKey { return byNumber(i, true) },
		},
		{
			title: "kind", width: 8,
			cell: func(i int) span { return textSpan(queue(i).ref.Known, clean(string(queue(i).ref.V.Kind))) },
			key: func(i int) sortKey {
				return byKnownText(string(queue(i).ref.V.Kind), queue(i).ref.Known)
			},
		},
		{
			title: "queued", width: 6, right: true, desc: true,
			cell: func(i int) span { return numberSpan(x.queued(queue(i))) },
			key: func(i int) sortKey {
				n := x.queued(queue(i))
				return byNumber(n.V, n.Known)
			},
		},
		{
			title: "waiting", width: 7, right: true, desc: true,
			cell: func(i int) span { return countSpan(&queue(i).group, waits) },
			key:  func(i int) sortKey { return waitingKey(&queue(i).group) },
		},
		{
			title: "oldest", width: 8, right: true, desc: true,
			cell: func(i int) span {
				if w := waitSpan(&queue(i).group); w.text != unknown {
					return w
				}
				if t := queue(i).text; t != nil && t.HeadWait.Known {
					return span{plain, duration(t.HeadWait.V)}
				}
				return span{muted, unknown}
			},
			key: func(i int) sortKey { return waitKey(&queue(i).group) },
		},
		{
			title: "oldest task", width: 16, grow: 8, drop: 2,
			cell: func(i int) span {
				t := x.oldestOf(&queue(i).group)
				return textSpan(t.PID > 0, clean(t.TaskRef.String()))
			},
			key: func(i int) sortKey { return byText(x.oldestOf(&queue(i).group).Comm) },
		},
		{
			title: "head", width: 16, grow: 8, drop: 1,
			cell: func(i int) span { return x.head(queue(i)) },
			key:  func(i int) sortKey { return byText(string(x.head(queue(i)).text)) },
		},
		{
			title: "served by CPUs", width: 14, grow: 20, drop: 3,
			cell: func(i int) span { return masked(x.servedBy(queue(i))) },
			key: func(i int) sortKey {
				m := x.servedBy(queue(i))
				return byNumber(m.V.Count(), m.Known)
			},
		},
	}
	return l
}

// queueFields are what the filter can ask of DSQs.
func queueFields(x *index) []field {
	queue := func(i int) *queue { return &x.queues[i] }
	var served dump.Value[dump.CPUMask] // by the one asked for last
	return []field{
		textField("dsq", func(i int) dump.Value[string] { return dump.Of(string(queue(i).name())) }).found(),
		textField("kind", func(i int) dump.Value[string] {
			return dump.Value[string]{V: string(queue(i).ref.V.Kind), Known: queue(i).ref.Known}
		}).found(),
		textField("id", func(i int) dump.Value[string] {
			return dump.Value[string]{V: queue(i).ref.V.ID.String(), Known: queue(i).ref.Known}
		}).found(),
		numberField("queued", func(i int) dump.Value[int64] { return x.queued(queue(i)) }),
		numberField("waiting", func(i int) dump.Value[int] { return dump.Of(queue(i).in(waits)) }),
		groupWaitField("oldest", func(i int) *group { return &queue(i).group }),
		maskField("cpus", func(i int) *dump.Value[dump.CPUMask] {
			served = x.servedBy(queue(i))
			return &served
		}),
		isField(
			quality{"waiting", func(i int) bool { return queue(i).in(waits) > 0 }},
			quality{"empty", func(i int) bool { return queue(i).size() == 0 && x.queued(queue(i)).V == 0 }},
		),
	}
}

// servedBy is the CPUs that take tasks from a queue, as far as that is known.
func (x *index) servedBy(q *queue) dump.Value[dump.CPUMask] {
	if q.text != nil && q.text.CPUs.Known {
		return q.text.CPUs
	}
	switch q.ref.V.Kind {
	case dump.DSQKindCPU, dump.DSQKindLocal, dump.DSQKindLocalOn:
		if q.ref.V.CPU >= 0 {
			return dump.Of(dump.MaskOf(int(q.ref.V.CPU)))
		}
	case dump.DSQKindCell:
		if c := x.s.Cell(q.ref.V.Cell); c != nil {
			return c.CPUs
		}
	}
	return dump.Value[dump.CPUMask]{}
}

// queued is how many tasks are on a queue, by who counts them.
func (x *index) queued(q *queue) dump.Value[int64] {
	if q.text != nil {
		return q.text.Queued
	}
	switch q.ref.V.Kind {
	case dump.DSQKindCPU:
		if c := x.cpu(q.ref.V.CPU); c != nil {
			return c.Queued
		}
	case dump.DSQKindCell:
		if c := x.s.Cell(q.ref.V.Cell); c != nil && len(c.LLCs) == 0 {
			return c.Queued
		}
	}
	return dump.Value[int64]{}
}

// head is the task that the queue gives next: the first that the scheduler lists, or
// the one of the least vtime if all are ordered by that.
func (x *index) head(q *queue) span {
	if q.text != nil && len(q.text.PIDs) > 0 {
		if i, is := x.byPID[q.text.PIDs[0]]; is {
			return span{name, clean(x.s.Tasks[i].TaskRef.String())}
		}
		return span{plain, "pid " + number(q.text.PIDs[0])}
	}
	first := -1
	for _, i := range q.tasks {
		t := &x.s.Tasks[i]
		if t.DSQFlags.V&1 == 0 || !t.DSQVTime.Known {
			return span{muted, unknown}
		}
		if first < 0 || int64(t.DSQVTime.V-x.s.Tasks[first].DSQVTime.V) < 0 { //nolint:gosec // a wrapping difference
			first = i
		}
	}
	if first < 0 {
		return span{muted, unknown}
	}
	return span{name, clean(x.s.Tasks[first].TaskRef.String())}
}

// queuePage shows all that is known of one DSQ.
func queuePage(x *index, p place, width int) []item {
	w := newWriter(width)
	i := x.findQueue(p)
	if i < 0 {
		w.para(line{{warning, p.title() + " is not in this snapshot, or no task is on it."}}, nowhere, dump.Span{})
		return w.items
	}
	q := &x.queues[i]
	w.section("DSQ " + q.name())
	if q.ref.Known {
		w.value("id", clean(q.ref.V.ID.String())+", "+clean(string(q.ref.V.Kind)), x.span(p))
		switch q.ref.V.Kind {
		case dump.DSQKindCell:
			w.field("cell", cellLine(x, q.ref.V.Cell), placeOfCell(q.ref.V.Cell), dump.Span{})
		case dump.DSQKindCPU, dump.DSQKindLocal:
			if q.ref.V.CPU >= 0 {
				w.field("CPU", cpuLine(x, q.ref.V.CPU), placeOfCPU(q.ref.V.CPU), dump.Span{})
			}
		}
	}
	if d := q.text; d != nil {
		if d.Queued.Known {
			w.field("nr_queued", line{numberSpan(d.Queued)}, nowhere, d.Queued.At)
		}
		if d.NrCPUs.Known {
			w.value("nr_cpus", number(d.NrCPUs.V), d.NrCPUs.At)
		}
		if d.CPUs.Known {
			w.value("CPUs", maskText(x, d.CPUs.V), d.CPUs.At)
		}
		if d.HeadWait.Known {
			w.value("first task", "waits "+duration(d.HeadWait.V), d.HeadWait.At)
		}
		if len(d.PIDs) > 0 {
			pids := make([]text, len(d.PIDs))
			for k, pid := range d.PIDs {
				pids[k] = number(pid)
			}
			w.value("pids", join(pids, " "), d.At)
		}
	}
	taskRows(w, x, "Tasks that the dump shows on it", &q.group)
	return w.items
}
