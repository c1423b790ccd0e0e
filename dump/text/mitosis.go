// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"

	"scxdiag/dump"
)

// mitosis is the scheduler whose text is read here. Others with cells print the
// same, but not what a scheduler of the scx repository says of its build.
const mitosis = "mitosis"

// cellOf finds the cell with the given id, or adds it.
func (p *parser) cellOf(id int32) *dump.Cell {
	i, ok := p.cells[id]
	if !ok {
		if p.cells == nil {
			p.cells = make(map[int32]int)
		}
		i = len(p.s.Cells)
		p.cells[id] = i
		p.s.Cells = append(p.s.Cells, dump.Cell{ID: id, At: p.lineSpan()})
	}
	return &p.s.Cells[i]
}

// mitosisCell reads the lines "CELL[0] …" of scx_mitosis.
func (p *parser) mitosisCell() bool {
	id, rest, ok := indexed(p.cur, "CELL")
	if !ok || id > 1<<20 {
		return false
	}
	p.inferred = mitosis
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

// toldCPU is what the scheduler's text said of a CPU.
type toldCPU struct {
	id     int32
	cell   dump.Value[int32]
	llc    dump.Value[int32]
	vtime  dump.Value[uint64]
	queued dump.Value[int64]
	fields []dump.KV
	at     dump.Span
}

// mitosisCPU reads "CPU[3] cell=0 vtime=1 nr_queued=2". The CPU may have no
// header of its own.
func (p *parser) mitosisCPU() bool {
	id, rest, ok := indexed(p.cur, "CPU")
	if !ok || id >= dump.MaxCPUs {
		return false
	}
	p.inferred = mitosis
	p.toldCPUs = append(p.toldCPUs, toldCPU{id: int32(id), at: p.lineSpan()})
	c := &p.toldCPUs[len(p.toldCPUs)-1]
	for t := (tokens{p.cur, len(p.cur) - len(rest)}); ; {
		key, val, at, ok := t.next()
		if !ok {
			return true
		}
		switch string(key) {
		case "cell":
			setInt(p, &c.cell, "cell", val, at)
		case "llc":
			setInt(p, &c.llc, "llc", val, at)
		case "vtime":
			setUint(p, &c.vtime, "vtime", val, at)
		case "nr_queued":
			setInt(p, &c.queued, "nr_queued", val, at)
		default:
			p.keep(&c.fields, key, val, at)
		}
	}
}

// mergeCPUs joins what the scheduler said of the CPUs with the kernel's
// headers.
func (p *parser) mergeCPUs() {
	if len(p.toldCPUs) == 0 {
		return
	}
	at := make(map[int32]int, len(p.s.CPUs)+len(p.toldCPUs))
	for i := len(p.s.CPUs) - 1; i >= 0; i-- { // the first one with a number counts
		at[p.s.CPUs[i].ID] = i
	}
	for i := range p.toldCPUs {
		u := &p.toldCPUs[i]
		n, ok := at[u.id]
		if !ok {
			n = len(p.s.CPUs)
			at[u.id] = n
			p.s.CPUs = append(p.s.CPUs, dump.CPU{ID: u.id, At: u.at})
		}
		c := &p.s.CPUs[n]
		c.Cell, c.LLC, c.VTime, c.Queued = u.cell, u.llc, u.vtime, u.queued
		c.Scheduler = append(c.Scheduler, u.fields...)
	}
}

// mitosisEvent reads "DEBUG EVENTS (last 3):" and the lines below it.
func (p *parser) mitosisEvent() bool {
	if hasPrefix(p.cur, "DEBUG EVENTS (last ") || hasPrefix(p.cur, "EBUG EVENTS (last ") { // the first character may be lost
		p.history, p.inferred = true, mitosis
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
	e := dump.Event{Seq: int64(n), Kind: p.str(from, len(kind)), At: p.lineSpan()}
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
	p.inferred = mitosis
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
		case typed:
			if r, ok := dump.TypedDSQ(d.ID); ok {
				*d = r
			} else if d.ID == 0 && !queued {
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
