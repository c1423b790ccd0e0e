// SPDX-License-Identifier: GPL-2.0-only

package store_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"scxdiag/dump"
	"scxdiag/dump/store"
)

// recorded is a closed recording of the given snapshots.
func recorded(tb testing.TB, all []*dump.Snapshot) (path string, byID map[string]*dump.Snapshot) {
	tb.Helper()
	path = filepath.Join(tb.TempDir(), "whole"+store.Ext)
	s, err := store.OpenUnsafe(path)
	if err != nil {
		tb.Fatal(err)
	}
	byID = map[string]*dump.Snapshot{}
	for _, snap := range all {
		byID[snap.ID()] = snap
		if _, _, err := s.Add(tb.Context(), snap, store.AddOptions{}); err != nil {
			tb.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
	return path, byID
}

// useDamaged does with a damaged recording all that one can do with a
// recording, and checks that nothing wrong comes out.
func useDamaged(t *testing.T, path string, byID map[string]*dump.Snapshot) (read int) {
	t.Helper()
	r, err := store.OpenReader(path)
	if err != nil {
		return 0
	}
	defer r.Close()
	list, err := r.List(t.Context(), store.Filter{})
	if err != nil && !errors.Is(err, store.ErrDamaged) {
		t.Errorf("list: %v", err)
	}
	for i := range list {
		got, err := r.Get(t.Context(), list[i].ID)
		if err != nil {
			if !errors.Is(err, store.ErrDamaged) && !errors.Is(err, store.ErrNotFound) {
				t.Errorf("get: %v", err)
			}
			continue
		}
		want := byID[list[i].ID]
		if want == nil {
			t.Errorf("a snapshot %s that was never recorded", list[i].ID)
			continue
		}
		if diff := same(want, got); diff != "" {
			t.Errorf("another snapshot comes out: %s", diff)
		}
		read++
	}
	return read
}

// salvageAll salvages a recording into a new one and checks what is in that.
func salvageAll(t *testing.T, path string, byID map[string]*dump.Snapshot) store.Salvaged {
	t.Helper()
	to := newStore(t)
	n, err := to.Salvage(t.Context(), path)
	if err != nil && !errors.Is(err, store.ErrNotRecording) {
		t.Fatal(err)
	}
	list, err := to.List(t.Context(), store.Filter{})
	if err != nil || len(list) != n.Added {
		t.Fatalf("%d snapshots, %v; salvaged %+v", len(list), err, n)
	}
	for i := range list {
		want, ok := byID[list[i].ID]
		if !ok {
			t.Fatalf("salvaged a snapshot that never was")
		}
		got, err := to.Get(t.Context(), list[i].ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := same(want, got); diff != "" && got.Raw == want.Raw {
			t.Fatalf("salvaged another snapshot: %s", diff)
		}
	}
	return n
}

func TestAWholeRecordingIsSalvagedWhole(t *testing.T) {
	path, byID := recorded(t, append(samples(t, 50, 20), realDumps(t)...))
	got := salvageAll(t, path, byID)
	if want := (store.Salvaged{Imported: store.Imported{Added: len(byID)}}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if n := useDamaged(t, path, byID); n != len(byID) {
		t.Errorf("%d readable of %d", n, len(byID))
	}
}

func TestDamageIsSaidAndTheRestIsSalvaged(t *testing.T) {
	t.Parallel()
	path, byID := recorded(t, append(samples(t, 80, 20), realDumps(t)[:8]...))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	damaged := filepath.Join(t.TempDir(), "damaged"+store.Ext)
	runs := 3
	if testing.Short() {
		runs = 1
	}
	for name, damage := range map[string]func(b []byte) []byte{
		"cut off":  func(b []byte) []byte { return b[:rnd.IntN(len(b))] },
		"one byte": func(b []byte) []byte { b[rnd.IntN(len(b))] ^= byte(1 + rnd.IntN(255)); return b },
		"many bytes": func(b []byte) []byte {
			for range 30 {
				b[rnd.IntN(len(b))] ^= byte(1 + rnd.IntN(255))
			}
			return b
		},
		"a hole": func(b []byte) []byte {
			at := rnd.IntN(len(b))
			clear(b[at:min(len(b), at+10000)])
			return b
		},
		"no beginning": func(b []byte) []byte { clear(b[:8192]); return b },
	} {
		t.Run(name, func(t *testing.T) {
			for range runs {
				b := damage(append([]byte(nil), whole...))
				if err := os.WriteFile(damaged, b, 0o600); err != nil {
					t.Fatal(err)
				}
				read := useDamaged(t, damaged, byID)
				n := salvageAll(t, damaged, byID)
				if n.Added < read {
					t.Errorf("%d were readable, %d salvaged", read, n.Added)
				}
				if n.Added+n.Lost < len(byID) && !n.More {
					t.Errorf("of %d snapshots %+v, and nothing says that there were more", len(byID), n)
				}
				if name == "one byte" && n.Added < len(byID)-64 {
					t.Errorf("one byte cost more than a series: %+v of %d", n, len(byID))
				}
			}
		})
	}
}
