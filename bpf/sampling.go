// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"time"

	"scxdiag/dump"
)

// sampling says when samples are taken. It is of the goroutine of Recorder.Run.
type sampling struct {
	source  sampleSource // nil: the kernel has no place for it
	enabled func() bool  // whether a scheduler has all its tasks
	late    bool         // take a sample when a task waits for long
	emit    func(*dump.Snapshot)
	say     func(string)
	waits   func(Waiting)

	ticker *time.Ticker    // nil: no interval
	ask    <-chan struct{} // fires when somebody asks for a sample
	was    bool            // a scheduler was enabled at the last look
	next   time.Time       // when to look for waiting tasks again
	// halfway is the scheduler of which a sample was taken because a task had waited too
	// long, until none waits for long any more. noScheduler: there is none such.
	halfway uint64
	failing bool // which was said
}

// sampleSource is a sampler.
type sampleSource interface {
	ready() bool
	waiting() (Waiting, error)
	sample() (*dump.Snapshot, error)
}

// noScheduler is no scheduler's address.
const noScheduler = ^uint64(0)

// How often to look for waiting tasks: an eighth of what the scheduler may let one wait,
// but no more often than the rings are looked at.
const (
	waitLooks = 8
	waitRetry = 30 * time.Second // after an error
)

func (r *Recorder) newSampling() *sampling {
	s := &sampling{
		enabled: enabled, late: r.Halfway, emit: r.Snapshot, say: r.say, waits: func(Waiting) {}, ask: r.Sample, halfway: noScheduler,
	}
	if r.sampler != nil {
		s.source = r.sampler
	}
	if r.Waits != nil {
		s.waits = r.Waits
	}
	if r.Interval > 0 {
		s.ticker = time.NewTicker(r.Interval)
	}
	return s
}

func (s *sampling) stop() {
	if s.ticker != nil {
		s.ticker.Stop()
	}
}

// interval fires when a sample is due.
func (s *sampling) interval() <-chan time.Time {
	if s.ticker == nil || !s.ready() {
		return nil
	}
	return s.ticker.C
}

// asked fires when somebody asks for a sample.
func (s *sampling) asked() <-chan struct{} {
	if !s.ready() {
		return nil
	}
	return s.ask
}

func (s *sampling) ready() bool { return s.source != nil && s.source.ready() }

// look looks for waiting tasks, if it is time to. It is called as often as the rings
// are looked at.
func (s *sampling) look(now time.Time) {
	if s.source == nil {
		return
	}
	is := s.enabled()
	switch {
	case !s.ready(): // the clock is measured
	case !is:
		if s.was {
			s.waits(Waiting{})
		}
		s.was, s.halfway = false, noScheduler
		return
	case s.was && now.Before(s.next):
		return
	}
	s.was = is
	w, err := s.source.waiting()
	if err != nil {
		s.next = now.Add(waitRetry)
		s.waits(Waiting{})
		s.failed(err)
		return
	}
	s.next = now.Add(w.Limit / waitLooks)
	if !s.ready() || !is {
		return
	}
	s.failing = false
	s.waits(w)
	switch {
	case w.For < w.Limit/4:
		s.halfway = noScheduler
	case s.late && w.For >= w.Limit/2 && s.halfway != w.sched:
		if s.take(dump.TriggerHalfway) {
			s.halfway = w.sched
		}
	}
}

// enabled reports whether a scheduler has all its tasks: not yet while it is enabled.
func enabled() bool {
	state, err := State()
	return err == nil && state == "enabled"
}

// take takes a sample, if there is a scheduler. That one fails is no reason to stop.
func (s *sampling) take(why dump.Trigger) bool {
	if !s.enabled() {
		return false
	}
	snapshot, err := s.source.sample()
	if err != nil {
		s.failed(err)
		return false
	}
	snapshot.Trigger = why
	s.emit(snapshot)
	return true
}

func (s *sampling) failed(err error) {
	if !s.failing {
		s.say(err.Error())
	}
	s.failing = true
}
