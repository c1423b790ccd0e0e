// SPDX-License-Identifier: GPL-2.0-only

package wire_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scxdiag/dump"
	"scxdiag/dump/wire"
	"scxdiag/dump/wire/wiretest"
)

// decode makes a function that takes decoded dumps one that takes raw ones.
func decode(emit func(*wire.Dump)) func(*wire.Raw) {
	return func(d *wire.Raw) { emit(d.Decode()) }
}

// assemble adds records and flushes what is open then.
func assemble(t *testing.T, o wire.Options, records ...[]byte) []*wire.Dump {
	t.Helper()
	var out []*wire.Dump
	a := wire.NewAssembler(o, decode(func(d *wire.Dump) { out = append(out, d) }))
	for _, r := range records {
		_ = a.Add(r)
	}
	a.FlushAll()
	return out
}

// one is the only dump that the records make.
func one(t *testing.T, records ...[]byte) *wire.Dump {
	t.Helper()
	dumps := assemble(t, wire.Options{Name: "x"}, records...)
	if len(dumps) != 1 {
		t.Fatalf("got %d dumps, want 1", len(dumps))
	}
	return dumps[0]
}

func with(d *wiretest.Dump) [][]byte {
	return append([][]byte{wiretest.Host.Append(nil)}, d.Records()...)
}

func TestSample(t *testing.T) {
	d := one(t, with(wiretest.Sample(5e9, 20))...)
	s := d.Snapshot
	if !s.Ledger.Complete() {
		t.Errorf("not complete: %+v", s.Ledger)
	}
	if d.ID != 5e9 || d.KernelText != nil {
		t.Errorf("ID %d, text %q", d.ID, d.KernelText)
	}
	if s.Exit != nil || s.Trigger != dump.TriggerSample || s.IsFailure() {
		t.Errorf("exit %v, trigger %v", s.Exit, s.Trigger)
	}
	if want := time.Unix(1_790_000_005, 0).UTC(); !s.Time.Equal(want) {
		t.Errorf("time %v, want %v", s.Time, want)
	}
	wantSource := dump.Source{Name: "x", Carrier: "ringbuf"}
	if diff := cmp.Diff(wantSource, s.Source); diff != "" {
		t.Errorf("source (-want +got):\n%s", diff)
	}
	if len(s.Tasks) != 20 || len(s.CPUs) != 8 || len(s.Cells) != 2 || len(s.Events) != 1 {
		t.Fatalf("%d tasks, %d CPUs, %d cells, %d events", len(s.Tasks), len(s.CPUs), len(s.Cells), len(s.Events))
	}
	first := &s.Tasks[0]
	if w, ok := first.WaitingFor(); first.Walked || !ok || w != 20*time.Millisecond {
		t.Errorf("walked %v, waiting %v %v; want 5 jiffies of 4 ms", first.Walked, w, ok)
	}
	if got := first.DSQ.V.String(); got != "cell 0" || first.SCXState.V != dump.TaskEnabled {
		t.Errorf("on DSQ %q, in state %q", got, first.SCXState.V)
	}
	if g := s.Cgroups; len(g) != 2 || g[1].ID != 5 || g[1].Parent != 1 || g[1].Owns != 1 || g[1].CPUs.V != dump.MaskRange(4, 7) {
		t.Errorf("cgroups %+v", g)
	}
	if ago, ok := s.Since(s.Status.Timer.Last); !ok || ago != 50 || !s.Status.Timer.Armed || s.Status.Grace.Active() {
		t.Errorf("timer %v ago (%v), status %+v", ago, ok, s.Status)
	}
	if x := first.Context; x == nil || x.CgroupIDNow != 1 || x.VTimeRead != 900 {
		t.Errorf("context %+v", x)
	}
	asleep := &s.Tasks[2]
	if !asleep.Walked || asleep.State.V != 'S' || asleep.RunnableAt.Known {
		t.Errorf("walked %v, state %c, runnable at %v", asleep.Walked, asleep.State.V, asleep.RunnableAt)
	}
}

