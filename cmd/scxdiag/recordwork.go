// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"scxdiag/bpf"
	"scxdiag/bpf/realtime"
	"scxdiag/dump"
	"scxdiag/dump/alert"
	"scxdiag/dump/keep"
	"scxdiag/dump/metrics"
	"scxdiag/dump/report"
	"scxdiag/dump/store"
)

// recordWork is what scxdiag record does with what it sees. It is of the goroutine that
// records.
type recordWork struct {
	errs    *printer
	out     *printer
	lines   bool          // print a line for each snapshot
	page    bytes.Buffer  // what writer wrote and is yet to be printed
	writer  report.Writer // to page
	keeper  *keep.Keeper
	seen    keep.Seen
	alerts  *alert.Alerts
	metrics *metrics.Metrics // nil if nobody asks for them
	service *service
	path    string                      // of the recording
	oldest  atomic.Pointer[bpf.Waiting] // nil as long as nobody has looked

	metricsAt          net.Addr // nil if they are not served
	unwritten          bool     // it was said that a snapshot cannot be written
	snapshots, crashes int
	looked             time.Time // when turn last did something
}

// How long the end may take.
const (
	recordEnd = 10 * time.Second // for what is yet to be recorded
	alertEnd  = 5 * time.Second  // for the alerts that are under way
)

// startWork starts everything but the recorder.
func (f *recordFlags) startWork(ctx context.Context, cmd *cobra.Command) (_ *recordWork, err error) {
	w := &recordWork{lines: f.format == ""}
	w.startPrinters(cmd.OutOrStdout(), cmd.ErrOrStderr())
	defer func() {
		if err != nil {
			err = w.end(err)
		}
	}()
	w.writer = f.format.writer(&w.page)
	if f.format == formatJSON { // a document per line, for there is no end to wait for
		w.writer = report.NewJSONLines(&w.page, report.Options{})
	}
	path := f.file
	if path == "" {
		if path, err = store.DefaultPath(); err != nil {
			return nil, err
		}
	}
	if f.metrics != "" {
		w.metrics = metrics.New(w.metricsConfig())
	}
	w.path = path
	w.alerts, err = alert.Start(alert.Config{
		Command: f.exec, URL: f.webhook, Recording: path, StartCommand: realtime.Start, Say: w.say, Count: w.metrics.Alert,
	})
	if err != nil {
		return nil, err
	}
	if err := w.startKeeper(ctx, f); err != nil {
		return nil, err
	}
	if w.metrics != nil {
		addr, err := w.metrics.Serve(ctx, f.metrics)
		if errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("%w; --metrics ADDRESS chooses another", err)
		}
		if err != nil {
			return nil, err
		}
		w.metricsAt = addr
		w.say(fmt.Errorf("metrics are at http://%s/metrics", addr))
	}
	w.service = startService(w.say)
	return w, nil
}

// Bounds of what waits to be printed, in bytes.
const (
	outAhead  = 64 << 20
	errsAhead = 1 << 20
)

// startPrinters has what is printed, and what is said, not hold up who records.
func (w *recordWork) startPrinters(out, errs io.Writer) {
	w.errs = &printer{to: errs, limit: errsAhead, tell: func(err error) { w.say(fmt.Errorf("standard error: %w", err)) }}
	startPrinter(w.errs)
	w.out = startPrinter(&printer{
		to: out, limit: outAhead,
		held: func() {
			w.say(errors.New("standard output: nobody takes it: snapshots are left out there, but recorded all the same"))
		},
		tell: func(err error) { w.say(fmt.Errorf("standard output: %w; recording goes on", err)) },
	})
}

// say says something in a line. Any goroutine may call it.
func (w *recordWork) say(err error) { complain(w.errs, err) }

func (w *recordWork) metricsConfig() metrics.Config {
	c := metrics.Config{
		Recording: func() metrics.Recording {
			s := w.keeper.State()
			return metrics.Recording{Bytes: s.Bytes, Waiting: s.Waiting, Recorded: s.Recorded, Lost: s.Lost, Pruned: s.Pruned}
		},
		AlertKinds: alert.Kinds, AlertResults: alert.Results,
		OldestWaiter: func() (time.Duration, bool) {
			x := w.oldest.Load()
			if x == nil || x.Task.PID == 0 {
				return 0, false
			}
			return x.For, true
		},
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		c.Version, c.GoVersion, c.Revision = info.Main.Version, info.GoVersion, buildSettings(info)["vcs.revision"]
	}
	return c
}

