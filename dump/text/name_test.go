// SPDX-License-Identifier: GPL-2.0-only

package text_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Cells alone do not make a scheduler scx_mitosis: the one of this project prints
// the same. Where neither the kernel nor the text names it, its name is unknown,
// and cells, DSQs and tasks are read nevertheless.
func TestCellsDoNotNameTheScheduler(t *testing.T) {
	logs, err := filepath.Glob(filepath.Join(dumps, "..", "cells", "6.16-*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatal(logs, err)
	}
	for _, name := range logs {
		log, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s := snapshotIn(t, log)
		if s.Scheduler != "" || len(s.Cells) == 0 {
			t.Errorf("%s: scheduler %q, %d cells", name, s.Scheduler, len(s.Cells))
		}
		for i := range s.Tasks {
			if q := s.Tasks[i].AssignedDSQ; q.Known && q.V.Kind == "user" {
				t.Errorf("%s: DSQ %s of %s is not that of a cell or CPU", name, q.V, s.Tasks[i])
			}
		}
	}
	log := readLog(t, "6.16-scx_mitosis-2025-10-cell-rt-hog.log")
	log, _, _ = bytes.Cut(log, []byte("[    0.000000]")) // the kernel's log names it
	if s := snapshotIn(t, log); s.Scheduler != "mitosis" {
		t.Errorf("with the lines of its build: scheduler %q", s.Scheduler)
	}
}
