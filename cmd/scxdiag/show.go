// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"errors"
	"syscall"

	"github.com/spf13/cobra"
)

func newShow() *cobra.Command {
	var f format
	var record string
	cmd := &cobra.Command{
		Use:   "show ID...",
		Short: "Print snapshots that were kept",
		Long: `show prints snapshots of the catalogue, also where open would show them on the
screen. An ID is that of scxdiag list, or the first digits of it, 4 or more.

` + catalogueHelp + `

The exit code is 0 also if a scheduler failed: that is no news.`,
		Example: `  scxdiag show 3f9c
  scxdiag show --format markdown 3f9c > issue.md
  scxdiag show --format json 3f9c | jq '.snapshots[].tasks[]'
  scxdiag show --record night.scxdiag 3f9c`,
		Args:              idArgs,
		ValidArgsFunction: completeIDs,
		RunE:              func(cmd *cobra.Command, args []string) error { return runShow(cmd, args, record, f) },
	}
	cmd.Flags().VarP(&f, "format", "f", "how to print; text if not given")
	addCatalogueFlag(cmd.Flags(), &record)
	completeFormats(cmd, formatNames())
	return cmd
}

func runShow(cmd *cobra.Command, ids []string, record string, f format) error {
	st, err := catalogue(record)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }() // it was only read
	entries, err := findAll(cmd.Context(), st, ids)
	if err != nil {
		return err
	}
	o := opener{stderr: cmd.ErrOrStderr(), record: new(recorder)}
	defer func() { _ = o.memory.close() }() // it was only read
	w := reportWriter{f.writer(cmd.OutOrStdout())}
	err = o.readStored(&storedReader{ctx: cmd.Context(), store: st, entries: entries}, w.Add)
	if err == nil {
		err = w.Close()
	}
	var failed *addError
	switch {
	case errors.Is(err, syscall.EPIPE): // whoever reads has seen enough
		return nil
	case errors.As(err, &failed):
		return failed.err
	case err != nil:
		return err
	case o.ownFailure:
		return errReported
	}
	return nil
}
