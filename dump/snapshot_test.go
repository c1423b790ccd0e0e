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
