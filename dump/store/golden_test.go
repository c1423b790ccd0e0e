// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"scxdiag/dump"
	"scxdiag/dump/dumptest"
)

var update = flag.Bool("update", false, "write testdata/v1.scxdiag anew, which only a change before the first release may need")

const (
	goldenFile   = "testdata/v1.scxdiag"
	goldenFields = "testdata/v1.fields"
	goldenText   = "text"
	goldenDumps  = 12
)

// writeGolden makes the recording of schema version 1: a snapshot in which
// each field is set, and a series of others. Beside it stand the names of the
// fields that the model had.
func writeGolden(t *testing.T) {
	t.Helper()
	tmp := filepath.Join(t.TempDir(), "v1"+Ext)
	s, err := OpenUnsafe(filepath.Join(t.TempDir(), "a"+Ext))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	filled := dumptest.Filled(goldenText)
	all := []*dump.Snapshot{filled}
	for i := range goldenDumps {
		d := dumptest.Filled(goldenText)
		d.Raw, d.Time = "", time.Unix(int64(i), 0)
		d.Tasks[0].VTime.V = uint64(i) + 2 // the filled one has 1
		all = append(all, d)
	}
	var ids []string
	for _, d := range all {
		id, _, err := s.Add(t.Context(), d, AddOptions{Boot: "boot", Records: []byte("records")})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := s.Export(t.Context(), ids, tmp); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(tmp)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(goldenFile, b, 0o644); err != nil {
		t.Fatal(err)
	}
	var names strings.Builder
	leaves(reflect.ValueOf(filled).Elem(), "Snapshot", func(name string, _ reflect.Value) { names.WriteString(name + "\n") })
	if err := os.WriteFile(goldenFields, []byte(names.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestGoldenRecording reads the recording that the first version of this
// package wrote. Fields that the model has got since are zero; all others must
// come back for ever.
func TestGoldenRecording(t *testing.T) {
	if *update {
		writeGolden(t)
	}
	b, err := os.ReadFile(goldenFields)
	if err != nil {
		t.Fatal(err)
	}
	had := map[string]bool{}
	for name := range strings.Lines(string(b)) {
		had[strings.TrimSpace(name)] = true
	}
	s, err := OpenReader(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	list, err := s.List(t.Context(), Filter{})
	if err != nil || len(list) != 1+goldenDumps {
		t.Fatalf("%d entries, %v", len(list), err)
	}
	moved := map[uint64]bool{}
	for _, e := range list {
		got, err := s.Get(t.Context(), e.ID)
		if err != nil {
			t.Fatal(err)
		}
		if id := got.ID(); id != e.ID {
			t.Errorf("the ID was %s, and is %s", e.ID, id)
		}
		if r, err := s.Records(t.Context(), e.ID); err != nil || string(r) != "records" {
			t.Errorf("records: %q, %v", r, err)
		}
		if e.Host != goldenText || e.Boot != "boot" || e.Tasks != 1 || e.Task != goldenText+"[1]" {
			t.Errorf("entry: %+v", e)
		}
		if !e.HasText {
			moved[got.Tasks[0].VTime.V] = true
			continue
		}
		want := map[string]any{}
		leaves(reflect.ValueOf(dumptest.Filled(goldenText)).Elem(), "Snapshot", func(name string, v reflect.Value) { want[name] = v.Interface() })
		seen := map[string]bool{}
		leaves(reflect.ValueOf(got).Elem(), "Snapshot", func(name string, v reflect.Value) {
			seen[name] = true
			if had[name] && !reflect.DeepEqual(v.Interface(), want[name]) {
				t.Errorf("%s is %v, was %v", name, v, want[name])
			}
			if !had[name] && !v.IsZero() {
				t.Errorf("%s is %v, and was not there", name, v)
			}
		})
		for name := range had {
			if !seen[name] {
				t.Errorf("%s is lost: teach model.go what became of it", name)
			}
		}
	}
	if len(moved) != goldenDumps {
		t.Errorf("of the series there are %v", moved)
	}
}

func TestGoldenRecordingIsMigrated(t *testing.T) {
	b, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a"+Ext)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	old := migrations
	defer func() { migrations = old }()
	migrations = slices.Concat(old, []string{"ALTER TABLE snapshot ADD COLUMN more TEXT"})
	r, err := OpenReader(path) // which cannot migrate
	if err != nil {
		t.Fatal(err)
	}
	if list, err := r.List(t.Context(), Filter{}); err != nil || len(list) != 1+goldenDumps {
		t.Errorf("before: %d, %v", len(list), err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var has int
	if err := s.read.QueryRowContext(t.Context(), "SELECT count(*) FROM pragma_table_info('snapshot') WHERE name = 'more'").Scan(&has); err != nil || has != 1 {
		t.Errorf("the migration was not run: %d, %v", has, err)
	}
	if list, err := s.List(t.Context(), Filter{}); err != nil || len(list) != 1+goldenDumps {
		t.Errorf("after: %d, %v", len(list), err)
	}
}
