// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
)

// Cmd is a command to run in the guest.
type Cmd struct {
	Args []string // the program, such as Self, and its arguments
	Env  []string // added to PATH, HOME and TMPDIR
	Dir  string   // empty is /

	// The process reads nothing where Stdin is nil, and what it writes is
	// dropped where the writer is. Where Stdout and Stderr are the same
	// writer, at most one goroutine at a time calls it. A process that writes
	// faster than its writer takes waits, as with a pipe. Reading from Stdin
	// may go on until its next Read returns, after the process has ended.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// ExitError tells that a process of the guest failed.
type ExitError struct {
	Code   int            // the exit status, or
	Signal syscall.Signal // the signal that ended it, if not 0
}

func (e *ExitError) Error() string {
	if e.Signal != 0 {
		return "signal: " + e.Signal.String()
	}
	return fmt.Sprintf("exit status %d", e.Code)
}

// Process is a process of the guest.
type Process struct {
	call *hostCall
	pid  int
	send sync.Mutex // held to send a signal

	ended chan struct{} // closed when err is set
	err   error
}

// Start starts a process. When ctx ends, it is killed with its process group.
func (m *Machine) Start(ctx context.Context, cmd Cmd) (*Process, error) {
	merge := cmd.Stdout != nil && same(cmd.Stdout, cmd.Stderr)
	call, err := m.call(ctx, &request{
		Op: opRun, Args: cmd.Args, Env: cmd.Env, Dir: cmd.Dir,
		Stdin: cmd.Stdin != nil, Stdout: cmd.Stdout != nil, Stderr: cmd.Stderr != nil && !merge, Merge: merge,
	})
	if err != nil {
		return nil, fmt.Errorf("start %q in the guest: %w", cmd.Args, err)
	}
	r, err := call.receive()
	if err != nil {
		call.abandon()
		return nil, fmt.Errorf("start %q in the guest: %w", cmd.Args, err)
	}
	p := &Process{call: call, pid: r.PID, ended: make(chan struct{})}
	flows := call.flows
	if cmd.Stdin != nil {
		stdin := flows[0]
		flows = flows[1:]
		go func() {
			_, _ = io.Copy(stdin, cmd.Stdin) // it is up to the process to miss something
			_ = stdin.Close()
		}()
	}
	var outputs []io.Writer
	if cmd.Stdout != nil {
		outputs = append(outputs, cmd.Stdout)
	}
	if cmd.Stderr != nil && !merge {
		outputs = append(outputs, cmd.Stderr)
	}
	copied := make([]error, len(outputs))
	var copying sync.WaitGroup
	for i, to := range outputs {
		copying.Go(func() {
			_, copied[i] = io.Copy(to, flows[i])
			if copied[i] != nil {
				_ = call.stream.Close() // nobody would read what it goes on to write
			}
		})
	}
	go func() {
		defer close(p.ended)
		p.err = p.finish(&copying, copied)
	}()
	return p, nil
}

// same tells whether two writers are one.
func same(a, b io.Writer) bool {
	defer func() { _ = recover() }() // they cannot be compared
	return a == b
}

// finish waits for the end of the process and of its output.
func (p *Process) finish(copying *sync.WaitGroup, copied []error) error {
	r, err := p.call.receive()
	if err != nil {
		p.call.abandon()
	}
	copying.Wait()
	p.call.abandon()
	for _, e := range copied {
		if e != nil && err == nil {
			err = p.call.explain(e)
		}
	}
	switch {
	case err != nil:
		return err
	case r.Signal != 0 || r.Code != 0:
		return &ExitError{Code: r.Code, Signal: r.Signal}
	}
	return nil
}

// PID is the process's ID in the guest.
func (p *Process) PID() int { return p.pid }

// Signal sends the process a signal. As with a process of one's own, that
// there is no process any more is os.ErrProcessDone.
func (p *Process) Signal(s os.Signal) error {
	number, ok := s.(syscall.Signal)
	if !ok {
		return fmt.Errorf("signal %v: no such signal", s)
	}
	p.send.Lock()
	defer p.send.Unlock()
	select {
	case <-p.ended:
		return os.ErrProcessDone
	default:
	}
	if err := p.call.enc.Encode(kill{number}); err != nil {
		return fmt.Errorf("signal %v: %w", s, p.call.explain(err))
	}
	return nil
}

// Wait waits until the process has ended and closed its output, and everything
// that it wrote has been taken. It returns nil for exit status 0, an
// *ExitError for another one or a signal, the cause of ctx if that ended
// first, the error of a writer that failed, and a *DeathError if the machine
// died.
func (p *Process) Wait() error {
	<-p.ended
	return p.err
}

// Run runs a command to its end: Start and Wait.
func (m *Machine) Run(ctx context.Context, cmd Cmd) error {
	p, err := m.Start(ctx, cmd)
	if err != nil {
		return err
	}
	if err := p.Wait(); err != nil {
		var exit *ExitError
		if errors.As(err, &exit) {
			return err
		}
		return fmt.Errorf("run %q in the guest: %w", cmd.Args, err)
	}
	return nil
}
