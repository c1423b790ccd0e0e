// SPDX-License-Identifier: GPL-2.0-only

package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"scxdiag/bpf/realtime"
)

// childVar tells a process that it is to run the tasks of a group.
const childVar = "SCXDIAG_LOAD"

// Group is a group of running tasks.
type Group struct {
	pid    int
	tids   []int
	cancel context.CancelFunc
	ended  chan struct{} // closed when there are no tasks any more

	mu    sync.Mutex
	board *board   // nil when the tasks have ended
	last  []uint64 // their progress then
}

// Start starts a group and returns when all its tasks run. They end with Stop,
// with ctx, and with this process. Where this process has a real-time policy
// the tasks do not inherit it.
func Start(ctx context.Context, spec Spec) (*Group, error) {
	if err := spec.check(); err != nil {
		return nil, fmt.Errorf("start a load: %w", err)
	}
	g, err := start(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("start a load of %d %s: %w", spec.Count, spec.Comm, err)
	}
	return g, nil
}

func start(ctx context.Context, spec Spec) (*Group, error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	board, memory, err := newBoard(spec.Count)
	if err != nil {
		return nil, err
	}
	defer func() { _ = memory.Close() }() // it is mapped
	// The processes of the group hold the other end until they end.
	alive, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = theirs.Close() }() // likewise

	cmd := exec.Command("/proc/self/exe")
	// Signals that preempt goroutines would interrupt the tasks.
	cmd.Env = append(os.Environ(), childVar+"="+string(text), "GODEBUG=asyncpreemptoff=1")
	cmd.ExtraFiles = []*os.File{memory, theirs}
	var said bytes.Buffer
	cmd.Stderr = &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if spec.Cgroup != "" {
		dir, err := os.Open(spec.Cgroup)
		if err != nil {
			return nil, err
		}
		defer func() { _ = dir.Close() }() // only used to start
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(dir.Fd())
	}
	ctx, cancel := context.WithCancel(ctx)
	g := &Group{board: board, cancel: cancel, ended: make(chan struct{})}
	started, ready := make(chan error, 1), make(chan error, 1)
	go g.own(ctx, cmd, alive, started, ready)
	if err = <-started; err == nil {
		_ = theirs.Close() // so that only the group holds it
		err = <-ready
	}
	if err != nil {
		cause := context.Cause(ctx)
		g.Stop()
		if complaint := strings.TrimSpace(said.String()); complaint != "" {
			err = errors.New(complaint)
		}
		if cause != nil {
			err = cause
		}
		return nil, err
	}
	g.pid, g.tids = cmd.Process.Pid, board.tids()
	return g, nil
}

// errEarly is the error of a group that ends before it is ready.
var errEarly = errors.New("it ended")

// own owns the group's process from its start to its end.
func (g *Group) own(ctx context.Context, cmd *exec.Cmd, alive *os.File, started, ready chan<- error) {
	defer close(g.ended)
	defer func() { _ = alive.Close() }() // only read
	// The kernel kills the process when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := realtime.Start(cmd)
	started <- err
	if err == nil {
		stop := context.AfterFunc(ctx, func() {
			_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL) // it may have ended
		})
		if _, err := alive.Read(make([]byte, 1)); err != nil {
			ready <- errEarly
		}
		close(ready)
		_, _ = io.Copy(io.Discard, alive) // until no process of the group is left
		stop()
		_ = cmd.Wait() // it has been killed
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = g.board.progress()
	_ = unix.Munmap(g.board.memory) // it is mapped
	g.board = nil
}

// Stop ends the tasks and waits until they are gone. It may be called again.
func (g *Group) Stop() {
	g.cancel()
	<-g.ended
}

// PID is the process that the tasks are threads or children of.
func (g *Group) PID() int { return g.pid }

// PIDs are the tasks' thread IDs.
func (g *Group) PIDs() []int { return g.tids }

// Progress is how often each task has done its work, in the order of PIDs.
func (g *Group) Progress() []uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.board == nil {
		return g.last
	}
	return g.board.progress()
}
