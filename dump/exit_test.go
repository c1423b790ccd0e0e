// SPDX-License-Identifier: GPL-2.0-only

package dump

import "testing"

func TestParseExitKind(t *testing.T) {
	for text, want := range map[string]ExitKind{
		"ERROR_STALL": ExitErrorStall, "error_stall": ExitErrorStall, "stall": ExitErrorStall, "SCX_EXIT_ERROR_STALL": ExitErrorStall,
		"1026": ExitErrorStall, "error": ExitError, "bpf": ExitErrorBPF, "sysrq": ExitSysRq, "0": ExitNone,
	} {
		if got, ok := ParseExitKind(text); !ok || got != want {
			t.Errorf("%s: %v %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "stal", "ERROR_", "99999999999", "-"} {
		if got, ok := ParseExitKind(text); ok {
			t.Errorf("%q: %v, want none", text, got)
		}
	}
	for _, k := range ExitKinds() {
		if got, ok := ParseExitKind(k.String()); !ok || got != k {
			t.Errorf("%v: %v %v", k, got, ok)
		}
	}
}
