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
	snap, _, err := s.get(ctx, "id = ?", id)
	if err != nil {
		return nil, fmt.Errorf("read snapshot %s of recording %s: %w", printableID(id), s.path, explain(err))
	}
	return snap, nil
}

// Records reads the ring-buffer records of a snapshot, nil if they were not
// kept.
func (s *Store) Records(ctx context.Context, id string) ([]byte, error) {
	var b []byte
	err := s.read.QueryRowContext(ctx, "SELECT records FROM original NATURAL JOIN body WHERE id = ?", id).Scan(&b)
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

// stored is a snapshot as it stands in the file.
type stored struct {
	id             string
	base           int64 // seq of the base, 0 if the body is whole
	body, baseBody []byte
	text           []byte
}

// get reads the snapshot that the condition on table body names.
func (s *Store) get(ctx context.Context, where string, arg any) (*dump.Snapshot, about, error) {
	r, err := s.load(ctx, where, arg)
	if err != nil {
		return nil, about{}, err
	}
	var base *shredded
	if r.base != 0 {
		if base = s.bases.get(r.base); base == nil {
			if base, err = decodeBody(r.baseBody, nil); err != nil {
				return nil, about{}, err
			}
			s.bases.put(r.base, base)
		}
	}
	d, err := decodeBody(r.body, base)
	if err != nil {
		return nil, about{}, err
	}
	if d.id != r.id {
		return nil, about{}, fmt.Errorf("%w: it is another snapshot than the recording says", ErrDamaged)
	}
	snap, err := d.assembleSnapshot()
	if err != nil {
		return nil, about{}, err
	}
	if d.about.HasText {
		raw, err := decompress(r.text, maxOriginal)
		if err != nil {
			return nil, about{}, fmt.Errorf("its text: %w", err)
		}
		snap.Raw = string(raw)
	}
	return snap, d.about, nil
}

func (s *Store) load(ctx context.Context, where string, arg any) (*stored, error) {
	var r stored
	var base sql.NullInt64
	// One statement sees one state of the file.
	err := s.read.QueryRowContext(ctx, `SELECT b.id, b.base, b.data, k.data, o.text
		FROM body b LEFT JOIN body k ON k.seq = b.base AND k.base IS NULL LEFT JOIN original o ON o.seq = b.seq
		WHERE b.`+where, arg).Scan(&r.id, &base, &r.body, &r.baseBody, &r.text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	if r.base = base.Int64; base.Valid && r.baseBody == nil {
		return nil, fmt.Errorf("%w: what it is relative to is missing", ErrDamaged)
	}
	return &r, nil
}

// baseCache holds the base that was used last: the snapshots of a series are
// read one after the other.
type baseCache struct {
	mu   sync.Mutex
	seq  int64
	base *shredded
}

func (c *baseCache) get(seq int64) *shredded {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seq != seq {
		return nil
	}
	return c.base
}

func (c *baseCache) put(seq int64, base *shredded) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seq, c.base = seq, base
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
