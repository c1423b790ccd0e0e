// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"scxdiag/bpf/vm"
	"scxdiag/dump/report"
	"scxdiag/dump/store"
)

// liveWithin is how long a session in a virtual machine may take whose
// scheduler runs for some seconds: emulated, on a busy machine.
const liveWithin = 4 * time.Minute

// document is what the tests look at in a document of live --format json.
type document struct {
	Schema    string
	Snapshots []struct {
		ID      string
		Trigger string
		Source  struct{ Name, Carrier string }
		Exit    *struct{ Name, Message string }
		Ledger  struct {
			Complete bool
			Records  []struct {
				Kind               string
				Expected, Received uint64
			}
		}
		Status struct {
			Faults     []string
			ConfigSeq  uint64 `json:"config_seq"`
			AppliedSeq uint64 `json:"applied_seq"`
			Timer      struct {
				Armed bool
				Runs  uint64
			}
			Grace struct{ Seq uint64 }
		}
		Cgroups []struct {
			Path       string
			HasContext bool `json:"has_context"`
			Cell, Owns int32
		}
		Cells []struct {
			ID        int32
			State     string
			CPUs      string
			OwnerPath string `json:"owner_path"`
		}
		CPUs  []struct{ ID int32 }
		Tasks []struct {
			PID     int32
			Comm    string
			RunTime int64 `json:"run_time_ns"`
		}
	}
}

// liveInVM runs the real program with live --vm and returns what it printed and
// its exit code. The emulator at times breaks a kernel that patches its own
// text; that much is tried again.
func liveInVM(t *testing.T, args ...string) (docs []document, code int) {
	t.Helper()
	return liveInVMWith(t, nil, args...)
}

// liveInVMWith does the same and sends the program a signal when it has said a
// line on standard error or, for "document 3", printed so many.
func liveInVMWith(t *testing.T, signals map[string]os.Signal, args ...string) (docs []document, code int) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short leaves out what takes a virtual machine")
	}
	program := builtProgram(t)
	for try := 1; ; try++ {
		stdout, said, code := runLive(t, signals, exec.Command(program, append([]string{"live", "--vm"}, args...)...))
		if strings.Contains(said, vm.ErrEmulation.Error()) && try < 3 {
			continue
		}
		for line := range strings.Lines(stdout) {
			var d document
			if err := json.Unmarshal([]byte(line), &d); err != nil {
				t.Fatalf("a line is no document: %v\n%.200s", err, line)
			}
			docs = append(docs, d)
		}
		return docs, code
	}
}

