// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"scxdiag/dump"
)

func TestNumbersAndLettersSwitchViews(t *testing.T) {
	s := start(t, 80, 24, mitosisStall())
	s.wants("[1 Triage]", "FAILED ERROR_STALL", "websrv[228] failed to run")
	s.keys("3").wants("[3 CPUs]", "! rt", "rt_hog[259]")
	s.keys("4").wants("[4 Tasks]", "12 tasks", "kworker/u16:2[42]")
	s.keys("2").wants("[2 Cells]", "/cells/web")
	s.keys("5").wants("[5 Queues]", "CPU 1 (0x10000001)")
	s.keys("8").wants("[8 Counters]", "SCX_EV_")
	s.keys("2", "9").wants("[9 Raw]", "CELL[1]")
	s.keys("1").wants("[1 Triage]")
	s.keys("r").wants("[9 Raw]")
	s.keys("esc").wants("[1 Triage]")
}

func TestCursorStartsAtTheCause(t *testing.T) {
	s := start(t, 80, 24, mitosisStall())
	for key, want := range map[string]string{"3": "rt_hog[259]", "4": "websrv[228]", "2": "    1"} {
		if got := s.keys(key).cursorLine(); !strings.Contains(got, want) {
			t.Errorf("after %s the cursor is on %q, not on %s", key, got, want)
		}
	}
}

func TestFromTaskToCPUToTasksAndBack(t *testing.T) {
	s := start(t, 80, 24, mitosisStall())
	s.keys("4", "enter").wants("Task websrv[228]", "basis_vtime", "dsq_id")
	s.keys("enter").wants("CPU 1", "rt_hog[259], class rt, above sched_ext", "cpus_to_kick    0,2 (hex 5)")
	s.keys("T").wants("5 tasks of CPU 1", "ksoftirqd/1[25]").lacks("napper")
	s.keys("esc").wants("Tasks of CPU 1: 0 running, 5 waiting")
	s.keys("backspace").wants("Task websrv[228]")
	s.keys("esc").wants("12 tasks, by wait", "napper")
	if got := s.cursorLine(); !strings.Contains(got, "websrv[228]") {
		t.Errorf("the way back lost the selection: %q", got)
	}
	s.keys("u").wants("Tasks of CPU 1")
	s.keys("esc", "esc", "esc").wants("12 tasks, by wait")
}

func TestOverviewLeadsToTheSubject(t *testing.T) {
	s := start(t, 80, 24, mitosisStall())
	s.keys("down", "enter").wants("Task websrv[228]")
	s.keys("esc", "u").wants("Tasks of CPU 1")
}

func TestCPUListsTasksThatCanBeOpened(t *testing.T) {
	s := start(t, 80, 24, mitosisStall()).keys("3", "enter", "end")
	if got := s.cursorLine(); !strings.Contains(got, "ksoftirqd/1[25]") {
		t.Fatalf("the cursor is on %q", got)
	}
	s.keys("enter").wants("Task ksoftirqd/1[25]")
}

func TestCellsAndQueuesLeadToTheirTasks(t *testing.T) {
	s := start(t, 80, 24, mitosisStall())
	s.keys("2", "enter").wants("Cell 1", "/cells/web", "Its CPUs", "Tasks of cell 1")
	s.keys("T").wants("3 tasks of cell 1")
	s.keys("5", "end", "enter").wants("DSQ CPU 1 (0x10000001)", "kworker/1:0[26]")
	s.keys("T").wants("2 tasks of DSQ CPU 1")
	s.keys("4").wants("12 tasks, by wait")
}

func TestSorting(t *testing.T) {
	s := start(t, 200, 60, mitosisStall()).keys("4", "home")
	if got := s.cursorLine(); !strings.Contains(got, "websrv[228]") {
		t.Fatalf("the longest wait is not first: %q", got)
	}
	s.keys("S", "home")
	if got := s.cursorLine(); !strings.Contains(got, "napper") {
		t.Fatalf("the shortest wait is not first: %q", got)
	}
	if rows := strings.Split(s.screen(), "\n"); !strings.Contains(rows[4+11], "running") {
		t.Fatalf("what has no wait is not last: %q", rows[4+11])
	}
	s.keys("s", "home").wants("by task ↑")
	if got := s.cursorLine(); !strings.Contains(got, "dbsrv") {
		t.Fatalf("not sorted by comm: %q", got)
	}
	s.keys("s", "home").wants("by pid ↑")
	if got := s.cursorLine(); !strings.Contains(got, "ksoftirqd/1[25]") {
		t.Fatalf("not sorted by pid: %q", got)
	}
	l := s.lists[viewTasks]
	for k := range l.columns { // once around
		if l.chosen(k) {
			s.keys("s")
			s.screen()
		}
	}
	s.wants("by pid ↑")
}

