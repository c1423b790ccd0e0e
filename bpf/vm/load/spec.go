// SPDX-License-Identifier: GPL-2.0-only

package load

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Kind is what the tasks of a group do. Each time that a task has done it, its
// progress grows by one.
type Kind string

// The kinds of load.
const (
	// Spin is threads that use all the CPU time they can get.
	Spin Kind = "spin"
	// Sleep is threads that sleep for Period.
	Sleep Kind = "sleep"
	// Fork is threads that fork a process, which sleeps for Period and exits,
	// and wait for it.
	Fork Kind = "fork"
	// Hop is processes that move themselves to the next of Hops, stay there
	// for Period, and so on.
	Hop Kind = "hop"
	// Pair is threads that wake each other through pipes: the first the second
	// and the second the first, and so on. Its Count is even.
	Pair Kind = "pair"
)

// Policy is a scheduling policy, the kernel's SCHED_ number.
type Policy uint32

// The policies of tasks.
const (
	Normal Policy = unix.SCHED_NORMAL
	FIFO   Policy = unix.SCHED_FIFO // at priority 1
	Ext    Policy = unix.SCHED_EXT  // for schedulers that do not take all tasks
)

// Spec describes a group of tasks.
type Spec struct {
	Kind   Kind
	Count  int           // how many tasks
	Period time.Duration // as Kind says; 0 is 1 ms
	Hops   []string      // folders of cgroups, for Hop

	Comm   string // task i is called Comm-i, cut to 15 bytes; empty is Kind
	Cgroup string // folder of the cgroup that the tasks start in; empty is the caller's
	CPUs   []int  // where the tasks may run; empty is wherever the cgroup may
	Pin    bool   // pin each task to one of CPUs, in turn
	Policy Policy
	Nice   int
}

// check fills in what was left out and says what is wrong.
func (s *Spec) check() error {
	switch s.Kind {
	case Spin, Sleep, Fork:
	case Hop:
		if len(s.Hops) == 0 {
			return errors.New("hop: no cgroups to hop between")
		}
	case Pair:
		if s.Count%2 != 0 {
			return fmt.Errorf("pair: %d tasks do not make pairs", s.Count)
		}
	default:
		return fmt.Errorf("no such kind of load: %q", s.Kind)
	}
	if s.Count < 1 {
		return fmt.Errorf("%s: %d tasks", s.Kind, s.Count)
	}
	if s.Pin && len(s.CPUs) == 0 {
		return fmt.Errorf("%s: no CPUs to pin to", s.Kind)
	}
	if s.Period == 0 {
		s.Period = time.Millisecond
	}
	if s.Comm == "" {
		s.Comm = string(s.Kind)
	}
	return nil
}
