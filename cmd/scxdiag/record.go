// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"scxdiag/bpf"
	"scxdiag/dump"
	"scxdiag/dump/alert"
	"scxdiag/dump/metrics"
	"scxdiag/dump/store"
	"scxdiag/dump/triage"
)

// recordFlags is the command line of scxdiag record.
type recordFlags struct {
	format                 format
	interval, duration     time.Duration
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

When a task has waited for half of the time after which the kernel throws the
scheduler out, record takes a sample: all tasks, those that sleep as well, and what
runs on each CPU. SIGUSR1 has it take one at once, --interval now and then. The
scheduler is not disturbed by that.

What it records goes into the catalogue, which scxdiag list shows, or with --record
into a file; and it prints a line for each snapshot, or with --format all of it.
As the recording reaches --max-size or --max-age (see scxdiag prune), snapshots are
deleted, the oldest first: for the size what is no failure before any failure, and
never the failure that was recorded last. A FILE may have 1GiB unless --max-size says
otherwise ("none" is no bound); of the catalogue nothing is deleted unless one of the
two is given. What cannot be recorded for now, as on a full disk, waits in memory.

Of each failure --exec and --webhook tell: the command has it in its environment
(SCXDIAG_ID, SCHEDULER, KIND, MESSAGE, RULE, TITLE, SIGNATURE, TIME, HOST, KERNEL
and RECORDING, each with SCXDIAG_ in front), and on standard input the JSON document
that the web hook gets by POST. A command is killed after 30 seconds. Others see the
flags of a program: the URL, if it is a secret, may be in SCXDIAG_WEBHOOK instead.

As a service of systemd it tells when it is ready, how it does, and that it is alive
(Type=notify, WatchdogSec). ctrl+c or SIGTERM ends it: exit code 0, whatever failures
it recorded, or 1 if something could not be recorded.

This takes a kernel with sched_ext, 6.12 or later, and root or the capabilities
CAP_BPF and CAP_PERFMON, for samples CAP_SYSLOG as well: scxdiag doctor tells what is
missing. Once it records, it gives up all of them but CAP_SYS_NICE and CAP_IPC_LOCK,
and CAP_DAC_OVERRIDE where the recording takes that. What the kernel does not tell is
said at the start.`,
		Example: `  scxdiag record
  scxdiag record --record night.scxdiag --max-size 500MiB
  scxdiag record --exec 'logger "$SCXDIAG_SCHEDULER failed: $SCXDIAG_TITLE"'
  scxdiag record --metrics :9836
  scxdiag record --format json --duration 1h`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	fl := cmd.Flags()
	fl.VarP(&f.format, "format", "f", "print each snapshot instead of a line")
	fl.DurationVar(&f.interval, "interval", 0, "also take a sample that often; 0 is never")
	fl.DurationVar(&f.duration, "duration", 0, "how long to record; 0 is until interrupted")
	fl.StringVar(&f.file, "record", "", "add to the recording `FILE` instead of the catalogue, and make it if need be")
	fl.StringVar(&f.bounds.maxSize, "max-size", "", "the `SIZE` that the recording may have (default 1GiB for a FILE, none for the catalogue)")
	fl.StringVar(&f.bounds.maxAge, "max-age", "", "the `AGE` that a snapshot may have (default none)")
	fl.StringVar(&f.exec, "exec", "", "run `COMMAND` by /bin/sh for each failure")
	fl.StringVar(&f.webhook, "webhook", "", "post each failure to `URL`")
	fl.StringVar(&f.metrics, "metrics", "", "serve metrics for Prometheus at `ADDRESS`, such as :9836, to this machine only")
	completeFormats(cmd, formatNames())
	return cmd
}

const (
	// noBound is what --max-size and --max-age are for none.
	noBound = "none"
	// fileSize is the --max-size of a file that only record writes to. The catalogue
	// holds what the user imported, too.
	fileSize = "1GiB"
)

// check reads what the flags mean.
func (f *recordFlags) check(ctx context.Context) (err error) {
	switch {
	case f.interval < 0:
		return fmt.Errorf("--interval %s: a time must not be negative", f.interval)
	case f.duration < 0:
		return fmt.Errorf("--duration %s: a time must not be negative", f.duration)
	}
	if f.file != "" {
		f.bounds.maxSize = cmp.Or(f.bounds.maxSize, fileSize)
	}
	for _, v := range []*string{&f.bounds.maxSize, &f.bounds.maxAge} {
		if *v == noBound || *v == "0" {
			*v = ""
		}
	}
	if f.policy, err = f.bounds.policy(); err != nil {
		return err
	}
	from := "--webhook"
	if f.webhook == "" {
		f.webhook, from = os.Getenv(alert.EnvURL), alert.EnvURL
	}
	if f.webhook != "" {
		if err := alert.CheckURL(f.webhook); err != nil {
			return fmt.Errorf("%s: %w", from, err)
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
	defer ignoreBrokenPipes()()
	ctx := cmd.Context()
	if f.duration > 0 {
		timed, cancel := context.WithTimeout(ctx, f.duration)
		defer cancel()
		ctx = timed
	}
	w, err := f.startWork(ctx, cmd)
	if err != nil {
		return err
	}
	defer func() { err = w.end(err) }()
	r := &bpf.Recorder{
		Interval: f.interval, Sample: sampleOnSignal(ctx), Halfway: true,
		Snapshot: func(s *dump.Snapshot) {
			s.Source.Name = "record"
			triage.Apply(s, nil)
			w.take(s)
		},
		Waits:  func(x bpf.Waiting) { w.oldest.Store(&x) },
		Status: func(line string) { w.say(errors.New(line)) },
	}
	r.Alive = func() { w.turn(r.Lost) }
	err = watchAny(ctx, r, []string{w.path}, w.ready)
	w.service.stopping()
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}
