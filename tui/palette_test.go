// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/exp/golden"

	tea "charm.land/bubbletea/v2"

	"scxdiag/dump"
)

func TestThePaletteRunsCommandsByName(t *testing.T) {
	s := start(t, 80, 24, mitosisStall())
	s.keys(":").wants(": ", "enter go", "tasks ", "all tasks")
	s.text("cpus").keys("enter").wants("[3 CPUs]")
	s.keys(":").text("tof").wants("> tasks-of").keys("enter").wants("tasks of CPU 1")
	s.keys(":").text("sort the oth").wants("> reverse").keys("esc").wants("tasks of CPU 1")
	s.keys(":").text("q").wants("> quit")
	if _, cmd := s.Update(press("enter")); cmd == nil {
		t.Error("quit does not quit")
	} else if _, ok := cmd().(tea.QuitMsg); !ok {
		t.Error("quit does not quit")
	}
}

func TestThePaletteCompletesAndChooses(t *testing.T) {
	s := start(t, 80, 24, mitosisStall()).keys(":").text("trig").keys("tab").wants(": triage", "> triage")
	s.keys("ctrl+u").text("ta").wants("> tasks ").keys("down")
	if got := s.cursorLine(); !strings.Contains(got, "triage") && !strings.Contains(got, "tasks-of") {
		t.Errorf("down chooses %q", got)
	}
	s.keys("up", "enter").wants("[4 Tasks]")
	s.keys(":", "backspace").wants("by wait").lacks("enter go")
	s.keys(":").text("sort qq").wants("Nothing is called that.").keys("enter").wants(": sort qq")
	if c := s.View().Cursor; c == nil || c.X != len(": sort qq") || !strings.HasPrefix(strings.Split(s.screen(), "\n")[c.Y], ": sort qq") {
		t.Errorf("the cursor of the terminal is not behind what is typed: %+v", c)
	}
	s.Update(tea.PasteMsg{Content: "\x1b[2J\nx"})
	s.wants(`: sort qq\x1b[2J`).lacks("\x1b")
}

// TestThePaletteSaysWhyThereIsNoUse looks that each command is there, and tells
// why it does nothing.
func TestThePaletteSaysWhyThereIsNoUse(t *testing.T) {
	s := start(t, 80, 24, mitosisStall()).keys(":")
	for c, e := range entries() {
		if command(c) == cmdPalette {
			continue
		}
		s.keys("ctrl+u").text(e.name)
		if got := s.cursorLine(); !strings.HasPrefix(got, "> "+e.name+" ") {
			t.Errorf("%s: the palette chooses %q", e.name, got)
		}
	}
	s.keys("ctrl+u").text("next-snap").wants("This session has one snapshot.").keys("enter").wants("This session has one snapshot.", ": next-snap")
	s.keys("ctrl+u").text("pause").keys("enter").wants("This session is not live.")
}

func TestThePaletteGoesToThingsByName(t *testing.T) {
	for typed, want := range map[string]string{
		"cpu 3": "Tasks of CPU 3", "cpu3": "Tasks of CPU 3", "CPU 1": "rt_hog[259], class rt", "cell 1": "/cells/web", "task 228": "Task websrv[228]",
		"task kwork": "Task kworker/1:0[26]", "228": "Task websrv[228]", "dsq cpu 1": "DSQ CPU 1 (0x10000001)", "dsq 0x10000001": "DSQ CPU 1",
		"rootb": "Task rootbusy[245]", "/cells/w": "Cell 1", "websrv[229]": "Task websrv[229]",
	} {
		s := start(t, 80, 24, mitosisStall()).keys("4", ":").text(typed).keys("enter").wants(want)
		s.keys("esc").wants("[4 Tasks]", "by wait")
	}
	start(t, 80, 24, ringSample()).keys(":").text("cgroup 1").keys("tab").wants(": cgroup 1", "> cgroup /").keys("enter").wants("Cgroup /")
	start(t, 80, 24, mitosisStall()).keys(":").text("cell 77").wants("This snapshot has no such cell.")
}

func TestThePaletteGoesToSnapshotsByNumber(t *testing.T) {
	s := start(t, 80, 24, mitosisStall(), qmapSysRq(), truncated()).keys("4", ":").text("3")
	s.wants("> snapshot 3").keys("enter").wants("3/3", "[4 Tasks]")
	s.keys(":").text("1").keys("enter").wants("1/3")
}

// TestWhatIsTypedIntoThePaletteIsNotInterrupted lets a failure come meanwhile.
func TestWhatIsTypedIntoThePaletteIsNotInterrupted(t *testing.T) {
	s := watch(t, 80, 24, 3).sample(1)
	s.keys("4", ":").text("cpu")
	s.feed(mitosisStall())
	s.wants(": cpu").text(" 1").wants("> CPU 1")
	s.keys("esc").wants("The scheduler failed.", "[1 Triage]")
}

func TestThePaletteIsBoundedWithManyTasks(t *testing.T) {
	s := start(t, 80, 24, manyTasks(5000)).keys(":").text("worker")
	if n := len(s.chooser().shown); n > 100 {
		t.Errorf("%d choices", n)
	}
}

func TestPaletteScreens(t *testing.T) {
	for _, tc := range []struct {
		name  string
		snaps []*dump.Snapshot
		keys  []string
		typed string
	}{
		{"commands", []*dump.Snapshot{mitosisStall()}, []string{"4", ":"}, ""},
		{"useless", []*dump.Snapshot{mitosisStall()}, []string{":"}, "s"},
		{"number", []*dump.Snapshot{mitosisStall(), qmapSysRq()}, []string{":"}, "2"},
		{"hostile", []*dump.Snapshot{hostile()}, []string{":"}, "task"},
		{"nothing", []*dump.Snapshot{mitosisStall()}, []string{":"}, "cell 9"},
	} {
		for _, size := range [][2]int{{60, 15}, {80, 24}, {132, 43}, {200, 60}} {
			t.Run(fmt.Sprintf("%s-%dx%d", tc.name, size[0], size[1]), func(t *testing.T) {
				s := start(t, size[0], size[1], tc.snaps...).keys(tc.keys...).text(tc.typed)
				golden.RequireEqual(t, strings.Join(trimmed(s.screen()), "\n")+"\n")
			})
		}
	}
}
