// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"syscall"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"scxdiag/dump"
	"scxdiag/dump/text"
	"scxdiag/tui"
)

func newOpen() *cobra.Command {
	var f format
	cmd := &cobra.Command{
		Use:   "open FILE... | -",
		Short: "Open the dumps in logs",
		Long: `open finds every sched_ext dump and every verdict in the files, and shows them.

A file may be what the scheduler printed, the kernel log, a trace, the log of a
service or of a CI job, or a piece of any of them out of a bug report: stamps,
prefixes, colours, quoting and reversed order are undone. A dump that was cut
off still opens, and says what is missing. "-" reads standard input.

On a terminal, open shows the dumps on the screen; press ? there for the keys.
Into a file or a pipe, or with --format, it prints them instead:

  text      a summary for people, to paste into a mail
  markdown  the same as the text of an issue
  json      everything that is known, for programs: one document, its
            "snapshots" in the order in which they were found

Exit codes, when it prints:

  0  nothing wrong: no scheduler failed, as after SysRq-D or an orderly end
  1  scxdiag itself failed: a file could not be read, or none holds a dump
  3  a scheduler failure was found

On the screen it is 0 or 1.`,
		Example: `  scxdiag open crash.log
  journalctl -b -u scx -o cat | scxdiag open -
  dmesg | scxdiag open --format text -
  zcat crash.log.gz | scxdiag open --format markdown - > issue.md
  scxdiag open --format json *.log | jq -r '.snapshots[].exit.message'
  echo 1 > /sys/kernel/tracing/events/sched_ext/sched_ext_dump/enable
  echo D > /proc/sysrq-trigger; scxdiag open /sys/kernel/tracing/trace`,
		Args: openArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runOpen(cmd, args, f)
		},
	}
	cmd.Flags().VarP(&f, "format", "f", "print instead of showing on the screen")
	err := cmd.RegisterFlagCompletionFunc("format",
		func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var values []cobra.Completion
			for _, known := range formats {
				values = append(values, cobra.CompletionWithDesc(known.name, known.help))
			}
			return values, cobra.ShellCompDirectiveNoFileComp
		})
	if err != nil {
		panic(err) // the flag is defined above
	}
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

func runOpen(cmd *cobra.Command, names []string, f format) error {
	o := opener{stdin: cmd.InOrStdin(), stderr: cmd.ErrOrStderr()}
	screen, isScreen := terminal(cmd.OutOrStdout())
	if f == "" && isScreen && os.Getenv("TERM") != "dumb" {
		return o.show(cmd.Context(), names, screen)
	}
	collectLazily()
	return o.print(cmd.Context(), names, f, cmd.OutOrStdout())
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
	stdin      io.Reader
	stderr     io.Writer
	found      int  // snapshots
	sawFailure bool // of a scheduler
	ownFailure bool // of scxdiag: a file could not be read
}

// show reads all files and then shows what is in them on the screen.
func (o *opener) show(ctx context.Context, names []string, screen *os.File) error {
	var snapshots []*dump.Snapshot
	err := o.read(ctx, names, func(s *dump.Snapshot) error {
		snapshots = append(snapshots, s)
		return nil
	})
	if err == nil && ctx.Err() == nil && len(snapshots) > 0 {
		err = tui.Run(ctx, snapshots, tui.Options{Output: screen})
	}
	switch {
	case err != nil && !errors.Is(err, context.Canceled):
		return err
	case err != nil || o.ownFailure || o.found == 0:
		return errReported
	}
	return nil
}

// print writes what is in the files, each snapshot as soon as it is found.
func (o *opener) print(ctx context.Context, names []string, f format, stdout io.Writer) error {
	w := f.writer(stdout)
	err := o.read(ctx, names, w.Add)
	if err == nil {
		err = w.Close()
	}
	// After EPIPE, whoever reads the output has seen enough.
	if err != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("write the report: %w", err)
	}
	return o.verdict()
}

// verdict is what the exit code of a printing open comes from.
func (o *opener) verdict() error {
	switch {
	case o.ownFailure || o.found == 0:
		return errReported
	case o.sawFailure:
		return errFailureFound
	}
	return nil
}

// read passes the snapshots of all files to add. It reports files that cannot
// be read, or that hold nothing, and goes on with the next; it returns an
// error of add only.
func (o *opener) read(ctx context.Context, names []string, add func(*dump.Snapshot) error) error {
	for i := 0; i < len(names) && ctx.Err() == nil; i++ {
		err := o.readFile(ctx, names[i], add)
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

// readFile passes the snapshots of one file to add.
func (o *opener) readFile(ctx context.Context, name string, add func(*dump.Snapshot) error) error {
	src, err := openSource(ctx, name, o.stdin)
	if err != nil {
		return err
	}
	defer src.close()
	m := newMeter(src, o.stderr)
	defer m.erase()
	r := text.NewReader(m, text.Options{Name: name})
	for {
		s, err := r.Next()
		switch {
		case errors.Is(err, io.EOF) && m.found == 0:
			return &noDumpError{name: name, read: m.read}
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, context.Canceled):
			return fmt.Errorf("%s: interrupted after %s", name, bytesText(m.read))
		case err != nil:
			return fmt.Errorf("%s: cannot be read beyond byte %d: %w; what is before it was read", name, m.read, err)
		}
		o.found++
		m.found++
		o.sawFailure = o.sawFailure || s.IsFailure()
		m.erase()
		if err := add(s); err != nil {
			return &addError{err}
		}
	}
}
