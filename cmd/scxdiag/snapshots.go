// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"scxdiag/bpf"
	"scxdiag/dump"
	"scxdiag/dump/ktstr"
	"scxdiag/dump/store"
	"scxdiag/dump/text"
	"scxdiag/dump/triage"
	"scxdiag/dump/wire"
)

// snapshotReader gives snapshots one by one, and io.EOF after the last one.
// After a *skippedError it goes on.
type snapshotReader interface {
	Next() (*dump.Snapshot, error)
}

// skippedError is that of one snapshot that cannot be read.
type skippedError struct{ err error }

func (e *skippedError) Error() string { return e.err.Error() }
func (e *skippedError) Unwrap() error { return e.err }

// newSnapshotReader reads a log, a stream of records or a failure dump of ktstr,
// and finds out why each scheduler failed.
func newSnapshotReader(r io.Reader, kind sourceKind, name string) snapshotReader {
	switch kind {
	case kindRecords:
		return &triaged{r: &recordReader{wire.NewReader(r, wire.Options{Name: name})}}
	case kindKtstr:
		return &triaged{r: ktstr.NewReader(r, ktstr.Options{Name: name})}
	}
	return &triaged{r: text.NewReader(r, text.Options{Name: name})}
}

// triaged adds findings to the snapshots of another reader.
type triaged struct {
	r    snapshotReader
	last *dump.Snapshot
}

func (t *triaged) Next() (*dump.Snapshot, error) {
	s, err := t.r.Next()
	if err == nil {
		triage.Apply(s, t.last)
		t.last = s
	}
	return s, err
}

// recordReader reads ring-buffer records.
type recordReader struct{ r *wire.Reader }

func (r *recordReader) Next() (*dump.Snapshot, error) {
	d, err := r.r.Next()
	if err != nil {
		return nil, err
	}
	return bpf.Complete(d), nil
}

// storedReader reads chosen snapshots of a recording.
type storedReader struct {
	ctx     context.Context
	store   *store.Store
	entries []store.Entry  // yet to be read
	last    *dump.Snapshot // the one that was read before
}

func (r *storedReader) Next() (*dump.Snapshot, error) {
	if len(r.entries) == 0 {
		return nil, io.EOF
	}
	e := r.entries[0]
	r.entries = r.entries[1:]
	s, err := r.store.Get(r.ctx, e.ID)
	switch {
	case err == nil:
		if s.Findings == nil && s.NotEvaluated == nil { // nothing was found, or the program that recorded it had no rules yet
			triage.Apply(s, r.last)
		}
		r.last = s
		return s, nil
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrDamaged): // the others may be fine
		return nil, &skippedError{err}
	}
	return nil, err
}

// pick chooses among the entries of a recording, which are in the order of
// their times.
func (a *address) pick(entries []store.Entry) ([]store.Entry, error) {
	switch {
	case a.nr > len(entries):
		return nil, onlyError(a.arg, len(entries))
	case a.nr > 0:
		return entries[a.nr-1 : a.nr], nil
	case !a.at.IsZero():
		i, err := inForce(entries, a.at, a.file)
		if err != nil {
			return nil, err
		}
		return entries[i : i+1], nil
	}
	return entries, nil
}

// inForce is the last entry that is not younger than a time.
func inForce(entries []store.Entry, at time.Time, name string) (int, error) {
	i, found := slices.BinarySearchFunc(entries, at, func(e store.Entry, at time.Time) int { return e.When().Compare(at) })
	for found && i+1 < len(entries) && entries[i+1].When().Equal(at) {
		i++
	}
	if !found {
		i--
	}
	if i < 0 && len(entries) > 0 {
		return 0, fmt.Errorf("%s: has nothing from before %s; its first snapshot is of %s",
			name, localTime(at), localTime(entries[0].When()))
	}
	return max(i, 0), nil
}

// localTime is a time for people.
func localTime(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 MST") }

// onlyError says that a file has no snapshot of some number.
func onlyError(arg string, n int) error {
	verb := "are"
	if n == 1 {
		verb = "is"
	}
	return fmt.Errorf("%s: there %s only %s in it", arg, verb, snapshotCount(n))
}

// snapshotCount is a number of snapshots for people.
func snapshotCount(n int) string {
	if n == 1 {
		return "1 snapshot"
	}
	return fmt.Sprint(n, " snapshots")
}

// picker passes on those snapshots of a log that an address names. What is in
// force at a time is known at the end only.
type picker struct {
	a    *address
	n    int            // snapshots so far
	last *dump.Snapshot // the last one that is not younger than the time
}

// add passes a snapshot on, if it is one; more is false when no others can be.
func (p *picker) add(s *dump.Snapshot, pass func(*dump.Snapshot) error) (more bool, err error) {
	p.n++
	switch {
	case p.a.nr > 0 && p.n < p.a.nr:
		return true, nil
	case p.a.nr > 0:
		return false, pass(s)
	case !p.a.at.IsZero():
		if !s.Time.IsZero() && !s.Time.After(p.a.at) && (p.last == nil || !s.Time.Before(p.last.Time)) {
			p.last = s
		}
		return true, nil
	}
	return true, pass(s)
}

// end passes on what was left for the end.
func (p *picker) end(pass func(*dump.Snapshot) error) error {
	switch {
	case p.n == 0: // which is told otherwise
		return nil
	case p.a.nr > p.n:
		return onlyError(p.a.arg, p.n)
	case !p.a.at.IsZero() && p.last == nil:
		return fmt.Errorf("%s: has nothing of which it says that it is from before %s", p.a.file, localTime(p.a.at))
	case p.last != nil:
		return pass(p.last)
	}
	return nil
}

// catalogue opens the recording that --record names, or the catalogue, for
// reading.
func catalogue(path string) (*store.Store, error) {
	s, err := store.OpenReader(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; scxdiag import FILE adds what a log or a recording holds", err)
	}
	return s, err
}

// findAll finds snapshots by ids or the first digits of ids.
func findAll(ctx context.Context, s *store.Store, ids []string) ([]store.Entry, error) {
	entries := make([]store.Entry, 0, len(ids))
	for _, id := range ids {
		e, err := s.Find(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("%w; scxdiag list shows what there is", err)
		}
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(entries, func(o store.Entry) bool { return o.ID == e.ID }) {
			entries = append(entries, e)
		}
	}
	return entries, nil
}
