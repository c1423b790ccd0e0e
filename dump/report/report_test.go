// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
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
		"sample":      {sample()},
		"injected":    {injected()},
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

// TestTasksOffTheQueues is about tasks that only ring-buffer records list.
func TestTasksOffTheQueues(t *testing.T) {
	s := liveDump()
	s.Tasks = append(s.Tasks, dump.Task{TaskRef: dump.TaskRef{Comm: "zzz", PID: 7}, CPU: dump.Of[int32](1), Walked: true})
	got := string(render(t, "txt", Options{}, s))
	if want := "3 tasks (0 running, 2 waiting, 1 on no run queue)"; !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
}
