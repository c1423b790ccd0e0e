// SPDX-License-Identifier: GPL-2.0-only

package text_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scxdiag/dump"
	"scxdiag/dump/text/texttest"
)

// fuzzSeedMax bounds the seeds, so that mutations reach all of one.
const fuzzSeedMax = 40 << 10

// FuzzReader feeds the reader anything. Whatever it makes of it must hold
// together: the ledger adds up, spans lie where they should, and the text of a
// snapshot alone gives the same snapshot.
func FuzzReader(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(dumps, "*.log"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no logs: %v", err)
	}
	for _, file := range files {
		log, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(log[:min(len(log), fuzzSeedMax)])
	}
	for i, ch := range carriersForGoldens() {
		name := goldenDumps[i%len(goldenDumps)]
		log := ch.Carry(texttest.Rand(uint64(i)), body(f, name))
		f.Add(log[:min(len(log), fuzzSeedMax)])
	}
	for i := range 40 {
		f.Add(texttest.Models(texttest.HostileNames, nil).Example(i).Dump().Text)
	}
	for _, found := range []string{ // by fuzzing
		"sched_ext: BPF scheduler \" disabled (",
		"PU 0: nr_run=flags=0x\ncurr=] class=0",
		"EXIT: runtime error (\n ",
		"CPU states\nA [0] +0ms\nscx_state/flags=\nA 0 +00ms\nscx_state/flags=0",
		"sched_ext_dump:00sched_ext_dump:Event counters\nsched_ext_dump:scx_state/flags=0",
	} {
		f.Add([]byte(found))
	}
	f.Fuzz(func(t *testing.T, log []byte) { checkAnything(t, log) })
}

func checkAnything(t fataler, log []byte) {
	t.Helper()
	// The reader takes out what grep highlights with, and so does not have it in
	// the text of a snapshot.
	plain := strings.NewReplacer("\x1b[01;31m\x1b[K", "", "\x1b[m\x1b[K", "").Replace(string(log))
	for _, s := range snapshotsIn(t, log) {
		checkLedger(t, s)
		checkSpans(t, s)
		if s.Raw == "" || strings.HasPrefix(s.Source.Carrier, "utf-16") { // the log lacks this text, with a mark at its start or without
			continue
		}
		alone := s.Raw
		if !strings.HasSuffix(plain, s.Raw) { // else the end of the log may have cut its last line
			alone += "\n"
		}
		again := snapshotsIn(t, []byte(alone))
		if len(again) == 0 {
			t.Fatalf("nothing is found in the text of a snapshot:\n%s", excerpt([]byte(s.Raw)))
		}
		if s.Source.Copies != nil {
			continue // the snapshot learnt from its copies
		}
		if e := s.Exit; e != nil && e.Message.Known && e.Message.At.IsZero() {
			continue // the message stands before the text, as in a log that comes newest first
		}
		// A verdict may stand in the midst of a dump, and is a snapshot of its own.
		diff := ""
		for _, other := range again {
			// What else the log told is not part of the text.
			first, second := *s, *other
			first.Ledger, second.Ledger = dump.Ledger{}, dump.Ledger{}
			first.Kernel.Release, second.Kernel.Release = "", ""
			if diff = diffContent(&first, &second); diff == "" {
				break
			}
		}
		if diff != "" {
			t.Fatalf("the text of a snapshot gives another (-first +again):\n%s\n%s", diff, excerpt([]byte(s.Raw)))
		}
	}
}
