// SPDX-License-Identifier: GPL-2.0-only

package triage_test

import (
	"strings"
	"testing"
)

// Of a stall there is only who told of it: nothing shows its cause, and what there is
// is quoted as it stands.
func TestStallWithoutDump(t *testing.T) {
	for _, tt := range []struct{ log, rule, words, evidence string }{
		{
			"EXIT: runnable task stall\n", "stall-without-dump", "without a message", "runnable task stall",
		},
		{
			"EXIT: runnable task stall (web[77] failed to run for 30.016s)\n", "stall-without-dump",
			"its message: web[77] failed to run for 30.016s.", "runnable task stall (web[77] failed to run for 30.016s)",
		},
		{
			"sched_ext: BPF scheduler \"qmap\" disabled (runnable task stall)\n", "stall-without-dump", "without a message", "runnable task stall",
		},
		{
			"sched_ext: BPF scheduler \"qmap\" disabled (runnable task stall)\nsched_ext: qmap: web[77] failed to run for 30.016s\n", "stall-without-dump",
			"its message: web[77] failed to run for 30.016s.", "runnable task stall|web[77] failed to run for 30.016s",
		},
		{
			"sched_ext: BPF scheduler \"qmap\" disabled (runnable task stall)\nsched_ext: qmap: watchdog failed to check in for 30.016s\n", "watchdog-starved",
			"watchdog failed to check in for 30.016s", "runnable task stall|watchdog failed to check in for 30.016s",
		},
	} {
		s := triaged(t, tt.log)
		if len(s.Findings) != 1 || top(s) != tt.rule {
			t.Errorf("%q: got %s", tt.log, rulesOf(s))
			continue
		}
		f := s.Findings[0]
		var lines []string
		for _, e := range f.Evidence {
			lines = append(lines, e.Text)
			if s.At(e.At) != e.Text {
				t.Errorf("%q: %q stands elsewhere than at %v", tt.log, e.Text, e.At)
			}
		}
		if got := strings.Join(lines, "|"); got != tt.evidence || len(f.Follows) != 0 {
			t.Errorf("%q: evidence %q, follows %v", tt.log, got, f.Follows)
		}
		if !strings.Contains(f.Explanation, tt.words) {
			t.Errorf("%q: %s", tt.log, f.Explanation)
		}
	}
}
