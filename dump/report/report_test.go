// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scxdiag/dump"
)

var update = flag.Bool("update", false, "write the golden files")

// formats are the writers by the suffix of their golden files.
var formats = map[string]func(io.Writer, Options) Writer{
	"txt":  NewText,
	"md":   NewMarkdown,
	"json": NewJSON,
}

// render writes snapshots in one format.
func render(t testing.TB, format string, opts Options, snapshots ...*dump.Snapshot) []byte {
	t.Helper()
	var b bytes.Buffer
	w := formats[format](&b, opts)
	for _, s := range snapshots {
		if err := w.Add(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// golden compares output with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is out of date, refresh it with -update (-want +got):\n%s", path, diff)
	}
}

func TestGoldens(t *testing.T) {
	for name, snapshots := range map[string][]*dump.Snapshot{
		"cell-rt-hog": {cellRTHog()},
		"bpf-error":   {bpfError()},
		"live":        {liveDump()},
		"verdict":     {verdictOnly()},
		"explained":   {explained()},
		"hostile":     {hostile()},
		"several":     {verdictOnly(), verdictOnly(), liveDump()},
		"nothing":     {},
	} {
		for format := range formats {
			t.Run(name+"."+format, func(t *testing.T) {
				golden(t, name+"."+format, render(t, format, Options{}, snapshots...))
			})
		}
	}
}
