// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"scxdiag/dump"
	"scxdiag/dump/store"
)

// memory knows from the catalogue which failures were seen before.
type memory struct {
	asked   bool
	store   *store.Store             // nil if there is no catalogue
	entries map[string][]store.Entry // by signature
}

// recall sets when other snapshots with the signature of this one were made. An
// error means that the catalogue cannot be read; it is told once.
func (m *memory) recall(ctx context.Context, s *dump.Snapshot) error {
	if s.Signature == nil {
		return nil
	}
	if !m.asked {
		m.asked = true
		st, err := store.OpenReader("")
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		m.store, m.entries = st, make(map[string][]store.Entry)
	}
	if m.store == nil {
		return nil
	}
	entries, known := m.entries[s.Signature.ID]
	if !known {
		var err error
		if entries, err = m.store.List(ctx, store.Filter{Signature: s.Signature.ID}); err != nil {
			return errors.Join(err, m.close())
		}
		m.entries[s.Signature.ID] = entries
	}
	s.Signature.Seen = seen(entries, s.ID())
	return nil
}

// seen sums up entries, which are in the order of their times, other than that of
// the snapshot itself.
func seen(entries []store.Entry, self string) *dump.Seen {
	others := slices.DeleteFunc(slices.Clone(entries), func(e store.Entry) bool { return e.ID == self })
	if len(others) == 0 {
		return nil
	}
	last := others[len(others)-1]
	return &dump.Seen{
		Count: len(others), First: others[0].When(), Last: last.When(), LastKernel: last.Kernel, LastHost: last.Host,
	}
}

// close ends the use of the catalogue, which was only read.
func (m *memory) close() error {
	if m.store == nil {
		return nil
	}
	err := m.store.Close()
	m.store = nil
	return err
}