func TestFilter(t *testing.T) {
	s := start(t, 80, 24, mitosisStall()).keys("4", "/").text("websrv cpu=1")
	s.wants("filter: websrv cpu=1", "3 of 12 tasks with websrv cpu=1")
	s.keys("enter").wants("3 of 12 tasks", "? help")
	s.keys("esc").wants("12 tasks, by wait")
	s.keys("/").text("RT").keys("esc").wants("12 tasks, by wait")
	s.keys("/").text("nothing like it").wants("0 of 12 tasks", "none")
	s.keys("ctrl+w", "ctrl+w", "ctrl+w", "ctrl+w").text("napp").wants("1 of 12 tasks with napp")
	s.keys("ctrl+u", "enter").wants("12 tasks, by wait")
	s.keys("/").text("q1?5[").wants("[4 Tasks]", "filter: q1?5[")
}

func TestFilterTellsCPU3FromCPU31(t *testing.T) {
	s := start(t, 80, 24, manyTasks(500)).keys("4", "/").text("cpu=3")
	s.wants("8 of 500 tasks").lacks("worker31[", "worker30[")
}

func TestRawMarksTheSelectedField(t *testing.T) {
	s := start(t, 80, 24, mitosisStall()).keys("4", "enter")
	for !strings.Contains(s.cursorLine(), "basis_vtime") {
		was := s.cursorLine()
		if s.keys("down").cursorLine() == was {
			t.Fatal("the page has no basis_vtime")
		}
	}
	s.keys("r")
	if got := s.cursorLine(); !strings.Contains(got, "Task[228] vtime=2881842813 basis_vtime=") {
		t.Errorf("marked %q", got)
	}
	if n := strings.Count("\n"+s.screen(), "\n> "); n != 1 {
		t.Errorf("%d lines are marked", n)
	}
}

func TestRawSearch(t *testing.T) {
	s := start(t, 80, 24, mitosisStall()).keys("9", "home", "/").text("cpus=2")
	s.keys("enter").wants(" / ", "cpus=2 no_mig=0")
	first := s.raw.found
	s.keys("n")
	if s.raw.found <= first {
		t.Errorf("n went from %d to %d", first, s.raw.found)
	}
	s.keys("N")
	if s.raw.found != first {
		t.Errorf("N went to %d instead of back to %d", s.raw.found, first)
	}
	s.keys("N").wants("went around")
	s.keys("/").text("no such text").keys("enter").wants("Not found: no such text")
	s.keys("/").text("CELL[1]").keys("enter")
	if !strings.HasPrefix(s.x().s.Raw[s.raw.found:], "CELL[1]") {
		t.Error("capital letters were not respected")
	}
	s.keys("/").text("cell[1]").keys("enter")
	if !strings.HasPrefix(s.x().s.Raw[s.raw.found:], "CELL[1]") {
		t.Error("small letters do not find capital ones")
	}
}

func TestSeveralSnapshotsKeepTheSelection(t *testing.T) {
	s := start(t, 80, 24, mitosisStall(), qmapSysRq(), truncated()).wants("1/3")
	s.keys("4", "down").keys("]").wants("2/3", "RUNNING (SysRq-D)")
	s.keys("]").wants("3/3", "! INCOMPLETE")
	s.keys("]").wants("There is no further snapshot", "3/3")
	s.keys("[", "[").wants("1/3").lacks("INCOMPLETE")
	s.keys("4", "home", "down", "enter").wants("Task websrv[229]")
	s.keys("]").wants("Task websrv[229] is not in this snapshot.")
	s.keys("]").wants("Task websrv[229]", "ops_state")
	s.keys("esc")
	if got := s.cursorLine(); !strings.Contains(got, "websrv[229]") {
		t.Errorf("the selection was lost: %q", got)
	}
	s.keys("L").wants("3 snapshots").keys("up", "enter").wants("2/3")
	s.keys("L", "esc").wants("2/3", "[4 Tasks]")
}

func TestSortAndFilterCarryOverToTheNextSnapshot(t *testing.T) {
	s := start(t, 80, 24, mitosisStall(), truncated()).keys("4", "s", "/").text("srv").keys("enter", "]")
	s.wants("2/2", "with srv, by task ↑")
}

