// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"
)

// loadJoined makes the lines first..last one present line, with newlines in
// between: a newline in a comm or a message had split it.
func (p *parser) loadJoined(first, last int) {
	p.load(first)
	if first == last {
		return
	}
	contiguous := !p.s.Source.Reversed && !p.alien && len(p.cur) > 0
	for j := first + 1; j <= last; j++ {
		l := &p.lines[j]
		contiguous = contiguous && l.start == l.off && l.alt == 0
	}
	if contiguous && p.indent == 0 && !bytes.Contains(p.buf[p.base:p.lines[last].end], []byte("\r\n")) {
		p.cur = p.buf[p.base:p.lines[last].end]
		p.ln = &p.lines[first]
		return
	}
	joined := append([]byte(nil), p.untrimmed()...)
	all := p.ln.span()
	for j := first + 1; j <= last; j++ {
		if p.lines[j].out == foreign && !p.lines[j].bare {
			continue
		}
		p.load(j)
		joined = append(append(joined, '\n'), p.untrimmed()...)
		all = all.To(p.ln.span())
	}
	p.load(first)
	p.cur, p.alien, p.all = bytes.TrimRight(joined, " \t"), true, all
}

// untrimmed is the present line with the blanks at its end, which may be part of
// a comm, unless the carrier put them there.
func (p *parser) untrimmed() []byte {
	if p.alien || len(p.cur) == 0 {
		return p.cur
	}
	end := p.ln.end
	for int(end) < len(p.buf) && p.buf[end] == ' ' {
		end++
	}
	if end-p.ln.end > 15 {
		return p.cur
	}
	return p.buf[p.base:end]
}

// joined finds the line that completes a task header which the present line
// only begins, because its comm has a newline. It returns -1 if there is none.
func (p *parser) joined() int {
	if q := trimBlanks(p.cur); !startsTask(q) && !isTaskStart(q) {
		return -1
	}
	i := p.i
	defer p.load(i)
	indented := leadingBlanks(p.cur) > 0 // as the kernel indents each header
	blanks := 0
	for j := i + 1; j < len(p.lines) && j <= i+15; j++ {
		l := &p.lines[j]
		if l.kind == kindBlank {
			blanks++
		}
		if l.out == foreign && !l.bare {
			continue
		}
		if l.kind == kindState || l.kind == kindCPU {
			return -1
		}
		mayBegin := !indented || leadingBlanks(p.buf[l.start:l.end]) > p.indent
		if q := trimBlanks(p.buf[l.start:l.end]); mayBegin && blanks > 0 && p.hasBlanks && (startsTask(q) || isTaskStart(q)) {
			return -1 // the header of the next task, itself over several lines
		}
		if _, k := p.after(j); k != kindState && !l.bare {
			continue
		}
		// The kernel puts a blank line before a task. So without one, the comm
		// ends in what looks like a header of its own.
		if mayBegin && l.kind == kindTask && (blanks > 0 || !p.hasBlanks) {
			return -1
		}
		p.loadJoined(i, j)
		q := trimBlanks(p.cur)
		if isTaskHeader(q) && bytes.LastIndexByte(q, '[') <= 15+3 {
			return j
		}
	}
	return -1
}

// isTaskStart matches a marker and state letter with nothing behind them.
func isTaskStart(q []byte) bool {
	q = bytes.TrimPrefix(q, []byte("*"))
	return len(q) == 1 && isState(q[0])
}

// joinedTask reads the task header that goes from the present line to line n.
func (p *parser) joinedTask(n int) outcome {
	first := p.i
	p.loadJoined(first, n)
	out := p.taskHeader()
	p.consume(first, n, out)
	return out
}

// joinNext makes the present line and the next ones one, if that satisfies ok.
func (p *parser) joinNext(ok func([]byte) bool) bool {
	first := p.i
	for j := first + 1; j < len(p.lines) && j <= first+15; j++ {
		l := &p.lines[j]
		if l.out == foreign && !l.bare {
			continue
		}
		p.loadJoined(first, j)
		if ok(p.cur) {
			p.consume(first, j, parsed)
			return true
		}
		if l.kind.isDump() {
			break
		}
	}
	p.load(first)
	return false
}

// consume marks the lines first..last as read.
func (p *parser) consume(first, last int, out outcome) {
	for j := first; j <= last; j++ {
		if l := &p.lines[j]; l.out != foreign || l.bare {
			l.out = out
		}
	}
	p.i = last
}
