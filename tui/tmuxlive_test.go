// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// emulationFlaw is in what the program says if the emulator broke the guest's
// kernel, as it does at times (vm.ErrEmulation, which this package may not
// know): then the same is to be tried again.
const emulationFlaw = "known flaw of emulation"

// TestTmuxLiveInAVirtualMachine watches a scheduler work in a virtual machine,
// in a real terminal, until it fails.
func TestTmuxLiveInAVirtualMachine(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what takes a virtual machine")
	}
	scxdiag := binary(t)
	for _, after := range []string{"30s", "90s", "180s"} {
		if watchItFail(t, scxdiag, after) {
			return
		}
	}
	t.Fatal("three times the emulator broke the kernel, or the scheduler failed before all was seen")
}

// watchItFail has the scheduler fail after some time. It returns false if the emulator
// broke the guest's kernel, or this machine took longer for what is to be seen before.
func watchItFail(t *testing.T, scxdiag, after string) bool {
	t.Helper()
	term := newTerminal(t, 80, 24)
	pidFile := filepath.Join(t.TempDir(), "pid")
	term.typeText("sh -c 'echo $$ >" + pidFile + "; exec " + scxdiag + " live --vm --interval 1s --inject error-now@" + after + "'; echo status=$?").press("Enter")
	term.waitFor("Waiting for the first snapshot", "QEMU")
	term.patience = 4 * time.Minute // emulated, on a machine that does other things too
	const none = "The source ended without a snapshot"
	broken := func(s string) bool { return strings.Contains(s, emulationFlaw) }
	first := term.until("a first sample", func(s string) bool {
		return broken(s) || strings.Contains(s, "RUNNING") || strings.Contains(s, none)
	})
	switch {
	case broken(first):
		return false
	case strings.Contains(first, none):
		t.Fatal(first)
	}
	qemu := childOf(t, pidFile)

	// The time and the numbers of all views move on.
	term.patience = 90 * time.Second
	clock := regexp.MustCompile(`LIVE +(\d\d:\d\d:\d\d)`)
	var shown []string
	for _, view := range []struct {
		key   string
		wants []string
	}{
		{"2", []string{"[2 Cells]", "/a/x", "/b"}},
		{"4", []string{"[4 Tasks]", " ran", "batch-0["}},
		{"3", []string{"[3 CPUs]", "ONLINE"}},
	} {
		term.press(view.key)
		before := term.until("the view of "+view.key, func(s string) bool { return broken(s) || failed(s) || all(s, view.wants) })
		after := term.until("another sample", func(s string) bool {
			return broken(s) || failed(s) || all(s, view.wants) && body(s) != body(before) &&
				clock.FindString(s) != clock.FindString(before)
		})
		if broken(before+after) || failed(before+after) {
			t.Logf("view %s was not seen in time:\n%s", view.key, after)
			return false
		}
		shown = append(shown, after)
	}
	crash := term.until("the failure", func(s string) bool {
		return broken(s) || all(s, []string{"[1 Triage]", "FAILED ERROR_BPF", "injected: error-now", "! INJECTED", "PAUSED"})
	})
	if broken(crash) {
		return false
	}
	t.Logf("%s\n%s", strings.Join(shown, "\n"), crash)
	term.waitFor("ENDED")
	term.press("q").waitFor("shell>", "status=0")
	term.until("the end of "+qemu, func(string) bool { return !alive(qemu) })
	return true
}

func failed(s string) bool { return strings.Contains(s, "FAILED") }

func all(s string, texts []string) bool {
	for _, t := range texts {
		if !strings.Contains(s, t) {
			return false
		}
	}
	return true
}

// body is a screen of a live session without the lines above the view.
func body(screen string) string {
	lines := strings.Split(screen, "\n")
	return strings.Join(lines[min(3, len(lines)):], "\n")
}

// childOf is the folder in /proc of the QEMU that a process started.
func childOf(t *testing.T, pidFile string) string {
	t.Helper()
	pid, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range all {
		status, _ := os.ReadFile(filepath.Join(dir, "status")) // it may have ended
		args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		if bytes.Contains(status, []byte("\nPPid:\t"+strings.TrimSpace(string(pid))+"\n")) && bytes.Contains(args, []byte("qemu")) {
			return dir
		}
	}
	t.Fatalf("process %s runs no QEMU", strconv.Quote(string(pid)))
	return ""
}

// alive reports whether a process is there that was QEMU.
func alive(dir string) bool {
	args, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	return err == nil && bytes.Contains(args, []byte("qemu"))
}
