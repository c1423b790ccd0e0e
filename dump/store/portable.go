// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Export writes the snapshots with the given IDs, all 32 digits of each, to a
// new recording of their own. There must be nothing at path yet.
func (s *Store) Export(ctx context.Context, ids []string, path string) error {
	if err := s.export(ctx, ids, path); err != nil {
		return fmt.Errorf("export to recording %s: %w", path, explain(err))
	}
	return nil
}

func (s *Store) export(ctx context.Context, ids []string, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%w; remove it first, or export to another one", fs.ErrExist)
	}
	// It gets its name when it is whole.
	dir, err := os.MkdirTemp(filepath.Dir(path), ".scxdiag-export-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	part := filepath.Join(dir, "export"+Ext)
	to, err := open(part, "OFF")
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := copySnapshot(ctx, s, to, id); err != nil {
			return errors.Join(fmt.Errorf("snapshot %s: %w", printableID(id), err), to.closeAll())
		}
	}
	if err := errors.Join(to.portable(ctx), to.closeAll()); err != nil {
		return err
	}
	if err := syncFile(part); err != nil {
		return err
	}
	if err := os.Link(part, path); err != nil { // unlike a rename it replaces nothing
		return err
	}
	return syncFolder(path)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // made here
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// portable makes the file one that needs no others beside it, not even to be
// read from a folder that cannot be written to.
func (s *Store) portable(ctx context.Context) error {
	s.check.stop()
	if err := s.read.Close(); err != nil { // it must be the only connection
		return err
	}
	_, err := s.conn.ExecContext(ctx, "PRAGMA journal_mode = DELETE")
	return err
}

// copySnapshot adds a snapshot of one recording to another.
func copySnapshot(ctx context.Context, from, to *Store, id string) (added bool, err error) {
	snap, _, err := from.get(ctx, byID, id)
	if err != nil {
		return false, err
	}
	found, err := from.entries(ctx, "id = ?", id)
	if err != nil {
		return false, err
	}
	if len(found) == 0 {
		return false, ErrNotFound
	}
	e := found[0]
	o := AddOptions{Boot: e.Boot}
	if e.HasRecords {
		if o.Records, err = from.Records(ctx, id); err != nil {
			return false, err
		}
	}
	// The columns may be wrong in a file that was tampered with.
	own := entryOf(snap, snap.ID(), e.Boot, e.Added)
	return to.add(ctx, snap, &own, o)
}

// Imported says what Import did.
type Imported struct {
	Added int // snapshots that are new
	Known int // that were there already
}

// Import adds all snapshots of other recordings. The first that cannot be read
// ends it; what was added before stays. See Salvage for damaged ones.
func (s *Store) Import(ctx context.Context, paths ...string) (Imported, error) {
	var n Imported
	for _, path := range paths {
		if err := s.importFile(ctx, path, &n); err != nil {
			return n, fmt.Errorf("import recording %s: %w", path, explain(err))
		}
	}
	return n, nil
}

func (s *Store) importFile(ctx context.Context, path string, n *Imported) (err error) {
	from, err := openReader(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.closeAll()) }()
	all, err := from.entries(ctx, "true ORDER BY seq")
	if err != nil {
		return err
	}
	for i := range all {
		added, err := copySnapshot(ctx, from, s, all[i].ID)
		if err != nil {
			return fmt.Errorf("snapshot %s: %w", printableID(all[i].ID), err)
		}
		if added {
			n.Added++
		} else {
			n.Known++
		}
	}
	return nil
}
