// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"scxdiag/dump"
)

// press is the key message for a key as Bubble Tea names it.
func press(name string) tea.KeyPressMsg {
	codes := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "backspace": tea.KeyBackspace, "up": tea.KeyUp, "down": tea.KeyDown,
		"left": tea.KeyLeft, "right": tea.KeyRight, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "home": tea.KeyHome, "end": tea.KeyEnd,
		"tab": tea.KeyTab,
	}
	if c, ok := codes[name]; ok {
		return tea.KeyPressMsg{Code: c}
	}
	if rest, ok := strings.CutPrefix(name, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: rune(rest[0]), Mod: tea.ModCtrl}
	}
	if name == "space" {
		return tea.KeyPressMsg{Code: ' ', Text: " "}
	}
	code, _ := utf8.DecodeRuneInString(name)
	return tea.KeyPressMsg{Code: code, Text: name}
}

// session drives a model.
type session struct {
	*Model
	tb testing.TB
}

func start(tb testing.TB, width, height int, snapshots ...*dump.Snapshot) *session {
	tb.Helper()
	s := &session{New(snapshots, Options{NoColor: true}), tb}
	s.resize(width, height)
	return s
}

func (s *session) resize(width, height int) {
	s.Update(tea.WindowSizeMsg{Width: width, Height: height})
}

// keys presses keys one after the other.
func (s *session) keys(names ...string) *session {
	for _, n := range names {
		s.Update(press(n))
	}
	return s
}

// text types text.
func (s *session) text(t string) *session {
	for _, r := range t {
		s.Update(press(string(r)))
	}
	return s
}

// screen is what the terminal would show, after a look that it fits.
func (s *session) screen() string {
	s.tb.Helper()
	lines := s.Render()
	if len(lines) > s.height {
		s.tb.Fatalf("%d lines on a screen of %d", len(lines), s.height)
	}
	for i, l := range lines {
		if w := max(ansi.StringWidth(l), ansi.StringWidthWc(l)); w > s.width {
			s.tb.Fatalf("line %d is %d columns wide on a screen of %d: %q", i, w, s.width, l)
		}
	}
	return strings.Join(lines, "\n")
}

// wants fails unless the screen shows all of the texts.
func (s *session) wants(texts ...string) *session {
	s.tb.Helper()
	screen := s.screen()
	for _, t := range texts {
		if !strings.Contains(screen, t) {
			s.tb.Fatalf("the screen lacks %q:\n%s", t, screen)
		}
	}
	return s
}

// lacks fails if the screen shows any of the texts.
func (s *session) lacks(texts ...string) *session {
	s.tb.Helper()
	screen := s.screen()
	for _, t := range texts {
		if strings.Contains(screen, t) {
			s.tb.Fatalf("the screen has %q:\n%s", t, screen)
		}
	}
	return s
}

// cursorLine is the line that the cursor is on.
func (s *session) cursorLine() string {
	for _, l := range strings.Split(s.screen(), "\n") {
		if strings.HasPrefix(l, "> ") {
			return l
		}
	}
	return ""
}

var sizes = [][2]int{{60, 15}, {80, 24}, {200, 60}}

