// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"scxdiag/bpf"
	"scxdiag/bpf/vm"
	"scxdiag/dump/wire"
)

// stopWithin is how long a guest has to end its scheduler in order.
const stopWithin = time.Minute

// inVM is the source that runs the scheduler, and a load for it, in a virtual
// machine. The same program runs inside; what it sends is records.
func (l *live) inVM(ctx context.Context, f feed) error {
	kernel, err := l.kernel(ctx, f.status)
	if err != nil {
		return err
	}
	f.status("booting a kernel in QEMU")
	// The machine outlives ctx, which after the boot only asks the scheduler
	// to end.
	inside, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	booted := context.AfterFunc(ctx, kill)
	m, err := vm.Start(inside, vm.Config{Kernel: kernel, CPUs: l.vmCPUs, Say: f.status})
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	defer func() { _ = m.Close() }() // it is to be gone, whatever happens
	if !booted() {
		return context.Cause(ctx)
	}
	if m.Accel() == vm.Emulation {
		f.status("the CPUs are emulated: all takes its time")
	}

	records, stdout := io.Pipe()
	stderr := &lineWriter{line: f.status}
	guest, err := m.Start(inside, vm.Cmd{Args: l.guestArgs(), Stdout: stdout, Stderr: stderr})
	if err != nil {
		return err
	}
	read := make(chan error, 1)
	go func() { read <- readRecords(records, f) }()
	stop := context.AfterFunc(ctx, func() {
		_ = guest.Signal(syscall.SIGTERM) // if it is gone, so much the better
		time.AfterFunc(stopWithin, kill)
	})
	defer stop()
	go forwardSamples(inside, f.sample, guest)

	err = guest.Wait()
	_ = stdout.Close()
	if readErr := <-read; err == nil {
		err = readErr
	}
	if ctx.Err() != nil && errors.As(err, new(*vm.ExitError)) {
		err = nil // it was told to end, maybe before it could do that in order
	}
	return guestEnd(err, stderr.last)
}

// readyVM says what is missing for a virtual machine. A kernel that has yet to be
// fetched is not.
func (l *live) readyVM(ctx context.Context) error {
	if err := vm.CheckQEMU(); err != nil {
		return err
	}
	if slices.Contains(vm.Kernels(), l.vmKernel) {
		return nil
	}
	_, err := l.kernel(ctx, nil)
	return err
}

// kernel finds the kernel that --vm-kernel names.
func (l *live) kernel(ctx context.Context, status func(string)) (string, error) {
	if strings.Contains(l.vmKernel, "/") {
		if info, err := os.Stat(l.vmKernel); err != nil || !info.Mode().IsRegular() {
			return "", fmt.Errorf("--vm-kernel %s: no such kernel image", l.vmKernel)
		}
		return l.vmKernel, nil
	}
	return vm.Kernel(ctx, l.vmKernel, status)
}

// guestArgs is the command line of scxdiag inside.
func (l *live) guestArgs() []string {
	args := []string{
		vm.Self, "live", "--headless", "--format", string(liveRecords), "--demo-load",
		"--interval", l.interval.String(), "--duration", l.duration.String(), "--cell-parent", l.cellParent,
	}
	if l.inject != "" {
		args = append(args, "--inject", l.inject)
	}
	return append(args, "--restart="+strconv.FormatBool(l.restart))
}

// guestError is what scxdiag inside said last before it failed.
type guestError struct{ said string }

func (e *guestError) Error() string { return e.said }

// guestEnd is what the end of scxdiag inside means.
func guestEnd(err error, said string) error {
	var exit *vm.ExitError
	switch {
	case !errors.As(err, &exit):
		return err
	case exit.Code == exitFailure:
		return bpf.ErrFailed
	case exit.Code == exitError && said != "":
		return &guestError{said}
	}
	return fmt.Errorf("scxdiag in the virtual machine: %w", err)
}

// readRecords makes snapshots of a stream of records.
func readRecords(src io.Reader, f feed) error {
	r := wire.NewReader(src, wire.Options{})
	for {
		d, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the records of the virtual machine: %w", err)
		}
		f.dump(bpf.Complete(d))
	}
}

// forwardSamples passes each request for a sample on to the guest.
func forwardSamples(ctx context.Context, sample <-chan struct{}, guest *vm.Process) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-sample:
			_ = guest.Signal(syscall.SIGUSR1) // if it is gone, its end is reported elsewhere
		}
	}
}

// lineWriter passes on each line written to it, without the program's own
// name, which this program puts in front again.
type lineWriter struct {
	line func(string)
	last string // line passed on
	part []byte // of the next
}

// maxLine bounds a line, in bytes; what is beyond is left out.
const maxLine = 4096

func (w *lineWriter) Write(p []byte) (int, error) {
	for _, c := range p {
		switch {
		case c == '\n':
			w.last = strings.TrimPrefix(string(w.part), "scxdiag: ")
			w.part = w.part[:0]
			w.line(w.last)
		case len(w.part) < maxLine:
			w.part = append(w.part, c)
		}
	}
	return len(p), nil
}
