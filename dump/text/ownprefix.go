// SPDX-License-Identifier: GPL-2.0-only

package text

import "bytes"

// How a region knows its own lines: by the prefix that its carrier puts in front
// of each.

// stampLayers are the layers that put a time before each line.
const stampLayers = layerActions | layerJournal | layerDmesg | layerFtrace

// stamped reports whether each line has a prefix of a known kind.
func (g *region) stamped() bool {
	return g.layers&stampLayers != 0
}

// begin fixes the carrier of the region by the prefix of the line b that begins
// it. The last n bytes of the prefix are of no known kind: they must be the
// same on every line, but for digits.
func (g *region) begin(b []byte, p prefix, n int) {
	g.host, g.time = string(p.host), parseStamp(p.stamp) // the buffer moves on
	g.stamp = lineStamp(g.time, p.stamp, p.host, b[p.end:p.end+n])
	g.layers = p.layers
	g.ident = append([]byte(nil), p.ident...)
	if n > 0 {
		g.learned = append([]byte(nil), b[p.end:p.end+n]...)
		g.layers |= layerLearned
	}
	g.brackets = bytes.Count(b[:p.end+n], []byte("]"))
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
		if !hasSuffix(l, backtraceWord) {
			continue
		}
		n := len(l) - len(backtraceWord) - known
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
	mark := bomLen(b) // which other lines do not have
	b, n = b[mark:], max(0, n-mark)
	if g.stamped() && n > 0 && (b[n-1] != ' ' || bytes.Count(b[:n], []byte("]")) != g.brackets) {
		return // a damaged line, shorter by the blank behind the prefix or more
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
	if start, own = g.decode(b); own {
		return start, true
	}
	return decodePrefix(b).end, false
}

// decode is payload for lines that need a closer look. What looks like more of a
// prefix than the region has belongs to the payload.
func (g *region) decode(b []byte) (start int, own bool) {
	p := decodeLayers(b, g.layers|layerQuote)
	known := g.layers &^ (layerLearned | layerQuote)
	if p.layers&known != known {
		if start, own := g.damaged(b, p); own {
			return start, true
		}
		return 0, false
	}
	if known&layerJournal != 0 && !bytes.Equal(p.ident, g.ident) {
		if len(g.ident) > 0 {
			if start, own := g.damaged(b, p); own {
				return start, true
			}
			return 0, false
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
			return 0, false
		}
		if !sameShape(rest[:n], g.learned) {
			return 0, false
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