func TestScreens(t *testing.T) {
	all := []*dump.Snapshot{mitosisStall(), qmapSysRq(), truncated()}
	for _, tc := range []struct {
		name  string
		snaps []*dump.Snapshot
		keys  []string
	}{
		{"overview", []*dump.Snapshot{mitosisStall()}, nil},
		{"overview-findings", []*dump.Snapshot{withFindings()}, nil},
		{"overview-verdict-only", []*dump.Snapshot{verdictOnly()}, nil},
		{"overview-truncated", []*dump.Snapshot{truncated()}, nil},
		{"overview-end", []*dump.Snapshot{truncated()}, []string{"end"}},
		{"overview-sysrq", []*dump.Snapshot{qmapSysRq()}, nil},
		{"overview-many", []*dump.Snapshot{manyTasks(500)}, nil},
		{"overview-hostile", []*dump.Snapshot{hostile()}, nil},
		{"cpus", []*dump.Snapshot{mitosisStall()}, []string{"3"}},
		{"cpus-many", []*dump.Snapshot{manyTasks(500)}, []string{"3", "v", "end"}},
		{"cpu", []*dump.Snapshot{mitosisStall()}, []string{"3", "enter"}},
		{"cpu-qmap", []*dump.Snapshot{qmapSysRq()}, []string{"3", "enter"}},
		{"tasks", []*dump.Snapshot{mitosisStall()}, []string{"4"}},
		{"tasks-qmap", []*dump.Snapshot{qmapSysRq()}, []string{"4"}},
		{"tasks-many", []*dump.Snapshot{manyTasks(500)}, []string{"4", "pgdown", "pgdown"}},
		{"tasks-filter", []*dump.Snapshot{manyTasks(500)}, []string{"4", "/", "c", "p", "u", "=", "3"}},
		{"tasks-hostile", []*dump.Snapshot{hostile()}, []string{"4"}},
		{"task", []*dump.Snapshot{mitosisStall()}, []string{"4", "enter"}},
		{"task-qmap", []*dump.Snapshot{qmapSysRq()}, []string{"4", "end", "enter"}},
		{"cells", []*dump.Snapshot{mitosisStall()}, []string{"2"}},
		{"cell", []*dump.Snapshot{mitosisStall()}, []string{"2", "enter"}},
		{"queues", []*dump.Snapshot{qmapSysRq()}, []string{"2"}},
		{"queue", []*dump.Snapshot{qmapSysRq()}, []string{"2", "home", "enter"}},
		{"raw", []*dump.Snapshot{mitosisStall()}, []string{"4", "r"}},
		{"raw-search", []*dump.Snapshot{mitosisStall()}, []string{"9", "/", "v", "t", "i", "m", "e", "enter", "n"}},
		{"raw-hostile", []*dump.Snapshot{hostile()}, []string{"4", "r"}},
		{"help", []*dump.Snapshot{mitosisStall()}, []string{"4", "?"}},
		{"ring-overview", []*dump.Snapshot{ringSample()}, nil},
		{"ring-end", []*dump.Snapshot{ringSample()}, []string{"end"}},
		{"ring-cpu", []*dump.Snapshot{ringSample()}, []string{"3", "enter"}},
		{"ring-tasks", []*dump.Snapshot{ringSample()}, []string{"4"}},
		{"ring-task", []*dump.Snapshot{ringSample()}, []string{"4", "enter"}},
		{"ring-asleep", []*dump.Snapshot{ringSample()}, []string{"4", "end", "enter"}},
		{"ring-cells", []*dump.Snapshot{ringSample()}, []string{"2"}},
		{"ring-cell", []*dump.Snapshot{ringSample()}, []string{"2", "enter"}},
		{"ring-drain", []*dump.Snapshot{ringSample()}, []string{"2", "down", "enter"}},
		{"ring-cgroups", []*dump.Snapshot{ringSample()}, []string{"C"}},
		{"ring-cgroup", []*dump.Snapshot{ringSample()}, []string{"C", "down", "enter"}},
		{"ring-cgroups-help", []*dump.Snapshot{ringSample()}, []string{"C", "?"}},
		{"cgroups-hostile", []*dump.Snapshot{hostile()}, []string{"C"}},
		{"ring-events", []*dump.Snapshot{ringSample()}, []string{"e"}},
		{"ring-help", []*dump.Snapshot{ringSample()}, []string{"e", "?"}},
		{"ring-crash", []*dump.Snapshot{ringCrash()}, nil},
		{"list", all, []string{"]", "L"}},
		{"several", all, []string{"]", "]"}},
	} {
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s-%dx%d", tc.name, size[0], size[1]), func(t *testing.T) {
				s := start(t, size[0], size[1], tc.snaps...).keys(tc.keys...)
				golden.RequireEqual(t, strings.Join(trimmed(s.screen()), "\n")+"\n")
			})
		}
	}
}

// trimmed is the lines of a screen without the blanks at their ends.
func trimmed(screen string) []string {
	lines := strings.Split(screen, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return lines
}
