// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"
	"io"

	"scxdiag/dump"
	"scxdiag/dump/unwrap"
)

// Options say how to read a stream.
type Options struct {
	// Name goes into Source.Name of each snapshot.
	Name string
}

// Reader finds the dumps in a stream. It is not safe for concurrent use.
type Reader struct {
	opts    Options
	in      *lineBuffer
	anchors anchors
	region  region
	verdict verdictReader
	window  window
	decoded string // the encoding and the kind of records that were undone, if any
	lastEnd int64  // where the last dump ended, as an offset in the stream
	noDump  int64  // the last anchor that no dump came of, likewise
	done    bool
}

// NewReader returns a Reader on src. UTF-16 is recognised and decoded, and records
// are, as package unwrap does it.
func NewReader(src io.Reader, o Options) *Reader {
	src, decoded := decodeText(src)
	src, records := unwrap.Undo(src)
	if decoded != "" && records != "" {
		decoded += "+"
	}
	r := &Reader{opts: o, in: newLineBuffer(src), decoded: decoded + records}
	r.verdict.emit = func(s *dump.Snapshot, layers layer, by teller) {
		src := r.source(layers)
		s.Source.Name, s.Source.Carrier = src.Name, src.Carrier
		r.window.addVerdict(s, by)
	}
	return r
}

// BytesRead is how much of the stream has been read, after decoding.
func (r *Reader) BytesRead() int64 { return r.in.offset(len(r.in.buf)) }

// Next returns the next snapshot, or io.EOF after the last one. Snapshots come
// in the order in which they stand in the stream, and late: a snapshot waits for
// its copies further on, up to a limit. Any other error is a failure of the
// source; what was read before it has been returned.
func (r *Reader) Next() (*dump.Snapshot, error) {
	for {
		if s := r.window.next(r.done); s != nil {
			return s, nil
		}
		if r.done {
			if r.in.err != nil {
				return nil, r.in.err
			}
			return nil, io.EOF
		}
		r.step()
	}
}

// step deals with the next line that matters, and, if it begins a dump, with
// the whole dump.
func (r *Reader) step() {
	if r.verdict.open() {
		if !r.verdictLine() {
			r.finish()
		}
		return
	}
	r.in.forget()
	if !r.in.seek(r.anchors.find) {
		r.finish()
		return
	}
	number := r.in.line
	start, end, ok := r.in.next()
	if !ok {
		r.finish()
		return
	}
	b := trimEOL(r.in.buf[start:end])
	p, unknown, k := r.decode(b)
	coloured := isColoured(b)
	known := k.isAnchor() && p.layers != 0 && unknown == 0 // then the other lines have the same prefix, colours and all
	if k == kindOther || unknown > 0 || coloured && !known {
		if clean := trimEOL(stripLine(b)); len(clean) < len(b) { // a coloured log
			b = clean
			p, unknown, k = r.decode(b)
		}
	}
	switch {
	case k.isAnchor():
		r.readRegion(start, b, p, unknown, k)
	case k == kindExit, k == kindSchedExt, k == kindLinux:
		r.feedVerdict(b, p.end+unknown, p, k, r.in.offset(start), number)
	}
}

func (r *Reader) finish() {
	r.verdict.flush()
	r.done = true
}

// verdictLine hands a line to the verdict that is being read.
func (r *Reader) verdictLine() bool {
	r.in.forget()
	number, pos := r.in.line, r.in.offset(r.in.pos)
	start, end, ok := r.in.next()
	if !ok {
		return false
	}
	b := trimEOL(r.in.buf[start:end])
	if isColoured(b) { // as in step
		b = trimEOL(stripLine(b))
	}
	p := decodePrefix(b)
	k := classify(b[p.end:])
	if k.isAnchor() || k == kindBanner || k == kindLinux {
		r.verdict.flush()
		r.in.pos, r.in.line = int(pos-r.in.base), number
		return true
	}
	r.feedVerdict(b, p.end, p, k, r.in.offset(start), number)
	return true
}

func (r *Reader) feedVerdict(b []byte, start int, p prefix, k kind, offset int64, number int) {
	if k == kindLinux {
		r.verdict.flush()
		r.window.kernelSeen(string(bytes.TrimPrefix(bytes.TrimLeft(b[start:], " "), []byte("Linux version "))))
		return
	}
	r.verdict.line(verdictLine{
		raw: b, payload: b[start:], prefix: p, kind: k, offset: offset, number: number,
	})
}

