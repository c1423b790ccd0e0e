// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"
	"time"

	"scxdiag/dump"
)

const maxRegion = 64 << 20 // bytes of one dump, carrier included

// outcome is what the parser made of a line.
type outcome uint8

const (
	notUnderstood outcome = iota
	parsed
	verbatim
	blank
	foreign
	truncated
	outcomes
)

// line is one line of a region. Offsets count from the start of the region.
type line struct {
	off   uint32 // of the first byte of the carrier's prefix
	start uint32 // of the payload
	end   uint32 // behind the payload, trailing blanks removed
	alt   uint32 // index+1 of a cleaned copy of the payload in region.alts
	kind  kind
	out   outcome
	// bare: without the prefix that its neighbours have.
	bare bool
	// glued: stands on the same physical line as the one before it.
	glued bool
	// ours: can be text of the scheduler's.
	ours bool
	// indented: the payload starts with two blanks or more; loose: with one at least.
	indented, loose bool
	// cut: the end is missing, so the last token cannot be trusted.
	cut bool
}

// span is where the payload stands.
func (l *line) span() dump.Span { return dump.Span{Off: l.start, Len: l.end - l.start} }

// region collects the lines of one dump. It refers to the bytes of the line
// buffer, from buffer.keep on.
type region struct {
	lines []line
	alts  [][]byte
	count [kinds]int

	host       string // of the line that began the region
	time       time.Time
	stamp      string // likewise: Snapshot.Stamp, if the dump has nothing in it
	layers     layer
	ident      []byte // copy
	tail       []byte // copy: what the prefix of the last line ended with
	prefixLen  int    // and how long it was
	brackets   int    // that closed in the prefix of the first one
	learned    []byte // copy: literal prefix, digits count as equal
	coloured   bool
	forward    int // votes on the order of lines
	backward   int
	last, prev kind // of the last two lines that were neither blank nor foreign
	lastDump   int  // index of the last line that only a dump has, -1
	quiet      int  // lines since then
	others     int  // of them, those without the region's prefix
	quietBytes int
	begun      bool // a trigger was seen
	// bareTrigger is set if the line that began the region, a trigger or that of a
	// SysRq, lacks the prefix of its neighbours: because the comm in it has a
	// newline, or by damage.
	bareTrigger bool
	indent      int  // fewest blanks before a title, -1 if none was seen
	clipped     int  // lines that end in '>'
	long        bool // a line is as long as the kernel lets it be
	ended       bool // the event counters were seen, so nothing can follow
	above       kind // of the line that the search for the beginning stopped at
	below       kind // of the line that showed the dump to be over
	opened      bool // user space's title and rule stand above
}

func (g *region) reset() {
	*g = region{lines: g.lines[:0], alts: g.alts[:0], tail: g.tail[:0], lastDump: -1, indent: -1}
}

// add takes the line b, which starts at offset off of the region. It returns
// its shape, and whether it has the region's prefix.
func (g *region) add(b []byte, off int) (kind, bool) { return g.addRecord(b, off, false) }

// addRecord takes a record: a line, or a part of it that was glued to another.
func (g *region) addRecord(b []byte, off int, glued bool) (kind, bool) {
	end := len(b)
	for end > 0 && (isBlank(b[end-1]) || b[end-1] == '\r') {
		end--
	}
	b = b[:end]
	if end == 0 && g.layers == 0 {
		g.addBlank(off, glued)
		return kindBlank, true
	}
	start, own := g.payload(b)
	l := line{off: uint32(off), start: uint32(off + start), end: uint32(off + end), glued: glued} //nolint:gosec // below maxRegion
	if !own {
		return g.addBare(l, b, start)
	}
	if second := g.second(b, start); second > 0 {
		k, own := g.addRecord(b[:second], off, glued)
		k2, own2 := g.addRecord(b[second:], off+second, true)
		switch k {
		case kindTrigger, kindSysRq, kindExit, kindRule:
			return k, own // that a dump begins or ends is what matters
		}
		return k2, own2
	}
	p := b[start:]
	l.kind = g.classify(p)
	if l.kind == kindTrigger && g.bareTrigger && !g.begun && len(g.ident) == 0 {
		l.start, l.bare = l.off, true // what ends the prefix is not known for certain
	}
	if l.kind == kindTrigger && endsColour(p) {
		g.coloured = true // the kernel's line ends in a colon
	}
	if l.kind == kindOther {
		p = g.decolour(&l, p)
		if g.isForeign(&l, p) {
			g.push(l)
			return l.kind, false
		}
	}
	if l.kind.isTitle() {
		if n := leadingBlanks(p); g.indent < 0 || n < g.indent {
			g.indent = n
		}
	}
	if len(p) > 0 && p[len(p)-1] == '>' {
		g.clipped++
	}
	g.long = g.long || len(p) >= maxSchedLine
	g.push(l)
	return l.kind, true
}

