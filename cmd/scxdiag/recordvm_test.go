// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

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
	m, err := vm.Start(ctx, vm.Config{Kernel: kernel, Program: builtProgram(t), Files: []vm.File{{Path: guestShell, Host: self}}})
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
	var exit *vm.ExitError
	err = m.Run(ctx, vm.Cmd{Args: []string{vm.Self, "live", "--headless", "--interval", "0", "--inject", "error-now@1s"}})
	if !errors.As(err, &exit) || exit.Code != exitFailure {
		return errors.Join(errors.New("the scheduler did not fail"), err)
	}
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
	if strings.Count(said.String(), "\n") != 2 {
		t.Errorf("something is missing there: %s", said.String())
	}
	told, err := m.ReadFile(ctx, guestTold)
	if err != nil {
		t.Errorf("the command: %v", err)
	}
	for _, want := range []string{"policy 0\n", "SCXDIAG_MESSAGE=injected: error-now\n", "SCXDIAG_ID=" + s.ID + "\n", "document of " + s.ID + "\n", "Uid:\t65534\t", "CapEff:\t" + serviceCapMask() + "\n"} {
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
