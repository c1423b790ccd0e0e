// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Most lines of a dump are whole, without a prefix, and follow each other as in
// all dumps. What is in this file reads no more than those, and does with them
// what the rest of the package would.

// usualNext tells whether b begins like the line that follows most lines of the
// kind last: its kind, kindOther if not, and the length of the words.
//
// The words stand in it as constants: up to 16 bytes are compared without a call.
func usualNext(last kind, b []byte) (kind, int) {
	switch last {
	case kindTask:
		if len(b) > 22 && string(b[:16]) == "      scx_state/" && string(b[6:22]) == "scx_state/flags=" {
			return kindState, 22
		}
	case kindState:
		if len(b) > 25 && string(b[:16]) == "      sticky/hol" && string(b[9:25]) == "cky/holding_cpu=" {
			return kindSticky, 25
		}
	case kindSticky:
		if len(b) > 16 && string(b[:16]) == "      dsq_vtime=" {
			return kindVTime, 16
		}
	case kindVTime:
		if len(b) > 11 && string(b[:11]) == "      cpus=" {
			return kindCPUs, 11
		}
	case kindCPU, kindRescue:
		if len(b) > 15 && string(b[:15]) == "          curr=" {
			return kindCurr, 15
		}
	}
	return kindOther, 0
}

// usualLines takes the next lines into the region, up to the first that needs a
// closer look.
func (r *Reader) usualLines() {
	g, in := &r.region, r.in
	if g.layers != 0 || g.ended || in.skipping || r.verdict.open() {
		return
	}
	buf, pos := in.buf, in.pos
	for pos < len(buf) && pos-in.keep < maxRegion {
		if buf[pos] == '\n' { // a quarter of the lines of a dump
			g.addBlank(pos-in.keep, false)
			pos++
			in.line++
			continue
		}
		rest := buf[pos:]
		k, known := usualNext(g.last, rest)
		if k == kindOther && rest[0] != ' ' {
			break
		}
		n := bytes.IndexByte(rest[known:], '\n') + known
		if n <= known || n >= maxSchedLine || rest[n-1] <= ' ' || rest[n-1] == '>' {
			break
		}
		if k == kindOther {
			if k = indentedKind(rest[:n]); k == kindOther || k == kindSymbol && (g.quiet > 0 || g.lastDump < 0) {
				break
			}
		}
		g.pushUsual(k, pos-in.keep, n)
		pos += n + 1
		in.line++
	}
	in.pos = pos
}

// indentedKind is the kind of an indented line if it is the header of a task or
// of a stack, and otherwise kindOther.
func indentedKind(p []byte) kind {
	q := trimBlanks(p)
	switch last := q[len(q)-1]; {
	case last == 's':
		if startsTask(q) && isTaskHeader(q) {
			return kindTask
		}
	case isHex(last) || last == ']':
		if q[0] == 'c' || q[0] == 'i' { // what begins like a line of a CPU is one
			return kindOther
		}
		if isPlainSymbol(q) || isSymbol(q) && bytes.IndexByte(q, '=') < 0 {
			return kindSymbol
		}
	}
	return kindOther
}

// pushUsual is push for n bytes from offset off on that are a line of a kind that
// only a dump has, or of a stack within one.
func (g *region) pushUsual(k kind, off, n int) {
	at := uint32(off)                                                                 //nolint:gosec // below maxRegion
	g.lines = append(g.lines, line{off: at, start: at, end: at + uint32(n), kind: k}) //nolint:gosec // below maxSchedLine
	g.count[k]++
	if votingKinds.has(k) && votingKinds.has(g.last) {
		g.vote(g.last, k)
	}
	g.prev, g.last = g.last, k
	g.lastDump = len(g.lines) - 1
	g.quiet, g.others, g.quietBytes = 0, 0, 0
}

// leadingBlanks is how many blanks b begins with. The kernel indents by up to 10.
func leadingBlanks(b []byte) int {
	if len(b) > 0 && b[0] > ' ' {
		return 0
	}
	return countBlanks(b)
}

func countBlanks(b []byte) int {
	i := 0
	for len(b)-i >= 8 {
		if other := binary.LittleEndian.Uint64(b[i:]) ^ 0x2020202020202020; other != 0 {
			if i += bits.TrailingZeros64(other) / 8; b[i] != '\t' {
				return i
			}
			break
		}
		i += 8
	}
	for i < len(b) && isBlank(b[i]) {
		i++
	}
	return i
}
