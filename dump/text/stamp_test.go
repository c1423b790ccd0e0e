// SPDX-License-Identifier: GPL-2.0-only

package text_test

import (
	"strings"
	"testing"
	"time"

	"scxdiag/dump/text/texttest"
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

// TestStampsOfVerdicts reads what stands before a verdict, however it is written,
// and nothing of it where there is a dump.
func TestStampsOfVerdicts(t *testing.T) {
	const disabled = `sched_ext: BPF scheduler "foo" disabled (runtime error)` + "\n"
	for prefix, want := range map[string]string{
		"Mar 02 10:11:12 hostA kernel: ":                            "Mar 02 10:11:12 hostA",
		"> Mar 02 10:11:12 hostA kernel: ":                          "Mar 02 10:11:12 hostA",
		"\x1b[32mMar 02 10:11:12\x1b[0m hostA kernel: ":             "Mar 02 10:11:12 hostA",
		"[   12.345678] ":                                           "12.345678",
		"[   12.345678][  T123] ":                                   "12.345678",
		"[Fri Nov 27 20:24:07 2026] ":                               "Fri Nov 27 20:24:07 2026",
		"2026-11-27T21:24:07.5+0100 hostA kernel: ":                 "2026-11-27T20:24:07.5Z hostA",
		"1795811047.500000 hostA kernel: ":                          "2026-11-27T20:24:07.5Z hostA",
		"2026-11-27T20:24:07.1234567Z ":                             "", // Time says as much
		"hostA kernel: ":                                            "hostA",
		"<14>1 x/27/2026 - ":                                        "<14>1 x/27/2026 -",
		"\t" + strings.Repeat("long ", 100):                         strings.Repeat("long ", 26)[:127],
		"Mar 02 10:11:12 " + strings.Repeat("h", 500) + " kernel: ": "Mar 02 10:11:12 " + strings.Repeat("h", 112),
		"": "",
	} {
		if s := snapshotIn(t, []byte(prefix+disabled)); s.Stamp != want {
			t.Errorf("behind %q: %q, want %q", prefix, s.Stamp, want)
		}
	}
	m := texttest.Models(texttest.PlainNames, nil).Example(1)
	log := texttest.ChainOf("journald-short").Carry(texttest.Rand(1), m.Dump().Text)
	if s := snapshotIn(t, log); s.Stamp != "" || s.IsVerdict() {
		t.Errorf("a dump has the stamp %q", s.Stamp)
	}
}
