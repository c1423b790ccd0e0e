// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"
	"testing"

	"scxdiag/dump"
	"scxdiag/dump/triage"
)

// downTo moves the cursor to a line with a text in it.
func (s *session) downTo(t *testing.T, text string) *session {
	t.Helper()
	for !strings.Contains(s.cursorLine(), text) {
		was := s.cursorLine()
		if s.keys("down").cursorLine() == was {
			t.Fatalf("no line with %q to go to", text)
		}
	}
	return s
}

func TestFindingsLeadToTheirRules(t *testing.T) {
	s := start(t, 100, 40, withFindings())
	s.wants("x explain", "Seen 2 times in the catalogue", "kernel 7.2.1, host vm2", "also pinned-starved")
	s.keys("x").wants("rt-hog", "What happened", "How to be sure").keys("esc").wants("Finding 1 of 1")
	s.keys("enter").wants("What happened", triage.Find("rt-hog").Title).keys("esc")
	s.downTo(t, "hits").wants("websrv[228] waits", "task:4711").keys("enter").wants("Task websrv[228]").keys("esc")
	s.keys("?").wants("what the finding means")
}

// TestOfSeveralFindingsTheOneAtTheCursorIsExplained also has one of a rule that
// there is no page for.
func TestOfSeveralFindingsTheOneAtTheCursorIsExplained(t *testing.T) {
	d := withFindings()
	d.Findings = append(d.Findings,
		dump.Finding{Rule: "overload", Title: "too much work", Next: "less of it"}, dump.Finding{Rule: "of-another-version", Title: "who knows"})
	s := start(t, 100, 60, d).downTo(t, "less of it").keys("x").wants(triage.Find("overload").Title).keys("esc")
	s.downTo(t, "who knows").keys("enter").wants("Finding 3 of 3")
	d.Findings = d.Findings[2:]
	start(t, 100, 60, d).keys("x").wants("has no such rule")
	start(t, 100, 40, mitosisStall()).lacks("x explain").keys("x").wants("no finding to explain")
}