// startKeeper opens the recording. That it cannot be written to for now is no reason to
// miss what happens.
func (w *recordWork) startKeeper(ctx context.Context, f *recordFlags) error {
	open := func() (keep.Recording, error) {
		st, err := store.Open(f.file)
		if err != nil {
			return nil, err
		}
		return st, nil
	}
	var first keep.Recording
	boot := bootID()
	st, err := store.Open(f.file)
	if err == nil {
		first = st
		w.seen, err = keep.Recent(ctx, st, boot, time.Now())
	}
	if err != nil && !store.IsPassing(err) {
		if st != nil {
			_ = st.Close() // nothing was written
		}
		return err
	}
	if err != nil {
		w.say(err)
	}
	w.keeper = keep.Start(first, keep.Options{
		Open: open, Boot: boot, MaxSize: f.policy.MaxSize, MaxAge: f.policy.MaxAge, Say: w.say,
		Tried: func(s *dump.Snapshot) {
			if s.Trigger == dump.TriggerCrash {
				w.alerts.Send(s)
			}
		},
	})
	return nil
}

// take keeps a snapshot, prints it and tells of it.
func (w *recordWork) take(s *dump.Snapshot) {
	if w.seen.Repeats(s) {
		w.say(fmt.Errorf("%s ended after a failure that is recorded already", s.Scheduler))
		return
	}
	w.snapshots++
	if s.Trigger == dump.TriggerCrash {
		w.crashes++
	}
	w.metrics.Snapshot(s)
	w.keeper.Add(s)
	w.status()
	if w.lines {
		_, _ = fmt.Fprintln(w.out, report.Line(s)) // a printer does not fail
		return
	}
	w.print(w.writer.Add(s))
}

// print prints the page, unless there was an error.
func (w *recordWork) print(err error) {
	if err == nil {
		_, _ = w.page.WriteTo(w.out) // a printer does not fail
	} else if !w.unwritten {
		w.unwritten = true
		w.say(fmt.Errorf("%w; recording goes on", reportError(err)))
	}
	w.page.Reset()
}

// lookAgain is how often turn looks for what nobody tells.
const lookAgain = time.Second

// turn is called while all is well, over and over.
func (w *recordWork) turn(lost func() (bpf.Lost, error)) {
	now := time.Now()
	w.service.alive(now)
	if now.Sub(w.looked) < lookAgain {
		return
	}
	w.looked = now
	if n, err := lost(); err == nil { // at the end the error is told
		w.metrics.Lost(n.Lines, n.Steps)
	}
	w.metrics.Scheduler(bpf.Loaded())
	w.status()
}

// ready tells that nothing is missed from now on.
func (w *recordWork) ready() {
	w.service.ready()
	w.status()
	w.say(errors.New("recording; ctrl+c ends it"))
}

func (w *recordWork) status() {
	if w.service != nil {
		w.service.status(w.statusText())
	}
}

func (w *recordWork) statusText() string {
	what := "no scheduler is enabled"
	if name := bpf.Loaded(); name != "" {
		what = "watching " + name
	}
	text := fmt.Sprintf("%s; %s, %d of failures", what, snapshotCount(w.snapshots), w.crashes)
	if s := w.keeper.State(); s.Failing || s.Lost > 0 {
		text += fmt.Sprintf("; %d wait, %d are lost", s.Waiting, s.Lost)
		if s.Failing {
			text = "cannot record: " + text
		}
	}
	return text
}

// end ends everything, and says first what was the reason for it, if there was one.
func (w *recordWork) end(why error) error {
	if why != nil {
		w.say(why)
		why = errReported
	}
	return cmp.Or(why, w.close())
}

// close ends everything: what was seen is recorded and told first. It says itself what
// goes wrong.
func (w *recordWork) close() (failed error) {
	if w.keeper != nil {
		ctx, cancel := context.WithTimeout(context.Background(), recordEnd)
		defer cancel()
		if err := w.keeper.Close(ctx); err != nil {
			w.say(err)
			failed = errReported
		}
	}
	if w.alerts != nil {
		ctx, cancel := context.WithTimeout(context.Background(), alertEnd)
		defer cancel()
		w.alerts.Close(ctx)
	}
	w.service.close()
	if !w.lines && w.snapshots > 0 {
		w.print(w.writer.Close())
	}
	if n := w.out.close(); n > 0 {
		w.say(fmt.Errorf("standard output: nobody took it; left out at the end: %d", n))
	}
	w.errs.close()
	return failed
}
