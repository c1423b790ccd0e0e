// SPDX-License-Identifier: GPL-2.0-only

package wire

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// Batch is records of one dump that were read from a ring one after the other,
// in memory that an Assembler can take over as it is, so that what copies them
// out of the ring copies them for good. The zero Batch is empty and ready for
// use.
//
// The reader of a ring owns its Batch and fills it without any lock:
//
//	rec := batch.Free() // read a record into that
//	full := batch.Append(rec)
//
// and gives it to [Assembler.AddBatch] when it is full or the ring is empty.
type Batch struct {
	buf   []byte // records that are whole and of this version, by their headers
	dump  uint64 // that all of buf is of
	kinds [Kinds]uint64

	odd    []byte // the record behind buf that is not such a one
	hasOdd bool
}

// headroom is what a batch has free, or it counts as full: no record of the
// scheduler is longer.
const headroom = 8 << 10

// start is how the header of a record begins that a batch takes, less the kind.
const start = uint64(Magic) | uint64(Version)<<32

// Free returns room for the next record: an empty slice with a capacity that
// suffices for any record of the scheduler.
func (b *Batch) Free() []byte {
	if b.buf == nil {
		b.buf = newChunk()
	}
	return b.buf[len(b.buf):]
}

// Append takes a record, which it copies unless it stands at the beginning of
// Free. It reports whether the batch is full and must be added before the next
// record is read; until then, the record must stay as it is.
//
// It looks at no more of a record than keeping and counting it needs. One that
// is not like the others is taken, too, and makes the batch full.
func (b *Batch) Append(record []byte) (full bool) {
	from := len(b.buf)
	to := from + len(record)
	if len(record) < headerSize || to > cap(b.buf) {
		b.odd, b.hasOdd = record, true
		return true
	}
	first, dump := binary.LittleEndian.Uint64(record), binary.LittleEndian.Uint64(record[16:])
	kind := first >> 48
	if from == 0 {
		b.dump = dump
	}
	if first<<16 != start<<16 || kind >= Kinds || dump != b.dump || len(record) != int(binary.LittleEndian.Uint32(record[8:])) {
		b.odd, b.hasOdd = record, true
		return true
	}
	b.kinds[kind]++
	b.buf = b.buf[:to]
	if &b.buf[from] != &record[0] {
		copy(b.buf[from:], record)
	}
	return cap(b.buf)-to < headroom
}

// Len is how many records are in the batch.
func (b *Batch) Len() int {
	n := b.same()
	if b.hasOdd {
		n++
	}
	return int(n) //nolint:gosec // a number of records
}

// same is how many records are in buf.
func (b *Batch) same() (n uint64) {
	for _, of := range b.kinds {
		n += of
	}
	return n
}

// WriteTo writes the records one behind the other, as a Reader reads them. What
// is no record of this version is left out.
func (b *Batch) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(b.buf)
	if h, bad := ParseHeader(b.odd); bad == nil && err == nil {
		var m int
		m, err = w.Write(b.odd[:h.Len])
		n += m
	}
	if err != nil {
		err = fmt.Errorf("write records: %w", err)
	}
	return int64(n), err
}

// clear empties the batch.
func (b *Batch) clear() { *b = Batch{buf: b.buf[:0]} }

// chunkSize is the size of the pieces of memory that records are kept in. The
// longest record fits.
const chunkSize = MaxRecord

func newChunk() []byte { return make([]byte, 0, chunkSize) }

// pool keeps chunks of dumps that were decoded, for others: fresh memory costs
// more than filling it.
type pool struct {
	mu   sync.Mutex
	free [][]byte
}

const maxFree = 64

func (p *pool) get() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.free)
	if n == 0 {
		return newChunk()
	}
	c := p.free[n-1]
	p.free = p.free[:n-1]
	return c
}

func (p *pool) put(chunks [][]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range chunks {
		if len(p.free) < maxFree {
			p.free = append(p.free, c[:0])
		}
	}
}
