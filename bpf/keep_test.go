// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"scxdiag/dump"
	"scxdiag/dump/text"
	"scxdiag/dump/wire"
)

// With -keep TestKnobs writes the dump of each fault to testdata.
var keepDumps = flag.Bool("keep", false, "keep the dumps of injected faults in testdata")

// keptDir has the dumps of injected faults, as text and as records, and
// INDEX.tsv, which says what was done to the scheduler.
const keptDir = "../testdata/cells"

// keepEnv is set in a guest that is to hand out what it dumps.
const keepEnv = "SCXDIAG_TEST_KEEP"

func keeping() bool { return os.Getenv(keepEnv) != "" }

// kernelText is the kernel's own dump: what it left of the failure, or else
// what it traces when SysRq-D asks for it.
func (k *knobRun) kernelText() string {
	if k.failed() {
		return k.last.Raw
	}
	trace(k.t, "trace", "")
	trace(k.t, "buffer_size_kb", "8192")
	trace(k.t, "events/sched_ext/sched_ext_dump/enable", "1")
	sysrq(k.t, "D")
	k.s.next(dump.TriggerSysRq, time.Minute)
	trace(k.t, "events/sched_ext/sched_ext_dump/enable", "0")
	traced, err := os.ReadFile("/sys/kernel/tracing/trace")
	k.check(err)
	return string(traced)
}

// keepPrefix begins a line that hands a file out of the guest.
const keepPrefix = "keep "

// keep hands the dump out of the guest: its text, and the records of the last
// two snapshots with those that explain them.
func (k *knobRun) keep() {
	if !keeping() {
		return
	}
	give := func(name string, content []byte) {
		_, _ = fmt.Printf("\n%s%s %s\n", keepPrefix, name, base64.StdEncoding.EncodeToString(content)) // the host reads it
	}
	give(k.name()+".log", []byte(k.text))
	ids := []uint64{k.last.Status.At}
	if k.before != nil && k.before.Status != nil {
		ids = append(ids, k.before.Status.At)
	}
	give(k.name()+".rec.gz", compress(recordsOf(k.records.Bytes(), ids)))
	message := ""
	if k.last.Exit != nil {
		message = strings.TrimSpace(k.last.Exit.Reason.V + " " + k.last.Exit.Message.V)
	}
	give(k.name()+".tsv", []byte(strings.Join([]string{k.fault, k.rule, message, k.says}, "\t")))
}

// recordsOf cuts a stream of records down to those of some dumps, and those that
// belong to none.
func recordsOf(stream []byte, ids []uint64) []byte {
	var kept []byte
	for len(stream) > 0 {
		h, err := wire.ParseHeader(stream)
		if err != nil {
			return kept // the end is not written yet
		}
		if h.Kind >= wire.Kinds || slices.Contains(ids, h.Dump) {
			kept = append(kept, stream[:h.Len]...)
		}
		stream = stream[h.Len:]
	}
	return kept
}

func compress(content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(content) // to memory
	_ = w.Close()
	return b.Bytes()
}

// takeKept writes the files that a guest handed out to testdata, and enters
// them in the index.
func takeKept(t *testing.T, kernel, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		rest, ok := strings.CutPrefix(line, keepPrefix)
		if !ok {
			continue
		}
		name, coded, _ := strings.Cut(strings.TrimSpace(rest), " ")
		content, err := base64.StdEncoding.DecodeString(coded)
		if err != nil {
			t.Error(err)
			continue
		}
		if short, ok := strings.CutSuffix(name, ".tsv"); ok {
			err = enter(kernel, short, strings.Split(string(content), "\t"))
		} else {
			err = os.WriteFile(filepath.Join(keptDir, kernel+"-"+name), content, 0o644)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

var indexHeader = []string{"dump", "kernel", "inject", "rule", "exit", "triage"}

// enter enters a dump in the index, in place of an older one.
func enter(kernel, name string, fields []string) error {
	rows, err := index()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	row := append([]string{kernel + "-" + name, kernel}, fields...)
	rows = slices.DeleteFunc(rows, func(r []string) bool { return r[0] == row[0] })
	rows = append(rows, row)
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	var b bytes.Buffer
	for _, r := range append([][]string{indexHeader}, rows...) {
		b.WriteString(strings.Join(r, "\t") + "\n")
	}
	return os.WriteFile(filepath.Join(keptDir, "INDEX.tsv"), b.Bytes(), 0o644)
}

// index is the rows of the index, without its header.
func index() ([][]string, error) {
	f, err := os.Open(filepath.Join(keptDir, "INDEX.tsv"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[1:], nil
}

// TestKept reads the dumps that are kept: records and text say the same of the
// failure, and the records break the rule that the index has.
func TestKept(t *testing.T) {
	rows, err := index()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 15 {
		t.Errorf("%d dumps are kept, want at least 15", len(rows))
	}
	for _, row := range rows {
		t.Run(row[0], func(t *testing.T) {
			before, last := keptRecords(t, row[0])
			if rule := row[3]; rule != "" && !has(broken(before, last), rule) {
				t.Errorf("the records do not break %s, but %q", rule, broken(before, last))
			}
			if row[4] != "" && (last.Exit == nil || !strings.Contains(row[4], last.Exit.Message.V)) {
				t.Errorf("exit %+v, the index has %q", last.Exit, row[4])
			}
			if len(last.Status.Faults) == 0 {
				t.Error("the records do not say what was injected")
			}
			f, err := os.Open(filepath.Join(keptDir, row[0]+".log"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }() // only read
			printed, err := text.NewReader(f, text.Options{}).Next()
			if err != nil {
				t.Fatal("no dump in the text:", err)
			}
			// Where nothing is runnable the kernel lists no task.
			if len(printed.Cells) == 0 || len(printed.CPUs) == 0 {
				t.Errorf("the text has %d cells and %d CPUs", len(printed.Cells), len(printed.CPUs))
			}
			if last.IsFailure() && printed.Exit.Kind.V != last.Exit.Kind.V {
				t.Errorf("the text says %+v, the records %+v", printed.Exit, last.Exit)
			}
		})
	}
}

// keptRecords are the last snapshot of a kept dump, and the one before, nil if
// there is none.
func keptRecords(t *testing.T, name string) (before, last *dump.Snapshot) {
	t.Helper()
	f, err := os.Open(filepath.Join(keptDir, name+".rec.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	r := wire.NewReader(unzipped, wire.Options{})
	for {
		d, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		before, last = last, d.Snapshot
	}
	if last == nil {
		t.Fatal("no snapshot in the records")
	}
	return before, last
}
