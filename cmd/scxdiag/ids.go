// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"scxdiag/dump"
	"scxdiag/dump/report"
	"scxdiag/dump/store"
)

// addCatalogueFlag defines the flag that chooses the recording that a command
// works on.
func addCatalogueFlag(f *pflag.FlagSet, path *string) {
	f.StringVar(path, "record", "", "the recording `FILE` to work on instead of the catalogue")
}

// catalogueHelp says what the catalogue is, for the help texts.
const catalogueHelp = `The catalogue is the recording that scxdiag keeps snapshots in where no other is
named: $SCXDIAG_STORE, or scxdiag/catalogue.scxdiag in $XDG_STATE_HOME, which is
~/.local/state as a rule.`

// idArgs wants at least one id.
func idArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError(cmd, "no snapshot given: name its id, or the first digits of it, which scxdiag list shows")
	}
	return nil
}

// maxCompletions is how many ids a completion offers, the newest first.
const maxCompletions = 100

// completeIDs completes ids of the recording of --record, or of the catalogue.
func completeIDs(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	path, _ := cmd.Flags().GetString("record") // a command without it uses the catalogue
	return idsFor(cmd.Context(), path, args, toComplete), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// completeIDsAndFiles completes ids of the catalogue and names of files.
func completeIDsAndFiles(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if toComplete == "" { // files come first to mind
		return nil, cobra.ShellCompDirectiveDefault
	}
	return idsFor(cmd.Context(), "", args, toComplete), cobra.ShellCompDirectiveDefault
}

// idsFor finds the ids that start with what was typed and are not among args.
func idsFor(ctx context.Context, path string, args []string, typed string) []cobra.Completion {
	if ctx == nil {
		ctx = context.Background()
	}
	st, err := store.OpenReader(path)
	if err != nil {
		return nil
	}
	defer func() { _ = st.Close() }() // it was only read
	entries, err := st.List(ctx, store.Filter{})
	if err != nil {
		return nil
	}
	var out []cobra.Completion
	for i := len(entries) - 1; i >= 0 && len(out) < maxCompletions; i-- {
		e := &entries[i]
		short := e.ID[:report.ShortID]
		if !strings.HasPrefix(e.ID, strings.ToLower(typed)) || contains(args, e.ID) {
			continue
		}
		if len(typed) > len(short) {
			short = e.ID
		}
		out = append(out, cobra.CompletionWithDesc(short, dump.Printable(report.EntryTitle(e))))
	}
	return out
}

// contains reports whether one of the arguments names the id.
func contains(args []string, id string) bool {
	for _, a := range args {
		if len(a) >= minIDDigits && strings.HasPrefix(id, strings.ToLower(a)) {
			return true
		}
	}
	return false
}
