// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"testing"

	"scxdiag/dump"
)

func TestMapOf(t *testing.T) {
	for _, c := range []struct {
		mask       dump.CPUMask
		ids, width int
		want       text
	}{
		{dump.MaskOf(1), 4, 40, "·█··"},
		{dump.MaskRange(0, 3), 4, 4, "████"},
		{dump.MaskOf(0, 2, 3), 6, 3, "▄█·"},
		{dump.MaskOf(6), 7, 3, "··█"}, // the last column has one CPU only
		{dump.CPUMask{}, 3, 3, "···"},
	} {
		if got := mapOf(c.mask, c.ids, c.width); got != c.want {
			t.Errorf("%v of %d in %d: %s, want %s", c.mask, c.ids, c.width, got, c.want)
		}
	}
	if got, want := ruler(20, 1), text("0       8       16 "); got != want {
		t.Errorf("ruler %q, want %q", got, want)
	}
	if got, want := ruler(512, 16), text("0       128     256     384 "); got != want {
		t.Errorf("ruler %q, want %q", got, want)
	}
}

// TestATaskThatNothingServesShowsIt has a task that may not run where its cell does.
func TestATaskThatNothingServesShowsIt(t *testing.T) {
	snap := mitosisStall()
	snap.Task(228).CPUs = dump.Of(dump.MaskOf(3))
	s := start(t, 80, 60, snap).keys("4", "home", "enter")
	s.wants("CPU by CPU", "may run on      ···█", "cell 1          ·█··", "no CPU: nothing that serves it may run it")
	s.wants("on a scale      ├", "t vtime, b basis_vtime, c cell 1", "+24.2ms from end to")
}

func TestBoundsWrap(t *testing.T) {
	least, most := bounds([]clockMark{{at: 5}, {at: ^uint64(9)}, {at: 2}})
	if least != ^uint64(9) || most != 5 {
		t.Errorf("from %d to %d", least, most)
	}
}
