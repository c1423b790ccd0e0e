// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Delete deletes snapshots, by their whole IDs, and returns how many of them
// were there. Their content is overwritten; the space is used again.
func (s *Store) Delete(ctx context.Context, ids ...string) (int, error) {
	n := 0
	for _, id := range ids {
		deleted, err := s.delete(ctx, id)
		if err != nil {
			return n, fmt.Errorf("delete snapshot %s of recording %s: %w", printableID(id), s.path, explain(err))
		}
		if deleted {
			n++
		}
	}
	if err := s.shrink(ctx); err != nil {
		return n, fmt.Errorf("shrink recording %s: %w", s.path, explain(err))
	}
	return n, nil
}

// errInUse says that others are relative to a snapshot.
var errInUse = errors.New("in use as a base")

func (s *Store) delete(ctx context.Context, id string) (deleted bool, err error) {
	for {
		err = s.transaction(ctx, func(ctx context.Context, c *sql.Conn) error {
			var seq int64
			var used bool
			err := c.QueryRowContext(ctx, "SELECT seq, EXISTS (SELECT 1 FROM body d WHERE d.base = s.seq) FROM snapshot s WHERE id = ?", id).Scan(&seq, &used)
			if errors.Is(err, sql.ErrNoRows) {
				return nil
			}
			if err != nil {
				return err
			}
			if used {
				return errInUse
			}
			for _, table := range []string{"original", "body", "snapshot"} {
				if _, err := c.ExecContext(ctx, "DELETE FROM "+table+" WHERE seq = ?", seq); err != nil { //nolint:gosec // constant
					return err
				}
			}
			deleted = true
			return nil
		})
		if !errors.Is(err, errInUse) {
			return deleted, err
		}
		if err := s.detach(ctx, id); err != nil {
			return false, err
		}
	}
}

// detach makes all snapshots that are relative to the given one relative to
// what that one is relative to. If it is whole, the first of them becomes whole
// and the others relative to that. Each is rewritten on its own, so that nobody
// waits for long.
func (s *Store) detach(ctx context.Context, id string) error {
	chain, err := s.chain(ctx, "id = ?", id)
	if errors.Is(err, ErrNotFound) { // somebody was faster
		return nil
	}
	if err != nil {
		return err
	}
	old := chain[0].seq
	var base *shredded
	var baseSeq int64
	for i := len(chain) - 1; i > 0; i-- {
		if base, err = decodeBody(chain[i].body, base); err != nil {
			return err
		}
		baseSeq = chain[i].seq
	}
	seqs, err := s.dependents(ctx, old)
	if err != nil {
		return err
	}
	for _, seq := range seqs {
		snap, a, err := s.get(ctx, "seq = ?", seq)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		d := shred(snap, snap.ID(), a, nil)
		b, err := encodeBody(d, base)
		if err != nil {
			return err
		}
		err = s.rebase(ctx, seq, old, baseSeq, b)
		if errors.Is(err, errBaseGone) { // somebody deletes that as well
			return nil
		}
		if err != nil {
			return err
		}
		if base == nil {
			base, baseSeq = d, seq
		}
	}
	return nil
}

// dependents are the snapshots that are relative to the given one.
func (s *Store) dependents(ctx context.Context, base int64) ([]int64, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT seq FROM body WHERE base = ? ORDER BY seq", base)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []int64
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			return nil, err
		}
		all = append(all, seq)
	}
	return all, rows.Err()
}

// rebase replaces the body of a snapshot that is relative to the base old by one
// that is relative to another base, or whole if that is 0.
func (s *Store) rebase(ctx context.Context, seq, old, base int64, body []byte) error {
	return s.transaction(ctx, func(ctx context.Context, c *sql.Conn) error {
		var to any
		if base != 0 {
			var there bool
			if err := c.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM body WHERE seq = ?)", base).Scan(&there); err != nil {
				return err
			}
			if !there {
				return errBaseGone
			}
			to = base
		}
		var was int
		err := c.QueryRowContext(ctx, "SELECT length(data) FROM body WHERE seq = ? AND base = ?", seq, old).Scan(&was)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := c.ExecContext(ctx, "UPDATE body SET base = ?, data = ? WHERE seq = ?", to, body, seq); err != nil {
			return err
		}
		return resize(ctx, c, seq, int64(len(body)-was))
	})
}

// resize says that a snapshot takes some bytes more.
func resize(ctx context.Context, c *sql.Conn, seq, more int64) error {
	var packed []byte
	if err := c.QueryRowContext(ctx, "SELECT entry FROM snapshot WHERE seq = ?", seq).Scan(&packed); err != nil {
		return err
	}
	var e Entry
	if !e.unpack(string(packed)) {
		return fmt.Errorf("%w: entry %d makes no sense", ErrDamaged, seq)
	}
	e.Size += more
	_, err := c.ExecContext(ctx, "UPDATE snapshot SET entry = ?, size = ? WHERE seq = ?", e.pack(), e.Size, seq)
	return err
}

// shrinkStep is how many free pages are given back at a time.
const shrinkStep = 64

// shrink gives the free pages of the file back to the file system, a few at a
// time, so that nobody waits for long.
func (s *Store) shrink(ctx context.Context) error {
	for last := -1; ; {
		var free int
		err := s.transaction(ctx, func(ctx context.Context, c *sql.Conn) error {
			rows, err := c.QueryContext(ctx, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", shrinkStep))
			if err != nil {
				return err
			}
			for rows.Next() { // each step frees a page
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				return err
			}
			return c.QueryRowContext(ctx, "PRAGMA freelist_count").Scan(&free)
		})
		if err != nil || free == 0 || free == last {
			return err
		}
		last = free
	}
}

// PrunePolicy says which snapshots are too many.
type PrunePolicy struct {
	MaxSize int64         // of the recording, in bytes; 0: no limit
	MaxAge  time.Duration // since Entry.When; 0: no limit
	DryRun  bool          // change nothing, only say what would go
}

// Pruned is what Prune deleted, or would.
type Pruned struct {
	Entries []Entry // oldest first
	Size    int64   // bytes that they took
}

// Prune deletes the oldest snapshots until a recording is as small and as
// young as the policy wants.
func (s *Store) Prune(ctx context.Context, p PrunePolicy) (Pruned, error) {
	all, err := s.List(ctx, Filter{})
	if err != nil {
		return Pruned{}, err
	}
	if s.write == nil {
		return Pruned{}, fmt.Errorf("prune recording %s: %w", s.path, ErrReadOnly)
	}
	var out Pruned
	now := time.Now()
	var total int64
	for i := range all {
		total += all[i].Size + rowSize
	}
	for i := range all {
		e := &all[i]
		tooOld := p.MaxAge > 0 && now.Sub(e.When()) > p.MaxAge
		if !tooOld && (p.MaxSize <= 0 || total <= p.MaxSize) {
			break
		}
		total -= e.Size + rowSize
		out.Entries = append(out.Entries, *e)
		out.Size += e.Size
	}
	if p.DryRun {
		return out, nil
	}
	ids := make([]string, len(out.Entries))
	for i := range out.Entries {
		ids[i] = out.Entries[i].ID
	}
	_, err = s.Delete(ctx, ids...)
	return out, err
}

// rowSize is about what a snapshot takes in the file beside its body.
const rowSize = 512
