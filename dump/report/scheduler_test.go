// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"strings"
	"testing"
	"time"

	"scxdiag/dump"
)

// TestSchedulerBlock has a row for each state of a system of the scheduler that
// the golden files do not have.
func TestSchedulerBlock(t *testing.T) {
	for name, test := range map[string]struct {
		change func(s *dump.Snapshot)
		want   string
	}{
		"applying": {func(s *dump.Snapshot) {
			s.Status.Apply = dump.ApplyStatus{Begun: 21e9 - 5e6, Ended: 1, Phase: dump.ApplyPublish}
		}, "7 in force, being applied for 5ms (publish)"},
		"given up": {func(s *dump.Snapshot) {
			s.Status.Apply = dump.ApplyStatus{Begun: 21e9 - 5e6, Ended: 1, RC: -12}
		}, "given up after it was begun 5ms ago, with error -12"},
		"token": {func(s *dump.Snapshot) { s.Status.Apply.TokenSince = 18e9 }, "the token to apply taken for 3s"},
		"no configuration so far": {func(s *dump.Snapshot) {
			s.Status.Apply = dump.ApplyStatus{}
			s.Status.ConfigSeq, s.Status.CpusetEnded = 7, 9
		}, "configuration 7 in force\n"},
		"timer that never ran":      {func(s *dump.Snapshot) { s.Status.Timer = dump.TimerStatus{Armed: true} }, "timer: 0 runs\n"},
		"timer that was not armed":  {func(s *dump.Snapshot) { s.Status.Timer = dump.TimerStatus{RC: -16} }, "timer: never armed, arming it failed with error -16"},
		"no grace period":           {func(s *dump.Snapshot) { s.Status.Grace = dump.GraceStatus{} }, "no grace period so far"},
		"grace period over":         {func(s *dump.Snapshot) { s.Status.Grace.Seq = 8 }, "none in progress, sequence 8, the last began 12ms ago"},
		"no CPU is waited for":      {func(s *dump.Snapshot) { s.CPUs[0].Awaited = dump.Of(false) }, "grace period 7 in progress for 12ms\n"},
		"cells that are not listed": {func(s *dump.Snapshot) { s.Cells = nil }, "room for 64 cells, at most 6 at once"},
		"the clock is unknown":      {func(s *dump.Snapshot) { s.Status.At = 0 }, "timer: 531 runs, longest 3.12ms, every 100ms"},
		"nothing to notice": {func(s *dump.Snapshot) {
			*s.Status = dump.Status{At: 1, HeldCPU: -1, MaxCells: 4}
			s.Cgroups = nil
		}, "slice 0s\nruns "},
	} {
		s := sample()
		test.change(s)
		if got := string(render(t, "txt", Options{}, s)); !strings.Contains(got, test.want) {
			t.Errorf("%s: no %q in\n%s", name, test.want, got)
		}
	}
}

func TestShort3(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 999: "999ns", 1234: "1.234µs", 1234567: "1.23ms", 12345678901: "12.35s", 3 * time.Hour: "3h0m0s",
	} {
		if got := short3(d).String(); got != want {
			t.Errorf("%d ns: %s, want %s", d, got, want)
		}
	}
}
