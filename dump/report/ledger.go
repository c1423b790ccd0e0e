// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"fmt"
	"strings"

	"scxdiag/dump"
)

// ledgerRow says what is missing from the snapshot, or that nothing is.
func ledgerRow(s *dump.Snapshot) row {
	l := &s.Ledger
	if l.Complete() {
		return row{label: "ledger", lines: []phrase{join(": ", say("complete"), accounted(l))}}
	}
	lines := []phrase{join(": ", say("INCOMPLETE"), accounted(l))}
	if l.Truncated {
		lines = append(lines, say("the end of the dump is cut off"))
	}
	lines = append(lines, strangeLines(s)...)
	lines = append(lines, distrusted(s)...)
	for _, r := range l.Records {
		if r.Expected != r.Received || r.Dropped > 0 {
			lines = append(lines, say(quoted(r.Kind), " records: ", r.Received, " of ", r.Expected, " received, ",
				r.Dropped, " dropped"))
		}
	}
	for _, n := range l.Notes {
		lines = append(lines, say(quoted(n)))
	}
	return row{label: "ledger", lines: lines}
}

// ledgerExamples is how many lines or values are shown where many are missing.
const ledgerExamples = 3

func strangeLines(s *dump.Snapshot) []phrase {
	l := &s.Ledger
	if l.Lines.NotUnderstood == 0 {
		return nil
	}
	lines := []phrase{say(plural(l.Lines.NotUnderstood, "line"), " not understood")}
	for i, strange := range l.NotUnderstood {
		if i == ledgerExamples {
			break
		}
		lines = append(lines, join(": ", say("  ", sourceLine(s.Line(strange.At))), say(quoted(short(strange.Text)))))
	}
	return lines
}

func distrusted(s *dump.Snapshot) []phrase {
	n := len(s.Ledger.Distrusted)
	if n == 0 {
		return nil
	}
	lines := []phrase{say(plural(n, "value"), " left out because the text is damaged")}
	for i, d := range s.Ledger.Distrusted {
		if i == ledgerExamples {
			break
		}
		lines = append(lines, join(": ", say("  ", sourceLine(s.Line(d.At))),
			say(quoted(strings.TrimSpace(d.Entity+" "+d.Field+" "+short(d.Text))))))
	}
	return lines
}

// accounted says what became of the lines or records.
func accounted(l *dump.Ledger) phrase {
	var p phrase
	for _, c := range []struct {
		n    int
		what string
	}{
		{l.Lines.Parsed, "understood"},
		{l.Lines.Verbatim, "kept verbatim"},
		{l.Lines.Blank, "blank"},
		{l.Lines.Foreign, "of other programs"},
		{l.Lines.Truncated, "cut off"},
	} {
		switch {
		case c.n > 0 && len(p) == 0:
			p = say(plural(c.n, "line"), " ", c.what)
		case c.n > 0:
			p = say(p, ", ", c.n, " ", c.what)
		}
	}
	var records phrase
	for _, r := range l.Records {
		if r.Received > 0 {
			records = join(", ", records, say(r.Received, " ", quoted(r.Kind)))
		}
	}
	if len(records) > 0 {
		p = join(", ", p, say("records received: ", records))
	}
	return p
}

// sourceLine names a line of the source.
func sourceLine(line int) string {
	if line <= 0 {
		return "no line"
	}
	return fmt.Sprint("line ", line)
}

// short cuts a line of a dump that is shown as an example.
func short(s string) string {
	const limit = 60
	s = strings.TrimSpace(s)
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "..."
}
