// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"scxdiag/dump"
)

// What the recorder sends, as include/watch.h has it.

func appendWatch(kind uint32, at, id uint64, body any, text string) []byte {
	h := watchHdr{Kind: kind, Len: uint32(binary.Size(watchHdr{}) + binary.Size(body) + len(text)), Time: at, Dump: id}
	var b []byte
	for _, part := range []any{h, body} {
		var err error
		if b, err = binary.Append(b, binary.LittleEndian, part); err != nil {
			panic(err) // they have a fixed size
		}
	}
	return append(b, text...)
}

func lineRecord(id uint64, nr int, text string) []byte {
	return appendWatch(watchLine, 1e9, id, watchLineRec{Seq: uint64(nr), Nr: uint32(nr), Len: uint32(len(text))}, text)
}

func endRecord(id uint64, nr, dropped int) []byte {
	r := watchEndRec{Nr: uint32(nr), Dropped: uint32(dropped)}
	copy(r.Name[:], "mitosis")
	return appendWatch(watchEnd, 2e9, id, r, "")
}

func exitRecord(sched uint64, kind dump.ExitKind, code int64, name, msg string) []byte {
	r := watchExitRec{Sched: sched, Code: code, Kind: uint32(kind), CPU: -1, NrFrames: 1, Frames: [64]uint64{0xffffffff81234567}}
	copy(r.Name[:], name)
	copy(r.Reason[:], kind.Reason())
	copy(r.Msg[:], msg)
	return appendWatch(watchExit, 3e9, 0, r, "")
}

func enableRecord(name string, rc int32) []byte {
	r := watchEnableRec{RC: rc}
	copy(r.Name[:], name)
	return appendWatch(watchEnable, 1e9, 0, r, "")
}

// dumpLines are those of a real dump.
func dumpLines(tb testing.TB) []string {
	tb.Helper()
	data, err := os.ReadFile("../testdata/dumps/7.3-scx_mitosis-head-cell-rt-hog.log")
	if err != nil {
		tb.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	first := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "triggered exit kind") })
	last := -1
	for i, l := range lines {
		if strings.Contains(l, "SCX_EV_") {
			last = i
		}
	}
	if first < 0 || last < first {
		tb.Fatalf("dump from line %d to %d", first, last)
	}
	return lines[first : last+1]
}

// fed is a watch with what came out of it.
type fedWatch struct {
	*watch
	t    *testing.T
	now  time.Time
	got  []*dump.Snapshot
	said []string
}

func newFedWatch(t *testing.T) *fedWatch {
	w := &fedWatch{t: t, now: time.Unix(0, 0)}
	w.watch = newWatch(watchHost{boot: func() int64 { return 1e18 }, name: "host", release: "7.3.4"}, "another", func(s *dump.Snapshot) { w.got = append(w.got, s) }, func(line string) { w.said = append(w.said, line) })
	return w
}

func (w *fedWatch) feed(records ...[]byte) {
	w.t.Helper()
	for _, r := range records {
		if err := w.add(r, w.now); err != nil {
			w.t.Fatal(err)
		}
	}
	w.settle(w.now)
}

func (w *fedWatch) later(d time.Duration) {
	w.now = w.now.Add(d)
	w.settle(w.now)
}

func (w *fedWatch) dump(id uint64, lines []string) {
	for i, l := range lines {
		w.feed(lineRecord(id, i, l))
	}
}

func TestWatchedCrash(t *testing.T) {
	w, lines := newFedWatch(t), dumpLines(t)
	w.dump(7, lines)
	w.feed(endRecord(7, len(lines), 0))
	w.later(time.Minute)
	w.feed(exitRecord(1, dump.ExitErrorStall, 0, "mitosis_1.2", "websrv[228] failed to run for 35.632s"))
	w.feed(exitRecord(1, dump.ExitErrorStall, 0, "mitosis_1.2", "again"))
	w.later(time.Minute)
	if len(w.got) != 1 {
		t.Fatalf("%d snapshots", len(w.got))
	}
	s := w.got[0]
	if s.Trigger != dump.TriggerCrash || s.Exit.Kind.V != dump.ExitErrorStall || s.Scheduler != "mitosis" || len(s.Tasks) != 13 || !s.Ledger.Complete() ||
		s.Host != "host" || s.Kernel.Release != "7.3.4" || s.Time.IsZero() {
		t.Errorf("got %+v", s)
	}
	if r := s.Ledger.Records; len(r) != 1 || r[0].Expected != r[0].Received || r[0].Received != uint64(len(lines)) {
		t.Errorf("records %+v", r)
	}
}

