// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"
	"slices"
	"time"
)

const (
	maxRegion     = 64 << 20 // bytes of one dump, carrier included
	maxQuiet      = 2 << 20  // bytes without a line of the dump before it counts as ended
	quietLines    = 4000     // the same in lines of others
	quietAfterEnd = 30       // the same once its last section was seen
	quietFrames   = 64       // the same before a line of a stack, which other logs have too
)

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
	// indented: the payload starts with two blanks or more.
	indented bool
	// cut: the end is missing, so the last token cannot be trusted.
	cut bool
}

// region collects the lines of one dump. It refers to the bytes of the line
// buffer, from buffer.keep on.
type region struct {
	lines []line
	alts  [][]byte
	count [kinds]int

	host       string // of the line that began the region
	time       time.Time
	layers     layer
	ident      []byte // copy
	tail       []byte // copy: what the prefix of the last line ended with
	prefixLen  int    // and how long it was
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
	// bareTrigger is set if the line that began the region lacks the prefix of
	// its neighbours: because the comm in it has a newline, or by damage.
	bareTrigger bool
	indent      int  // fewest blanks before a title, -1 if none was seen
	clipped     int  // lines that end in '>'
	long        bool // a line is as long as the kernel lets it be
	ended       bool // the event counters were seen, so nothing can follow
}

func (g *region) reset() {
	*g = region{lines: g.lines[:0], alts: g.alts[:0], tail: g.tail[:0], lastDump: -1, indent: -1}
}

// stamped reports whether each line has a prefix of a known kind.
func (g *region) stamped() bool {
	return g.layers&(layerActions|layerJournal|layerDmesg|layerFtrace) != 0
}

// begin fixes the carrier of the region by the prefix of the line b that begins
// it. The last n bytes of the prefix are of no known kind: they must be the
// same on every line, but for digits.
func (g *region) begin(b []byte, p prefix, n int) {
	g.host, g.time = string(p.host), parseStamp(p.stamp) // the buffer moves on
	g.layers = p.layers
	g.ident = append([]byte(nil), p.ident...)
	if n > 0 {
		g.learned = append([]byte(nil), b[p.end:p.end+n]...)
		g.layers |= layerLearned
	}
	g.remember(b, p.end+n)
}

// triggerPrefix is the length of an unknown prefix in front of a trigger line.
// The comm may be anything, but "Backtrace:" soon follows, behind the same
// prefix and alone on its line.
func triggerPrefix(payload, peek []byte, known int) int {
	for range 12 {
		l, rest, ok := bytes.Cut(peek, newline)
		if !ok {
			return 0
		}
		peek = rest
		l = bytes.TrimRight(l, " \t\r")
		if !hasSuffix(l, "Backtrace:") {
			continue
		}
		n := len(l) - len("Backtrace:") - known
		if n <= 0 || n > len(payload) || allBlank(l[known:known+n]) || !sameShape(l[known:known+n], payload[:n]) {
			return 0
		}
		return n
	}
	return 0
}

func allBlank(b []byte) bool { return len(trimBlanks(b)) == 0 }

// sameShape reports whether two prefixes differ at most in their digits.
func sameShape(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && (!isDigit(a[i]) || !isDigit(b[i])) {
			return false
		}
	}
	return true
}

// remember keeps the end of a prefix of length n, so that the next line can be
// recognised by it without decoding.
func (g *region) remember(b []byte, n int) {
	if g.stamped() && n > 0 && b[n-1] != ' ' {
		return // a damaged line, shorter by the blank behind the prefix
	}
	if g.layers == layerQuote && n < g.prefixLen {
		return // a damaged line: all later ones would match the shorter prefix
	}
	g.prefixLen = n
	tail := b[:n]
	// everything behind the last digit of the stamp is the same in each line
	if i := bytes.LastIndexAny(tail, "0123456789"); i >= 0 && g.layers&layerJournal == 0 {
		tail = tail[i+1:]
	} else if g.layers&layerJournal != 0 {
		if i := bytes.LastIndexByte(tail[:max(0, n-len(g.ident)-2)], ' '); i >= 0 {
			tail = tail[i:]
		}
	}
	if len(tail) > 64 {
		tail = tail[len(tail)-64:]
	}
	g.tail = append(g.tail[:0], tail...)
}

