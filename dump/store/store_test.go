// SPDX-License-Identifier: GPL-2.0-only

package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scxdiag/dump"
	"scxdiag/dump/store"
	"scxdiag/dump/wire"
	"scxdiag/dump/wire/wiretest"
)

// newStore opens a new recording.
func newStore(tb testing.TB) *store.Store {
	tb.Helper()
	return openStore(tb, filepath.Join(tb.TempDir(), "a"+store.Ext))
}

func openStore(tb testing.TB, path string) *store.Store {
	tb.Helper()
	s, err := store.OpenUnsafe(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// samples are snapshots as the ring buffer brings them, a second apart.
func samples(tb testing.TB, n, tasks int) []*dump.Snapshot {
	tb.Helper()
	var all []*dump.Snapshot
	for i := range n {
		asm := wire.NewAssembler(wire.Options{}, func(d *wire.Raw) { all = append(all, d.Decode().Snapshot) })
		records := wiretest.Sample(uint64(i)*1e9+1, tasks)
		records.Finish()
		if err := asm.Add(wiretest.Host.Append(nil)); err != nil {
			tb.Fatal(err)
		}
		for _, r := range records.Records() {
			if err := asm.Add(r); err != nil {
				tb.Fatal(err)
			}
		}
		asm.FlushAll()
	}
	for i, s := range all {
		s.Status.NrEvents += uint64(i)
	}
	return all
}

func same(a, b *dump.Snapshot) string {
	return cmp.Diff(a, b, cmp.Comparer(func(a, b dump.CPUMask) bool { return a == b }))
}

func add(tb testing.TB, s *store.Store, snap *dump.Snapshot) string {
	tb.Helper()
	id, added, err := s.Add(tb.Context(), snap, store.AddOptions{})
	if err != nil || !added {
		tb.Fatal(added, err)
	}
	return id
}

func TestWhatIsAddedComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a"+store.Ext)
	s := openStore(t, path)
	all := samples(t, 100, 30)
	ids := make([]string, len(all))
	for i, snap := range all {
		ids[i] = add(t, s, snap)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the log is still there: %v", err)
	}
	r, err := store.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	list, err := r.List(t.Context(), store.Filter{})
	if err != nil || len(list) != len(all) {
		t.Fatalf("%d entries, %v", len(list), err)
	}
	for i, snap := range all {
		if list[i].ID != ids[i] || !list[i].Time.Equal(snap.Time) || list[i].Tasks != len(snap.Tasks) {
			t.Errorf("entry %d: %+v", i, list[i])
		}
		got, err := r.Get(t.Context(), ids[i])
		if err != nil {
			t.Fatal(err)
		}
		if diff := same(snap, got); diff != "" {
			t.Fatalf("snapshot %d: %s", i, diff)
		}
	}
}

func TestTheSameSnapshotIsStoredOnce(t *testing.T) {
	s := newStore(t)
	snap := samples(t, 1, 10)[0]
	id := add(t, s, snap)
	again, added, err := s.Add(t.Context(), snap, store.AddOptions{})
	if err != nil || added || again != id {
		t.Errorf("%s, %t, %v; want %s, false", again, added, err, id)
	}
	list, err := s.List(t.Context(), store.Filter{})
	if err != nil || len(list) != 1 {
		t.Errorf("%d entries, %v", len(list), err)
	}
}

func TestDeletingABaseKeepsTheOthers(t *testing.T) {
	s := newStore(t)
	all := samples(t, 12, 30)
	ids := make([]string, len(all))
	for i, snap := range all {
		ids[i] = add(t, s, snap)
	}
	for i := range all {
		if n, err := s.Delete(t.Context(), ids[i]); err != nil || n != 1 {
			t.Fatalf("%d deleted, %v", n, err)
		}
		if _, err := s.Get(t.Context(), ids[i]); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("deleted, but %v", err)
		}
		for k := i + 1; k < len(all); k++ {
			got, err := s.Get(t.Context(), ids[k])
			if err != nil {
				t.Fatal(err)
			}
			if diff := same(all[k], got); diff != "" {
				t.Fatalf("snapshot %d without %d: %s", k, i, diff)
			}
		}
	}
}

