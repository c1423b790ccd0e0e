// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/exp/golden"

	"scxdiag/dump"
	dumptext "scxdiag/dump/text"
)

// read reads a real dump from testdata.
func read(tb testing.TB, name string) []*dump.Snapshot {
	tb.Helper()
	f, err := os.Open(realDump(tb, name))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	r := dumptext.NewReader(f, dumptext.Options{Name: name})
	var snapshots []*dump.Snapshot
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return snapshots
		}
		if err != nil {
			tb.Fatal(err)
		}
		snapshots = append(snapshots, s)
	}
}

// TestRealDumps renders dumps that real kernels wrote.
func TestRealDumps(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		keys       []string
	}{
		{"mitosis-overview", rtHog, nil},
		{"mitosis-tasks", rtHog, []string{"4"}},
		{"mitosis-task", rtHog, []string{"4", "enter"}},
		{"mitosis-cpu", rtHog, []string{"3", "enter"}},
		{"mitosis-cells", rtHog, []string{"2"}},
		{"mitosis-raw", rtHog, []string{"4", "r"}},
		{"qmap-overview", sysRq, nil},
		{"qmap-cpus", sysRq, []string{"3"}},
		{"qmap-task", sysRq, []string{"4", "enter"}},
		{"qmap-queues", sysRq, []string{"2"}},
		{"qmap-list", sysRq, []string{"L"}},
		{"truncated-overview", "7.3-scx_qmap-dump-len-4096.log", nil},
		{"error-overview", "7.2-scx_qmap-bpf-error.log", nil},
		{"error-unnamed-overview", "7.2-scx_mitosis-2025-10-vtime-error.log", nil},
		{"many-tasks", "7.2-scx_qmap-many500-err-D4M.log", []string{"4", "pgdown"}},
	} {
		snapshots := read(t, tc.file)
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s-%dx%d", tc.name, size[0], size[1]), func(t *testing.T) {
				s := start(t, size[0], size[1], snapshots...).keys(tc.keys...)
				golden.RequireEqual(t, strings.Join(trimmed(s.screen()), "\n")+"\n")
			})
		}
	}
}

// TestTourOfAllRealDumps goes through all there is to see of every dump of
// testdata, looking that each screen fits.
func TestTourOfAllRealDumps(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "testdata", "dumps", "*.log"))
	if err != nil || len(files) == 0 {
		t.Fatal("no dumps in testdata", err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			snapshots := read(t, filepath.Base(f))
			if len(snapshots) == 0 {
				t.Fatal("no snapshot")
			}
			s := start(t, 80, 24, snapshots...)
			for i := range snapshots {
				s.show(i)
				if len(snapshots[i].Tasks) > 50 {
					s.keys("4", "enter", "r", "esc", "esc")
					continue
				}
				tour(s, func(screen string) {
					if strings.ContainsAny(screen, "\x1b\r\t") {
						t.Fatal("control characters")
					}
				})
			}
		})
	}
}
