// SPDX-License-Identifier: GPL-2.0-only

package dump_test

import (
	"testing"

	"scxdiag/dump"
)

func TestTypedDSQ(t *testing.T) {
	for _, test := range []struct {
		id   dump.DSQID
		want dump.DSQRef
	}{
		{0x10000007, dump.DSQRef{ID: 0x10000007, Kind: dump.DSQKindCPU, CPU: 7}},
		{0x20050003, dump.DSQRef{ID: 0x20050003, Kind: dump.DSQKindCell, Cell: 5, LLC: 3}},
		{0, dump.DSQRef{}},
		{0x30000000, dump.DSQRef{}},
		{0x110000007, dump.DSQRef{}},
		{dump.DSQLocal, dump.DSQRef{}},
	} {
		if got, ok := dump.TypedDSQ(test.id); got != test.want || ok == got.IsNone() {
			t.Errorf("%v: %+v, %v; want %+v", test.id, got, ok, test.want)
		}
	}
}
