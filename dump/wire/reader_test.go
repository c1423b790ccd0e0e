// SPDX-License-Identifier: GPL-2.0-only

package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"scxdiag/dump/wire"
	"scxdiag/dump/wire/wiretest"
)

func stream(records ...[]byte) []byte { return bytes.Join(records, nil) }

// readAll reads a stream to its end.
func readAll(t *testing.T, src io.Reader) ([]*wire.Dump, *wire.Reader) {
	t.Helper()
	r := wire.NewReader(src, wire.Options{})
	var out []*wire.Dump
	for {
		d, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, r
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, d)
	}
}

func TestReaderReadsConcatenatedStreams(t *testing.T) {
	var all []byte
	for id := range uint64(40) {
		all = append(all, stream(with(wiretest.Sample(id+1, 20))...)...)
	}
	dumps, r := readAll(t, bytes.NewReader(all))
	if len(dumps) != 40 || r.Stats() != (wire.Stats{}) {
		t.Fatalf("%d dumps, %+v", len(dumps), r.Stats())
	}
	for i, d := range dumps {
		if d.ID != uint64(i+1) || !d.Snapshot.Ledger.Complete() {
			t.Errorf("dump %d: id %d, %+v", i, d.ID, d.Snapshot.Ledger)
		}
	}
}

// TestReaderResumes damages the length of one record, cuts another one, and
// puts noise in between.
func TestReaderResumes(t *testing.T) {
	records := with(wiretest.Sample(1, 20))
	n := uint32(len(records[5]))
	for name, test := range map[string]struct {
		change  func(r []byte) []byte
		skipped int
		lost    uint64
	}{
		"too long":       {func(r []byte) []byte { binary.LittleEndian.PutUint32(r[8:], 3000); return r }, int(n), 1},
		"far too long":   {func(r []byte) []byte { binary.LittleEndian.PutUint32(r[8:], 1<<31); return r }, int(n), 1},
		"too short":      {func(r []byte) []byte { binary.LittleEndian.PutUint32(r[8:], n-8); return r }, 8, 1},
		"no length":      {func(r []byte) []byte { binary.LittleEndian.PutUint32(r[8:], 0); return r }, int(n), 1},
		"cut":            {func(r []byte) []byte { return r[:50] }, 50, 1},
		"no magic":       {func(r []byte) []byte { r[0] ^= 1; return r }, int(n), 1},
		"noise behind":   {func(r []byte) []byte { return append(r, "login: scx"...) }, 10, 0},
		"much noise":     {func(r []byte) []byte { return append(r, make([]byte, 1<<20)...) }, 1 << 20, 0},
		"gone":           {func([]byte) []byte { return nil }, 0, 1},
		"magic in data":  {func(r []byte) []byte { copy(r[64:], "scxd"); return r }, 0, 0},
		"longer than it": {func(r []byte) []byte { binary.LittleEndian.PutUint32(r[8:], n+4); return append(r, 1, 2, 3, 4) }, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			changed := slices.Clone(records)
			changed[5] = test.change(slices.Clone(records[5])) // a CPU
			dumps, r := readAll(t, iotest.HalfReader(bytes.NewReader(stream(changed...))))
			if len(dumps) != 1 {
				t.Fatalf("%d dumps", len(dumps))
			}
			l := dumps[0].Snapshot.Ledger
			if got := r.Stats().Skipped; got != uint64(test.skipped) || l.Dropped() != test.lost {
				t.Errorf("%d bytes skipped, want %d; %d records lost, want %d; %+v", got, test.skipped, l.Dropped(), test.lost, l)
			}
			noted := slices.ContainsFunc(l.Notes, func(n string) bool { return strings.HasPrefix(n, "bytes of the stream") })
			if noted != (test.skipped > 0) || l.Complete() != (test.skipped == 0 && test.lost == 0) {
				t.Errorf("notes %q, complete %v", l.Notes, l.Complete())
			}
		})
	}
}

// TestReaderDoesNotWait returns a dump as soon as its last byte is there: the
// source may be a living one.
func TestReaderDoesNotWait(t *testing.T) {
	records := append(with(wiretest.Sample(1, 3)), []byte("noise"))
	pr, pw := io.Pipe()
	go func() { _, _ = pw.Write(stream(records...)) }()
	if d, err := wire.NewReader(pr, wire.Options{}).Next(); err != nil || !d.Snapshot.Ledger.Complete() {
		t.Errorf("%v, error %v", d, err)
	}
	_ = pr.Close()
}

func TestReaderReturnsErrors(t *testing.T) {
	broken := errors.New("broken")
	cut := stream(with(wiretest.Sample(1, 20))...)[:2000]
	r := wire.NewReader(io.MultiReader(bytes.NewReader(cut), iotest.ErrReader(broken)), wire.Options{})
	d, err := r.Next()
	if err != nil || !d.Snapshot.Ledger.Truncated {
		t.Fatalf("%v, error %v", d, err)
	}
	if _, err = r.Next(); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	if _, err = r.Next(); !errors.Is(err, broken) {
		t.Errorf("then error %v, want %v", err, broken)
	}
}

func TestSniff(t *testing.T) {
	record := wiretest.Host.Append(nil)
	newer := slices.Clone(record)
	newer[4] = 9
	for _, test := range []struct {
		b    []byte
		want bool
	}{
		{record, true},
		{newer, true},
		{record[:wire.SniffLen], true},
		{record[:wire.SniffLen-1], false},
		{nil, false},
		{[]byte("scxdiag is a tool"), false},
		{[]byte("SQLite format 3\x00"), false},
	} {
		if got := wire.Sniff(test.b); got != test.want {
			t.Errorf("Sniff(%.20q) = %v, want %v", test.b, got, test.want)
		}
	}
}
