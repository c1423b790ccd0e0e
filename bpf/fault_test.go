// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"strings"
	"testing"
	"time"
)

func TestParseFault(t *testing.T) {
	web := Fault{bits: 1 << 0, comm: [16]byte{'w', 'e', 'b', '-', '1'}}
	later := web
	later.after = 5 * time.Second
	for s, want := range map[string]Fault{
		"lose-task=web-1":    web,
		"lose-task=web-1@5s": later,
		"lose-task=42":       {bits: 1 << 0, pid: 42},
		"error-now":          {bits: 1 << 1},
		"error-now@1m30s":    {bits: 1 << 1, after: 90 * time.Second},
		"error-now@0s":       {bits: 1 << 1},

		"stale-vtime,split-clock":    {bits: 1<<9 | 1<<10},
		"timer-stop,lose-task=42@1s": {bits: 1<<2 | 1<<0, pid: 42, after: time.Second},
		"no-cginit=42":               {bits: 1 << 14, comm: [16]byte{'4', '2'}},
	} {
		if got, err := ParseFault(s); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", s, got, err)
		}
	}
	for s, want := range map[string]string{
		"":                           "unknown fault",
		"lose":                       "unknown fault",
		"lose-task":                  "written lose-task=PID|COMM",
		"lose-task=":                 "written lose-task=PID|COMM",
		"lose-task=1,slow-section=2": "only one fault",
		"lose-task=0":                "above 0",
		"lose-task=sixteen-bytes-ok": "at most 15 bytes",
		"error-now=1":                "written error-now",
		"error-now@":                 "not a time",
		"error-now@5":                "not a time",
		"error-now@-5s":              "not a time",
	} {
		if _, err := ParseFault(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, not %s", s, err, want)
		}
	}
}
