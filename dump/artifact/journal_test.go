// SPDX-License-Identifier: GPL-2.0-only

package artifact_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scxdiag/dump"
	"scxdiag/dump/artifact"
	"scxdiag/dump/text"
)

// exported is an entry of a journal export.
func exported(message string) string {
	at := time.Date(2026, 11, 27, 2, 3, 4, 5000, time.UTC).UnixMicro()
	var b bytes.Buffer
	fmt.Fprintf(&b, "__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=%d\n_HOSTNAME=node 7\nSYSLOG_IDENTIFIER=scx_mitosis\n_PID=411\nPRIORITY=6\n", at)
	if !strings.Contains(message, "\n") {
		return b.String() + "MESSAGE=" + message + "\n\n"
	}
	b.WriteString("MESSAGE\n")
	_ = binary.Write(&b, binary.LittleEndian, uint64(len(message))) // into memory
	return b.String() + message + "\n\n"
}

func TestJournalExports(t *testing.T) {
	const prefix = "2026-11-27T02:03:04.000005+0000 node_7 scx_mitosis[411]: "
	for name, tt := range map[string]struct {
		in, out string
		broken  bool
	}{
		"line":        {exported("hello"), prefix + "hello\n", false},
		"lines":       {exported("a\n\n b"), prefix + "a\n" + prefix + "\n" + prefix + " b\n", false},
		"two":         {exported("a") + exported("b"), prefix + "a\n" + prefix + "b\n", false},
		"no message":  {"__CURSOR=x\nPRIORITY=1\n\n" + exported("b"), prefix + "b\n", false},
		"no end":      {strings.TrimRight(exported("last"), "\n"), prefix + "last\n", false},
		"cut":         {exported("a\nbcdef")[:len(exported("a\nbcdef"))-5], prefix + "a\n" + prefix + "bc\n", true},
		"lying":       {"__CURSOR=x\nMESSAGE\n\xff\xff\xff\xff\xff\xff\xff\x7fabc", "localhost unknown: abc\n", true},
		"bad name":    {"__CURSOR=x\n" + strings.Repeat("n", 1000) + "\n", "", true},
		"comm, no id": {"__CURSOR=x\n_COMM=a:b\nMESSAGE=m\n\n", "localhost a_b: m\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := new(artifact.Walker)
			var skipped []string
			w.Skipped = func(_ string, why error) { skipped = append(skipped, why.Error()) }
			var out []byte
			err := w.Walk(t.Context(), []string{"-"}, strings.NewReader(tt.in), func(_ context.Context, s artifact.Stream) error {
				var err error
				out, err = io.ReadAll(s)
				return err
			})
			if err != nil || string(out) != tt.out || tt.broken != (len(skipped) > 0) {
				t.Errorf("got %q, %v, skipped %q; want %q", out, err, skipped, tt.out)
			}
		})
	}
}

// TestDumpsComeOutOfJournalExports has a real dump logged line by line, and as one
// message.
func TestDumpsComeOutOfJournalExports(t *testing.T) {
	log, err := os.ReadFile(filepath.Join("..", "..", "testdata", "dumps", "7.3-scx_mitosis-head-cell-rt-hog.log"))
	if err != nil {
		t.Fatal(err)
	}
	want := dumpsIn(t, bytes.NewReader(log))
	var lines strings.Builder
	for line := range strings.Lines(string(log)) {
		lines.WriteString(exported(strings.TrimSuffix(line, "\n")))
	}
	for name, in := range map[string]string{"lines": lines.String(), "whole": exported(string(log))} {
		var got []string
		err := new(artifact.Walker).Walk(t.Context(), []string{"-"}, strings.NewReader(in), func(_ context.Context, s artifact.Stream) error {
			got = dumpsIn(t, s)
			return nil
		})
		if err != nil || strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: %q, want %q, %v", name, got, want, err)
		}
	}
}

// dumpsIn are the IDs of the dumps of a stream.
func dumpsIn(t *testing.T, src io.Reader) []string {
	t.Helper()
	r := text.NewReader(src, text.Options{})
	var ids []string
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return ids
		}
		if err != nil {
			t.Fatal(err)
		}
		if s.Trigger == dump.TriggerCrash {
			ids = append(ids, s.ID())
		}
	}
}

// TestRecordsAreBounded reads texts of nothing but line ends, which get much longer
// as each line gets its time.
func TestRecordsAreBounded(t *testing.T) {
	record := `{"__REALTIME_TIMESTAMP":"1795811047123456","MESSAGE":"` + strings.Repeat(`\n`, 1000) + "\"}\n"
	w := &artifact.Walker{Limits: artifact.Limits{Bytes: 1 << 20, Ratio: 1}}
	var skipped []string
	w.Skipped = func(_ string, why error) { skipped = append(skipped, why.Error()) }
	n := 0
	err := w.Walk(t.Context(), []string{"-"}, strings.NewReader(strings.Repeat(record, 1000)), func(_ context.Context, s artifact.Stream) error {
		b, err := io.ReadAll(s)
		n = len(b)
		return err
	})
	if err != nil || n > 2<<20 || len(skipped) == 0 {
		t.Errorf("%d bytes came out, %v, skipped %q", n, err, skipped)
	}
}

// TestObjectsPass has a file of JSON that holds no log.
func TestObjectsPass(t *testing.T) {
	const in = "{\"schema\": 1,\n \"maps\": [{\"msg\": \"a\"}]\n}\n"
	var out []byte
	err := new(artifact.Walker).Walk(t.Context(), []string{"-"}, strings.NewReader(in), func(_ context.Context, s artifact.Stream) (err error) {
		out, err = io.ReadAll(s)
		return err
	})
	if err != nil || string(out) != in {
		t.Errorf("got %q, %v", out, err)
	}
}
