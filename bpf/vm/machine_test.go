// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"scxdiag/bpf/realtime"
)

func TestGuestOf73(t *testing.T) { testGuest(t, "7.3", Config{LLCs: 2}, testTopology) }

func TestGuestOf616(t *testing.T) {
	testGuest(t, "6.16", Config{LLCs: 2, PossibleCPUs: 8}, testTurnOn)
}

// testGuest tests all that leaves a machine running on one machine.
func testGuest(t *testing.T, series string, config Config, topology func(*testing.T, *Machine)) {
	config.Files = []File{
		{Path: "/data/given", Data: []byte("given"), Mode: 0o600},
		{Path: "/data/copied", Host: "doc.go"},
	}
	m := boot(t, series, config)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *Machine)
	}{
		{"is ready for sched_ext", testReady},
		{"has the topology asked for", topology},
		{"runs commands", testCommands},
		{"has the files given", testFiles},
		{"runs several processes at once", testSeveral},
		{"passes signals on", testSignal},
		{"kills with the context", testKill},
		{"streams binary data", testStream},
		{"makes a fast writer wait", testBackPressure},
		{"ends a process whose reader fails", testReaderFails},
		{"keeps children ordinary and the agent real-time", testPolicy},
		{"answers under load", testLoad},
		{"reaps orphans", testOrphan},
		{"shows the kernel's console", testConsole},
		{"says why the kernel crashed", testCrash}, // the last one
	} {
		if !t.Run(test.name, func(t *testing.T) { test.run(t, m) }) && m.Err() != nil {
			t.Fatalf("%v\n%s", m.Err(), m.Console())
		}
	}
}

func testReady(t *testing.T, m *Machine) {
	if got := read(t, m, "/sys/kernel/sched_ext/state"); got != "disabled" {
		t.Errorf("sched_ext is %s", got)
	}
	if got := strings.Fields(read(t, m, "/sys/fs/cgroup/cgroup.subtree_control")); len(got) != 2 || got[0] != "cpuset" || got[1] != "cpu" {
		t.Errorf("controllers handed down: %v", got)
	}
	for _, path := range []string{"/sys/kernel/btf/vmlinux", "/sys/kernel/tracing/events/sched_ext/sched_ext_dump/id"} {
		if read(t, m, path) == "" {
			t.Errorf("%s is empty", path)
		}
	}
	mounts := read(t, m, "/proc/mounts")
	for _, mount := range []string{"/proc proc", "/sys/fs/bpf bpf", "/tmp tmpfs", "/run tmpfs", "/dev devtmpfs"} {
		if !strings.Contains(mounts, " "+mount+" ") {
			t.Errorf("%s is not mounted", mount)
		}
	}
	if got := read(t, m, "/proc/sys/kernel/hostname"); got != "scxdiag-vm" {
		t.Errorf("the host name is %s", got)
	}
}

func testTopology(t *testing.T, m *Machine) {
	for cpu, want := range []string{"0-1", "0-1", "2-3", "2-3"} {
		path := fmt.Sprintf("/sys/devices/system/cpu/cpu%d/cache/index3/shared_cpu_list", cpu)
		if got := read(t, m, path); got != want {
			t.Errorf("CPU %d shares its cache with %s, not %s", cpu, got, want)
		}
	}
}

