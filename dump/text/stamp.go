// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"
	"strings"
	"time"
)

// maxStamp is how much of the start of a line is kept to tell it from others, in
// bytes.
const maxStamp = 128

// lineStamp is what Snapshot.Stamp says of a line that came at time t: the stamp and
// the host in it, or unknown, what else stands before its words, where it has neither.
// A stamp that says which instant it means counts as that, however it is written.
func lineStamp(t time.Time, stamp, host, unknown []byte) string {
	switch {
	case !t.IsZero() && !isHuman(stamp):
		if len(host) == 0 {
			return "" // Time says as much
		}
		stamp = t.AppendFormat(nil, time.RFC3339Nano)
	case len(stamp) == 0 && len(host) == 0:
		if name, _, _, ok := bareProgramLen(unknown); ok {
			host = name
		} else {
			stamp = unknown
		}
	}
	b := make([]byte, 0, 2*maxStamp)
	b = append(append(append(b, stamp[:min(len(stamp), maxStamp)]...), ' '), host[:min(len(host), maxStamp)]...)
	b = bytes.TrimSpace(b)
	return string(b[:min(len(b), maxStamp)])
}

// isHuman matches the form of humanLayout, "Mon Nov 23 07:33:30 2026".
func isHuman(stamp []byte) bool {
	return len(stamp) == len(humanLayout) && stamp[3] == ' ' && stamp[7] == ' ' && stamp[13] == ':' && stamp[19] == ' '
}

// stampLayouts are the forms of date and time that say which year and which
// zone they mean, or that are known to be local time.
var stampLayouts = []string{
	time.RFC3339Nano,
	"2006-01-02T15:04:05.999999999Z0700",
	"2006-01-02T15:04:05Z0700",
	"Mon 2006-01-02 15:04:05 MST",
	"Mon 2006-01-02 15:04:05.999999 MST",
}

// humanLayout is the form of dmesg -T, which is local time. Which place that is of
// does not show, and as a rule logs are read where they were written.
const humanLayout = "Mon Jan _2 15:04:05 2006"

// parseStamp reads the time of a line. It is zero if the form leaves open which
// instant is meant: most logs omit the year, or the zone.
func parseStamp(stamp []byte) time.Time {
	if t := parseUnix(stamp); !t.IsZero() {
		return t
	}
	if len(stamp) < len("2006-01-02T15:04:05Z") {
		return time.Time{}
	}
	if isHuman(stamp) {
		t, err := time.ParseInLocation(humanLayout, string(stamp), time.Local)
		if err != nil {
			return time.Time{}
		}
		return t.UTC()
	}
	s := strings.Replace(string(stamp), ",", ".", 1)
	for _, layout := range stampLayouts {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		// a zone by name is only known if it is UTC
		if _, offset := t.Zone(); strings.HasSuffix(layout, "MST") && !strings.HasSuffix(s, " UTC") || offset%60 != 0 {
			return time.Time{}
		}
		return t.UTC()
	}
	return time.Time{}
}

// parseUnix reads the seconds since 1970 of journalctl -o short-unix. Fewer than
// ten digits before the dot are seconds since boot.
func parseUnix(stamp []byte) time.Time {
	sec, us, ok := bytes.Cut(stamp, []byte("."))
	if !ok || len(sec) != 10 || len(us) != 6 {
		return time.Time{}
	}
	s, ok := parseUint(sec)
	u, ok2 := parseUint(us)
	if !ok || !ok2 {
		return time.Time{}
	}
	return time.Unix(int64(s), int64(u)*int64(time.Microsecond)).UTC() //nolint:gosec // ten digits, and six
}
