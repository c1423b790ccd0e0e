// SPDX-License-Identifier: GPL-2.0-only

package text_test

import (
	"testing"
	"time"
)

// TestTimesOfStamps reads a verdict behind each form of date and time.
func TestTimesOfStamps(t *testing.T) {
	old := time.Local
	t.Cleanup(func() { time.Local = old })
	time.Local = time.FixedZone("CET", 3600)
	at := time.Date(2026, 11, 27, 19, 24, 7, 0, time.UTC)
	for stamp, want := range map[string]time.Time{
		"[Fri Nov 27 20:24:07 2026] ":                 at, // as dmesg -T has it: local time
		"[Sat Nov  7 20:24:07 2026] ":                 at.AddDate(0, 0, -20),
		"[Fri Nov 27 20:24:07 2026][  T123] ":         at,
		"<4>[Fri Nov 27 20:24:07 2026] ":              at,
		"kern  :warn  : [Fri Nov 27 20:24:07 2026] ":  at,
		"1795807447.000000 hostA kernel: ":            at,
		"1795807447.250000 hostA kernel: ":            at.Add(250 * time.Millisecond),
		"2026-11-27T20:24:07+0100 hostA kernel: ":     at,
		"Fri 2026-11-27 19:24:07 UTC hostA kernel: ":  at,
		"Fri 2026-11-27 20:24:07 CEST hostA kernel: ": {}, // whose zone the name is of is not known
		"Nov 27 20:24:07 hostA kernel: ":              {},
		"[95807447.000000] ":                          {}, // since boot
		"[12345.678901] ":                             {},
		"":                                            {},
	} {
		s := snapshotIn(t, []byte(stamp+`sched_ext: BPF scheduler "foo" disabled (runtime error)`+"\n"))
		if !s.Time.Equal(want) {
			t.Errorf("behind %q: %v, want %v", stamp, s.Time, want)
		}
	}
}
