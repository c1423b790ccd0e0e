// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"scxdiag/dump"
)

// Get reads the snapshot with the given ID, all 32 digits of it; see Find for
// less. Its Raw is there if the text was kept. The error is ErrNotFound or
// ErrDamaged where that is the reason.
func (s *Store) Get(ctx context.Context, id string) (*dump.Snapshot, error) {
	snap, _, err := s.get(ctx, byID, id)
	if err != nil {
		return nil, fmt.Errorf("read snapshot %s of recording %s: %w", printableID(id), s.path, explain(err))
	}
	return snap, nil
}

// Records reads the ring-buffer records of a snapshot, nil if they were not
// kept.
func (s *Store) Records(ctx context.Context, id string) ([]byte, error) {
	var b []byte
	err := s.read.QueryRowContext(ctx, "SELECT records FROM original WHERE seq = (SELECT seq FROM snapshot WHERE id = ?)", id).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) || err == nil && b == nil {
		return nil, nil
	}
	if err == nil {
		b, err = decompress(b, maxOriginal)
	}
	if err != nil {
		return nil, fmt.Errorf("read the records of snapshot %s of recording %s: %w", printableID(id), s.path, explain(err))
	}
	return b, nil
}

// stored is a body as it stands in the file, with the text of the snapshot.
type stored struct {
	seq  int64
	id   string
	base int64 // seq of the base, 0 if the body is whole
	body []byte
	text []byte
}

// get reads the snapshot that the condition on table body names.
func (s *Store) get(ctx context.Context, where string, arg any) (*dump.Snapshot, about, error) {
	chain, err := s.chain(ctx, where, arg)
	if err != nil {
		return nil, about{}, err
	}
	var d *shredded
	for i := len(chain) - 1; i >= 0; i-- {
		r := &chain[i]
		if i > 0 {
			if known := s.bases.get(r.seq); known != nil {
				d = known
				continue
			}
		}
		if d, err = decodeBody(r.body, d); err != nil {
			return nil, about{}, err
		}
		if d.id != r.id {
			return nil, about{}, fmt.Errorf("%w: it is another snapshot than the recording says", ErrDamaged)
		}
		if i > 0 {
			s.bases.put(r.seq, d)
		}
	}
	snap, err := d.assembleSnapshot()
	if err != nil {
		return nil, about{}, err
	}
	if d.about.HasText {
		raw, err := decompress(chain[0].text, maxOriginal)
		if err != nil {
			return nil, about{}, fmt.Errorf("its text: %w", err)
		}
		snap.Raw = string(raw)
	}
	return snap, d.about, nil
}

// maxChain is how many bodies one may need to be read, itself included. What
// this package writes needs one more than wholeEvery has digits.
const maxChain = 16

// byID is the condition for an ID; table body has no index on those.
const byID = "seq = (SELECT seq FROM snapshot WHERE id = ?1) AND id = ?1"

// chainQuery has a place for the condition that names the body.
const chainQuery = `WITH RECURSIVE chain (n, seq, base) AS (
		SELECT 1, seq, base FROM body WHERE %s
		UNION ALL
		SELECT n + 1, b.seq, b.base FROM chain c JOIN body b ON b.seq = c.base WHERE n <= ?2)
	SELECT b.seq, b.id, coalesce(b.base, 0), b.data, iif(n = 1, o.text, NULL)
	FROM chain c JOIN body b USING (seq) LEFT JOIN original o USING (seq) ORDER BY n`

