// SPDX-License-Identifier: GPL-2.0-only

package wire_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scxdiag/dump"
	"scxdiag/dump/wire"
	"scxdiag/dump/wire/wiretest"
)

// inBatches adds records as the reader of a ring does that gets so many at a
// time.
func inBatches(a *wire.Assembler, b *wire.Batch, most int, records [][]byte) {
	for _, r := range records {
		if r == nil {
			a.AddBatch(b)
			b.Append(nil)
			a.AddBatch(b)
			continue
		}
		// As ringbuf.Reader does: into the room if that suffices.
		at := b.Free()
		if cap(at) < len(r) {
			at = make([]byte, 0, len(r))
		}
		if full := b.Append(append(at, r...)); full || b.Len() == most {
			a.AddBatch(b)
		}
	}
	a.AddBatch(b)
}

// result is what tells dumps apart.
type result struct {
	ID       uint64
	Snapshot string
	Ledger   dump.Ledger
}

func resultOf(d *wire.Dump) result { return result{d.ID, d.Snapshot.ID(), d.Snapshot.Ledger} }

// TestBatchesAreTheSame adds what a ring may bring, record by record and in
// batches of any size.
func TestBatchesAreTheSame(t *testing.T) {
	const tasks = 700 // several batches
	good := with(wiretest.Sample(1, tasks))
	change := func(f func(records [][]byte) [][]byte) [][]byte {
		d := wiretest.Sample(1, tasks)
		d.Vital = d.Vital[:len(d.Vital)-1]
		d.End.Sent[wire.KindEvent] += 9 // more than come: it is not finished before its last record
		d.Finish()
		return f(with(d))
	}
	patch := func(off int, b ...byte) func([][]byte) [][]byte {
		return func(records [][]byte) [][]byte {
			for _, i := range []int{20, 21, 300} {
				records[i] = slices.Clone(records[i])
				copy(records[i][off:], b)
			}
			return records
		}
	}
	insert := func(r ...[]byte) func([][]byte) [][]byte {
		return func(records [][]byte) [][]byte {
			return slices.Insert(slices.Insert(records, 200, r...), 10, r...)
		}
	}
	long := make([]byte, wire.MaxRecord-8)
	copy(long, wire.Event{Header: wire.Header{Dump: 1}}.Append(nil))
	binary.LittleEndian.PutUint32(long[8:], uint32(len(long)))
	other := wiretest.Sample(2, tasks)
	for name, records := range map[string][][]byte{
		"one dump":         good,
		"two":              slices.Concat(good, other.Records()),
		"one in the other": slices.Concat(good[:500], other.Records(), good[500:]),
		"alternating":      alternate(good, other.Records()),
		"no magic":         change(patch(0, 'x')),
		"another version":  change(patch(4, 2)),
		"unknown kind":     change(patch(6, 12)),
		"no kind":          change(patch(6, 0)),
		"kind of no dump":  change(patch(6, 77)),
		"wrong length":     change(patch(8, 41, 0)),
		"too long":         change(patch(8, 0xff, 0xff)),
		"malformed":        change(patch(32, 1)),
		"not a record":     change(insert([]byte("hello"), nil)),
		"long":             change(insert(long, long)),
		"something behind": change(insert(append(wire.Event{Header: wire.Header{Dump: 1}}.Append(nil), 1, 2, 3))),
		"host":             change(insert(wiretest.Host.Append(nil), wire.CgroupPath{ID: 1, Path: "/x"}.Append(nil))),
		"two begins":       change(insert(wire.Begin{Header: wire.Header{Dump: 1}, Trigger: wire.TriggerAbort}.Append(nil))),
		"malformed end":    change(insert(wire.Cell{Header: wire.Header{Dump: 1}, ID: 9}.Append(nil))),
	} {
		if name == "malformed end" {
			records[10] = slices.Clone(records[10])
			records[10][6] = byte(wire.KindEnd)
		}
		var want, got []result
		a := wire.NewAssembler(wire.Options{}, decode(func(d *wire.Dump) { want = append(want, resultOf(d)) }))
		for _, r := range records {
			_ = a.Add(r)
		}
		a.FlushAll()
		for _, most := range []int{1, 2, 100, 1 << 20} {
			got = nil
			var b wire.Batch
			c := wire.NewAssembler(wire.Options{}, decode(func(d *wire.Dump) { got = append(got, resultOf(d)) }))
			inBatches(c, &b, most, records)
			c.FlushAll()
			if c.Stats() != a.Stats() || c.Held() != 0 {
				t.Errorf("%s, %d at a time: %+v, want %+v; %d bytes held", name, most, c.Stats(), a.Stats(), c.Held())
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %d at a time (-want +got):\n%s", name, most, diff)
			}
		}
	}
}

