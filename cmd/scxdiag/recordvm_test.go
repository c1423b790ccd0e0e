// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"scxdiag/bpf/vm"
)

// TestRecordInAVirtualMachine has the real program record there what another one does:
// a scheduler that raises an error.
func TestRecordInAVirtualMachine(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what takes a virtual machine")
	}
	for try := 1; ; try++ {
		err := recordInVM(t)
		if errors.Is(err, vm.ErrEmulation) && try < 3 {
			t.Log("the emulator broke the kernel; again:", err)
			continue
		}
		if err != nil {
			t.Error(err)
		}
		return
	}
}

func recordInVM(t *testing.T) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), liveWithin)
	defer cancel()
	kernel, err := vm.Kernel(ctx, "7.3", func(line string) { t.Log(line) })
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	m, err := vm.Start(ctx, vm.Config{
		Kernel: kernel, Program: builtProgram(t), Files: []vm.File{{Path: guestShell, Host: self}},
		Say: func(line string) { t.Log(line) },
	})
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }() // it is to be gone, whatever happens
	examineInVM(ctx, t, m)
	outside, err := startOutside(ctx, m)
	if err != nil {
		return err
	}
	var out, said bytes.Buffer
	recorder, err := m.Start(ctx, vm.Cmd{
		Args: []string{
			guestShell, "as-service", vm.Self, "record", "--format", "json", "--record", "/tmp/r.scxdiag",
			"--exec", "tell", "--webhook", "http://" + guestHook + "/?token=secret", "--metrics", guestMetrics,
		},
		Env: []string{"NOTIFY_SOCKET=" + guestNotify, "WATCHDOG_USEC=2000000"}, Stdout: &out, Stderr: &said,
	})
	if err != nil {
		return err
	}
	outside.await(t, "READY=1")
	outside.await(t, "WATCHDOG=1")
	attached, err := startAttached(ctx, m)
	if err != nil {
		return err
	}
	var exit *vm.ExitError
	err = m.Run(ctx, vm.Cmd{Args: []string{vm.Self, "live", "--headless", "--interval", "0", "--inject", "error-now@3s"}})
	if !errors.As(err, &exit) || exit.Code != exitFailure {
		return errors.Join(errors.New("the scheduler did not fail"), err)
	}
	attached.check(ctx, t)
	outside.await(t, "POST /?token=secret ")
	outside.await(t, `metric scxdiag_crashes_total{kind="ERROR_BPF",scheduler="scxdiag_cells"} 1`)
	if err := recorder.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := recorder.Wait(); err != nil {
		t.Errorf("record: %v\n%s", err, said.String())
	}
	outside.await(t, "STOPPING=1")
	var got []document
	for dec := json.NewDecoder(&out); dec.More(); {
		var d document
		if err := dec.Decode(&d); err != nil {
			return err
		}
		got = append(got, d)
	}
	if len(got) != 1 {
		t.Fatalf("%d documents; it said:\n%s", len(got), said.String())
	}
	s := got[0].Snapshots[0]
	if s.Trigger != "crash" || s.Exit == nil || s.Exit.Message != "injected: error-now" || len(s.CPUs) != 4 || !s.Ledger.Complete {
		t.Errorf("recorded %+v", s)
	}
	t.Logf("%s, %d tasks; it said: %s", s.Exit.Message, len(s.Tasks), strings.TrimSpace(said.String()))
	if strings.Count(said.String(), "\n") != 4 {
		t.Errorf("something is missing there: %s", said.String())
	}
	told, err := m.ReadFile(ctx, guestTold)
	if err != nil {
		t.Errorf("the command: %v", err)
	}
	for _, want := range []string{"policy 0\n", "SCXDIAG_MESSAGE=injected: error-now\n", "SCXDIAG_ID=" + s.ID + "\n", "document of " + s.ID + "\n", "Uid:\t65534\t", "\nCapEff:\t" + capMask() + "\n", "recorder CapPrm:\t" + capMask(unix.CAP_SYS_NICE, unix.CAP_IPC_LOCK) + "\n"} {
		if !strings.Contains(string(told), want) {
			t.Errorf("the command: %q is missing in %s", want, told)
		}
	}
	kept, err := m.ReadFile(ctx, "/tmp/r.scxdiag")
	if err != nil || !bytes.HasPrefix(kept, []byte("SQLite format 3")) {
		t.Errorf("the recording: %d bytes, %v", len(kept), err)
	}
	return nil
}

