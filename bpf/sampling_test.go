// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"errors"
	"slices"
	"testing"
	"time"

	"scxdiag/dump"
)

// fakeSource is a kernel whose tasks wait as it is told.
type fakeSource struct {
	w      Waiting
	err    error
	looked int
}

func (f *fakeSource) ready() bool { return true }

func (f *fakeSource) waiting() (Waiting, error) {
	f.looked++
	return f.w, f.err
}

func (f *fakeSource) sample() (*dump.Snapshot, error) { return &dump.Snapshot{}, f.err }

// fakeSampling is a sampling of it, at a time of its own.
type fakeSampling struct {
	*sampling
	source  *fakeSource
	is      bool // a scheduler is enabled
	now     time.Time
	got     []dump.Trigger
	said    []string
	waiting []time.Duration
}

func newFakeSampling() *fakeSampling {
	f := &fakeSampling{source: &fakeSource{w: Waiting{Limit: 8 * time.Second, sched: 1}}, is: true, now: time.Unix(0, 0)}
	r := &Recorder{
		Halfway:  true,
		Snapshot: func(s *dump.Snapshot) { f.got = append(f.got, s.Trigger) },
		Status:   func(line string) { f.said = append(f.said, line) },
		Waits:    func(w Waiting) { f.waiting = append(f.waiting, w.For) },
	}
	f.sampling = r.newSampling()
	f.sampling.source, f.enabled = f.source, func() bool { return f.is }
	return f
}

// wait lets a task of a scheduler have waited for so long, and time pass until the next
// look is due.
func (f *fakeSampling) wait(sched uint64, d time.Duration) {
	f.source.w.sched, f.source.w.For = sched, d
	f.now = f.now.Add(time.Second)
	f.look(f.now)
}

func TestHalfway(t *testing.T) {
	f := newFakeSampling()
	for _, step := range []struct {
		sched uint64
		waits time.Duration
		want  int // samples so far
	}{
		{1, 0, 0},
		{1, 3999 * time.Millisecond, 0},
		{1, 4 * time.Second, 1}, // half of the limit
		{1, 5 * time.Second, 1}, // still the same
		{1, 3 * time.Second, 1}, // another one waits for long
		{1, 5 * time.Second, 1},
		{1, time.Second, 1}, // it is over
		{1, 4 * time.Second, 2},
		{2, 4 * time.Second, 3}, // another scheduler
	} {
		f.wait(step.sched, step.waits)
		if len(f.got) != step.want {
			t.Errorf("after a wait of %v: %d samples, want %d", step.waits, len(f.got), step.want)
		}
	}
	if want := slices.Repeat([]dump.Trigger{dump.TriggerHalfway}, 3); !slices.Equal(f.got, want) {
		t.Errorf("got %v", f.got)
	}
}

func TestLooksAreApart(t *testing.T) {
	f := newFakeSampling()
	for range 50 { // ten seconds
		f.look(f.now)
		f.now = f.now.Add(lookEvery)
	}
	if f.source.looked != 10 {
		t.Errorf("%d looks in ten seconds at a limit of 8 s", f.source.looked)
	}
	f.is = false
	f.look(f.now)
	f.is = true
	f.look(f.now)
	if f.source.looked != 11 {
		t.Error("a scheduler that has just come was not looked at")
	}
}

func TestSamplesThatFail(t *testing.T) {
	f := newFakeSampling()
	f.wait(1, 3*time.Second)
	f.source.err = errors.New("broken")
	f.wait(1, 4*time.Second)
	f.now = f.now.Add(waitRetry)
	f.wait(1, 5*time.Second)
	if len(f.got) != 0 || !slices.Equal(f.said, []string{"broken"}) || !slices.Equal(f.waiting, []time.Duration{3 * time.Second, 0, 0}) {
		t.Errorf("got %v, said %q, waiting %v", f.got, f.said, f.waiting)
	}
	f.source.err = nil
	f.now = f.now.Add(waitRetry)
	f.wait(1, 5*time.Second)
	if len(f.got) != 1 {
		t.Error("no sample when it works again")
	}
	f.is = false
	if f.take(dump.TriggerSample) {
		t.Error("a sample without a scheduler")
	}
	f.wait(1, 5*time.Second)
	if last := f.waiting[len(f.waiting)-1]; last != 0 {
		t.Errorf("without a scheduler a task waits for %v", last)
	}
}