// source describes where a snapshot is read from, through the given layers.
func (r *Reader) source(l layer) dump.Source {
	carrier := l.String()
	switch {
	case carrier == "" && r.decoded == "":
		carrier = "stderr"
	case carrier == "":
		carrier = r.decoded
	case r.decoded != "":
		carrier = r.decoded + "+" + carrier
	}
	return dump.Source{Name: r.opts.Name, Carrier: carrier}
}

// decode takes the prefix off a line that has an anchor in it and tells what
// the rest is. unknown is the length of the part of the prefix that is of no
// known kind.
func (r *Reader) decode(b []byte) (p prefix, unknown int, k kind) {
	p = decodePrefix(b)
	payload := b[p.end:]
	k = classify(payload)
	if k == kindTrigger {
		if len(p.ident) > 0 && p.layers&layerJournal != 0 && r.namelessLog() {
			p.end, p.host, p.ident = p.time, nil, nil
			payload = b[p.end:]
		}
		// the comm has 15 bytes at most; what is longer has a prefix
		if i := bytes.LastIndex(payload, []byte(triggerWords)); p.layers&layerJournal == 0 &&
			bytes.LastIndexByte(payload[:i], '[') > 15 {
			if host, ident, n, ok := bareProgramLen(payload); ok {
				p.layers |= layerJournal
				p.host, p.ident = host, ident
				p.end += n
				return p, 0, k
			}
		}
		return p, triggerPrefix(payload, r.in.peek(8<<10), p.end-bomLen(b)), k
	}
	if k != kindOther && k != kindSymbol {
		return p, 0, k
	}
	if host, ident, n, ok := bareProgramLen(payload); ok && p.layers&layerJournal == 0 {
		if k := classify(payload[n:]); k != kindOther && k != kindSymbol {
			p.layers |= layerJournal
			p.host, p.ident = host, ident
			p.end += n
			return p, 0, k
		}
	}
	if p.layers&layerFtrace == 0 && eventStamp(payload) >= 0 { // another event, whatever it tells
		return p, 0, kindOther
	}
	for _, words := range []string{sysRqWords, "CPU ", "      scx_state/", "SCX_EV_", "EXIT: ", "Error: EXIT: ", "sched_ext: ", "Linux version "} {
		for i := bytes.Index(payload, []byte(words)); i > 0; {
			if k := classify(payload[i:]); k != kindOther && k != kindSymbol && k != kindTask && payload[i-1] != '"' {
				if p.layers != 0 && i >= p.end && sameShape(b[:p.end], payload[i-p.end:i]) {
					return p, 0, k // glued to another record
				}
				return p, i, k
			}
			n := bytes.Index(payload[i+1:], []byte(words))
			if n < 0 {
				break
			}
			i += 1 + n
		}
	}
	return p, 0, kindOther
}

// namelessLog reports whether the log behind a trigger names no program on its
// lines: what looks like one before the trigger is part of the comm then. The
// line "Backtrace:" soon follows, and cannot look like one.
func (r *Reader) namelessLog() bool {
	ahead := r.in.peek(4 << 10)
	for range 12 {
		l, rest, ok := bytes.Cut(ahead, newline)
		if !ok {
			return false
		}
		ahead = rest
		l = trimEOL(l)
		if p := decodePrefix(l); p.layers&layerJournal != 0 && string(l[p.end:]) == backtraceWord {
			return len(p.ident) == 0
		}
	}
	return false
}

// trimEOL removes what may stand between the end of a line and its newline.
func trimEOL(b []byte) []byte { return bytes.TrimRight(b, " \t\r") }

