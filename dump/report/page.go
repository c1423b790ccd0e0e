// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"slices"

	"scxdiag/dump"
)

// page is what text and Markdown show of a snapshot.
type page struct {
	verdict  phrase // one sentence
	message  string // what the kernel or the scheduler said, printable; "" if nothing
	warning  []row  // what to know before anything else
	findings []finding
	actors   []actor // whom it is about, for formats that have tables
	blocks   [][]row // what else there is
	origin   []row   // where it comes from and what of it is missing
}

// row is one labelled fact. Labels are words of this program.
type row struct {
	label string
	sub   bool     // belongs to the row above
	lines []phrase //
	code  []string // verbatim lines, printable; follow lines
	// top is how many lines of code a format that is short of space shows,
	// and skip how many uninteresting ones it leaves out before those; skipped
	// says what they are.
	top, skip int
	skipped   string
}

func newPage(s *dump.Snapshot) page {
	p := page{verdict: verdict(s)}
	if s.Exit != nil {
		p.message = dump.Printable(s.Exit.Message.V)
	}
	for i := range s.Findings {
		p.findings = append(p.findings, newFinding(s, &s.Findings[i]))
	}
	p.warning = faultRows(s)
	p.add(workRows(s))
	f := newFocus(s)
	p.actors = actors(s, f)
	p.add(f.rows())
	p.add(exitRows(s, f))
	p.add(contentRows(s, f))
	p.origin = slices.Concat(signatureRows(s), sourceRows(s), []row{ledgerRow(s)}, notEvaluatedRows(s))
	return p
}

func (p *page) add(rows []row) {
	if len(rows) > 0 {
		p.blocks = append(p.blocks, rows)
	}
}

// fact is a row with those lines that are not empty; ok is false if all are.
func fact(label string, lines ...phrase) (r row, ok bool) {
	r.label = label
	for _, l := range lines {
		if len(l) > 0 {
			r.lines = append(r.lines, l)
		}
	}
	return r, len(r.lines) > 0
}

// verdict is the first sentence: which scheduler, and what became of it.
func verdict(s *dump.Snapshot) phrase {
	name := say("sched_ext scheduler")
	if s.Scheduler != "" {
		name = say("sched_ext scheduler ", quoted(s.Scheduler))
	}
	if s.Sub != nil {
		name = say(name, " (sub-scheduler of ", quoted(s.Sub.Path), ")")
	}
	x := s.Exit
	switch {
	case x == nil && s.Trigger == dump.TriggerSysRq:
		return say(name, ": live dump by SysRq-D, no failure")
	case x == nil && s.Trigger == dump.TriggerSample:
		return say(name, ": live sample, no failure")
	case x == nil && s.Trigger == dump.TriggerHalfway:
		return say(name, ": live sample, no failure yet: a task had waited for half of what the watchdog allows")
	case x == nil:
		return say(name, ": verdict unknown, for the beginning of the dump is missing")
	}
	ended := " ended: "
	if x.IsFailure() {
		ended = " failed: "
	}
	reason := say("reason unknown")
	if r := x.Reason.Or(x.Kind.V.Reason()); r != "" {
		reason = say(quoted(r))
	}
	p := say(name, ended, reason)
	if x.Kind.Known {
		p = say(p, " (", x.Kind.V.String(), ", exit kind ", int32(x.Kind.V), ")")
	}
	if x.Code.Known && x.Code.V != 0 {
		p = say(p, ", code ", x.Code.V)
	}
	return p
}

// exitRows says where the verdict was reached, as far as the focus does not.
func exitRows(s *dump.Snapshot, f *focus) []row {
	x := s.Exit
	if x == nil {
		return nil
	}
	var rows []row
	if f.task == nil || f.label != labelRaisedIn {
		var by, on phrase
		if x.Task.Known {
			by = say("in ", x.Task.V)
		}
		if x.CPU.Known {
			on = say("on CPU ", x.CPU.V)
		}
		if r, ok := fact("raised", join(" ", by, on)); ok {
			rows = append(rows, r)
		}
	}
	if len(x.Backtrace) > 0 {
		rows = append(rows, row{
			label: "backtrace", code: printableLines(x.Backtrace), top: 4,
			skip: min(errorFrames(x.Backtrace), len(x.Backtrace)-1), skipped: "of the error path",
		})
	}
	return rows
}
