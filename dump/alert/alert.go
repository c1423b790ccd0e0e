// SPDX-License-Identifier: GPL-2.0-only

package alert

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"sync"
	"time"

	"scxdiag/dump"
	"scxdiag/dump/report"
)

// Config says whom to tell, and how. Its functions are called by several goroutines at
// once.
type Config struct {
	// Command is for /bin/sh -c, "" for none. The crash is in its environment and, as
	// a JSON document, on its standard input. After 30 seconds it is killed.
	Command string
	// URL is where to post the JSON document to, "" for nowhere; see CheckURL.
	URL string
	// Recording is the file that the crash is in, "" if in none.
	Recording string
	// StartCommand starts the command, cmd.Start if it is nil.
	StartCommand func(*exec.Cmd) error
	// Say is told what the command writes, and of failures: lines, which have no
	// secret of the URL in them but may hold anything else.
	Say func(error)
	// Count is told of each alert: its kind, "exec" or "webhook", and what became of
	// it: "ok", "failed", or "dropped" if too many waited. Nil if nobody counts.
	Count func(kind, result string)
}

// Kinds are the kinds of alerts, Results what becomes of one.
var (
	Kinds   = []string{kindExec, kindWebhook}
	Results = []string{resultOK, resultFailed, resultDropped}
)

const (
	kindExec, kindWebhook                 = "exec", "webhook"
	resultOK, resultFailed, resultDropped = "ok", "failed", "dropped"
)

// maxQueue is how many crashes may wait for one kind of alert.
const maxQueue = 16

// Alerts tells of crashes. The zero Alerts tells nobody.
type Alerts struct {
	hooks   []*hook
	stop    context.CancelFunc
	running sync.WaitGroup
}

// hook is one way to tell.
type hook struct {
	kind   string
	queue  chan *dump.Snapshot
	tell   func(ctx context.Context, s *dump.Snapshot, document []byte) error
	config *Config
}

// Start starts what a config asks for.
func Start(c Config) (*Alerts, error) {
	if c.Count == nil {
		c.Count = func(string, string) {}
	}
	if c.StartCommand == nil {
		c.StartCommand = (*exec.Cmd).Start
	}
	ctx, stop := context.WithCancel(context.Background())
	a := &Alerts{stop: stop}
	if c.Command != "" {
		a.add(&c, kindExec, (&command{config: &c, limit: commandLimit}).tell)
	}
	if c.URL != "" {
		w, err := newWebhook(c.URL)
		if err != nil {
			stop()
			return nil, err
		}
		a.add(&c, kindWebhook, w.tell)
	}
	for _, h := range a.hooks {
		a.running.Go(func() { h.run(ctx) })
	}
	return a, nil
}

func (a *Alerts) add(c *Config, kind string, tell func(context.Context, *dump.Snapshot, []byte) error) {
	a.hooks = append(a.hooks, &hook{kind: kind, queue: make(chan *dump.Snapshot, maxQueue), tell: tell, config: c})
}

// Send tells of a crash, in the background. The snapshot must not change any more.
func (a *Alerts) Send(s *dump.Snapshot) {
	for _, h := range a.hooks {
		select {
		case h.queue <- s:
		default:
			h.config.Count(h.kind, resultDropped)
			h.config.Say(fmt.Errorf("%s: %d crashes wait already: not told of %s", h.kind, maxQueue, s.ID()))
		}
	}
}

// Close waits for what is under way until ctx is done, and then ends it. Nothing may be
// sent any more.
func (a *Alerts) Close(ctx context.Context) {
	if a.stop == nil {
		return
	}
	defer a.stop()
	defer context.AfterFunc(ctx, a.stop)()
	for _, h := range a.hooks {
		close(h.queue)
	}
	a.running.Wait()
}

func (h *hook) run(ctx context.Context) {
	for s := range h.queue {
		result := resultOK
		if err := h.one(ctx, s); err != nil {
			result = resultFailed
			h.config.Say(fmt.Errorf("%s: not told of %s: %w", h.kind, s.ID(), err))
		}
		h.config.Count(h.kind, result)
	}
}

func (h *hook) one(ctx context.Context, s *dump.Snapshot) error {
	if ctx.Err() != nil {
		return errEnded
	}
	var document bytes.Buffer
	w := report.NewJSON(&document, report.Options{})
	if err := w.Add(s); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return h.tell(ctx, s, document.Bytes())
}

// limited is err, or says which limit of time was to blame for it: that of all, or
// that of one alert.
func limited(all, one context.Context, limit time.Duration, err error) error {
	switch {
	case err == nil:
		return nil
	case all.Err() != nil:
		return errEnded
	case one.Err() != nil:
		return fmt.Errorf("it was ended after %v", limit)
	}
	return err
}
