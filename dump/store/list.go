// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"scxdiag/dump"
)

// Filter chooses snapshots. Its zero value chooses all.
type Filter struct {
	// Scheduler is the name of the scheduler, in any case, with or without the version
	// and build target that Rust schedulers append to theirs.
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
		and("substr(scheduler, 1, ?) = ? COLLATE NOCASE", len([]rune(f.Scheduler)), f.Scheduler)
	}
	room := 0
	if len(where) == 0 {
		and("true")
		room = s.count(ctx)
	}
	all, err := s.entriesInto(ctx, room, strings.Join(where, " AND ")+" ORDER BY seq", args...)
	if err != nil {
		return nil, fmt.Errorf("list recording %s: %w", s.path, explain(err))
	}
	if f.Scheduler != "" {
		all = slices.DeleteFunc(all, func(e Entry) bool {
			return !strings.EqualFold(e.Scheduler, f.Scheduler) && !strings.EqualFold(dump.BaseName(e.Scheduler), f.Scheduler)
		})
	}
	byTime := func(a, b Entry) int { return a.When().Compare(b.When()) }
	if !slices.IsSortedFunc(all, byTime) {
		slices.SortStableFunc(all, byTime)
	}
	return all, nil
}

// maxRoom is for how many entries there is room from the beginning.
const maxRoom = 1 << 20

// count is how many entries there are, maxRoom at most; not to know, which is 0, is
// no harm. Counting those of a forged file might take for ever.
func (s *Store) count(ctx context.Context) (n int) {
	if s.bound == 0 {
		_ = s.read.QueryRowContext(ctx, "SELECT count(*) FROM snapshot").Scan(&n)
	}
	return min(n, maxRoom)
}

// entries are those of the rows of table snapshot that a condition chooses,
// one at most, or ordered by seq.
func (s *Store) entries(ctx context.Context, where string, args ...any) ([]Entry, error) {
	return s.entriesInto(ctx, 0, where, args...)
}

// entriesInto is entries with room for as many as there may be, 0 if that is not
// known. It takes its rows from the driver itself: database/sql takes more time
// for each than everything else.
func (s *Store) entriesInto(ctx context.Context, room int, where string, args ...any) (all []Entry, err error) {
	conn, err := s.read.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		v, err := driver.DefaultParameterConverter.ConvertValue(a)
		if err != nil {
			return nil, err
		}
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	err = conn.Raw(func(c any) error {
		q, ok := c.(driver.QueryerContext)
		if !ok {
			return errors.New("the driver has no queries")
		}
		rows, err := q.QueryContext(context.WithoutCancel(ctx), "SELECT seq, entry FROM snapshot WHERE "+where, named)
		if err != nil {
			return err
		}
		all, err = s.readEntries(ctx, rows, room)
		return errors.Join(err, rows.Close())
	})
	return all, err
}

func (s *Store) readEntries(ctx context.Context, rows driver.Rows, room int) ([]Entry, error) {
	const few, chunk = 16, 1024
	var chunks [][]Entry // joined at the end: to grow one list copies it over and over
	var last []Entry
	var bytes int64
	before := int64(math.MinInt64)
	dest := make([]driver.Value, 2)
	for {
		err := rows.Next(dest)
		switch {
		case errors.Is(err, io.EOF) && len(chunks) == 0:
			return last, nil
		case errors.Is(err, io.EOF):
			return slices.Concat(append(chunks, last)...), nil
		case err != nil:
			return nil, err
		}
		seq, ok1 := dest[0].(int64)
		packed, ok2 := dest[1].([]byte)
		switch {
		case last == nil:
			last = make([]Entry, 0, max(room, few))
		case len(last) == cap(last):
			chunks, last = append(chunks, last), make([]Entry, 0, chunk)
		}
		last = append(last, Entry{Seq: seq})
		if e := &last[len(last)-1]; !ok1 || !ok2 || !e.unpack(string(packed)) {
			return nil, fmt.Errorf("%w: entry %d makes no sense", ErrDamaged, seq)
		}
		// Pages of a forged file may be in it over and over.
		if bytes += int64(len(packed)); seq <= before || !s.canHold(bytes) {
			return nil, fmt.Errorf("%w: entry %d is there again", ErrDamaged, seq)
		}
		before = seq
		if len(last)%chunk == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
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