func TestStateLetters(t *testing.T) {
	for _, test := range []struct {
		state, exit uint32
		want        byte
	}{
		{0, 0, 'R'},
		{0x0001, 0, 'S'},
		{0x2001, 0, 'S'}, // freezable
		{0x0002, 0, 'D'},
		{0x0102, 0, 'D'}, // killable
		{0x0402, 0, 'I'},
		{0x0004, 0, 'T'},
		{0x0108, 0, 't'},
		{0x0040, 0, 'P'},
		{0x0080, 0x10, 'X'},
		{0x0080, 0x20, 'Z'},
		{0x0080, 0x30, 'Z'}, // both at once: the higher bit
		{0x0200, 0, 'R'},    // waking
		{0x0800, 0, 'R'},    // new
		{0x1000, 0, 'D'},
		{0x8000, 0, 'D'},
	} {
		d := &wiretest.Dump{ID: 1}
		d.Send(wire.Task{PID: 1, State: test.state, ExitState: test.exit})
		if got := one(t, d.Records()...).Snapshot.Tasks[0].State.V; got != test.want {
			t.Errorf("state %#x, exit state %#x: %c, want %c", test.state, test.exit, got, test.want)
		}
	}
}

// TestExit takes what the first record knows of an exit, and lets the exit
// record have the last word.
func TestExit(t *testing.T) {
	begin := wire.Begin{
		Header: wire.Header{CPU: 2}, Trigger: wire.TriggerAbort, ExitKind: uint32(dump.ExitErrorStall), ExitCode: 3,
	}
	copy(begin.Reason[:], "runnable task stall")
	cpu := wire.CPU{ID: 2, CurrPID: 9, Known: 1}
	copy(cpu.CurrComm[:], "kworker/2:1")
	exit := wire.Exit{Kind: uint32(dump.ExitErrorBPF), ExitCPU: -1, NrFrames: 1}
	copy(exit.Reason[:], "scx_bpf_error")
	copy(exit.Msg[:], "oops")
	exit.Frames[0] = 0xffffffff81000000

	d := &wiretest.Dump{ID: 1}
	d.Send(begin)
	d.Send(cpu)
	want := &dump.Exit{
		Kind: dump.Of(dump.ExitErrorStall), Code: dump.Of[int64](3), Reason: dump.Of("runnable task stall"),
		Task: dump.Of(dump.TaskRef{Comm: "kworker/2:1", PID: 9}),
	}
	if diff := cmp.Diff(want, one(t, d.Records()...).Snapshot.Exit); diff != "" {
		t.Errorf("without an exit record (-want +got):\n%s", diff)
	}
	d.Send(exit)
	want.Kind, want.Code, want.Reason = dump.Of(dump.ExitErrorBPF), dump.Of[int64](0), dump.Of("scx_bpf_error")
	want.Message = dump.Of("oops")
	want.Backtrace = []dump.Line{{Text: "0xffffffff81000000"}}
	if diff := cmp.Diff(want, one(t, d.Records()...).Snapshot.Exit); diff != "" {
		t.Errorf("with one (-want +got):\n%s", diff)
	}
}

