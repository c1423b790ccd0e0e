// SPDX-License-Identifier: GPL-2.0-only

package privilege

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const childEnv = "SCXDIAG_TEST_DROP"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		if err := dropped(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// kept is one of the few that a test may have.
const kept = unix.CAP_KILL

// dropped checks, in a process of its own, what is left in each thread, and in a program
// that it executes.
func dropped() error {
	had, err := permitted("/proc/self/status")
	if err != nil {
		return err
	}
	for range 4 { // threads that there are beforehand
		go func() {
			runtime.LockOSThread()
			select {}
		}()
		runtime.Gosched()
	}
	if err := Drop(kept); err != nil {
		return err
	}
	want := had & (1 << kept)
	threads, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(threads) < 2 {
		return fmt.Errorf("%d threads, %w", len(threads), err)
	}
	for _, name := range threads {
		for _, set := range []string{"CapPrm", "CapEff"} {
			if got, err := capabilities(name, set); got != want || err != nil {
				return fmt.Errorf("%s: %s is %#x, want %#x, %w", name, set, got, want, err)
			}
		}
	}
	out, err := exec.Command("cat", "/proc/self/status").Output()
	if err != nil {
		return err
	}
	file := filepath.Join(os.TempDir(), "status-"+strconv.Itoa(os.Getpid()))
	if err := os.WriteFile(file, out, 0o600); err != nil {
		return err
	}
	defer func() { _ = os.Remove(file) }()
	if got, err := permitted(file); got&^want != 0 || err != nil {
		return fmt.Errorf("a program has %#x, %w", got, err)
	}
	return nil
}

func permitted(file string) (uint64, error) { return capabilities(file, "CapPrm") }

func capabilities(file, set string) (uint64, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, set+":"); ok {
			return strconv.ParseUint(strings.TrimSpace(v), 16, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", file, set)
}

func TestDrop(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestMayWrite(t *testing.T) {
	dir := t.TempDir()
	for mode, want := range map[os.FileMode]bool{0o700: true, 0o300: true, 0o500: false, 0o077: false} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		if got, err := MayWrite(dir); got != want || err != nil {
			t.Errorf("mode %o: %t, %v", mode, got, err)
		}
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file")
	for mode, want := range map[os.FileMode]bool{0o600: true, 0o400: false, 0o066: false} {
		if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chmod(file, mode)); err != nil {
			t.Fatal(err)
		}
		if got, err := MayWrite(file); got != want || err != nil {
			t.Errorf("a file of mode %o: %t, %v", mode, got, err)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() != 0 {
		return // nobody else may give a directory away
	}
	if err := os.Chown(dir, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]bool{0o770: false, 0o703: true} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		if got, err := MayWrite(dir); got != want || err != nil {
			t.Errorf("of another, mode %o: %t, %v", mode, got, err)
		}
	}
	below := filepath.Join(dir, "below")
	if err := errors.Join(os.Mkdir(below, 0o700), os.Chmod(dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	if got, err := MayWrite(below); got || err != nil {
		t.Errorf("below a folder of another: %t, %v", got, err)
	}
	if _, err := MayWrite(filepath.Join(dir, "none")); err == nil {
		t.Error("no error where there is none")
	}
}
