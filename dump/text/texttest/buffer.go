// SPDX-License-Identifier: GPL-2.0-only

package texttest

import "bytes"

// truncationMarker is what the kernel puts at the end of a dump buffer that
// was too small. Its NUL is the last byte of the buffer.
const truncationMarker = "\n\n~~~~ TRUNCATED ~~~~\n\x00"

// dumpBuffer is the kernel's dump buffer with the rules of its seq_buf: a
// print that does not fit leaves what fits and closes the buffer; a NUL stands
// behind every print until the next byte overwrites it; what is taken back
// leaves its bytes behind.
type dumpBuffer struct {
	mem    []byte
	n      int // bytes used
	closed bool
}

func newDumpBuffer(size int) *dumpBuffer { return &dumpBuffer{mem: make([]byte, size)} }

// line prints text, and then a newline on its own, as the kernel does.
func (b *dumpBuffer) line(text string) {
	if b.closed || len(b.mem) == 0 {
		return
	}
	if b.n >= len(b.mem) {
		b.closed = true
		return
	}
	room := b.mem[b.n:]
	room[copy(room[:len(room)-1], text)] = 0
	if len(text) >= len(room) {
		b.closed = true
		return
	}
	b.n += len(text)
	b.mem[b.n] = '\n'
	b.n++
}

// mark and rewind take back what was printed since, closing included.
func (b *dumpBuffer) mark() dumpBuffer { return *b }

func (b *dumpBuffer) rewind(to dumpBuffer) { *b = to }

// text is what user space copies out: a string, so up to the first NUL and
// without the last byte. cut is the length of the part that the marker did not
// overwrite, or -1 if the buffer was large enough.
func (b *dumpBuffer) text() (text []byte, cut int) {
	cut = -1
	if at := len(b.mem) - len(truncationMarker); b.closed && at >= 0 {
		copy(b.mem[at:], truncationMarker)
		cut = at
	}
	text = b.mem[:max(len(b.mem)-1, 0)]
	if i := bytes.IndexByte(text, 0); i >= 0 {
		text = text[:i]
	}
	return text, cut
}
