// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"slices"
	"time"

	"scxdiag/dump"
)

// shot is a snapshot of the session.
type shot struct {
	*dump.Snapshot
	nr int       // place in the session, from 1; it stays when others are dropped
	at time.Time // when it was taken, or else when it came; zero if neither is known
	// wait is for how long the task that has waited for longest has.
	wait dump.Value[time.Duration]
}

func newShot(s *dump.Snapshot, nr int) *shot {
	added := &shot{Snapshot: s, nr: nr, at: s.Time}
	if t := s.LongestWaiting(); t != nil {
		wait, _ := t.WaitingFor()
		added.wait = dump.Of(wait)
	}
	return added
}

// kind is how much a snapshot is worth keeping.
type kind uint8

const (
	kindSample  kind = iota
	kindDump         // SysRq-D, or an orderly end
	kindFailure      // what all this is for
	nrKinds
)

func (s *shot) kind() kind {
	switch {
	case s.IsFailure():
		return kindFailure
	case s.Trigger == dump.TriggerSample || s.Trigger == dump.TriggerHalfway:
		return kindSample
	}
	return kindDump
}

// weight is the memory that a snapshot takes, roughly, in KiB. A task takes
// about one, and so does a CPU.
func (s *shot) weight() int {
	return len(s.Tasks) + len(s.CPUs) + len(s.Events)>>3 + len(s.Raw)>>10
}

// keepLimit bounds how many snapshots of a kind a live session keeps.
type keepLimit struct{ snapshots, weight int }

// keepLimits is the bound of each kind. 300 samples are ten minutes of one
// every two seconds. With thousands of tasks the weight comes first: all three
// together are about half a GiB.
var keepLimits = [nrKinds]keepLimit{
	kindSample:  {300, 200_000},
	kindDump:    {100, 100_000},
	kindFailure: {200, 150_000},
}

// trim drops the oldest snapshots of each kind of which there are too many. It
// spares the one that is shown, the marked one, those that a page points back to, the newest,
// and the last of its kind.
func (m *Model) trim() {
	var have [nrKinds]keepLimit
	for _, s := range m.snapshots {
		k := s.kind()
		have[k].snapshots++
		have[k].weight += s.weight()
	}
	shown, newest := m.snapshots[m.current].nr, m.snapshots[m.newest()].nr
	m.snapshots = slices.DeleteFunc(m.snapshots, func(s *shot) bool {
		k := s.kind()
		h, limit := &have[k], keepLimits[k]
		if h.snapshots == 1 || h.snapshots <= limit.snapshots && h.weight <= limit.weight {
			return false
		}
		if s.nr == shown || s.nr == newest || s.nr == m.markNr() || slices.ContainsFunc(m.stack, func(f frame) bool { return f.seen == s.nr }) {
			return false
		}
		h.snapshots--
		h.weight -= s.weight()
		return true
	})
	m.current = m.find(shown)
}

// find is where in the session snapshot nr stands, -1 if it was dropped.
func (m *Model) find(nr int) int {
	i, ok := slices.BinarySearchFunc(m.snapshots, nr, func(s *shot, nr int) int { return s.nr - nr })
	if !ok {
		return -1
	}
	return i
}

// newest is the position of the newest snapshot.
func (m *Model) newest() int { return len(m.snapshots) - 1 }
