// SPDX-License-Identifier: GPL-2.0-only

package triage

import "scxdiag/dump"

var queueOrphan = Rule{
	Name:    "dsq-orphan",
	Title:   "tasks are on the queue of a cell that has ended",
	follows: []string{"timer-stopped", "token-held"},
	needs:   state,
	Page: Page{
		Happened: "A cell ended while tasks were on its queue, or a task was put there afterwards. No CPU serves that queue, so they wait for ever.",
		Shows:    "The queue of a cell has tasks, and the cell is free, or has been draining for seconds.",
		Confirm:  "Look whether the same tasks are there in a second snapshot.",
		Fix:      "Empty the queue before the id is free, and wait for a grace period before that, so that nobody can still add to it.",
	},
	check: func(v *view) []*finding {
		var found []*finding
		for i := range v.s.DSQs {
			q := &v.s.DSQs[i]
			ref, ok := dump.TypedDSQ(q.ID.V)
			if !ok || ref.Kind != dump.DSQKindCell || q.Queued.V <= 0 {
				continue
			}
			c := v.cells[ref.Cell]
			switch {
			case c == nil || c.State.V == dump.CellFree:
			case c.State.V == dump.CellDrain:
				if ago, ok := v.s.Since(c.Since.V); !ok || ago < timerAfter {
					continue
				}
			default:
				continue
			}
			victims := v.byDSQ[q.ID.V]
			f := v.stallFinding(dump.ConfidenceHigh, victims, "%s on the queue of cell %d, which has ended", counted(int(q.Queued.V), "task is", "tasks are"), ref.Cell).
				because("The queue of cell %d has %s, and the cell is no longer in use: no CPU serves it.", ref.Cell, counted(int(q.Queued.V), "task", "tasks"))
			f.Severity = dump.SeverityError
			f.status(v, "DSQ %s of cell %d: %d queued", q.ID.V, ref.Cell, q.Queued.V)
			if c != nil {
				f.cell(v, c)
			}
			if len(victims) > 0 {
				f.task(v, victims[0])
			}
			found = append(found, f.then("look at what empties the queue of a cell that ends"))
		}
		return found
	},
}
