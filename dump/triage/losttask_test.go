// SPDX-License-Identifier: GPL-2.0-only

package triage_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"scxdiag/dump"
)

// A task that stands in none of the queues which the scheduler prints is lost: that is
// sure, and all the queues are there to see.
func TestLostTask(t *testing.T) {
	for file, lost := range map[string][]string{ // as INDEX.tsv has them
		"6.16-scx_qmap-stall-user":       {"task:264"},
		"6.16-scx_qmap-sysrq-D":          {"task:52", "task:181", "task:389", "task:391", "task:392", "task:394", "task:400", "task:413", "task:420"},
		"7.3-scx_qmap-stall-user":        {"task:236", "task:243"},
		"7.3-scx_qmap-sub-child-stall":   {"task:336"},
		"7.2-scx_qmap-dsp-infloop":       nil, // they stand in a queue
		"7.2-scx_qmap-many500-err-D4M":   nil,
		"7.3-scx_qmap-many500-err-trunc": nil,
	} {
		log, err := os.ReadFile("../../testdata/dumps/" + file + ".log")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range snapshotsOf(t, log) {
			f := find(s, "lost-task")
			if f == nil {
				continue
			}
			got = append(got, f.Victims...)
			if f.Confidence != dump.ConfidenceHigh || !strings.Contains(f.Title, " lost ") {
				t.Errorf("%s: %s, %s confidence", file, f.Title, f.Confidence)
			}
			fifos := 0
			for _, e := range f.Evidence {
				if strings.HasPrefix(e.Text, "QMAP FIFO[") {
					fifos++
				}
			}
			if fifos != 5 {
				t.Errorf("%s: %d queues in evidence: %+v", file, fifos, f.Evidence)
			}
			if find(s, "held-by-bpf") != nil {
				t.Errorf("%s: it is lost and held: %s", file, rulesOf(s))
			}
		}
		slices.SortFunc(got, func(a, b string) int {
			if len(a) != len(b) {
				return len(a) - len(b)
			}
			return strings.Compare(a, b)
		})
		if !slices.Equal(got, lost) {
			t.Errorf("%s: lost %v, want %v", file, got, lost)
		}
	}
}

// The queues of a scheduler hold its own tasks only, and those of others, or queues
// that are not shown in full, say nothing.
func TestNotLost(t *testing.T) {
	lost := withFIFOs(stall(all(genCPU{id: 0, tasks: []genTask{web(genTask{held: true})}})...), "12 13").String()
	if top(triaged(t, lost)) != "lost-task" {
		t.Fatal("it is not lost to begin with")
	}
	for name, log := range map[string]string{
		"of another scheduler": strings.Replace(lost, "web[77] *root", "web[77] sub1-28", 1),
		"a damaged queue":      strings.Replace(lost, "12 13", "12 1x3", 1),
		"for a moment":         strings.Replace(lost, "web[77] *root -30016ms", "web[77] *root -1016ms", 1),
	} {
		if s := triaged(t, log); find(s, "lost-task") != nil {
			t.Errorf("%s: got %s", name, rulesOf(s))
		}
	}
}
