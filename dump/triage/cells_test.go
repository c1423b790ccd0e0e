// SPDX-License-Identifier: GPL-2.0-only

package triage_test

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"scxdiag/bpf"
	"scxdiag/dump"
	"scxdiag/dump/triage"
	"scxdiag/dump/wire"
)

// ruleOf is what must be found first where a fault was provoked in our own scheduler;
// of two rules either.
var ruleOf = map[string]string{
	"empty-root": "cell-empty", "error-now": "bpf-error", "fentry-bump": "cfg-lost", "frozen-clock": "vt-frozen vtime-outlier",
	"gp-skip-exit": "gp-parity", "ignore-affinity": "pin-on-cell", "leak-cell": "cell-leak", "leak-cpu": "cpu-orphan",
	"lose-task": "lost-task", "no-cginit": "noctx-live", "no-drain": "dsq-orphan", "no-kick": "missed-kick",
	"no-reclaim": "not-reclaimed", "pin-on-cell": "pin-on-cell", "skip-apply": "cfg-lost", "slot-leak": "slot-empty",
	"stale-vtime": "vtime-outlier", "tick-only": "cfg-pending", "timer-stop": "timer-stopped", "token-leak": "token-held",
}

// TestCells triages the records of our own scheduler, with each of its faults.
func TestCells(t *testing.T) {
	files, err := filepath.Glob("../../testdata/cells/*.rec.gz")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".rec.gz")
		_, fault, _ := strings.Cut(name, "-")
		all := recordsOf(t, file)
		if len(all) == 0 {
			t.Errorf("%s: no snapshots", name)
			continue
		}
		var tops []string
		for _, s := range all {
			tops = append(tops, top(s))
		}
		last := all[len(all)-1]
		t.Logf("%-24s %-14s %s", name, ruleOf[fault], strings.Join(tops, " "))
		// Before the fault shows there is nothing.
		if got := tops[0]; got != "-" && !slices.Contains(strings.Fields(ruleOf[fault]), got) {
			t.Errorf("%s: at first %s: %s", name, got, rulesOf(all[0]))
		}
		if got := top(last); !slices.Contains(strings.Fields(ruleOf[fault]), got) {
			t.Errorf("%s: got %s, want %s; all: %s", name, got, ruleOf[fault], rulesOf(last))
		}
	}
}

// recordsOf reads and triages a stream of records.
func recordsOf(t *testing.T, file string) []*dump.Snapshot {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	r := wire.NewReader(z, wire.Options{Name: file})
	var all []*dump.Snapshot
	var last *dump.Snapshot
	for {
		d, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		s := bpf.Complete(d)
		triage.Apply(s, last)
		last = s
		all = append(all, s)
	}
}
