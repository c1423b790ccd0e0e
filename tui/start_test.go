// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"scxdiag/dump"
)

// TestASessionStartsWhereItIsToldTo is about a part of a long recording.
func TestASessionStartsWhereItIsToldTo(t *testing.T) {
	failed := &dump.Snapshot{Exit: &dump.Exit{}, Trigger: dump.TriggerCrash}
	snapshots := []*dump.Snapshot{{}, failed, {}, {}}
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"a failure comes first", Options{}, "2/4"},
		{"unless told otherwise", Options{Start: 3}, "3/4"},
		{"there is no such snapshot", Options{Start: 9}, "4/4"},
		{"numbers are those of the recording", Options{Start: 3, Before: 100, After: 20}, "103/124"},
	} {
		c.o.NoColor, c.o.Notice = true, "More\nis hidden."
		m := New(snapshots, c.o)
		m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
		screen := m.View().Content
		title, _, _ := strings.Cut(screen, "\n")
		if !strings.HasSuffix(strings.TrimSpace(title), c.want) {
			t.Errorf("%s: %q, want %s at its end", c.name, title, c.want)
		}
		if !strings.Contains(screen, "More") || strings.Contains(screen, "hidden") {
			t.Errorf("%s: the notice is not one line:\n%s", c.name, screen)
		}
		m.Update(tea.KeyPressMsg{Code: '[', Text: "["})
		if strings.Contains(m.View().Content, "More") {
			t.Errorf("%s: the notice stays", c.name)
		}
	}
}