// alternate takes records in turn; a and b are about as many.
func alternate(a, b [][]byte) (out [][]byte) {
	for i := range max(len(a), len(b)) {
		out = append(out, a[i:min(i+1, len(a))]...)
		out = append(out, b[min(i, len(b)):min(i+1, len(b))]...)
	}
	return out
}

// TestBatchesAreBounded fills an assembler with dumps that do not end.
func TestBatchesAreBounded(t *testing.T) {
	o := wire.Options{MaxBytes: 4 * wire.MaxRecord}
	finished := 0
	a := wire.NewAssembler(o, decode(func(*wire.Dump) { finished++ }))
	var b wire.Batch
	for id := range uint64(20) {
		var records [][]byte
		for pid := range int32(id * 40) {
			records = append(records, wire.Task{Header: wire.Header{Dump: id + 1}, PID: pid}.Append(nil))
		}
		inBatches(a, &b, 1<<20, records)
		if a.Held() > o.MaxBytes {
			t.Fatalf("%d bytes held", a.Held())
		}
	}
	lost := uint64(0)
	big := wire.NewAssembler(o, decode(func(d *wire.Dump) { lost = d.Snapshot.Ledger.Dropped() }))
	sample := wiretest.Sample(1, 2000)
	inBatches(big, &b, 1<<20, slices.Concat(sample.Vital[:len(sample.Vital)-1], sample.Bulk)) // without END
	if big.Held() > o.MaxBytes || big.Held() < o.MaxBytes/2 {
		t.Errorf("%d bytes held", big.Held())
	}
	if big.FlushAll(); lost == 0 || finished == 0 {
		t.Errorf("%d records lost, %d dumps gave way", lost, finished)
	}
}

// TestDecodingNeedsNoAssembler decodes dumps after others have come, with other
// hosts and cgroups, and gets what was known when they were finished.
func TestDecodingNeedsNoAssembler(t *testing.T) {
	var raw []*wire.Raw
	a := wire.NewAssembler(wire.Options{}, func(d *wire.Raw) { raw = append(raw, d) })
	add := func(records ...[]byte) {
		t.Helper()
		for _, r := range records {
			if err := a.Add(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	path := func(p string) []byte { return wire.CgroupPath{ID: 1, Path: p}.Append(nil) }
	add(wiretest.Host.Append(nil), path("/old"))
	add(wiretest.Sample(1, 300).Records()...)
	add(path("/new"))
	add(wiretest.Sample(2, 10).Records()...)
	add(wire.Host{Name: "other"}.Append(nil))
	add(wiretest.Sample(3, 400).Records()...)
	for i, want := range []struct {
		host, path string
		tasks      int
	}{{"vm1", "/old", 300}, {"vm1", "/new", 10}, {"other", "", 400}} {
		s := raw[i].Decode().Snapshot
		if len(s.Tasks) != want.tasks || s.Host != want.host || s.Tasks[0].CgroupName.V != want.path {
			t.Errorf("dump %d: %d tasks, host %q, cgroup %q", i+1, len(s.Tasks), s.Host, s.Tasks[0].CgroupName.V)
		}
	}
}

// TestBatchWritesWhatItHas leaves out what is no record.
func TestBatchWritesWhatItHas(t *testing.T) {
	records := with(wiretest.Sample(1, 3))
	var want, got bytes.Buffer
	var b wire.Batch
	a := wire.NewAssembler(wire.Options{}, decode(func(*wire.Dump) {}))
	for i, r := range records {
		want.Write(r)
		for _, r := range [][]byte{r, []byte("noise")[:i%5]} {
			if full := b.Append(append(b.Free(), r...)); full {
				if _, err := b.WriteTo(&got); err != nil {
					t.Fatal(err)
				}
				a.AddBatch(&b)
			}
		}
	}
	if !bytes.Equal(want.Bytes(), got.Bytes()) {
		t.Errorf("%d bytes, want %d", got.Len(), want.Len())
	}
}
