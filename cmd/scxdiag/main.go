// SPDX-License-Identifier: GPL-2.0-only

// Command scxdiag tells why a sched_ext scheduler failed. See scxdiag --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"scxdiag/bpf/vm"
	"scxdiag/bpf/vm/load"
	"scxdiag/dump"
)

// The exit codes.
const (
	exitOK      = 0
	exitError   = 1 // scxdiag itself failed, or recognised nothing
	exitFailure = 3 // a scheduler failure was found, or by doctor what is wrong
)

var (
	// errFailureFound ends a command that did its work and found that a
	// scheduler failed, or that the machine is not up to something.
	errFailureFound = errors.New("a scheduler failure was found")
	// errReported ends a command that has already said what went wrong.
	errReported = errors.New("already reported")
)

func main() {
	vm.RunGuest() // inside of scxdiag live --vm
	load.RunChild()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run runs the program and returns its exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// A second signal ends the program even if it does not react to the first.
	context.AfterFunc(ctx, stop)

	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := unknownCommand(root, args)
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFailureFound):
		return exitFailure
	case !errors.Is(err, errReported):
		complain(stderr, err)
	}
	return exitError
}

// complain writes an error as one line. That standard error may be gone is no
// reason to stop.
func complain(stderr io.Writer, err error) {
	_, _ = fmt.Fprintln(stderr, "scxdiag: "+dump.Printable(err.Error()))
}