// chain reads a body and those that it is relative to, the whole one last. One
// statement sees one state of the file.
func (s *Store) chain(ctx context.Context, where string, arg any) ([]stored, error) {
	rows, err := s.read.QueryContext(ctx, fmt.Sprintf(chainQuery, where), arg, maxChain)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []stored
	var bytes int64
	for rows.Next() {
		var r stored
		if err := rows.Scan(&r.seq, &r.id, &r.base, &r.body, &r.text); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err) // a type that was never put there
		}
		if bytes += int64(len(r.body) + len(r.text)); !s.canHold(bytes) {
			return nil, fmt.Errorf("%w: it is larger than the recording", ErrDamaged)
		}
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNotFound
	}
	if len(all) > maxChain || all[len(all)-1].base != 0 {
		return nil, fmt.Errorf("%w: what it is relative to is missing", ErrDamaged)
	}
	return all, nil
}

// baseCache holds the bases that were used last: the snapshots of a series are
// read one after the other, and share them.
type baseCache struct {
	mu   sync.Mutex
	last []cached // the latest first
}

type cached struct {
	seq int64
	d   *shredded
}

// maxCached is how many bases are held.
const maxCached = 4

func (c *baseCache) get(seq int64) *shredded {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, e := range c.last {
		if e.seq == seq {
			copy(c.last[1:], c.last[:i])
			c.last[0] = e
			return e.d
		}
	}
	return nil
}

func (c *baseCache) put(seq int64, d *shredded) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.last) < maxCached {
		c.last = append(c.last, cached{})
	}
	copy(c.last[1:], c.last)
	c.last[0] = cached{seq, d}
}

// AmbiguousError is that of an ID prefix that several snapshots have.
type AmbiguousError struct {
	Prefix string
	// Candidates are the snapshots, at most maxCandidates, in the order in
	// which they were recorded.
	Candidates []Entry
	More       bool // there are further ones
}

// maxCandidates is how many candidates an AmbiguousError names.
const maxCandidates = 10

func (e *AmbiguousError) Error() string {
	ids := make([]string, len(e.Candidates))
	for i := range e.Candidates {
		ids[i] = e.Candidates[i].ID
	}
	more := ""
	if e.More {
		more = " and more"
	}
	return fmt.Sprintf("id %s is ambiguous, give more digits of one of: %s%s", e.Prefix, strings.Join(ids, ", "), more)
}

// idLen is the number of digits of an ID.
const idLen = 32

// minPrefix is how many digits of an ID are needed, as in git.
const minPrefix = 4

// Find finds the snapshot whose ID starts with prefix, of 4 hexadecimal digits
// or more. The error is an *AmbiguousError if there are several, and ErrNotFound
// if there is none.
func (s *Store) Find(ctx context.Context, prefix string) (Entry, error) {
	lower := strings.ToLower(prefix)
	if len(lower) > idLen || strings.Trim(lower, "0123456789abcdef") != "" {
		return Entry{}, fmt.Errorf("%s is not the id of a snapshot, which has %d hexadecimal digits: %w", printableID(prefix), idLen, ErrNotFound)
	}
	if len(lower) < minPrefix {
		return Entry{}, fmt.Errorf("%q is too short for the id of a snapshot: give %d digits or more", lower, minPrefix)
	}
	found, err := s.entries(ctx, "id >= ? AND id <= ? ORDER BY seq LIMIT ?", lower, lower+"g", maxCandidates+1)
	if err != nil {
		return Entry{}, fmt.Errorf("find snapshot %s in recording %s: %w", lower, s.path, explain(err))
	}
	switch len(found) {
	case 0:
		return Entry{}, fmt.Errorf("find snapshot %s in recording %s: %w", lower, s.path, ErrNotFound)
	case 1:
		return found[0], nil
	}
	e := &AmbiguousError{Prefix: lower, Candidates: found}
	if len(found) > maxCandidates {
		e.Candidates, e.More = found[:maxCandidates], true
	}
	return Entry{}, e
}

// printableID is what a user gave for an ID, fit for a terminal.
func printableID(id string) string {
	if len(id) > idLen {
		id = id[:idLen] + "…"
	}
	if strings.Trim(id, "0123456789abcdef…") != "" || id == "" {
		return fmt.Sprintf("%q", id)
	}
	return id
}
