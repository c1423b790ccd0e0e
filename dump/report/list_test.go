// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"scxdiag/dump"
	"scxdiag/dump/store"
)

// listed are entries of which the last one holds text.
func listed(text string) []store.Entry {
	at := time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC)
	return []store.Entry{
		{ID: "0123456789abcdef0123456789abcdef", Added: at, Trigger: dump.TriggerSample, Complete: true},
		{ID: "1123456789abcdef0123456789abcdef", Added: at, Time: at, Trigger: dump.TriggerSysRq, Scheduler: "mitosis_1.1.2_x86", Complete: true},
		{ID: "1223456789abcdef0123456789abcdef", Added: at, Scheduler: "qmap"},
		{ID: "2123456789abcdef0123456789abcdef", Added: at, Time: at, Kind: dump.Of(dump.ExitErrorStall), Failure: true, Lost: 3},
		{ID: "3123456789abcdef0123456789abcdef", Added: at, Time: at, Host: text, Boot: text, Kernel: text, Scheduler: text,
			Trigger: dump.TriggerCrash, Kind: dump.Of(dump.ExitErrorBPF), Reason: text, Signature: text, Title: text, Task: text,
			Tasks: 5, Failure: true, Truncated: true, HasText: true, HasRecords: true, Source: text, Size: 99},
	}
}

func TestLists(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	defer func() { time.Local = local }()
	var text, doc bytes.Buffer
	entries := listed("a[1]\x1b[2J\n")
	if err := ListText(&text, entries, Options{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "list.txt", text.Bytes())
	if err := ListJSON(&doc, entries); err != nil {
		t.Fatal(err)
	}
	golden(t, "list.json", doc.Bytes())
	found := map[string]bool{}
	paths(decode(t, doc.Bytes()), "", found)
	var b strings.Builder
	for _, p := range slices.Sorted(maps.Keys(found)) {
		fmt.Fprintln(&b, p)
	}
	golden(t, "list.schema", []byte(b.String()))
}

func TestNothingOfAListBreaksOut(t *testing.T) {
	for _, attack := range attacks {
		var text, doc bytes.Buffer
		if err := ListText(&text, listed(attack), Options{}); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(text.String(), "\n"); n != 6 {
			t.Errorf("%q makes %d lines, want 6", attack, n)
		}
		checkLines(t, text.String(), []string{"ID ", "0", "1", "2", "3"})
		if err := ListJSON(&doc, listed(attack)); err != nil {
			t.Fatal(err)
		}
		checkJSON(t, doc.Bytes())
	}
}

func TestListWriteErrorsComeBack(t *testing.T) {
	if ListText(failing{}, listed("x"), Options{}) == nil || ListJSON(failing{}, listed("x")) == nil {
		t.Error("a broken writer is no error")
	}
}
