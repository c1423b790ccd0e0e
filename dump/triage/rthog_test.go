// SPDX-License-Identifier: GPL-2.0-only

package triage_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"scxdiag/dump"
)

// A class above sched_ext has a CPU in each of these. Only where tasks have waited
// for long that need just this CPU is that the cause, and only where nobody else can
// end their wait is the scheduler cleared.
func TestHog(t *testing.T) {
	on := func(curr, class string, tasks ...genTask) gen {
		return stall(all(genCPU{id: 1, curr: curr, class: class, tasks: tasks})...)
	}
	held := func(curr, class string, tasks ...genTask) gen {
		g := on(curr, class, tasks...)
		for i := range g.cpus {
			g.cpus[i].curr, g.cpus[i].class = curr, class
		}
		return g
	}
	gaveUpOn := func(ms int) gen {
		return gaveUp("queue full", all(genCPU{id: 1, curr: "hog[5]", class: "rt", tasks: []genTask{{name: "web[77]", ms: ms, dsq: local, cpus: "2"}}})...)
	}
	for _, tt := range []struct {
		name string
		of   gen
		want dump.Confidence // "" is no finding
	}{
		{"on its local queue", on("hog[5]", "rt", web(genTask{dsq: local})), dump.ConfidenceHigh},
		{"on its local queue, and an interrupt's thread", on("irq/24-nvme0q1[5]", "rt", web(genTask{dsq: local})), dump.ConfidenceHigh},
		{"pinned, on a queue", on("hog[5]", "rt", web(genTask{dsq: "0x7", cpus: "2"})), dump.ConfidenceHigh},
		{"pinned, on a queue, and an interrupt's thread", on("irq/24-nvme0q1[5]", "rt", web(genTask{dsq: "0x7", cpus: "2"})), dump.ConfidenceMedium},
		{"pinned, on a queue, and the stopper", on("migration/1[19]", "stop", web(genTask{dsq: "0x7", cpus: "2"})), dump.ConfidenceMedium},
		{"pinned, and the scheduler has it", on("hog[5]", "rt", web(genTask{held: true, cpus: "2"})), dump.ConfidenceMedium},
		{"pinned, the scheduler has it, and the stopper", on("migration/1[19]", "stop", web(genTask{held: true, cpus: "2"})), ""},
		{"may run elsewhere, and the scheduler has it", on("hog[5]", "rt", web(genTask{held: true})), ""},
		{"may run elsewhere, on a queue", on("hog[5]", "rt", web(genTask{dsq: "0x7"})), ""},
		{"all CPUs held", held("hog[5]", "dl", web(genTask{dsq: "0x7"})), dump.ConfidenceHigh},
		{"nobody waits", on("hog[5]", "rt"), ""},
		{"gave up, after a long wait", gaveUpOn(20000), dump.ConfidenceHigh},
		{"gave up, after a short one", gaveUpOn(24), ""},
	} {
		s := triaged(t, tt.of.String())
		var got dump.Confidence
		if f := find(s, "rt-hog"); f != nil {
			got = f.Confidence
			if cleared := strings.HasSuffix(f.Title, ": not the scheduler's fault"); cleared != (got == dump.ConfidenceHigh) {
				t.Errorf("%s: %s confidence, and it says %q", tt.name, got, f.Title)
			}
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q; %s", tt.name, got, tt.want, rulesOf(s))
		}
	}
}

// A lockup that was raised while a task of a higher class ran is not its doing if
// nothing waits for that CPU.
func TestLockupUnderHigherClass(t *testing.T) {
	g := kernel("soft lockup - CPU#1 stuck for 16s", "scx_softlockup+0x1/0x2")
	g.by, g.cpus = "migration/1[19]", all(genCPU{id: 1, curr: "migration/1[19]", class: "stop"})
	if s := triaged(t, g.String()); top(s) != "lockup" || find(s, "rt-hog") != nil {
		t.Errorf("got %s", rulesOf(s))
	}
}

// Of two dumps in one text, one has CPU 1 in the hands of a real-time task, the
// other in those of an ordinary one: then neither is known.
func TestDisputedCPU(t *testing.T) {
	g := stall(append(all(genCPU{id: 1, curr: "hog[5]", class: "rt", tasks: []genTask{web(genTask{dsq: local, cpus: "2"})}}), genCPU{id: 1, curr: "busy[901]"})...)
	for _, f := range triaged(t, g.String()).Findings {
		if f.Rule == "rt-hog" {
			t.Errorf("got %s", f.Title)
		}
	}
}

// No class above sched_ext was at fault in any of these real dumps, though one
// happens to run in some, and in the last was put there.
func TestNoHog(t *testing.T) {
	for name, log := range realLogs(t, "cells") {
		for _, s := range snapshotsOf(t, log) {
			if f := find(s, "rt-hog"); f != nil {
				t.Errorf("%s: %s", name, f.Title)
			}
		}
	}
	log, err := os.ReadFile("../../testdata/dumps/7.3-scx_qmap-stall-user.log")
	if err != nil {
		t.Fatal(err)
	}
	const block = "\n *R usleep[303]"
	from := bytes.Index(log, []byte(block))
	to := from + 1 + bytes.Index(log[from+1:], []byte("\n  R "))
	if from < 0 || to <= from || !bytes.Contains(log, []byte("curr=usleep[303] class=ext_sched_class")) {
		t.Fatal("the dump is not what it was")
	}
	log = append(log[:from:from], log[to:]...)
	for _, runs := range []string{"migration/0[19] class=stop_sched_class", "irq/24-nvme0q1[91] class=rt_sched_class"} {
		for _, s := range snapshotsOf(t, bytes.Replace(log, []byte("usleep[303] class=ext_sched_class"), []byte(runs), 1)) {
			if s.CPU(0).Class.V == dump.ClassExt || find(s, "rt-hog") != nil || len(s.Findings) == 0 {
				t.Errorf("%s: got %s", runs, rulesOf(s))
			}
		}
	}
}
