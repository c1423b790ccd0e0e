// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"slices"

	"scxdiag/dump"
)

// clone copies a snapshot with everything that rendering writes to.
func clone(s *dump.Snapshot) *dump.Snapshot {
	c := *s
	if s.Exit != nil {
		e := *s.Exit
		e.Backtrace = slices.Clone(e.Backtrace)
		c.Exit = &e
	}
	c.Cells = slices.Clone(s.Cells)
	for i := range c.Cells {
		c.Cells[i].LLCs = slices.Clone(c.Cells[i].LLCs)
	}
	c.CPUs = slices.Clone(s.CPUs)
	for i := range c.CPUs {
		p := &c.CPUs[i]
		p.Scheduler, p.Text, p.Unknown = slices.Clone(p.Scheduler), slices.Clone(p.Text), slices.Clone(p.Unknown)
	}
	c.Tasks = slices.Clone(s.Tasks)
	for i := range c.Tasks {
		t := &c.Tasks[i]
		t.Scheduler, t.Text, t.Unknown = slices.Clone(t.Scheduler), slices.Clone(t.Text), slices.Clone(t.Unknown)
		t.Stack = slices.Clone(t.Stack)
	}
	c.DSQs, c.Events, c.Counters = slices.Clone(s.DSQs), slices.Clone(s.Events), slices.Clone(s.Counters)
	for i := range c.Events {
		c.Events[i].Unknown = slices.Clone(c.Events[i].Unknown)
	}
	c.Text, c.Build = slices.Clone(s.Text), slices.Clone(s.Build)
	return &c
}
