// SPDX-License-Identifier: GPL-2.0-only

package dump_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"scxdiag/dump"
	"scxdiag/dump/dumptest"
)

// notInID are the fields that the doc comment of Snapshot.ID leaves out.
var notInID = map[string]bool{
	"Snapshot.Source":       true,
	"Snapshot.Time":         true, // of a dump; TestTimeTellsVerdictsApart
	"Snapshot.Host":         true,
	"Snapshot.Stamp":        true, // of a dump; TestStampTellsVerdictsApart
	"Snapshot.Kernel":       true,
	"Snapshot.Ledger":       true,
	"Snapshot.Findings":     true,
	"Snapshot.NotEvaluated": true,
	"Snapshot.Signature":    true,
	"Snapshot.Raw":          true,
	"Task.SCXState":         true, // where the number is known; TestStateNameCountsWithoutNumber
}

// eachChange changes what v holds, one leaf at a time, calls visit with the
// name of the changed thing, and undoes the change.
func eachChange(v reflect.Value, name string, excluded bool, visit func(name string, excluded bool)) {
	try := func(what string, changed reflect.Value) {
		old := reflect.ValueOf(v.Interface())
		v.Set(changed)
		visit(name+what, excluded)
		v.Set(old)
	}
	t := v.Type()
	switch v.Interface().(type) {
	case dump.CPUMask:
		try("", reflect.ValueOf(dump.MaskOf(2)))
		try(" beyond 512", reflect.ValueOf(dump.MaskOf(1, 601)))
		return
	case time.Time:
		try("", reflect.ValueOf(time.Unix(1, 2)))
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			typeName, _, _ := strings.Cut(t.Name(), "[")
			eachChange(v.Field(i), name+"."+f.Name,
				excluded || notInID[typeName+"."+f.Name] || f.Type == reflect.TypeFor[dump.Span](), visit)
		}
	case reflect.Slice:
		try(" empty", reflect.Zero(t))
		try(" twice", reflect.AppendSlice(reflect.ValueOf(v.Interface()), v))
		eachChange(v.Index(0), name+"[0]", excluded, visit)
	case reflect.Pointer:
		try(" nil", reflect.Zero(t))
		eachChange(v.Elem(), name, excluded, visit)
	case reflect.String:
		try("", reflect.ValueOf("y").Convert(t))
	case reflect.Bool:
		try("", reflect.ValueOf(false).Convert(t))
	default:
		try("", reflect.ValueOf(2).Convert(t))
	}
}

func TestEveryFieldOfTheModelChangesTheID(t *testing.T) {
	s := dumptest.Filled("x")
	id := s.ID()
	seen := map[string]string{id: "nothing"}
	changes := 0
	eachChange(reflect.ValueOf(s).Elem(), "Snapshot", false, func(name string, excluded bool) {
		changes++
		got := s.ID()
		if excluded {
			if got != id {
				t.Errorf("changing %s changes the ID, which should not depend on it", name)
			}
			return
		}
		if other, ok := seen[got]; ok {
			t.Errorf("changing %s gives the same ID as changing %s", name, other)
		}
		seen[got] = name
	})
	if s.ID() != id {
		t.Error("the test did not undo its changes")
	}
	if changes < 200 {
		t.Errorf("only %d changes: the test no longer walks the model", changes)
	}
}

func TestTimeTellsVerdictsApart(t *testing.T) {
	verdict := func(sec int64) *dump.Snapshot {
		return &dump.Snapshot{Time: time.Unix(sec, 0), Exit: &dump.Exit{Reason: dump.Of("runnable task stall")}}
	}
	if verdict(1).ID() == verdict(2).ID() {
		t.Error("two verdicts at different times have the same ID")
	}
	local, utc := verdict(1), verdict(1)
	utc.Time = utc.Time.UTC()
	local.Time = local.Time.In(time.FixedZone("", 3600))
	if local.ID() != utc.ID() {
		t.Error("the ID depends on the time zone")
	}
}