// TestIncompleteDumpsSaySo has a row for each thing that can be missing.
func TestIncompleteDumpsSaySo(t *testing.T) {
	sample := func(change func(d *wiretest.Dump)) [][]byte {
		d := wiretest.Sample(1, 10)
		d.Vital = d.Vital[:len(d.Vital)-1] // without END
		change(d)
		return d.Records()
	}
	text := func(off uint32, s string) wire.Text {
		r := wire.Text{Offset: off, Size: uint32(len(s))}
		copy(r.Data[:], s)
		return r
	}
	for _, test := range []struct {
		name string
		note string
		make func(d *wiretest.Dump)
	}{
		{"no end", "the end record is missing", func(*wiretest.Dump) {}},
		{"no begin", "the begin record is missing", func(d *wiretest.Dump) {
			d.Vital = d.Vital[1:]
			d.Finish()
		}},
		{"lost on the way", "cpu records: 8 sent, but 7 came and 0 were dropped", func(d *wiretest.Dump) {
			d.Vital = slices.Delete(d.Vital, 4, 5)
			d.Finish()
		}},
		{"more than was sent", "cpu records: 7 sent, but 8 came and 0 were dropped", func(d *wiretest.Dump) {
			d.End.Sent[wire.KindCPU]--
			d.Bulk = append(d.Bulk, d.Vital[10])
			d.Vital = d.Vital[:10]
			d.Finish()
			d.Vital, d.Bulk = d.Bulk, d.Vital
		}},
		{"fewer CPUs", "the begin record announces 8 CPUs, there are 7", func(d *wiretest.Dump) {
			d.Vital = slices.Delete(d.Vital, 4, 5)
			d.End.Dropped[wire.KindCPU]++
			d.Finish()
		}},
		{"fewer cells", "the begin record announces 2 cells, there are 1", func(d *wiretest.Dump) {
			d.Vital = slices.Delete(d.Vital, 1, 2)
			d.End.Dropped[wire.KindCell]++
			d.Finish()
		}},
		{"torn", "events that were overwritten while they were read: 1", func(d *wiretest.Dump) {
			d.Send(wire.Event{Torn: 1})
			d.Finish()
		}},
		{"twice", "cpu records that repeat an earlier one: 1", func(d *wiretest.Dump) {
			d.Send(wire.CPU{ID: 3})
			d.Finish()
		}},
		{"unknown kind", "records of unknown kind 12, skipped: 1", func(d *wiretest.Dump) {
			r := wire.Event{Header: wire.Header{Dump: 1}}.Append(nil)
			r[6] = 12
			d.Bulk = append(d.Bulk, r)
			d.End.Sent[12]++
			d.Finish()
		}},
		{"newer version", "records of another version, skipped: 1", func(d *wiretest.Dump) {
			r := wire.Event{Header: wire.Header{Dump: 1}}.Append(nil)
			r[4] = byte(wire.Version) + 1
			d.Vital = append(d.Vital, r)
			d.Finish()
		}},
		{"malformed", "malformed cpu records: 1", func(d *wiretest.Dump) {
			d.Send(wire.CPU{ID: dump.MaxCPUs})
			d.Finish()
		}},
		{"not a record", "malformed records in the stream: 1", func(d *wiretest.Dump) {
			d.Vital = append(d.Vital, []byte("hello"))
			d.Finish()
		}},
		{"hole in the text", "the kernel's own dump has a hole: 9 of 17 bytes came, the first 2 are used", func(d *wiretest.Dump) {
			d.Send(text(0, "a\nbc"))
			d.Send(text(12, "efghi"))
			d.Finish()
		}},
		{"end of the text", "the kernel's own dump has a hole: 4 of 9 bytes came, the first 2 are used", func(d *wiretest.Dump) {
			d.Send(wire.Exit{TextSize: 9})
			d.Send(text(0, "a\nbc"))
			d.Finish()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			records := append([][]byte{wiretest.Host.Append(nil)}, sample(test.make)...)
			l := one(t, records...).Snapshot.Ledger
			if !slices.ContainsFunc(l.Notes, func(n string) bool { return strings.HasPrefix(n, test.note) }) {
				t.Errorf("no note %q in %q", test.note, l.Notes)
			}
			if l.Complete() || l.Truncated != (test.name == "no end") {
				t.Errorf("complete %v, truncated %v", l.Complete(), l.Truncated)
			}
		})
	}
	if l := one(t, wiretest.Sample(1, 1).Records()...).Snapshot.Ledger; l.Complete() {
		t.Error("complete without a host record")
	}
}

