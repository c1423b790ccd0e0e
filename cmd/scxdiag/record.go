// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"scxdiag/bpf"
	"scxdiag/bpf/realtime"
	"scxdiag/dump"
	"scxdiag/dump/report"
	"scxdiag/dump/triage"
)

// recordFlags is the command line of scxdiag record.
type recordFlags struct {
	format   format
	duration time.Duration
	record   recorder
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
ctrl+c or SIGTERM ends it.

This takes a kernel with sched_ext, 6.12 or later, and root or the capabilities
CAP_BPF and CAP_PERFMON: scxdiag doctor tells what is missing. What the kernel does
not tell is said at the start.`,
		Example: `  scxdiag record
  scxdiag record --record night.scxdiag
  scxdiag record --format json --duration 1h`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	fl := cmd.Flags()
	fl.VarP(&f.format, "format", "f", "print each snapshot instead of a line")
	fl.DurationVar(&f.duration, "duration", 0, "how long to record; 0 is until interrupted")
	fl.StringVar(&f.record.file, "record", "", "add to the recording `FILE` instead of the catalogue, and make it if need be")
	completeFormats(cmd, formatNames())
	return cmd
}

func (f *recordFlags) run(cmd *cobra.Command) (err error) {
	if err := bpf.Supported(); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	f.record.keep = f.record.file == ""
	f.record.boot = bootID()
	if err := f.record.open(); err != nil {
		return err
	}
	defer func() { err = f.record.closeAfter(err) }()
	ctx, stop := context.WithCancelCause(cmd.Context())
	defer stop(nil)
	if f.duration > 0 {
		timed, cancel := context.WithTimeout(ctx, f.duration)
		defer cancel()
		ctx = timed
	}
	out := bufio.NewWriter(cmd.OutOrStdout())
	w := f.format.writer(out)
	if f.format == formatJSON { // a document per line, for there is no end to wait for
		w = report.NewJSONLines(out, report.Options{})
	}
	r := &bpf.Recorder{Snapshot: func(s *dump.Snapshot) {
		s.Source.Name = "record"
		triage.Apply(s, nil)
		if err := f.take(ctx, out, w, s); err != nil {
			stop(err)
		}
	}}
	// A scheduler that fails may not run ordinary processes, this one among them.
	if err := realtime.Enter(); err != nil {
		complain(cmd.ErrOrStderr(), fmt.Errorf("a scheduler that fails may hold up the recording: %w", err))
	}
	if err := r.Attach(); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	defer r.Close()
	for _, p := range r.Points() {
		if p.Err != nil {
			complain(cmd.ErrOrStderr(), fmt.Errorf("%s (%s): %w", p.Name, p.Use, p.Err))
		}
	}
	complain(cmd.ErrOrStderr(), errors.New("recording; ctrl+c ends it"))
	if err := r.Run(ctx); err != nil {
		return err
	}
	lost, err := r.Lost()
	if err != nil {
		return err
	}
	if lost != (bpf.Lost{}) {
		complain(cmd.ErrOrStderr(), fmt.Errorf("the kernel had no room for %d lines of dumps and %d ends", lost.Lines, lost.Steps))
	}
	if cause := context.Cause(ctx); !isEnd(cause) {
		return cause
	}
	return reportError(errors.Join(w.Close(), out.Flush()))
}

// take keeps a snapshot, and prints it.
func (f *recordFlags) take(ctx context.Context, out *bufio.Writer, w report.Writer, s *dump.Snapshot) error {
	if err := f.record.add(ctx, s); err != nil {
		return err
	}
	if f.format != "" {
		return reportError(errors.Join(w.Add(s), out.Flush()))
	}
	_, err := fmt.Fprintln(out, recordLine(s))
	return reportError(errors.Join(err, out.Flush()))
}

// recordLine is a snapshot in a line.
func recordLine(s *dump.Snapshot) string {
	what := "dump by " + string(s.Trigger)
	if e := s.Exit; e != nil {
		what = e.Kind.V.String()
		if e.Message.Known {
			what += ": " + e.Message.V
		}
	}
	if len(s.Findings) > 0 && s.IsFailure() {
		what += "; " + s.Findings[0].Title
	}
	const idLen = 8
	return dump.Printable(fmt.Sprintf("%s  %s  %s  %s", s.Time.Format(time.RFC3339), s.ID()[:idLen], s.Scheduler, what))
}
