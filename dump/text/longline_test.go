// SPDX-License-Identifier: GPL-2.0-only

package text_test

import (
	"strings"
	"testing"
)

// TestLongLine puts a line without end into a dump: what stands before it is
// read, and the dump is known not to be whole.
func TestLongLine(t *testing.T) {
	head := "Debug dump triggered by SysRq-D\n\nCPU states\n----------\n\n" +
		"CPU 0   : nr_run=1 flags=0x1 cpu_rel=0 ops_qseq=1 pnt_seq=2\n          curr=a[1] class=ext_sched_class\n"
	tail := "\nCPU 1   : nr_run=0 flags=0x1 cpu_rel=0 ops_qseq=1 pnt_seq=2\n          curr=b[2] class=fair_sched_class\n"
	for _, size := range []int{1<<20 - 1, 1 << 20, 1<<20 + 1, 3 << 20, 9 << 20} {
		all := snapshotsIn(t, []byte(head+strings.Repeat("[", size)+tail))
		if len(all) == 0 {
			t.Fatalf("%d bytes: no snapshot", size)
		}
		s := all[0]
		checkLedger(t, s)
		checkSpans(t, s)
		if len(s.CPUs) == 0 || s.CPUs[0].Current.V.Comm != "a" {
			t.Errorf("%d bytes: got CPUs %v", size, s.CPUs)
		}
		if size > 2<<20 && !s.Ledger.Truncated {
			t.Errorf("%d bytes: the dump looks whole", size)
		}
		if last := all[len(all)-1]; last.CPUs[len(last.CPUs)-1].Current.V.Comm != "b" {
			t.Errorf("%d bytes: what comes behind the line is missing", size)
		}
	}
}