// payload finds where the payload of a line starts, and whether the line has
// the region's prefix at all.
func (g *region) payload(b []byte) (start int, own bool) {
	if g.layers == 0 {
		return bomLen(b), true
	}
	if n := g.prefixLen; g.learned == nil && len(b) >= n && len(g.tail) > 0 &&
		bytes.Equal(b[n-len(g.tail):n], g.tail) && g.sameHead(b) {
		return n, true
	}
	// a blank line, whose prefix lost the blank at its end
	if n := g.prefixLen - 1; g.learned == nil && len(b) == n && len(g.tail) > 1 && g.tail[len(g.tail)-1] == ' ' &&
		bytes.HasSuffix(b, g.tail[:len(g.tail)-1]) && g.sameHead(b) {
		return n, true
	}
	p := decodePrefix(b)
	known := g.layers &^ (layerLearned | layerQuote)
	if p.layers&known != known {
		if start, own := g.damaged(b, p); own {
			return start, true
		}
		return p.end, false
	}
	if known&layerJournal != 0 && !bytes.Equal(p.ident, g.ident) {
		if len(g.ident) > 0 {
			if start, own := g.damaged(b, p); own {
				return start, true
			}
			return p.end, false
		}
		p.end = p.time // the payload only looks like a program's name
	}
	if g.learned != nil {
		n := len(g.learned)
		rest := b[p.end:]
		if len(rest) < n { // trailing blanks of the prefix were stripped
			trimmed := bytes.TrimRight(g.learned, " ")
			if len(rest) >= len(trimmed) && sameShape(rest[:len(trimmed)], trimmed) {
				return len(b), true
			}
			return p.end, false
		}
		if !sameShape(rest[:n], g.learned) {
			return p.end, false
		}
		return p.end + n, true
	}
	if p.end < len(b) { // the trailing blank of the prefix is gone from blank lines
		g.remember(b, p.end)
	}
	return p.end, true
}

// sameHead guards the fast path against a line whose prefix merely ends alike.
func (g *region) sameHead(b []byte) bool {
	switch {
	case g.layers&layerQuote != 0:
		return b[0] == '>'
	case g.layers == layerDmesg:
		return b[0] == '[' || b[0] == '<' || isDigit(b[0])
	case g.layers&layerActions != 0:
		return isDigit(b[0]) || g.prefixLen > len("2026-11-23T07:33:30.1234567Z ")
	}
	return true
}