// TestTextStopsAtAHole keeps the whole lines in front of what is missing.
func TestTextStopsAtAHole(t *testing.T) {
	const lines = "one\ntwo\nthree\nfour\nfive\n"
	piece := func(from, to int) []byte {
		r := wire.Text{Offset: uint32(from), Size: uint32(to - from)}
		copy(r.Data[:], lines[from:to])
		return r.Append(nil)
	}
	for name, test := range map[string]struct {
		pieces [][]byte
		want   string
	}{
		"in order":      {[][]byte{piece(0, 10), piece(10, len(lines))}, lines},
		"any order":     {[][]byte{piece(10, len(lines)), piece(0, 10)}, lines},
		"overlapping":   {[][]byte{piece(0, 12), piece(5, 8), piece(8, len(lines))}, lines},
		"hole":          {[][]byte{piece(0, 10), piece(12, len(lines))}, "one\ntwo\n"},
		"second of two": {[][]byte{piece(0, 16), piece(17, 18), piece(19, len(lines))}, "one\ntwo\nthree\n"},
		"no beginning":  {[][]byte{piece(2, len(lines))}, ""},
	} {
		if got := string(one(t, test.pieces...).KernelText); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestDamageIsToldOnce puts what a stream lost into the ledgers of the dumps
// that were open then or came next, and into no later one.
func TestDamageIsToldOnce(t *testing.T) {
	records := [][]byte{wiretest.Host.Append(nil)}
	for id := range uint64(4) {
		d := wiretest.Sample(id+1, 3)
		if id == 1 {
			records = append(records, []byte("damage"))
		}
		records = append(records, d.Records()...)
	}
	for i, d := range assemble(t, wire.Options{}, records...) {
		if got, want := d.Snapshot.Ledger.Complete(), i != 1; got != want {
			t.Errorf("dump %d: complete %v, want %v: %q", i+1, got, want, d.Snapshot.Ledger.Notes)
		}
	}
}

func TestDropsAreInTheLedger(t *testing.T) {
	d := &wiretest.Dump{ID: 1}
	d.Send(wire.Begin{Trigger: wire.TriggerSample})
	d.Send(wire.Task{PID: 1})
	d.Drop(wire.Task{PID: 2})
	d.Drop(wire.Task{PID: 1, Header: wire.Header{Walk: 1}})
	d.Finish()
	l := one(t, with(d)...).Snapshot.Ledger
	want := []dump.RecordCount{
		{Kind: "begin", Expected: 1, Received: 1},
		{Kind: "task", Expected: 3, Received: 1, Dropped: 2},
	}
	if diff := cmp.Diff(want, l.Records); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if len(l.Notes) > 0 || l.Complete() || l.Dropped() != 2 {
		t.Errorf("notes %q, complete %v, %d dropped", l.Notes, l.Complete(), l.Dropped())
	}
}

// TestBadRecords are records that must not be taken.
func TestBadRecords(t *testing.T) {
	put := func(r []byte, off int, v uint64, size int) []byte {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], v)
		copy(r[off:off+size], b[:])
		return r
	}
	task := func() []byte { return wire.Task{Header: wire.Header{Words: 1}, PID: 1}.Append(nil) }
	cut := func(r []byte, n int) []byte { return put(r[:n], 8, uint64(n), 4) }
	for name, r := range map[string][]byte{
		"empty":                   {},
		"half a header":           task()[:20],
		"no magic":                put(task(), 0, 1, 4),
		"longer than it is":       put(task(), 8, uint64(len(task())+1), 4),
		"shorter than its header": put(task(), 8, 39, 4),
		"version 0":               put(task(), 4, 0, 2),
		"short for its kind":      cut(task(), 100),
		"masks in the fixed part": put(task(), 32, 64, 2),
		"masks behind the end":    put(task(), 32, 1<<15, 2),
		"one mask too many words": put(task(), 34, 2, 2),
		"65535 words":             put(task(), 34, 0xffff, 2),
		"CPU 65536":               wire.CPU{ID: dump.MaxCPUs}.Append(nil),
		"cell 65536":              wire.Cell{ID: 1 << 16}.Append(nil),
		"33 pids":                 wire.DSQ{NrPIDs: wire.DSQPIDs + 1}.Append(nil),
		"65 frames":               wire.Exit{NrFrames: wire.ExitFrames + 1}.Append(nil),
		"4097 bytes of text":      wire.Text{Size: wire.TextBytes + 1}.Append(nil),
		"unknown kind":            put(task(), 6, 11, 2),
		"short host":              cut(wiretest.Host.Append(nil), 60),
		"short cgroup":            cut(wire.Cgroup{ID: 1}.Append(nil), 50),
		"short cgroup path":       cut(wire.CgroupPath{ID: 1, Path: "/abc"}.Append(nil), 50),
	} {
		finished := 0
		a := wire.NewAssembler(wire.Options{}, decode(func(d *wire.Dump) {
			finished++
			if n := len(d.Snapshot.Tasks) + len(d.Snapshot.CPUs) + len(d.Snapshot.Cells); n > 0 || d.Snapshot.Ledger.Complete() {
				t.Errorf("%s: %+v", name, d.Snapshot)
			}
		}))
		err := a.Add(r)
		if a.FlushAll(); err == nil && finished == 0 {
			t.Errorf("%s: no error, and no ledger that has one", name)
		}
	}
}

