// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"path/filepath"
	"testing"

	"scxdiag/dump"
	"scxdiag/dump/store"
)

func TestARecorderKeepsAllThatItWasGiven(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a"+store.Ext)
	t.Setenv(store.EnvPath, filepath.Join(t.TempDir(), "catalogue"+store.Ext))
	r := recorder{file: path, keep: true, boot: "b"}
	if err := r.open(); err != nil {
		t.Fatal(err)
	}
	r.start(t.Context(), func(err error) { t.Error(err) })
	const n = 3 * recordAhead
	for pid := range int32(n) {
		r.later(&dump.Snapshot{Tasks: []dump.Task{{TaskRef: dump.TaskRef{PID: pid}}}})
	}
	if err := r.closeAfter(nil); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, ""} {
		st, err := store.OpenReader(p)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := st.List(t.Context(), store.Filter{})
		if err != nil || len(kept) != n || kept[0].Boot != "b" {
			t.Errorf("%s: kept %d of %d: %v", st.Path(), len(kept), n, err)
		}
		st.Close()
	}
}

func TestARecorderThatFailsTellsOnceAndGoesOn(t *testing.T) {
	r := recorder{file: filepath.Join(t.TempDir(), "a"+store.Ext)}
	if err := r.open(); err != nil {
		t.Fatal(err)
	}
	r.stores[0].Close()
	told := make(chan error, 2*recordAhead)
	r.start(t.Context(), func(err error) { told <- err })
	for pid := range int32(2 * recordAhead) { // more than it queues
		r.later(&dump.Snapshot{Tasks: []dump.Task{{TaskRef: dump.TaskRef{PID: pid}}}})
	}
	if err := r.closeAfter(errFailureFound); err == errFailureFound { //nolint:errorlint // exact
		t.Error("the failure of the recorder got lost")
	}
	if len(told) != 1 {
		t.Errorf("told %d times, want once", len(told))
	}
}
