// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"
	"testing"
	"time"

	"scxdiag/dump"
)

// pair is two samples, two seconds apart, of which edit changes the second.
func pair(tb testing.TB, edit ...func(*dump.Snapshot)) []*dump.Snapshot {
	tb.Helper()
	m := newSamples(tb, 5)
	return []*dump.Snapshot{m.next(), m.next(edit...)}
}

// row is the line of the table that has a text, without blanks at its ends.
func (s *session) row(has string) string {
	s.tb.Helper()
	for _, l := range trimmed(s.screen()) {
		if strings.Contains(l, has) {
			return strings.TrimPrefix(l, ">")
		}
	}
	s.tb.Fatalf("no line has %q:\n%s", has, s.screen())
	return ""
}

func TestTasksShowWhatChangedSinceTheMark(t *testing.T) {
	two := pair(t, without(263), func(s *dump.Snapshot) {
		waitsFor(264, 2132*time.Millisecond)(s)
		s.Task(270).CPU = dump.Of(int32(3))
		s.Tasks = append(s.Tasks, sleeper(4711, 1, 1))
	})
	s := start(t, 200, 60, two...).keys("<", "4", "d").wants("Marked snapshot 1").keys("]")
	s.wants("18 tasks, Δ to 1: ~1 +1 -1, by wait", "Δ to 1")
	for has, want := range map[string]string{
		"rootbusy[264]": "2.132s       +2.00s  rootbusy[264]",
		"napper[270]":   "~    64ms            =  napper[270]",
		"rootbusy[263]": "-",
		"[4711]":        "+  asleep",
	} {
		if got := s.row(has); !strings.HasPrefix(strings.TrimSpace(got), strings.TrimSpace(want)) {
			t.Errorf("%s: %q, want %q", has, got, want)
		}
	}
	// What is gone can be found, and leads to where it was.
	s.keys("/").text("rootbusy gone").wants("0 of 18 tasks").keys("enter", "home")
	s.keys("enter").wants("Task rootbusy[263] is not in this snapshot.", "Snapshot 1 is the last one")
	s.keys("enter").wants("1/2", "Task rootbusy[263]", "waits")
	// Backwards the same is the other way round.
	s.keys("esc", "esc", ">", "d", "[").wants("18 tasks, Δ to 2: ~1 +1 -1")
	if got := s.row("rootbusy[264]"); !strings.Contains(got, "-2.00s") {
		t.Errorf("backwards: %q", got)
	}
	s.keys("]", "d").lacks("Δ").wants("18 tasks, by wait")
}

func TestWhatChangedStandsOut(t *testing.T) {
	two := pair(t, func(s *dump.Snapshot) { s.Task(270).CPU = dump.Of(int32(3)) })
	s := start(t, 132, 43, two...).keys("<", "4", "d", "]")
	l := s.lists[viewTasks]
	napper := -1
	for i := range l.delta.base {
		if s.x().s.Tasks[i].PID == 270 {
			napper = i
		}
	}
	for _, c := range l.columns {
		on := c.cell(napper).style
		if (on == changed) != (c.title == "CPU") {
			t.Errorf("column %s has style %d", c.title, on)
		}
	}
}

func TestScopedTablesListWhatIsGone(t *testing.T) {
	s := start(t, 80, 24, pair(t, without(263))...).keys("<", "d", "]", "3", "home", "T")
	s.wants("tasks of CPU 0", "Δ to 1: -1")
	if got := s.row("rootbusy[263]"); !strings.HasPrefix(got, " -") && !strings.HasPrefix(got, "-") {
		t.Errorf("%q", got)
	}
}

