// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"
	"slices"
)

// Where a dump begins and ends in a stream.

const (
	maxQuiet      = 2 << 20 // bytes without a line of the dump before it counts as ended
	quietLines    = 4000    // the same in lines of others
	quietAfterEnd = 30      // the same once its last section was seen
	quietFrames   = 64      // the same before a line of a stack, which other logs have too
)

// isQuiet reports whether the dump must have ended long ago.
func (g *region) isQuiet() bool {
	return g.others > quietLines || g.quietBytes > maxQuiet || g.ended && g.quiet > quietAfterEnd
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
	titled := g.count[kindCPUStates] > 0 && g.count[kindEvents] > 0 // counters alone are printed elsewhere, too
	if first < 0 || !titled && g.count[kindTrigger]+g.count[kindSysRq]+g.count[kindCPU]+g.count[kindState] == 0 {
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
// task or a stack. Text that lost a blank is known by the text behind it.
func (g *region) belongs(i int) bool {
	l := &g.lines[i]
	switch l.kind {
	case kindSymbol, kindBlank, kindUnderline:
		return true
	case kindOther:
		return l.ours || l.loose && i+1 < len(g.lines) && g.lines[i+1].out != foreign && g.lines[i+1].indented
	}
	return false
}
