// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scxdiag/dump"
	"scxdiag/dump/diff"
	"scxdiag/dump/dumptest"
)

// diffFormats are what writes a difference, by the suffix of the golden files.
var diffFormats = map[string]func(io.Writer, *diff.Diff) error{
	"txt":  func(w io.Writer, d *diff.Diff) error { return DiffText(w, d, Options{}) },
	"md":   DiffMarkdown,
	"json": DiffJSON,
}

func renderDiff(t testing.TB, format string, d *diff.Diff) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := diffFormats[format](&b, d); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// laterSample is sample four seconds later: of its tasks one is gone, one moved,
// one waited, one is of unknown cell, and a new one came.
func laterSample() *dump.Snapshot {
	s := sample()
	s.Time = s.Time.Add(4 * time.Second)
	for i := range s.Cells {
		s.Cells[i].VTime = dump.Of(s.Cells[i].VTime.V + uint64(i)*250_000)
	}
	s.Tasks[0].Cell = dump.Of(s.Tasks[0].Cell.V + 1)
	s.Tasks = append(s.Tasks, dump.Task{TaskRef: dump.TaskRef{Comm: "new`one\n", PID: 4242}, CPU: dump.Of[int32](0)})
	s.Counters = []dump.Counter{{Name: "SCX_EV_NEW", Value: 1}}
	return s
}

// endedSample is the end of the scheduler of sample, without a dump.
func endedSample() *dump.Snapshot {
	s := sample()
	return &dump.Snapshot{
		Source: s.Source, Time: s.Time.Add(time.Second), Host: s.Host, Kernel: s.Kernel, Scheduler: s.Scheduler,
		Trigger: dump.TriggerExit, Exit: &dump.Exit{Kind: dump.Of(dump.ExitUnreg)},
	}
}

func TestDiffGoldens(t *testing.T) {
	dumps := func(name string, before, after int) *diff.Diff {
		snapshots := readDump(t, filepath.Join("..", "..", "testdata", "dumps", name+".log"))
		return diff.Of(snapshots[before], snapshots[after])
	}
	for name, d := range map[string]*diff.Diff{
		"same":                diff.Of(sample(), sample()),
		"samples":             diff.Of(sample(), laterSample()),
		"backwards":           diff.Of(laterSample(), sample()),
		"ended":               diff.Of(sample(), endedSample()),
		"crash":               diff.Of(sample(), cellRTHog()),
		"verdict":             diff.Of(cellRTHog(), verdictOnly()),
		"hostile":             diff.Of(hostile(), hostile()),
		"nothing":             diff.Of(&dump.Snapshot{}, &dump.Snapshot{Time: time.Unix(1, 0).UTC()}),
		"real-mitosis-6.16":   dumps("6.16-scx_mitosis-2025-10-sysrq-D", 1, 2),
		"real-mitosis-head":   dumps("7.3-scx_mitosis-head-sysrq-D", 1, 2),
		"real-qmap-7.3":       dumps("7.3-scx_qmap-sysrq-D", 1, 3),
		"real-qmap-truncated": diff.Of(readDump(t, "../../testdata/dumps/7.3-scx_qmap-many500-err-trunc.log")[0], readDump(t, "../../testdata/dumps/6.16-scx_qmap-many500-err-trunc.log")[0]),
	} {
		for format := range diffFormats {
			t.Run(name+"."+format, func(t *testing.T) {
				golden(t, filepath.Join("diff", name+"."+format), renderDiff(t, format, d))
			})
		}
	}
}

// filledDiff is a difference of two snapshots that hold everything, in which
// everything changed.
func filledDiff(text string) *diff.Diff {
	before, after := dumptest.Filled(text), dumptest.Filled(text)
	before.Exit = nil // or it would be of another run
	before.Ledger, after.Ledger = dump.Ledger{}, dump.Ledger{}
	after.Time = before.Time.Add(time.Second)
	t := &after.Tasks[0]
	t.Cell.V, t.CPU.V, t.DSQ.V, t.AssignedDSQ.V = 2, 2, dump.DSQRef{Kind: dump.DSQKindCell, ID: 7, LLC: 1}, dump.DSQRef{}
	t.CPUs.V, t.AllowedCPUs.V, t.SchedulerCPUs.V = dump.MaskOf(2), dump.MaskOf(3), dump.MaskOf(4)
	t.MigrationDisabled.V, t.Weight.V, t.CgroupID.V, t.VTime.V = 2, 2, 2, 9
	t.CgroupName = dump.Of(text)
	before.Tasks[0].DSQ.V.Kind = dump.DSQKindCPU
	c := &after.Cells[0]
	c.CPUs.V, c.State.V, c.OwnerCgroup.V, c.DSQ.V, c.VTime.V, c.Queued.V = dump.MaskOf(2), "other", 2, 2, 9, 2
	p := &after.CPUs[0]
	p.Cell.V, p.Class.V, p.Current.V.PID, p.NrRunning.V, p.Flags.V, p.VTime.V, p.Queued.V = 2, "rt", 2, 2, 2, 9, 2
	after.DSQs[0].Queued.V, after.Counters[0].Value = 2, 2
	before.DSQs[0].ID.V, after.DSQs[0].ID.V = 77, 77 // of neither cell nor CPU
	for _, pid := range []int32{7, 8} {
		for _, s := range []*dump.Snapshot{before, after} {
			other := dump.Task{TaskRef: dump.TaskRef{Comm: text, PID: pid}, Cell: dump.Of[int32](1), CPU: dump.Of[int32](1), RunnableAt: dump.Of(-time.Minute)}
			if pid == 7 && s == after {
				other.Comm += "x"
			} else if pid == 7 {
				other.TGID = dump.Of[int32](3)
			} else if s == before {
				other.Weight = dump.Of[uint32](1)
			} else {
				other.CPU.V = 2
			}
			s.Tasks = append(s.Tasks, other)
		}
	}
	after.Tasks[1].TGID = dump.Of[int32](4)
	for _, s := range []*dump.Snapshot{before, after} {
		s.Cells = append(s.Cells, dump.Cell{ID: 5, CPUs: dump.Of(dump.MaskOf(1)), Generation: dump.Of(uint32(len(s.Tasks[0].CPUs.V.String())))})
	}
	return diff.Of(before, after)
}

