// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"scxdiag/dump"
	"scxdiag/dump/diff"
	"scxdiag/dump/report"
)

func newDiff() *cobra.Command {
	var f format
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Tell what changed between two snapshots",
		Long: `diff tells what changed from snapshot A to the later snapshot B: tasks that came
and went, that moved to another cell, CPU or queue, whose CPUs changed; who
advanced and who waited all the time; cells that were created, ended, resized;
CPUs that moved; queues; the kernel's counters.

What one of the two does not show is unknown, and said to be: kernel text lists no
sleeping tasks, records can be lost. A and B are each one of:

` + addressHelp + `

A FILE alone has to hold a single snapshot. The exit code is 0, whatever changed,
and 1 if one of the two could not be read.`,
		Example: `  scxdiag diff 3f9c 41d0
  scxdiag diff night.scxdiag#1 night.scxdiag#2
  scxdiag diff 'night.scxdiag@10 minutes ago' night.scxdiag@now
  scxdiag diff --format markdown before.log after.log
  scxdiag diff --format json 3f9c 41d0 | jq '.tasks.went[].comm'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError(cmd, fmt.Sprintf("two snapshots are to be given, got %d", len(args)))
			}
			return openArgs(cmd, args)
		},
		ValidArgsFunction: completeIDsAndFiles,
		RunE:              func(cmd *cobra.Command, args []string) error { return runDiff(cmd, args, f) },
	}
	cmd.Flags().VarP(&f, "format", "f", "how to print; text if not given")
	completeFormats(cmd, formatNames())
	return cmd
}

// diffFormats are what writes a difference, other than text.
var diffFormats = map[format]func(io.Writer, *diff.Diff) error{
	"markdown": report.DiffMarkdown,
	formatJSON: report.DiffJSON,
}

func runDiff(cmd *cobra.Command, args []string, f format) error {
	now := time.Now()
	var sides [2]*dump.Snapshot
	for i, arg := range args {
		a, err := parseAddress(arg, now)
		if err != nil {
			return err
		}
		o := opener{stdin: cmd.InOrStdin(), stderr: cmd.ErrOrStderr(), record: new(recorder)}
		if sides[i], err = o.one(cmd.Context(), &a); err != nil {
			return err
		}
	}
	out, d := cmd.OutOrStdout(), diff.Of(sides[0], sides[1])
	var err error
	if write, is := diffFormats[f]; is {
		err = write(out, d)
	} else {
		err = report.DiffText(out, d, textOptions(out))
	}
	if err != nil && !errors.Is(err, syscall.EPIPE) { // whoever reads has seen enough
		return fmt.Errorf("write the difference: %w", err)
	}
	return nil
}

var errSeveral = errors.New("several snapshots")

// one reads the one snapshot that an address names.
func (o *opener) one(ctx context.Context, a *address) (*dump.Snapshot, error) {
	var found *dump.Snapshot
	err := o.readOne(ctx, a, func(s *dump.Snapshot) error {
		if found != nil {
			return errSeveral
		}
		found = s
		return nil
	})
	var failed *addError
	switch {
	case errors.As(err, &failed):
		return nil, fmt.Errorf("%s: has several snapshots; name one of them: %s#1 is the first, %s@TIME that of a time", a.arg, a.arg, a.arg)
	case err != nil:
		return nil, err
	case found == nil:
		return nil, errReported
	}
	return found, nil
}
