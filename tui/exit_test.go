// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// panicVariable has TestFeedProgram panic when it is asked for a sample.
const panicVariable = "SCXDIAG_TEST_PANIC"

// TestTmuxTheTerminalIsLeftClean ends the program in every way that a program can
// clean up after.
func TestTmuxTheTerminalIsLeftClean(t *testing.T) {
	scxdiag := binary(t)
	for _, c := range []struct {
		name   string
		end    func(*terminal)
		status string
	}{
		{"quit", func(term *terminal) { term.press("q") }, "status=0"},
		{"interrupt", func(term *terminal) { term.press("C-c") }, "status=0"},
		{"SIGTERM", func(term *terminal) { term.signal("TERM") }, "status=1"},
		{"SIGHUP", func(term *terminal) { term.signal("HUP") }, "status=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			term := newTerminal(t, 80, 24)
			term.typeText("cd " + filepath.Dir(realDump(t, rtHog)) + "; stty -g > /dev/null; " + scxdiag + " open " + rtHog + "; echo status=$?").press("Enter")
			term.waitFor("[1 Triage]", "q quit")
			term.press("4").waitFor("[4 Tasks]")
			c.end(term)
			term.waitFor("shell>", c.status)
			isClean(t, term)
		})
	}
	t.Run("panic", func(t *testing.T) {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "orders")
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		pipe, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer pipe.Close()
		term := newTerminal(t, 80, 24)
		term.typeText(panicVariable + "=1 " + feedVariable + "=" + path + " " + self + " -test.run '^TestFeedProgram$'; echo status=$?").press("Enter")
		if _, err := pipe.WriteString("sample\n"); err != nil {
			t.Fatal(err)
		}
		term.waitFor("LIVE", "D sample")
		term.press("D").waitFor("shell>", "status=1")
		isClean(t, term)
	})
}

// signal sends a signal to the program that the shell runs.
func (t *terminal) signal(name string) {
	t.tb.Helper()
	t.tmux("run-shell", "pkill -"+name+" -P #{pane_pid}")
}

// isClean looks that a terminal is as a shell wants it.
func isClean(t *testing.T, term *terminal) {
	t.Helper()
	flags := strings.TrimSpace(term.tmux("display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{mouse_button_flag} #{mouse_sgr_flag} #{keypad_cursor_flag}"))
	if flags != "0 1 0 0 0 0" {
		t.Errorf("other screen, cursor, mouse (3), keypad: %s", flags)
	}
	term.typeText("clear; stty -a | tr ' ' '\\n' | grep -xE -- '-?(echo|icanon|isig);?' | tr '\\n' ' '; echo end").press("Enter")
	term.waitFor("isig icanon echo end")
}
