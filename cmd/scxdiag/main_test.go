// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"scxdiag/dump"
	"scxdiag/dump/store"
	"scxdiag/dump/wire"
	"scxdiag/dump/wire/wiretest"
)

// crashLog has a stall of scx_mitosis: websrv[228] waits for CPU 1.
const crashLog = "../../testdata/dumps/7.3-scx_mitosis-head-cell-rt-hog.log"

func TestMain(m *testing.M) {
	if os.Args[0] == guestShell {
		os.Exit(runGuestShell(os.Args[1:]))
	}
	testscript.Main(m, map[string]func(){"scxdiag": main})
}

// records are ring-buffer records as live collects them: three samples, of 20,
// 21 and 22 tasks, one second after the other; those of wiretest.Host begin at
// 2026-09-21 14:13:21 UTC.
func records(host wire.Host) []byte {
	b := host.Append(nil)
	for i := range 3 {
		for _, r := range wiretest.Sample(uint64(i+1)*1e9, 20+i).Records() {
			b = append(b, r...)
		}
	}
	return b
}

// TestScripts runs the program as a user would. The real dumps of the project
// are in $DUMPS, its actions in $ACTIONS; cells.records is in the directory that a script starts in.
func TestScripts(t *testing.T) {
	dumps, err := filepath.Abs("../../testdata/dumps")
	if err != nil {
		t.Fatal(err)
	}
	actions, err := filepath.Abs("../../.github/actions")
	if err != nil {
		t.Fatal(err)
	}
	half := halfwayRecording(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "github": github(t), "tmpfs": tmpfs},
		Condition: func(what string) (bool, error) {
			switch what {
			case "sched_ext":
				_, err := os.Stat("/sys/kernel/sched_ext")
				return err == nil, nil
			case "tmpfs": // can be mounted
				dir := t.TempDir()
				err := unix.Mount("tmpfs", dir, "tmpfs", 0, "")
				if err == nil {
					err = unix.Unmount(dir, unix.MNT_DETACH)
				}
				return err == nil, nil
			}
			return false, fmt.Errorf("no such condition: %s", what)
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("DUMPS", dumps)
			e.Setenv("ACTIONS", actions)
			e.Setenv("TERM", "xterm")
			e.Setenv("TZ", "UTC")
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, "state"))
			return errors.Join(
				os.WriteFile(filepath.Join(e.WorkDir, "halfway.scxdiag"), half, 0o600),
				os.WriteFile(filepath.Join(e.WorkDir, "cells.records"), records(wiretest.Host), 0o600),
			)
		},
	})
}

func halfwayRecording(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a"+store.Ext)
	st, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &dump.Snapshot{
		Trigger: dump.TriggerHalfway, Scheduler: "mitosis", Time: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
	}
	if _, _, err := st.Add(t.Context(), s, store.AddOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tmpfs mounts a small file system: tmpfs DIR SIZE.
func tmpfs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tmpfs dir size")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.Mkdir(dir, 0o700))
	ts.Check(unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+args[1]))
	ts.Defer(func() { ts.Check(unix.Unmount(dir, unix.MNT_DETACH)) })
}

// exits runs a program that must end with a given code: exits CODE PROGRAM
// ARG...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program [arg...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%s: %v", args[1], err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}
