// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/yamux"
	"golang.org/x/sys/unix"
)

// ErrClosed is the error of a machine that Close has ended.
var ErrClosed = errors.New("machine is closed")

const (
	// bootSilence is how long the kernel may print nothing while it boots. On
	// emulated CPUs of a host that is four times too busy, 29 s were seen.
	bootSilence = 90 * time.Second
	// boots is how often a guest is booted that stops half-way, as an emulated
	// kernel was seen to do, rarely.
	boots = 3
	// crashTime is how long a crashed kernel has to print what it has to say.
	crashTime = 10 * time.Second
)

// Machine is a running guest. All its methods may be called at the same time.
type Machine struct {
	accel   Accel
	console *console
	session *yamux.Session
	opening sync.Mutex // held to open the streams of a call next to each other

	cancel  context.CancelCauseFunc // ends QEMU
	stopped chan struct{}           // closed when QEMU has ended and err is set
	err     error
}

// Start boots a machine and returns when programs can run in it. A guest that
// stops in the midst of that is booted again, at most twice. The machine
// ends with ctx, with Close, and with this process; or by itself, and then
// Done is closed and everything that waits for the guest returns a DeathError.
func Start(ctx context.Context, config Config) (*Machine, error) {
	m, err := startHeard(ctx, config, bootSilence)
	if err != nil {
		return nil, fmt.Errorf("start a machine: %w", err)
	}
	return m, nil
}

// startHeard is Start with a limit for how long a boot may be silent.
func startHeard(ctx context.Context, config Config, limit time.Duration) (*Machine, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := CheckQEMU(); err != nil {
		return nil, err
	}
	initramfs, err := newInitramfs(config.Program, config.Files)
	if err != nil {
		return nil, err
	}
	defer func() { _ = initramfs.Close() }() // QEMU has its own
	for try := 1; ; try++ {
		m, err := startOnce(ctx, &config, initramfs, limit)
		var silent *silentError
		if !errors.As(err, &silent) {
			return m, err
		}
		if try == boots {
			return nil, fmt.Errorf("booted %d times: %w", boots, err)
		}
		if config.Say != nil {
			config.Say(err.Error() + "; booting it again")
		}
	}
}

// startOnce boots a machine.
func startOnce(ctx context.Context, config *Config, initramfs *os.File, limit time.Duration) (*Machine, error) {
	own, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer func() { _ = theirs.Close() }() // likewise

	m := &Machine{accel: Emulation, console: &console{}, stopped: make(chan struct{})}
	if !config.ICount && probeKVM(ctx) {
		m.accel = KVM
	}
	m.session, err = yamux.Client(own, sessionConfig())
	if err != nil {
		_ = own.Close()
		return nil, err
	}
	ctx, m.cancel = context.WithCancelCause(ctx)
	started := make(chan error, 1)
	go m.runQEMU(ctx, qemuArgs(config, m.accel), []*os.File{initramfs, theirs}, started)
	if err = <-started; err == nil {
		err = m.awaitAgent(ctx, limit)
	}
	if err != nil {
		_ = m.Close()
		return nil, err
	}
	return m, nil
}

// silentError tells that a guest stopped while it booted.
type silentError struct {
	limit time.Duration
	last  string // lastWords of its console
}

func (e *silentError) Error() string {
	return fmt.Sprintf("the boot stands still for %v; %s", e.limit, e.last)
}

// awaitAgent returns when the agent answers.
func (m *Machine) awaitAgent(ctx context.Context, limit time.Duration) error {
	silent := errors.New("silent")
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer m.console.whenSilent(limit, func() { cancel(silent) })()
	c, err := m.call(ctx, &request{Op: opPing})
	if err == nil {
		err = c.finish()
	}
	if errors.Is(err, silent) {
		return &silentError{limit, lastWords(m.console.Bytes())}
	}
	return err
}

// socketPair makes a connection and gives both ends of it.
func socketPair() (net.Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	mine, theirs := os.NewFile(uintptr(fds[0]), "agent"), os.NewFile(uintptr(fds[1]), "agent")
	conn, err := net.FileConn(mine)
	_ = mine.Close() // conn has its own
	if err != nil {
		_ = theirs.Close()
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	return conn, theirs, nil
}

// runQEMU owns QEMU from its start to its end.
func (m *Machine) runQEMU(ctx context.Context, args []string, files []*os.File, started chan<- error) {
	defer close(m.stopped)
	// The kernel kills QEMU when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	crashed := make(chan struct{})
	m.console.crash = func() { close(crashed) }
	var said bytes.Buffer
	cmd := exec.Command(qemuProgram, args...) //nolint:gosec // its arguments are of this package
	cmd.ExtraFiles = files
	cmd.Stdout, cmd.Stderr = m.console, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err := cmd.Start()
	started <- err
	if err != nil {
		m.err = err
		_ = m.session.Close()
		return
	}
	ended := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() { killWhen(ctx, cmd.Process, crashed, ended) })
	_ = cmd.Wait() // what it says is in its state
	close(ended)
	watch.Wait()
	if m.err = context.Cause(ctx); m.err == nil {
		m.err = autopsy(m.console.Bytes(), "QEMU ended: "+cmd.ProcessState.String(), said.String())
	}
	_ = m.session.Close()
}

// killWhen kills QEMU when its context ends, and some time after the guest
// crashed if that has not ended QEMU.
func killWhen(ctx context.Context, process *os.Process, crashed, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-ctx.Done():
	case <-crashed:
		timer := time.NewTimer(crashTime)
		defer timer.Stop()
		select {
		case <-ended:
			return
		case <-ctx.Done():
		case <-timer.C:
		}
	}
	_ = process.Kill() // it may just have ended
}

// Close ends the machine and waits until QEMU is gone. It may be called again,
// and after the machine has ended. It returns nothing but nil.
func (m *Machine) Close() error {
	m.cancel(ErrClosed)
	<-m.stopped
	return nil
}

// Done is closed when the machine has ended.
func (m *Machine) Done() <-chan struct{} { return m.stopped }

// Err says why the machine ended: a *DeathError, ErrClosed, or what its
// context ended with. It is nil while the machine is running.
func (m *Machine) Err() error {
	select {
	case <-m.stopped:
		return m.err
	default:
		return nil
	}
}

// Accel is how the machine's instructions are executed.
func (m *Machine) Accel() Accel { return m.accel }

// Console is what the guest's kernel last printed, at most 256 KiB of it.
func (m *Machine) Console() []byte { return m.console.Bytes() }
