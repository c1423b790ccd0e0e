// SPDX-License-Identifier: GPL-2.0-only

package text_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"scxdiag/dump"
	"scxdiag/dump/text"
	"scxdiag/dump/text/texttest"
)

// fataler is what rapid, tests and fuzz targets share.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// snapshotsIn reads every snapshot of a log.
func snapshotsIn(t fataler, log []byte) []*dump.Snapshot {
	t.Helper()
	return snapshotsFrom(t, bytes.NewReader(log))
}

// snapshotsFrom reads every snapshot of a stream.
func snapshotsFrom(t fataler, log io.Reader) []*dump.Snapshot {
	t.Helper()
	r := text.NewReader(log, text.Options{Name: "log"})
	var all []*dump.Snapshot
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("reading: %v", err)
		}
		all = append(all, s)
	}
}

// snapshotIn reads a log with a single snapshot in it.
func snapshotIn(t fataler, log []byte) *dump.Snapshot {
	t.Helper()
	all := snapshotsIn(t, log)
	if len(all) != 1 {
		t.Fatalf("got %d snapshots, want 1: %s\nin:\n%s", len(all), titles(all), excerpt(log))
	}
	return all[0]
}

// titles says of each snapshot what it is.
func titles(all []*dump.Snapshot) string {
	var b strings.Builder
	for i, s := range all {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s at line %d", s.Trigger, s.Source.Line)
	}
	return b.String()
}

// excerpt shortens a log for a message.
func excerpt(log []byte) string {
	const most = 6000
	if len(log) > most {
		return string(log[:most]) + "\n[…]"
	}
	return string(log)
}

// report fails with what Compare found.
func report(t fataler, problems []string, log []byte) {
	t.Helper()
	if len(problems) == 0 {
		return
	}
	const most = 12
	more := ""
	if len(problems) > most {
		problems, more = problems[:most], "\n  …"
	}
	t.Fatalf("the snapshot differs from the model:\n  %s%s\nlog:\n%s", strings.Join(problems, "\n  "), more, excerpt(log))
}

// checkLedger checks that the ledger accounts for every line.
func checkLedger(t fataler, s *dump.Snapshot) {
	t.Helper()
	lines := strings.Count(s.Raw, "\n") + 1
	if got := s.Ledger.Lines.Total(); got != lines {
		t.Fatalf("the ledger has %d lines %+v, but there are %d:\n%s", got, s.Ledger.Lines, lines, excerpt([]byte(s.Raw)))
	}
	if kept := len(s.Ledger.NotUnderstood); kept > s.Ledger.Lines.NotUnderstood || kept == 0 && s.Ledger.Lines.NotUnderstood > 0 {
		t.Fatalf("%d lines were not understood, %d are kept", s.Ledger.Lines.NotUnderstood, kept)
	}
}

// A plain dump reads as the model that it was made of.
func TestPlainDump(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := texttest.Models(texttest.PlainNames, nil).Draw(t, "model")
		checkPlain(t, m)
	})
}

// So does one whose names try to break out of their line.
func TestHostileDump(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := texttest.Models(texttest.HostileNames, nil).Draw(t, "model")
		checkPlain(t, m)
	})
}

func checkPlain(t *rapid.T, m texttest.Model) {
	d := m.Dump()
	s := snapshotIn(t, d.Text)
	report(t, texttest.Compare(d, m.Config, d.Lines(), s), d.Text)
	checkLedger(t, s)
}

// A buffer that is too short takes the end, never more, and what is left of the
// line at the cut is not believed.
func TestTruncatedDump(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := texttest.Models(texttest.PlainNames, nil).Draw(t, "model")
		whole := len(m.Dump().Text)
		head := strings.Index(string(m.Dump().Text), "\n\n") + 40 // behind the trigger
		m.Config.DumpLen = rapid.IntRange(min(head, whole), whole+1).Draw(t, "buffer")
		d := m.Dump()
		s := snapshotIn(t, d.Text)
		report(t, texttest.Compare(d, m.Config, d.Lines(), s), d.Text)
		checkLedger(t, s)
	})
}