// TestLongerRecords are from a newer writer: a member more in front of the
// masks, and a byte more behind them.
func TestLongerRecords(t *testing.T) {
	r := wire.Task{Header: wire.Header{Words: 1}, PID: 7, CPUs: dump.MaskOf(3), Allowed: dump.MaskOf(4)}.Append(nil)
	masks := len(r) - 16
	r = slices.Insert(r, masks, 1, 2, 3, 4, 5, 6, 7, 8)
	r = append(r, make([]byte, 8)...)
	binary.LittleEndian.PutUint32(r[8:], uint32(len(r)))
	binary.LittleEndian.PutUint16(r[32:], uint16(masks+8))
	s := one(t, append(r, "what the ring has behind it"...)).Snapshot
	if got := s.Tasks[0]; got.PID != 7 || got.CPUs.V != dump.MaskOf(3) || got.AllowedCPUs.V != dump.MaskOf(4) {
		t.Errorf("got %v on %v, allowed %v", got.PID, got.CPUs.V, got.AllowedCPUs.V)
	}
}

func TestMasksMayBeMissing(t *testing.T) {
	r := wire.Task{Header: wire.Header{Words: 1}, PID: 7}.Append(nil)
	binary.LittleEndian.PutUint16(r[32:], 0)
	if got := one(t, r).Snapshot.Tasks[0]; got.CPUs.Known || got.AllowedCPUs.Known {
		t.Error("masks are known")
	}
}

func TestOldestDumpGivesWay(t *testing.T) {
	var records [][]byte
	for id := range uint64(4) {
		d := &wiretest.Dump{ID: id + 1}
		d.Send(wire.Begin{Trigger: wire.TriggerSample})
		d.Send(wire.Task{PID: 1})
		records = append(records, d.Records()...)
	}
	ids := func(o wire.Options) (flushed []uint64, open []uint64) {
		a := wire.NewAssembler(o, decode(func(d *wire.Dump) { flushed = append(flushed, d.ID) }))
		for _, r := range records {
			if err := a.Add(r); err != nil {
				t.Error(err)
			}
		}
		return flushed, a.Open(nil)
	}
	for name, o := range map[string]wire.Options{
		"MaxOpen":  {MaxOpen: 3},
		"MaxBytes": {MaxBytes: 3 * wire.MaxRecord},
	} {
		flushed, open := ids(o)
		if !slices.Equal(flushed, []uint64{1}) || !slices.Equal(open, []uint64{2, 3, 4}) {
			t.Errorf("%s: flushed %v, open %v", name, flushed, open)
		}
	}
}