// TestDiffSchema fails when a field of the contract changes its name or type.
func TestDiffSchema(t *testing.T) {
	found := map[string]bool{}
	paths(decode(t, renderDiff(t, "json", filledDiff("key"))), "", found)
	many := &dump.Snapshot{CPUs: make([]dump.CPU, 1)}
	for i := range int32(jsonDiffLimit + 5) {
		many.Tasks = append(many.Tasks, dump.Task{TaskRef: dump.TaskRef{PID: i + 1}})
	}
	large := decode(t, renderDiff(t, "json", diff.Of(&dump.Snapshot{CPUs: make([]dump.CPU, 1)}, many)))
	paths(large, "", found)
	tasks := large["tasks"].(map[string]any)
	if got := len(tasks["came"].([]any)); got != jsonDiffLimit {
		t.Errorf("%d tasks came, want %d", got, jsonDiffLimit)
	}
	if got := tasks["omitted"].(map[string]any)["came"].(json.Number).String(); got != "5" {
		t.Errorf("omitted %s, want 5", got)
	}
	var b strings.Builder
	for _, p := range slices.Sorted(maps.Keys(found)) {
		fmt.Fprintln(&b, p)
	}
	golden(t, filepath.Join("diff", "schema"), []byte(b.String()))
}

// TestDiffTextIsBounded has as much change as there can be.
func TestDiffTextIsBounded(t *testing.T) {
	before, after := &dump.Snapshot{}, &dump.Snapshot{}
	for i := range int32(5000) {
		b := dump.Task{TaskRef: dump.TaskRef{Comm: "task", PID: i + 1}, Cell: dump.Of(i), CPUs: dump.Of(dump.MaskOf(int(i), int(i)+2))}
		a := b
		a.Cell.V, a.CPUs.V = i+1, dump.MaskRange(0, int(i))
		gone, come := b, a
		gone.PID, come.PID = i+10_000, i+20_000
		before.Tasks, after.Tasks = append(before.Tasks, b, gone), append(after.Tasks, a, come)
		before.CPUs = append(before.CPUs, dump.CPU{ID: i, Cell: dump.Of(i), Queued: dump.Of[int64](0)})
		after.CPUs = append(after.CPUs, dump.CPU{ID: i, Cell: dump.Of(i + 1), Queued: dump.Of[int64](5)})
		before.Counters = append(before.Counters, dump.Counter{Name: fmt.Sprint("C", i)})
		after.Counters = append(after.Counters, dump.Counter{Name: fmt.Sprint("C", i), Value: 3})
	}
	for _, format := range []string{"txt", "md"} {
		const limit = 8 << 10
		if doc := renderDiff(t, format, diff.Of(before, after)); len(doc) > limit {
			t.Errorf("%s: %d bytes, more than %d", format, len(doc), limit)
		}
	}
}

// TestNothingFromADiffBreaksOut is TestNothingFromADumpBreaksOut for
// differences.
func TestNothingFromADiffBreaksOut(t *testing.T) {
	labels := []string{"difference ", "first ", "second ", "note ", "tasks ", "vtime ", "cells ", "CPUs ", "queues ", "counters "}
	want := withoutCode(t, string(renderDiff(t, "md", filledDiff("harmless"))))
	for _, text := range attacks {
		if strings.Trim(text, " ") == "" {
			text += "x"
		}
		d := filledDiff(text)
		got := withoutCode(t, string(renderDiff(t, "md", d)))
		// ids are hashes of the text
		hide := func(doc string) string {
			var lines []string
			for l := range strings.Lines(doc) {
				if _, rest, ok := strings.Cut(l, "snapshot "); ok && strings.Contains(rest, ", ") {
					l = "snapshot " + rest[12:]
				}
				lines = append(lines, l)
			}
			return strings.Join(lines, "")
		}
		if changed := cmp.Diff(hide(want), hide(got)); changed != "" {
			t.Errorf("%q changes the Markdown around it (-harmless +got):\n%s", text, changed)
		}
		checkLines(t, string(renderDiff(t, "txt", d)), labels)
		checkJSON(t, renderDiff(t, "json", d))
	}
}

func TestDiffWriteErrorsComeBack(t *testing.T) {
	for format, write := range diffFormats {
		if err := write(failing{}, diff.Of(sample(), laterSample())); !errors.Is(err, errBroken) {
			t.Errorf("%s: got error %v, want %v", format, err, errBroken)
		}
	}
}