// Every offset at which one dump can be cut.
func TestDumpCutAtEveryOffset(t *testing.T) {
	seeds := 3
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		m := texttest.Models(texttest.PlainNames, func(_ *rapid.T, k *texttest.Config) {
			k.CPUIDs = 12
		}).Example(seed)
		whole := m.Dump().Text
		head := bytes.Index(whole, []byte("\n\n")) + 40
		for n := head; n <= len(whole)+1 && n < 6000; n++ {
			m.Config.DumpLen = n
			d := m.Dump()
			// A full buffer may lose its last newline; user space prints one.
			log := append(bytes.TrimSuffix(bytes.Clone(d.Text), []byte("\n")), '\n')
			s := snapshotIn(t, log)
			report(t, texttest.Compare(d, m.Config, d.Lines(), s), log)
			checkLedger(t, s)
		}
	}
}

// What the tracepoint shows: the headers of idle CPUs too, lines cut at 1023
// bytes, names with newlines that go on without a prefix.
func TestTracedDump(t *testing.T) {
	for _, carrier := range []string{"ftrace", "ftrace-events", "trace-cmd", "perf-script"} {
		t.Run(carrier, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m := texttest.Models(texttest.HostileNames, func(_ *rapid.T, k *texttest.Config) {
					k.Trace = true
					k.CPUIDs = min(k.CPUIDs, 240)
				}).Draw(t, "model")
				checkCarried(t, m, texttest.ChainOf(carrier))
			})
		})
	}
}

// checkCarried checks what arrives through a chain of carriers.
func checkCarried(t *rapid.T, m texttest.Model, ch texttest.Chain) (*dump.Snapshot, []byte) {
	d := m.Dump()
	carried := ch.Apply(texttest.Rand(rapid.Uint64().Draw(t, "seed")), d.Lines())
	log := ch.Encode(carried)
	s := snapshotIn(t, log)
	report(t, texttest.Compare(d, m.Config, carried, s), log)
	checkLedger(t, s)
	checkPieces(t, log, []*dump.Snapshot{s})
	return s, log
}

// Each carrier that is not lossy gives what the plain text gives.
func TestCarriers(t *testing.T) {
	for _, c := range texttest.Carriers() {
		if c.Lossy {
			continue
		}
		ch := texttest.Chain{c}
		if c.NeedsStamp {
			ch = texttest.ChainOf("journald-short+" + c.Name)
		}
		t.Run(c.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { checkLossless(t, ch) })
		})
	}
}

// So do several, one after the other.
func TestChainsOfCarriers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkLossless(t, texttest.Chains(false).Draw(t, "carriers"))
	})
}

func checkLossless(t *rapid.T, ch texttest.Chain) {
	names := texttest.HostileNames
	if ch.PlainOnly() {
		names = texttest.PlainNames
	}
	m := texttest.Models(names, nil).Draw(t, "model")
	if slices.ContainsFunc(ch, isReversed) && beyondLookBack(m.Dump()) {
		return
	}
	s, log := checkCarried(t, m, ch)
	if slices.ContainsFunc(ch, isTrace) && slices.ContainsFunc(m.Dump().Lines(), beyondTrace) {
		return // the tracepoint cuts lines, which no other carrier does
	}
	reference := m.Dump().Text
	if !slices.ContainsFunc(s.Ledger.Notes, isUnsettledEnd) { // user space closed it, if anything was to be settled
		reference = slices.Concat(reference, []byte("\n"+strings.Repeat("=", 80)+"\n"))
	}
	plain := snapshotIn(t, reference)
	if diff := diffContent(plain, s); diff != "" {
		t.Fatalf("through %s the snapshot is another (-plain +carried):\n%s\nlog:\n%s", ch, diff, excerpt(log))
	}
}

// isUnsettledEnd reports whether a note says that the end may be missing.
func isUnsettledEnd(note string) bool { return strings.Contains(note, "unless its kernel is older") }

// isReversed reports whether a carrier brings the newest line first.
func isReversed(c texttest.Carrier) bool { return c.Name == "reversed" }

// beyondLookBack reports whether a dump, newest line first, betrays itself only
// behind more than the reader looks back at: 64 KiB or 2000 lines, carrier and
// all. It has neither CPUs nor counters then, and much text of the scheduler's.
func beyondLookBack(d *texttest.Dump) bool {
	anchored := bytes.Contains(d.Text, []byte(": nr_run=")) || bytes.Contains(d.Text, []byte("SCX_EV_"))
	return !anchored && (len(d.Text) > 16<<10 || bytes.Count(d.Text, []byte("\n")) > 1000)
}

// isTrace reports whether a carrier is the tracepoint.
func isTrace(c texttest.Carrier) bool {
	return slices.Contains([]string{"ftrace", "ftrace-events", "trace-cmd", "perf-script"}, c.Name)
}

// beyondTrace reports whether the tracepoint cuts a line.
func beyondTrace(l texttest.Line) bool { return len(l.Text) >= 1023 }

