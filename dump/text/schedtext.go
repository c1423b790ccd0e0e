// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"scxdiag/dump"
)

// maxSchedLine is the longest line that the kernel takes from a scheduler. The
// end of such a line is missing.
const maxSchedLine = 1023

// globalText reads a line that the scheduler printed about itself, if this
// package knows its shape.
func (p *parser) globalText() bool {
	b := p.cur
	if len(b) == 0 {
		return false
	}
	switch b[0] {
	case 'C':
		return p.mitosisCell() || p.mitosisCPU()
	case '[', 'D':
		return p.mitosisEvent()
	case 'k', 'c':
		return p.build()
	case 'Q':
		return p.qmapFIFO()
	case 'L', 'H':
		return p.layeredDSQ()
	}
	return p.overflowed && p.moreFIFO()
}

// cpuText reads a line that the scheduler printed about a CPU.
func (p *parser) cpuText() bool { return p.qmapFields(&p.cpu.Scheduler) }

// taskText reads a line that the scheduler printed about a task.
func (p *parser) taskText() bool {
	b := trimBlanks(p.cur)
	if len(b) == 0 {
		return false
	}
	switch b[0] {
	case 'T':
		return p.mitosisTask()
	case 'Q':
		return p.qmapFields(&p.task.Scheduler)
	case '\\', '+':
		return p.lavdTask()
	}
	return false
}

// build reads "kernel: 7.3.4 +deb13" and "cc: gcc", which the schedulers of the
// scx repository print first.
func (p *parser) build() bool {
	key, val, ok := bytes.Cut(p.cur, []byte(":"))
	if !ok || string(key) != "kernel" && string(key) != "cc" || len(p.s.Cells) > 0 || len(val) == 0 {
		return false
	}
	at := len(key) + 1 + leadingBlanks(val)
	val = p.cur[at:]
	if string(key) == "kernel" {
		version, local, _ := strings.Cut(string(val), " ")
		if _, ok := dump.ParseVersion(version); !ok {
			return false
		}
		if !p.ln.cut {
			p.s.Kernel.Release = version + local
		}
	}
	if p.ln.cut {
		p.distrust(string(key), val, at)
		return true
	}
	p.s.Build = append(p.s.Build, dump.KV{Key: string(key), Value: p.str(at, len(val)), At: p.span(at, len(val))})
	return true
}

// indexed reads "WORD[12]" at the start of b and returns the number and what
// follows.
func indexed(b []byte, word string) (n uint64, rest []byte, ok bool) {
	if !hasPrefix(b, word) || len(b) == len(word) || b[len(word)] != '[' {
		return 0, nil, false
	}
	digits, rest, ok := bytes.Cut(b[len(word)+1:], []byte("]"))
	if !ok {
		return 0, nil, false
	}
	n, ok = parseUint(digits)
	return n, rest, ok
}

// cellOf finds the cell with the given id, or adds it.
func (p *parser) cellOf(id int32) *dump.Cell {
	for i := len(p.s.Cells) - 1; i >= 0; i-- {
		if p.s.Cells[i].ID == id {
			return &p.s.Cells[i]
		}
	}
	p.s.Cells = append(p.s.Cells, dump.Cell{ID: id, At: p.lineSpan()})
	return &p.s.Cells[len(p.s.Cells)-1]
}

// mitosisCell reads the lines "CELL[0] …" of scx_mitosis.
func (p *parser) mitosisCell() bool {
	id, rest, ok := indexed(p.cur, "CELL")
	if !ok || id > 1<<20 {
		return false
	}
	p.inferred = "mitosis"
	c := p.cellOf(int32(id))
	c.At = c.At.To(p.lineSpan())
	at := len(p.cur) - len(rest)
	rest = bytes.TrimLeft(rest, " ")
	if llc, more, ok := indexed(rest, "LLC"); ok && llc < 1<<16 {
		c.LLCs = append(c.LLCs, dump.CellLLC{LLC: int32(llc), At: p.lineSpan()})
		l := &c.LLCs[len(c.LLCs)-1]
		p.mitosisLLC(c, l, len(p.cur)-len(more))
		return true
	}
	for t := (tokens{p.cur, at}); ; {
		key, val, at, ok := t.next()
		if !ok {
			return true
		}
		switch string(key) {
		case "CPUS":
			setMask(p, &c.CPUs, "CPUS", val, at)
		case "vtime":
			setUint(p, &c.VTime, "vtime", val, at)
		case "nr_queued":
			setInt(p, &c.Queued, "nr_queued", val, at)
		case "llcs_to_drain":
			setHex(p, &c.DrainLLCs, "llcs_to_drain", val, at)
		case "llcs_with_cpus":
			setHex(p, &c.CPULLCs, "llcs_with_cpus", val, at)
		default:
			p.keep(&c.Unknown, key, val, at)
		}
	}
}

