// SPDX-License-Identifier: GPL-2.0-only

package store_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"scxdiag/dump/store"
)

// recordingOf is a recording of n snapshots as it is on the disk, and their ids.
func recordingOf(tb testing.TB, n int) (file []byte, ids []string) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "a"+store.Ext)
	s := openStore(tb, path)
	for _, snap := range samples(tb, n, 30) {
		ids = append(ids, add(tb, s, snap))
	}
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return file, ids
}

// readAll reads all that a recording has, which may be anything.
func readAll(tb testing.TB, s *store.Store) (ids []string, err error) {
	tb.Helper()
	list, err := s.List(tb.Context(), store.Filter{})
	if err != nil {
		return nil, err
	}
	for i := range list {
		if _, e := s.Get(tb.Context(), list[i].ID); e != nil {
			err = errors.Join(err, e)
			continue
		}
		if _, e := s.Records(tb.Context(), list[i].ID); e != nil {
			err = errors.Join(err, e)
			continue
		}
		ids = append(ids, list[i].ID)
	}
	return ids, err
}

func TestRecordingsOpenFromMemory(t *testing.T) {
	file, ids := recordingOf(t, 70)
	if file[18] != 2 || file[19] != 2 {
		t.Fatal("the recording has no write-ahead log")
	}
	s, err := store.OpenBytes(t.Context(), "run.zip!/a.scxdiag", file)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := readAll(t, s)
	if err != nil || !slices.Equal(got, ids) {
		t.Errorf("%d of %d snapshots, %v", len(got), len(ids), err)
	}
	want := samples(t, 70, 30)
	for i, id := range ids {
		if snap, err := s.Get(t.Context(), id); err != nil || same(want[i], snap) != "" {
			t.Fatalf("snapshot %d: %v", i, err)
		}
	}
	if e, err := s.Find(t.Context(), ids[3][:8]); err != nil || e.ID != ids[3] {
		t.Errorf("%s, %v", e.ID, err)
	}
	if _, _, err := s.Add(t.Context(), want[0], store.AddOptions{}); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("added: %v", err)
	}
	if _, err := s.Get(t.Context(), "none"); !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "run.zip!/a.scxdiag") {
		t.Error(err)
	}
}

func TestWhatIsInMemoryAndNoRecording(t *testing.T) {
	file, _ := recordingOf(t, 1)
	change := func(at int, to ...byte) []byte {
		b := slices.Clone(file)
		copy(b[at:], to)
		return b
	}
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":          {nil, "not a recording"},
		"text":             {bytes.Repeat([]byte("text\n"), 100), "not a recording"},
		"another program":  {change(68, 0, 0, 0, 1), "not a recording"},
		"from the future":  {change(60, 0, 9), "newer scxdiag"},
		"another version":  {change(62, 0, 0), "its tables are not those of schema"},
		"only the header":  {file[:100], "damaged"},
		"cut":              {file[:5000], "damaged"},
		"without a schema": {change(100, make([]byte, 1000)...), "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := store.OpenBytes(t.Context(), "file", tt.data)
			if err == nil {
				defer s.Close()
				_, err = readAll(t, s)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// TestDamageInMemoryIsAnError damages each page of a recording.
func TestDamageInMemoryIsAnError(t *testing.T) {
	file, ids := recordingOf(t, 10)
	const page = 4096
	for at := 0; at < len(file); at += page / 2 {
		b := slices.Clone(file)
		for i := at; i < at+page/4; i++ {
			b[i] ^= 0xa5
		}
		s, err := store.OpenBytes(t.Context(), "file", b)
		if err != nil {
			continue
		}
		got, err := readAll(t, s)
		if err == nil && len(got) < len(ids) {
			t.Errorf("damage at %d: %d snapshots and no error", at, len(got))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestPagesThatAreThereAgain has the trees of a recording lead to the same page over
// and over, which would let it have any number of entries.
func TestPagesThatAreThereAgain(t *testing.T) {
	file, _ := recordingOf(t, 70)
	const page, interior, cells, pointers = 4096, 5, 3, 12
	forged := 0
	for at := page; at < len(file); at += page {
		p := file[at : at+page]
		if p[0] != interior {
			continue
		}
		n := int(binary.BigEndian.Uint16(p[cells:]))
		child := func(i int) []byte {
			where := binary.BigEndian.Uint16(p[pointers+2*i:])
			return p[where : where+4]
		}
		for i := 1; i < n; i++ {
			forged++
			copy(child(i), child(0))
		}
	}
	if forged == 0 {
		t.Fatal("no tree has that many pages")
	}
	s, err := store.OpenBytes(t.Context(), "file", file)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if list, err := s.List(t.Context(), store.Filter{}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("%d entries, %v", len(list), err)
	}
}

// FuzzOpenBytes reads recordings that anyone may have written.
func FuzzOpenBytes(f *testing.F) {
	golden, err := os.ReadFile(filepath.Join("testdata", "v1"+store.Ext))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add(golden[:20000])
	file, _ := recordingOf(f, 3)
	f.Add(file)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := store.OpenBytes(t.Context(), "file", slices.Clone(b))
		if err != nil {
			return
		}
		_, _ = readAll(t, s) // whatever it says
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
