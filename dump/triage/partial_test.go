// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"scxdiag/dump"
	"scxdiag/dump/text"
)

// needWhole are the rules that conclude from what a dump does not list: a CPU that
// runs nothing, a task that waits less.
var needWhole = []string{"userspace-stuck", "missed-kick", "queue-starved"}

// However a stall's dump is cut between two lines, no rule concludes from what was
// cut off, and no finding explains a stall of a task that is not in the text.
func TestNoRuleConcludesFromWhatIsCutOff(t *testing.T) {
	logs, err := filepath.Glob(filepath.Join("..", "..", "testdata", "dumps", "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	cut := 0
	for _, name := range logs {
		log, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		from := bytes.Index(log, []byte("DEBUG DUMP\n"))
		if from < 0 || !bytes.Contains(log, []byte("runnable task stall (")) {
			continue
		}
		lines := strings.SplitAfter(string(log[from:]), "\n")
		end := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "EXIT: ") })
		for n := 20; n < end-4; n += 1 + end/100 {
			s, err := text.NewReader(strings.NewReader(strings.Join(lines[:n], "")), text.Options{}).Next()
			if err != nil {
				t.Fatalf("%s, %d lines: %v", name, n, err)
			}
			if s.Ledger.Complete() {
				t.Fatalf("%s, %d lines: it is complete", name, n)
			}
			cut++
			Apply(s, nil)
			for _, f := range s.Findings {
				if slices.Contains(needWhole, f.Rule) {
					t.Errorf("%s, %d lines: %s: %s", filepath.Base(name), n, f.Rule, f.Explanation)
				}
				if f.Confidence == dump.ConfidenceHigh && len(f.Victims) > 0 {
					t.Errorf("%s, %d lines: %s is sure", filepath.Base(name), n, f.Rule)
				}
			}
			if s.Exit.Subject.Known && s.Subject() == nil && strings.Contains(s.Exit.Message.V, "failed to run") {
				for _, f := range ranked(newView(s, nil)) {
					if f.fits && len(f.victims) > 0 {
						t.Errorf("%s, %d lines: %s is said to explain the stall of %s, of which nothing is known", filepath.Base(name), n, f.Rule, s.Exit.Subject.V)
					}
				}
			}
		}
	}
	if cut == 0 {
		t.Error("no dump of a stall was cut")
	}
}

// A call that failed is not taken for one at load only because no task is in the
// text.
func TestLoadFailureNeedsMoreThanNoTasks(t *testing.T) {
	s := &dump.Snapshot{Trigger: dump.TriggerCrash, Exit: &dump.Exit{
		Kind: dump.Of(dump.ExitError), Message: dump.Of("ops.init_task() failed (-12) for stress[1]"),
	}, CPUs: []dump.CPU{{ID: 0, Listed: true}}}
	isLoad := func() bool {
		Apply(s, nil)
		return slices.ContainsFunc(s.Findings, func(f dump.Finding) bool { return f.Rule == loadFailure.Name })
	}
	if !isLoad() {
		t.Error("of the whole dump it is")
	}
	s.Ledger.Truncated = true
	if isLoad() {
		t.Error("of a part of it, it may be a task that was forked")
	}
}

// What a stall of a task that is not in the text is due to cannot be told from the
// others.
func TestOthersDoNotExplainWhatIsCutOff(t *testing.T) {
	s := &dump.Snapshot{Trigger: dump.TriggerCrash, Exit: &dump.Exit{
		Kind: dump.Of(dump.ExitErrorStall), Message: dump.Of("web[7] failed to run for 30.000s"), Subject: dump.Of(dump.TaskRef{Comm: "web", PID: 7}),
	}, Tasks: []dump.Task{{TaskRef: dump.TaskRef{Comm: "db", PID: 8}}}}
	for _, watchdog := range []bool{false, true} {
		if watchdog {
			s.Exit.Message, s.Exit.Subject = dump.Of("watchdog failed to check in for 30.000s"), dump.Value[dump.TaskRef]{}
		}
		for _, part := range []bool{false, true} {
			s.Ledger.Truncated = part
			if got := newView(s, nil).isWhy([]*dump.Task{&s.Tasks[0]}); got == part {
				t.Errorf("watchdog %t, part of a dump %t: got %t", watchdog, part, got)
			}
		}
	}
}
