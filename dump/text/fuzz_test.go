// SPDX-License-Identifier: GPL-2.0-only

package text_test

import (
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scxdiag/dump"
	"scxdiag/dump/text/texttest"
)

// fuzzSeedMax bounds the seeds, so that mutations reach all of one.
const fuzzSeedMax = 40 << 10

// FuzzReader feeds the reader anything. A carrier that is damaged at will may
// look like any other, so no reader can always tell what a line meant. What must
// hold all the same is what checkAnything checks.
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
		"{\"log\":\"EXIT: runtime error\"}\nEXIT: a\n{\n\"dmesg\":[{\"msg\":\"EXIT: b\",\"time\":1}",
		"sched_ext_dump:00sched_ext_dump:Event counters\nsched_ext_dump:scx_state/flags=0",
	} {
		f.Add([]byte(found))
	}
	f.Fuzz(func(t *testing.T, log []byte) { checkAnything(t, log) })
}

// checkAnything checks what holds for any bytes: the ledger adds up, spans lie
// where they should and cover what they stand for, the text of a snapshot is
// that of the log, and it makes no difference how the log arrives. A snapshot
// without any flaw reads the same from its text alone.
func checkAnything(t fataler, log []byte) {
	t.Helper()
	all := snapshotsIn(t, log)
	checkPieces(t, log, all)
	for _, s := range all {
		checkLedger(t, s)
		checkSpans(t, s)
		if !isDecoded(s.Source.Carrier) {
			checkSource(t, log, s)
		}
		if isFlawless(s) {
			checkAlone(t, log, s)
		}
	}
}

// isDecoded reports whether the log does not have the text of a snapshot as it is.
func isDecoded(carrier string) bool {
	outermost, _, _ := strings.Cut(carrier, "+")
	return slices.Contains([]string{"utf-16", "export", "json", "verbose"}, outermost)
}

// checkPieces checks that the log gives the same when it arrives in small
// pieces, as from a pipe.
func checkPieces(t fataler, log []byte, whole []*dump.Snapshot) {
	t.Helper()
	pieces := snapshotsFrom(t, &piecewise{log, 1 + len(log)%61})
	if len(pieces) != len(whole) {
		t.Fatalf("in pieces there are %d snapshots, as a whole %d", len(pieces), len(whole))
	}
	for i := range whole {
		if !reflect.DeepEqual(whole[i], pieces[i]) {
			t.Fatalf("in pieces a snapshot is another (-whole +pieces):\n%s",
				cmp.Diff(whole[i], pieces[i], cmp.Transformer("list", dump.CPUMask.String)))
		}
	}
}

// piecewise reads at most n bytes at a time.
type piecewise struct {
	rest []byte
	n    int
}

func (p *piecewise) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.n)], p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// withoutHighlights is a log without what the reader takes out before it looks:
// what grep highlights words with.
func withoutHighlights(log []byte) string {
	return strings.NewReplacer("\x1b[01;31m\x1b[K", "", "\x1b[m\x1b[K", "").Replace(string(log))
}

// checkSource checks that the text of a snapshot stands in the log, where the
// snapshot says it does. A verdict lacks the blanks at the ends of its lines, and
// colours.
func checkSource(t fataler, log []byte, s *dump.Snapshot) {
	t.Helper()
	plain := withoutHighlights(log)
	if s.Source.Offset > int64(len(plain)) {
		t.Fatalf("a snapshot starts at %d of %d bytes", s.Source.Offset, len(plain))
	}
	before, rest := plain[:s.Source.Offset], plain[s.Source.Offset:]
	if line := strings.Count(before, "\n") + 1; line != s.Source.Line {
		t.Fatalf("a snapshot starts in line %d, not %d", line, s.Source.Line)
	}
	for line := range strings.SplitSeq(s.Raw, "\n") {
		source, more, _ := strings.Cut(rest, "\n")
		if !strings.HasPrefix(source, line) && strings.TrimRight(colours.ReplaceAllString(source, ""), " \t\r") != line {
			t.Fatalf("the line %q of a snapshot is %q in the log", line, source)
		}
		rest = more
	}
}

// colours are the sequences that colour text or erase the rest of a line.
var colours = regexp.MustCompile("\x1b\\[[0-9;]*[mK]")

// isFlawless reports whether every line was understood and came in the same
// way. Only then its carrier is beyond doubt, and with it what a line says.
func isFlawless(s *dump.Snapshot) bool {
	l := &s.Ledger.Lines
	return s.Ledger.Complete() && l.Foreign == 0 && l.Glued == 0
}
