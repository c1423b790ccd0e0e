// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"scxdiag/dump/store"
)

func newRemove() *cobra.Command {
	var record string
	cmd := &cobra.Command{
		Use:   "rm ID...",
		Short: "Delete snapshots that were kept",
		Long: `rm deletes snapshots of the catalogue for good. If one of the ids is not there,
or could be several, nothing is deleted.

` + catalogueHelp,
		Example: `  scxdiag rm 3f9c
  scxdiag rm --record night.scxdiag 3f9c 41d0`,
		Args:              idArgs,
		ValidArgsFunction: completeIDs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRemove(cmd, args, record)
		},
	}
	addCatalogueFlag(cmd.Flags(), &record)
	return cmd
}

func runRemove(cmd *cobra.Command, ids []string, record string) (err error) {
	st, err := openExisting(record)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, st.Close()) }()
	entries, err := findAll(cmd.Context(), st, ids)
	if err != nil {
		return err
	}
	whole := make([]string, len(entries))
	for i := range entries {
		whole[i] = entries[i].ID
	}
	n, err := st.Delete(cmd.Context(), whole...)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "deleted %s\n", snapshotCount(n))
	return err
}

// openExisting opens a recording for writing, if there is one.
func openExisting(path string) (*store.Store, error) {
	r, err := catalogue(path)
	if err != nil {
		return nil, err
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	return store.Open(path)
}
