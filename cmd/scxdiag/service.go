// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"fmt"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"scxdiag/dump"
)

// service tells the service manager how a command does. A nil service, where there is
// none that wants to know, tells nobody. It is of one goroutine, but for stopping.
type service struct {
	states chan string
	done   chan struct{}
	every  time.Duration // between signs of life; 0: none are wanted
	last   time.Time     // when the last one was given
	said   string        // the status
}

const (
	serviceQueue = 16
	serviceEnd   = time.Second // for what is yet to be told
)

// startService starts to tell whoever $NOTIFY_SOCKET names, in the background: the
// socket may be full. What goes wrong is said once.
func startService(say func(error)) *service {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return nil
	}
	s := &service{states: make(chan string, serviceQueue), done: make(chan struct{})}
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		say(fmt.Errorf("read how often the service manager wants a sign of life: %w", err))
	}
	s.every = limit / 2
	go func() {
		defer close(s.done)
		failed := false
		for state := range s.states {
			if _, err := daemon.SdNotify(false, state); err != nil && !failed {
				failed = true
				say(fmt.Errorf("tell the service manager: %w", err))
			}
		}
	}()
	return s
}

// send tells a state. If too much is to be told already, it is left out.
func (s *service) send(state string) {
	if s == nil {
		return
	}
	select {
	case s.states <- state:
	default:
	}
}

func (s *service) ready() { s.send(daemon.SdNotifyReady) }

func (s *service) stopping() { s.send(daemon.SdNotifyStopping) }

// status tells in a line how it goes.
func (s *service) status(text string) {
	if s != nil && text != s.said {
		s.said = text
		s.send("STATUS=" + dump.Printable(text))
	}
}

// alive gives a sign of life when one is due.
func (s *service) alive(now time.Time) {
	if s != nil && s.every > 0 && now.Sub(s.last) >= s.every {
		s.last = now
		s.send(daemon.SdNotifyWatchdog)
	}
}

// close waits until all is told, but not for long.
func (s *service) close() {
	if s == nil {
		return
	}
	close(s.states)
	select {
	case <-s.done:
	case <-time.After(serviceEnd):
	}
}