func TestExportAndImport(t *testing.T) {
	s := newStore(t)
	all := samples(t, 10, 30)
	var ids []string
	for _, snap := range all {
		ids = append(ids, add(t, s, snap))
	}
	path := filepath.Join(t.TempDir(), "out"+store.Ext)
	if err := s.Export(t.Context(), ids[3:7], path); err != nil {
		t.Fatal(err)
	}
	if err := s.Export(t.Context(), ids, path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("exported over a file: %v", err)
	}
	to := newStore(t)
	add(t, to, all[4])
	n, err := to.Import(t.Context(), path)
	if want := (store.Imported{Added: 3, Known: 1}); err != nil || n != want {
		t.Fatalf("%+v, %v; want %+v", n, err, want)
	}
	for i := 3; i < 7; i++ {
		got, err := to.Get(t.Context(), ids[i])
		if err != nil {
			t.Fatal(err)
		}
		if diff := same(all[i], got); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestFollowSeesWhatIsCommitted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a"+store.Ext)
	s := openStore(t, path)
	r, err := store.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all := samples(t, 5, 10)
	add(t, s, all[0])
	i := 0
	for e, err := range r.Follow(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if want := all[i].ID(); e.ID != want {
			t.Fatalf("entry %d is %s, want %s", i, e.ID, want)
		}
		if i++; i == len(all) {
			break
		}
		add(t, s, all[i])
	}
}

// TestAFileIsWholeWhenItsWriterIsGone copies a recording that somebody still
// reads when its writer closes it: the file alone has everything.
func TestAFileIsWholeWhenItsWriterIsGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "live"+store.Ext)
	s := openStore(t, path)
	all := samples(t, 5, 10)
	add(t, s, all[0])
	reader, err := store.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	if _, err := reader.List(t.Context(), store.Filter{}); err != nil {
		t.Fatal(err)
	}
	for _, snap := range all[1:] {
		add(t, s, snap)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	alone := filepath.Join(t.TempDir(), "copy"+store.Ext)
	if err := os.WriteFile(alone, content, 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := openStore(t, alone).List(t.Context(), store.Filter{})
	if err != nil || len(list) != len(all) {
		t.Errorf("the file alone has %d of %d snapshots, %v", len(list), len(all), err)
	}
}

func TestPrune(t *testing.T) {
	s := newStore(t)
	all := samples(t, 20, 30)
	for i, snap := range all {
		snap.Time = time.Now().Add(time.Duration(i-20) * time.Hour)
		add(t, s, snap)
	}
	p, err := s.Prune(t.Context(), store.PrunePolicy{MaxAge: 10*time.Hour + time.Minute, DryRun: true})
	if err != nil || len(p.Entries) != 10 {
		t.Fatalf("%d, %v", len(p.Entries), err)
	}
	p, err = s.Prune(t.Context(), store.PrunePolicy{MaxAge: 10*time.Hour + time.Minute})
	if err != nil || len(p.Entries) != 10 {
		t.Fatalf("%d, %v", len(p.Entries), err)
	}
	list, err := s.List(t.Context(), store.Filter{})
	if err != nil || len(list) != 10 || list[0].ID != all[10].ID() {
		t.Fatalf("%d left, %v", len(list), err)
	}
	if _, err := s.Prune(t.Context(), store.PrunePolicy{MaxSize: 1}); err != nil {
		t.Fatal(err)
	}
	if list, err = s.List(t.Context(), store.Filter{}); err != nil || len(list) != 0 {
		t.Fatalf("%d left, %v", len(list), err)
	}
}

// TestPruneSparesTheNewestFailure asks for more than can be: nothing is to be left.
func TestPruneSparesTheNewestFailure(t *testing.T) {
	s := newStore(t)
	all := samples(t, 12, 30)
	for i, snap := range all {
		snap.Time = time.Now().Add(time.Duration(i-20) * time.Hour)
		if i == 3 || i == 7 {
			snap.Trigger, snap.Exit = dump.TriggerCrash, &dump.Exit{Kind: dump.Of(dump.ExitErrorStall)}
		}
		add(t, s, snap)
	}
	before, err := s.Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []store.PrunePolicy{{MaxAge: time.Hour, KeepFailure: true}, {MaxSize: 1, KeepFailure: true}} {
		if _, err := s.Prune(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		list, err := s.List(t.Context(), store.Filter{})
		if err != nil || len(list) != 1 || list[0].ID != all[7].ID() {
			t.Fatalf("%d left, %v", len(list), err)
		}
	}
	if got, err := s.Get(t.Context(), all[7].ID()); err != nil || got.ID() != all[7].ID() {
		t.Errorf("the failure cannot be read: %v", err)
	}
	if after, err := s.Size(t.Context()); err != nil || after >= before {
		t.Errorf("%d bytes, %d before, %v", after, before, err)
	}
}

// TestPruneForARecorder has failures go last, a few snapshots at a time, and never the
// failure that was recorded last, whose time may be an early one.
func TestPruneForARecorder(t *testing.T) {
	s := newStore(t)
	all := samples(t, 12, 30)
	for i, snap := range all {
		snap.Time = time.Now().Add(time.Duration(i-20) * time.Hour)
		if i == 3 || i == 5 || i == 7 {
			snap.Trigger, snap.Exit = dump.TriggerCrash, &dump.Exit{Kind: dump.Of(dump.ExitErrorStall)}
		}
	}
	for _, i := range []int{0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 3} {
		add(t, s, all[i])
	}
	p := store.PrunePolicy{MaxSize: 1, KeepFailure: true, FailuresLast: true, AtMost: 4}
	for _, want := range [][]int{{0, 1, 2, 4}, {6, 8, 9, 10}, {11, 5, 7}, nil} {
		gone, err := s.Prune(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range gone.Entries {
			got = append(got, e.ID)
		}
		var ids []string
		for _, i := range want {
			ids = append(ids, all[i].ID())
		}
		if !slices.Equal(got, ids) {
			t.Errorf("deleted %v, want %v", got, want)
		}
	}
	list, err := s.List(t.Context(), store.Filter{})
	if err != nil || len(list) != 1 || list[0].ID != all[3].ID() {
		t.Errorf("%d left, %v", len(list), err)
	}
}

func TestPruneToASize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a"+store.Ext)
	s := openStore(t, path)
	m := newMachine(300, 64, 20)
	byID := map[string]*dump.Snapshot{}
	for range 80 {
		snap := m.step()
		byID[add(t, s, snap)] = snap
	}
	const limit = 150_000
	p, err := s.Prune(t.Context(), store.PrunePolicy{MaxSize: limit})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > limit || info.Size() < limit/2 {
		t.Errorf("%d bytes are left of %d allowed", info.Size(), limit)
	}
	for i := range p.Entries {
		delete(byID, p.Entries[i].ID)
	}
	if n := useDamaged(t, path, byID); n != len(byID) || n == 0 {
		t.Errorf("%d of %d left can be read", n, len(byID))
	}
}

func TestFilters(t *testing.T) {
	s := newStore(t)
	base := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for i, scheduler := range []string{"mitosis_1.1.2_x86_64_unknown_linux_gnu", "mitosis", "mitosis_other", "qmap"} {
		add(t, s, &dump.Snapshot{
			Scheduler: scheduler, Host: "node" + scheduler, Time: base.Add(time.Duration(i) * time.Hour), Signature: &dump.Signature{ID: "abc" + scheduler},
			Exit: &dump.Exit{Kind: dump.Of(dump.ExitError + dump.ExitKind(i%2))},
		})
	}
	add(t, s, &dump.Snapshot{Scheduler: "sample", Trigger: dump.TriggerSample}) // without a time
	for _, test := range []struct {
		name string
		f    store.Filter
		want int
	}{
		{"all", store.Filter{}, 5},
		{"base name", store.Filter{Scheduler: "mitosis"}, 2},
		{"full name", store.Filter{Scheduler: "mitosis_1.1.2_x86_64_unknown_linux_gnu"}, 1},
		{"part of a name", store.Filter{Scheduler: "mito"}, 0},
		{"kind", store.Filter{Kind: dump.Of(dump.ExitError)}, 2},
		{"host", store.Filter{Host: "nodeqmap"}, 1},
		{"signature", store.Filter{Signature: "abcm"}, 3},
		{"since", store.Filter{Since: base.Add(time.Hour)}, 4},
		{"until", store.Filter{Until: base.Add(time.Hour)}, 2},
		{"since and until", store.Filter{Since: base.Add(time.Hour), Until: base.Add(2 * time.Hour)}, 2},
		{"nothing", store.Filter{Host: "' OR true --"}, 0},
	} {
		list, err := s.List(t.Context(), test.f)
		if err != nil || len(list) != test.want {
			t.Errorf("%s: %d entries, %v; want %d", test.name, len(list), err, test.want)
		}
	}
}

// realDumps are the snapshots of the real logs, each once.
func realDumps(tb testing.TB) []*dump.Snapshot {
	tb.Helper()
	seen := map[string]bool{}
	var all []*dump.Snapshot
	for _, s := range store.Corpus(tb) {
		if id := s.ID(); !seen[id] {
			seen[id] = true
			all = append(all, s)
		}
	}
	return all
}

func TestManyMayMakeARecordingAtOnce(t *testing.T) {
	for range 5 {
		path := filepath.Join(t.TempDir(), "a"+store.Ext)
		var wg sync.WaitGroup
		all := samples(t, 8, 5)
		for _, snap := range all {
			wg.Go(func() {
				s, err := store.OpenUnsafe(path)
				if err != nil {
					t.Error(err)
					return
				}
				if _, _, err := s.Add(t.Context(), snap, store.AddOptions{}); err != nil {
					t.Error(err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		list, err := openStore(t, path).List(t.Context(), store.Filter{})
		if err != nil || len(list) != len(all) {
			t.Errorf("%d of %d snapshots, %v", len(list), len(all), err)
		}
	}
}

// TestGetLooksNothingThrough is about recordings of many snapshots: to read one
// must not take longer for that.
func TestGetLooksNothingThrough(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "a"+store.Ext))
	steps, err := s.GetPlan(t.Context(), strings.Repeat("0", 32))
	if err != nil {
		t.Fatal(err)
	}
	searches := 0
	for _, step := range steps {
		if strings.HasPrefix(step, "SCAN") && step != "SCAN c" && step != "SCAN chain" { // of no more than maxChain rows
			t.Errorf("all of a table is read: %s", step)
		}
		if strings.HasPrefix(step, "SEARCH") {
			searches++
		}
	}
	if searches < 3 {
		t.Errorf("the plan is not what it was: %q", steps)
	}
}
