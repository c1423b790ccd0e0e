// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"fmt"

	"scxdiag/dump"
)

var eventOrder = Rule{
	Name:  "ev-order",
	Title: "the history contradicts itself",
	needs: state | whole,
	Page: Page{
		Happened: "Of cgroups and tasks each has a beginning and an end, in that order, and the history has one that has not: the kernel called in an order that the scheduler does not expect, or an event was lost.",
		Shows:    "An event is torn, or events are missing between two; a cgroup begins twice, or a task begins in a cgroup that has not begun or has ended.",
		Confirm:  "Look at the events around it.",
		Fix:      "Expect that order, and make what is missing when it is first needed.",
	},
	check: func(v *view) []*finding {
		e, what := disorder(v.s.Events)
		if e == nil {
			return nil
		}
		return []*finding{finds(dump.SeverityWarning, dump.ConfidenceHigh, "event %d of the history is out of order: %s", e.Seq, e.Kind).
			because("%s.", what).
			status(v, "event %d: %s cgroup %d pid %d", e.Seq, e.Kind, e.CgroupID.V, e.PID.V).
			then("look at the events around it")}
	},
}

// disorder finds the first event that cannot be where it is, nil if there is none.
func disorder(events []dump.Event) (*dump.Event, string) {
	whole := len(events) > 0 && events[0].Seq == 0
	born, gone := make(map[uint64]bool), make(map[uint64]bool)
	for i := range events {
		e := &events[i]
		id := e.CgroupID.V
		switch {
		case e.Torn:
			return e, "It was being written while it was read"
		case i > 0 && e.Seq != events[i-1].Seq+1:
			return e, fmt.Sprintf("The one before it is %d", events[i-1].Seq)
		}
		switch e.Kind {
		case "cgroup_init":
			if born[id] {
				return e, fmt.Sprintf("Cgroup %d begins a second time", id)
			}
			born[id] = true
		case "cgroup_exit":
			gone[id] = true
			delete(born, id)
		case "init_task":
			if gone[id] {
				return e, fmt.Sprintf("Task %d begins in cgroup %d, which has ended", e.PID.V, id)
			}
			if whole && !born[id] {
				return e, fmt.Sprintf("Task %d begins in cgroup %d before that", e.PID.V, id)
			}
		}
	}
	return nil, ""
}
