// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"
	"time"

	"scxdiag/dump"
)

// taskHeader reads "*R comm[12] *root -4ms".
func (p *parser) taskHeader() outcome {
	p.leaveTask()
	i := leadingBlanks(p.cur)
	current := p.cur[i] == '*'
	if current {
		i++
	}
	state := p.cur[i]
	stateAt := i
	i += 2 // the letter and one blank
	if name, owner, ms, ok := usualTaskEnd(p.cur[i:]); ok {
		if ref, ok := p.taskRef(i, i+name); ok && len(ref.Comm) <= 64 {
			t := p.newTask(ref, current)
			t.State = dump.OfAt(state, p.span(stateAt, 1))
			at := i + name + 1
			if owner > 0 {
				p.owner(t, at, at+owner)
				at += owner + 1
			} else {
				p.shapes |= sawNoOwner
			}
			t.RunnableAt = dump.OfAt(time.Duration(ms)*time.Millisecond, p.span(at, len(p.cur)-at))
			return parsed
		}
	}
	end := len(p.cur)
	// from the right: unknown tokens, the time, the owner, the pid
	space := bytes.LastIndexByte(p.cur[:end], ' ')
	for space > i && bytes.IndexByte(p.cur[space:end], '=') >= 0 {
		end = space
		space = bytes.LastIndexByte(p.cur[:end], ' ')
	}
	if space < i {
		return notUnderstood
	}
	delta := p.cur[space+1 : end]
	ms, ok := parseInt(bytes.TrimSuffix(delta, []byte("ms")))
	if !ok || ms > 1<<43 || ms < -1<<43 {
		return notUnderstood
	}
	name := space
	for name > i && isBlank(p.cur[name-1]) {
		name--
	}
	ownerAt, ownerEnd := ownerToken(p.cur[i:name])
	ownerAt, ownerEnd = ownerAt+i, ownerEnd+i
	if ownerAt > i {
		name = ownerAt - 1
	}
	ref, ok := p.taskRef(i, name)
	if !ok || len(ref.Comm) > 64 {
		return notUnderstood
	}
	t := p.newTask(ref, current)
	t.State = dump.OfAt(state, p.span(stateAt, 1))
	t.RunnableAt = dump.OfAt(time.Duration(ms)*time.Millisecond, p.span(space+1, len(delta)))
	if ownerAt > i {
		p.owner(t, ownerAt, ownerEnd)
	} else {
		p.shapes |= sawNoOwner
	}
	p.rest(&t.Unknown, end)
	return parsed
}

// newTask begins the block of a task with the present line.
func (p *parser) newTask(ref dump.TaskRef, current bool) *dump.Task {
	p.in = inTask
	t := grow(&p.s.Tasks)
	t.TaskRef, t.Current = ref, current
	p.task = t
	t.At = p.lineSpan()
	if p.cpu != nil {
		t.CPU = dump.Of(p.cpu.ID)
	}
	return t
}

// owner reads "*root" or "sub1-28" from bytes from..to of the present line.
func (p *parser) owner(t *dump.Task, from, to int) {
	if t.OwnerDumped = p.cur[from] == '*'; t.OwnerDumped {
		from++
	}
	t.Owner = dump.OfAt(p.str(from, to-from), p.span(from, to-from))
	p.shapes |= sawOwner
}

// usualTaskEnd reads "…[12] -4ms" or "…[12] *root -4ms", all of b: where the name
// ends, how long the owner is, 0 if there is none, and how many milliseconds
// there are.
func usualTaskEnd(b []byte) (name, owner int, ms int64, ok bool) {
	i := len(b) - len("ms")
	if i < 0 || b[i] != 'm' || b[i+1] != 's' {
		return 0, 0, 0, false
	}
	digits, scale := i, int64(1)
	for i > 0 && isDigit(b[i-1]) && digits-i < 12 {
		i--
		ms += scale * int64(b[i]-'0')
		scale *= 10
	}
	if i == digits || i < 3 || b[i-2] != ' ' {
		return 0, 0, 0, false
	}
	switch b[i-1] {
	case '-':
		ms = -ms
	case '+':
	default:
		return 0, 0, 0, false
	}
	name = i - 2
	switch {
	case b[name-1] == ']':
		return name, 0, ms, true
	case hasSuffix(b[:name], "] *root"):
		owner = len("*root")
	case hasSuffix(b[:name], "] root"):
		owner = len("root")
	default:
		return 0, 0, 0, false
	}
	return name - owner - 1, owner, ms, true
}

