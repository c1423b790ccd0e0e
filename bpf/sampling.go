// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"time"

	"scxdiag/dump"
)

// sampling says when a recorder takes samples. It is of the goroutine of Run.
type sampling struct {
	r      *Recorder
	ticker *time.Ticker // nil: no interval
	next   time.Time    // when to look for waiting tasks again
	// halfway is the scheduler of which a sample was taken because a task had waited too
	// long, until none waits for long any more. noScheduler: there is none such.
	halfway uint64
	failed  bool // the last sample did, which was said
}

// noScheduler is no scheduler's address.
const noScheduler = ^uint64(0)

// How often to look for waiting tasks: an eighth of what the scheduler may let one
// wait, so that the sample comes at five eighths at the latest.
const (
	waitLooks     = 8
	waitLookLeast = 200 * time.Millisecond
	waitLookIdle  = time.Second // there is no scheduler
)

func (r *Recorder) newSampling() *sampling {
	s := &sampling{r: r, halfway: noScheduler}
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
	return s.r.Sample
}

func (s *sampling) ready() bool { return s.r.sampler != nil && s.r.sampler.ready() }

// look looks for waiting tasks, if it is time to.
func (s *sampling) look(now time.Time) {
	if s.r.sampler == nil || now.Before(s.next) {
		return
	}
	if !enabled() && s.ready() {
		s.next = now.Add(waitLookIdle)
		s.halfway = noScheduler
		s.waits(Waiting{})
		return
	}
	w, err := s.r.sampler.waiting()
	if err != nil {
		s.next = now.Add(watchdogMost)
		s.waits(Waiting{})
		s.say(err)
		return
	}
	s.next = now.Add(max(w.Limit/waitLooks, waitLookLeast))
	if !s.ready() {
		s.next = now.Add(waitLookLeast)
		return
	}
	s.waits(w)
	switch {
	case w.For < w.Limit/4:
		s.halfway = noScheduler
	case s.r.Halfway && w.For >= w.Limit/2 && s.halfway != w.sched:
		s.halfway = w.sched
		s.take(dump.TriggerHalfway)
	}
}

// enabled reports whether a scheduler has all its tasks: not yet while it is enabled.
func enabled() bool {
	state, err := State()
	return err == nil && state == "enabled"
}

func (s *sampling) waits(w Waiting) {
	if s.r.Waits != nil {
		s.r.Waits(w)
	}
}

// take takes a sample, if there is a scheduler. That one fails is no reason to stop.
func (s *sampling) take(why dump.Trigger) {
	if !enabled() {
		return
	}
	snapshot, err := s.r.sampler.sample()
	if err != nil {
		s.say(err)
		return
	}
	s.failed = false
	snapshot.Trigger = why
	s.r.Snapshot(snapshot)
}

func (s *sampling) say(err error) {
	if !s.failed {
		s.r.say(err.Error())
	}
	s.failed = true
}
