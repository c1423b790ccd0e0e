// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"scxdiag/dump"
)

// samples makes snapshots of a scheduler at work, as a ring buffer brings them:
// from a real dump, without source text, and with all the tasks that sleep.
type samples struct {
	base     *dump.Snapshot
	sleepers int
	n        int
}

func newSamples(tb testing.TB, sleepers int) *samples {
	tb.Helper()
	all := read(tb, "7.3-scx_mitosis-head-sysrq-D.log")
	s := all[slices.IndexFunc(all, func(s *dump.Snapshot) bool { return s.Trigger == dump.TriggerSysRq })]
	withoutSpans(reflect.ValueOf(s).Elem())
	s.Raw, s.Source, s.Ledger = "", dump.Source{Name: "live", Carrier: "ringbuf"}, dump.Ledger{}
	s.Trigger = dump.TriggerSample
	return &samples{base: s, sleepers: sleepers}
}

// withoutSpans makes all values of v ones that were not read from text.
func withoutSpans(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[dump.Span]():
		v.SetZero()
	case v.Kind() == reflect.Struct && v.CanSet():
		for i := range v.NumField() {
			withoutSpans(v.Field(i))
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			withoutSpans(v.Index(i))
		}
	}
}

// next is the sample two seconds after the one before. All waits go on, but for
// those of tasks that edit changes.
func (m *samples) next(edit ...func(s *dump.Snapshot)) *dump.Snapshot {
	s := *m.base
	s.Time = time.Date(2026, 11, 15, 10, 2, 2*m.n, 0, time.UTC)
	s.Tasks, s.CPUs, s.Cells = slices.Clone(s.Tasks), slices.Clone(s.CPUs), slices.Clone(s.Cells)
	for i := range m.sleepers {
		s.Tasks = append(s.Tasks, sleeper(int32(10000+i), int32(i%4), int32(i%3)))
	}
	for _, e := range edit {
		e(&s)
	}
	m.n++
	return &s
}

// sleeper is a task on no run queue.
func sleeper(pid, cpu, cell int32) dump.Task {
	state := byte('S')
	if pid%7 == 0 {
		state = 'D'
	}
	return dump.Task{
		TaskRef: dump.TaskRef{Comm: fmt.Sprintf("sleeper%d", pid%50), PID: pid},
		CPU:     dump.Of(cpu), State: dump.Of(state), Cell: dump.Of(cell),
		SCXState: dump.Of(dump.TaskEnabled), SCXStateNr: dump.Of(uint32(4)), Flags: dump.Of(uint32(8)),
		OpsState: dump.Of(dump.OpsNone), DSQ: dump.Of(dump.DSQRef{Kind: dump.DSQKindNone}),
		Weight: dump.Of(uint32(100)), Slice: dump.Of(uint64(20000000)), CPUs: dump.Of(dump.MaskRange(0, 3)),
		VTime: dump.Of(uint64(pid) * 1e6), DSQVTime: dump.Of(uint64(pid) * 1e6),
	}
}

func TestASampleTellsWhatTheSchedulerHasToDo(t *testing.T) {
	s := start(t, 80, 24, newSamples(t, 5000).next())
	s.wants("RUNNING: a sample of the scheduler at work", "5000 sleeping", "cell 0          CPU 0, 6 queued, 1 running, 6 waiting, the oldest for 132ms",
		"The task that has waited for longest").lacks("FAILED", "Verdict")
	s.keys("4").wants("tasks, by wait")
	if got := s.cursorLine(); !strings.Contains(got, "ms ") {
		t.Errorf("the first task does not wait: %q", got)
	}
	s.keys("end")
	if got := s.cursorLine(); !strings.Contains(got, "asleep") {
		t.Errorf("the last task does not sleep: %q", got)
	}
	s.keys("enter").wants("S  asleep")
	s.keys("enter").wants("sleeping")
	s.keys("end")
	if got := s.cursorLine(); !strings.Contains(got, "T lists the 1250 others too") {
		t.Errorf("the CPU's page does not end with its other tasks: %q", got)
	}
	s.keys("enter").wants("tasks of CPU 3, by wait", "asleep")
}

func TestOnlyRunnableTasks(t *testing.T) {
	s := start(t, 80, 24, newSamples(t, 500).next()).keys("4", "R").wants("with is:runnable").lacks("asleep", "sleeper")
	s.keys("end").lacks("asleep")
	s.keys("R").wants("tasks, by wait", "asleep")
	s.keys("/").text("cpu=1").keys("enter", "R").wants("with cpu=1 is:runnable").lacks("asleep")
	s.keys("R").wants("with cpu=1, by wait").keys("esc", "/").text("sleeping").wants("500 of ", "asleep")
}

func TestStandings(t *testing.T) {
	ago := dump.Of(-time.Second)
	for _, tc := range []struct {
		name string
		task dump.Task
		want standing
	}{
		{"the running task", dump.Task{Current: true, RunnableAt: ago, State: dump.Of(byte('R'))}, runs},
		{"waits", dump.Task{RunnableAt: ago, State: dump.Of(byte('R'))}, waits},
		{"is about to sleep, but still on the queue", dump.Task{RunnableAt: ago, State: dump.Of(byte('S'))}, waits},
		{"queued, its wait unknown", dump.Task{Flags: dump.Of(uint32(queuedFlag)), State: dump.Of(byte('R'))}, waits},
		{"sleeps", dump.Task{State: dump.Of(byte('D')), Flags: dump.Of(uint32(8))}, sleeps},
		{"of a real-time class", dump.Task{State: dump.Of(byte('R')), Flags: dump.Of(uint32(8))}, unqueued},
		{"the last task of a dump that is cut off", dump.Task{State: dump.Of(byte('R'))}, waits},
	} {
		if got := standingOf(&tc.task); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got.word(), tc.want.word())
		}
	}
}