func TestOtherTablesShowWhatChangedSinceTheMark(t *testing.T) {
	two := pair(t, func(s *dump.Snapshot) {
		s.Cells[0].Queued = dump.Of(s.Cells[0].Queued.V + 9)
		s.Cells = s.Cells[:2]
		s.CPUs[1].NrRunning = dump.Of(s.CPUs[1].NrRunning.V + 2)
		s.CPUs = s.CPUs[:3]
		s.Counters = append([]dump.Counter{{Name: "NEW", Value: 7}}, s.Counters[1:]...)
		s.Counters[1].Value += 1000
	})
	gone := two[0].Counters[0].Name
	s := start(t, 80, 24, two...).keys("<", "d", "]", "2").wants("2 cells, Δ to 1: -1")
	if got := s.row(" 0 0 "); !strings.Contains(got, "+9") {
		t.Errorf("cells: %q", got)
	}
	s.keys("3").wants("3 CPUs, Δ to 1: ~1 ?1", "1/3").keys("v").wants("3 CPUs, Δ to 1: ~1 ?1", "1/4")
	if got := s.row("~   1 "); !strings.Contains(got, "+2") {
		t.Errorf("CPUs: %q", got)
	}
	s.keys("8").wants("+1 -1", "+1000").keys("end")
	if got := s.row(gone); !strings.Contains(got, "-") {
		t.Errorf("counters: %q", got)
	}
	s.keys("5").wants("Δ to 1", "+9")
	s.keys("1").wants("Δ to snapshot 1, 2.000s before", "cells went", "-1: cell 2", "queues", "cell 0 +9", "counters")
}

func TestATaskPageShowsWhatItsFieldsWere(t *testing.T) {
	two := pair(t, func(s *dump.Snapshot) {
		s.Task(264).Weight = dump.Of(uint32(150))
		s.Task(264).Slice.Known = false
		waitsFor(264, 2132*time.Millisecond)(s)
	})
	s := start(t, 132, 70, two...).keys("<", "4", "enter", "d", "]")
	s.wants("Task rootbusy[264]", "was for 132ms, runnable", "was 100 (now +50)", "Only in snapshot 1", "slice           20ms", "History: 2 snapshots")
	s.keys("[").lacks("was 100", "Only in").wants("marked")
	s.keys("d", "]").lacks("was 100")
}

func TestATaskThatCameSaysSo(t *testing.T) {
	two := pair(t, func(s *dump.Snapshot) { s.Tasks = append(s.Tasks, sleeper(4711, 1, 1)) })
	two[0].Tasks[0].Walked, two[1].Tasks[0].Walked = true, true // as those are that list all
	s := start(t, 80, 24, two...).keys("<", "d", "]", "4", "/").text("4711").keys("enter", "enter")
	s.wants("+ Not in snapshot 1.", "Task sleeper11[4711]").lacks("History")
}

func TestWhatCannotBeComparedIsNot(t *testing.T) {
	other := mitosisStall()
	other.Host, other.Time = "vm2", other.Time.Add(time.Hour)
	s := start(t, 80, 24, mitosisStall(), other).keys("d", "]").wants("! the hosts differ: vm1 and vm2")
	s.keys("4").wants("12 tasks, Δ to 1 unknown: of another machine").lacks("Δwait +", "\n +", "\n -")
	s.keys("enter").wants("Not compared with snapshot 1")
	s.keys("8").wants("Δ to 1 unknown: of another run")
	s.keys("7").wants("events")
	same := mitosisStall()
	start(t, 80, 24, same, same).keys("d", "]").wants("marked")
	start(t, 80, 24, mitosisStall(), mitosisStall()).keys("d", "]").wants("Both are the same snapshot.")
}

func TestEventsSinceTheMark(t *testing.T) {
	before, after := ringSample(), ringSample()
	last := after.Events[len(after.Events)-1]
	last.Seq++
	after.Events = append(after.Events[1:], last)
	s := start(t, 80, 24, before, after).keys("<", "d", "]", "7").wants("Δ to 1: +1")
	s.wants("\n>+ ") // the newest is last, and the cursor there
}

