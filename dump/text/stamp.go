// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"strings"
	"time"
)

// stampLayouts are the forms of date and time that say which year and which
// zone they mean, or that are known to be local time.
var stampLayouts = []string{
	time.RFC3339Nano,
	"2006-01-02T15:04:05.999999999Z0700",
	"2006-01-02T15:04:05Z0700",
	"Mon 2006-01-02 15:04:05 MST",
	"Mon 2006-01-02 15:04:05.999999 MST",
}

// parseStamp reads the time of a line. It is zero if the form leaves open which
// instant is meant: most logs omit the year, or the zone.
func parseStamp(stamp []byte) time.Time {
	if len(stamp) < len("2006-01-02T15:04:05Z") {
		return time.Time{}
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
