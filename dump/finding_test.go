// SPDX-License-Identifier: GPL-2.0-only

package dump_test

import (
	"testing"

	"scxdiag/dump"
)

func TestEntityNumber(t *testing.T) {
	for _, tt := range []struct {
		entity, kind string
		n            int64
		ok           bool
	}{
		{"task:228", "task", 228, true}, {"task:-1", "task", -1, true}, {"cgroup:5000000000", "cgroup", 5e9, true},
		{"cpu:3", "task", 0, false}, {"exit", "exit", 0, false}, {"cpu:x", "cpu", 0, false}, {"task:", "task", 0, false},
	} {
		if n, ok := dump.EntityNumber(tt.entity, tt.kind); n != tt.n || ok != tt.ok {
			t.Errorf("%s as %s: %d, %t", tt.entity, tt.kind, n, ok)
		}
	}
	if _, ok := dump.EntityNumber("cpu:5000000000", "cpu"); ok {
		t.Error("a CPU's number does not fit")
	}
}
