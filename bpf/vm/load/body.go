// SPDX-License-Identifier: GPL-2.0-only

package load

import (
	"fmt"
	"path/filepath"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// body is what the tasks of a group do. Its system calls are raw: the Go
// runtime does not hear of them.
type body struct {
	kind   Kind
	period unix.Timespec
	hops   [][]byte // the files to write to, each with a zero byte at the end
	pipes  [][2]int // task i reads from pipe i
}

func newBody(spec *Spec) (*body, error) {
	b := &body{kind: spec.Kind, period: unix.NsecToTimespec(int64(spec.Period))}
	for _, dir := range spec.Hops {
		b.hops = append(b.hops, append([]byte(filepath.Join(dir, "cgroup.procs")), 0))
	}
	if spec.Kind == Pair {
		b.pipes = make([][2]int, spec.Count)
		for i := range b.pipes {
			if err := unix.Pipe2(b.pipes[i][:], unix.O_CLOEXEC); err != nil {
				return nil, fmt.Errorf("make a pipe: %w", err)
			}
		}
	}
	return b, nil
}

// begin makes a task known, and its process where it has one of its own.
func (b *body) begin(s *slot) error {
	tid := uintptr(unix.Gettid())
	if b.kind == Hop {
		var errno syscall.Errno
		if tid, errno = b.forkHopper(s); errno != 0 {
			return fmt.Errorf("fork: %w", errno)
		}
	}
	s.tid.Store(uint64(tid))
	return nil
}

// run does the work of task i for ever.
func (b *body) run(i int, s *slot) {
	switch b.kind {
	case Spin:
		spin(s)
	case Sleep:
		for {
			sleep(&b.period)
			s.progress.Add(1)
		}
	case Fork:
		b.fork(s)
	case Hop:
		_, _, _ = syscall.RawSyscall6(syscall.SYS_WAIT4, uintptr(s.tid.Load()), 0, 0, 0, 0, 0)
		for { // somebody killed it
			sleep(&b.period)
		}
	case Pair:
		b.pair(i, s)
	}
}

// spin uses CPU time.
func spin(s *slot) {
	for {
		for range 10_000 { // keep to the CPU's own cache
		}
		s.progress.Add(1)
	}
}

//go:nosplit
func sleep(d *unix.Timespec) {
	_, _, _ = syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(d)), 0, 0) //nolint:gosec // it may be shorter
}

// token is what goes through the pipes, and what a process writes to
// cgroup.procs to move itself.
var token = [1]byte{'0'}

//go:nosplit
func writeToken(fd uintptr) syscall.Errno {
	_, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(&token)), 1) //nolint:gosec // a system call
	return errno
}

// pair wakes the partner of task i and waits to be woken.
func (b *body) pair(i int, s *slot) {
	from, to := uintptr(b.pipes[i][0]), uintptr(b.pipes[i^1][1])
	if i&1 == 0 {
		_ = writeToken(to)
	}
	for {
		_, _, _ = syscall.RawSyscall(syscall.SYS_READ, from, uintptr(unsafe.Pointer(&token)), 1) //nolint:gosec // a system call
		s.progress.Add(1)
		_ = writeToken(to)
	}
}

// fork forks processes and waits for them.
func (b *body) fork(s *slot) {
	for {
		pid := forkSleeper(&b.period)
		if pid == 0 {
			sleep(&b.period) // no room for it now
			continue
		}
		_, _, _ = syscall.RawSyscall6(syscall.SYS_WAIT4, pid, 0, 0, 0, 0, 0)
		s.progress.Add(1)
	}
}

// What follows runs in processes that are forked and never execute another
// program. Only the thread that forked is in them, so the Go runtime does not
// work there: no function may grow its stack, be preempted or allocate.

// forkSleeper forks a process that sleeps and exits. It returns 0 if it cannot.
//
//go:nosplit
//go:norace
func forkSleeper(d *unix.Timespec) uintptr {
	pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return 0
	}
	if pid == 0 {
		sleep(d)
		for {
			_, _, _ = syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
	return pid
}

// forkHopper forks a process that hops for as long as its parent lives.
//
//go:nosplit
//go:norace
func (b *body) forkHopper(s *slot) (uintptr, syscall.Errno) {
	pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 || pid != 0 {
		return pid, errno
	}
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0)
	cwd := -100 // AT_FDCWD
	for {
		for i := range b.hops {
			file := uintptr(unsafe.Pointer(unsafe.SliceData(b.hops[i]))) //nolint:gosec // on the heap
			fd, _, errno := syscall.RawSyscall6(syscall.SYS_OPENAT, uintptr(cwd), file, syscall.O_WRONLY, 0, 0, 0)
			if errno == 0 {
				errno = writeToken(fd)
				_, _, _ = syscall.RawSyscall(syscall.SYS_CLOSE, fd, 0, 0)
			}
			if errno == 0 {
				s.progress.Add(1)
			}
			sleep(&b.period)
		}
	}
}