// TestWatchedLinesMayComeLate has what ends a dump come before its lines do: they are
// in another ring.
func TestWatchedLinesMayComeLate(t *testing.T) {
	w, lines := newFedWatch(t), dumpLines(t)
	w.feed(lineRecord(7, 0, lines[0]))
	w.feed(endRecord(7, len(lines), 2), exitRecord(1, dump.ExitErrorStall, 0, "mitosis", ""))
	if len(w.got) != 0 {
		t.Fatal("the crash is told before it is complete")
	}
	for i, l := range lines[1 : len(lines)-2] {
		w.feed(lineRecord(7, 1+i, l))
	}
	if len(w.got) != 1 {
		t.Fatalf("%d snapshots", len(w.got))
	}
	want := dump.RecordCount{Kind: "line", Expected: uint64(len(lines)), Received: uint64(len(lines) - 2), Dropped: 2}
	if got := w.got[0].Ledger.Records[0]; got != want || w.got[0].Ledger.Complete() {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestWatchedEnds(t *testing.T) {
	lines := dumpLines(t)
	sysrq := append([]string{"Debug dump triggered by SysRq-D"}, lines[slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "CPU states") }):]...)
	for _, c := range []struct {
		name string
		do   func(*fedWatch)
		want []dump.Trigger
	}{
		{"unregistered", func(w *fedWatch) { w.feed(exitRecord(1, dump.ExitUnreg, 0, "a", "")) }, []dump.Trigger{dump.TriggerExit}},
		{"nothing to end", func(w *fedWatch) { w.feed(exitRecord(1, dump.ExitNone, 0, "a", "")) }, nil},
		{"failure without a dump", func(w *fedWatch) { w.feed(exitRecord(1, dump.ExitErrorBPF, 0, "a", "x")) }, []dump.Trigger{dump.TriggerCrash}},
		{"again, of the next", func(w *fedWatch) {
			w.feed(exitRecord(1, dump.ExitUnreg, 0, "a", ""), enableRecord("b", 0), exitRecord(1, dump.ExitUnreg, 0, "b", ""))
		}, []dump.Trigger{dump.TriggerExit, dump.TriggerExit}},
		{"dump whose exit never comes", func(w *fedWatch) { w.dump(7, lines); w.feed(endRecord(7, len(lines), 0)) }, []dump.Trigger{dump.TriggerCrash}},
		{"dump whose end never comes", func(w *fedWatch) { w.dump(7, lines) }, []dump.Trigger{dump.TriggerCrash}},
		{"SysRq-D twice", func(w *fedWatch) {
			w.dump(7, sysrq)
			w.feed(endRecord(7, len(sysrq), 0))
			w.dump(8, sysrq)
			w.feed(endRecord(8, len(sysrq), 0))
		}, []dump.Trigger{dump.TriggerSysRq, dump.TriggerSysRq}},
		{"SysRq-D twice, one end lost", func(w *fedWatch) {
			w.dump(7, sysrq)
			w.dump(8, sysrq)
			w.feed(endRecord(8, len(sysrq), 0))
		}, []dump.Trigger{dump.TriggerSysRq, dump.TriggerSysRq}},
		{"an end that came late", func(w *fedWatch) {
			w.dump(7, sysrq)
			w.dump(8, lines)
			w.feed(endRecord(7, len(sysrq), 0), endRecord(8, len(lines), 0), exitRecord(1, dump.ExitErrorStall, 0, "a", ""))
		}, []dump.Trigger{dump.TriggerSysRq, dump.TriggerCrash}},
		{"no line got through", func(w *fedWatch) { w.feed(endRecord(7, 100, 100), exitRecord(1, dump.ExitErrorBPF, 0, "a", "x")) }, []dump.Trigger{dump.TriggerCrash}},
		{"no line of a dump of who goes on", func(w *fedWatch) {
			w.feed(endRecord(7, 100, 100), enableRecord("b", 0), exitRecord(2, dump.ExitUnreg, 0, "b", ""))
		}, []dump.Trigger{dump.TriggerExit}},
		{"lines that come when it was passed on", func(w *fedWatch) {
			w.dump(7, lines[:100])
			w.later(time.Minute)
			w.dump(7, lines[100:])
			w.feed(endRecord(7, len(lines), 0))
		}, []dump.Trigger{dump.TriggerCrash}},
		{"failure of one that came just now", func(w *fedWatch) {
			w.feed(exitRecord(1, dump.ExitUnreg, 0, "another", ""), exitRecord(2, dump.ExitErrorBPF, 0, "b", ""),
				enableRecord("b", 0), exitRecord(2, dump.ExitErrorBPF, 0, "b", ""))
		}, []dump.Trigger{dump.TriggerExit, dump.TriggerCrash}},
		{"the kernel tells no ends", func(w *fedWatch) {
			w.noEnds = true
			w.dump(7, lines)
			w.later(watchQuiet + 1)
			w.feed(exitRecord(1, dump.ExitErrorStall, 0, "mitosis", ""))
		}, []dump.Trigger{dump.TriggerCrash}},
		{"a hundred dumps", func(w *fedWatch) {
			for id := range uint64(100) {
				w.dump(id+1, sysrq)
			}
		}, slices.Repeat([]dump.Trigger{dump.TriggerSysRq}, 100)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newFedWatch(t)
			c.do(w)
			w.later(time.Minute)
			w.later(time.Minute)
			var got []dump.Trigger
			for _, s := range w.got {
				got = append(got, s.Trigger)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if w.flush(); len(w.got) != len(c.want) || len(w.open)+len(w.exits) != 0 {
				t.Errorf("something was left over: %d snapshots", len(w.got))
			}
		})
	}
}

