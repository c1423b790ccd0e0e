// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"
	"testing"

	"scxdiag/dump"
)

func TestEventsLeadToWhatTheyAreAbout(t *testing.T) {
	s := start(t, 80, 24, ringSample()).keys("e").wants("7 events, by #", "! event_13")
	s.keys("/").text("cgroup_move").keys("enter", "home").wants("1 of 7", "/a/x from /a")
	s.keys("enter").wants("Task web-1[146]").keys("esc", "esc")
	s.keys("/").text("cell=2").keys("enter", "home").wants("1 of 7", "cell 2, /a/x")
	s.keys("enter").wants("Cell 2", "live  in use").keys("esc", "esc", "1").wants("[1 Triage]", "RUNNING")
	s.keys("?").wants("the scheduler's history")
}

func TestWithoutEventsThereIsNoListOfThem(t *testing.T) {
	s := start(t, 80, 24, mitosisStall()).keys("e").wants("has no history of the scheduler", "[7 Events]")
	s.keys("enter").wants("[7 Events]")
}

// TestTheOverviewLeadsToTheEvents looks that the newest event is found there.
func TestTheOverviewLeadsToTheEvents(t *testing.T) {
	s := start(t, 80, 24, ringSample())
	for range 40 {
		if strings.HasPrefix(s.cursorLine(), "> events") {
			break
		}
		s.keys("down")
	}
	s.wants("7, the last of 1740; the newest: event_13")
	s.keys("enter").wants("7 events")
}

// TestEventsFollowTheScheduler looks that the newest event stays in sight as
// samples come.
func TestEventsFollowTheScheduler(t *testing.T) {
	f := watch(t, 80, 24, 0).feed(ringSample()).keys("e")
	next := ringSample()
	next.Events = append(next.Events, dump.Event{Seq: 1740, Kind: "cell_free", Arg: dump.Of(uint64(3))})
	f.feed(next).wants("8 events")
	if got := f.cursorLine(); !strings.Contains(got, "cell_free") {
		t.Errorf("the first row is %q", got)
	}
	f.feed(mitosisStall()).wants("FAILED", "[1 Triage]")
}
