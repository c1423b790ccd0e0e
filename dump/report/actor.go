// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"slices"

	"scxdiag/dump"
)

// actor is a line of the table of those that a failure is about.
type actor struct {
	who, does, queue, cpus, vtime phrase
}

// maxActors is how many tasks, CPUs and cells the table has of each.
const maxActors = 8

// actors are those that the focus and the first finding are about; none if nothing
// is wrong.
func actors(s *dump.Snapshot, f *focus) []actor {
	if s.Exit == nil && len(s.Findings) == 0 {
		return nil
	}
	var tasks []*dump.Task
	cpus := slices.Clone(f.cpus)
	var cells []*dump.Cell
	if f.task != nil {
		tasks = append(tasks, f.task)
	}
	if f.cell != nil {
		cells = append(cells, f.cell)
	}
	add := func(entity string) {
		if t := taskOf(s, entity); t != nil && !slices.Contains(tasks, t) {
			tasks = append(tasks, t)
		}
		if n, ok := dump.EntityNumber(entity, "cpu"); ok {
			if c := s.CPU(int32(n)); c != nil && !slices.Contains(cpus, c) { //nolint:gosec // it fits
				cpus = append(cpus, c)
			}
		}
		if n, ok := dump.EntityNumber(entity, "cell"); ok {
			if c := s.Cell(int32(n)); c != nil && !slices.Contains(cells, c) { //nolint:gosec // it fits
				cells = append(cells, c)
			}
		}
	}
	if len(s.Findings) > 0 {
		for _, e := range s.Findings[0].Evidence {
			add(e.Entity)
		}
		for _, entity := range s.Findings[0].Victims[:min(len(s.Findings[0].Victims), maxActors)] {
			add(entity)
		}
	}
	var all []actor
	for _, t := range tasks[:min(len(tasks), maxActors)] {
		all = append(all, taskActor(s, t))
	}
	for _, c := range cpus[:min(len(cpus), maxActors)] {
		all = append(all, cpuActor(s, c))
	}
	for _, c := range cells[:min(len(cells), maxActors)] {
		all = append(all, cellActor(s, c))
	}
	return all
}

func taskActor(s *dump.Snapshot, t *dump.Task) actor {
	a := actor{who: say(t.TaskRef), vtime: taskVTime(s, t)}
	switch d, waits := t.WaitingFor(); {
	case t.Current && t.CPU.Known:
		a.does = say("runs on CPU ", t.CPU.V)
	case t.Current:
		a.does = say("runs")
	case waits:
		a.does = say("waits ", d)
	}
	if t.CPU.Known && !t.Current {
		a.does = join(", ", a.does, say("last on CPU ", t.CPU.V))
	}
	switch {
	case t.HeldByBPF():
		a.queue = say("none: the BPF scheduler has it")
	case t.DSQ.Known && !t.DSQ.V.IsNone():
		a.queue = say(quoted(t.DSQ.V.String()))
	}
	if t.CPUs.Known {
		a.cpus = say(t.CPUs.V.String())
	}
	if t.MigrationDisabled.V > 0 {
		a.cpus = join(", ", a.cpus, say("migration disabled"))
	}
	return a
}

func cpuActor(s *dump.Snapshot, c *dump.CPU) actor {
	a := actor{who: say("CPU ", c.ID), does: cpuRuns(s, c)}
	if c.Queued.Known {
		a.queue = say(queueLength(c.Queued.V))
	}
	if c.Cell.Known {
		a.cpus = say("cell ", c.Cell.V)
	}
	if c.VTime.Known {
		a.vtime = say(c.VTime.V)
	}
	return a
}

func cellActor(s *dump.Snapshot, c *dump.Cell) actor {
	a := actor{who: say("cell ", c.ID), does: cellState(s, c)}
	if c.Queued.Known {
		a.queue = say(queueLength(c.Queued.V))
	}
	if c.CPUs.Known {
		a.cpus = say(c.CPUs.V.String())
	}
	if c.VTime.Known {
		a.vtime = say(c.VTime.V)
	}
	return a
}
