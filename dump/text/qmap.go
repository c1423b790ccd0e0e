// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"

	"scxdiag/dump"
)

// qmapFIFOs is how many FIFOs scx_qmap has.
const qmapFIFOs = 5

// qmapFIFO reads "QMAP FIFO[0]: 77:1029 78:1030" of scx_qmap.
func (p *parser) qmapFIFO() bool {
	_, rest, ok := indexed(p.cur, "QMAP FIFO")
	if !ok || !hasPrefix(rest, ":") {
		return false
	}
	p.inferred = "qmap"
	from := len(p.cur) - len(rest) + 1
	d := dump.DSQ{Name: p.str(len("QMAP "), from-1-len("QMAP ")), At: p.lineSpan()}
	if n := bytes.Count(p.cur[from:], []byte(":")); n > 0 {
		d.PIDs = make([]int32, 0, n)
	}
	whole := true
	for at := from; ; {
		n, start, end, ok := fifoEntry(p.cur, at)
		if start == end {
			break
		}
		at = end
		if !ok || !p.trusted(start, end-start) {
			p.distrust(d.Name, p.cur[start:end], start)
			whole = false
			continue
		}
		d.PIDs = append(d.PIDs, n)
	}
	if p.overflowed = len(p.cur) >= maxSchedLine; p.overflowed {
		whole = false
	}
	if whole && !p.ln.cut {
		d.Queued = dump.OfAt(int64(len(d.PIDs)), p.lineSpan())
	}
	if p.s.DSQs == nil {
		p.s.DSQs = make([]dump.DSQ, 0, qmapFIFOs)
	}
	p.s.DSQs = append(p.s.DSQs, d)
	return true
}

// fifoEntry reads the next entry "77:1029" of a FIFO, the pid and a sequence
// number, from index at of b on. It starts at start and ends at end, which are
// equal if there is none.
func fifoEntry(b []byte, at int) (pid int32, start, end int, ok bool) {
	for at < len(b) && isBlank(b[at]) {
		at++
	}
	start = at
	n := uint64(0)
	for at < len(b) && isDigit(b[at]) && at-start < 10 {
		n = n*10 + uint64(b[at]-'0')
		at++
	}
	ok = at > start && n <= 1<<31-1 && (at == len(b) || b[at] == ':' || isBlank(b[at]))
	for at < len(b) && !isBlank(b[at]) {
		at++
	}
	return int32(n), start, at, ok
}

// moreFIFO reads on in a FIFO whose line was full: the scheduler goes on
// printing, and the kernel starts a line that lacks its beginning.
func (p *parser) moreFIFO() bool {
	d := &p.s.DSQs[len(p.s.DSQs)-1]
	n := len(d.PIDs)
	for at := 0; ; {
		pid, start, end, ok := fifoEntry(p.cur, at)
		if start == end {
			return true
		}
		at = end
		if !ok {
			d.PIDs = d.PIDs[:n]
			return false
		}
		if p.trusted(start, end-start) {
			d.PIDs = append(d.PIDs, pid)
		}
	}
}

// qmapFields reads "QMAP: force_local=0 core_sched_seq=842".
func (p *parser) qmapFields(to *[]dump.KV) bool {
	at := leadingBlanks(p.cur)
	if !hasPrefix(p.cur[at:], "QMAP: ") {
		return false
	}
	p.inferred = "qmap"
	p.rest(to, at+len("QMAP: "))
	return true
}
