// SPDX-License-Identifier: GPL-2.0-only

package realtime_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"scxdiag/bpf/realtime"
)

// shareEnv makes this program a process whose threads share a CPU.
const shareEnv = "SCXDIAG_TEST_SHARE"

func TestMain(m *testing.M) {
	if os.Getenv(shareEnv) != "" {
		os.Exit(share())
	}
	os.Exit(m.Run())
}

// TestThreadsShareACPU has two threads wait for each other without giving up
// their CPU, which is the same for both. It needs root.
func TestThreadsShareACPU(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	// The places in the runtime that this stands for cannot be interrupted.
	cmd.Env = append(os.Environ(), shareEnv+"=1", "GODEBUG=asyncpreemptoff=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func share() int {
	runtime.GOMAXPROCS(max(3, runtime.NumCPU()))
	if err := realtime.Enter(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var turn atomic.Int32
	var over atomic.Bool
	time.AfterFunc(5*time.Second, func() { over.Store(true) })
	done := make(chan error, 2)
	for me := range int32(2) {
		go func() { done <- takeTurns(&turn, me, &over) }()
	}
	if err := errors.Join(<-done, <-done); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// takeTurns spins on CPU 0 until the other has had its turn, some times.
func takeTurns(turn *atomic.Int32, me int32, over *atomic.Bool) error {
	runtime.LockOSThread()
	var cpu unix.CPUSet
	cpu.Set(0)
	if err := unix.SchedSetaffinity(0, &cpu); err != nil {
		return err
	}
	for range 3 {
		for turn.Load() != me && !over.Load() { // without a call, at which the runtime could step in
		}
		if over.Load() {
			return errors.New("the other thread had no turn")
		}
		turn.Store(1 - me)
	}
	return nil
}
