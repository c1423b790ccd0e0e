// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"scxdiag/dump"
	"scxdiag/dump/report"
	"scxdiag/dump/store"
	"scxdiag/tui"
)

// openFlags is the command line of scxdiag open.
type openFlags struct {
	format format
	at     string
	follow bool
	record recorder
	screen screenFlags
}

func newOpen() *cobra.Command {
	var f openFlags
	cmd := &cobra.Command{
		Use:   "open FILE|ID... | -",
		Short: "Open the dumps in logs, and recordings",
		Long: `open finds every sched_ext dump and every verdict in the files, and shows them.

A file may be what the scheduler printed, the kernel log, a trace, the log of a
service or of a CI job, or a piece of any of them out of a bug report: stamps,
prefixes, colours, quoting and reversed order are undone, and so are records with
a line each, as journalctl -o json or export, dmesg -J and Docker have them. A
dump that was cut off still opens, and says what is missing. A file may also be a
recording that scxdiag made, or a *.failure-dump.json of ktstr. Each argument is
one of:

` + addressHelp + `

On a terminal, open shows the dumps on the screen; press ? there for the keys.
Into a file or a pipe, or with --format, it prints them instead:

  text      a summary for people, to paste into a mail
  markdown  the same as the text of an issue
  json      everything that is known, for programs: one document, its
            "snapshots" in the order in which they were found

A recording is a timeline: [ and ] step through it, L lists it. The screen starts
at a failure, if there is one, or else at the end. --at goes to the snapshot that
was in force at a time: the screen starts there; printing prints that one.

--follow goes on with each snapshot as it is recorded, by scxdiag live --record
for example, until ctrl+c; its json is a document per line. It never holds up who
records.

Nothing is kept of what is opened, unless --record or --keep asks for it.

` + configHelp + `

Exit codes, when it prints:

  0  nothing wrong: no scheduler failed, as after SysRq-D or an orderly end
  1  scxdiag itself failed: a file could not be read, or none holds a dump
  3  a scheduler failure was found, or a dump without its beginning, where it says
     what became of the scheduler: nearly always that is a failure, too

On the screen it is 0 or 1.`,
		Example: `  scxdiag open crash.log
  journalctl -b -u scx -o cat | scxdiag open -
  dmesg | scxdiag open --format text -
  zcat crash.log.gz | scxdiag open --format markdown - > issue.md
  scxdiag open --format json *.log | jq -r '.snapshots[].exit.message'
  scxdiag open --keep crash.log               look at it, and keep it
  scxdiag open 3f9c                           one that was kept
  scxdiag open --at '2 minutes ago' night.scxdiag
  scxdiag open --follow night.scxdiag
  echo 1 > /sys/kernel/tracing/events/sched_ext/sched_ext_dump/enable
  echo D > /proc/sysrq-trigger; scxdiag open /sys/kernel/tracing/trace`,
		Args:              openArgs,
		ValidArgsFunction: completeIDsAndFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runOpen(cmd, args, &f)
		},
	}
	cmd.Flags().VarP(&f.format, "format", "f", "print instead of showing on the screen")
	cmd.Flags().StringVar(&f.at, "at", "", "go to the snapshot that was in force at a `TIME`")
	cmd.Flags().BoolVar(&f.follow, "follow", false, "go on as a recording grows")
	f.record.addFlags(cmd.Flags())
	f.screen.addFlags(cmd.Flags())
	completeFormats(cmd, formatNames())
	return cmd
}

// openArgs wants files, and standard input at most once.
func openArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError(cmd, `no file given: name a log, or "-" for standard input`)
	}
	stdin := 0
	for _, name := range args {
		if name == stdinName {
			stdin++
		}
	}
	if stdin > 1 {
		return usageError(cmd, "standard input (-) can be read only once")
	}
	return nil
}

func runOpen(cmd *cobra.Command, args []string, f *openFlags) (err error) {
	now := time.Now()
	o := opener{stdin: cmd.InOrStdin(), stderr: cmd.ErrOrStderr(), record: &f.record}
	for _, arg := range args {
		a, err := parseAddress(arg, now)
		if err != nil {
			return err
		}
		o.args = append(o.args, a)
	}
	if f.at != "" || f.follow {
		switch {
		case f.at != "" && f.follow:
			return usageError(cmd, "--at goes to what was, --follow to what will be: give one of them")
		case len(o.args) > 1 || !o.args[0].isAll():
			return usageError(cmd, "--at and --follow take one recording")
		}
	}
	if f.at != "" {
		if o.at, err = parseTime(f.at, now); err != nil {
			return usageError(cmd, "--at: "+err.Error())
		}
	}
	screen, isScreen := terminal(cmd.OutOrStdout())
	isScreen = isScreen && f.format == "" && os.Getenv("TERM") != "dumb"
	var options tui.Options
	if isScreen {
		if options, err = f.screen.options(screen); err != nil {
			return err
		}
	}
	if o.unrecorded = f.record.open(); o.unrecorded != nil && !store.IsPassing(o.unrecorded) {
		return o.unrecorded
	}
	defer func() { err = f.record.closeAfter(err) }()
	defer func() { _ = o.memory.close() }() // it was only read
	switch {
	case f.follow && isScreen:
		return o.watch(cmd.Context(), options)
	case f.follow:
		return o.printOn(cmd.Context(), f.format, cmd.OutOrStdout())
	case isScreen:
		return o.show(cmd.Context(), options)
	}
	collectLazily()
	return o.print(cmd.Context(), f.format, cmd.OutOrStdout())
}

