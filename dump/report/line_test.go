// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"testing"
	"time"

	"scxdiag/dump"
)

func TestLine(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC)
	task := func(pid int32, comm string, waits time.Duration) dump.Task {
		return dump.Task{TaskRef: dump.TaskRef{Comm: comm, PID: pid}, RunnableAt: dump.Of(-waits)}
	}
	stall := &dump.Exit{Kind: dump.Of(dump.ExitErrorStall), Message: dump.Of("web[7] failed to run\n\x1b[2J")}
	finding := []dump.Finding{{Title: "a real-time task"}, {Title: "another"}}
	for _, c := range []struct {
		name string
		s    dump.Snapshot
		want string
	}{
		{"a dump without its beginning", dump.Snapshot{Tasks: []dump.Task{task(7, "web", 3*time.Second)}}, "verdict unknown: web[7] waits for 3s"},
		{"a sample of which no task waits", dump.Snapshot{Trigger: dump.TriggerSample, Findings: finding}, "sample"},
		{
			"a sample of tasks that wait", dump.Snapshot{Trigger: dump.TriggerHalfway, Tasks: []dump.Task{task(1, "a", time.Second), task(7, "web", 3*time.Second)}},
			"halfway: web[7] waits for 3s",
		},
		{
			"a crash", dump.Snapshot{Trigger: dump.TriggerCrash, Exit: stall, Findings: finding, Tasks: []dump.Task{task(7, "web", 3*time.Second)}},
			`ERROR_STALL: web[7] failed to run\n\x1b[2J; a real-time task`,
		},
		{"a crash without a message", dump.Snapshot{Trigger: dump.TriggerCrash, Exit: &dump.Exit{Kind: dump.Of(dump.ExitErrorBPF)}}, "ERROR_BPF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.s.Time, c.s.Scheduler = at, "evil\r1"
			if got, want := Line(&c.s), `2026-03-04T05:06:07Z  `+c.s.ID()[:8]+`  evil\r1  `+c.want; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}
