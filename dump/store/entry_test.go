// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"bytes"
	"testing"
	"time"

	"scxdiag/dump"
)

// FuzzEntry reads packed entries that anyone may have written.
func FuzzEntry(f *testing.F) {
	at := time.Date(2026, 11, 15, 10, 0, 0, 0, time.UTC)
	full := Entry{
		ID: "6f1c2f0e5b5c4a659f0c1d7e3f7f2a11", Time: at, Added: at.Add(time.Hour), Host: "node7", Boot: "6f1c", Kernel: "7.3.4", Scheduler: "mitosis",
		Trigger: dump.TriggerCrash, Kind: dump.Of(dump.ExitErrorStall), Reason: "runnable task stall", Signature: "ab", Title: "t", Task: "w[1]",
		Tasks: 20, Lost: 1 << 63, Truncated: true, Failure: true, HasText: true, Source: "crash.log", Size: 12345,
	}
	for _, e := range []Entry{full, {}} {
		b := e.pack()
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Entry
		if !e.unpack(string(b)) {
			return
		}
		// Times that no snapshot has are not kept.
		one := e.pack()
		var again Entry
		if !again.unpack(string(one)) {
			t.Fatalf("what was read, %+v, cannot be read again", e)
		}
		if two := again.pack(); !bytes.Equal(one, two) {
			t.Errorf("%+v becomes %+v", e, again)
		}
	})
}