func testTurnOn(t *testing.T, m *Machine) {
	const dir = "/sys/devices/system/cpu/"
	if possible, online := read(t, m, dir+"possible"), read(t, m, dir+"online"); possible != "0-7" || online != "0-3" {
		t.Errorf("the CPUs %s are possible and %s online", possible, online)
	}
	if err := m.WriteFile(t.Context(), dir+"cpu5/online", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	if got := read(t, m, dir+"online"); got != "0-3,5" {
		t.Errorf("CPU 5 is not among the CPUs that are online: %s", got)
	}
	for cpu, want := range map[int]string{0: "0-3", 5: "5"} {
		path := fmt.Sprintf(dir+"cpu%d/cache/index3/shared_cpu_list", cpu)
		if got := read(t, m, path); got != want {
			t.Errorf("CPU %d shares its cache with %s, not %s", cpu, got, want)
		}
	}
}

func TestAMachineOfManyPossibleCPUs(t *testing.T) {
	m := boot(t, "7.3", Config{PossibleCPUs: 72})
	const dir = "/sys/devices/system/cpu/"
	if possible, online := read(t, m, dir+"possible"), read(t, m, dir+"online"); possible != "0-71" || online != "0-3" {
		t.Errorf("the CPUs %s are possible and %s online", possible, online)
	}
	// A mask of the kernel's takes more than one word of 64.
	if got := read(t, m, "/sys/devices/system/cpu/cpu0/topology/core_siblings"); strings.Count(got, ",") != 2 {
		t.Errorf("a mask of the kernel's is %s", got)
	}
	if err := m.WriteFile(t.Context(), dir+"cpu71/online", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	if err := m.WriteFile(t.Context(), dir+"cpu1/online", []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	if got := read(t, m, dir+"online"); got != "0,2-3,71" {
		t.Errorf("with CPU 71 instead of CPU 1, %s are online", got)
	}
}

func testCommands(t *testing.T, m *Machine) {
	var out, diag bytes.Buffer
	c := command("echo", "x", "y z", "")
	c.Env = append(c.Env, "A=1 2")
	c.Dir = "/tmp"
	c.Stdin = strings.NewReader("from\x00outside")
	c.Stdout, c.Stderr = &out, &diag
	if err := m.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), `["x" "y z" ""] "1 2" "/root" "/tmp"`+"\nfrom\x00outside"; got != want {
		t.Errorf("standard output is %q, not %q", got, want)
	}
	if got := diag.String(); got != "said\n" {
		t.Errorf("standard error is %q", got)
	}
	out.Reset()
	c = command("echo")
	c.Stdout, c.Stderr = &out, &out
	if err := m.Run(t.Context(), c); err != nil || !strings.HasSuffix(out.String(), "\nsaid\n") {
		t.Errorf("both outputs in one: %q, %v", out.String(), err)
	}
	if err := m.Run(t.Context(), command("echo")); err != nil {
		t.Errorf("without output: %v", err)
	}
	if err := m.Run(t.Context(), command("exit", "7")); exit(err).Code != 7 {
		t.Errorf("exit 7: %v", err)
	}
	if err := m.Run(t.Context(), Cmd{Args: []string{"/no/such"}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a program that is not there: %v", err)
	}
	if err := m.Run(t.Context(), Cmd{}); err == nil {
		t.Error("no command: no error")
	}
}

func testFiles(t *testing.T, m *Machine) {
	if got := read(t, m, "/data/given"); got != "given" {
		t.Errorf("/data/given holds %q", got)
	}
	want, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.ReadFile(t.Context(), "/data/copied"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("/data/copied holds %q, %v", got, err)
	}
	big := make([]byte, 3<<20+1)
	_, _ = newStream().Read(big)
	if err := m.WriteFile(t.Context(), "/tmp/big", big, 0o640); err != nil {
		t.Fatal(err)
	}
	if got, err := m.ReadFile(t.Context(), "/tmp/big"); err != nil || !bytes.Equal(got, big) {
		t.Errorf("a big file came back with %d of %d bytes, %v", len(got), len(big), err)
	}
	if err := m.WriteFile(t.Context(), "/sys/fs/cgroup/cgroup.subtree_control", []byte("+cpu"), 0); err != nil {
		t.Errorf("a cgroup's file: %v", err)
	}
	if _, err := m.ReadFile(t.Context(), "/no/such"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read a file that is not there: %v", err)
	}
	if err := m.WriteFile(t.Context(), "/no/such", big, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("write to a folder that is not there: %v", err)
	}
}

// startReady starts a command and waits until it says that it is ready.
func startReady(ctx context.Context, t *testing.T, m *Machine, args ...string) (*Process, io.Reader) {
	t.Helper()
	r, w := io.Pipe()
	c := command(args...)
	c.Stdout = w
	p, err := m.Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.Wait() // the caller does
		_ = w.Close()
	}()
	line := make([]byte, len("ready\n"))
	if _, err := io.ReadFull(r, line); err != nil || string(line) != "ready\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return p, r
}

func testSeveral(t *testing.T, m *Machine) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a, _ := startReady(ctx, t, m, "hang")
	b, _ := startReady(ctx, t, m, "hang")
	if a.PID() == b.PID() || a.PID() <= 1 {
		t.Errorf("the PIDs are %d and %d", a.PID(), b.PID())
	}
	if got := read(t, m, fmt.Sprintf("/proc/%d/comm", b.PID())); got != "init" {
		t.Errorf("process %d is %s", b.PID(), got)
	}
	cancel()
	for _, p := range []*Process{a, b} {
		if err := p.Wait(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

func testSignal(t *testing.T, m *Machine) {
	p, out := startReady(t.Context(), t, m, "signal")
	if err := p.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(out); err != nil || string(got) != "user defined signal 1\n" {
		t.Errorf("%q, %v", got, err)
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
	if err := p.Signal(syscall.SIGUSR1); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal after the end: %v", err)
	}
	p, _ = startReady(t.Context(), t, m, "hang")
	if err := p.Signal(os.Kill); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); exit(err).Signal != syscall.SIGKILL {
		t.Errorf("killed: %v", err)
	}
}

func testKill(t *testing.T, m *Machine) {
	ctx, cancel := context.WithCancelCause(t.Context())
	p, _ := startReady(ctx, t, m, "hang")
	enough := errors.New("enough")
	cancel(enough)
	if err := p.Wait(); !errors.Is(err, enough) {
		t.Error(err)
	}
	waitGone(t, m, p.PID())
}

// waitGone waits until a process of the guest is no more.
func waitGone(t *testing.T, m *Machine, pid int) {
	t.Helper()
	await(t, "the end of a process", func() bool {
		_, err := m.ReadFile(t.Context(), fmt.Sprintf("/proc/%d/stat", pid))
		return errors.Is(err, fs.ErrNotExist)
	})
}

func testStream(t *testing.T, m *Machine) {
	const size = 8 << 20
	got, want := sha256.New(), sha256.New()
	if _, err := io.CopyN(want, newStream(), size); err != nil {
		t.Fatal(err)
	}
	c := command("bytes", strconv.Itoa(size))
	c.Stdout = got
	began := time.Now()
	if err := m.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MiB/s", size/float64(1<<20)/time.Since(began).Seconds())
	if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		t.Error("other bytes came out")
	}
}

// gate is a writer that takes nothing until it is open.
type gate struct {
	open chan struct{}
	n    int
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	g.n += len(p)
	return len(p), nil
}

func testBackPressure(t *testing.T, m *Machine) {
	const size = 6 << 20
	g := &gate{open: make(chan struct{})}
	c := command("bytes", strconv.Itoa(size))
	c.Stdout = g
	p, err := m.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	// Another process gets through, and this one waits for its reader, which
	// leaves it at most a window and a few buffers.
	if got := run(t, m, "echo"); got == "" {
		t.Error("no output from another process")
	}
	if got := read(t, m, fmt.Sprintf("/proc/%d/comm", p.PID())); got != "init" {
		t.Errorf("the process did not wait: %s", got)
	}
	close(g.open)
	if err := p.Wait(); err != nil || g.n != size {
		t.Errorf("%d of %d bytes, %v", g.n, size, err)
	}
}

// full is a writer that fails.
type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func testReaderFails(t *testing.T, m *Machine) {
	c := command("hang")
	c.Stdout = full{}
	p, err := m.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); !errors.Is(err, errFull) {
		t.Error(err)
	}
	waitGone(t, m, p.PID())
}

func testPolicy(t *testing.T, m *Machine) {
	got := run(t, m, "policy")
	want := fmt.Sprintf("child %d 0x0, parent %d %d\n", unix.SCHED_NORMAL, unix.SCHED_RR, realtime.Priority)
	if !strings.Contains(got, want) || strings.Contains(got, " 0 kB") {
		t.Errorf("%s", got)
	}
}

func testLoad(t *testing.T, m *Machine) {
	p, err := m.Start(t.Context(), command("busy", "1h"))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for range 10 {
		read(t, m, "/proc/uptime")
	}
	t.Logf("an answer takes %v", time.Since(began)/10)
	if err := p.Signal(os.Kill); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); exit(err).Signal != syscall.SIGKILL {
		t.Error(err)
	}
}