// damaged accepts a line of a journal whose date or host was cut off or damaged,
// if it still names the same program.
func (g *region) damaged(b []byte, p prefix) (start int, own bool) {
	if g.layers&layerJournal == 0 || len(p.ident) > 0 || len(g.ident) == 0 {
		return 0, false
	}
	i := bytes.Index(b[p.end:min(len(b), p.end+128)], g.ident)
	if i < 0 || !hasPrefix(b[p.end+i+len(g.ident):], ":") {
		return 0, false
	}
	n := p.end + i + len(g.ident) + 1
	if n < len(b) && b[n] == ' ' {
		n++
	}
	return n, true
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
	if end == 0 && g.layers == 0 { // a quarter of the lines of a dump
		at := uint32(off) //nolint:gosec // below maxRegion
		g.lines = append(g.lines, line{off: at, start: at, end: at, kind: kindBlank, out: blank, glued: glued})
		return kindBlank, true
	}
	b = b[:end]
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

// usual is what follows most lines of a kind: its shape, and how it begins.
var usual = [kinds]struct {
	kind  kind
	words string
}{
	kindTask:   {kindState, "      scx_state/flags="},
	kindState:  {kindSticky, "      sticky/holding_cpu="},
	kindSticky: {kindVTime, "      dsq_vtime="},
	kindVTime:  {kindCPUs, "      cpus="},
	kindCPU:    {kindCurr, "          curr="},
	kindRescue: {kindCurr, "          curr="},
}

// classify tells the shape of the next line: as a rule the one that follows the
// last line.
func (g *region) classify(p []byte) kind {
	if next := &usual[g.last]; next.kind != kindOther && hasPrefix(p, next.words) {
		return next.kind
	}
	return classify(p)
}

// isForeign judges the payload p of a line of free text. In a region without
// prefix, a line that has one is another program's.
func (g *region) isForeign(l *line, p []byte) bool {
	l.indented = len(p) > 2 && isBlank(p[0]) && isBlank(p[1])
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
	for pos := start; ; {
		i := bytes.Index(b[pos:], g.tail)
		if i < 0 {
			break
		}
		pos += i + len(g.tail)
		if at := g.recordEndingAt(b, start, pos); at > 0 {
			return at
		}
	}
	// the blank behind the prefix of an empty record is gone
	if bare := bytes.TrimRight(g.tail, " "); len(bare) < len(g.tail) && bytes.HasSuffix(b[start:], bare) {
		return g.recordEndingAt(b, start, len(b)+len(g.tail)-len(bare))
	}
	return 0
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
	if at < start {
		return 0
	}
	if p := decodePrefix(b[at:]); p.layers != layers || p.end != min(want, len(b)-at) {
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
	clean := bytes.TrimRight(stripEscapes(p), " \t")
	k := classify(clean)
	if k == kindOther && p[0] != 0x1b {
		return p
	}
	g.coloured = true
	l.kind = k
	g.replace(l, clean)
	return clean
}

// replace makes clean the payload of the line.
func (g *region) replace(l *line, clean []byte) {
	g.alts = append(g.alts, clean)
	l.alt = uint32(len(g.alts)) //nolint:gosec // fewer than lines
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
	if votingKinds.has(l.kind) && votingKinds.has(g.last) {
		g.vote(g.last, l.kind)
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

// isQuiet reports whether the dump must have ended long ago.
func (g *region) isQuiet() bool {
	return g.others > quietLines || g.quietBytes > maxQuiet || g.ended && g.quiet > quietAfterEnd
}

// String names the layers, outermost first: "actions+journald".
func (l layer) String() string {
	name := ""
	for _, n := range layerNames {
		if l&n.layer != 0 {
			if name != "" {
				name += "+"
			}
			name += n.name
		}
	}
	return name
}

// ending says why a region ended.
type ending uint8

const (
	endNot  ending = iota // it goes on
	endDump               // a line that cannot belong to the same dump
	endRule               // the rule that user space prints behind a dump
	endEOF                // the end of the stream
	endSize               // it exceeds maxRegion
	endLine               // a line exceeds maxLine
)

// ends reports whether the line that was just added, of the given kind, shows
// that the dump is over. The line is then not part of it.
func (g *region) ends(k kind, own bool) ending {
	if !own {
		// a dump in another carrier
		if k == kindTrigger || k == kindSysRq || k == kindBanner || g.isQuiet() {
			return endDump
		}
		return endNot
	}
	switch k {
	case kindBlank:
		return endNot
	case kindRule, kindBanner:
		return endRule
	case kindExit, kindFence:
		return endDump
	case kindTrigger, kindSysRq:
		if g.begun {
			return endDump
		}
		g.begun = true
		g.ended = g.reversed()
		return endNot
	case kindSchedID:
		if g.ended && !g.reversed() {
			return endDump
		}
		return endNot
	case kindElision:
		return endNot
	case kindOther:
		if g.ended && g.prev == kindEvent && g.lines[len(g.lines)-1].indented {
			return endNot // a counter that was cut
		}
	case kindEvent, kindUnderline, kindTruncated:
		if g.ended && g.reversed() {
			return endDump
		}
		if k == kindTruncated && !g.reversed() && g.count[kindCPUStates]+g.count[kindCPU]+g.count[kindTrigger] > 0 {
			g.ended = true
		}
		if k == kindEvent && g.count[kindEvents] > 0 && !g.reversed() {
			g.ended = true
		}
		return endNot
	}
	if g.ended || g.isQuiet() {
		return endDump
	}
	return endNot
}

// drop removes the lines from offset off on.
func (g *region) drop(off int64) {
	n := len(g.lines)
	for n > 0 && int64(g.lines[n-1].off) >= off {
		n--
		if l := &g.lines[n]; l.out != foreign && l.kind != kindBlank {
			g.count[l.kind]--
		}
	}
	g.lines = g.lines[:n]
	if g.lastDump >= n {
		g.findLastDump()
	}
}

// findLastDump finds the last line that only a dump has, as push does.
func (g *region) findLastDump() {
	n := len(g.lines) - 1
	for n >= 0 && (g.lines[n].out == foreign || !g.lines[n].kind.isDump()) {
		n--
	}
	g.lastDump = n
	quiet := 0
	for i := n + 1; n >= 0 && i < len(g.lines) && quiet < quietFrames; i++ {
		switch l := &g.lines[i]; {
		case l.out != foreign && l.kind.isFrame():
			g.lastDump, quiet = i, 0
		case l.out == foreign || l.kind != kindBlank:
			quiet++
		}
	}
}

// trim removes lines at both ends that do not belong to the dump: a region
// without any line of a dump becomes empty. The offsets of lines point into buf.
func (g *region) trim(buf []byte) {
	isDump := func(l line) bool { return l.out != foreign && (l.kind.isDump() || l.kind == kindSchedID) }
	first, last := slices.IndexFunc(g.lines, isDump), g.lastDump
	if first < 0 || g.count[kindTrigger]+g.count[kindSysRq]+g.count[kindCPU]+g.count[kindState] == 0 {
		g.lines = g.lines[:0]
		return
	}
	last = g.openCurr(buf, last)
	if g.bareTrigger && g.lines[last].kind == kindTrigger && last+1 < len(g.lines) && g.lines[last+1].out != foreign {
		last++ // what shows that the trigger lacks its prefix
	}
	whole := last // at least up to here
	// text of the last task, or of the scheduler if the beginning is missing
	for i := first - 1; i >= 0 && (g.lines[i].out == foreign || g.belongs(i)); i-- {
		if g.lines[i].out != foreign {
			first = i
		}
	}
	for i := last + 1; i < len(g.lines) && (g.lines[i].out == foreign || g.belongs(i)); i++ {
		if g.lines[i].out != foreign {
			last = i
		}
	}
	for i := last + 1; g.reversed() && i < len(g.lines) && i <= last+3; i++ {
		if g.lines[i].kind == kindSchedID && g.lines[i].out != foreign {
			last = i
		}
	}
	for first < last && g.isFringe(first) {
		first++
	}
	for last > max(first, whole) && g.isFringe(last) {
		last--
	}
	if last > first && g.lines[last].kind == kindSchedID && !g.reversed() {
		last-- // of the dump that follows
		for last > first && g.lines[last].kind == kindBlank {
			last--
		}
	}
	g.lines = g.lines[first : last+1]
}

// isFringe reports whether line i means nothing at the edge of a dump.
func (g *region) isFringe(i int) bool {
	l := &g.lines[i]
	return l.kind == kindBlank || l.out == foreign
}

// openCurr looks behind a line "curr=" whose comm has a newline, at the end of a
// dump, for the line that completes it.
func (g *region) openCurr(buf []byte, last int) int {
	for i := last; g.lines[last].kind == kindCurr && i < len(g.lines) && i <= last+15; i++ {
		if l := &g.lines[i]; (l.out != foreign || l.bare) && bytes.Contains(buf[l.start:l.end], classWord) {
			return i
		}
	}
	return last
}

// belongs reports whether line i, at the edge of the dump, reads like text of a
// task or a stack.
func (g *region) belongs(i int) bool {
	l := &g.lines[i]
	switch l.kind {
	case kindSymbol, kindBlank, kindUnderline:
		return true
	case kindOther:
		return l.ours
	}
	return false
}