func (p *parser) mitosisLLC(c *dump.Cell, l *dump.CellLLC, from int) {
	for t := (tokens{p.cur, from}); ; {
		key, val, at, ok := t.next()
		if !ok {
			return
		}
		switch string(key) {
		case "vtime":
			setUint(p, &l.VTime, "vtime", val, at)
		case "nr_queued":
			setInt(p, &l.Queued, "nr_queued", val, at)
		case "drain":
			setBool(p, &l.Drain, "drain", val, at)
		case "has_cpus":
			setBool(p, &l.HasCPUs, "has_cpus", val, at)
		case "tracked_nr_queued":
			setUint(p, &l.TrackedQueued, "tracked_nr_queued", val, at)
		default:
			p.keep(&c.Unknown, key, val, at)
		}
	}
}

// mitosisCPU reads "CPU[3] cell=0 vtime=1 nr_queued=2". The CPU may have no
// header of its own.
func (p *parser) mitosisCPU() bool {
	id, rest, ok := indexed(p.cur, "CPU")
	if !ok || id >= dump.MaxCPUs {
		return false
	}
	p.inferred = "mitosis"
	p.unlisted = append(p.unlisted, dump.CPU{ID: int32(id), At: p.lineSpan()})
	c := &p.unlisted[len(p.unlisted)-1]
	for t := (tokens{p.cur, len(p.cur) - len(rest)}); ; {
		key, val, at, ok := t.next()
		if !ok {
			return true
		}
		switch string(key) {
		case "cell":
			setInt(p, &c.Cell, "cell", val, at)
		case "llc":
			setInt(p, &c.LLC, "llc", val, at)
		case "vtime":
			setUint(p, &c.VTime, "vtime", val, at)
		case "nr_queued":
			setInt(p, &c.Queued, "nr_queued", val, at)
		default:
			p.keep(&c.Scheduler, key, val, at)
		}
	}
}

// mergeCPUs joins what the scheduler said of the CPUs with the kernel's
// headers.
func (p *parser) mergeCPUs() {
	for _, u := range p.unlisted {
		c := p.s.CPU(u.ID)
		if c == nil {
			p.s.CPUs = append(p.s.CPUs, u)
			continue
		}
		c.Cell, c.LLC, c.VTime, c.Queued = u.Cell, u.LLC, u.VTime, u.Queued
		c.Scheduler = append(c.Scheduler, u.Scheduler...)
	}
}

// mitosisEvent reads "DEBUG EVENTS (last 3):" and the lines below it.
func (p *parser) mitosisEvent() bool {
	if hasPrefix(p.cur, "DEBUG EVENTS (last ") {
		p.history, p.inferred = true, "mitosis"
		return true
	}
	seq, rest, ok := bytes.Cut(p.cur[1:], []byte("] "))
	n, okSeq := parseUint(bytes.TrimLeft(seq, " "))
	if !p.history || !ok || !okSeq || n > 1<<30 {
		return false
	}
	kind := rest
	if i := bytes.IndexByte(rest, ' '); i >= 0 {
		kind = rest[:i]
	}
	from := len(p.cur) - len(rest)
	if !p.trusted(from, len(kind)) {
		p.distrust("event", kind, from)
		return true
	}
	e := dump.Event{Seq: int32(n), Kind: p.str(from, len(kind)), At: p.lineSpan()}
	for t := (tokens{p.cur, from + len(kind)}); ; {
		key, val, at, ok := t.next()
		if !ok {
			break
		}
		switch string(key) {
		case "cgid":
			setUint(p, &e.CgroupID, "cgid", val, at)
		case "pid":
			setInt(p, &e.PID, "pid", val, at)
		case "ts":
			setUint(p, &e.Time, "ts", val, at)
		default:
			p.keep(&e.Unknown, key, val, at)
		}
	}
	p.s.Events = append(p.s.Events, e)
	return true
}

