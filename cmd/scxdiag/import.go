// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"scxdiag/dump"
	"scxdiag/dump/store"
)

func newImport() *cobra.Command {
	var record string
	var salvage bool
	cmd := &cobra.Command{
		Use:   "import FILE... | -",
		Short: "Keep the snapshots of logs and recordings",
		Long: `import adds to the catalogue what files hold: recordings, logs of all the kinds
that scxdiag open reads, and files of ring-buffer records. A snapshot that is
there already is not added again, whichever file it comes from.

` + catalogueHelp + `

--salvage takes damaged recordings, such as one that was cut off or came from a
bad disk: it adds each snapshot that is intact, and says how many are not. The
file stays as it is; nobody may be writing to it. It needs another one to add to: of
the catalogue itself, name a new file with --record, and then move that in its place.

The exit code is 1 if a file could not be read, or holds nothing; the others are
imported nevertheless.`,
		Example: `  scxdiag import stall.scxdiag
  scxdiag import crash.log
  journalctl -b -u scx -o cat | scxdiag import -
  scxdiag import --record all.scxdiag monday.scxdiag tuesday.scxdiag
  scxdiag import --salvage damaged.scxdiag`,
		Args: openArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return runImport(cmd, args, record, salvage) },
	}
	cmd.Flags().BoolVar(&salvage, "salvage", false, "add what is intact of damaged recordings")
	addCatalogueFlag(cmd.Flags(), &record)
	return cmd
}

func runImport(cmd *cobra.Command, names []string, record string, salvage bool) (err error) {
	if salvage {
		if err := notInto(record, names); err != nil {
			return err
		}
	}
	st, err := store.Open(record)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, st.CloseUnused()) }()
	failed := false
	for _, name := range names {
		if cmd.Context().Err() != nil {
			return errReported
		}
		var done store.Salvaged
		var err error
		if salvage {
			done, err = st.Salvage(cmd.Context(), name)
		} else {
			done.Imported, err = importFile(cmd, st, name)
		}
		if err != nil {
			complain(cmd.ErrOrStderr(), err)
			failed = true
		}
		if done.Added+done.Known > 0 || err == nil {
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), dump.Printable(name)+": "+imported(&done)); err != nil {
				return fmt.Errorf("say what was imported: %w", err)
			}
		}
	}
	if failed {
		return errReported
	}
	return nil
}

// notInto refuses to rescue a recording into itself: nothing would come of it, and the
// file would stay damaged.
func notInto(record string, names []string) (err error) {
	if record == "" {
		if record, err = store.DefaultPath(); err != nil {
			return err
		}
	}
	for _, name := range names {
		if isSameFile(name, record) {
			file := shellWord(name)
			return fmt.Errorf("%[1]s: cannot be rescued into itself; rescue it into a new file, and put that in its place: "+
				"scxdiag import --salvage --record NEW%[3]s %[2]s && rm -f %[2]s-wal %[2]s-shm && mv NEW%[3]s %[2]s", name, file, store.Ext)
		}
	}
	return nil
}

// isSameFile reports whether two names are of one file that is there.
func isSameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// imported says what became of a file.
func imported(done *store.Salvaged) string {
	line := fmt.Sprintf("%d added, %d already there", done.Added, done.Known)
	if done.TextLost > 0 {
		line += fmt.Sprintf(", %d of them without their text", done.TextLost)
	}
	if done.Lost > 0 {
		line += fmt.Sprintf(", %d not intact", done.Lost)
	}
	if done.More {
		line += ", and there may have been others"
	}
	return line
}

// importFile adds what one file holds. Also where it fails it says what it has
// added.
func importFile(cmd *cobra.Command, st *store.Store, name string) (done store.Imported, err error) {
	ctx := cmd.Context()
	if name == stdinName {
		sayPaste(cmd.InOrStdin(), cmd.ErrOrStderr())
	}
	src, err := openSource(ctx, name, cmd.InOrStdin())
	if err != nil {
		return done, err
	}
	defer src.close()
	if src.kind == kindRecording {
		return st.Import(ctx, name)
	}
	o := opener{stderr: cmd.ErrOrStderr(), record: new(recorder)}
	err = o.readSource(ctx, &address{arg: name, file: name}, src, func(s *dump.Snapshot) error {
		_, added, err := st.Add(context.WithoutCancel(ctx), s, store.AddOptions{})
		switch {
		case added:
			done.Added++
		case err == nil:
			done.Known++
		}
		return err
	})
	var failed *addError
	if errors.As(err, &failed) {
		err = failed.err
	}
	return done, err
}
