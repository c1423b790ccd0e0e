// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"os"
	"strings"
	"testing"

	"scxdiag/dump"
	dumptext "scxdiag/dump/text"
)

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		s    dump.Snapshot
		on   style
		want text
	}{
		{dump.Snapshot{Trigger: dump.TriggerSample}, good, "RUNNING"},
		{dump.Snapshot{Trigger: dump.TriggerSysRq}, good, "RUNNING (SysRq-D)"},
		{dump.Snapshot{Trigger: dump.TriggerHalfway}, warning, "RUNNING (halfway to a stall)"},
		{dump.Snapshot{}, warning, "VERDICT UNKNOWN"},
		{dump.Snapshot{Trigger: dump.TriggerCrash, Exit: &dump.Exit{}}, bad, "FAILED"},
		{dump.Snapshot{Trigger: dump.TriggerExit, Exit: &dump.Exit{Kind: dump.Of(dump.ExitUnreg)}}, plain, "ENDED UNREG"},
	} {
		if on, got := verdict(&c.s); on != c.on || got != c.want {
			t.Errorf("%q: got %v %q, want %v %q", c.s.Trigger, on, got, c.on, c.want)
		}
	}
}

// partOf is the first snapshot in some lines, from 1, of a real dump.
func partOf(t *testing.T, name string, from, to int) *dump.Snapshot {
	t.Helper()
	log, err := os.ReadFile(realDump(t, name))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(log), "\n")
	s, err := dumptext.NewReader(strings.NewReader(strings.Join(lines[from-1:min(to, len(lines))], "")), dumptext.Options{Name: name}).Next()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A CPU whose lines are cut off is not said to idle.
func TestCPUsThatWereCutOffAreUnknown(t *testing.T) {
	cut := partOf(t, rtHog, 1, 80)
	start(t, 120, 40, cut).keys("3").wants("3 unknown", "? unknown").lacks(" 4 idle", " 3 idle")
	start(t, 220, 40, cut).keys("3", "right", "enter").wants("whether it was idle is unknown").lacks("as it does with idle CPUs")
	start(t, 120, 40, partOf(t, rtHog, 1, 1000)).keys("3").lacks("unknown")
}

func TestBeheadedIsNotRunning(t *testing.T) {
	start(t, 120, 40, partOf(t, rtHog, 20, 150)).wants("VERDICT UNKNOWN", "the beginning of the dump is missing").lacks("RUNNING", "at work")
}
