// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"scxdiag/dump/report"
	"scxdiag/dump/store"
)

// pruneFlags is the command line of scxdiag prune.
type pruneFlags struct {
	record string
	bounds bounds
	dryRun bool
}

// bounds are flags that say which snapshots are too many; "" is no bound.
type bounds struct{ maxSize, maxAge string }

func (b *bounds) policy() (p store.PrunePolicy, err error) {
	if b.maxSize != "" {
		if p.MaxSize, err = parseSize(b.maxSize); err != nil {
			return p, fmt.Errorf("--max-size %s: %w", b.maxSize, err)
		}
	}
	if b.maxAge != "" {
		if p.MaxAge, err = parseAge(b.maxAge); err != nil || p.MaxAge == 0 {
			return p, fmt.Errorf("--max-age %s: must be a time such as 90d or 12h", b.maxAge)
		}
	}
	return p, nil
}

// parseSize reads a number of bytes with its unit. Bytes are no such unit: who writes
// 500 means MiB, and a recording of 500 bytes has room for nothing.
func parseSize(s string) (int64, error) {
	if unit := strings.TrimSpace(strings.TrimLeft(s, "0123456789., ")); unit == "" || strings.EqualFold(unit, "B") {
		return 0, errors.New("must have a unit, as 500MiB or 1GiB have")
	}
	n, err := humanize.ParseBytes(s)
	if err != nil || n == 0 || n > math.MaxInt64 {
		return 0, errors.New("must be a size such as 500MiB or 1GiB")
	}
	return int64(n), nil
}

func newPrune() *cobra.Command {
	var f pruneFlags
	cmd := &cobra.Command{
		Use:   "prune [--max-size SIZE] [--max-age AGE]",
		Short: "Delete the oldest snapshots that were kept",
		Long: `prune deletes the oldest snapshots of the catalogue until it is no larger than
--max-size and none is older than --max-age, and lists what it deleted. With
--dry-run it only lists what it would delete.

A SIZE is a number with KiB, MiB or GiB behind it, or KB and so on for powers of
1000. An AGE is a number with min, h, d or w behind it.

` + catalogueHelp,
		Example: `  scxdiag prune --max-size 1GiB --max-age 90d --dry-run
  scxdiag prune --max-age 4w
  scxdiag prune --record night.scxdiag --max-size 100MiB`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.bounds.maxSize, "max-size", "", "the `SIZE` that the file may have")
	fl.StringVar(&f.bounds.maxAge, "max-age", "", "the `AGE` that a snapshot may have")
	fl.BoolVarP(&f.dryRun, "dry-run", "n", false, "change nothing")
	addCatalogueFlag(fl, &f.record)
	return cmd
}

func (f *pruneFlags) run(cmd *cobra.Command) (err error) {
	if f.bounds == (bounds{}) {
		return usageError(cmd, "nothing to go by: give --max-size, --max-age or both")
	}
	policy, err := f.bounds.policy()
	if err != nil {
		return usageError(cmd, err.Error())
	}
	policy.DryRun = f.dryRun
	st, err := openExisting(f.record)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, st.Close()) }()
	done, err := st.Prune(cmd.Context(), policy)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if len(done.Entries) > 0 {
		if err := report.ListText(out, done.Entries, textOptions(out)); err != nil {
			return err
		}
	}
	word := "deleted"
	if f.dryRun {
		word = "would delete"
	}
	_, err = fmt.Fprintf(out, "%s %s, %s\n", word, snapshotCount(len(done.Entries)), bytesText(done.Size))
	return err
}
