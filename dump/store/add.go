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

// series is what the next snapshot can be relative to.
//
// A whole snapshot and those that follow are numbered from 0. Each is relative
// to the one whose number has its last digit other than 0 cleared, to the base
// digit: 5, 6 and 7 to 4, that like 8 and 12 to 0, 17 to 16, which is relative to
// 0. So it is a recent one as a rule, and yet few have to be read for any.
type series struct {
	entry Entry // of the whole one
	size  int   // of its body
	n     int   // number of the next one
	path  []member
}

// member is a snapshot that later ones may be relative to.
type member struct {
	n   int
	seq int64
	d   *shredded
}

const (
	// wholeEvery is how many snapshots of a series share a whole one, itself
	// included: as many are lost with it at most.
	wholeEvery = 64
	digit      = 4
)

// baseOf is the number of the snapshot that number n is relative to.
func baseOf(n int) int {
	unit := 1
	for n%(unit*digit) == 0 {
		unit *= digit
	}
	return n - n/unit%digit*unit
}

// base is what a snapshot is best relative to, nil if it is to be whole.
func (b *series) base(e *Entry) *member {
	if e.HasText || b.n == 0 || b.n >= wholeEvery ||
		b.entry.Host != e.Host || b.entry.Boot != e.Boot || b.entry.Scheduler != e.Scheduler {
		return nil
	}
	want := baseOf(b.n)
	for len(b.path) > 0 && b.path[len(b.path)-1].n != want {
		b.path = b.path[:len(b.path)-1]
	}
	if len(b.path) == 0 {
		return nil
	}
	return &b.path[len(b.path)-1]
}

// added says that the snapshot that came of base was committed.
// It reports whether others will be relative to it.
func (b *series) added(seq int64, d *shredded) (kept bool) {
	if kept = b.n%digit == 0; kept {
		b.path = append(b.path, member{b.n, seq, d})
	}
	b.n++
	return kept
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
	d := shred(snap, e.ID, e.about(), s.spare)
	s.spare = d
	if base := s.series.base(e); base != nil {
		b, err := encodeBody(d, base.d)
		if err != nil {
			return false, err
		}
		if len(b) < s.series.size*3/4 {
			seq, added, err := s.insert(ctx, e, b, base.seq, orig)
			if !errors.Is(err, errBaseGone) {
				if added && s.series.added(seq, d) {
					s.spare = nil
				}
				return added, err
			}
		}
	}
	b, err := encodeBody(d, nil)
	if err != nil {
		return false, err
	}
	seq, added, err := s.insert(ctx, e, b, 0, orig)
	if added && !e.HasText {
		s.series = series{entry: *e, size: len(b)}
		s.series.added(seq, d)
		s.spare = nil
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
			err := c.QueryRowContext(ctx, "SELECT 1 FROM body WHERE seq = ?", base).Scan(&whole)
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

const insertSnapshot = `INSERT INTO snapshot (id, entry, time, added, host, boot, kernel, scheduler, trigger, kind, reason,
	signature, title, task, tasks, lost, flags, source, size)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`

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
