// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
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

// machines are the guests that are up, one per kernel; tests share them.
var machines struct {
	sync.Mutex
	up map[guest]*vm.Machine
}

// guest says which guest a test runs in.
type guest struct {
	kernel string
	// counting guests have a clock that counts their instructions, one a
	// nanosecond.
	counting bool
}

func TestMain(m *testing.M) {
	vm.RunGuest()
	load.RunChild()
	code := m.Run()
	for _, machine := range machines.up {
		_ = machine.Close()
	}
	os.Exit(code)
}

// machine is the guest with the given kernel, booted if it is not up.
func machine(ctx context.Context, t *testing.T, g guest) *vm.Machine {
	t.Helper()
	machines.Lock()
	defer machines.Unlock()
	if m := machines.up[g]; m != nil {
		select {
		case <-m.Done(): // a test broke it
			_ = m.Close()
			delete(machines.up, g)
		default:
			return m
		}
	}
	kernel, err := vm.Kernel(ctx, g.kernel, func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	m, err := vm.Start(context.Background(), vm.Config{Kernel: kernel, MemoryMiB: 2048, ICount: g.counting})
	if err != nil {
		t.Fatal(err)
	}
	if machines.up == nil {
		machines.up = make(map[guest]*vm.Machine)
	}
	machines.up[g] = m
	return m
}

// inGuest runs f in a guest, once for each kernel: the calling test runs there
// again and comes here a second time. It fails, and does not skip, where there
// is no QEMU or no kernel.
func inGuest(t *testing.T, limit time.Duration, f func(t *testing.T)) {
	t.Helper()
	var all []guest
	for _, kernel := range kernels {
		all = append(all, guest{kernel: kernel})
	}
	inGuests(t, all, limit, f)
}

// inGuests is inGuest for guests of choice.
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
	name := t.Name()
	for _, g := range guests {
		t.Run(g.kernel, func(t *testing.T) { runInGuest(t, g, name, limit) })
	}
}

// runInGuest runs one test in a guest. The emulator at times breaks a kernel
// that patches its own text; that much is tried again.
func runInGuest(t *testing.T, g guest, name string, limit time.Duration) {
	t.Helper()
	for try := 1; ; try++ {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		t.Cleanup(cancel)
		m := machine(ctx, t, g)
		var out bytes.Buffer
		var sink io.Writer = &out
		if testing.Verbose() { // as it comes: a test may take minutes
			sink = io.MultiWriter(&out, os.Stdout)
		}
		err := m.Run(ctx, vm.Cmd{
			Args:   []string{vm.Self, "-test.run=^" + name + "$", "-test.v", "-test.timeout=" + limit.String()},
			Env:    []string{guestEnv + "=1"},
			Stdout: sink, Stderr: sink,
		})
		if !testing.Verbose() {
			t.Log("\n" + strings.TrimRight(out.String(), "\n"))
		}
		if errors.Is(err, vm.ErrEmulation) && try < 3 {
			t.Log("the emulator broke the kernel; again:", err)
			continue
		}
		if err != nil {
			t.Logf("console:\n%s", m.Console())
			t.Fatal(err)
		}
		return
	}
}
