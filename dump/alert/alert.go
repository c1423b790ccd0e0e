// SPDX-License-Identifier: GPL-2.0-only

package alert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"scxdiag/dump"
	"scxdiag/dump/report"
)

// Config says whom to tell, and how. Its functions are called by several goroutines at
// once, and must not block.
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

// Bounds of what waits for one kind of alert.
const (
	maxQueue      = 16       // crashes
	maxQueueBytes = 64 << 20 // of their documents, unless it is one
)

const (
	// killedWithin is how long after its limit an alert is waited for. What does not
	// end then, such as a command that waits for a disk, is left behind.
	killedWithin = outputAfter + time.Second
	maxLeft      = 4 // alerts that were left behind, before there are no new ones
)

// Alerts tells of crashes. The zero Alerts tells nobody.
type Alerts struct {
	config  *Config
	hooks   []*hook
	stop    context.CancelFunc
	running sync.WaitGroup
}

// hook is one way to tell.
type hook struct {
	kind   string
	limit  time.Duration // of tell
	tell   func(context.Context, *crash) error
	config *Config
	left   atomic.Int32 // how many were left behind

	mu     sync.Mutex
	queue  []*crash
	bytes  int           // of queue
	more   chan struct{} // something is in the queue, or closed is set
	closed bool
}

// crash is what is told of one.
type crash struct {
	id, signature string
	environment   []string // of a command
	document      []byte   // JSON
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
	a := &Alerts{config: &c, stop: stop}
	if c.Command != "" {
		a.add(&hook{kind: kindExec, limit: commandLimit, tell: (&command{config: &c, limit: commandLimit}).tell})
	}
	if c.URL != "" {
		w, err := newWebhook(c.URL)
		if err != nil {
			stop()
			return nil, err
		}
		a.add(&hook{kind: kindWebhook, limit: webhookLimit, tell: w.tell})
	}
	for _, h := range a.hooks {
		a.running.Go(func() { h.run(ctx) })
	}
	return a, nil
}

func (a *Alerts) add(h *hook) {
	h.config, h.more = a.config, make(chan struct{}, 1)
	a.hooks = append(a.hooks, h)
}

// Send tells of a crash, in the background. The snapshot may change afterwards.
func (a *Alerts) Send(s *dump.Snapshot) {
	if len(a.hooks) == 0 {
		return
	}
	x, err := newCrash(s, a.config.Recording)
	for _, h := range a.hooks {
		if err != nil {
			h.failed(s.ID(), err)
			continue
		}
		h.send(x)
	}
}

func newCrash(s *dump.Snapshot, recording string) (*crash, error) {
	x := &crash{id: s.ID(), environment: Environment(s, recording)}
	if s.Signature != nil {
		x.signature = s.Signature.ID
	}
	var document bytes.Buffer
	w := report.NewJSON(&document, report.Options{})
	err := w.Add(s)
	if err == nil {
		err = w.Close()
	}
	x.document = document.Bytes()
	return x, err
}

// Close waits for what is under way until ctx is done, and then ends it, which takes two
// seconds at most. Of what is sent afterwards nobody is told.
func (a *Alerts) Close(ctx context.Context) {
	if a.stop == nil {
		return
	}
	defer a.stop()
	defer context.AfterFunc(ctx, a.stop)()
	for _, h := range a.hooks {
		h.close()
	}
	a.running.Wait()
}

func (h *hook) send(x *crash) {
	h.mu.Lock()
	var why error
	switch {
	case h.closed:
		why = errEnded
	case len(h.queue) >= maxQueue, len(h.queue) > 0 && h.bytes+len(x.document) > maxQueueBytes:
		why = fmt.Errorf("%d crashes wait already", len(h.queue))
	default:
		h.queue = append(h.queue, x)
		h.bytes += len(x.document)
	}
	h.mu.Unlock()
	h.wake()
	if why != nil {
		h.config.Count(h.kind, resultDropped)
		h.config.Say(fmt.Errorf("%s: not told of %s: %w", h.kind, x.id, why))
	}
}

func (h *hook) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.wake()
}

func (h *hook) wake() {
	select {
	case h.more <- struct{}{}:
	default:
	}
}

// next waits for a crash to tell of, nil at the end.
func (h *hook) next() *crash {
	for {
		h.mu.Lock()
		closed := h.closed
		if len(h.queue) > 0 {
			x := h.queue[0]
			h.queue = slices.Delete(h.queue, 0, 1)
			h.bytes -= len(x.document)
			h.mu.Unlock()
			return x
		}
		h.mu.Unlock()
		if closed {
			return nil
		}
		<-h.more
	}
}

func (h *hook) run(ctx context.Context) {
	for x := h.next(); x != nil; x = h.next() {
		if err := h.one(ctx, x); err != nil {
			h.failed(x.id, err)
			continue
		}
		h.config.Count(h.kind, resultOK)
	}
}

func (h *hook) failed(id string, err error) {
	h.config.Count(h.kind, resultFailed)
	h.config.Say(fmt.Errorf("%s: not told of %s: %w", h.kind, id, err))
}

// one tells of a crash. It ends in time even if what it started does not.
func (h *hook) one(ctx context.Context, x *crash) error {
	if ctx.Err() != nil {
		return errEnded
	}
	if n := h.left.Load(); n >= maxLeft {
		return fmt.Errorf("%d before it were ended and still do not end", n)
	}
	var err error // valid once told is closed
	told := make(chan struct{})
	go func() {
		defer close(told)
		err = h.tell(ctx, x)
	}()
	late := time.NewTimer(h.limit + killedWithin)
	defer late.Stop()
	stopped := context.AfterFunc(ctx, func() { late.Reset(killedWithin) })
	defer stopped()
	select {
	case <-told:
		return err
	case <-late.C:
	}
	h.left.Add(1)
	go func() {
		<-told
		h.left.Add(-1)
	}()
	return errors.New("it was ended and does not end")
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
