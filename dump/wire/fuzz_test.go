// SPDX-License-Identifier: GPL-2.0-only

package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"scxdiag/dump/wire"
	"scxdiag/dump/wire/wiretest"
)

// sane checks what holds for every dump, whatever it was made of.
func sane(t *testing.T, d *wire.Dump) {
	t.Helper()
	s := d.Snapshot
	if s == nil || s.Source.Carrier != "ringbuf" {
		t.Fatalf("no snapshot, or one without a source")
	}
	_, _, _ = s.ID(), s.LongestWaiting(), s.Subject()
	tasks := map[int32]bool{}
	for i := range s.Tasks {
		task := &s.Tasks[i]
		if task.Walked && tasks[task.PID] {
			t.Fatalf("task %d was walked over and is there twice", task.PID)
		}
		tasks[task.PID] = true
		if len(task.Comm) > 16 || bytes.IndexByte([]byte(task.Comm), 0) >= 0 {
			t.Fatalf("comm %q", task.Comm)
		}
	}
	for i := range s.Cells {
		if i > 0 && s.Cells[i-1].ID >= s.Cells[i].ID {
			t.Fatal("cells are not in order, or there twice")
		}
	}
	for _, r := range s.Ledger.Records {
		if r.Expected != r.Received+r.Dropped && s.Ledger.Complete() {
			t.Fatalf("the ledger is complete, but has %+v", r)
		}
	}
}

// seeds are streams with a few kinds of record each: the shorter an input, the
// more a fuzzer gets done.
func seeds(f *testing.F) {
	h := wire.Header{Words: 1}
	for _, kinds := range [][]wiretest.Record{
		{wire.Task{Header: h, PID: 1, Flags: 15}, wire.Task{Header: wire.Header{Walk: 1}, PID: 1}},
		{wire.Begin{Trigger: wire.TriggerAbort, ExitKind: 1026, NrCPUs: 2}, wire.CPU{ID: 1, Known: 1}},
		{wire.Cell{Header: h, ID: 1}, wire.DSQ{ID: 1, NrPIDs: 2}, wire.Event{Kind: 1}},
		{wire.Exit{Kind: 1026, NrFrames: 3, TextSize: 10}},
		{wire.Text{Size: 10}},
		{wire.Begin{GraceSeq: 1, ApplyPhase: 3}, wire.Cgroup{Header: h, ID: 2, Parent: 1, Level: 1, Flags: 31}, wire.CPU{Flags: 3}},
	} {
		d := &wiretest.Dump{ID: 1}
		for _, r := range kinds {
			d.Send(r)
		}
		f.Add(stream(d.Records()...))
		d.Finish()
		whole := stream(d.Records()...)
		f.Add(whole[7:])
		f.Add(append(wiretest.Host.Append(nil), whole...))
	}
	f.Add(stream(wire.CgroupPath{ID: 1, Path: "/a"}.Append(nil), []byte("scxdscxd")))
}

// FuzzAssembler cuts its input into records by their lengths alone, as far as
// they go, so that their contents are what is fuzzed. It adds them one by one,
// in batches of one, which must come to the same, and in larger batches.
func FuzzAssembler(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		var records [][]byte
		for len(in) > 0 {
			n := len(in)
			if n >= 12 {
				n = min(n, max(1, int(binary.LittleEndian.Uint32(in[8:])&0xffff)))
			}
			records = append(records, in[:n])
			in = in[n:]
		}
		assemble := func(o wire.Options, add func(*wire.Assembler, []byte)) (ids []string, stats wire.Stats) {
			a := wire.NewAssembler(o, decode(func(d *wire.Dump) {
				sane(t, d)
				ids = append(ids, d.Snapshot.ID())
			}))
			for _, r := range records {
				add(a, r)
				if o.MaxBytes > 0 && a.Held() > o.MaxBytes || len(a.Open(nil)) > o.MaxOpen {
					t.Fatalf("%d bytes held, %d dumps open", a.Held(), len(a.Open(nil)))
				}
			}
			add(a, nil)
			a.FlushAll()
			if a.Held() != 0 {
				t.Fatalf("%d bytes held without any dump", a.Held())
			}
			return ids, a.Stats()
		}
		o := wire.Options{MaxOpen: 3, MaxTasks: 100}
		ids, stats := assemble(o, func(a *wire.Assembler, r []byte) { _ = a.Add(r) })
		var b wire.Batch
		ids2, stats2 := assemble(o, func(a *wire.Assembler, r []byte) { inBatches(a, &b, 1, [][]byte{r}) })
		if stats != stats2 || !slices.Equal(ids, ids2) {
			t.Fatalf("in batches of one: %q, %+v; without: %q, %+v", ids2, stats2, ids, stats)
		}
		o.MaxBytes = 2 * wire.MaxRecord
		assemble(o, func(a *wire.Assembler, r []byte) {
			if full := b.Append(append(b.Free(), r...)); full || b.Len() == 7 || r == nil {
				a.AddBatch(&b)
			}
		})
	})
}

// FuzzReader reads a stream at once and byte by byte: the dumps must be the
// same, and no byte may be lost from the account.
func FuzzReader(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		read := func(src io.Reader) (ids []string, stats wire.Stats) {
			r := wire.NewReader(src, wire.Options{MaxBytes: 1 << 16})
			for {
				d, err := r.Next()
				if errors.Is(err, io.EOF) {
					return ids, r.Stats()
				}
				if err != nil {
					t.Fatal(err)
				}
				sane(t, d)
				ids = append(ids, d.Snapshot.ID())
			}
		}
		ids, stats := read(bytes.NewReader(in))
		if stats.Skipped > uint64(len(in)) {
			t.Fatalf("%d bytes of %d skipped", stats.Skipped, len(in))
		}
		ids2, stats2 := read(iotest.OneByteReader(bytes.NewReader(in)))
		if stats != stats2 || len(ids) != len(ids2) {
			t.Fatalf("read at once: %d dumps, %+v; byte by byte: %d dumps, %+v", len(ids), stats, len(ids2), stats2)
		}
		for i := range ids {
			if ids[i] != ids2[i] {
				t.Fatalf("dump %d depends on how the stream is read", i)
			}
		}
	})
}
