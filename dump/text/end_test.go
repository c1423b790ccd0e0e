// SPDX-License-Identifier: GPL-2.0-only

package text_test

import (
	"bytes"
	"strings"
	"testing"

	"scxdiag/dump"
)

// A log that ends between two lines of a dump gives a snapshot that does not look
// complete, wherever that is, and with or without what user space prints around the
// dump. All of the dump does.
func TestCutBetweenLines(t *testing.T) {
	rule := []byte(strings.Repeat("=", 80) + "\n")
	for _, e := range index(t) {
		if e.kind < 0 || e.truncated == "yes" {
			continue
		}
		log := readLog(t, e.file)
		plain := append(body(t, strings.TrimSuffix(e.file, ".log")), '\n')
		title := bytes.Index(log, []byte("DEBUG DUMP\n"))
		framed := log[title : title+bytes.LastIndex(log[title:], rule)+len(rule)]
		for name, text := range map[string][]byte{"plain": plain, "framed": framed} {
			s := snapshotIn(t, text)
			if s.Ledger.Lines.Truncated > 0 { // the kernel cut a line of the scheduler's
				continue
			}
			if !s.Ledger.Complete() {
				t.Errorf("%s, %s: the whole is said to lack something: %q", e.file, name, s.Ledger.Notes)
			}
			lines := bytes.SplitAfter(text, []byte("\n"))
			if name == "framed" {
				lines = lines[:len(lines)-1] // behind the rule
			}
			lines = lines[:len(lines)-1]
			for n := 12; n < len(lines); n += 1 + len(lines)/150 {
				cut := bytes.Join(lines[:n], nil)
				if bytes.Equal(bytes.TrimSpace(cut), bytes.TrimSpace(text)) {
					continue
				}
				for _, s := range snapshotsIn(t, cut) {
					if s.Ledger.Complete() {
						t.Errorf("%s, %s: cut behind line %d, it is said to be complete:\n%s", e.file, name, n, lines[n-1])
					}
				}
			}
		}
	}
}

// Whether the counters are missing depends on the kernel, which a log may name
// far from the dump.
func TestMissingCounters(t *testing.T) {
	const dumped = `Debug dump triggered by SysRq-D

CPU states
----------

CPU 0   : nr_run=1 flags=0x1 cpu_rel=0 ops_qseq=1 pnt_seq=1
          curr=a[12] class=ext_sched_class
`
	for name, c := range map[string]struct {
		log       string
		truncated bool
		complete  bool
	}{
		"unknown kernel":         {dumped, false, false},
		"closed by user space":   {dumped + "\n" + strings.Repeat("=", 80) + "\n", false, true},
		"old kernel before":      {"[    0.000000] Linux version 6.12.107+deb13 (debian) #1\n" + dumped, false, true},
		"new kernel before":      {"[    0.000000] Linux version 6.16.12 (debian) #1\n" + dumped, true, false},
		"old kernel behind":      {dumped + "\n[    0.000000] Linux version 6.12.107+deb13 (debian) #1\n", false, true},
		"new kernel behind":      {dumped + "\n[    0.000000] Linux version 6.16.12 (debian) #1\n", true, false},
		"shape of an old kernel": {dumped + oldTask, false, true},
		"within a task":          {dumped + oldTask + "\n *R b[13] -5ms\n      scx_state/flags=3/0x1 dsq_flags=0x0 ops_state/qseq=0/0\n", true, false},
	} {
		s := snapshotIn(t, []byte(c.log))
		if s.Ledger.Truncated != c.truncated || s.Ledger.Complete() != c.complete {
			t.Errorf("%s: truncated %t, complete %t (%q), want %t and %t", name, s.Ledger.Truncated, s.Ledger.Complete(), s.Ledger.Notes, c.truncated, c.complete)
		}
		if len(s.CPUs) != 1 || s.Trigger != dump.TriggerSysRq {
			t.Errorf("%s: %d CPUs, trigger %q", name, len(s.CPUs), s.Trigger)
		}
	}
}

// oldTask is a task as kernels before 6.14 print it.
const oldTask = `
 *R a[12] -5ms
      scx_state/flags=3/0x1 dsq_flags=0x0 ops_state/qseq=0/0
      sticky/holding_cpu=-1/-1 dsq_id=(n/a) dsq_vtime=0
      cpus=f
`
