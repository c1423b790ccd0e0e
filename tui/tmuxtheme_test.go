// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"
	"testing"
)

// TestTmuxTellsItsBackground looks that colours follow the background of a real
// terminal, and that its answer to a program that ended at once is not left on the
// command line.
func TestTmuxTellsItsBackground(t *testing.T) {
	scxdiag := binary(t)
	term := newTerminal(t, 80, 24, "NO_COLOR=", "COLORTERM=truecolor")
	open := scxdiag + " open " + realDump(t, rtHog)
	for _, on := range []struct{ background, name string }{{"#ffffff", "\x1b[38;5;25m"}, {"#101010", "\x1b[36m"}} {
		term.tmux("set", "-g", "window-style", "bg="+on.background)
		term.typeText(open).press("Enter").waitFor("[1 Triage]")
		term.press("3").waitFor("[3 CPUs]")
		term.until("names in the colour for "+on.background, func(string) bool {
			return strings.Contains(term.tmux("capture-pane", "-p", "-e"), on.name)
		})
		term.press("q").waitFor("shell>")
	}
	term.typeText("clear; "+open+"; echo e''nd").press("Enter", "q")
	if s := term.waitFor("end"); strings.Contains(s, "rgb:") {
		t.Errorf("the answer is on the command line:\n%s", s)
	}
}