// collectLazily lets the heap grow further before the garbage collector runs.
// While snapshots are printed as they are found, what is alive is bounded by
// the reader's window: this costs some tens of MiB, whatever the size of the
// file, and saves up to a tenth of the time. GOGC from the environment comes
// first.
func collectLazily() {
	const percent = 400
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// terminal is the file behind w, if that is a terminal.
func terminal(w any) (*os.File, bool) {
	f, ok := w.(*os.File)
	return f, ok && term.IsTerminal(f.Fd())
}

// opener reads files and remembers what became of that.
type opener struct {
	args   []address
	at     time.Time // of --at, zero without
	record *recorder
	memory memory
	stdin  io.Reader
	stderr io.Writer

	screen     bool // all that is read is to be in memory at once
	start      int  // which snapshot the screen starts with, from 1; 0: it chooses
	before     int  // snapshots of a recording in front of those that the screen has room for
	left       int  // all those of recordings that it has no room for
	found      int  // snapshots
	sawFailure bool // of a scheduler, or what may be one
	ownFailure bool // of scxdiag: a file could not be read
	// unrecorded is why nothing more is recorded. It is told at the end, for what was
	// found is shown all the same.
	unrecorded error
}

// show reads all files and then shows what is in them on the screen.
func (o *opener) show(ctx context.Context, options tui.Options) error {
	var snapshots []*dump.Snapshot
	o.screen = true
	err := o.read(ctx, func(s *dump.Snapshot) error {
		snapshots = append(snapshots, s)
		return nil
	})
	if err == nil && ctx.Err() == nil && len(snapshots) > 0 {
		options.Start = o.start
		if len(o.args) == 1 { // or it is a session of several files
			options.Before, options.After = o.before, o.left-o.before
		}
		if o.left > 0 {
			options.Notice = snapshotCount(o.left) + " more in the recording; --at goes to another time."
		}
		if o.unrecorded != nil {
			options.Notice = "Not recorded: " + dump.Printable(o.unrecorded.Error())
		}
		err = tui.Run(ctx, snapshots, options)
	}
	switch {
	case err != nil && !errors.Is(err, context.Canceled):
		return err
	case o.unrecorded != nil:
		return o.unrecorded
	case err != nil || o.ownFailure || o.found == 0:
		return errReported
	}
	return nil
}

// print writes what is in the files, each snapshot as soon as it is found.
func (o *opener) print(ctx context.Context, f format, stdout io.Writer) error {
	w := reportWriter{f.writer(stdout)}
	err := o.read(ctx, w.Add)
	if err == nil {
		err = w.Close()
	}
	// After EPIPE, whoever reads the output has seen enough.
	if err != nil && !errors.Is(err, syscall.EPIPE) {
		return err
	}
	return o.verdict()
}

// reportWriter says of an error of its writer that it is one.
type reportWriter struct{ w report.Writer }

func (r reportWriter) Add(s *dump.Snapshot) error { return reportError(r.w.Add(s)) }
func (r reportWriter) Close() error               { return reportError(r.w.Close()) }

func reportError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("write the report: %w", err)
}

// verdict is what the exit code of a printing open comes from.
func (o *opener) verdict() error {
	switch {
	case o.unrecorded != nil:
		return o.unrecorded
	case o.ownFailure || o.found == 0:
		return errReported
	case o.sawFailure:
		return errFailureFound
	}
	return nil
}

// read passes the snapshots of all arguments to add. It reports files that
// cannot be read, or that hold nothing, and goes on with the next; it returns an
// error of add only.
func (o *opener) read(ctx context.Context, add func(*dump.Snapshot) error) error {
	for i := 0; i < len(o.args) && ctx.Err() == nil; i++ {
		err := o.readOne(ctx, &o.args[i], add)
		var failed *addError
		var none *noDumpError
		switch {
		case errors.As(err, &failed):
			return failed.err
		case errors.As(err, &none):
			complain(o.stderr, err)
		case err != nil:
			complain(o.stderr, err)
			o.ownFailure = true
		}
	}
	return nil
}