// mitosisTask reads the two lines "Task[12] …" of scx_mitosis.
func (p *parser) mitosisTask() bool {
	at := leadingBlanks(p.cur)
	_, rest, ok := indexed(p.cur[at:], "Task")
	if !ok {
		return false
	}
	p.inferred = "mitosis"
	t := p.task
	for tok := (tokens{p.cur, len(p.cur) - len(rest)}); ; {
		key, val, at, ok := tok.next()
		if !ok {
			return true
		}
		switch string(key) {
		case "vtime":
			setUint(p, &t.VTime, "vtime", val, at)
		case "basis_vtime":
			setUint(p, &t.BasisVTime, "basis_vtime", val, at)
		case "cell":
			setInt(p, &t.Cell, "cell", val, at)
		case "llc":
			setInt(p, &t.LLC, "llc", val, at)
		case "dsq":
			p.dsqID(&t.AssignedDSQ, "dsq", val, at)
		case "all_cell_cpus_allowed":
			setBool(p, &t.AllCellCPUsAllowed, "all_cell_cpus_allowed", val, at)
		case "CPUS":
			setMask(p, &t.SchedulerCPUs, "CPUS", val, at)
		default:
			p.keep(&t.Scheduler, key, val, at)
		}
	}
}

// decodeMitosis says which cell or CPU the DSQs of scx_mitosis belong to. Up to
// v1.0.18 a CPU's queue is 1<<31|cpu and a cell's is the cell's number; since
// then the id has a type in bits 28 to 31.
func decodeMitosis(s *dump.Snapshot) {
	typed := false
	each := func(f func(*dump.DSQRef, bool)) {
		for i := range s.Tasks {
			t := &s.Tasks[i]
			if t.DSQ.Known && t.DSQ.V.Kind == dump.DSQKindUser {
				f(&t.DSQ.V, true)
			}
			if t.AssignedDSQ.Known && t.AssignedDSQ.V.Kind == dump.DSQKindUser {
				f(&t.AssignedDSQ.V, false)
			}
		}
	}
	each(func(d *dump.DSQRef, _ bool) {
		if n := d.ID >> 28; n == 1 || n == 2 {
			typed = true
		}
	})
	each(func(d *dump.DSQRef, queued bool) {
		switch n := d.ID >> 28; {
		case typed && n == 1:
			d.Kind, d.CPU = dump.DSQKindCPU, int32(d.ID&(1<<28-1))
		case typed && n == 2:
			d.Kind = dump.DSQKindCell
			d.Cell, d.LLC = int32(d.ID>>16&0xfff), int32(d.ID&0xffff)
		case typed:
			if d.ID == 0 && !queued {
				*d = dump.DSQRef{Kind: dump.DSQKindNone}
			}
		case n == 8 && d.ID>>32 == 0:
			d.Kind, d.CPU = dump.DSQKindCPU, int32(d.ID&(1<<31-1))
		case d.ID < 1<<12 && (queued || d.ID > 0 || len(s.Cells) > 0 && !hasLLC(s)):
			d.Kind, d.Cell = dump.DSQKindCell, int32(d.ID)
		}
	})
}

// hasLLC reports whether tasks have an LLC, which only versions with typed DSQ
// ids print.
func hasLLC(s *dump.Snapshot) bool {
	for i := range s.Tasks {
		if s.Tasks[i].LLC.Known {
			return true
		}
	}
	return false
}

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
		for k := range p.s.DSQs {
			if strings.HasPrefix(p.s.DSQs[k].Name, name) {
				p.s.DSQs[k].CPUs = mask
			}
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
