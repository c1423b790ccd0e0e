// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"scxdiag/dump"
	"scxdiag/dump/text"
	"scxdiag/dump/triage"
)

// readDump reads the snapshots of one of the project's real dumps.
func readDump(t *testing.T, path string) []*dump.Snapshot {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := text.NewReader(f, text.Options{Name: filepath.Base(path)})
	var snapshots []*dump.Snapshot
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return snapshots
		}
		if err != nil {
			t.Fatal(err)
		}
		snapshots = append(snapshots, s)
	}
}

func TestRealDumpGoldens(t *testing.T) {
	for _, name := range []string{
		"6.16-scx_mitosis-2025-11-dc144d43f-pinned-stall",
		"7.2-scx_qmap-bpf-error",
		"7.3-scx_mitosis-head-cell-rt-hog",
		"7.3-scx_qmap-dump-len-4096",
		"7.3-scx_qmap-kmsg-rt-hog",
		"7.3-scx_qmap-sub-sysrq-D",
	} {
		snapshots := readDump(t, filepath.Join("..", "..", "testdata", "dumps", name+".log"))
		for _, s := range snapshots {
			triage.Apply(s, nil)
		}
		for format := range formats {
			t.Run(name+"."+format, func(t *testing.T) {
				golden(t, filepath.Join("real", name+"."+format),
					render(t, format, Options{Total: len(snapshots)}, snapshots...))
			})
		}
	}
}

// TestTextFitsOnAScreen tests the text of every real dump, without what triage adds
// at its head.
func TestTextFitsOnAScreen(t *testing.T) {
	const maxLines, maxColumns = 32, 100
	paths, err := filepath.Glob(filepath.Join("..", "..", "testdata", "dumps", "*.log"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no dumps: %v", err)
	}
	for _, path := range paths {
		for _, s := range readDump(t, path) {
			doc := string(render(t, "txt", Options{}, s))
			where := filepath.Base(path) + ", trigger " + string(s.Trigger)
			if n := strings.Count(doc, "\n"); n > maxLines {
				t.Errorf("%s: %d lines, more than %d:\n%s", where, n, maxLines, doc)
			}
			for line := range strings.Lines(doc) {
				isOneWord := !strings.Contains(strings.TrimSpace(line[min(labelWidth, len(line)):]), " ")
				if n := utf8.RuneCountInString(line) - 1; n > maxColumns && !isOneWord {
					t.Errorf("%s: line of %d columns: %s", where, n, line)
				}
			}
		}
	}
}
