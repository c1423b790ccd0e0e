// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestAMachineThatCannotBeIsAnError(t *testing.T) {
	const kernel = "image"
	for want, config := range map[string]Config{
		"no kernel given":        {},
		"8 online of 4 possible": {Kernel: kernel, CPUs: 8, PossibleCPUs: 4},
		"share 3 caches":         {Kernel: kernel, LLCs: 3},
		"not enough memory":      {Kernel: kernel, MemoryMiB: 1},
		"no such file":           {Kernel: kernel, Program: "/no/such"},
		"bad magic":              {Kernel: kernel, Program: "doc.go"},
		"CGO_ENABLED=0":          {Kernel: kernel, Program: "/bin/sh"},
		"is not absolute":        {Kernel: kernel, Files: []File{{Path: "x"}}},
	} {
		m, err := Start(t.Context(), config)
		if err == nil {
			_ = m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, not %s", err, want)
		}
	}
}

func TestWithoutQEMUTheErrorSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Start(t.Context(), Config{Kernel: "image"})
	if !errors.Is(err, exec.ErrNotFound) || !strings.Contains(err.Error(), "install the package qemu-system-x86") {
		t.Errorf("got %v", err)
	}
}

func TestWhatQEMUSaysIsInTheError(t *testing.T) {
	_, err := Start(t.Context(), Config{Kernel: "/no/such"})
	var d *DeathError
	if !errors.As(err, &d) || !strings.Contains(d.Cause, "could not open kernel file") {
		t.Errorf("got %v", err)
	}
}

func TestABootEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := Start(ctx, Config{Kernel: bootNothing(t)})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestAGuestThatStandsStillIsBootedAgain(t *testing.T) {
	const limit = 200 * time.Millisecond
	var said []string
	config := Config{Kernel: bootNothing(t), Say: func(s string) { said = append(said, s) }}
	_, err := startHeard(t.Context(), config, limit)
	const silent = "the boot stands still for 200ms; there is nothing on its console"
	if want := "booted 3 times: " + silent; err == nil || err.Error() != want {
		t.Errorf("got %v, not %s", err, want)
	}
	if want := []string{silent + "; booting it again", silent + "; booting it again"}; !slices.Equal(said, want) {
		t.Errorf("it said %q, not %q", said, want)
	}
}

// bootNothing is a kernel image that does nothing: the shortest that QEMU takes
// for one.
func bootNothing(t *testing.T) string {
	t.Helper()
	image := make([]byte, 8<<10)
	image[0x1f1] = 1                                          // sectors of set-up code
	copy(image[0x1fe:], "\x55\xaa")                           // a boot sector
	copy(image[0x200:], "\xeb\xfe")                           // jmp to itself
	copy(image[0x202:], "HdrS\x0f\x02")                       // a kernel of boot protocol 2.15
	image[0x211] = 1                                          // loaded high
	binary.LittleEndian.PutUint32(image[0x22c:], 0x7fff_ffff) // where an initramfs may be
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAMachineEndsWithTheProcessThatStartedIt(t *testing.T) {
	cmd := exec.Command(os.Args[0], "start", bootNothing(t))
	cmd.Env = append(os.Environ(), guestTest+"=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var qemu string
	await(t, "a machine", func() bool {
		qemu = child(t, cmd.Process.Pid, "-initrd")
		return qemu != ""
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	await(t, "the machine's end", func() bool {
		status, err := os.ReadFile(filepath.Join(qemu, "status"))
		return err != nil || bytes.Contains(status, []byte("State:\tZ"))
	})
}

// child is the folder in /proc of a process's child that has an argument, or
// empty.
func child(t *testing.T, parent int, argument string) string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range all {
		status, _ := os.ReadFile(filepath.Join(dir, "status")) // it may have ended
		args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		if bytes.Contains(status, []byte("\nPPid:\t"+strconv.Itoa(parent)+"\n")) && bytes.Contains(args, []byte(argument)) {
			return dir
		}
	}
	return ""
}
