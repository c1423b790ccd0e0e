// SPDX-License-Identifier: GPL-2.0-only

package keep

import (
	"path/filepath"
	"testing"
	"time"

	"scxdiag/dump"
	"scxdiag/dump/store"
)

// TestACrashIsCountedOnceOverARestart records a dump, and has the next recorder see
// ends for which there was none.
func TestACrashIsCountedOnceOverARestart(t *testing.T) {
	now := time.Now()
	dumped := func() *dump.Snapshot {
		return &dump.Snapshot{
			Trigger: dump.TriggerCrash, Time: now.Add(-5 * time.Second), Scheduler: "mitosis_1.2_x86_64", Raw: "the dump",
			Exit:   &dump.Exit{Kind: dump.Of(dump.ExitErrorStall), Message: dump.Of("a[1] failed to run")},
			Ledger: dump.Ledger{Records: []dump.RecordCount{{Kind: "line", Expected: 1, Received: 1}}},
		}
	}
	end := func() *dump.Snapshot {
		return &dump.Snapshot{
			Trigger: dump.TriggerCrash, Time: now, Scheduler: "mitosis_1.2_x86_64",
			Exit: &dump.Exit{Kind: dump.Of(dump.ExitErrorStall), Message: dump.Of("a[1] failed to run")},
		}
	}
	for _, c := range []struct {
		name    string
		change  func(before, after *dump.Snapshot)
		boot    string
		repeats bool
	}{
		{"the same", func(_, _ *dump.Snapshot) {}, "b", true},
		{"no line of the dump got through", func(b, _ *dump.Snapshot) { b.Raw, b.Exit = "", nil }, "b", true},
		{"the dump has no message", func(b, _ *dump.Snapshot) { b.Exit.Message = dump.Value[string]{} }, "b", true},
		{"another boot", func(_, _ *dump.Snapshot) {}, "c", false},
		{"an unknown boot", func(_, _ *dump.Snapshot) {}, "", false},
		{"another scheduler", func(_, a *dump.Snapshot) { a.Scheduler = "qmap" }, "b", false},
		{"another kind", func(_, a *dump.Snapshot) { a.Exit.Kind = dump.Of(dump.ExitErrorBPF) }, "b", false},
		{"another message", func(_, a *dump.Snapshot) { a.Exit.Message = dump.Of("b[2] failed to run") }, "b", false},
		{"much later", func(_, a *dump.Snapshot) { a.Time = now.Add(time.Hour) }, "b", false},
		{"long ago", func(b, _ *dump.Snapshot) { b.Time = now.Add(-time.Hour) }, "b", false},
		{"a dump of its own", func(_, a *dump.Snapshot) { a.Raw = "another dump" }, "b", false},
		{"an end that was seen", func(b, _ *dump.Snapshot) { b.Raw, b.Ledger = "", dump.Ledger{} }, "b", false},
		{"an end in order", func(_, a *dump.Snapshot) { a.Trigger = dump.TriggerExit }, "b", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, err := store.Open(filepath.Join(t.TempDir(), "a"+store.Ext))
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			before, after := dumped(), end()
			c.change(before, after)
			if _, _, err := st.Add(t.Context(), before, store.AddOptions{Boot: "b"}); err != nil {
				t.Fatal(err)
			}
			k, err := Recent(t.Context(), st, c.boot, now)
			if err != nil {
				t.Fatal(err)
			}
			if got := k.Repeats(after); got != c.repeats {
				t.Errorf("repeats: %v", got)
			}
			if k.Repeats(after) {
				t.Error("the same crash ended twice")
			}
			if k.Repeats(&dump.Snapshot{Trigger: dump.TriggerSample, Time: now.Add(2 * endsWithin)}); len(k.crashes) != 0 {
				t.Error("a crash is kept for longer than it may take to end")
			}
		})
	}
}
