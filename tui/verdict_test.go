// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"testing"

	"scxdiag/dump"
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
