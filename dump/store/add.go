// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/klauspost/compress/zstd"

	"scxdiag/dump"
)

// AddOptions say what is kept beside a snapshot.
type AddOptions struct {
	// Boot is the boot id of the machine that the snapshot is of
	// (/proc/sys/kernel/random/boot_id there), "" if unknown.
	Boot string
	// DropText leaves out the source text, Snapshot.Raw. All spans go with
	// it, since they point nowhere then.
	DropText bool
	// Records are the ring-buffer records that the snapshot was made from, to
	// be kept as they are; see Store.Records. They cost much more than the
	// snapshot. Nil keeps none.
	Records []byte
}

// Add records a snapshot and returns its ID. Added is false if the recording
// has it already; nothing changes then. When Add returns, the snapshot is on
// the disk, and neither the end of this program nor a loss of power takes it
// away.
//
// The snapshot may be one without Findings and Signature: they are recorded as
// they are.
func (s *Store) Add(ctx context.Context, snap *dump.Snapshot, o AddOptions) (id string, added bool, err error) {
	id = snap.ID()
	e := entryOf(snap, id, o.Boot, time.Now().UTC())
	added, err = s.add(ctx, snap, &e, o)
	if err != nil {
		return "", false, fmt.Errorf("add a snapshot to recording %s: %w", s.path, explain(err))
	}
	return id, added, nil
}

// series is the last whole snapshot that a Store has written, and what the
// ones after it are relative to.
type series struct {
	seq   int64
	base  *shredded
	size  int // of its body
	used  int // how many are relative to it
	entry Entry
}

// wholeEvery is how many snapshots of a series share a whole one, itself
// included: as many are lost with it at most.
const wholeEvery = 32

// fits reports whether a snapshot is likely to resemble the base.
func (b *series) fits(e *Entry) bool {
	return b.base != nil && b.used < wholeEvery-1 &&
		b.entry.Host == e.Host && b.entry.Boot == e.Boot && b.entry.Scheduler == e.Scheduler && !e.HasText
}

func (s *Store) add(ctx context.Context, snap *dump.Snapshot, e *Entry, o AddOptions) (bool, error) {
	if s.write == nil {
		return false, ErrReadOnly
	}
	e.HasText = snap.Raw != "" && !o.DropText
	e.HasRecords = o.Records != nil
	var orig original
	if e.HasText {
		orig.text = compress([]byte(snap.Raw))
	}
	if e.HasRecords {
		orig.records = compress(o.Records)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false, fs.ErrClosed
	}
	if has, err := s.has(ctx, e.ID); err != nil || has {
		return false, err
	}
	if s.series.fits(e) {
		d := shred(snap, e.ID, e.about(), s.series.base)
		b, err := encodeBody(d, s.series.base)
		if err != nil {
			return false, err
		}
		if len(b) < s.series.size*3/4 {
			_, added, err := s.insert(ctx, e, b, s.series.seq, orig)
			if !errors.Is(err, errBaseGone) {
				if added {
					s.series.used++
				}
				return added, err
			}
		}
	}
	d := shred(snap, e.ID, e.about(), nil)
	b, err := encodeBody(d, nil)
	if err != nil {
		return false, err
	}
	seq, added, err := s.insert(ctx, e, b, 0, orig)
	if added && !e.HasText {
		s.series = series{seq: seq, base: d, size: len(b), entry: *e}
	}
	return added, err
}

// original is what a snapshot was made from, compressed.
type original struct{ text, records []byte }

func (s *Store) has(ctx context.Context, id string) (bool, error) {
	var one int
	err := s.read.QueryRowContext(ctx, "SELECT 1 FROM snapshot WHERE id = ?", id).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// errBaseGone says that somebody deleted the snapshot that another one was to
// be relative to.
var errBaseGone = errors.New("the base is gone")

// insert writes a snapshot, relative to the one numbered base if that is not 0.
func (s *Store) insert(ctx context.Context, e *Entry, body []byte, base int64, orig original) (seq int64, added bool, err error) {
	e.Size = int64(len(body) + len(orig.text) + len(orig.records))
	err = transaction(ctx, s.conn, func(ctx context.Context, c *sql.Conn) error {
		var baseColumn any
		if base != 0 {
			var whole int
			err := c.QueryRowContext(ctx, "SELECT 1 FROM body WHERE seq = ? AND base IS NULL", base).Scan(&whole)
			if errors.Is(err, sql.ErrNoRows) {
				return errBaseGone
			}
			if err != nil {
				return err
			}
			baseColumn = base
		}
		r, err := c.ExecContext(ctx, insertSnapshot, e.row()...)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return err
		}
		if seq, err = r.LastInsertId(); err != nil {
			return err
		}
		added = true
		if _, err := c.ExecContext(ctx, "INSERT INTO body VALUES (?, ?, ?, ?)", seq, e.ID, baseColumn, body); err != nil {
			return err
		}
		if orig.text == nil && orig.records == nil {
			return nil
		}
		_, err = c.ExecContext(ctx, "INSERT INTO original VALUES (?, ?, ?)", seq, orig.text, orig.records)
		return err
	})
	if err != nil {
		return 0, false, err
	}
	s.check.wrote(len(body) + len(orig.text) + len(orig.records))
	return seq, added, nil
}

const insertSnapshot = `INSERT INTO snapshot (id, time, added, host, boot, kernel, scheduler, trigger, kind, reason,
	signature, title, task, tasks, lost, flags, source, size)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`

// encodeBody makes the bytes of a body.
func encodeBody(d, base *shredded) ([]byte, error) {
	b, err := d.pack(base)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return compress(b), nil
}

// decodeBody reads the bytes of a body.
func decodeBody(b []byte, base *shredded) (*shredded, error) {
	b, err := decompress(b, maxBody)
	if err != nil {
		return nil, err
	}
	return unpack(b, base)
}

// Limits of what is decompressed, in bytes.
const (
	maxBody     = 512 << 20
	maxOriginal = 1 << 30
)

// The compressors are made once: that takes longer than to compress a
// snapshot. They may be used by several goroutines at once.
var (
	encoder = func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true), zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic(err) // the options are constant
		}
		return e
	}()
	decoders = func() map[uint64]*zstd.Decoder {
		m := map[uint64]*zstd.Decoder{}
		for _, limit := range []uint64{maxBody, maxOriginal} {
			d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(limit))
			if err != nil {
				panic(err) // the options are constant
			}
			m[limit] = d
		}
		return m
	}()
)

func compress(b []byte) []byte { return encoder.EncodeAll(b, nil) }

func decompress(b []byte, limit uint64) ([]byte, error) {
	out, err := decoders[limit].DecodeAll(b, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return out, nil
}
