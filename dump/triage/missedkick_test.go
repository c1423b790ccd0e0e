// SPDX-License-Identifier: GPL-2.0-only

package triage_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"scxdiag/dump"
)

// A machine that stood still has tasks wait and CPUs idle without any fault of the
// scheduler.
func TestStoodStill(t *testing.T) {
	log, err := os.ReadFile("../../testdata/dumps/7.2-scx_qmap-stall-kthread.log")
	if err != nil {
		t.Fatal(err)
	}
	f := find(snapshotsOf(t, log)[0], "missed-kick")
	if f == nil || f.Confidence != dump.ConfidenceLow || !strings.Contains(f.Explanation, "may have stood still") {
		t.Errorf("got %+v", f)
	}
	// Had the tasks that run been runnable just now, only they would wait.
	log = regexp.MustCompile(`(\*R [^\n]* -)\d+ms`).ReplaceAll(log, []byte("${1}4ms"))
	if f := find(snapshotsOf(t, log)[0], "missed-kick"); f == nil || f.Confidence != dump.ConfidenceHigh || strings.Contains(f.Explanation, "stood still") {
		t.Errorf("without that: got %+v", f)
	}
}
