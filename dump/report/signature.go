// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"time"

	"scxdiag/dump"
)

// signatureRows say by what the failure is recognised.
func signatureRows(s *dump.Snapshot) []row {
	g := s.Signature
	if g == nil {
		return nil
	}
	p := say(quoted(g.Title), " (", quoted(g.ID), ")")
	if g.Weak {
		p = say(p, ", weak: from a partial dump")
	}
	r, _ := fact("signature", p, seenPhrase(g))
	return []row{r}
}

// maxRules is how many rules are named that were not evaluated.
const maxRules = 4

// notEvaluatedRows say of how many rules it is not known what they say.
func notEvaluatedRows(s *dump.Snapshot) []row {
	r := row{label: "not judged"}
	for _, n := range s.NotEvaluated {
		p := say("by ", plural(len(n.Rules), "rule"))
		if len(n.Rules) <= maxRules {
			p = nil
			for _, rule := range n.Rules {
				p = join(", ", p, say(quoted(rule)))
			}
			p = say("by ", p)
		}
		r.lines = append(r.lines, say(p, ": ", prose(n.Why)))
	}
	if len(r.lines) == 0 {
		return nil
	}
	return []row{r}
}

// seenPhrase says when there were others like it.
func seenPhrase(g *dump.Signature) phrase {
	seen := g.Seen
	if seen == nil {
		return nil
	}
	word := "seen "
	if g.Weak {
		word = "similar to what was seen "
	}
	times := plural(seen.Count, "time")
	p := say(word, times, " in the catalogue: first on ", day(seen.First))
	if seen.Count > 1 {
		p = say(p, ", last on ", day(seen.Last))
	}
	if seen.LastKernel != "" {
		p = say(p, ", kernel ", quoted(seen.LastKernel))
	}
	if seen.LastHost != "" {
		p = say(p, ", host ", quoted(seen.LastHost))
	}
	return p
}

// day is a date for people, of the time zone that they live in.
func day(t time.Time) string { return t.Local().Format(time.DateOnly) }