// A lossy carrier takes values away. It never changes one.
func TestLossyCarriers(t *testing.T) {
	for _, c := range texttest.Carriers() {
		if !c.Lossy {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m := texttest.Models(texttest.PlainNames, nil).Draw(t, "model")
				checkDamaged(t, m, texttest.Chain{c})
			})
		})
	}
}

func TestChainsOfLossyCarriers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ch := texttest.Chains(true).Draw(t, "carriers")
		m := texttest.Models(texttest.PlainNames, nil).Draw(t, "model")
		checkDamaged(t, m, ch)
	})
}

// The text of a snapshot alone gives the same snapshot, through whatever
// carriers it came.
func TestTextAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := texttest.Models(texttest.PlainNames, nil).Draw(t, "model")
		ch := texttest.Chains(rapid.Bool().Draw(t, "lossy")).Draw(t, "carriers")
		log := ch.Encode(ch.Apply(texttest.Rand(rapid.Uint64().Draw(t, "seed")), m.Dump().Lines()))
		for _, s := range snapshotsIn(t, log) {
			checkAlone(t, log, s)
		}
	})
}

// checkAlone checks that the text of a snapshot gives the same snapshot, unless
// that needs what stands around it.
func checkAlone(t fataler, log []byte, s *dump.Snapshot) {
	t.Helper()
	switch {
	case s.Raw == "", strings.HasPrefix(s.Source.Carrier, "utf-16"): // the log lacks this text, with a mark at its start or without
		return
	case s.Source.Copies != nil: // it learnt from its copies
		return
	case s.Exit != nil && s.Exit.Message.Known && s.Exit.Message.At.IsZero():
		return // the message stands before the text, as in a log that comes newest first
	}
	alone := s.Raw
	if !strings.HasSuffix(withoutHighlights(log), s.Raw) { // else the end of the log may have cut its last line
		alone += "\n"
	}
	again := snapshotsIn(t, []byte(alone))
	if len(again) == 0 {
		t.Fatalf("nothing is found in the text of a snapshot:\n%s", excerpt([]byte(s.Raw)))
	}
	diff := ""
	for _, other := range again { // a verdict may stand in the midst of a dump, and is a snapshot of its own
		// What else the log told is not part of the text.
		first, second := *s, *other
		first.Ledger, second.Ledger = dump.Ledger{}, dump.Ledger{}
		first.Kernel.Release, second.Kernel.Release = "", ""
		if diff = diffContent(&first, &second); diff == "" {
			return
		}
	}
	t.Fatalf("the text of a snapshot gives another (-first +again):\n%s\n%s", diff, excerpt([]byte(s.Raw)))
}

// checkDamaged is checkCarried for logs of which any part may be missing: no
// snapshot or several can come of them, but none with a wrong value.
func checkDamaged(t *rapid.T, m texttest.Model, ch texttest.Chain) {
	d := m.Dump()
	carried := ch.Apply(texttest.Rand(rapid.Uint64().Draw(t, "seed")), d.Lines())
	log := ch.Encode(carried)
	all := snapshotsIn(t, log)
	for _, s := range all {
		checkLedger(t, s)
	}
	if len(all) == 1 {
		report(t, texttest.Compare(d, m.Config, carried, all[0]), log)
	}
}

// Damage to what a carrier put before a line takes values away, too. The text
// behind it is whole, so none of them may change. One line is damaged: where two
// are, they can agree on what is wrong.
func TestDamagedPrefixes(t *testing.T) {
	for _, c := range texttest.Carriers() {
		if !c.Stamped || c.Lossy {
			continue
		}
		ch := texttest.Chain{c}
		t.Run(c.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m := texttest.Models(texttest.PlainNames, nil).Draw(t, "model")
				d := m.Dump()
				lines := d.Lines()
				carried := ch.Apply(texttest.Rand(rapid.Uint64().Draw(t, "seed")), d.Lines())
				damagePrefix(t, carried, lines)
				log := ch.Encode(carried)
				all := snapshotsIn(t, log)
				for _, s := range all {
					checkLedger(t, s)
					checkSpans(t, s)
				}
				if len(all) == 1 {
					report(t, slices.DeleteFunc(texttest.Compare(d, m.Config, carried, all[0]), isLoss), log)
				}
			})
		})
	}
}