// builtProgram is the path of the program, built.
func builtProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scxdiag")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// runLive runs a command to its end, and sends the signals.
func runLive(t *testing.T, signals map[string]os.Signal, cmd *exec.Cmd) (printed, said string, code int) {
	t.Helper()
	var due sync.Map // each signal is sent once
	for what, s := range signals {
		due.Store(what, s)
	}
	happened := func(what string) {
		if s, ok := due.LoadAndDelete(what); ok {
			_ = cmd.Process.Signal(s.(os.Signal)) // if it has ended, the test will tell
		}
	}
	var stdout, stderr bytes.Buffer
	documents := 0
	cmd.Stderr = &lineWriter{line: func(s string) {
		stderr.WriteString(s + "\n")
		happened(s)
	}}
	cmd.Stdout = writerFunc(func(p []byte) {
		stdout.Write(p)
		for range bytes.Count(p, []byte("\n")) {
			documents++
			happened(fmt.Sprint("document ", documents))
		}
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(liveWithin, func() {
		t.Errorf("not done within %s", liveWithin)
		_ = cmd.Process.Kill() // if it has ended, so much the better
	})
	err := cmd.Wait()
	late.Stop()
	t.Logf("%s: %v\n%s", strings.Join(cmd.Args[1:], " "), err, stderr.String())
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// writerFunc is a function that takes what is written.
type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

// TestLiveInAVirtualMachine watches the scheduler work for some samples. It and
// the next ones do not run at the same time: emulated, machines get little done
// next to each other.
func TestLiveInAVirtualMachine(t *testing.T) {
	recording := filepath.Join(t.TempDir(), "cells"+store.Ext)
	docs, code := liveInVMWith(t, map[string]os.Signal{"document 5": syscall.SIGTERM},
		"--headless", "--format", "json", "--interval", "1s", "--record", recording)
	if code != exitOK {
		t.Errorf("exit code %d", code)
	}
	checkRecording(t, recording, docs)
	if len(docs) < 6 { // five samples and the end
		t.Fatalf("only %d documents", len(docs))
	}
	ran := make(map[int32]int64) // by pid
	grew, owners := 0, make(map[string]bool)
	var before struct{ config, applied, runs, grace uint64 }
	inTree := make(map[string]bool)
	for i, d := range docs {
		if d.Schema != report.Schema || len(d.Snapshots) != 1 {
			t.Fatalf("document %d: schema %q, %d snapshots", i, d.Schema, len(d.Snapshots))
		}
		s := d.Snapshots[0]
		want := "sample"
		if i == len(docs)-1 {
			want = "exit"
		}
		if s.Trigger != want || s.Source.Name != "live --vm" || s.Source.Carrier != "ringbuf" {
			t.Errorf("document %d: trigger %q, want %q, source %+v", i, s.Trigger, want, s.Source)
		}
		if !s.Ledger.Complete || len(s.Ledger.Records) == 0 {
			t.Errorf("document %d: ledger %+v", i, s.Ledger)
		}
		for _, c := range s.Cells {
			if c.OwnerPath != "" && c.CPUs != "" && c.State == "live" {
				owners[c.OwnerPath] = true
			}
		}
		now := &s.Status
		if now.ConfigSeq < before.config || now.AppliedSeq < before.applied || now.Grace.Seq < before.grace {
			t.Errorf("document %d: a sequence of %+v is below that of the document before: %+v", i, now, before)
		}
		if want == "sample" && (!now.Timer.Armed || now.Timer.Runs < before.runs || now.Timer.Runs == 0) {
			t.Errorf("document %d: timer %+v, %d runs before", i, now.Timer, before.runs)
		}
		before.config, before.applied, before.runs, before.grace = now.ConfigSeq, now.AppliedSeq, now.Timer.Runs, now.Grace.Seq
		for _, g := range s.Cgroups {
			if g.HasContext && g.Owns != 0 && g.Owns == g.Cell {
				inTree[g.Path] = true
			}
		}
		if want == "sample" && (len(s.CPUs) != 4 || len(s.Tasks) < 50) {
			t.Errorf("document %d: %d CPUs, %d tasks", i, len(s.CPUs), len(s.Tasks))
		}
		for _, task := range s.Tasks {
			before, seen := ran[task.PID]
			switch {
			case seen && task.RunTime < before:
				t.Errorf("document %d: %s[%d] has run for %d ns, before for %d", i, task.Comm, task.PID, task.RunTime, before)
			case seen && task.RunTime > before:
				grew++
			}
			ran[task.PID] = task.RunTime
		}
	}
	for _, path := range []string{"/a", "/a/x", "/b"} {
		if !owners[path] {
			t.Errorf("%s owns no cell; owners are %v", path, owners)
		}
		if !inTree[path] {
			t.Errorf("among the cgroups, %s owns no cell; those that do are %v", path, inTree)
		}
	}
	if before.config == 0 || before.applied == 0 || before.grace == 0 {
		t.Errorf("no configuration or no grace period: %+v", before)
	}
	if grew == 0 {
		t.Error("no task's run time grew")
	}
	t.Logf("%d documents, cells of %d cgroups, %d times a task had run more than in the document before", len(docs), len(owners), grew)
}

// checkRecording looks that a recording holds what was printed, and that what
// it holds is whole. A session that had to be tried again has left more.
func checkRecording(t *testing.T, path string, docs []document) {
	t.Helper()
	st, err := store.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	kept, err := st.List(t.Context(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		id := d.Snapshots[0].ID
		i := slices.IndexFunc(kept, func(e store.Entry) bool { return e.ID == id })
		if i < 0 {
			t.Errorf("%s was printed and not recorded", id)
			continue
		}
		s, err := st.Get(t.Context(), id)
		if err != nil || s.ID() != id || !s.Time.Equal(kept[i].Time) {
			t.Errorf("%s was recorded as something else: %v", id, err)
		}
	}
}

// TestLiveOfASchedulerThatFails looks that the failure is the only document of a
// session without samples, and the exit code.
func TestLiveOfASchedulerThatFails(t *testing.T) {
	docs, code := liveInVM(t, "--format", "json", "--interval", "0", "--inject", "error-now@2s")
	if code != exitFailure {
		t.Errorf("exit code %d", code)
	}
	if len(docs) != 1 || len(docs[0].Snapshots) != 1 {
		t.Fatalf("%d documents", len(docs))
	}
	s := docs[0].Snapshots[0]
	if s.Exit == nil || s.Exit.Name != "ERROR_BPF" || s.Exit.Message != "injected: error-now" || len(s.Status.Faults) != 1 {
		t.Errorf("exit %+v, faults %v", s.Exit, s.Status.Faults)
	}
	if !s.Ledger.Complete || s.Trigger != "crash" {
		t.Errorf("trigger %s, ledger %+v", s.Trigger, s.Ledger)
	}
	t.Logf("%s: %s, %d cells, %d tasks", s.Exit.Name, s.Exit.Message, len(s.Cells), len(s.Tasks))
}

// TestLiveHeedsSignals asks for a sample, and then for the end, which is to be
// an orderly one.
func TestLiveHeedsSignals(t *testing.T) {
	docs, code := liveInVMWith(t, map[string]os.Signal{
		"scxdiag_cells is the scheduler": syscall.SIGUSR1, "document 1": syscall.SIGTERM,
	}, "--format", "json", "--interval", "0")
	if code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if len(docs) != 2 {
		t.Fatalf("%d documents", len(docs))
	}
	sample, last := docs[0].Snapshots[0], docs[1].Snapshots[0]
	if sample.Trigger != "sample" || last.Trigger != "exit" || last.Exit == nil || last.Exit.Name != "UNREG" {
		t.Errorf("a %s, then a %s: %+v", sample.Trigger, last.Trigger, last.Exit)
	}
}

// TestAMistakeInsideIsOneLine looks that what only scxdiag inside can know is
// said once.
func TestAMistakeInsideIsOneLine(t *testing.T) {
	t.Parallel()
	var said []string
	w := &lineWriter{line: func(s string) { said = append(said, s) }}
	for _, part := range []string{"loading\nscxdiag: find the cgroup: ", "no such file\n" + strings.Repeat("x", 2*maxLine)} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Errorf("wrote %d of %d: %v", n, len(part), err)
		}
	}
	if want := "loading|find the cgroup: no such file"; strings.Join(said, "|") != want {
		t.Errorf("said %q", said)
	}
	err := guestEnd(&vm.ExitError{Code: exitError}, w.last)
	var inside *guestError
	if !errors.As(err, &inside) || err.Error() != "find the cgroup: no such file" {
		t.Errorf("got %v", err)
	}
	if err := guestEnd(&vm.ExitError{Signal: 9}, w.last); err == nil || errors.As(err, &inside) {
		t.Errorf("killed inside: %v", err)
	}
}
