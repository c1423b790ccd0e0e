// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"strings"
	"testing"
	"time"
)

func TestParseFault(t *testing.T) {
	web := Fault{bits: faultLoseTask, comm: [16]byte{'w', 'e', 'b', '-', '1'}}
	later := web
	later.after = 5 * time.Second
	for s, want := range map[string]Fault{
		"lose-task=web-1":    web,
		"lose-task=web-1@5s": later,
		"lose-task=42":       {bits: faultLoseTask, pid: 42},
		"error-now":          {bits: faultErrorNow},
		"error-now@1m30s":    {bits: faultErrorNow, after: 90 * time.Second},
		"error-now@0s":       {bits: faultErrorNow},
	} {
		if got, err := ParseFault(s); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", s, got, err)
		}
	}
	for s, want := range map[string]string{
		"":                           "unknown fault",
		"lose-task":                  "unknown fault",
		"lose-task=":                 "unknown fault",
		"lose-task=0":                "above 0",
		"lose-task=sixteen-bytes-ok": "at most 15 bytes",
		"error-now=1":                "give one of lose-task=PID|COMM, error-now",
		"error-now@":                 "not a time",
		"error-now@5":                "not a time",
		"error-now@-5s":              "not a time",
	} {
		if _, err := ParseFault(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, not %s", s, err, want)
		}
	}
}
