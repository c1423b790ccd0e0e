// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"
	"time"

	"scxdiag/dump"
)

func findingsOf(w *writer, x *index) {
	for i := range x.s.Findings {
		w.section("Finding " + number(i+1) + " of " + number(len(x.s.Findings)))
		findingOf(w, x, &x.s.Findings[i])
	}
	if g := x.s.Signature; g != nil && g.Seen != nil {
		w.para(line{{muted, "Seen " + seenBefore(g) + "."}}, nowhere, dump.Span{})
	}
}

func findingOf(w *writer, x *index, f *dump.Finding) {
	on := plain
	switch f.Severity {
	case dump.SeverityError:
		on = bad
	case dump.SeverityWarning:
		on = warning
	}
	var at dump.Span
	if len(f.Evidence) > 0 {
		at = f.Evidence[0].At
	}
	l := line{{on, clean(string(f.Severity)) + ": " + clean(f.Title)}}
	l.add(muted, " ("+clean(string(f.Confidence))+" confidence, rule "+clean(f.Rule)+")")
	w.para(l, placeOfRule(f.Rule), at)
	if f.Explanation != "" {
		w.para(line{{plain, clean(f.Explanation)}}, nowhere, at)
	}
	for _, e := range f.Evidence {
		w.field("evidence", line{{plain, clean(strings.TrimSpace(e.Text))}}, x.placeOfEntity(e.Entity), e.At)
	}
	victimsOf(w, x, f.Victims)
	if len(f.Follows) > 0 {
		var rules []text
		for _, r := range f.Follows {
			rules = append(rules, clean(r))
		}
		w.field("explains", line{{plain, "also " + join(rules, ", ")}}, nowhere, dump.Span{})
	}
	if f.Next != "" {
		w.field("next", line{{plain, clean(f.Next)}}, nowhere, dump.Span{})
	}
}

// rulesText names rules, or says how many there are.
func rulesText(rules []string) text {
	const limit = 4
	if len(rules) > limit {
		return number(len(rules)) + " rules"
	}
	var names []text
	for _, r := range rules {
		names = append(names, clean(r))
	}
	return join(names, ", ")
}

// maxVictims is how many of those that suffer are listed.
const maxVictims = 5

func victimsOf(w *writer, x *index, victims []string) {
	if len(victims) < 2 { // the sentences above name it
		return
	}
	for _, entity := range victims[:min(len(victims), maxVictims)] {
		at := x.placeOfEntity(entity)
		l := line{{plain, clean(entity)}}
		if t := x.task(x.findTask(at)); at.view == viewTask && t != nil {
			l = line{{name, clean(t.TaskRef.String())}}
			if d, ok := t.WaitingFor(); ok {
				l.add(plain, " waits "+duration(d))
			}
		}
		w.field("hits", l, at, x.span(at))
	}
	if more := len(victims) - maxVictims; more > 0 {
		w.field("hits", line{{muted, number(more) + " more"}}, nowhere, dump.Span{})
	}
}

// placeOfEntity finds where an entity such as "task:123" is shown.
func (x *index) placeOfEntity(entity string) place {
	if n, ok := dump.EntityNumber(entity, "task"); ok {
		if i, is := x.byPID[int32(n)]; is && int64(int32(n)) == n { //nolint:gosec // looked at
			return x.placeOfTask(i)
		}
	}
	if n, ok := dump.EntityNumber(entity, "cpu"); ok {
		return placeOfCPU(int32(n)) //nolint:gosec // it fits
	}
	if n, ok := dump.EntityNumber(entity, "cell"); ok {
		return placeOfCell(int32(n)) //nolint:gosec // it fits
	}
	if n, ok := dump.EntityNumber(entity, "cgroup"); ok {
		return x.placeOfCgroup(uint64(n)) //nolint:gosec // an id
	}
	return nowhere
}

// seenBefore says what a catalogue has of the same failure, which is not nothing.
func seenBefore(g *dump.Signature) text {
	n := g.Seen
	said := number(n.Count) + " times"
	if n.Count == 1 {
		said = "once"
	}
	if g.Weak {
		said = "similar ones " + said
	}
	said += " in the catalogue, first on " + day(n.First)
	if n.Count > 1 {
		said += ", last on " + day(n.Last)
	}
	if n.LastKernel != "" {
		said += ", kernel " + clean(n.LastKernel)
	}
	if n.LastHost != "" {
		said += ", host " + clean(n.LastHost)
	}
	return said
}

// day is a date of the time zone that the user lives in.
func day(t time.Time) text { return clean(t.Local().Format(time.DateOnly)) }
