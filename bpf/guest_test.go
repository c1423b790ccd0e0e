// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"scxdiag/bpf/realtime"
	"scxdiag/bpf/vm"
	"scxdiag/bpf/vm/load"
)

// guestEnv is set in a test that runs in a guest.
const guestEnv = "SCXDIAG_TEST_GUEST"

// kernels are the series that tests run on.
var kernels = []string{"7.3", "6.16"}

func TestMain(m *testing.M) {
	vm.RunGuest()
	load.RunChild()
	flag.Parse()
	// The pool of guests decides which tests run at the same time.
	if err := flag.Set("test.parallel", "1000"); err != nil {
		panic(err) // package testing has the flag
	}
	code := m.Run()
	pool.close()
	os.Exit(code)
}

// inGuest runs f in a guest, once for each kernel: the calling test runs there
// again and comes here a second time. It fails, and does not skip, where there
// is no QEMU or no kernel. The limit is one for f. Tests with a high one come
// first.
func inGuest(t *testing.T, limit time.Duration, f func(t *testing.T)) {
	t.Helper()
	inGuests(t, everyKernel(), limit, f)
}

// everyKernel is a guest for each kernel.
func everyKernel() []guest {
	var all []guest
	for _, kernel := range kernels {
		all = append(all, guest{kernel: kernel})
	}
	return all
}

// inGuests is inGuest for guests of choice. They run at the same time as far as there
// is room for them, and so do tests.
func inGuests(t *testing.T, guests []guest, limit time.Duration, f func(t *testing.T)) {
	t.Helper()
	if os.Getenv(guestEnv) != "" {
		if err := realtime.Enter(); err != nil {
			t.Fatal(err)
		}
		f(t)
		return
	}
	if testing.Short() {
		t.Skip("-short leaves out what takes a virtual machine")
	}
	t.Parallel()
	name := t.Name()
	for _, g := range guests {
		t.Run(g.String(), func(t *testing.T) {
			t.Parallel()
			s := pool.take(g, limit)
			defer pool.release(s)
			runInGuest(t, s, name, limit)
		})
	}
}

// runInGuest runs one test in a guest. The emulator at times breaks a kernel
// that patches its own text; that much is tried again.
func runInGuest(t *testing.T, s *seat, name string, limit time.Duration) {
	t.Helper()
	for try := 1; ; try++ {
		m := s.up(t.Context(), t)
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		t.Cleanup(cancel)
		var out bytes.Buffer
		var sink io.Writer = &out
		if testing.Verbose() { // as it comes: a test may take minutes
			sink = io.MultiWriter(&out, &lines{prefix: s.guest.String() + "| ", to: os.Stdout})
		}
		err := m.Run(ctx, vm.Cmd{
			Args:   []string{vm.Self, "-test.run=^" + name + "$", "-test.v", "-test.timeout=" + limit.String(), "-churn=" + churnFor.String()},
			Env:    guestVars(),
			Stdout: sink, Stderr: sink,
		})
		if *keepDumps {
			takeKept(t, s.guest.kernel, out.String())
		}
		if !testing.Verbose() {
			t.Log("\n" + strings.TrimRight(out.String(), "\n"))
		}
		if errors.Is(err, vm.ErrEmulation) && try < 3 {
			t.Log("the emulator broke the kernel; again:", err)
			continue
		}
		if err != nil {
			t.Logf("console:\n%s", m.Console())
			s.close() // who knows how it is
			t.Fatal(err)
		}
		return
	}
}

// guestVars is what a test finds in its environment that runs in a guest.
func guestVars() []string {
	vars := []string{guestEnv + "=1"}
	if *keepDumps {
		vars = append(vars, keepEnv+"=1")
	}
	return vars
}

// lines writes whole lines behind a prefix that says which of several guests
// they are of. A line without an end is never written.
type lines struct {
	prefix string
	to     io.Writer
	rest   []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		if _, err := io.WriteString(l.to, l.prefix+string(line)+"\n"); err != nil {
			return 0, err
		}
		l.rest = rest
	}
}