// addError is an error of where snapshots go, not of where they come from.
type addError struct{ err error }

func (e *addError) Error() string { return e.err.Error() }

// readOne passes the snapshots that one argument names to add.
func (o *opener) readOne(ctx context.Context, a *address, add func(*dump.Snapshot) error) error {
	if a.file == "" {
		return o.readKept(ctx, a, add)
	}
	if a.file == stdinName {
		sayPaste(o.stdin, o.stderr)
	}
	src, err := openSource(ctx, a.file, o.stdin)
	if err != nil {
		return err
	}
	defer src.close()
	if src.kind == kindRecording {
		return o.readRecording(ctx, a, add)
	}
	return o.readSource(ctx, a, src, add)
}

// readSource passes the snapshots of a log or of records to add.
func (o *opener) readSource(ctx context.Context, a *address, src *source, add func(*dump.Snapshot) error) error {
	if !o.at.IsZero() {
		return fmt.Errorf("%s: is no recording, which --at takes; FILE@TIME goes by the times of a log", called(a.file))
	}
	m := newMeter(src, o.stderr)
	defer m.erase()
	pick := picker{a: a}
	pass := func(s *dump.Snapshot) error {
		m.erase()
		return o.pass(ctx, s, add)
	}
	r := newSnapshotReader(m, src.kind, a.file)
	for {
		s, err := r.Next()
		switch {
		case errors.Is(err, io.EOF) && m.found == 0:
			return &noDumpError{name: a.file, read: m.read}
		case errors.Is(err, io.EOF):
			return pick.end(pass)
		case errors.Is(err, context.Canceled):
			return fmt.Errorf("%s: interrupted after %s", called(a.file), bytesText(m.read))
		case err != nil:
			return fmt.Errorf("%s: cannot be read beyond byte %d: %w; what is before it was read", called(a.file), m.read, err)
		}
		m.found++
		if more, err := pick.add(s, pass); err != nil || !more {
			return err
		}
	}
}

// pass counts a snapshot, looks up whether its failure is known, records it if that
// was asked for, and passes it on.
func (o *opener) pass(ctx context.Context, s *dump.Snapshot, add func(*dump.Snapshot) error) error {
	o.found++
	o.sawFailure = o.sawFailure || s.IsFailure() || s.IsUndecided()
	if err := o.memory.recall(ctx, s); err != nil {
		complain(o.stderr, err)
	}
	if o.unrecorded == nil {
		o.unrecorded = o.record.add(ctx, s)
	}
	if err := add(s); err != nil {
		return &addError{err}
	}
	return nil
}

// readKept reads a snapshot of the catalogue.
func (o *opener) readKept(ctx context.Context, a *address, add func(*dump.Snapshot) error) error {
	st, err := catalogue("")
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: no such file, and the catalogue, which it may be an id of, is empty", a.arg)
	}
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }() // it was only read
	entries, err := findAll(ctx, st, []string{a.id})
	if err != nil {
		return err
	}
	return o.readStored(&storedReader{ctx: ctx, store: st, entries: entries}, add)
}

// readRecording reads the snapshots of a recording that an address names.
func (o *opener) readRecording(ctx context.Context, a *address, add func(*dump.Snapshot) error) error {
	st, err := store.OpenReader(a.file)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }() // it was only read
	entries, err := st.List(ctx, store.Filter{})
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return fmt.Errorf("%s: is a recording without snapshots yet; open --follow waits for them", a.file)
	}
	if entries, err = a.pick(entries); err != nil {
		return err
	}
	at := opening(entries)
	if !o.at.IsZero() {
		if at, err = inForce(entries, o.at, a.file); err != nil {
			return err
		}
		if !o.screen {
			entries = entries[at : at+1]
		}
	}
	if o.screen {
		shown, start := window(entries, at)
		o.left += len(entries) - len(shown)
		o.before = at - start
		if len(o.args) == 1 {
			o.start = start + 1
		}
		entries = shown
	}
	return o.readStored(&storedReader{ctx: ctx, store: st, entries: entries}, add)
}

// readStored passes the snapshots of a reader to add. It reports those that
// cannot be read.
func (o *opener) readStored(r *storedReader, add func(*dump.Snapshot) error) error {
	for {
		s, err := r.Next()
		var skipped *skippedError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &skipped):
			complain(o.stderr, err)
			o.ownFailure = true
			continue
		case err != nil:
			return err
		}
		if err := o.pass(r.ctx, s, add); err != nil {
			return err
		}
	}
}
