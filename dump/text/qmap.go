// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"

	"scxdiag/dump"
)

// qmapFIFO reads "QMAP FIFO[0]: 77:1029 78:1030" of scx_qmap.
func (p *parser) qmapFIFO() bool {
	_, rest, ok := indexed(p.cur, "QMAP FIFO")
	if !ok || !hasPrefix(rest, ":") {
		return false
	}
	p.inferred = "qmap"
	from := len(p.cur) - len(rest) + 1
	d := dump.DSQ{Name: p.str(len("QMAP "), from-1-len("QMAP ")), At: p.lineSpan()}
	whole := true
	for t := (tokens{p.cur, from}); ; {
		_, val, at, ok := t.next()
		if !ok {
			break
		}
		pid, _, _ := bytes.Cut(val, []byte(":"))
		n, ok := parseUint(pid)
		if !ok || n > 1<<31-1 || !p.trusted(at, len(val)) {
			p.distrust(d.Name, val, at)
			whole = false
			continue
		}
		d.PIDs = append(d.PIDs, int32(n))
	}
	if p.overflowed = len(p.cur) >= maxSchedLine; p.overflowed {
		whole = false
	}
	if whole && !p.ln.cut {
		d.Queued = dump.OfAt(int64(len(d.PIDs)), p.lineSpan())
	}
	p.s.DSQs = append(p.s.DSQs, d)
	return true
}

// moreFIFO reads on in a FIFO whose line was full: the scheduler goes on
// printing, and the kernel starts a line that lacks its beginning.
func (p *parser) moreFIFO() bool {
	d := &p.s.DSQs[len(p.s.DSQs)-1]
	n := len(d.PIDs)
	for t := (tokens{p.cur, 0}); ; {
		_, val, at, ok := t.next()
		if !ok {
			break
		}
		pid, _, _ := bytes.Cut(val, []byte(":"))
		id, ok := parseUint(pid)
		if !ok || id > 1<<31-1 {
			d.PIDs = d.PIDs[:n]
			return false
		}
		if p.trusted(at, len(val)) {
			d.PIDs = append(d.PIDs, int32(id))
		}
	}
	return true
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
