// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"scxdiag/dump"
)

// feedVariable names the pipe from which the program of TestFeedProgram takes
// its orders.
const feedVariable = "SCXDIAG_TEST_FEED"

// TestFeedProgram is no test but the program that TestTmuxLive watches in a
// terminal.
func TestFeedProgram(t *testing.T) {
	orders := os.Getenv(feedVariable)
	if orders == "" {
		t.Skip("the program of TestTmuxLive")
	}
	pipe, err := os.Open(orders)
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	s, asked := newSamples(t, 1000), make(chan struct{}, 1)
	snapshots, status := make(chan *dump.Snapshot), make(chan string)
	go func() {
		lines := make(chan string)
		go func() {
			for scan := bufio.NewScanner(pipe); scan.Scan(); {
				lines <- scan.Text()
			}
		}()
		defer close(snapshots)
		for {
			select {
			case <-asked:
				snapshots <- s.next()
			case order := <-lines:
				switch order {
				case "sample":
					snapshots <- s.next()
				case "crash":
					snapshots <- crash(t)
				case "end":
					return
				default:
					status <- order
				}
			}
		}
	}()
	feed := Feed{Snapshots: snapshots, Status: status, Sample: func() { asked <- struct{}{} }}
	if os.Getenv(panicVariable) != "" {
		feed.Sample = func() { panic("a defect") }
	}
	if err := Watch(t.Context(), feed, Options{}); err != nil {
		t.Fatal(err)
	}
}

// TestTmuxLive watches a feed in a real terminal.
func TestTmuxLive(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "orders")
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
			pipe, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer pipe.Close()
			order := func(s string) {
				if _, err := pipe.WriteString(s + "\n"); err != nil {
					t.Fatal(err)
				}
			}
			term := newTerminal(t, size[0], size[1])
			term.typeText(feedVariable + "=" + path + " " + self + " -test.run '^TestFeedProgram$'; echo status=$?").press("Enter")
			term.waitFor("Waiting for the first snapshot.", "q quit")
			order("booting \x1b[31ma kernel")
			term.waitFor(`booting \x1b[31ma kernel`)
			order("sample")
			term.waitFor("LIVE  10:02:00 UTC", "1/1", "[1 Triage]", "a sample of the scheduler at work", "1000 sleeping")
			term.press("D").waitFor("LIVE  10:02:02 UTC", "2/2", "p pause")
			term.press("4").waitFor("[4 Tasks]", "1013 tasks", ">    132ms")
			term.press("R").waitFor("with is:runnable")
			term.press("p").waitFor("PAUSED  10:02:02 UTC", "p resume")
			order("sample")
			order("sample every 2s")
			term.waitFor("PAUSED, 1 newer  10:02:02 UTC  sample every 2s", "2/3")
			term.press("[").waitFor("PAUSED, 2 newer  10:02:00 UTC", "1/3")
			order("crash")
			term.waitFor("[1 Triage]", "FAILED ERROR_STALL", "4/4", "websrv[228] failed to run for 35.632s", "You were at 1.")
			order("sample")
			term.waitFor("PAUSED, 1 newer", "4/5")
			term.press("L").waitFor("5 snapshots", "FAILED ERROR_STALL", ">    4")
			term.press("Escape").waitFor("[1 Triage]", "p resume")
			term.press("p").waitFor("LIVE", "5/5", "RUNNING")
			order("end")
			term.waitFor("ENDED", "5/5")
			resizeLive(term, size)
			term.press("q").waitFor("shell>", "status=0")
		})
	}
}

func resizeLive(term *terminal, size [2]int) {
	for _, to := range [][2]int{{60, 15}, {40, 10}, {100, 30}, size} {
		term.resize(to[0], to[1])
		if to[0] < minWidth {
			term.waitFor("scxdiag needs 60x15")
			continue
		}
		term.until("the whole screen", func(s string) bool {
			lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
			return len(lines) == to[1] && strings.Contains(lines[1], "ENDED") && strings.Contains(lines[to[1]-1], "q quit")
		})
	}
}

// TestWatchLeavesNothingBehind looks that no goroutine is left over, whichever
// way the program ends and although the feed stays open.
func TestWatchLeavesNothingBehind(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  func(keys io.Writer, cancel func())
		want error
	}{
		{"by key", func(keys io.Writer, _ func()) { fmt.Fprint(keys, "q") }, nil},
		{"by context", func(_ io.Writer, cancel func()) { cancel() }, context.Canceled},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			in, keys := io.Pipe()
			snapshots, status := make(chan *dump.Snapshot), make(chan string)
			ended := make(chan error)
			go func() {
				var out bytes.Buffer
				ended <- Watch(ctx, Feed{Snapshots: snapshots, Status: status}, Options{
					Input: in, Output: &out, Environ: []string{"TERM=xterm"},
				})
			}()
			snapshots <- newSamples(t, 10).next()
			status <- "one"
			status <- "two"
			tc.end(keys, cancel)
			if err := <-ended; !errors.Is(err, tc.want) {
				t.Errorf("Watch gives %v, want %v", err, tc.want)
			}
			in.Close()
			tick, deadline := time.NewTicker(time.Millisecond), time.After(patience)
			defer tick.Stop()
			for {
				stacks := make([]byte, 1<<20)
				stacks = stacks[:runtime.Stack(stacks, true)]
				if !bytes.Contains(stacks, []byte("bubbletea")) && !bytes.Contains(stacks, []byte("tui.(*live)")) {
					return
				}
				select {
				case <-tick.C:
				case <-deadline:
					t.Fatalf("still there:\n%s", stacks)
				}
			}
		})
	}
}

func TestWatchNeedsATerminalThatPlacesItsCursor(t *testing.T) {
	if err := Watch(t.Context(), Feed{}, Options{Environ: []string{"TERM=dumb"}}); !errors.Is(err, ErrDumbTerminal) {
		t.Errorf("got %v", err)
	}
}