// readRegion collects the dump that the line b begins, and parses it. The line
// starts at index start of the buffer.
func (r *Reader) readRegion(start int, b []byte, p prefix, unknown int, k kind) {
	g := &r.region
	g.reset()
	next, np := r.tracedAfter(k, p)
	if next == nil {
		next, np = r.carrierAhead(k, b, p)
	}
	if next != nil {
		g.begin(next, np, 0)
		g.bareTrigger = true
	} else {
		g.begin(b, p, unknown)
	}
	anchor := r.in.offset(start)
	first := r.lookBack(start, k)
	// start over from the first line that belongs to the dump
	r.in.line -= 1 + bytes.Count(r.in.buf[first:start], newline)
	r.in.pos, r.in.keep = first, first
	src := r.source(g.layers)
	src.Offset, src.Line = r.in.offset(first), r.in.line

	why := endEOF
	for why == endEOF {
		if r.in.skipping { // the rest of the line, and with it what comes before, goes out of the window
			why = endLine
			break
		}
		r.usualLines()
		number, before := r.in.line, r.in.offset(r.in.pos)
		start, end, ok := r.in.next()
		if !ok {
			break
		}
		ended := endSize
		if off := start - r.in.keep; off <= maxRegion {
			k, own := g.add(r.in.buf[start:end], off)
			if k == kindSchedExt || !own && (k == kindExit || k == kindLinux) || r.verdict.open() {
				r.verdictInRegion(before, number)
			}
			ended = g.ends(k, own)
		}
		if ended != endNot && before > anchor { // the line is not part of the dump
			why = ended
			g.below = g.lines[len(g.lines)-1].kind
			from := before
			if l := g.lines[len(g.lines)-1]; l.glued && isEnd(l.kind) { // but what it was glued to is
				from = r.in.offset(r.in.keep) + int64(l.off)
			}
			r.in.pos, r.in.line = int(from-r.in.base), number
			g.drop(from - r.in.offset(r.in.keep))
		}
	}
	r.verdict.flush()
	if g.trim(r.in.buf[r.in.keep:]); len(g.lines) > 0 {
		r.window.addDump(parse(g, r.in.buf[r.in.keep:], src, why), g.closed() && !g.reversed())
		r.lastEnd = r.in.offset(r.in.pos)
	} else {
		r.noDump = anchor
	}
}

// isEnd reports whether a line of the kind ends a dump.
func isEnd(k kind) bool {
	return k == kindRule || k == kindExit || k == kindTrigger || k == kindSysRq || k == kindSchedID
}

// tracedAfter returns the next line and its prefix, if the present one is a
// trigger without a prefix and the next comes from a trace: the comm has a
// newline then. Otherwise it returns nil.
func (r *Reader) tracedAfter(k kind, p prefix) ([]byte, prefix) {
	if k != kindTrigger || p.layers != 0 {
		return nil, p
	}
	ahead := r.in.peek(4 << 10)
	for range 5 { // other events may stand in between
		next, rest, _ := bytes.Cut(ahead, newline)
		next, ahead = trimEOL(next), rest
		if np := decodePrefix(next); np.layers&layerFtrace != 0 {
			return next, np
		}
	}
	return nil, p
}

// carrierAhead returns the line behind the trigger b, or behind that of a SysRq,
// by which to know the carrier, and its prefix, if that of b, p, is damaged: more
// of the next lines have one of its shape. Behind a trigger that is the line
// "Backtrace:", behind a SysRq the first with a time. Otherwise it returns nil.
func (r *Reader) carrierAhead(k kind, b []byte, p prefix) (sample []byte, sp prefix) {
	if k != kindTrigger && k != kindSysRq {
		return nil, p
	}
	ahead := r.in.peek(4 << 10)
	if k == kindTrigger && p.end == 0 && plainBacktrace(ahead) {
		return nil, p
	}
	var seen [12][]byte // prefixes
	for i := range seen {
		l, rest, ok := bytes.Cut(ahead, newline)
		if !ok {
			break
		}
		ahead = rest
		l = trimEOL(l)
		np := decodePrefix(l)
		if host, ident, n, ok := bareProgramLen(l[np.end:]); ok && np.layers&layerJournal == 0 { // as in decode
			np.layers |= layerJournal
			np.host, np.ident = host, ident
			np.end += n
		}
		payload := l[np.end:]
		if isTrigger(payload) || hasPrefix(payload, sysRqWords) {
			break
		}
		if sample == nil && (string(payload) == backtraceWord || k == kindSysRq && np.layers&stampLayers != 0) {
			sample, sp = l, np
		}
		seen[i] = l[:np.end]
	}
	if sample == nil {
		return nil, p
	}
	same := func(prefix []byte) (n int) {
		for _, s := range seen {
			if s != nil && sameShape(s, prefix) && bytes.Equal(zone(s), zone(prefix)) {
				n++
			}
		}
		return n
	}
	own, theirs := bytes.ReplaceAll(b[:p.end], byteOrderMark, nil), sample[:sp.end]
	if n := same(theirs); n < 2 || n <= same(own) {
		return nil, p
	}
	return sample, sp
}