// grow appends a zero element to a list that nobody shortens and returns it.
// There is room for all that were counted, so this copies nothing.
func grow[T any](list *[]T) *T {
	n := len(*list)
	if n == cap(*list) {
		var zero T
		*list = append(*list, zero)
	} else {
		*list = (*list)[:n+1]
	}
	return &(*list)[n]
}

// ownerToken finds " *root" or " sub1-28" at the end of b and returns its
// bounds, zeroes if it is not there.
func ownerToken(b []byte) (start, end int) {
	i := bytes.LastIndexByte(b, ' ')
	if i < 1 || b[i-1] != ']' {
		return 0, 0
	}
	w := bytes.TrimPrefix(b[i+1:], []byte("*"))
	if string(w) == "root" {
		return i + 1, len(b)
	}
	if !hasPrefix(w, "sub") {
		return 0, 0
	}
	level, cgroup, ok := bytes.Cut(w[3:], []byte("-"))
	if !ok || len(level) == 0 || len(cgroup) == 0 || !allDigits(level) || !allDigits(cgroup) {
		return 0, 0
	}
	return i + 1, len(b)
}

// detail reads one of the four lines below a task header.
func (p *parser) detail() outcome {
	p.details |= 1 << (p.ln.kind - kindState)
	p.flat = !isBlank(p.cur[0]) // a detail has something on its line
	t := p.task
	p.extend()
	if p.ln.kind == kindCPUs {
		p.shapes |= sawCPUs
	}
	if !p.ln.cut && !p.alien && p.usualDetail(t) {
		return parsed
	}
	for tok := (tokens{p.cur, 0}); ; {
		key, val, at, ok := tok.next()
		if !ok {
			return parsed
		}
		switch string(key) {
		case "scx_state/flags":
			if state, flags, n, ok := slash(val); ok {
				setUint(p, &t.SCXStateNr, "scx_state", state, at)
				setHex(p, &t.Flags, "flags", flags, at+n)
				if t.SCXStateNr.Known && (t.Current || p.enabled < 0) {
					p.enabled = int(t.SCXStateNr.V)
				}
			} else {
				p.distrust("scx_state/flags", val, at)
			}
		case "dsq_flags":
			setHex(p, &t.DSQFlags, "dsq_flags", val, at)
		case "ops_state/qseq":
			if state, seq, n, ok := slash(val); ok {
				setUint(p, &t.OpsState, "ops_state", state, at)
				setUint(p, &t.QSeq, "qseq", seq, at+n)
			} else {
				p.distrust("ops_state/qseq", val, at)
			}
		case "sticky/holding_cpu":
			if sticky, holding, n, ok := slash(val); ok {
				setInt(p, &t.StickyCPU, "sticky_cpu", sticky, at)
				setInt(p, &t.HoldingCPU, "holding_cpu", holding, at+n)
			} else {
				p.distrust("sticky/holding_cpu", val, at)
			}
		case "dsq_id":
			p.dsqID(&t.DSQ, "dsq_id", val, at)
		case "dsq_vtime":
			setUint(p, &t.DSQVTime, "dsq_vtime", val, at)
			if p.ln.kind == kindVTime {
				p.shapes |= sawVTimeLine
			} else if !p.ln.cut {
				p.shapes |= sawVTimeBehindDSQ
			}
		case "slice":
			setUint(p, &t.Slice, "slice", val, at)
			if p.ln.kind == kindSticky {
				p.shapes |= sawSliceBehindDSQ
			}
		case "weight":
			setUint(p, &t.Weight, "weight", val, at)
		case "cpus":
			setMask(p, &t.CPUs, "cpus", val, at)
		case "no_mig":
			setUint(p, &t.MigrationDisabled, "no_mig", val, at)
			p.shapes |= sawNoMig
		default:
			p.keep(&t.Unknown, key, val, at)
		}
	}
}

