// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Delete deletes snapshots, by their whole IDs, and returns how many of them
// were there. Their content is overwritten, and the file becomes smaller.
func (s *Store) Delete(ctx context.Context, ids ...string) (int, error) {
	n, err := s.deleteAll(ctx, ids)
	if err == nil {
		err = s.shrink(ctx)
	}
	if err != nil {
		return n, fmt.Errorf("delete from recording %s: %w", s.path, explain(err))
	}
	return n, nil
}

// numbered is a snapshot with its number.
type numbered struct {
	seq int64
	id  string
}

// deleteStep is how many snapshots are deleted in one transaction.
const deleteStep = 16

func (s *Store) deleteAll(ctx context.Context, ids []string) (n int, err error) {
	if s.write == nil {
		return 0, ErrReadOnly
	}
	all := make([]numbered, 0, len(ids))
	for _, id := range ids {
		var seq int64
		err := s.read.QueryRowContext(ctx, "SELECT seq FROM snapshot WHERE id = ?", id).Scan(&seq)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return 0, err
		}
		all = append(all, numbered{seq, id})
	}
	// The latest first: what is relative to others is gone before they are.
	slices.SortFunc(all, func(a, b numbered) int { return cmp.Compare(b.seq, a.seq) })
	for len(all) > 0 {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		done, deleted, err := s.deleteSome(ctx, all[:min(len(all), deleteStep)])
		if n += deleted; err != nil {
			return n, err
		}
		if all = all[done:]; done == 0 {
			if err := s.detach(ctx, all[0].id); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// deleteSome deletes snapshots up to the first that others are relative to. It
// returns how many it has dealt with, and how many of these were there.
func (s *Store) deleteSome(ctx context.Context, some []numbered) (done, deleted int, err error) {
	err = s.transaction(ctx, func(ctx context.Context, c *sql.Conn) error {
		done, deleted = 0, 0
		for _, x := range some {
			var used bool
			if err := c.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM body WHERE base = ?)", x.seq).Scan(&used); err != nil || used {
				return err
			}
			var r sql.Result
			for _, statement := range []string{
				"DELETE FROM original WHERE seq = ?", "DELETE FROM body WHERE seq = ?", "DELETE FROM snapshot WHERE seq = ?",
			} {
				var err error
				if r, err = c.ExecContext(ctx, statement, x.seq); err != nil {
					return err
				}
			}
			n, err := r.RowsAffected()
			if err != nil {
				return err
			}
			deleted += int(n)
			done++
		}
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	s.check.wrote(checkpointAfter) // what is deleted is overwritten
	return done, deleted, nil
}

// detach makes all snapshots that are relative to the given one relative to
// what that one is relative to. If it is whole, the first of them becomes whole
// and the others relative to that. Each is rewritten on its own, so that nobody
// waits for long.
func (s *Store) detach(ctx context.Context, id string) error {
	chain, err := s.chain(ctx, byID, id)
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
		snap, a, err := s.get(ctx, "seq = ?1", seq)
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
		if err != nil {
			return err
		}
		s.check.wrote(shrinkStep * defaultPageSize)
		if free == 0 || free == last {
			return nil
		}
		last = free
	}
}

// PrunePolicy says which snapshots are too many.
type PrunePolicy struct {
	MaxSize int64         // of the recording, in bytes; 0: no limit
	MaxAge  time.Duration // since Entry.When; 0: no limit
	DryRun  bool          // change nothing, only say what would go
	// KeepFailure spares the snapshot of a failure that was recorded last, however large
	// and old.
	KeepFailure bool
	// FailuresLast has what is no failure go before any failure goes for MaxSize.
	FailuresLast bool
	// AtMost is how many snapshots one call deletes at most, 0: no limit. As long as a
	// call deletes some, the next one may find more.
	AtMost int
}

// Pruned is what Prune deleted, or would.
type Pruned struct {
	Entries []Entry // in the order in which they went, as a rule the oldest first
	Size    int64   // bytes that they took
}

// Prune deletes the oldest snapshots until a recording is as small and as
// young as the policy wants. A dry run estimates what each takes in the file.
func (s *Store) Prune(ctx context.Context, p PrunePolicy) (Pruned, error) {
	out, err := s.prune(ctx, p)
	if err != nil {
		return out, fmt.Errorf("prune recording %s: %w", s.path, explain(err))
	}
	return out, nil
}

func (s *Store) prune(ctx context.Context, p PrunePolicy) (out Pruned, err error) {
	if s.write == nil {
		return out, ErrReadOnly
	}
	now := time.Now()
	for {
		// What is left is rewritten where it was relative to what is gone,
		// so that one round may not do.
		round, err := s.tooMany(ctx, p, now)
		if err != nil || len(round) == 0 {
			return out, err
		}
		ids := make([]string, len(round))
		for i := range round {
			ids[i] = round[i].ID
			out.Size += round[i].Size
		}
		out.Entries = append(out.Entries, round...)
		if p.DryRun {
			return out, nil
		}
		if _, err := s.deleteAll(ctx, ids); err != nil {
			return out, err
		}
		if err := s.shrink(ctx); err != nil || p.AtMost > 0 {
			return out, err
		}
	}
}

// tooMany are the snapshots that are too old, and the oldest ones that make the
// file too large.
func (s *Store) tooMany(ctx context.Context, p PrunePolicy, now time.Time) ([]Entry, error) {
	all, err := s.List(ctx, Filter{})
	if err != nil {
		return nil, err
	}
	file, err := s.size(ctx)
	if err != nil {
		return nil, err
	}
	var total int64
	for i := range all {
		total += all[i].Size + rowSize
	}
	over := int64(0) // how much less the entries must be
	if p.MaxSize > 0 && file > p.MaxSize {
		over = max(int64(float64(file-p.MaxSize)*float64(total)/float64(file)), 1)
	}
	spared := -1
	for i := range all {
		if p.KeepFailure && all[i].Failure && (spared < 0 || all[i].Seq > all[spared].Seq) {
			spared = i
		}
	}
	var out, rest []Entry
	for i := range all {
		switch {
		case i == spared:
		case p.MaxAge > 0 && now.Sub(all[i].When()) > p.MaxAge:
			over -= all[i].Size + rowSize
			out = append(out, all[i])
		default:
			rest = append(rest, all[i])
		}
	}
	if p.FailuresLast {
		slices.SortStableFunc(rest, func(a, b Entry) int { return rank(a.Failure) - rank(b.Failure) })
	}
	for i := range rest {
		if over <= 0 {
			break
		}
		over -= rest[i].Size + rowSize
		out = append(out, rest[i])
	}
	if p.AtMost > 0 && len(out) > p.AtMost {
		out = out[:p.AtMost]
	}
	return out, nil
}

func rank(last bool) int {
	if last {
		return 1
	}
	return 0
}

// Size is how many bytes the snapshots take in the file, without the write-ahead log
// beside it. To ask costs next to nothing.
func (s *Store) Size(ctx context.Context) (int64, error) {
	n, err := s.size(ctx)
	if err != nil {
		return 0, fmt.Errorf("measure recording %s: %w", s.path, explain(err))
	}
	return n, nil
}

func (s *Store) size(ctx context.Context) (int64, error) {
	var pages, free, size int64
	err := s.read.QueryRowContext(ctx, "SELECT page_count, freelist_count, page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size").
		Scan(&pages, &free, &size)
	return (pages - free) * size, err
}

// rowSize is about what a snapshot takes in the file beside its body.
const rowSize = 1024
