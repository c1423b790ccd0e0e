// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	readSize = 64 << 10 // bytes asked of the source at a time
	lookBack = 64 << 10 // bytes kept before the present line
	maxLine  = 1 << 20  // longer lines are cut: no dump has them
)

// errNoProgress is reported for a source that neither delivers nor ends.
var errNoProgress = errors.New("source returns neither data nor an error")

// lineBuffer is a window on a stream that moves line by line. What the window
// still holds, and what it must keep, is counted from keep on.
type lineBuffer struct {
	src  io.Reader
	buf  []byte
	base int64 // offset of buf[0] in the stream
	pos  int   // start of the next line
	keep int   // bytes before this one are no longer needed
	done int   // bytes before this one have no highlights any more
	line int   // number of the line that starts at pos, from 1
	eof  bool
	err  error // what ended the stream, if not io.EOF
	// skipping is set while the rest of a line beyond maxLine is thrown away.
	skipping bool
}

func newLineBuffer(src io.Reader) *lineBuffer {
	return &lineBuffer{src: src, line: 1}
}

// offset is the position of buf[i] in the stream.
func (b *lineBuffer) offset(i int) int64 { return b.base + int64(i) }

// fill reads more of the stream behind what the buffer has. It drops what is no
// longer needed, so all indexes shift by the difference in base. It returns
// false at the end of the stream.
func (b *lineBuffer) fill() bool {
	if b.keep > 0 && !b.eof {
		n := copy(b.buf, b.buf[b.keep:])
		b.buf = b.buf[:n]
		b.base += int64(b.keep)
		b.pos -= b.keep
		b.done = max(0, b.done-b.keep)
		b.keep = 0
	}
	return b.more()
}

// more reads more of the stream and drops nothing, so indexes stay.
func (b *lineBuffer) more() bool {
	if b.eof {
		return false
	}
	if cap(b.buf)-len(b.buf) < readSize {
		grown := make([]byte, len(b.buf), max(2*cap(b.buf), len(b.buf)+2*readSize))
		copy(grown, b.buf)
		b.buf = grown
	}
	for range 100 {
		have := len(b.buf)
		n, err := b.src.Read(b.buf[have:min(cap(b.buf), have+readSize)])
		b.buf = b.buf[:have+n]
		b.removeHighlights()
		if err != nil {
			b.eof = true
			if !errors.Is(err, io.EOF) {
				b.err = fmt.Errorf("read at offset %d: %w", b.offset(len(b.buf)), err)
			}
			return n > 0
		}
		if n > 0 {
			return true
		}
	}
	b.eof, b.err = true, errNoProgress
	return false
}

// removeHighlights removes what grep puts around the words that it highlights. It
// can stand anywhere, even within the words by which a dump is recognised, and
// does not fit into a comm. One of which the end has not arrived yet waits for it.
func (b *lineBuffer) removeHighlights() {
	from := bytes.IndexByte(b.buf[b.done:], 0x1b)
	if from < 0 {
		b.done = len(b.buf)
		return
	}
	from += b.done
	out, rest := b.buf[:from], b.buf[from:]
	for len(rest) > 0 {
		switch {
		case bytes.HasPrefix(rest, highlightOn):
			rest = rest[len(highlightOn):]
		case bytes.HasPrefix(rest, highlightOff):
			rest = rest[len(highlightOff):]
		case bytes.HasPrefix(highlightOn, rest), bytes.HasPrefix(highlightOff, rest):
			b.done = len(out)
			out = append(out, rest...)
			b.buf = out
			return
		default:
			n := 1 + bytes.IndexByte(rest[1:], 0x1b)
			if n == 0 {
				n = len(rest)
			}
			out = append(out, rest[:n]...)
			rest = rest[n:]
		}
	}
	b.done, b.buf = len(out), out
}

// longHighlight is the longer of the two highlights, highlightMax its length.
const (
	longHighlight = "\x1b[01;31m\x1b[K"
	highlightMax  = len(longHighlight)
)

var (
	highlightOn  = []byte(longHighlight)
	highlightOff = []byte("\x1b[m\x1b[K")
)

// peek returns n bytes behind pos, or as many as the stream still has.
func (b *lineBuffer) peek(n int) []byte {
	for len(b.buf)-b.pos < n+highlightMax && b.more() { // so that no highlight begins in them
	}
	return b.buf[b.pos:min(len(b.buf), b.pos+n)]
}

// forget allows everything but the look-back to be dropped.
func (b *lineBuffer) forget() { b.keep = max(b.keep, b.pos-lookBack) }

// next returns the bounds of the next line, without its newline, and moves
// behind it. A line beyond maxLine is cut. It returns false at the end of the
// stream. Indexes stay valid until the next call.
func (b *lineBuffer) next() (start, end int, ok bool) {
	scanned := 0
	for {
		if b.skipping && !b.skipLine() {
			return 0, 0, false
		}
		if i := bytes.IndexByte(b.buf[b.pos+scanned:], '\n'); i >= 0 {
			start, end = b.pos, b.pos+scanned+i
			b.pos = end + 1
			b.line++
			return start, end, true
		}
		scanned = max(0, len(b.buf)-b.pos-highlightMax)
		if len(b.buf)-b.pos >= maxLine+highlightMax {
			start, end = b.pos, b.pos+maxLine
			b.pos = end
			b.skipping = true
			return start, end, true
		}
		if !b.fill() {
			if b.pos == len(b.buf) {
				return 0, 0, false
			}
			start, end = b.pos, len(b.buf)
			b.pos = end
			b.line++
			return start, end, true
		}
	}
}

// skipLine throws away the rest of a line that was cut.
func (b *lineBuffer) skipLine() bool {
	for {
		if i := bytes.IndexByte(b.buf[b.pos:], '\n'); i >= 0 {
			b.pos += i + 1
			b.line++
			b.skipping = false
			return true
		}
		b.pos = len(b.buf)
		b.keep = b.pos
		if !b.fill() {
			b.skipping = false
			return false
		}
	}
}

// seek moves to the start of the next line that find, called with whole lines,
// finds something in. It returns false at the end of the stream.
func (b *lineBuffer) seek(find func(lines []byte, offset int64) int) bool {
	scanned := 0 // bytes of the present line that were looked at
	for {
		if b.skipping && !b.skipLine() {
			return false
		}
		lines := b.buf[b.pos:]
		if !b.eof {
			if i := bytes.LastIndexByte(lines[scanned:], '\n'); i >= 0 {
				lines = lines[:scanned+i+1]
			} else {
				lines = nil
			}
		}
		if i := find(lines, b.offset(b.pos)); i >= 0 {
			start := bytes.LastIndexByte(lines[:i], '\n') + 1
			b.line += bytes.Count(lines[:start], newline)
			b.pos += start
			return true
		}
		b.line += bytes.Count(lines, newline)
		b.pos += len(lines)
		scanned = max(0, len(b.buf)-b.pos-highlightMax)
		if len(b.buf)-b.pos >= maxLine {
			b.skipping, scanned = true, 0
		}
		b.forget()
		if !b.fill() && (b.eof && b.pos == len(b.buf)) {
			return false
		}
	}
}

var newline = []byte{'\n'}