func TestHelpAndQuit(t *testing.T) {
	s := start(t, 80, 24, mitosisStall())
	s.keys("4", "?").wants("Tasks", "sort by the next column").keys("?").wants("12 tasks, by wait")
	s.keys("?", "pgdown", "esc").wants("12 tasks, by wait")
	for _, k := range []string{"q", "ctrl+c"} {
		if _, cmd := s.Update(press(k)); cmd == nil {
			t.Errorf("%s does not quit", k)
		} else if _, ok := cmd().(tea.QuitMsg); !ok {
			t.Errorf("%s does not quit", k)
		}
	}
	s.keys("/")
	if _, cmd := s.Update(press("q")); cmd != nil {
		t.Error("q quits while typing")
	}
	s.wants("filter: q")
}

func TestPasteIsOneLineOfTheFilter(t *testing.T) {
	s := start(t, 80, 24, mitosisStall()).keys("4", "/")
	s.Update(tea.PasteMsg{Content: "web\x1b[2J\nsrv"})
	s.wants(`filter: web\x1b[2J`).lacks("\x1b")
}

func TestNothingToShow(t *testing.T) {
	s := start(t, 80, 24)
	s.wants("No sched_ext dump").keys("1", "3", "v", "4", "2", "6", "v", "9", "e", "C", "?", "L", "]", "/", "enter", "esc", "u", "T", "s", "down")
	s.wants("No sched_ext dump")
}

func TestEmptySnapshot(t *testing.T) {
	s := start(t, 60, 15, &dump.Snapshot{})
	for _, k := range []string{"1", "3", "v", "4", "2", "6", "v", "9", "e", "C", "?"} {
		s.keys(k, "enter", "u", "T", "s", "S", "end", "down", "r", "esc")
		s.screen()
	}
}

func TestTooSmallScreenSaysWhatItNeeds(t *testing.T) {
	s := start(t, 59, 15, mitosisStall()).wants("scxdiag needs 60x15, this is 59x15")
	s.resize(60, 14)
	s.wants("this is 60x14")
	s.keys("4")
	s.resize(1, 1)
	if got := s.screen(); got != "…" {
		t.Errorf("%q", got)
	}
	s.resize(0, 0)
	s.screen()
	s.resize(60, 15)
	s.wants("[1 Triage]") // what could not be seen did nothing
}

func TestIncompleteIsMarkedOnEveryScreen(t *testing.T) {
	for _, size := range sizes {
		s := start(t, size[0], size[1], truncated())
		for _, k := range []string{"1", "3", "enter", "4", "enter", "2", "enter", "9", "?", "esc", "L"} {
			s.keys(k).wants("! INCOMPLETE")
		}
	}
}

func TestSubjectThatTheDumpLacksFallsBackOnTheLongestWait(t *testing.T) {
	snap := mitosisStall()
	snap.Exit.Subject.V.PID = 9999
	start(t, 80, 24, snap).wants("websrv[9999] is not among the tasks", "waited for longest instead", "websrv[228]")
}

func TestFindingsComeFirst(t *testing.T) {
	s := start(t, 80, 24, withFindings())
	screen := s.screen()
	if strings.Index(screen, "keeps CPU 1 from") > strings.Index(screen, "websrv[228] failed") {
		t.Error("the verdict is above the findings")
	}
	for !strings.Contains(s.cursorLine(), "evidence") {
		s.keys("down")
	}
	s.keys("r")
	if got := s.cursorLine(); !strings.Contains(got, "curr=rt_hog[259]") {
		t.Errorf("the evidence leads to %q", got)
	}
	s.keys("esc", "enter").wants("Tasks of CPU 1")
}

// TestFromTheSourceToTheThing goes the way back: from lines of the source to what they
// are of.
func TestFromTheSourceToTheThing(t *testing.T) {
	s := start(t, 80, 24, mitosisStall())
	s.keys("9", "/").text("exit kind").keys("enter", "enter").wants("of no task, CPU, cell or DSQ")
	s.keys("/").text("websrv[229] *").keys("enter", "enter").wants("Task websrv[229]")
	s.keys("esc").wants("[9 Raw]").keys("/").text("curr=rt_hog").keys("enter", "enter").wants("CPU 1", "ksync")
	s.keys("esc", "home", "pgdown", "pgdown").clickOn("R websrv[230] *").clickOn("R websrv[230] *").wants("Task websrv[230]")
	s.keys("1", "4", "home", "r", "enter").wants("Task websrv[228]")
}
