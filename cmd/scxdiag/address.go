// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// address is what an argument of open or diff names.
type address struct {
	arg  string    // as the user gave it
	file string    // "" for a snapshot of the catalogue
	id   string    // of that, or its first digits
	nr   int       // of the snapshot in the file, from 1; 0: not given
	at   time.Time // the snapshot in force then; zero: not given
}

// addressHelp says what an argument may be, for the help texts.
const addressHelp = `  ID         a snapshot of the catalogue, or the first digits of its id, 4 or more
  FILE       a recording, a log, or "-" for a log on standard input
  FILE#3     the third snapshot of the file
  FILE@TIME  the snapshot of the file that was in force then

A TIME is RFC 3339, as 2026-03-04T05:06:07Z, or the local time without "T" and
zone; 15:04 is of today, and "2 minutes ago" or "90s ago" is before now. What
there is a file of is a file: a file called "beef" is meant by beef.`

// minIDDigits is how many digits of an id say anything.
const minIDDigits = 4

// parseAddress reads an argument.
func parseAddress(arg string, now time.Time) (address, error) {
	a := address{arg: arg}
	if arg == stdinName || exists(arg) {
		a.file = arg
		return a, nil
	}
	if i := strings.LastIndexByte(arg, '#'); i > 0 && exists(arg[:i]) {
		n, err := strconv.Atoi(arg[i+1:])
		if err != nil || n < 1 {
			return a, fmt.Errorf("%s: what is behind # is not the number of a snapshot, from 1", arg)
		}
		a.file, a.nr = arg[:i], n
		return a, nil
	}
	if i := strings.LastIndexByte(arg, '@'); i > 0 && exists(arg[:i]) {
		at, err := parseTime(arg[i+1:], now)
		if err != nil {
			return a, fmt.Errorf("%s: %w", arg, err)
		}
		a.file, a.at = arg[:i], at
		return a, nil
	}
	if isID(arg) {
		a.id = strings.ToLower(arg)
		return a, nil
	}
	a.file = arg // which is missing, or cannot be looked at
	return a, nil
}

// isAll reports whether the address names a whole file.
func (a *address) isAll() bool { return a.file != "" && a.nr == 0 && a.at.IsZero() }

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// isID reports whether s could be an id or the first digits of one.
func isID(s string) bool {
	const digits = 32
	return len(s) >= minIDDigits && len(s) <= digits && strings.Trim(strings.ToLower(s), "0123456789abcdef") == ""
}

// localLayouts are the times without a zone that parseTime takes.
var localLayouts = []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}

// clockLayouts are times of the present day.
var clockLayouts = []string{"15:04:05", "15:04"}

var errTime = errors.New(`not a time: give one as 2026-03-04T05:06:07Z, "2026-03-04 05:06", 15:04 or "2 minutes ago"`)

// parseTime reads a time as people write it; see addressHelp.
func parseTime(s string, now time.Time) (time.Time, error) {
	s = strings.TrimSpace(s)
	if s == "now" {
		return now, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	for _, layout := range localLayouts {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	for _, layout := range clockLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, now.Location()), nil
		}
	}
	if span, ok := strings.CutSuffix(s, " ago"); ok {
		if d, err := parseAge(span); err == nil {
			return now.Add(-d), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is %w", s, errTime)
}

// ageUnits are the units of parseAge that time.ParseDuration lacks.
var ageUnits = []struct {
	names []string
	unit  time.Duration
}{
	{[]string{"s", "second", "seconds"}, time.Second},
	{[]string{"min", "minute", "minutes"}, time.Minute},
	{[]string{"h", "hour", "hours"}, time.Hour},
	{[]string{"d", "day", "days"}, 24 * time.Hour},
	{[]string{"w", "week", "weeks"}, 7 * 24 * time.Hour},
}

// parseAge reads a length of time: "90d", "2 minutes", "1h30m".
func parseAge(s string) (time.Duration, error) {
	s = strings.TrimSpace(s)
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return d, nil
	}
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n, err := strconv.ParseInt(s[:digits], 10, 32)
	if err == nil {
		name := strings.TrimSpace(s[digits:])
		for _, u := range ageUnits {
			for _, known := range u.names {
				const longest = time.Duration(1<<63 - 1)
				if known == name && n <= int64(longest/u.unit) {
					return time.Duration(n) * u.unit, nil
				}
			}
		}
	}
	return 0, fmt.Errorf("%q is not a length of time such as 90d, 12h or \"2 minutes\"", s)
}
