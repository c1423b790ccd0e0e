// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
)

// clickOn clicks the first place of the screen that shows a text.
func (s *session) clickOn(t string) *session {
	s.tb.Helper()
	for y, l := range strings.Split(s.screen(), "\n") {
		if x := strings.Index(l, t); x >= 0 {
			s.Update(tea.MouseClickMsg{X: clean(l[:x]).width(), Y: y, Button: tea.MouseLeft})
			return s
		}
	}
	s.tb.Fatalf("the screen lacks %q:\n%s", t, s.screen())
	return s
}

func (s *session) turnWheel(b tea.MouseButton) *session {
	s.Update(tea.MouseWheelMsg{X: 5, Y: 5, Button: b})
	return s
}

func TestMouse(t *testing.T) {
	for _, size := range sizes {
		s := start(t, size[0], size[1], manyTasks(500))
		tasks := "4 Tasks"
		if size[0] < 80 {
			tasks = " 4 "
		}
		s.clickOn(tasks).wants("[4 Tasks]", "by wait ↓")
		s.turnWheel(tea.MouseWheelDown)
		if got := s.list().cursor; got != wheelLines {
			t.Errorf("the wheel moved to row %d", got)
		}
		s.turnWheel(tea.MouseWheelUp)
		if got := s.list().cursor; got != 0 {
			t.Errorf("the wheel moved back to row %d", got)
		}
		// A title sorts, again the other way round; a row is selected, then opened.
		s.clickOn("task ").wants("by task ↑").clickOn("task↑").wants("by task ↓").clickOn("task↓").wants("by task ↑")
		line := strings.Split(s.screen(), "\n")[8]
		name := strings.Fields(line)[1]
		s.clickOn(name)
		if got := s.cursorLine(); !strings.Contains(got, name) {
			t.Errorf("the cursor is not on %s but on %q", name, got)
		}
		s.clickOn(name).wants("Task " + name)
		s.clickOn("CPU   ")
		if got := s.cursorLine(); !strings.HasPrefix(got, "> CPU") {
			t.Errorf("a click on the page left the cursor on %q", got)
		}
		s.clickOn("> CPU").wants("nr_run")
		s.clickOn("1").wants("[1 Triage]")
	}
}

func TestMouseOnTheListOfSnapshots(t *testing.T) {
	s := start(t, 80, 24, mitosisStall(), qmapSysRq(), truncated()).keys("L")
	s.clickOn("RUNNING (SysRq").wants("3 snapshots")
	s.clickOn("RUNNING (SysRq").lacks("3 snapshots").wants("2/3", "qmap")
	s.keys("?").turnWheel(tea.MouseWheelDown).wants("esc close").keys("esc")
}

// TestMouseIsLeftToTheTerminalOnDemand looks that text can be selected.
func TestMouseIsLeftToTheTerminalOnDemand(t *testing.T) {
	s := start(t, 80, 24, mitosisStall())
	if s.View().MouseMode != tea.MouseModeCellMotion {
		t.Error("the mouse is not asked for")
	}
	if s.keys("M"); s.View().MouseMode != tea.MouseModeNone {
		t.Error("the mouse is asked for")
	}
}

// TestClicksAnywhere clicks everything, everywhere.
func TestClicksAnywhere(t *testing.T) {
	for _, keys := range [][]string{nil, {"2"}, {"3"}, {"4"}, {"4", "enter"}, {"5"}, {"7"}, {"8"}, {"9"}, {"C"}, {"L"}, {"?"}, {"/"}} {
		for y := range 24 {
			for x := 0; x < 80; x += 3 {
				s := start(t, 80, 24, mitosisStall(), ringSample()).keys(keys...)
				s.Update(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft})
				s.Update(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft})
				s.Update(tea.MouseWheelMsg{X: x, Y: y, Button: tea.MouseWheelDown})
				s.screen()
			}
		}
	}
}

// TestEveryTabCanBeClicked goes from each view to each other one.
func TestEveryTabCanBeClicked(t *testing.T) {
	for _, size := range frameSizes {
		for _, from := range numbered {
			for _, to := range numbered {
				for _, over := range []string{"", "?"} {
					s := start(t, size[0], size[1], ringSample()).keys(string(number(from.nr)))
					if over != "" {
						s.keys(over)
					}
					tabs, at := s.tabs(), 0
					for _, p := range tabs {
						if strings.HasPrefix(strings.TrimLeft(string(p.text), " ["), string(number(to.nr))) {
							s.Update(tea.MouseClickMsg{X: at + p.text.width() - 1, Y: 1, Button: tea.MouseLeft})
							break
						}
						at += p.text.width()
					}
					if got := s.frame().at.view; got != to.view {
						t.Errorf("%dx%d: from %d a click on %d led to %v", size[0], size[1], from.nr, to.nr, place{view: got}.title())
					}
				}
			}
		}
	}
}

func TestMouseInTheLists(t *testing.T) {
	s := start(t, 80, 24, mitosisStall()).keys("4", "c").clickOn("[x] st").wants("> [x] st").clickOn("[x] st").wants("> [ ] st")
	s.turnWheel(tea.MouseWheelDown)
	if got := s.cursorLine(); strings.Contains(got, " st") {
		t.Errorf("the wheel left the cursor on %q", got)
	}
	s.keys("esc", ":").text("snapshot").turnWheel(tea.MouseWheelDown)
	if got := s.cursorLine(); strings.Contains(got, "> snapshots ") {
		t.Errorf("the wheel left the cursor on %q", got)
	}
	s.keys("esc", ":").text("ue").clickOn("  copy-issue").wants("> copy-issue").clickOn("queues").wants("> queues").clickOn("> queues").wants("[5 Queues]")
}
