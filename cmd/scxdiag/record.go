// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"scxdiag/bpf"
	"scxdiag/bpf/realtime"
	"scxdiag/dump"
	"scxdiag/dump/alert"
	"scxdiag/dump/metrics"
	"scxdiag/dump/store"
	"scxdiag/dump/triage"
)

// recordFlags is the command line of scxdiag record.
type recordFlags struct {
	format                 format
	duration               time.Duration
	file                   string // "" for the catalogue
	bounds                 bounds
	exec, webhook, metrics string

	policy store.PrunePolicy // of bounds
}

func newRecord() *cobra.Command {
	var f recordFlags
	cmd := &cobra.Command{
		Use:   "record",
		Short: "Record why schedulers fail, whichever they are",
		Long: `record watches whichever sched_ext scheduler this machine has, one that knows
nothing of scxdiag as well, and keeps each dump that the kernel writes: of a
failure, and of SysRq-D. It takes the lines from the kernel one by one, before the
text is cut to the 32 KiB that a scheduler's own user space gets, and why a
scheduler ended. Schedulers may come and go meanwhile.

What it records goes into the catalogue, which scxdiag list shows, or with --record
into a file; and it prints a line for each snapshot, or with --format all of it.
The oldest snapshots are deleted as the recording reaches --max-size or --max-age
(see scxdiag prune; "none" is no bound), but never the newest failure. What cannot
be recorded for now, as on a full disk, waits in memory.

Of each failure --exec and --webhook tell: the command has it in its environment
(SCXDIAG_ID, SCHEDULER, KIND, MESSAGE, RULE, TITLE, SIGNATURE, TIME, HOST, KERNEL
and RECORDING, each with SCXDIAG_ in front), and on standard input the JSON document
that the web hook gets by POST. A command is killed after 30 seconds.

As a service of systemd it tells when it is ready, how it does, and that it is alive
(Type=notify, WatchdogSec). ctrl+c or SIGTERM ends it: exit code 0, or 1 if something
could not be recorded.

This takes a kernel with sched_ext, 6.12 or later, and root or the capabilities
CAP_BPF and CAP_PERFMON: scxdiag doctor tells what is missing. What the kernel does
not tell is said at the start.`,
		Example: `  scxdiag record
  scxdiag record --record night.scxdiag --max-size 500MiB
  scxdiag record --exec 'logger "$SCXDIAG_SCHEDULER failed: $SCXDIAG_TITLE"'
  scxdiag record --metrics :9100
  scxdiag record --format json --duration 1h`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	fl := cmd.Flags()
	fl.VarP(&f.format, "format", "f", "print each snapshot instead of a line")
	fl.DurationVar(&f.duration, "duration", 0, "how long to record; 0 is until interrupted")
	fl.StringVar(&f.file, "record", "", "add to the recording `FILE` instead of the catalogue, and make it if need be")
	fl.StringVar(&f.bounds.maxSize, "max-size", "1GiB", "the `SIZE` that the recording may have")
	fl.StringVar(&f.bounds.maxAge, "max-age", noBound, "the `AGE` that a snapshot may have")
	fl.StringVar(&f.exec, "exec", "", "run `COMMAND` by /bin/sh for each failure")
	fl.StringVar(&f.webhook, "webhook", "", "post each failure to `URL`")
	fl.StringVar(&f.metrics, "metrics", "", "serve metrics for Prometheus at `ADDRESS`, such as :9100, to this machine only")
	completeFormats(cmd, formatNames())
	return cmd
}

// noBound is what --max-size and --max-age are for none.
const noBound = "none"

// check reads what the flags mean.
func (f *recordFlags) check(ctx context.Context) (err error) {
	for _, v := range []*string{&f.bounds.maxSize, &f.bounds.maxAge} {
		if *v == noBound || *v == "0" {
			*v = ""
		}
	}
	if f.policy, err = f.bounds.policy(); err != nil {
		return err
	}
	if f.webhook != "" {
		if err := alert.CheckURL(f.webhook); err != nil {
			return fmt.Errorf("--webhook: %w", err)
		}
	}
	if f.metrics != "" {
		if f.metrics, err = metrics.Address(ctx, f.metrics); err != nil {
			return fmt.Errorf("--metrics: %w", err)
		}
	}
	return nil
}

func (f *recordFlags) run(cmd *cobra.Command) (err error) {
	if err := f.check(cmd.Context()); err != nil {
		return usageError(cmd, err.Error())
	}
	if err := bpf.Supported(); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	ctx, stop := context.WithCancelCause(cmd.Context())
	defer stop(nil)
	if f.duration > 0 {
		timed, cancel := context.WithTimeout(ctx, f.duration)
		defer cancel()
		ctx = timed
	}
	w, err := f.startWork(ctx, cmd)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, w.close()) }()
	r := &bpf.Recorder{Snapshot: func(s *dump.Snapshot) {
		s.Source.Name = "record"
		triage.Apply(s, nil)
		if err := w.take(s); err != nil {
			stop(err)
		}
	}}
	r.Alive = func() { w.turn(r.Lost) }
	r.Waits = func(x bpf.Waiting) { w.oldest.Store(&x) }
	// A scheduler that fails may not run ordinary processes, this one among them.
	if err := realtime.Enter(); err != nil {
		w.say(fmt.Errorf("a scheduler that fails may hold up the recording: %w", err))
	}
	if err := r.Attach(); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	defer r.Close()
	for _, p := range r.Points() {
		if p.Err != nil {
			w.say(fmt.Errorf("%s (%s): %w", p.Name, p.Use, p.Err))
		}
	}
	w.ready()
	err = r.Run(ctx)
	w.service.stopping()
	if err != nil {
		return err
	}
	lost, err := r.Lost()
	if err != nil {
		return err
	}
	if lost != (bpf.Lost{}) {
		w.say(fmt.Errorf("the kernel had no room for %d lines of dumps and %d ends", lost.Lines, lost.Steps))
	}
	if cause := context.Cause(ctx); !isEnd(cause) {
		return cause
	}
	return nil
}
