// SPDX-License-Identifier: GPL-2.0-only

package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// magicBytes is Magic as it stands in a stream.
var magicBytes = binary.LittleEndian.AppendUint32(nil, Magic)

// SniffLen is how many bytes Sniff needs to see.
const SniffLen = 12

// Sniff reports whether a stream that begins with b is one of records, of this
// or another version.
func Sniff(b []byte) bool {
	if len(b) < SniffLen || !bytes.HasPrefix(b, magicBytes) {
		return false
	}
	version, n := binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint32(b[8:])
	return version > 0 && n >= headerSize && n <= MaxRecord
}

// Reader finds the dumps in a stream of records that stand one behind the
// other: a file, or what a virtual machine sends. Where the stream is damaged
// it goes on at the next record; the ledgers of the dumps around the place
// count the bytes in between. It is not safe for concurrent use.
type Reader struct {
	src   io.Reader
	asm   *Assembler
	ready []*Dump // finished, not yet returned
	buf   []byte  // what has been read and not used, from buf[pos:] on
	pos   int
	err   error // why the source ends, nil as long as it goes on
	done  bool
}

// NewReader returns a Reader on src.
func NewReader(src io.Reader, o Options) *Reader {
	r := &Reader{src: src, buf: make([]byte, 0, 4*MaxRecord)}
	r.asm = NewAssembler(o, func(d *Raw) { r.ready = append(r.ready, d.Decode()) })
	return r
}

// Stats returns what could not be used so far.
func (r *Reader) Stats() Stats { return r.asm.Stats() }

// Next returns the next dump, or io.EOF after the last one. Dumps come in the
// order in which they are complete, those that never are at the end of the
// stream. Any other error is a failure of the source; what was read before it
// has been returned.
func (r *Reader) Next() (*Dump, error) {
	for len(r.ready) == 0 {
		if r.done {
			return nil, r.err
		}
		if !r.step() {
			r.done = true
			r.asm.FlushAll()
			if !errors.Is(r.err, io.EOF) {
				r.err = fmt.Errorf("read records: %w", r.err)
			}
		}
	}
	d := r.ready[0]
	r.ready = r.ready[1:]
	return d, nil
}

// step takes the next record, or skips damage. It returns false at the end of
// the source.
func (r *Reader) step() bool {
	b := r.peek(headerSize)
	if len(b) == 0 {
		return false
	}
	n, ok := recordLen(b)
	if !ok {
		r.resync(1)
		return true
	}
	if b = r.peek(n); len(b) < n {
		r.resync(1)
		return true
	}
	// A record within the record is data that looks like one, unless nothing
	// follows where the length says so: then the length is wrong.
	if inner := bytes.Index(b[1:], magicBytes); inner >= 0 {
		b = r.peek(n + len(magicBytes))
		if next := b[n:]; len(next) > 0 && !bytes.HasPrefix(next, magicBytes) {
			r.skip(1 + inner)
			return true
		}
	}
	_ = r.asm.Add(b[:n]) // what is wrong with it has been counted
	r.pos += n
	return true
}

// recordLen is the length of the record that b starts with, of this or a later
// version; false if there is none.
func recordLen(b []byte) (int, bool) {
	h, _ := ParseHeader(b) // that b lacks the record's end does not matter
	return int(h.Len), h.Magic == Magic && h.Version >= Version && h.Len >= headerSize && h.Len <= MaxRecord
}

// resync skips at least n bytes, up to the next magic. It looks at what there
// is and waits for no more, since a source may be a living one.
func (r *Reader) resync(n int) {
	for {
		if len(r.peek(n+len(magicBytes))) <= n {
			r.skip(len(r.buf) - r.pos)
			return
		}
		b := r.buf[r.pos:]
		if i := bytes.Index(b[n:], magicBytes); i >= 0 {
			r.skip(n + i)
			return
		}
		if r.err != nil {
			r.skip(len(b))
			return
		}
		// the last bytes may be the beginning of a magic
		r.skip(len(b) - (len(magicBytes) - 1))
		n = 0
	}
}

func (r *Reader) skip(n int) {
	r.pos += n
	r.asm.skipped(n)
}

// peek returns the next n bytes, fewer only if the source ends.
func (r *Reader) peek(n int) []byte {
	for len(r.buf)-r.pos < n && r.err == nil {
		if r.pos > 0 && cap(r.buf)-len(r.buf) < n {
			r.buf = r.buf[:copy(r.buf, r.buf[r.pos:])]
			r.pos = 0
		}
		r.fill()
	}
	return r.buf[r.pos:min(len(r.buf), r.pos+n)]
}

// fill reads more of the source, once.
func (r *Reader) fill() {
	const patience = 100 // empty reads until the source counts as broken
	for range patience {
		n, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+n]
		if r.err = err; n > 0 || err != nil {
			return
		}
	}
	r.err = io.ErrNoProgress
}
