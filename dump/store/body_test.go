// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"scxdiag/dump"
	"scxdiag/dump/text"
)

// Corpus are the snapshots of all real logs.
func Corpus(tb testing.TB) []*dump.Snapshot {
	tb.Helper()
	logs, err := filepath.Glob(filepath.Join("..", "..", "testdata", "dumps", "*.log"))
	if err != nil || len(logs) < 30 {
		tb.Fatalf("%d logs, %v", len(logs), err)
	}
	var all []*dump.Snapshot
	for _, name := range logs {
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		r := text.NewReader(bytes.NewReader(b), text.Options{Name: filepath.Base(name)})
		for {
			s, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				tb.Fatal(err)
			}
			all = append(all, s)
		}
	}
	return all
}

func TestCorpusSnapshotsComeBack(t *testing.T) {
	enc, _ := zstd.NewWriter(nil)
	var base *shredded
	for _, s := range Corpus(t) {
		raw := s.Raw
		for _, spans := range []bool{true} {
			d := shred(s, s.ID(), about{HasText: spans}, nil)
			b, err := d.pack(base)
			if err != nil {
				t.Fatal(err)
			}
			d2, err := unpack(b, base)
			if err != nil {
				t.Fatal(s.Source.Name, err)
			}
			got, err := d2.assembleSnapshot()
			if err != nil {
				t.Fatal(s.Source.Name, err)
			}
			got.Raw = raw
			if diff := cmp.Diff(s, got, cmp.Comparer(func(a, b dump.CPUMask) bool { return a == b })); diff != "" {
				t.Fatal(diff)
			}
			z := enc.EncodeAll(b, nil)
			nb, _ := shred(s, s.ID(), about{}, nil).pack(nil)
			zn := enc.EncodeAll(nb, nil)
			zr := enc.EncodeAll([]byte(raw), nil)
			t.Logf("%-50s raw %7d zraw %6d  packed %6d z %6d nospans %6d: %.1f", s.Source.Name, len(raw), len(zr), len(b), len(z), len(zn), float64(len(raw))/float64(len(zn)))
		}
	}
}