func testOrphan(t *testing.T, m *Machine) {
	var pid int
	if _, err := fmt.Sscan(run(t, m, "orphan"), &pid); err != nil {
		t.Fatal(err)
	}
	waitGone(t, m, pid)
}

func testConsole(t *testing.T, m *Machine) {
	if err := m.WriteFile(t.Context(), "/dev/kmsg", []byte("<6>hello from a test\n"), 0); err != nil {
		t.Fatal(err)
	}
	await(t, "a kernel message", func() bool {
		return bytes.Contains(m.Console(), []byte("hello from a test"))
	})
}

func testCrash(t *testing.T, m *Machine) {
	p, _ := startReady(t.Context(), t, m, "hang")
	err := m.WriteFile(t.Context(), "/proc/sysrq-trigger", []byte("c"), 0)
	for _, err := range []error{err, p.Wait(), m.Err(), m.Run(t.Context(), command("echo"))} {
		var d *DeathError
		if !errors.As(err, &d) {
			t.Fatalf("no sign of death: %v", err)
		}
		if !strings.Contains(d.Cause, "sysrq triggered crash") || errors.Is(err, ErrEmulation) {
			t.Error(err)
		}
		if all := strings.Join(d.Lines, "\n"); !strings.Contains(all, "Call Trace") {
			t.Errorf("no stack in %q", all)
		}
	}
	<-m.Done()
}

func TestAMachineThatCountsInstructionsEndsWithoutATrace(t *testing.T) {
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	m := boot(t, "7.3", Config{CPUs: 1, ICount: true})
	if m.Accel() != Emulation {
		t.Errorf("instructions are executed by %s, which does not count them", m.Accel())
	}
	p, _ := startReady(ctx, t, m, "hang")
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if err := p.Wait(); !errors.Is(err, ErrClosed) {
		t.Errorf("the process: %v", err)
	}
	if _, err := m.ReadFile(t.Context(), "/proc/version"); !errors.Is(err, ErrClosed) {
		t.Errorf("a file: %v", err)
	}
	if err := m.Close(); err != nil || !errors.Is(m.Err(), ErrClosed) {
		t.Errorf("again: %v, %v", err, m.Err())
	}
	await(t, "as few goroutines as before", func() bool { return runtime.NumGoroutine() <= before })
}
