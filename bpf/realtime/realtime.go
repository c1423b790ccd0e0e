// SPDX-License-Identifier: GPL-2.0-only

package realtime

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Priority is the real-time priority that Enter gives. It is above the
// kernel's threaded interrupt handlers, which run at 50.
const Priority = 60

// policy is what Enter gives: one under which threads of the same priority take
// turns on a CPU. The Go runtime has places where a thread spins until another
// has done its part; under SCHED_FIFO, with only one CPU online, that other
// thread would never run.
const policy = unix.SCHED_RR

// Enter gives every thread of this process, and those that it will make, the
// policy SCHED_RR at Priority, and locks its memory as it comes into use.
// It needs CAP_SYS_NICE and CAP_IPC_LOCK. Children inherit the policy: start
// them with Start.
func Enter() error {
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
		return fmt.Errorf("lock memory: %w", err)
	}
	// A thread made by one that has been changed inherits the policy, so a
	// pass that finds nothing left to do is the last.
	for changed := true; changed; {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("list threads: %w", err)
		}
		changed = false
		for _, t := range threads {
			tid, err := strconv.Atoi(t.Name())
			if err != nil {
				return fmt.Errorf("list threads: %w", err)
			}
			did, err := enter(tid)
			if err != nil {
				return fmt.Errorf("set policy SCHED_RR: %w", err)
			}
			changed = changed || did
		}
	}
	return nil
}

// enter changes one thread and reports whether that was needed.
func enter(tid int) (bool, error) {
	attr, err := unix.SchedGetAttr(tid, 0)
	if err == nil {
		if attr.Policy == policy {
			return false, nil
		}
		err = unix.SchedSetAttr(tid, &unix.SchedAttr{
			Size: unix.SizeofSchedAttr, Policy: policy, Priority: Priority,
		}, 0)
	}
	if errors.Is(err, unix.ESRCH) { // it has ended
		return false, nil
	}
	return err == nil, err
}

// Start starts cmd as cmd.Start does, but with the ordinary policy
// SCHED_OTHER and nice value 0 if this process has a real-time one.
func Start(cmd *exec.Cmd) error {
	// The child inherits from the thread that forks. The Go runtime makes no
	// thread from a locked one, so none of its own inherits the flag.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return fmt.Errorf("get policy: %w", err)
	}
	if attr.Policy == unix.SCHED_FIFO || attr.Policy == unix.SCHED_RR {
		reset := *attr
		reset.Flags |= unix.SCHED_FLAG_RESET_ON_FORK
		if err := unix.SchedSetAttr(0, &reset, 0); err != nil {
			return fmt.Errorf("set policy for children: %w", err)
		}
		defer func() { _ = unix.SchedSetAttr(0, attr, 0) }() // what it had before
	}
	return cmd.Start()
}
