// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"scxdiag/bpf/vm"
)

// The guest has no shell. The test program stands in for it there, and for what else is
// around a recorder: a service manager, a web hook, and who asks for metrics.
const (
	guestShell   = "/bin/sh"
	guestHook    = "127.0.0.1:8080"
	guestMetrics = ":9836"
	guestNotify  = "/tmp/notify"
	guestTold    = "/tmp/told"
)

// runGuestShell is the program in the guest.
func runGuestShell(args []string) int {
	var err error
	switch {
	case len(args) == 2 && args[0] == "-c" && args[1] == "tell":
		err = guestTell()
	case len(args) == 1 && args[0] == "outside":
		err = guestOutside()
	case len(args) > 1 && args[0] == "as-service":
		err = asService(args[1:])
	default:
		err = fmt.Errorf("no such command: %q", args)
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return exitError
	}
	return exitOK
}

// guestTell is the command of --exec: it writes down what it was given.
func guestTell() error {
	var b bytes.Buffer
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return err
	}
	fmt.Fprintf(&b, "policy %d\n", attr.Policy)
	for _, v := range os.Environ() {
		if strings.HasPrefix(v, "SCXDIAG_") {
			fmt.Fprintln(&b, v)
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	b.Write(status)
	status, err = os.ReadFile(fmt.Sprintf("/proc/%d/status", os.Getppid()))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(status)) {
		b.WriteString("recorder " + line)
	}
	var d document
	if err := json.NewDecoder(os.Stdin).Decode(&d); err != nil {
		return err
	}
	for _, s := range d.Snapshots {
		fmt.Fprintln(&b, "document of", s.ID)
	}
	return os.WriteFile(guestTold, b.Bytes(), 0o600)
}

// guestOutside prints what a recorder tells, and after each post its metrics.
func guestOutside() error {
	if err := loopbackUp(); err != nil {
		return err
	}
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: guestNotify, Net: "unixgram"})
	if err != nil {
		return err
	}
	if err := os.Chmod(guestNotify, 0o777); err != nil { // as that of systemd
		return err
	}
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := notify.Read(b)
			if err != nil {
				return
			}
			say("%s", b[:n])
		}
	}()
	l, err := net.Listen("tcp", guestHook)
	if err != nil {
		return err
	}
	say("listening")
	s := http.Server{ReadTimeout: time.Minute, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		say("%s %s of %s: %d bytes, %v", r.Method, r.URL, r.Header.Get("X-Scxdiag-Id"), n, err)
		resp, err := http.Get("http://127.0.0.1" + guestMetrics + "/metrics")
		if err != nil {
			say("metrics: %v", err)
			return
		}
		defer resp.Body.Close()
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			say("metric %s", lines.Text())
		}
	})}
	return s.Serve(l)
}

// loopbackUp does what ip link set lo up does.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r)
}

// serviceCaps are the capabilities that the unit in the README leaves.
var serviceCaps = map[string]uintptr{
	"CAP_BPF": unix.CAP_BPF, "CAP_PERFMON": unix.CAP_PERFMON, "CAP_SYS_NICE": unix.CAP_SYS_NICE, "CAP_IPC_LOCK": unix.CAP_IPC_LOCK,
	"CAP_SYSLOG": unix.CAP_SYSLOG,
}

// capMask is how /proc writes capabilities.
func capMask(caps ...int) string {
	mask := uint64(0)
	for _, c := range caps {
		mask |= 1 << c
	}
	return fmt.Sprintf("%016x", mask)
}

// asService runs a program as the unit in the README does: as nobody in particular, with
// some capabilities.
func asService(args []string) error {
	const nobody = 65534
	runtime.LockOSThread() // what follows is of this thread, which becomes the program
	sets := [2]unix.CapUserData{}
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if slices.Contains(slices.Collect(maps.Values(serviceCaps)), c) {
			set := &sets[c/32]
			set.Permitted |= 1 << (c % 32)
			set.Effective, set.Inheritable = set.Permitted, set.Permitted
		} else if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		return err
	}
	for _, call := range []uintptr{unix.SYS_SETRESGID, unix.SYS_SETRESUID} {
		if _, _, errno := syscall.RawSyscall(call, nobody, nobody, nobody); errno != 0 {
			return errno
		}
	}
	if err := unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &sets[0]); err != nil {
		return err
	}
	for _, c := range serviceCaps {
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, c, 0, 0); err != nil {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return syscall.Exec(args[0], args, os.Environ())
}

// outside is guestOutside, seen from the host.
type outside struct{ lines chan string }

func startOutside(ctx context.Context, m *vm.Machine) (*outside, error) {
	o := &outside{lines: make(chan string, 1000)}
	p, err := m.Start(ctx, vm.Cmd{Args: []string{guestShell, "outside"}, Stdout: &lineWriter{line: func(s string) { o.lines <- s }}, Stderr: os.Stderr})
	if err != nil {
		return nil, err
	}
	go func() {
		_ = p.Wait() // it ends with the machine
		close(o.lines)
	}()
	for line := range o.lines {
		if line == "listening" {
			return o, nil
		}
	}
	return nil, fmt.Errorf("%s in the guest: ended", guestShell)
}

// await waits for a line with some text in it.
func (o *outside) await(t *testing.T, text string) {
	t.Helper()
	var before []string
	for line := range o.lines {
		if strings.Contains(line, text) {
			return
		}
		before = append(before, line)
	}
	t.Fatalf("%q did not come; there were %q", text, before)
}
