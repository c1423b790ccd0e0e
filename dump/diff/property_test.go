// SPDX-License-Identifier: GPL-2.0-only

package diff

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"scxdiag/dump"
	"scxdiag/dump/text/texttest"
)

// clone copies a snapshot as far as the tests change it.
func clone(s *dump.Snapshot) *dump.Snapshot {
	c := *s
	c.Tasks, c.Cells, c.CPUs = slices.Clone(s.Tasks), slices.Clone(s.Cells), slices.Clone(s.CPUs)
	c.Counters, c.DSQs = slices.Clone(s.Counters), slices.Clone(s.DSQs)
	return &c
}

func models() *rapid.Generator[texttest.Model] { return texttest.Models(texttest.PlainNames, nil) }

func TestNothingDiffersFromItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := models().Draw(t, "snapshot").Snapshot
		for _, d := range []*Diff{Of(s, s), Of(s, clone(s))} {
			if !d.Empty() || !d.SameRun || !d.Identical || len(summary(d)) > 0 {
				t.Fatalf("differs: %v %v", summary(d), d.Notes)
			}
		}
	})
}

// TestAChangeIsFoundAndNothingElse changes one thing and expects exactly that.
func TestAChangeIsFoundAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := models().Draw(t, "snapshot").Snapshot
		before.Exit = nil // of two ends nobody knows that they are one
		after := clone(before)
		want := change(t, after)
		if want == "" {
			t.Skip("has nothing to change")
		}
		if got := summary(Of(before, after)); !slices.Equal(got, []string{want}) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// change changes one thing, and says how a diff that finds it reads; "" if
// there is nothing that it could change.
func change(t *rapid.T, s *dump.Snapshot) string {
	pick := func(n int, what string) int {
		if n == 0 {
			return -1
		}
		return rapid.IntRange(0, n-1).Draw(t, what)
	}
	task := pick(len(s.Tasks), "task")
	if task >= 0 && s.Task(s.Tasks[task].PID) != &s.Tasks[task] {
		return "" // listed before
	}
	switch rapid.SampledFrom([]string{"cpu", "mask", "gone", "counter", "cell vtime", "cell cpus", "cpu cell"}).Draw(t, "change") {
	case "cpu":
		if task >= 0 && s.Tasks[task].CPU.Known {
			s.Tasks[task].CPU.V++
			return fmt.Sprintf("task %d cpu", s.Tasks[task].PID)
		}
	case "mask":
		if task >= 0 && s.Tasks[task].CPUs.Known {
			s.Tasks[task].CPUs.V = s.Tasks[task].CPUs.V.With(9000)
			return fmt.Sprintf("task %d cpus", s.Tasks[task].PID)
		}
	case "gone":
		if task >= 0 && len(s.CPUs) > 0 {
			gone := s.Tasks[task]
			s.Tasks = slices.Delete(s.Tasks, task, task+1)
			return fmt.Sprintf("went %v same pid false reused false", gone.TaskRef)
		}
	case "counter":
		if i := pick(len(s.Counters), "counter"); i >= 0 && s.Counters[i].Value < 1<<62 {
			s.Counters[i].Value += 3
			return s.Counters[i].Name + " +3"
		}
	case "cell vtime":
		if i := pick(len(s.Cells), "cell"); i >= 0 && s.Cells[i].VTime.Known {
			s.Cells[i].VTime.V += 1 << 40
			return fmt.Sprintf("cell %d vtime +%d, 0 waited", s.Cells[i].ID, 1<<40)
		}
	case "cell cpus":
		if i := pick(len(s.Cells), "cell"); i >= 0 && s.Cells[i].CPUs.Known {
			s.Cells[i].CPUs.V = s.Cells[i].CPUs.V.With(9000)
			return fmt.Sprintf("cell %d changed 1 +9000 -", s.Cells[i].ID)
		}
	case "cpu cell":
		if i := pick(len(s.CPUs), "cpu"); i >= 0 && s.CPUs[i].Cell.Known {
			s.CPUs[i].Cell.V++
			return fmt.Sprintf("CPU %d changed 1", s.CPUs[i].ID)
		}
	}
	return ""
}
