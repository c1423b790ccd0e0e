// SPDX-License-Identifier: GPL-2.0-only

package dump_test

import (
	"slices"
	"testing"

	"scxdiag/dump"
)

func v(major, minor uint8) dump.Version { return dump.Version{Major: major, Minor: minor} }

// exactly is a kernel of which the series is known.
func exactly(major, minor uint8) dump.Kernel {
	return dump.Kernel{Min: v(major, minor), Max: v(major, minor)}
}

func TestParseVersion(t *testing.T) {
	for _, tt := range []struct {
		release string
		want    dump.Version
		ok      bool
	}{
		{"7.3.4+deb13-cloud-amd64", v(7, 3), true},
		{"6.12.107", v(6, 12), true},
		{"6.14-rc1", v(6, 14), true},
		{"7.3", v(7, 3), true},
		{"7", dump.Version{}, false},
		{"7.", dump.Version{}, false},
		{"7.x", dump.Version{}, false},
		{"", dump.Version{}, false},
		{"-1.2", dump.Version{}, false},
		{"300.1", dump.Version{}, false},
		{"6.300", dump.Version{}, false},
	} {
		if got, ok := dump.ParseVersion(tt.release); ok != tt.ok || got != tt.want {
			t.Errorf("%q: got %s, %t, want %s, %t", tt.release, got, ok, tt.want, tt.ok)
		}
	}
}

func TestVersionsAreOrdered(t *testing.T) {
	order := []dump.Version{v(6, 12), v(6, 13), v(6, 19), v(7, 0), v(7, 3), v(10, 0)}
	for i, a := range order {
		for j, b := range order {
			if got := a.Compare(b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%s against %s: got %d", a, b, got)
			}
		}
	}
}

func TestKernelString(t *testing.T) {
	for _, tt := range []struct {
		kernel dump.Kernel
		want   string
	}{
		{dump.Kernel{}, ""},
		{dump.Kernel{Min: v(7, 2)}, ">=7.2"},
		{dump.Kernel{Max: v(6, 18)}, "<=6.18"},
		{dump.Kernel{Min: v(6, 16), Max: v(6, 18)}, ">=6.16 <=6.18"},
		{exactly(7, 3), "7.3"},
		{dump.Kernel{Release: "7.3.4", Min: v(7, 3), Max: v(7, 3)}, "7.3.4"},
	} {
		if got := tt.kernel.String(); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.kernel, got, tt.want)
		}
	}
}

func TestKernelAdmits(t *testing.T) {
	k := dump.Kernel{Min: v(6, 16), Max: v(7, 1)}
	for version, want := range map[dump.Version]bool{
		v(6, 15): false, v(6, 16): true, v(6, 19): true, v(7, 1): true, v(7, 2): false,
	} {
		if got := k.Admits(version); got != want {
			t.Errorf("%s: got %t, want %t", version, got, want)
		}
	}
	if !(dump.Kernel{}).Admits(v(1, 0)) {
		t.Error("a kernel of which nothing is known admits any version")
	}
}

