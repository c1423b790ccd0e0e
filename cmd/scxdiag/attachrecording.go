// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"scxdiag/dump/artifact"
	"scxdiag/dump/store"
)

// maxRecording is the largest recording that is read out of an archive or from
// standard input, in bytes: it is in memory twice, for a moment.
const maxRecording = 64 << 20

// openingTime is how long such a one may take to be opened and listed. One that was
// forged would take for ever.
const openingTime = time.Minute

// recording reads the snapshots of a recording. SQLite opens a file by its path;
// what has none is read into memory, one at a time.
func (c *collection) recording(ctx context.Context, s artifact.Stream, src io.Reader) error {
	if s.Path != "" {
		st, err := store.OpenReader(s.Path)
		if err != nil {
			return c.unread(ctx, s.Name, err)
		}
		return c.stored(ctx, s.Name, st)
	}
	c.inMemory.Lock()
	defer c.inMemory.Unlock()
	st, err := openInMemory(ctx, s.Name, src)
	if err != nil {
		return c.unread(ctx, s.Name, err)
	}
	return c.stored(ctx, s.Name, st)
}

// openInMemory reads a whole recording, of maxRecording bytes at most, and opens it.
// It reads into memory that the garbage collector does not know: this would let the
// heap grow to a multiple of it.
func openInMemory(ctx context.Context, name string, src io.Reader) (st *store.Store, err error) {
	data, err := syscall.Mmap(-1, 0, maxRecording+1, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("get memory for a recording: %w", err)
	}
	defer func() { err = errors.Join(err, syscall.Munmap(data)) }()
	n, err := io.ReadFull(src, data)
	switch {
	case err == nil:
		return nil, fmt.Errorf("is a recording of more than %d MiB and no file of its own; make it one: %w", maxRecording>>20, artifact.ErrLimit)
	case !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, openingTime)
	defer cancel()
	return store.OpenBytes(ctx, name, data[:n])
}

// unread says why a recording is not read, unless the walk is to end.
func (c *collection) unread(ctx context.Context, name string, why error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(why, context.DeadlineExceeded):
		why = fmt.Errorf("is a recording that could not be opened within %v: %w", openingTime, why)
	}
	c.walker.Skip(name, why)
	return nil
}

// stored reads the snapshots of an open recording, and closes it.
func (c *collection) stored(ctx context.Context, name string, st *store.Store) error {
	defer func() { _ = st.Close() }() // it was only read
	opening, cancel := context.WithTimeout(ctx, openingTime)
	defer cancel()
	entries, err := st.List(opening, store.Filter{})
	switch {
	case err != nil:
		return c.unread(ctx, name, err)
	case len(entries) == 0:
		return c.unread(ctx, name, artifact.LeftOutError("is a recording without snapshots; those of its log, a file beside it, are not read"))
	}
	r := &storedReader{ctx: ctx, store: st, entries: entries}
	for {
		snap, err := r.Next()
		var skipped *skippedError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &skipped):
			c.walker.Skip(name, err)
			continue
		case err != nil:
			return c.unread(ctx, name, err)
		}
		snap.Source.Name = name
		if err := c.add(ctx, snap); err != nil {
			return err
		}
	}
}