// isLoss reports whether a problem that Compare found is that something is
// missing, as opposed to wrong.
func isLoss(problem string) bool {
	for _, words := range []string{": unknown, want", ": missing", ": lacks", "got none", ": got \"\", want", "was not understood", "text: got a line", "text of the scheduler: ", "sub-scheduler: got root"} {
		if strings.Contains(problem, words) {
			return true
		}
	}
	return false
}

// damagePrefix changes, inserts or removes bytes in the prefix of a line.
func damagePrefix(t *rapid.T, carried, lines texttest.Text) {
	i := rapid.IntRange(0, min(len(carried), rapid.SampledFrom([]int{8, len(carried)}).Draw(t, "lines"))-1).Draw(t, "line")
	l := &carried[i]
	if l.Src < 0 || len(l.Text) <= len(lines[l.Src].Text)+2 || !bytes.HasSuffix(l.Text, lines[l.Src].Text) {
		return
	}
	n := len(l.Text) - len(lines[l.Src].Text) - 2 // a blank more before the text may be of the text
	at := rapid.IntRange(0, n-1).Draw(t, "at")
	removed := rapid.IntRange(0, min(3, n-at)).Draw(t, "removed")
	b := []byte(rapid.StringOfN(rapid.RuneFrom([]rune(" =:[]>x7\x7f")), 0, 3, -1).Draw(t, "inserted"))
	l.Text = slices.Concat(l.Text[:at], b, l.Text[at+removed:])
	l.Damaged = true
}

// Dumps one after the other are told apart, whatever stands between them.
func TestSeveralDumps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 4).Draw(t, "dumps")
		ch := texttest.Chains(false).Draw(t, "carriers")
		rng := texttest.Rand(rapid.Uint64().Draw(t, "seed"))
		var models []texttest.Model
		var joined texttest.Text
		lines := make([]texttest.Text, n)
		for i := range n {
			m := texttest.Models(texttest.PlainNames, nil).Draw(t, "model")
			if m.Exit != nil {
				m.Exit.Task = dump.Of(dump.TaskRef{Comm: "trigger", PID: int32(1000 + i)})
			}
			models = append(models, m)
			lines[i] = m.Dump().Lines()
			for _, l := range lines[i] {
				l.Src = -1
				joined = append(joined, l)
			}
			for range rapid.IntRange(0, 3).Draw(t, "lines of noise") {
				joined = append(joined, texttest.Line{Text: []byte("scheduler restarts now"), Src: -1})
			}
		}
		log := ch.Encode(ch.Apply(rng, joined))
		all := snapshotsIn(t, log)
		if len(all) != n && distinct(models) {
			t.Fatalf("got %d snapshots, want %d: %s\nlog:\n%s", len(all), n, titles(all), excerpt(log))
		}
		for _, s := range all {
			checkLedger(t, s)
		}
	})
}

// distinct reports whether no two of the models can be taken for copies of the
// same dump: their triggers differ.
func distinct(models []texttest.Model) bool {
	sysrq := 0
	for _, m := range models {
		if m.Exit == nil {
			sysrq++
		}
	}
	return sysrq <= 1
}

// diffContent says how the contents of two snapshots differ, "" if they do not.
func diffContent(a, b *dump.Snapshot) string {
	x, y := content(a), content(b)
	if reflect.DeepEqual(x, y) {
		return ""
	}
	return cmp.Diff(x, y, cmp.Transformer("list", dump.CPUMask.String))
}

// content is a snapshot without what depends on the source: where things
// stand, and how many lines it took to say them.
func content(s *dump.Snapshot) *dump.Snapshot {
	c := deepCopy(reflect.ValueOf(*s)).Interface().(dump.Snapshot)
	c.Source, c.Raw = dump.Source{}, ""
	c.Host, c.Stamp, c.Time = "", "", time.Time{}
	c.Ledger.Lines.Blank, c.Ledger.Lines.Foreign = 0, 0
	c.Ledger.Lines.Parsed = 0 // the verdict of the user side is a line too
	c.Ledger.Lines.Glued = 0
	return &c
}

// deepCopy copies a value of the model without its spans.
func deepCopy(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			p := reflect.New(v.Type().Elem())
			p.Elem().Set(deepCopy(v.Elem()))
			out.Set(p)
		}
	case reflect.Slice:
		if v.Len() > 0 {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(deepCopy(v.Index(i)))
			}
		}
	case reflect.Struct:
		out.Set(v)
		if v.Type() == reflect.TypeFor[dump.Span]() {
			return reflect.Zero(v.Type())
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(deepCopy(v.Field(i)))
			}
		}
	default:
		out.Set(v)
	}
	return out
}
