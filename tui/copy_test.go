// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"scxdiag/dump"
)

// copies presses keys and returns what came to the clipboard.
func (s *session) copies(keys ...string) string {
	s.tb.Helper()
	s.keys(keys[:len(keys)-1]...)
	_, cmd := s.Update(press(keys[len(keys)-1]))
	for cmd != nil {
		msg := cmd()
		if clip := fmt.Sprintf("%T", msg); clip == "tea.setClipboardMsg" {
			return fmt.Sprint(msg)
		}
		_, cmd = s.Update(msg)
	}
	return ""
}

func TestCopy(t *testing.T) {
	for _, c := range []struct {
		keys []string
		want []string
	}{
		{[]string{"4", "y"}, []string{"Task websrv[228]\n", "basis_vtime     2881842813\n", "may run on      ·█··\n"}},
		{[]string{"4", "enter", "y"}, []string{"Task websrv[228]\n"}},
		{[]string{"3", "y"}, []string{"CPU 1\n", "rt_hog[259]"}},
		{[]string{"2", "y"}, []string{"Cell 1\n", "/cells/web"}},
		{[]string{"5", "y"}, []string{"DSQ cell 1"}},
		{[]string{"8", "y"}, []string{"value           232044530\ncounter         SCX_EV_BYPASS_DURATION\n"}},
		{[]string{"4", "r", "y"}, []string{"  R websrv[228] *root -35652ms\n", "Task[228] vtime=2881842813"}},
		{[]string{"y"}, []string{"FAILED ERROR_STALL: runnable task stall (exit kind 1026) on CPU 1\n"}},
	} {
		s := start(t, 80, 24, mitosisStall())
		got := s.copies(c.keys...)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%v copied %q, which lacks %q", c.keys, got, want)
			}
		}
		s.wants("Copied ")
	}
	if got := start(t, 80, 24, mitosisStall()).copies("7", "y"); got != "" {
		t.Errorf("an empty table copied %q", got)
	}
}

// TestCopiesAreHarmless looks that what a dump holds cannot act when it is pasted.
func TestCopiesAreHarmless(t *testing.T) {
	for _, view := range []string{"1", "2", "3", "4", "5", "7", "8", "C"} {
		for _, then := range [][]string{{"y"}, {"enter", "y"}, {"r", "y"}} {
			got := start(t, 80, 24, hostile()).copies(append([]string{view, "home"}, then...)...)
			if dump.Printable(strings.ReplaceAll(got, "\n", "")) != strings.ReplaceAll(got, "\n", "") {
				t.Errorf("%s %v copied %q", view, then, got)
			}
		}
	}
}

func TestIssueAndFile(t *testing.T) {
	s := start(t, 80, 24, mitosisStall())
	s.keys("?").lacks("text of an issue", "to a file").keys("esc", "Y", "w").lacks("write to:")
	written := make(map[string]*dump.Snapshot)
	s.outlet = Outlet{
		Issue: func(*dump.Snapshot) (string, error) { return "# issue\n", nil },
		Write: func(name string, snap *dump.Snapshot) error {
			if written[name] != nil {
				return errors.New("open a\x1b.md: file exists")
			}
			written[name] = snap
			return nil
		},
		Suggest: func(*dump.Snapshot) string { return "a.m" },
	}
	if got := s.copies("Y"); got != "# issue\n" {
		t.Errorf("copied %q", got)
	}
	s.wants("Copied the text of an issue, 1 line.")
	write := func() {
		s.keys("w").wants("write to: a.m").Update(tea.PasteMsg{Content: "d"})
		if _, cmd := s.Update(press("enter")); cmd != nil {
			s.Update(cmd())
		}
	}
	write()
	s.wants("Written to a.md.")
	if written["a.md"] != s.index.s {
		t.Error("another snapshot was written")
	}
	write()
	s.wants(`open a\x1b.md: file exists`)
	s.keys("w", "esc").lacks("write to:", "Written")
}