// attachedLive is live --attach in the guest.
type attachedLive struct {
	process   *vm.Process
	documents chan document
	said      bytes.Buffer
}

// startAttached waits until it watches.
func startAttached(ctx context.Context, m *vm.Machine) (*attachedLive, error) {
	a := &attachedLive{documents: make(chan document, 1000)}
	ready := make(chan struct{})
	var once sync.Once
	r, w := io.Pipe()
	go func() {
		for dec := json.NewDecoder(r); ; {
			var d document
			if err := dec.Decode(&d); err != nil {
				_ = r.CloseWithError(err)
				return
			}
			a.documents <- d
		}
	}()
	var err error
	a.process, err = m.Start(ctx, vm.Cmd{
		Args:   []string{vm.Self, "live", "--attach", "--headless", "--format", "json", "--interval", "500ms"},
		Stdout: w,
		Stderr: io.MultiWriter(&a.said, &lineWriter{line: func(string) { once.Do(func() { close(ready) }) }}),
	})
	if err != nil {
		return nil, err
	}
	select { // it says which scheduler there is
	case <-ready:
		return a, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("live --attach says nothing: %w", ctx.Err())
	}
}

// check ends it after the crash, and checks what it saw.
func (a *attachedLive) check(ctx context.Context, t *testing.T) {
	t.Helper()
	samples := 0
	for crashed := false; !crashed; {
		select {
		case d := <-a.documents:
			s := d.Snapshots[0]
			crashed = s.Trigger == "crash"
			if s.Trigger == "sample" {
				samples++
				if len(s.CPUs) != 4 || len(s.Tasks) < 20 || !s.Ledger.Complete || s.Exit != nil || len(s.Cells) > 0 {
					t.Errorf("live --attach: a sample: %+v", s)
				}
			}
		case <-ctx.Done():
			t.Fatalf("live --attach: %d samples, no crash; it said: %s", samples, a.said.String())
		}
	}
	if samples == 0 {
		t.Error("live --attach: no sample before the crash")
	}
	if err := a.process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var exit *vm.ExitError
	if err := a.process.Wait(); !errors.As(err, &exit) || exit.Code != exitFailure {
		t.Errorf("live --attach: %v\n%s", err, a.said.String())
	}
	t.Logf("live --attach: %d samples; it said: %s", samples, strings.TrimSpace(a.said.String()))
}

// examineInVM has the doctor look at the guest, where record and live work and
// there is no QEMU.
func examineInVM(ctx context.Context, t *testing.T, m *vm.Machine) {
	t.Helper()
	var doc bytes.Buffer
	if err := m.Run(ctx, vm.Cmd{Args: []string{vm.Self, "doctor", "--format", "json"}, Stdout: &doc}); err != nil {
		t.Errorf("doctor --format json: %v", err)
	}
	var got struct {
		Checks []struct{ ID, Status, Found string }
		Works  map[string]bool
	}
	if err := json.Unmarshal(doc.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if !got.Works["record"] || !got.Works["live"] || got.Works["live --vm"] {
		t.Errorf("it says that there works %v", got.Works)
	}
	for _, c := range got.Checks {
		without := map[string]string{"lockdown": "skipped", "qemu": "error", "vm-kernel": "error"}
		if want := cmp.Or(without[c.ID], "ok"); c.Status != want {
			t.Errorf("%s: %s, want %s: %s", c.ID, c.Status, want, c.Found)
		}
	}
}