// usualDetail reads the lines that most dumps consist of, if they have the shape
// that all kernels so far give them. It changes nothing otherwise.
func (p *parser) usualDetail(t *dump.Task) bool {
	s := scanner{rest: p.cur}.lit("      ") // as a rule
	if s.bad {
		s = scanner{rest: trimBlanks(p.cur)}
	}
	switch p.ln.kind {
	case kindState:
		state, s := s.lit("scx_stat").lit("e/flags=").dec()
		flags, s := s.lit("/0x").hex()
		dsqFlags, s := s.lit(" dsq_fla").lit("gs=0x").hex()
		ops, s := s.lit(" ops_sta").lit("te/qseq=").dec()
		qseq, s := s.lit("/").dec()
		if !s.whole() || (state.n|flags.n|dsqFlags.n)>>32 != 0 || ops.n > 255 {
			return false
		}
		put(p, &t.SCXStateNr, state)
		put(p, &t.Flags, flags.with("0x"))
		put(p, &t.DSQFlags, dsqFlags.with("0x"))
		put(p, &t.OpsState, ops)
		put(p, &t.QSeq, qseq)
		if t.Current || p.enabled < 0 {
			p.enabled = int(t.SCXStateNr.V)
		}
	case kindVTime:
		vtime, s := s.lit("dsq_vtim").lit("e=").dec()
		slice, s := s.lit(" slice=").dec()
		weight, s := s.lit(" weight=").dec()
		if !s.whole() || weight.n>>32 != 0 {
			return false
		}
		put(p, &t.DSQVTime, vtime)
		put(p, &t.Slice, slice)
		put(p, &t.Weight, weight)
		p.shapes |= sawVTimeLine
	case kindSticky:
		s = s.lit("sticky/h").lit("olding_c").lit("pu=-1/-1").lit(" dsq_id=")
		id := token{from: len(s.rest)}
		none := string(s.rest) == "(n/a)"
		if !none {
			id, s = s.lit("0x").hex()
			id = id.with("0x")
			if !s.whole() {
				return false
			}
		}
		if s.bad {
			return false
		}
		t.DSQ = dump.OfAt(p.dsqRef(none, id.n), p.tokenSpan(id))
		cpus := len(p.cur) - id.from - len("-1/-1 dsq_id=")
		t.StickyCPU = dump.OfAt(int32(-1), p.plainSpan(cpus, cpus+2))
		t.HoldingCPU = dump.OfAt(int32(-1), p.plainSpan(cpus+3, cpus+5))
	case kindCPUs:
		mask, s := s.lit("cpus=").word()
		noMig, end := s.lit(" no_mig=").dec()
		hasNoMig := len(s.rest) > 0 // 6.18 and up
		if hasNoMig {
			s = end
		}
		if !s.whole() || noMig.n>>32 != 0 {
			return false
		}
		if !p.readMask(p.cur[len(p.cur)-mask.from : len(p.cur)-mask.to]) {
			return false
		}
		t.CPUs.V, t.CPUs.Known, t.CPUs.At = p.lastMask.mask, true, p.tokenSpan(mask)
		if hasNoMig {
			put(p, &t.MigrationDisabled, noMig)
			p.shapes |= sawNoMig
		}
	default:
		return false
	}
	return true
}

// slash splits "3/0x5"; n is the index of the second half.
func slash(val []byte) (a, b []byte, n int, ok bool) {
	i := bytes.IndexByte(val, '/')
	if i < 0 {
		return nil, nil, 0, false
	}
	return val[:i], val[i+1:], i + 1, true
}

// dsqID reads "(n/a)" or an id. What a user DSQ is can only be told once the
// whole dump has been seen.
func (p *parser) dsqID(dst *dump.Value[dump.DSQRef], field string, val []byte, at int) {
	if string(val) == "(n/a)" && p.trusted(at, len(val)) {
		*dst = dump.OfAt(p.dsqRef(true, 0), p.span(at, len(val)))
		return
	}
	id, ok := parseHex(bytes.TrimPrefix(val, []byte("0x")))
	setNum(p, dst, field, val, at, p.dsqRef(false, id), ok)
}

// dsqRef is what a DSQ's id means for a task of the present CPU.
func (p *parser) dsqRef(none bool, id uint64) dump.DSQRef {
	if none {
		return dump.DSQRef{Kind: dump.DSQKindNone}
	}
	cpu := int32(-1)
	if p.cpu != nil {
		cpu = p.cpu.ID
	}
	return dump.BuiltinDSQ(dump.DSQID(id), cpu)
}
