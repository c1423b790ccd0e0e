// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"
	"testing"
	"unicode/utf8"

	"scxdiag/dump"
)

func TestTheHistoryOfATask(t *testing.T) {
	s := start(t, 132, 43, sequence(t, 20)...).keys("<", "4", "/").text("rootbusy pid=264").keys("enter", "enter")
	s.wants("History: 20 snapshots of 1 to 20", "at most 2.560s", "behind cell", "19 moves")
	line := s.row("waited ")
	if !strings.Contains(line, "[·]▁▁▂▃▄▅▇█·") {
		t.Errorf("the waits are %q", line)
	}
	if got := s.keys("]").row("waited "); !strings.Contains(got, "·[▁]▁▂") {
		t.Errorf("the one shown is not marked: %q", got)
	}
}

func TestTheHistoryIsBounded(t *testing.T) {
	s := start(t, 132, 43, sequence(t, 500)...).keys(">", "4", "/").text("rootbusy pid=264").keys("enter", "enter")
	s.wants("History: 60 snapshots of 441 to 500")
	line := strings.TrimSpace(strings.SplitN(s.row("waited "), "at most", 2)[0])
	if n := utf8.RuneCountInString(strings.TrimSpace(strings.TrimPrefix(line, "waited"))); n != pastLimit+2 {
		t.Errorf("%d columns: %q", n, line)
	}
	s.keys("t").text("100").keys("enter").wants("History: 60 snapshots of 41 to 100")
	s.keys("<").wants("History: 60 snapshots of 1 to 60")
	s.resize(60, 15)
	s.screen()
}

func TestAHistoryLeavesOutOtherMachinesAndGaps(t *testing.T) {
	snaps := sequence(t, 6)
	snaps[2].Host = "vm2"
	without(264)(snaps[3])
	s := start(t, 132, 43, snaps...).keys("<", "4", "/").text("rootbusy pid=264").keys("enter", "enter")
	s.wants("History: 4 snapshots of 1 to 6")
	only := []*dump.Snapshot{snaps[0], snaps[2]}
	start(t, 132, 43, only...).keys("<", "4", "enter").lacks("History")
	start(t, 132, 43, snaps[0]).keys("4", "enter").lacks("History")
}