// TestWatchedBlank has a failure of whose dump no line gets through.
func TestWatchedBlank(t *testing.T) {
	w := newFedWatch(t)
	w.feed(endRecord(7, 100, 100))
	w.later(time.Minute)
	w.feed(exitRecord(1, dump.ExitErrorBPF, 0, "a", "x"))
	if len(w.got) != 1 {
		t.Fatalf("%d snapshots", len(w.got))
	}
	want := []dump.RecordCount{{Kind: "line", Expected: 100, Dropped: 100}}
	if s := w.got[0]; s.Exit.Message.V != "x" || !slices.Equal(s.Ledger.Records, want) || s.Ledger.Complete() {
		t.Errorf("exit %+v, ledger %+v", s.Exit, s.Ledger)
	}
}

// TestWatchedSays checks which schedulers are said to have come.
func TestWatchedSays(t *testing.T) {
	w := newFedWatch(t)
	w.feed(enableRecord("a", 0), exitRecord(1, dump.ExitUnreg, 0, "a", ""), exitRecord(2, dump.ExitErrorBPF, 0, "b", ""), enableRecord("b", 0),
		enableRecord("c", -16), enableRecord("d", 0))
	if want := []string{"a is the scheduler", "c could not become the scheduler: device or resource busy", "d is the scheduler"}; !slices.Equal(w.said, want) {
		t.Errorf("got %q, want %q", w.said, want)
	}
}

// TestWatchedExit checks what is known of a failure without a dump.
func TestWatchedExit(t *testing.T) {
	w := newFedWatch(t)
	w.feed(exitRecord(1, dump.ExitErrorBPF, 7, "qmap", "it failed\n"))
	if len(w.got) != 1 {
		t.Fatalf("%d snapshots", len(w.got))
	}
	s := w.got[0]
	e := s.Exit
	if s.Scheduler != "qmap" || e.Kind.V != dump.ExitErrorBPF || e.Code.V != 7 || e.Message.V != "it failed" ||
		e.Reason.V != dump.ExitErrorBPF.Reason() || e.CPU.Known || len(e.Backtrace) != 1 || e.Backtrace[0].Text != "0xffffffff81234567" {
		t.Errorf("scheduler %q, exit %+v", s.Scheduler, e)
	}
	if s.Ledger.Complete() && len(s.Ledger.Notes) == 0 {
		t.Error("nothing says that there is no dump")
	}
}

func FuzzWatch(f *testing.F) {
	for _, r := range [][]byte{
		lineRecord(1, 0, "x"), endRecord(1, 1, 0), exitRecord(1, dump.ExitErrorBPF, 0, "a", "b"), enableRecord("a", -16), nil, make([]byte, 100),
	} {
		f.Add(r, r)
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		w := newFedWatch(t)
		for _, r := range [][]byte{a, b, a} {
			_ = w.add(r, w.now) // what is no record is an error
			w.settle(w.now)
		}
		w.flush()
	})
}
