// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"
	"strconv"

	"scxdiag/dump"
)

// lavdTask reads the lines of scx_lavd: "\_ name: value   name: value", with
// three blanks in between.
func (p *parser) lavdTask() bool {
	at := leadingBlanks(p.cur)
	b := p.cur[at:]
	switch {
	case hasPrefix(b, `\_ `):
		at += 3
	case hasPrefix(b, "+ "):
		at += 2
	default:
		return false
	}
	p.inferred = "lavd"
	for at < len(p.cur) {
		end := len(p.cur)
		if i := bytes.Index(p.cur[at:], []byte("   ")); i >= 0 {
			end = at + i
		}
		key, val, ok := bytes.Cut(p.cur[at:end], []byte(": "))
		vat := at + len(key) + 2
		switch {
		case !ok && !p.trusted(at, end-at):
			p.distrust("lavd", p.cur[at:end], at)
		case !ok:
			p.addKV(&p.task.Scheduler, dump.KV{Value: p.str(at, end-at), At: p.span(at, end-at)})
		case !p.trusted(vat, len(val)):
			p.distrust(string(key), val, vat)
		default:
			p.addKV(&p.task.Scheduler, dump.KV{Key: p.str(at, len(key)), Value: p.str(vat, len(val)), At: p.span(vat, len(val))})
			if string(key) == "cgroup" {
				p.lavdCgroup(val, vat)
			}
		}
		at = end + 3
	}
	return true
}

// lavdCgroup reads "name[12] (throttled)".
func (p *parser) lavdCgroup(val []byte, at int) {
	closing := bytes.LastIndexByte(val, ']')
	open := bytes.LastIndexByte(val[:max(closing, 0)], '[')
	if open < 0 {
		return
	}
	if id, err := strconv.ParseUint(string(val[open+1:closing]), 10, 64); err == nil {
		p.task.CgroupID = dump.OfAt(id, p.span(at+open+1, closing-open-1))
		p.task.CgroupName = dump.OfAt(p.str(at, open), p.span(at, open))
	}
}