func TestRunQueueFlagsHaveTheNamesOfTheKernel(t *testing.T) {
	for _, tt := range []struct {
		name   string
		kernel dump.Kernel
		flags  uint32
		want   []string
	}{
		{"the normal state", exactly(7, 3), 0x1, []string{"ONLINE"}},
		{"no flag", exactly(7, 3), 0, nil},
		{"old balance flags", exactly(6, 12), 0x1d, []string{"ONLINE", "BAL_PENDING", "BAL_KEEP", "BYPASSING"}},
		{"the clock came in 6.14", exactly(6, 14), 0x20, []string{"CLK_VALID"}},
		{"and not before", exactly(6, 13), 0x20, []string{"0x20"}},
		{"bits that 7.3 has no more", exactly(7, 3), 0x1c, []string{"0x4", "0x8", "0x10"}},
		{"bits of 7.3", exactly(7, 3), 0x180, []string{"SUB_IDLE_RENOTIFY", "ROOT_IDLE_RENOTIFY"}},
		{"in balance", exactly(7, 2), 0x20001, []string{"ONLINE", "IN_BALANCE"}},
		{"renamed in 7.3", exactly(7, 3), 0x20000, []string{"IN_DISPATCH"}},
		{"either name, if the kernel may be either", dump.Kernel{Min: v(7, 2)}, 0x20000, []string{"0x20000"}},
		{"a kernel that may have the bit", dump.Kernel{Min: v(6, 12), Max: v(7, 3)}, 0x4, []string{"BAL_PENDING"}},
		{"wakeup and an unknown bit", exactly(6, 16), 0x80010000, []string{"IN_WAKEUP", "0x80000000"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.kernel.RQFlagNames(tt.flags); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTaskFlagsHaveTheNamesOfTheKernel(t *testing.T) {
	for _, tt := range []struct {
		name   string
		kernel dump.Kernel
		flags  uint32
		want   []string
	}{
		{"running", exactly(6, 16), 0x5, []string{"QUEUED", "RESET_RUNNABLE_AT"}},
		{"waiting after a wakeup", exactly(6, 12), 0x9, []string{"QUEUED", "DEQD_FOR_SLEEP"}},
		{"in custody", exactly(7, 1), 0x3, []string{"QUEUED", "IN_CUSTODY"}},
		{"a bit that 7.0 has not", exactly(7, 0), 0x2, []string{"0x2"}},
		{"bits of 7.3", exactly(7, 3), 0x70, []string{"SUB_INIT", "IMMED", "PROTECTED"}},
		{"re-enqueued", exactly(7, 2), 0x2001, []string{"QUEUED", "REENQ_IMMED"}},
		{"re-enqueued for lack of a capability", exactly(7, 3), 0x4000, []string{"REENQ_CAP"}},
		{"a reason that no kernel has", exactly(7, 3), 0x5000, []string{"0x1000", "0x4000"}},
		{"kernels before 7.1 have no reasons", exactly(6, 16), 0x2000, []string{"0x2000"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.kernel.TaskFlagNames(tt.flags); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTaskStatesAreCalibratedByTheRunningTask(t *testing.T) {
	for _, tt := range []struct {
		name    string
		enabled int
		kernel  dump.Kernel
		number  uint32
		want    dump.TaskState
		known   bool
	}{
		{"3 runs, so 3 is ENABLED", 3, exactly(7, 1), 3, dump.TaskEnabled, true},
		{"4 runs, so 4 is ENABLED", 4, exactly(7, 1), 4, dump.TaskEnabled, true},
		{"4 runs, so 3 is READY", 4, exactly(7, 1), 3, dump.TaskReady, true},
		{"a running task counts for more than the version", 4, exactly(6, 16), 4, dump.TaskEnabled, true},
		{"none runs on an old kernel", -1, exactly(6, 16), 3, dump.TaskEnabled, true},
		{"none runs on a new kernel", -1, dump.Kernel{Min: v(7, 2)}, 4, dump.TaskEnabled, true},
		{"dead", -1, exactly(7, 3), 5, dump.TaskDead, true},
		{"none runs on 7.1", -1, exactly(7, 1), 3, "", false},
		{"nothing is known", -1, dump.Kernel{}, 4, "", false},
		{"a number that the kernel has not", 3, exactly(6, 16), 4, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, known := dump.CalibrateTaskStates(tt.enabled, tt.kernel).Name(tt.number)
			if got != tt.want || known != tt.known {
				t.Errorf("got %q, %t, want %q, %t", got, known, tt.want, tt.known)
			}
		})
	}
}

// 0 is NONE in both tables, so it needs no calibration. A name that is known is
// never empty.
func TestTaskStateNoneNeedsNoCalibration(t *testing.T) {
	for _, enabled := range []int{-1, 3, 4} {
		if got, known := dump.CalibrateTaskStates(enabled, dump.Kernel{}).Name(0); got != dump.TaskNone || !known {
			t.Errorf("enabled %d: got %q, %t, want %q", enabled, got, known, dump.TaskNone)
		}
	}
}