// plainBacktrace reports whether the first of the next lines that ends like the
// one behind a trigger has nothing before it: so it is in most dumps.
func plainBacktrace(ahead []byte) bool {
	for range 4 {
		l, rest, ok := bytes.Cut(ahead, newline)
		switch {
		case !ok || isTrigger(l):
			return false
		case hasPrefix(l, backtraceWord):
			return len(trimEOL(l)) == len(backtraceWord)
		case bytes.Contains(l, []byte(backtraceWord)):
			return false
		}
		ahead = rest
	}
	return false
}

// zone is the time zone that a prefix ends with, if it does.
func zone(prefix []byte) []byte {
	i := bytes.LastIndexAny(prefix, "+-Z")
	if i < len("2026-11-23T07:33:30") || len(prefix)-i > len("+00:00 ") {
		return nil
	}
	return prefix[i:]
}

// lookBack returns the index of the first line before start that belongs to the
// same dump. A trigger may have the scheduler's id before it. Any other anchor
// means that the beginning is missing or that the lines came newest first, so
// all that stands before it may belong to it.
func (r *Reader) lookBack(start int, k kind) int {
	g := &r.region
	limit := max(0, start-lookBack, int(r.lastEnd-r.in.base))
	if k != kindTrigger && k != kindSysRq { // which look at a few lines only
		limit = max(limit, int(r.noDump-r.in.base)) // else each of many such anchors would look far back
	}
	first := start
	others := 0 // lines without the prefix of the region
	for n := 0; first > limit && n < 2000; n++ {
		from := bytes.LastIndexByte(r.in.buf[limit:first-1], '\n') + 1 + limit
		b := bytes.TrimRight(r.in.buf[from:first-1], " \t\r")
		at, own := g.payload(b)
		if second := g.second(b, at); own && second > 0 { // what it is glued to comes next
			from += second
			b = b[second:]
			at, own = g.payload(b)
		}
		if !own {
			if others++; g.layers == 0 || others > 20 {
				return start
			}
			first = from
			continue
		}
		k2 := classify(b[at:])
		if k2 == kindOther && bytes.IndexByte(b, 0x1b) >= 0 {
			k2 = classify(stripEscapes(b[at:]))
		}
		switch {
		case k2 == kindRule, k2 == kindExit, k2 == kindBanner, k2 == kindFence, k2 == kindSchedExt, k2 == kindLinux,
			g.layers == 0 && k2 != kindBlank && k2 != kindSchedID && decodePrefix(b).layers != 0:
			g.above = k2
			g.opened = r.isOpenedAbove(first, limit)
			return start
		case k2 == kindBacktrace && k == kindTrigger && n < 6:
			k, start = kindOther, from // newest first
		case k2 == kindCPUStates && k == kindSysRq:
			k, start = kindOther, from // newest first
		case k == kindTrigger || k == kindSysRq:
			if k2 == kindSchedID {
				g.opened = r.isOpenedAbove(from, limit)
				return from
			}
			// a comm may have newlines, a reason may stand in a line above
			if n >= 5 && k == kindTrigger {
				return start
			}
		case k2 != kindBlank:
			start = from
		}
		first = from
	}
	return start
}

// isOpenedAbove reports whether what stands before index end of the buffer is what
// user space prints above a dump: a title and a rule, blank lines apart.
func (r *Reader) isOpenedAbove(end, limit int) bool {
	want := kindRule
	for n := 0; end > limit && n < 8; n++ {
		from := bytes.LastIndexByte(r.in.buf[limit:end-1], '\n') + 1 + limit
		b := stripEscapes(bytes.TrimRight(r.in.buf[from:end-1], " \t\r"))
		at, _ := r.region.payload(b)
		switch k := classify(b[at:]); {
		case k == kindBlank:
		case k != want:
			return false
		case k == kindBanner:
			return true
		default:
			want = kindBanner
		}
		end = from
	}
	return false
}

// verdictInRegion hands a line of the kernel log that stands within a dump to
// the verdict reader.
func (r *Reader) verdictInRegion(offset int64, number int) {
	l := r.region.lines[len(r.region.lines)-1]
	b := r.in.buf[r.in.keep:]
	raw, start := b[l.off:l.end], int(l.start-l.off)
	if isColoured(raw) { // as in step
		head := stripEscapes(raw[:start])
		raw = trimEOL(append(head, stripEscapes(raw[start:])...))
		start = min(len(head), len(raw))
	}
	r.feedVerdict(raw, start, decodePrefix(raw), l.kind, offset, number)
}
