// SPDX-License-Identifier: GPL-2.0-only

package dump_test

import (
	"testing"

	"scxdiag/dump"
)

// What a dump leaves out was idle only where the dump is complete.
func TestIsIdle(t *testing.T) {
	var whole, part dump.Snapshot
	part.Ledger.Note("lines were left out, marked by an ellipsis")
	for _, c := range []struct {
		name        string
		s           *dump.Snapshot
		cpu         dump.CPU
		idle, known bool
	}{
		{"listed", &part, dump.CPU{Listed: true, Class: dump.Of(dump.ClassIdle)}, true, true},
		{"listed busy", &whole, dump.CPU{Listed: true, Class: dump.Of(dump.ClassExt)}, false, true},
		{"listed without class", &whole, dump.CPU{Listed: true}, false, false},
		{"left out", &whole, dump.CPU{}, true, true},
		{"perhaps lost", &part, dump.CPU{}, false, false},
	} {
		if idle, known := c.s.IsIdle(&c.cpu); idle != c.idle || known != c.known {
			t.Errorf("%s: got %t %t, want %t %t", c.name, idle, known, c.idle, c.known)
		}
	}
}
