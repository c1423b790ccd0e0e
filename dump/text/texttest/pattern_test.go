// SPDX-License-Identifier: GPL-2.0-only

package texttest_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"scxdiag/dump/text/texttest"
)

// patterns are the shapes of the kernel's lines.
var patterns = map[string]*regexp.Regexp{
	"sched":  regexp.MustCompile(`^([A-Za-z0-9_.]+): (?:root|sub(\d+)-(\d+) (.*))$`),
	"sysrq":  regexp.MustCompile(`^Debug dump triggered by (.*)$`),
	"trig":   regexp.MustCompile(`^(?s:(.*))\[(-?\d+)\] triggered exit kind (\d+)(?: on CPU (\d+))?:$`),
	"cpu":    regexp.MustCompile(`^CPU (\d+) *: nr_run=(\d+) flags=0x([0-9a-f]+) cpu_rel=(\d+)(?: ops_qseq=(\d+))?(?: (?:pnt_seq|ksync)=(\d+))?$`),
	"rescue": regexp.MustCompile(`^ {10}rescue=(\d+) budget=(-?\d+)us rescuing=(.*)\[(-?\d+)\]$`),
	"curr":   regexp.MustCompile(`^ {10}curr=(.*)\[(-?\d+)\] class=(\S+)$`),
	"mask":   regexp.MustCompile(`^ {2}(cpus_to_kick|idle_to_kick|cpus_to_preempt|cpus_to_wait|cpus_to_sync) *: ([0-9a-f]+(?:,[0-9a-f]{8})*)$`),
	"task":   regexp.MustCompile(`^ ([* ])([A-Za-z]) (.*)\[(-?\d+)\](?: (\*?)(root|sub\d+-\d+))? ([+-]\d+)ms$`),
	"d1":     regexp.MustCompile(`^ {6}scx_state/flags=(\d+)/0x([0-9a-f]+) dsq_flags=0x([0-9a-f]+) ops_state/qseq=(\d+)/(\d+)$`),
	"d2":     regexp.MustCompile(`^ {6}sticky/holding_cpu=(-?\d+)/(-?\d+) dsq_id=(\(n/a\)|0x[0-9a-f]+)(?: dsq_vtime=(\d+))?(?: slice=(\d+))?$`),
	"d3":     regexp.MustCompile(`^ {6}dsq_vtime=(\d+) slice=(\d+) weight=(\d+)$`),
	"d4":     regexp.MustCompile(`^ {6}cpus=([0-9a-f]+(?:,[0-9a-f]{8})*)(?: no_mig=(\d+))?$`),
	"event":  regexp.MustCompile(`^ *(SCX_EV_[A-Z0-9_]+): +(-?\d+)$`),
}

var (
	symbolLine = regexp.MustCompile(`^ {2,4}(?:[^\s+]+\+0x[0-9a-f]+/0x[0-9a-f]+(?: \[[^\]]+\])?|0x[0-9a-f]+)$`)
	// schedulerLine are the lines of the schedulers that have a format.
	schedulerLine = regexp.MustCompile(`^(?:kernel: |cc: |CELL\[|CPU\[|DEBUG EVENTS |\[ *\d+\] [A-Z]|LAYER\[|HI_|LO_FALLBACK|QMAP | \d+[ :]|` +
		` {2}QMAP: | {4}Task\[| {4}QMAP: | {6}(?:\\_|\+) )`)
	fixedLine = map[string]bool{
		"": true, "Backtrace:": true, "CPU states": true, "----------": true, "Event counters": true, "--------------": true,
	}
	reasonLine = regexp.MustCompile(`^ {2}(?:runtime error|scx_bpf_error|runnable task stall|reenqueue limit|rescue bandwidth overload|<UNKNOWN>) \(.*\)$`)
)

// Every line of the kernel's has the shape of exactly one pattern, and every
// other line is fixed, a frame, or the scheduler's.
func TestEveryLineHasOneShape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := texttest.Models(texttest.PlainNames, func(t *rapid.T, k *texttest.Config) {
			k.Trace = rapid.Bool().Draw(t, "trace")
			if k.Format == texttest.AnyText {
				k.Format = texttest.NoText
			}
		}).Draw(t, "model")
		for i := range s.CPUs {
			s.CPUs[i].Unknown = nil
		}
		for i := range s.Tasks {
			s.Tasks[i].Unknown = nil
		}
		for i, line := range strings.Split(string(s.Dump().Text), "\n") {
			var names []string
			for name, re := range patterns {
				if re.MatchString(line) {
					names = append(names, name)
				}
			}
			other := fixedLine[line] || symbolLine.MatchString(line) || schedulerLine.MatchString(line) || reasonLine.MatchString(line)
			long := len(line) >= 1023
			if n := len(names); n > 1 || n == 1 && other || n == 0 && !other && !long {
				t.Fatalf("line %d %q: has shapes %v, other %t", i+1, line, names, other)
			}
		}
	})
}

// A dump that does not fit ends in the marker, which fills the buffer up to its
// last byte, and is otherwise what a larger buffer would hold.
func TestTruncationOverwritesTheEndOfTheBuffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := texttest.Models(texttest.HostileNames, nil).Draw(t, "model")
		s, k := m.Snapshot, m.Config
		whole := texttest.Render(s, k)
		k.DumpLen = rapid.IntRange(23, len(whole)+40).Draw(t, "buffer")
		d := texttest.NewDump(s, k)
		marker := []byte("\n\n~~~~ TRUNCATED ~~~~\n")
		switch {
		case len(whole) < k.DumpLen:
			if d.Cut != -1 || !bytes.HasPrefix(d.Text, whole) {
				t.Fatalf("a buffer of %d does not hold %d bytes", k.DumpLen, len(whole))
			}
			const ghost = "\nCPU "
			if rest := string(d.Text[len(whole):]); !strings.HasPrefix(rest, ghost) && !strings.HasPrefix(ghost, rest) {
				t.Fatalf("%q stands behind the end", rest)
			}
		case len(whole) == k.DumpLen:
			if d.Cut != -1 || !bytes.Equal(d.Text, whole[:len(whole)-1]) {
				t.Fatalf("a full buffer does not lose just its last byte")
			}
		default:
			want := slices.Concat(whole[:k.DumpLen-23], marker)
			if d.Cut != k.DumpLen-23 || !bytes.Equal(d.Text, want) {
				t.Fatalf("buffer of %d for %d bytes: cut %d, text ends in %q", k.DumpLen, len(whole), d.Cut, d.Text[max(0, len(d.Text)-60):])
			}
		}
	})
}

// What the carriers of the identity say of the lines is right: the dump's own
// lines arrive whole, those at and behind the cut do not.
func TestLinesKnowTheirSource(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := texttest.Models(texttest.HostileNames, nil).Draw(t, "model")
		s, k := m.Snapshot, m.Config
		whole := bytes.Split(texttest.Render(s, k), []byte("\n"))
		k.DumpLen = rapid.IntRange(64, 8192).Draw(t, "buffer")
		d := texttest.NewDump(s, k)
		for _, l := range d.Lines() {
			if l.Src >= 0 && !l.Damaged && !bytes.Equal(l.Text, whole[l.Src]) {
				t.Fatalf("line %q claims to be %q", l.Text, whole[l.Src])
			}
		}
		if got := d.Lines().Bytes(); d.Cut >= 0 && !bytes.Equal(got, d.Text) {
			t.Fatalf("lines make %q, want %q", got, d.Text)
		}
	})
}