func TestTriageLeadsWithTheCauseStill(t *testing.T) {
	before := mitosisStall()
	before.Exit, before.Trigger, before.Time = nil, dump.TriggerSample, before.Time.Add(-time.Minute)
	s := start(t, 80, 60, before, withFindings()).keys("<", "d", "]")
	s.wants("Δ to snapshot 1, 60.000s before: verdict", "verdict         RUNNING → FAILED ERROR_STALL", "findings        +")
	screen := s.screen()
	at := -1
	for _, part := range []string{"Δ to snapshot 1", "Finding 1", "  Verdict", "What changed since snapshot 1"} {
		if i := strings.Index(screen, part); i < at {
			t.Errorf("%q comes too early", part)
		} else {
			at = i
		}
	}
}

// TestTheDifferenceIsComputedOnce looks that frames and moves do not compare
// again.
func TestTheDifferenceIsComputedOnce(t *testing.T) {
	s := start(t, 80, 24, pair(t)...).keys("<", "d", "]")
	was := s.x().delta
	for _, k := range strings.Fields("4 down s S / a esc 2 3 enter esc 1") {
		s.keys(k).screen()
	}
	if s.x().delta != was {
		t.Error("the difference was computed again")
	}
}

func TestHostileNamesInADifference(t *testing.T) {
	bad := hostile()
	bad.Tasks = bad.Tasks[1:]
	s := start(t, 80, 24, hostile(), bad).keys("d", "]")
	for _, k := range strings.Fields("1 2 3 4 5 7 8 C") {
		s.keys(k)
		for _, size := range timeSizes {
			s.resize(size[0], size[1])
			if screen := s.screen(); strings.ContainsAny(screen, "\x1b\r\t\x07") {
				t.Fatalf("a control character on the screen:\n%q", screen)
			}
		}
	}
}

func BenchmarkDelta(b *testing.B) {
	m := newSamples(b, 5000)
	s := start(b, 200, 60, m.next(), m.next()).keys("<", "4", "d", "]")
	b.ReportAllocs()
	for b.Loop() {
		s.keys("[", "]").Render()
	}
}

func BenchmarkDeltaScroll(b *testing.B) {
	m := newSamples(b, 5000)
	s := start(b, 200, 60, m.next(), m.next()).keys("<", "4", "d", "]")
	b.ReportAllocs()
	for b.Loop() {
		s.keys("pgdown").Render()
	}
}

// TestFiltersOutlastTheMark has a filter that asks what became of rows, on the marked
// snapshot and without a mark, where nothing did.
func TestFiltersOutlastTheMark(t *testing.T) {
	s := start(t, 132, 24, pair(t, without(263))...).keys("<", "d", "]", "4", "/").text("is:gone").keys("enter")
	s.wants("rootbusy[263]", "with is:gone").lacks("in part")
	// Nothing but to go there or to look at what it was.
	for _, k := range []string{"u", "r", "y"} {
		s.keys(k).wants("It is only in snapshot 1, which is marked.")
	}
	s.keys("[").wants("0 of ", "with is:gone").lacks("in part")
	s.keys("d").wants("0 of ", "with is:gone").lacks("in part")
	s.keys("esc", "/").text("is:came").wants("0 of ").keys("esc")
}

func TestTheFilterOfATableComesBack(t *testing.T) {
	s := start(t, 132, 24, mitosisStall()).keys("4", "/").text("websrv").keys("enter", "enter", "u", "T").wants("tasks of CPU 1")
	s.keys("esc", "esc", "esc").wants("with websrv")
}

// TestKeysWithoutAUseSayWhy looks that no key of a command is silent.
func TestKeysWithoutAUseSayWhy(t *testing.T) {
	s := start(t, 80, 24, mitosisStall())
	for keys, want := range map[string]string{
		"]": "one snapshot", "t": "one snapshot", "L": "one snapshot", "p": "not live", "D": "no samples", "s": "no table", "C": "cgroups",
	} {
		s.keys("1", keys).wants(want)
	}
	s.keys("4", "t").lacks("time (")
}

func TestTabIsOfFiltersOnly(t *testing.T) {
	s := start(t, 80, 24, mitosisStall(), qmapSysRq()).keys("4", "t").text("c").keys("tab").lacks("cell cpu")
	if s.prompt == nil || s.prompt.value != "c" {
		t.Errorf("the prompt has %+v", s.prompt)
	}
}