func TestLimits(t *testing.T) {
	const tasks = 300 // more than MaxRecord bytes
	d := &wiretest.Dump{ID: 1}
	for pid := range int32(tasks) {
		d.Send(wire.Task{PID: pid})
		d.Send(wire.Task{PID: tasks + pid, Header: wire.Header{Walk: 1}})
	}
	d.Finish()
	for name, test := range map[string]struct {
		o     wire.Options
		tasks int
	}{
		"MaxTasks": {wire.Options{MaxTasks: 2}, 4},
		"MaxBytes": {wire.Options{MaxBytes: 1}, wire.MaxRecord / len(d.Vital[0])},
	} {
		dumps := assemble(t, test.o, with(d)...)
		if len(dumps) != 1 {
			t.Fatalf("%s: %d dumps", name, len(dumps))
		}
		s := dumps[0].Snapshot
		lost := 2*tasks - test.tasks
		note := fmt.Sprintf("task records beyond the limit: %d", lost)
		if len(s.Tasks) != test.tasks || !slices.Contains(s.Ledger.Notes, note) || s.Ledger.Dropped() != uint64(lost) {
			t.Errorf("%s: %d tasks, ledger %+v", name, len(s.Tasks), s.Ledger)
		}
	}
}

func TestFlush(t *testing.T) {
	var got []uint64
	a := wire.NewAssembler(wire.Options{}, decode(func(d *wire.Dump) { got = append(got, d.ID) }))
	d := wiretest.Sample(7, 1)
	if err := a.Add(d.Vital[0]); err != nil {
		t.Fatal(err)
	}
	if a.Flush(8) || !a.Flush(7) || a.Flush(7) {
		t.Error("Flush does not tell which dumps are open")
	}
	if err := a.Add(d.Vital[1]); err == nil || a.Stats().Late != 1 {
		t.Errorf("a record of a finished dump: error %v, %d late", err, a.Stats().Late)
	}
	if len(got) != 1 || len(a.Open(nil)) != 0 {
		t.Errorf("finished %v, open %v", got, a.Open(nil))
	}
}

// TestHostChanges gives each dump the host that was known when it began.
func TestHostChanges(t *testing.T) {
	begin := func(id uint64) []byte { return wire.Begin{Header: wire.Header{Dump: id}}.Append(nil) }
	task := func(id uint64) []byte {
		return wire.Task{Header: wire.Header{Dump: id}, Flags: wire.TaskCtx, CGID: 5}.Append(nil)
	}
	host := func(name string) []byte { return wire.Host{Name: name}.Append(nil) }
	path := wire.CgroupPath{ID: 5, Path: "/five"}.Append(nil)
	dumps := assemble(t, wire.Options{},
		begin(1), host("a"), path, begin(2), task(2), host("a"), begin(3), task(3), host("b"), begin(4), task(4))
	for i, want := range []string{"b", "a", "a", "b"} {
		if got := dumps[i].Snapshot.Host; got != want {
			t.Errorf("dump %d: host %q, want %q", i+1, got, want)
		}
	}
	if got := dumps[3].Snapshot.Tasks[0].CgroupName; got.Known {
		t.Errorf("cgroup %q of another host", got.V)
	}
}

func TestCgroupsAreNamed(t *testing.T) {
	d := &wiretest.Dump{ID: 1}
	d.Send(wire.Cell{ID: 1, Owner: 5, State: 9})
	d.Send(wire.Task{PID: 1, Flags: wire.TaskCtx, CGID: 5})
	d.Send(wire.Task{PID: 2, CGID: 5})
	name := func(path string) []byte { return wire.CgroupPath{ID: 5, Path: path}.Append(nil) }
	s := one(t, append([][]byte{name("/old"), name("/a\xff\x1b")}, d.Records()...)...).Snapshot
	if c := s.Cells[0]; c.OwnerPath.V != "/a\xff\x1b" || c.State.V != "state_9" {
		t.Errorf("cell: %+v", c)
	}
	if got := s.Tasks[0].CgroupName.V; got != "/a\xff\x1b" {
		t.Errorf("task: %q", got)
	}
	if other := s.Tasks[1]; other.CgroupName.Known || other.CgroupID.Known || other.Cell.Known {
		t.Error("a task without context has a cgroup or a cell")
	}
}

func TestFaultNames(t *testing.T) {
	if got := wire.FaultNames(0x80000003); !slices.Equal(got, []string{"lose-task", "error-now", "0x80000000"}) {
		t.Errorf("got %q", got)
	}
}
