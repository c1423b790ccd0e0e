// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"scxdiag/dump"
)

// Filter chooses snapshots. Its zero value chooses all.
type Filter struct {
	// Scheduler is the name of the scheduler, with or without the version and
	// build target that Rust schedulers append to theirs.
	Scheduler string
	Kind      dump.Value[dump.ExitKind] // of the exit
	Since     time.Time                 // first time of Entry.When
	Until     time.Time                 // last time of Entry.When
	Signature string                    // what the signature's id starts with
	Host      string
}

// List returns what the recording says of the snapshots that a filter chooses,
// in the order of Entry.When. Those of the same time are in the order in which
// they were recorded.
func (s *Store) List(ctx context.Context, f Filter) ([]Entry, error) {
	var where []string
	var args []any
	and := func(cond string, arg ...any) {
		where = append(where, cond)
		args = append(args, arg...)
	}
	if f.Kind.Known {
		and("kind = ?", int64(f.Kind.V))
	}
	if f.Host != "" {
		and("host = ?", f.Host)
	}
	if ns, ok := nanoseconds(f.Since); ok {
		and("coalesce(time, added) >= ?", ns)
	}
	if ns, ok := nanoseconds(f.Until); ok {
		and("coalesce(time, added) <= ?", ns)
	}
	if f.Signature != "" {
		and("substr(signature, 1, ?) = ?", len([]rune(f.Signature)), f.Signature)
	}
	if f.Scheduler != "" {
		and("substr(scheduler, 1, ?) = ?", len([]rune(f.Scheduler)), f.Scheduler)
	}
	if len(where) == 0 {
		and("true")
	}
	all, err := s.entries(ctx, strings.Join(where, " AND ")+" ORDER BY seq", args...)
	if err != nil {
		return nil, fmt.Errorf("list recording %s: %w", s.path, explain(err))
	}
	if f.Scheduler != "" {
		all = slices.DeleteFunc(all, func(e Entry) bool {
			return e.Scheduler != f.Scheduler && dump.BaseName(e.Scheduler) != f.Scheduler
		})
	}
	byTime := func(a, b Entry) int { return a.When().Compare(b.When()) }
	if !slices.IsSortedFunc(all, byTime) {
		slices.SortStableFunc(all, byTime)
	}
	return all, nil
}

// entries are those of the rows of table snapshot that a condition chooses.
func (s *Store) entries(ctx context.Context, where string, args ...any) ([]Entry, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT "+columns+" FROM snapshot WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Entry
	for rows.Next() {
		var e Entry
		var at, kind sql.NullInt64
		var added, lost, flags int64
		if err := rows.Scan(&e.Seq, &e.ID, &at, &added, &e.Host, &e.Boot, &e.Kernel, &e.Scheduler, &e.Trigger, &kind,
			&e.Reason, &e.Signature, &e.Title, &e.Task, &e.Tasks, &lost, &flags, &e.Source, &e.Size); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err) // a type that was never put there
		}
		if at.Valid {
			e.Time = time.Unix(0, at.Int64).UTC()
		}
		if kind.Valid {
			e.Kind = dump.Of(dump.ExitKind(kind.Int64)) //nolint:gosec // as it was put
		}
		e.Added, e.Lost = time.Unix(0, added).UTC(), uint64(max(lost, 0))
		e.setFlags(flags)
		all = append(all, e)
	}
	return all, rows.Err()
}

// followEvery is how soon Follow sees what another program has committed.
const followEvery = 100 * time.Millisecond

// Follow yields the entries of snapshots whose Seq is above after, those that
// are there and then each new one as it is committed, by this program or another
// one. It ends when ctx does, or with an error.
func (s *Store) Follow(ctx context.Context, after int64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		tick := time.NewTicker(followEvery)
		defer tick.Stop()
		for {
			found, err := s.entries(ctx, "seq > ? ORDER BY seq LIMIT 1000", after)
			if err != nil {
				if ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
					yield(Entry{}, fmt.Errorf("follow recording %s: %w", s.path, explain(err)))
				}
				return
			}
			for i := range found {
				after = found[i].Seq
				if !yield(found[i], nil) {
					return
				}
			}
			if len(found) > 0 {
				continue
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}
}
