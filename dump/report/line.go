// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"fmt"
	"time"

	"scxdiag/dump"
)

// Line is a snapshot in a line, fit for a terminal: its time, the first digits of its
// id, the scheduler, and what became of that, or what waits.
func Line(s *dump.Snapshot) string {
	what := string(s.Trigger)
	if s.IsUndecided() {
		what = "verdict unknown"
	}
	if t := s.LongestWaiting(); s.Exit == nil && t != nil {
		waited, _ := t.WaitingFor()
		what += fmt.Sprintf(": %s waits for %s", t.TaskRef, waited)
	}
	if e := s.Exit; e != nil {
		what = e.Kind.V.String()
		if e.Message.Known {
			what += ": " + e.Message.V
		}
	}
	if len(s.Findings) > 0 && s.IsFailure() {
		what += "; " + s.Findings[0].Title
	}
	const idLen = 8
	return dump.Printable(fmt.Sprintf("%s  %s  %s  %s", s.Time.Format(time.RFC3339), s.ID()[:idLen], s.Scheduler, what))
}
