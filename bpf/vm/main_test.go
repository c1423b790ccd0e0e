// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// guestTest is set in the environment of this program when it runs in a guest
// as a test's command.
const guestTest = "SCXDIAG_VM_TEST"

func TestMain(m *testing.M) {
	RunGuest()
	if os.Getenv(guestTest) != "" {
		if err := guestMain(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// boot starts a machine for a test, which then runs beside another.
func boot(t *testing.T, series string, config Config) *Machine {
	t.Helper()
	if testing.Short() {
		t.Skip("boots a machine")
	}
	t.Parallel()
	var err error
	config.Kernel, err = Kernel(t.Context(), series, func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	config.Say = func(s string) { t.Log(s) }
	m, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	t.Logf("booted %s with %s in %v", series, m.Accel(), time.Since(began).Round(100*time.Millisecond))
	return m
}

// command is a command that guestMain does.
func command(args ...string) Cmd {
	return Cmd{Args: append([]string{Self}, args...), Env: []string{guestTest + "=1"}}
}

// run runs a command to its end and returns its output.
func run(t *testing.T, m *Machine, args ...string) string {
	t.Helper()
	var out, diag bytes.Buffer
	c := command(args...)
	c.Stdout, c.Stderr = &out, &diag
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := m.Run(ctx, c); err != nil {
		t.Fatalf("%v: %v: %s", args, err, diag.String())
	}
	return out.String()
}

// read reads a file of the guest without the space around its content.
func read(t *testing.T, m *Machine, path string) string {
	t.Helper()
	data, err := m.ReadFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// exit is the ExitError in err.
func exit(err error) ExitError {
	var e *ExitError
	if errors.As(err, &e) {
		return *e
	}
	return ExitError{}
}

// await waits until a condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-limit:
			t.Fatal("never: " + what)
		case <-tick.C:
		}
	}
}
