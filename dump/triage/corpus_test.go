// SPDX-License-Identifier: GPL-2.0-only

package triage_test

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scxdiag/dump"
	"scxdiag/dump/text"
	"scxdiag/dump/triage"
)

// snapshotsOf reads and triages all snapshots of a log.
func snapshotsOf(t testing.TB, log []byte) []*dump.Snapshot {
	t.Helper()
	r := text.NewReader(bytes.NewReader(log), text.Options{Name: "test"})
	var all []*dump.Snapshot
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		triage.Apply(s, nil)
		all = append(all, s)
	}
}

// TestCorpus compares the first finding on each real dump with the cause that was
// injected.
func TestCorpus(t *testing.T) {
	table, err := os.ReadFile("testdata/expected.tsv")
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string]string)
	for line := range strings.Lines(string(table)) {
		file, rules, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok || strings.HasPrefix(file, "#") {
			continue
		}
		want[file] = rules
	}
	for name, log := range realLogs(t, "dumps") {
		var got []string
		for _, s := range snapshotsOf(t, log) {
			got = append(got, top(s))
			for i := range s.Findings {
				f := &s.Findings[i]
				if len(f.Evidence) == 0 || f.Title == "" || f.Explanation == "" || f.Next == "" {
					t.Errorf("%s: %s says too little: %+v", name, f.Rule, f)
				}
				for _, e := range f.Evidence {
					if e.Text == "" {
						t.Errorf("%s: %s has an empty line of evidence: %+v", name, f.Rule, e)
					}
				}
				if !s.IsFailure() && f.Severity != dump.SeverityInfo {
					t.Errorf("%s: %s is a %s on a scheduler that did not fail: %s", name, f.Rule, f.Severity, f.Title)
				}
			}
		}
		t.Logf("%-48s %-40s %s", name, want[name], strings.Join(got, " "))
		if strings.Join(got, " ") != want[name] {
			t.Errorf("%s: got %s, want %s", name, strings.Join(got, " "), want[name])
		}
	}
}

// top is the rule of the first finding and how sure it is, "-" without one.
func top(s *dump.Snapshot) string {
	if len(s.Findings) == 0 {
		return "-"
	}
	return s.Findings[0].Rule
}

// realLogs are the logs in folders of testdata, by their names without .log.
func realLogs(t *testing.T, folders string) iter.Seq2[string, []byte] {
	t.Helper()
	files, err := filepath.Glob("../../testdata/" + folders + "/*.log")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	return func(yield func(string, []byte) bool) {
		for _, file := range files {
			log, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !yield(strings.TrimSuffix(filepath.Base(file), ".log"), log) {
				return
			}
		}
	}
}
