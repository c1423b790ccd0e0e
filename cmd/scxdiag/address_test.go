// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"os"
	"testing"
	"time"
)

func TestTimesOfPeople(t *testing.T) {
	zone := time.FixedZone("here", 2*60*60)
	now := time.Date(2026, 3, 4, 12, 30, 0, 0, zone)
	day := func(h, m, s int) time.Time { return time.Date(2026, 3, 4, h, m, s, 0, zone) }
	for text, want := range map[string]time.Time{
		"now":                       now,
		"2026-03-04T05:06:07Z":      day(7, 6, 7),
		"2026-03-04T05:06:07+02:00": day(5, 6, 7),
		"2026-03-04T05:06:07.5Z":    day(7, 6, 7).Add(time.Second / 2),
		"2026-03-04 05:06:07":       day(5, 6, 7),
		"2026-03-04 05:06":          day(5, 6, 0),
		"2026-03-04":                day(0, 0, 0),
		"15:04":                     day(15, 4, 0),
		"05:06:07":                  day(5, 6, 7),
		"2 minutes ago":             day(12, 28, 0),
		"1 hour ago":                day(11, 30, 0),
		"90s ago":                   day(12, 28, 30),
		"1h30m ago":                 day(11, 0, 0),
		" 3 days ago ":              day(12, 30, 0).AddDate(0, 0, -3),
		"1w ago":                    day(12, 30, 0).AddDate(0, 0, -7),
	} {
		if got, err := parseTime(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "ago", "soon", "-5s ago", "5 ago", "2026", "25:00", "99999999999 days ago", "2147483647 weeks ago", "3 fortnights ago"} {
		if got, err := parseTime(text, now); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"night.scxdiag", "beef", "odd#1", "odd@now"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for arg, want := range map[string]address{
		"night.scxdiag":     {file: "night.scxdiag"},
		"night.scxdiag#12":  {file: "night.scxdiag", nr: 12},
		"night.scxdiag@now": {file: "night.scxdiag", at: now},
		"-":                 {file: "-"},
		"beef":              {file: "beef"},
		"BEEF1":             {id: "beef1"},
		"dead":              {id: "dead"},
		"odd#1":             {file: "odd#1"},
		"odd@now#3":         {file: "odd@now", nr: 3},
		"dea":               {file: "dea"},
		"missing.log":       {file: "missing.log"},
		"missing#1":         {file: "missing#1"},
		"a@b":               {file: "a@b"},
	} {
		want.arg = arg
		if got, err := parseAddress(arg, now); err != nil || got != want {
			t.Errorf("%s: %+v %v, want %+v", arg, got, err, want)
		}
	}
	for _, arg := range []string{"beef#", "beef#x", "beef#-1", "beef@", "beef@soon"} {
		if got, err := parseAddress(arg, now); err == nil {
			t.Errorf("%s: %+v, want an error", arg, got)
		}
	}
}
