// SPDX-License-Identifier: GPL-2.0-only

package load

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The files that a group's process inherits.
const (
	boardFile = 3
	aliveFile = 4
)

// RunChild must come first in the main function, or TestMain, of a program
// that starts loads. In a group's process it runs the tasks and does not
// return; otherwise it returns at once.
func RunChild() {
	text := os.Getenv(childVar)
	if text == "" {
		return
	}
	err := runTasks(text)
	_, _ = fmt.Fprintln(os.Stderr, err) // for the one who started it
	os.Exit(1)
}

// runTasks starts the tasks and stays for as long as they run.
func runTasks(text string) error {
	var spec Spec
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		return err
	}
	board, err := mapBoard(os.NewFile(boardFile, "board"), spec.Count)
	if err != nil {
		return err
	}
	body, err := newBody(&spec)
	if err != nil {
		return err
	}
	// The tasks keep to themselves what the Go runtime has to give, so it
	// needs enough of it, and must not wait for them to collect garbage.
	const others = 4
	runtime.GOMAXPROCS(spec.Count + others)
	debug.SetMaxThreads(2*spec.Count + 1000)
	debug.SetGCPercent(-1)
	// Nothing of the Go runtime is between a task that is ready and its work,
	// and none spins before all are ready: where hundreds spin, each handing
	// over to the next would take minutes.
	ready := make(chan error, spec.Count)
	var all atomic.Bool
	gate := unix.NsecToTimespec(int64(200 * time.Millisecond))
	for i := range spec.Count {
		go func() {
			runtime.LockOSThread()
			if err := settle(&spec, i); err != nil {
				ready <- err
				return
			}
			s := &board.slots[i]
			err := body.begin(s)
			ready <- err
			if err == nil {
				for spec.Kind == Spin && !all.Load() {
					sleep(&gate)
				}
				body.run(i, s)
			}
		}()
	}
	for range spec.Count {
		if err := <-ready; err != nil {
			return err
		}
	}
	all.Store(true)
	if _, err := unix.Write(aliveFile, []byte{1}); err != nil {
		return err
	}
	for {
		_ = unix.Pause() // until it is killed
	}
}

// settle makes the calling thread what task i is to be.
func settle(spec *Spec, i int) error {
	comm := fmt.Sprintf("%s-%d", spec.Comm, i)
	if over := len(comm) - 15; over > 0 { // the number is what tells them apart
		comm = spec.Comm[:max(0, len(spec.Comm)-over)] + comm[len(spec.Comm):]
	}
	name := append([]byte(comm), 0)
	if _, _, errno := unix.Syscall(unix.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(unsafe.SliceData(name))), 0); errno != 0 { //nolint:gosec // a system call
		return fmt.Errorf("name task %d: %w", i, errno)
	}
	if len(spec.CPUs) > 0 {
		var set unix.CPUSet
		for k, cpu := range spec.CPUs {
			if !spec.Pin || k == i%len(spec.CPUs) {
				set.Set(cpu)
			}
		}
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			return fmt.Errorf("set CPUs of task %d: %w", i, err)
		}
	}
	attr := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: uint32(spec.Policy), Nice: int32(spec.Nice)} //nolint:gosec // the kernel checks it
	if spec.Policy == FIFO {
		attr.Priority = 1
	}
	if err := unix.SchedSetAttr(0, attr, 0); err != nil {
		return fmt.Errorf("set policy of task %d: %w", i, err)
	}
	return nil
}