// addBlank takes a blank line without a prefix.
func (g *region) addBlank(off int, glued bool) {
	at := uint32(off) //nolint:gosec // below maxRegion
	g.lines = append(g.lines, line{off: at, start: at, end: at, kind: kindBlank, out: blank, glued: glued})
}

// classify tells the shape of the next line: as a rule the one that follows the
// last line.
func (g *region) classify(p []byte) kind {
	if k, _ := usualNext(g.last, p); k != kindOther {
		return k
	}
	return classify(p)
}

// isForeign judges the payload p of a line of free text. In a region without
// prefix, a line that has one is another program's.
func (g *region) isForeign(l *line, p []byte) bool {
	l.loose = len(p) > 1 && isBlank(p[0])
	l.indented = len(p) > 2 && l.loose && isBlank(p[1])
	l.ours = l.indented || g.layers&layerFtrace != 0 || isSchedText(p)
	if g.layers != 0 || l.kind != kindOther || l.ours && (len(p) <= len(ftraceEvent)+32 || !bytes.Contains(p, ftraceEvent)) {
		return false
	}
	d := decodePrefix(p)
	if d.layers&^layerQuote == 0 {
		return false
	}
	l.start += uint32(d.end) //nolint:gosec // below maxRegion
	l.out = foreign
	l.kind = classify(p[d.end:])
	return true
}

// addBare takes a line without the region's prefix: another program's, the
// rest of a line that had a newline in a comm, or one that lost its prefix.
func (g *region) addBare(l line, b []byte, start int) (kind, bool) {
	if k := classify(b); g.layers&layerFtrace == 0 && k.isDump() && k != kindBacktrace && k != kindTrigger && start == 0 {
		l.start, l.kind = l.off, k
		g.push(l)
		return k, true
	}
	l.kind = classify(b[start:])
	if l.kind == kindElision { // the trace says so itself
		g.push(l)
		return l.kind, true
	}
	l.bare = start == 0 && len(b) > 0 && !isTraceEvent(b)
	if l.kind == kindTrigger && g.bareTrigger && !g.begun {
		l.start, l.bare = l.off, true
		g.push(l)
		return kindTrigger, true
	}
	if i := bytes.Index(b, []byte(sysRqWords)); i >= 0 && g.bareTrigger && !g.begun {
		l.start, l.kind, l.bare = l.off+uint32(i), kindSysRq, false //nolint:gosec // below maxLine
		g.push(l)
		return kindSysRq, true
	}
	l.out = foreign
	g.push(l)
	return l.kind, false
}

// second finds where a second record starts in the line b, whose payload
// starts at start: logs sometimes glue two together. It returns 0 if there is
// only one.
func (g *region) second(b []byte, start int) int {
	if !g.stamped() || len(g.tail) < 2 || len(b)-start < g.prefixLen {
		return 0
	}
	tail := g.constantTail()
	for pos := start; ; {
		i := bytes.Index(b[pos:], tail)
		if i < 0 {
			break
		}
		pos += i + len(tail)
		if at := g.recordEndingAt(b, start, pos); at > 0 {
			return at
		}
	}
	// the blank behind the prefix of an empty record is gone
	if bare := bytes.TrimRight(tail, " "); len(bare) < len(tail) && bytes.HasSuffix(b[start:], bare) {
		return g.recordEndingAt(b, start, len(b)+len(tail)-len(bare))
	}
	if g.layers&layerFtrace != 0 {
		return otherEvent(b, start)
	}
	return 0
}

// otherEvent returns where the record of another event begins that was glued to
// the line b of a trace, whose payload starts at start; 0 if there is none.
func otherEvent(b []byte, start int) int {
	if bytes.IndexByte(b[start:], '[') < 0 { // as in most lines
		return 0
	}
	column := eventStamp(b[:start])
	if column < 0 {
		return 0
	}
	// what stands before the stamp is as long in all records
	if i := eventStamp(b[start:]); i >= column {
		return start + i - column
	}
	return 0
}

// constantTail is what of the tail is the same in each line: where no program
// stands behind the time, as with "dmesg --time-format=iso", its zone alone.
func (g *region) constantTail() []byte {
	if g.layers&layerJournal != 0 && len(g.ident) == 0 {
		if i := bytes.LastIndexAny(g.tail, "+-Z"); i >= 0 {
			return g.tail[i:]
		}
	}
	return g.tail
}

