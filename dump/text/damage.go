// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"
	"slices"
)

// prepare finds what must be known before the first line is read: how far the
// dump is indented, whether lines were clipped or coloured, and which line the
// kernel cut off.
func (p *parser) prepare(why ending, atEnd bool) {
	p.indent = max(p.g.indent, 0)
	p.findTitle()
	if p.g.coloured {
		p.decolour()
	}
	if p.g.long {
		p.cutLong()
	}
	if p.g.clipped > 0 {
		p.clip()
	}
	if p.g.count[kindTruncated] > 0 {
		p.cutBeforeMarkers()
	}
	if why == endEOF && atEnd && !p.s.Source.Reversed {
		p.cutAtEOF()
	}
}

// decolour removes the escape sequences from all lines of a coloured log.
func (p *parser) decolour() {
	for i := range p.lines {
		l := &p.lines[i]
		if b := p.buf[l.start:l.end]; l.out != foreign && l.alt == 0 && bytes.IndexByte(b, 0x1b) >= 0 {
			p.g.replace(l, bytes.TrimRight(stripPayload(l, b), " \t"))
		}
	}
}

// cutLong marks the lines that are as long as the tracepoint lets them be.
func (p *parser) cutLong() {
	for i := range p.lines {
		if l := &p.lines[i]; l.end-l.start >= maxSchedLine && p.g.layers&layerFtrace != 0 {
			l.cut = true
		}
	}
}

// clip marks the lines that a pager cut: it prints '>' in the last column. No
// line of the kernel ends like that. Free text may, unless another line of the
// same width does too.
func (p *parser) clip() {
	width := func(l *line) uint32 { return l.end - l.off }
	widest := uint32(0)
	for i := range p.lines {
		widest = max(widest, width(&p.lines[i]))
	}
	for i := range p.lines {
		l := &p.lines[i]
		if l.out == foreign || l.end <= l.start || p.buf[l.end-1] != '>' {
			continue
		}
		if l.kind == kindOther && (width(l) < widest || widest < 40) && !isCutSymbol(p.buf[l.start:l.end-1]) && !slices.ContainsFunc(p.lines, func(o line) bool {
			return o.off != l.off && width(&o) == width(l) && o.end > o.start && p.buf[o.end-1] == '>'
		}) {
			continue
		}
		l.end--
		l.cut = true
		switch b := p.buf[l.start:l.end]; {
		case l.kind != kindOther:
		case isCutSymbol(b):
			l.kind = kindSymbol
		default:
			if l.kind = classify(b); l.kind == kindBlank {
				l.out = blank
			}
		}
		p.s.Ledger.Note("lines were cut by a pager")
	}
}

// isCutSymbol matches the beginning of a frame, up to somewhere behind its '+'.
func isCutSymbol(b []byte) bool {
	name, offset, ok := bytes.Cut(trimBlanks(b), []byte("+"))
	return ok && len(name) > 0 && bytes.IndexByte(name, ' ') < 0 && len(bytes.Trim(offset, "0123456789abcdefx/")) == 0
}

// cutBeforeMarkers marks the lines before the kernel's truncation markers.
func (p *parser) cutBeforeMarkers() {
	for i := range p.lines {
		if p.lines[i].kind == kindTruncated && p.lines[i].out != foreign {
			p.cutBefore(i)
		}
	}
}

// cutBefore marks the line before the kernel's truncation marker at index i.
// It is whole only if the buffer ended behind its newline, which leaves two
// blank lines.
func (p *parser) cutBefore(i int) {
	blanks := 0
	for i--; i >= 0; i-- {
		switch l := &p.lines[i]; {
		case l.out == foreign:
		case l.kind == kindBlank:
			blanks++
		default:
			if blanks < 2 {
				l.cut = true
			}
			return
		}
	}
}

// cutAtEOF marks the last line of a stream that does not end in a newline,
// unless it is a counter of full width.
func (p *parser) cutAtEOF() {
	l := &p.lines[len(p.lines)-1]
	switch n := int(l.end-l.start) - p.indent; {
	case l.out == foreign, l.kind == kindTruncated, l.kind == kindEvent && n >= 58,
		l.kind == kindUnderline && (n == len("----------") || n == len("--------------")):
		return
	}
	l.cut, p.endsCut = true, true
}
