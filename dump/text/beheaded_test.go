// SPDX-License-Identifier: GPL-2.0-only

package text_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"scxdiag/dump"
)

// beheaded are the lines of a real log from that below the backtrace on, so that
// neither the trigger nor anything else says why there is a dump.
func beheaded(t *testing.T, name string) []byte {
	t.Helper()
	_, rest, ok := bytes.Cut(readLog(t, name), []byte("ret_from_fork_asm+0x1a/0x30\n"))
	if !ok {
		t.Fatal("the log has no backtrace")
	}
	return rest
}

// A dump without its beginning does not tell whether the scheduler failed.
func TestBeheadedIsUndecided(t *testing.T) {
	log := beheaded(t, "7.3-scx_mitosis-head-cell-rt-hog.log")
	log, _, _ = bytes.Cut(log, []byte(strings.Repeat("=", 80)))
	s := snapshotIn(t, log)
	if !s.IsUndecided() || s.IsFailure() || s.Trigger != dump.TriggerUnknown {
		t.Errorf("trigger %q, exit %v", s.Trigger, s.Exit)
	}
	if !slices.Contains(s.Ledger.Notes, "the beginning of the dump is missing") {
		t.Errorf("notes: %q", s.Ledger.Notes)
	}
}

// If what user space says follows directly, the dump is of that end.
func TestBeheadedDecidedByVerdict(t *testing.T) {
	for _, name := range []string{"7.3-scx_mitosis-head-cell-rt-hog.log", "6.16-scx_mitosis-2025-10-cell-rt-hog.log", "7.2-scx_simple-rt-hog.log"} {
		log := beheaded(t, name)
		s := snapshotIn(t, log)
		if s.Exit == nil || s.Exit.Kind.V != dump.ExitErrorStall || s.Trigger != dump.TriggerCrash || s.Subject() == nil || len(s.Source.Copies) != 2 {
			t.Errorf("%s: trigger %q, exit %+v, copies %v", name, s.Trigger, s.Exit, s.Source.Copies)
		}
		if s.Ledger.Complete() {
			t.Errorf("%s: it is said to be complete", name)
		}
	}
}

// A verdict that stands elsewhere, or that no dump comes with, is not taken for
// the dump's.
func TestBeheadedLeftUndecided(t *testing.T) {
	log := beheaded(t, "7.2-scx_simple-rt-hog.log")
	rule := strings.Repeat("=", 80)
	plain, _, _ := strings.Cut(string(log), rule)
	far := strings.Repeat("systemd[1]: something else\n", 50)
	for name, c := range map[string]struct {
		behind string
		want   int
	}{
		"another end":   {rule + "\n\nEXIT: unregistered from user space\n", 2},
		"far away":      {rule + "\n" + far + "EXIT: runnable task stall (a[1] failed to run for 30.000s)\n", 2},
		"no verdict":    {rule + "\n", 1},
		"a second dump": {rule + "\n\n" + string(body(t, "6.16-scx_qmap-bpf-error")) + "\n" + rule + "\n\nEXIT: scx_bpf_error (x)\n", 3},
	} {
		all := snapshotsIn(t, []byte(plain+c.behind))
		if len(all) != c.want || !all[0].IsUndecided() {
			t.Errorf("%s: got %s", name, titles(all))
		}
	}
}
