// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// listen is a service manager's socket.
func listen(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return c
}

func received(t *testing.T, c *net.UnixConn, n int) (all []string) {
	t.Helper()
	b := make([]byte, 4096)
	for range n {
		got, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(b[:got]))
	}
	return all
}

func TestAServiceTellsHowItDoes(t *testing.T) {
	c := listen(t)
	t.Setenv("WATCHDOG_USEC", "10000000")
	s := startService(func(err error) { t.Error(err) })
	s.ready()
	s.status("watching evil\nREADY=1\x1b[m")
	s.status("watching evil\nREADY=1\x1b[m") // nothing new
	now := time.Now()
	for _, at := range []int{0, 1, 4, 5, 9, 10, 14} {
		s.alive(now.Add(time.Duration(at) * time.Second))
	}
	s.stopping()
	s.close()
	want := []string{"READY=1", `STATUS=watching evil\nREADY=1\x1b[m`, "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"}
	if got := received(t, c, len(want)); !slices.Equal(got, want) {
		t.Errorf("told %q", got)
	}
}

func TestAServiceWithoutAWatchdogGivesNoSign(t *testing.T) {
	c := listen(t)
	t.Setenv("WATCHDOG_USEC", "")
	s := startService(func(err error) { t.Error(err) })
	s.alive(time.Now())
	s.stopping()
	s.close()
	if got := received(t, c, 1); got[0] != "STOPPING=1" {
		t.Errorf("told %q", got)
	}
}

func TestNobodyIsTold(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	s := startService(func(err error) { t.Error(err) })
	if s != nil {
		t.Error("somebody is told")
	}
	s.ready()
	s.status("x")
	s.alive(time.Now())
	s.stopping()
	s.close()
}

// TestAServiceManagerThatIsGoneIsNoHarm has a socket that nobody reads: first there is
// none, then it is full.
func TestAServiceManagerThatIsGoneIsNoHarm(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "none"))
	t.Setenv("WATCHDOG_USEC", "nonsense")
	var said []error
	s := startService(func(err error) { said = append(said, err) })
	s.ready()
	s.stopping()
	s.close()
	if len(said) != 2 { // of the watchdog, and once of the socket
		t.Errorf("said %v", said)
	}
	listen(t)
	t.Setenv("WATCHDOG_USEC", "")
	s = startService(func(error) {})
	for range 10_000 {
		s.send("STATUS=x")
	}
	s.close()
}
