// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"
	"strings"
	"time"

	"scxdiag/dump"
)

// layeredDSQ reads the lines of scx_layered: one per layer and LLC, the CPUs of
// each layer, and the fallback queues.
func (p *parser) layeredDSQ() bool {
	b := p.cur
	switch {
	case hasPrefix(b, "LAYER["):
		return p.layer()
	case hasPrefix(b, "HI_"), hasPrefix(b, "LO_"):
		open := bytes.IndexByte(b, '[')
		closing := bytes.IndexByte(b, ']')
		if open < 0 || closing < open {
			return false
		}
		return p.dsqLine(b[:open], b[open+1:closing], closing+1, 0)
	}
	return false
}

// layer reads "LAYER[0](name)-DSQ[10000] nr_cpus=4 nr_queued=0 +0ms" and
// "LAYER[0](name) CPUS=0000000f", and the older "LAYER[0][name]DSQ[65536] …".
func (p *parser) layer() bool {
	b := p.cur
	if i := bytes.LastIndex(b, []byte(" CPUS=")); i > 0 {
		p.inferred = "layered"
		at := i + len(" CPUS=")
		var mask dump.Value[dump.CPUMask]
		setMask(p, &mask, "CPUS", b[at:], at)
		name := string(b[:i])
		for k := len(p.s.DSQs) - 1; k >= 0 && strings.HasPrefix(p.s.DSQs[k].Name, name); k-- {
			p.s.DSQs[k].CPUs = mask // the queues of the layer stand right before
		}
		return true
	}
	i := bytes.LastIndex(b, []byte("DSQ["))
	if i < 0 {
		return false
	}
	closing := bytes.IndexByte(b[i:], ']')
	if closing < 0 {
		return false
	}
	name := bytes.TrimSuffix(b[:i], []byte("-"))
	base := 16
	if len(name) > 0 && name[len(name)-1] == ']' {
		base = 0 // hexadecimal or decimal, depending on the month
	}
	return p.dsqLine(name, b[i+len("DSQ["):i+closing], i+closing+1, base)
}

// dsqLine reads a DSQ of scx_layered: its id in the given base (0: either), and
// the fields from index from on.
func (p *parser) dsqLine(name, id []byte, from, base int) bool {
	p.inferred = "layered"
	d := dump.DSQ{Name: p.str(0, len(name)), At: p.lineSpan()}
	if n, ok := layeredID(id, base); ok {
		d.ID = dump.OfAt(dump.DSQID(n), p.span(bytes.Index(p.cur, id), len(id)))
	}
	for t := (tokens{p.cur, from}); ; {
		key, val, at, ok := t.next()
		if !ok {
			break
		}
		switch string(key) {
		case "nr_cpus":
			setUint(p, &d.NrCPUs, "nr_cpus", val, at)
		case "nr_queued":
			setInt(p, &d.Queued, "nr_queued", val, at)
		case "cpus":
			setMask(p, &d.CPUs, "cpus", val, at)
		case "":
			// relative to the dump: negative is before
			ms, ok := parseInt(bytes.TrimSuffix(val, []byte("ms")))
			ok = ok && hasSuffix(val, "ms") && ms < 1<<43 && ms > -1<<43
			setNum(p, &d.HeadWait, "wait", val, at, -time.Duration(ms)*time.Millisecond, ok)
		}
	}
	p.s.DSQs = append(p.s.DSQs, d)
	return true
}

// layeredID reads the id of a DSQ. In base 0 it is that of a fallback queue, and
// decimal or hexadecimal, depending on the month: the type in its upper half
// tells.
func layeredID(id []byte, base int) (uint64, bool) {
	hex, okHex := parseHex(id)
	if base == 16 {
		return hex, okHex
	}
	isFallback := func(n uint64) bool { return n>>16 == 0x4000 || n>>16 == 0x8000 }
	if dec, ok := parseUint(id); ok && isFallback(dec) {
		return dec, true
	}
	return hex, okHex && isFallback(hex)
}