// recordEndingAt returns where the prefix that ends at index end of b begins, 0 if
// there is none behind start.
func (g *region) recordEndingAt(b []byte, start, end int) int {
	want, layers := g.prefixLen, g.layers
	if layers&layerQuote != 0 { // it may have been glued before it was quoted
		want -= quoteLen(b)
		layers &^= layerQuote
	}
	at := end - want
	if at == start-1 && at > 0 && b[at] == ' ' { // it indents the second record, it does not end the first one's prefix
		start = at
	}
	if at < start {
		return 0
	}
	p := decodeLayers(b[at:], layers)
	if layers&^p.layers == layerJournal { // without a date, it is known by the program alone
		if _, ident, n, ok := bareProgramLen(b[at+p.end:]); ok && bytes.Equal(ident, g.ident) {
			p.layers |= layerJournal
			p.end += n
		}
	}
	if len(p.ident) > 0 && len(g.ident) == 0 && layers&layerJournal != 0 { // the payload only looks like a program
		p.end = p.time
	}
	if p.layers != layers || p.end != min(want, len(b)-at) {
		return 0
	}
	if g.layers&layerQuote != 0 { // or after
		from := at
		for from > start && (b[from-1] == '>' || b[from-1] == ' ') {
			from--
		}
		if i := bytes.IndexByte(b[from:at], '>'); i >= 0 {
			return from + i
		}
	}
	return at
}

// decolour removes the escape sequences that a coloured log has around or
// within the payload p, if the line makes sense without them.
func (g *region) decolour(l *line, p []byte) []byte {
	if bytes.IndexByte(p, 0x1b) < 0 {
		return p
	}
	clean := bytes.TrimRight(stripPayload(l, p), " \t")
	k := classify(clean)
	if k == kindOther && p[0] != 0x1b {
		return p
	}
	g.coloured = true
	l.kind = k
	g.replace(l, clean)
	return clean
}

// stripPayload is the payload p of the line without colours.
func stripPayload(l *line, p []byte) []byte {
	if l.start == l.off {
		return stripLine(p)
	}
	return stripEscapes(p)
}

// replace makes clean the payload of the line.
func (g *region) replace(l *line, clean []byte) {
	g.alts = append(g.alts, clean)
	l.alt = uint32(len(g.alts)) //nolint:gosec // fewer than lines
}

// stripLine is the line b without the ANSI sequences that colour it, also if the
// first one lost its escape character: something ends all colours then that
// nothing began.
func stripLine(b []byte) []byte {
	if len(b) > 0 && b[0] == '[' && endsColour(b) {
		b = b[sequenceLen(b):]
	}
	return stripEscapes(b)
}

// stripEscapes is b without the ANSI sequences that colour text.
func stripEscapes(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		if n := escapeLen(b[i:]); n > 0 {
			i += n
			continue
		}
		out = append(out, b[i])
		i++
	}
	return out
}

// push appends a line and keeps the books on order and quiet.
func (g *region) push(l line) {
	if l.kind == kindBlank {
		l.out = blank
	}
	g.lines = append(g.lines, l)
	if l.out == foreign {
		g.quiet++
		g.others++
		g.quietBytes += int(l.end - l.off)
		return
	}
	if l.kind == kindBlank {
		return
	}
	g.count[l.kind]++
	if votingKinds.has(l.kind) && votingKinds.has(g.last) && (g.last != kindUnderline || g.lines[len(g.lines)-2].kind == kindUnderline) {
		g.vote(g.last, l.kind) // a blank line stands between a section and the title of the next
	}
	switch {
	case l.kind == kindBacktrace && g.count[kindTrigger] > 0:
		g.forward++
	case l.kind == kindTrigger && g.count[kindBacktrace] > 0 && g.count[kindTrigger] == 1:
		g.backward++
	}
	g.prev, g.last = g.last, l.kind
	if l.kind.isDump() || l.kind.isFrame() && g.lastDump >= 0 && g.quiet < quietFrames {
		g.lastDump = len(g.lines) - 1
		g.quiet, g.others, g.quietBytes = 0, 0, 0
		return
	}
	g.quiet++
	g.quietBytes += int(l.end - l.off)
}

// votingKinds are those whose neighbours show which way the lines came.
const votingKinds kindSet = 1<<kindState | 1<<kindSticky | 1<<kindCPU | 1<<kindRescue | 1<<kindCurr |
	1<<kindCPUStates | 1<<kindEvents | 1<<kindUnderline

// vote counts two neighbours for the order of lines that they show.
func (g *region) vote(prev, k kind) {
	switch {
	case prev == kindState && k == kindSticky, prev == kindCPU && k == kindRescue, prev == kindRescue && k == kindCurr,
		prev == kindCPUStates && k == kindUnderline, prev == kindEvents && k == kindUnderline:
		g.forward++
	case prev == kindSticky && k == kindState, prev == kindRescue && k == kindCPU, prev == kindCurr && k == kindRescue,
		prev == kindUnderline && (k == kindCPUStates || k == kindEvents):
		g.backward++
	}
}

// reversed reports whether the lines came newest first.
func (g *region) reversed() bool { return g.backward > g.forward }

// closed reports whether what user space prints behind a dump follows it.
func (g *region) closed() bool {
	k := g.below
	if g.reversed() {
		k = g.above
	}
	return k == kindRule || k == kindExit
}

// isOpen reports whether user space began to print the dump and the stream ends
// before it closed it.
func (g *region) isOpen() bool { return g.opened && !g.reversed() && !g.closed() }
