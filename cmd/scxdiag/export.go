// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"scxdiag/dump"
	"scxdiag/dump/report"
	"scxdiag/dump/store"
)

// exportFlags is the command line of scxdiag export.
type exportFlags struct {
	record, output string
	format         exportFormat
	all            bool
}

func newExport() *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export ID... -o FILE.scxdiag",
		Short: "Write kept snapshots to a file of their own",
		Long: `export writes snapshots of the catalogue to a file to hand to somebody else. The
file is a recording, which scxdiag open and import take; it holds all that is
known, the text that a snapshot was read from included. The file must not exist
yet.

With --format it writes something else, to standard output unless -o names a file:

  text      a summary for people
  markdown  the same as the text of an issue
  json      everything that is known, for programs
  raw       the text that the snapshots were read from, as it stood there

Nothing is left out or made anonymous: a recording names the machine, its tasks
and its cgroups.

` + catalogueHelp,
		Example: `  scxdiag export 3f9c -o stall.scxdiag
  scxdiag export --all --record night.scxdiag -o copy.scxdiag
  scxdiag export --format json 3f9c > stall.json
  scxdiag export --format raw 3f9c | less -R`,
		Args: func(cmd *cobra.Command, args []string) error {
			if f.all {
				if len(args) > 0 {
					return usageError(cmd, "--all is in place of ids: give one of both")
				}
				return nil
			}
			return idArgs(cmd, args)
		},
		ValidArgsFunction: completeIDs,
		RunE:              f.run,
	}
	fl := cmd.Flags()
	fl.StringVarP(&f.output, "output", "o", "", "the `FILE` to write, which must not exist")
	fl.VarP(&f.format, "format", "f", "write something else than a recording")
	fl.BoolVar(&f.all, "all", false, "all snapshots")
	addCatalogueFlag(fl, &f.record)
	completeFormats(cmd, append(formatNames(), cobra.CompletionWithDesc(exportRaw, "the text that they were read from")))
	return cmd
}

// exportRaw is the format of the source text.
const exportRaw = "raw"

// exportFormat is the value of export --format.
type exportFormat string

// Set, String and Type make it a flag.
func (f *exportFormat) Set(s string) error {
	if other := format(""); s != exportRaw && other.Set(s) != nil {
		return errors.New("must be text, json, markdown or raw")
	}
	*f = exportFormat(s)
	return nil
}

func (f *exportFormat) String() string { return string(*f) }

// Type is what the help text calls the value.
func (f *exportFormat) Type() string { return "text|json|markdown|raw" }

func (f *exportFlags) run(cmd *cobra.Command, ids []string) error {
	if f.format == "" && f.output == "" {
		return usageError(cmd, "no file given: name the recording to write with -o FILE"+store.Ext)
	}
	ctx := cmd.Context()
	st, err := catalogue(f.record)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }() // it was only read
	var entries []store.Entry
	if f.all {
		entries, err = st.List(ctx, store.Filter{})
	} else {
		entries, err = findAll(ctx, st, ids)
	}
	if err != nil {
		return err
	}
	if f.format == "" {
		whole := make([]string, len(entries))
		for i := range entries {
			whole[i] = entries[i].ID
		}
		if err := st.Export(ctx, whole, f.output); err != nil {
			return err
		}
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", dump.Printable(f.output), snapshotCount(len(entries)))
		return err
	}
	return f.write(ctx, cmd.OutOrStdout(), st, entries)
}

// write writes the snapshots in the format, to the file or to stdout.
func (f *exportFlags) write(ctx context.Context, stdout io.Writer, st *store.Store, entries []store.Entry) (err error) {
	if i := slices.IndexFunc(entries, func(e store.Entry) bool { return !e.HasText }); i >= 0 && f.format == exportRaw {
		return fmt.Errorf("snapshot %s was not read from text, or the text was not kept; --format text gives a summary", entries[i].ID)
	}
	out := stdout
	if f.output != "" {
		file, openErr := os.OpenFile(f.output, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(openErr, fs.ErrExist) {
			return fmt.Errorf("export to %s: %w; remove it first, or export to another one", f.output, fs.ErrExist)
		}
		if openErr != nil {
			return fmt.Errorf("export: %w", openErr)
		}
		defer func() {
			if err = cmp.Or(err, file.Close()); err != nil { // or it would be in the way next time
				err = errors.Join(err, os.Remove(f.output))
			}
		}()
		out = file
	}
	var w report.Writer = rawWriter{out}
	if f.format != exportRaw {
		w = format(f.format).writer(out)
	}
	r := storedReader{ctx: ctx, store: st, entries: entries}
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = w.Add(s)
		}
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// rawWriter writes what snapshots were read from.
type rawWriter struct{ w io.Writer }

func (r rawWriter) Add(s *dump.Snapshot) error {
	text := s.Raw
	if text != "" && text[len(text)-1] != '\n' {
		text += "\n"
	}
	_, err := io.WriteString(r.w, text)
	return err
}

func (r rawWriter) Close() error { return nil }
