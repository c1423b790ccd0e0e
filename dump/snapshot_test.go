// SPDX-License-Identifier: GPL-2.0-only

package dump_test

import (
	"testing"

	"scxdiag/dump"
)

func TestBaseName(t *testing.T) {
	for name, want := range map[string]string{
		"mitosis_1.1.2_x86_64_unknown_linux_gnu":                 "mitosis",
		"mitosis_1.1.2_g0123abcd_x86_64_unknown_linux_gnu":       "mitosis",
		"bpfland_1.0.18_g1f2e3d4_dirty_x86_64_unknown_linux_gnu": "bpfland",
		"qmap":                "qmap",
		"ddsp_bogus_dsq_fail": "ddsp_bogus_dsq_fail",
		"my_sched_2":          "my_sched_2",
		"my_sched_0.1":        "my_sched",
		"x_2_1.0":             "x_2",
		"_1.0":                "_1.0",
		"a_":                  "a_",
		"":                    "",
	} {
		if got := dump.BaseName(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestTheTaskInWhichAnErrorWasRaised(t *testing.T) {
	ref := dump.TaskRef{Comm: "napper", PID: 251}
	for _, tc := range []struct {
		name string
		exit *dump.Exit
		want bool
	}{
		{"the scheduler's own error", &dump.Exit{Kind: dump.Of(dump.ExitErrorBPF), Task: dump.Of(ref)}, true},
		{"a stall, which the watchdog raises", &dump.Exit{Kind: dump.Of(dump.ExitErrorStall), Task: dump.Of(ref)}, false},
		{"another task of the same pid", &dump.Exit{Kind: dump.Of(dump.ExitErrorBPF), Task: dump.Of(dump.TaskRef{Comm: "x", PID: 251})}, false},
		{"a task that the dump does not list", &dump.Exit{Kind: dump.Of(dump.ExitErrorBPF), Task: dump.Of(dump.TaskRef{Comm: "x", PID: 1})}, false},
		{"no task", &dump.Exit{Kind: dump.Of(dump.ExitErrorBPF)}, false},
		{"an orderly end", &dump.Exit{Kind: dump.Of(dump.ExitUnreg), Task: dump.Of(ref)}, false},
		{"no verdict", nil, false},
	} {
		s := &dump.Snapshot{Exit: tc.exit, Tasks: []dump.Task{{TaskRef: ref}}}
		if got := s.RaisedIn() == &s.Tasks[0]; got != tc.want {
			t.Errorf("%s: found is %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestTheFramesOfTheDumpItself(t *testing.T) {
	lines := func(texts ...string) []dump.Line {
		var l []dump.Line
		for _, t := range texts {
			l = append(l, dump.Line{Text: t})
		}
		return l
	}
	for _, tc := range []struct {
		name  string
		stack []dump.Line
		want  int
	}{
		{"interrupted by the dump", lines("scx_dump_cpu+0x1/0x2", "irq_work_run+0x1/0x2", "asm_sysvec_irq_work+0x1/0x2", "do_work+0x1/0x2"), 3},
		{"without the place where the interrupt came in", lines("scx_dump_cpu+0x1/0x2", "do_work+0x1/0x2"), 0},
		{"not interrupted by the dump", lines("asm_sysvec_apic_timer_interrupt+0x1/0x2"), 0},
		{"no stack", nil, 0},
	} {
		task := dump.Task{Stack: tc.stack}
		if got := task.DumpFrames(); got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.name, got, tc.want)
		}
	}
}