func TestStampTellsVerdictsApart(t *testing.T) {
	verdict := func(stamp string, sec int64) *dump.Snapshot {
		s := &dump.Snapshot{Stamp: stamp, Exit: &dump.Exit{Reason: dump.Of("runnable task stall")}}
		if sec != 0 {
			s.Time = time.Unix(sec, 0)
		}
		return s
	}
	seen := map[string]string{}
	for name, s := range map[string]*dump.Snapshot{
		"no stamp": verdict("", 0), "a day": verdict("Mar 02 10:11:12 hostA", 0), "another": verdict("Mar 05 10:11:12 hostA", 0),
		"another host": verdict("Mar 02 10:11:12 hostB", 0), "a time": verdict("", 1),
	} {
		if other, ok := seen[s.ID()]; ok {
			t.Errorf("verdicts with %s and %s have the same ID", name, other)
		}
		seen[s.ID()] = name
	}
	const human = "Fri Nov 27 20:24:07 2026"
	if verdict(human, 1).ID() != verdict(human, 3601).ID() {
		t.Error("the ID depends on the time zone of the machine that reads a log")
	}
}

func TestStateNameCountsWithoutNumber(t *testing.T) {
	of := func(state dump.TaskState) string {
		return (&dump.Snapshot{Tasks: []dump.Task{{SCXState: dump.Of(state)}}}).ID()
	}
	if of(dump.TaskReady) == of(dump.TaskEnabled) {
		t.Error("tasks that differ in their state have the same ID")
	}
}

func TestIDIgnoresWhatCarriersDrop(t *testing.T) {
	a := &dump.Snapshot{
		Text:  []dump.Line{{Text: "FIFO[0]: "}, {Text: "  "}, {Text: "FIFO[1]:"}},
		Build: []dump.KV{{Key: "kernel", Value: "7.3.4 "}},
	}
	b := &dump.Snapshot{
		Text:  []dump.Line{{Text: "FIFO[0]:"}, {Text: "FIFO[1]:\r"}},
		Build: []dump.KV{{Key: "kernel", Value: "7.3.4"}},
	}
	if a.ID() != b.ID() {
		t.Error("trailing blanks or blank lines change the ID")
	}
}

func TestIDKeepsNeighboursApart(t *testing.T) {
	lines := func(texts ...string) *dump.Snapshot {
		s := &dump.Snapshot{Exit: &dump.Exit{}}
		for _, text := range texts {
			s.Exit.Backtrace = append(s.Exit.Backtrace, dump.Line{Text: text})
		}
		return s
	}
	if lines("ab").ID() == lines("a", "b").ID() || lines("a", "bc").ID() == lines("ab", "c").ID() {
		t.Error("text that moves between neighbouring strings keeps the ID")
	}
}

// TestIDIsStable fails when the encoding changes. That is allowed, with a new
// idVersion: ids are kept in recordings.
func TestIDIsStable(t *testing.T) {
	s := &dump.Snapshot{Scheduler: "qmap", Trigger: dump.TriggerCrash, Exit: &dump.Exit{Kind: dump.Of(dump.ExitErrorStall)}}
	if got, want := s.ID(), "8c0ea1d6b895ed3cb285d839bef8de58"; got != want {
		t.Errorf("ID = %s, want %s", got, want)
	}
	s.Time = time.Unix(1, 2)
	if got, want := s.ID(), "f1f8026cedfe9c3311e195153a37e226"; got != want {
		t.Errorf("with a time: ID = %s, want %s", got, want)
	}
}

func BenchmarkID(b *testing.B) {
	for _, tasks := range []int{10, 500} {
		b.Run(fmt.Sprintf("%d tasks", tasks), func(b *testing.B) {
			s := dumptest.Filled("text")
			for len(s.Tasks) < tasks {
				s.Tasks = append(s.Tasks, s.Tasks[0])
			}
			b.ReportAllocs()
			for b.Loop() {
				s.ID()
			}
		})
	}
}
