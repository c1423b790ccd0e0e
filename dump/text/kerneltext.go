// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"
	"strings"
	"time"

	"scxdiag/dump"
)

// schedID reads "name: root" or "name: sub1-28 /path".
func (p *parser) schedID() outcome {
	at := leadingBlanks(p.cur)
	i := bytes.Index(p.cur, []byte(": "))
	p.s.Scheduler = p.str(at, i-at)
	p.shapes |= sawOwner
	rest := p.cur[i+2:]
	if !hasPrefix(rest, "sub") {
		return parsed
	}
	level, rest, _ := bytes.Cut(rest[3:], []byte("-"))
	cgroup, path, _ := bytes.Cut(rest, []byte(" "))
	l, ok1 := parseUint(level)
	cg, ok2 := parseUint(cgroup)
	if !ok1 || !ok2 || l > 1<<16 {
		return notUnderstood
	}
	p.s.Sub = &dump.SubScheduler{Level: int(l), CgroupID: cg, Path: string(path)}
	return parsed
}

// trigger reads "comm[pid] triggered exit kind 1026 on CPU 3:", and the reason
// below it.
func (p *parser) trigger() outcome {
	e := &dump.Exit{}
	p.s.Exit = e
	p.s.Trigger = dump.TriggerCrash
	i := bytes.LastIndex(p.cur, []byte(triggerWords))
	if ref, ok := p.taskRef(0, i+1); ok && (!p.ln.bare || p.alien) {
		e.Task = dump.OfAt(ref, p.span(0, i+1))
	} else {
		p.distrust("task", p.cur[:i+1], 0)
	}
	at := i + len(triggerWords)
	rest := bytes.TrimSuffix(p.cur[at:], []byte(":"))
	kind, cpu, hasCPU := bytes.Cut(rest, []byte(" on CPU "))
	setInt(p, &e.Kind, "kind", kind, at)
	if hasCPU {
		setInt(p, &e.CPU, "cpu", cpu, at+len(kind)+len(" on CPU "))
		p.shapes |= sawOnCPU
	}
	if e.Kind.Known && !e.Kind.V.IsFailure() {
		p.s.Trigger = dump.TriggerExit
	}
	p.ln.out = parsed
	p.reason(e)
	return parsed
}

// reason reads "  runnable task stall (message)", which may go over several
// lines, down to "Backtrace:" or a blank line.
func (p *parser) reason(e *dump.Exit) {
	first, last := -1, -1
	for j := p.i + 1; j < len(p.lines) && j <= p.i+32; j++ {
		l := &p.lines[j]
		if l.out == foreign && !l.bare {
			continue
		}
		if l.kind == kindBacktrace || l.kind == kindElision || l.kind.isDump() && l.kind != kindTrigger ||
			l.kind == kindBlank && (first >= 0 && p.endsMessage(last) || l.out == foreign) {
			break
		}
		if l.kind == kindBlank && first < 0 {
			continue
		}
		if first < 0 {
			first = j
		}
		last = j
	}
	if first < 0 {
		p.in = inHead
		return
	}
	for last > first && p.lines[last].kind == kindBlank {
		last--
	}
	from := p.i
	p.loadJoined(first, last)
	for j := first; j <= last; j++ {
		if p.lines[j].out == notUnderstood || p.lines[j].bare {
			p.lines[j].out = parsed
		}
	}
	readReason(p, e)
	p.i = max(from, last)
}

// endsMessage reports whether line i ends the message of the exit: with the
// parenthesis that the kernel puts around it.
func (p *parser) endsMessage(i int) bool {
	l := &p.lines[i]
	return l.end > l.start && p.buf[l.end-1] == ')'
}

// readReason reads "reason (message)" from the present line.
func readReason(p *parser, e *dump.Exit) {
	at := leadingBlanks(p.cur)
	b := p.cur[at:]
	open := bytes.Index(b, []byte(" ("))
	if open < 0 {
		if p.trusted(at, len(b)) {
			e.Reason = dump.OfAt(p.str(at, len(b)), p.span(at, len(b)))
		}
		return
	}
	e.Reason = dump.OfAt(p.str(at, open), p.span(at, open))
	msg := b[open+2:]
	if closing := len(msg) - 1; closing >= 0 && msg[closing] == ')' && !p.ln.cut {
		e.Message = dump.OfAt(p.str(at+open+2, closing), p.span(at+open+2, closing))
		return
	}
	p.distrust("message", msg, at+open+2)
}

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
	start, end := p.ln.off, p.ln.end
	for j := first + 1; j <= last; j++ {
		if p.lines[j].out == foreign && !p.lines[j].bare {
			continue
		}
		p.load(j)
		joined = append(append(joined, '\n'), p.untrimmed()...)
		start, end = min(start, p.ln.off), max(end, p.ln.end)
	}
	p.load(first)
	p.cur, p.alien = bytes.TrimRight(joined, " \t"), true
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

// cpuHeader reads "CPU 3   : nr_run=5 flags=0x1 …".
func (p *parser) cpuHeader() outcome {
	p.leaveTask()
	p.cpu = nil
	if p.in < inCPUs {
		p.s.Ledger.Note("the title of the CPU section is missing")
	}
	colon := bytes.IndexByte(p.cur, ':')
	start := colon
	for start > 0 && isBlank(p.cur[start-1]) {
		start--
	}
	end := start
	for start > 0 && isDigit(p.cur[start-1]) {
		start--
	}
	id, ok := parseUint(p.cur[start:end])
	if !ok || id >= dump.MaxCPUs || !p.trusted(start, end-start) {
		p.in = inGap
		return notUnderstood
	}
	p.in = inCPU
	c := grow(&p.s.CPUs)
	c.ID, c.Listed, c.At = int32(id), true, p.lineSpan()
	p.cpu = c
	sawQSeq := false
	for t := (tokens{p.cur, colon + 1}); ; {
		key, val, at, ok := t.next()
		if !ok {
			break
		}
		switch string(key) {
		case "nr_run":
			setUint(p, &c.NrRunning, "nr_run", val, at)
		case "flags":
			setHex(p, &c.Flags, "flags", val, at)
		case "cpu_rel":
			setBool(p, &c.CPURel, "cpu_rel", val, at)
		case "ops_qseq":
			setUint(p, &c.OpsQSeq, "ops_qseq", val, at)
			sawQSeq = true
		case "pnt_seq":
			setUint(p, &c.KSync, "pnt_seq", val, at)
			p.shapes |= sawPntSeq
		case "ksync":
			setUint(p, &c.KSync, "ksync", val, at)
			p.shapes |= sawKSync
			if !sawQSeq {
				p.shapes |= sawNoQSeq
			}
		default:
			p.keep(&c.Unknown, key, val, at)
		}
	}
	if sawQSeq {
		p.shapes |= sawOpsQSeq
	}
	return parsed
}

// rescue reads "rescue=0 budget=0us rescuing=none[-1]".
func (p *parser) rescue() outcome {
	c := p.cpu
	p.shapes |= sawRescue
	c.At = c.At.To(p.lineSpan())
	const word = " rescuing="
	end := len(p.cur)
	if i := bytes.Index(p.cur, []byte(word)); i >= 0 {
		end = i
		from := i + len(word)
		if !endsInPID(p.cur[:from+p.refEnd(p.cur[from:])]) {
			p.joinNext(endsInPID)
		}
		to := from + p.refEnd(p.cur[from:])
		if ref, ok := p.taskRef(from, to); ok {
			if ref.PID >= 0 {
				c.Rescuing = dump.OfAt(ref, p.span(from, to-from))
			}
			p.rest(&c.Unknown, to)
		} else {
			p.distrust("rescuing", p.cur[from:to], from)
		}
	}
	for t := (tokens{p.cur[:end], 0}); ; {
		key, val, at, ok := t.next()
		if !ok {
			return parsed
		}
		switch string(key) {
		case "rescue":
			setUint(p, &c.NrRescue, "rescue", val, at)
		case "budget":
			us, ok := parseInt(bytes.TrimSuffix(val, []byte("us")))
			ok = ok && hasSuffix(val, "us") && us < 1<<53 && us > -1<<53
			setNum(p, &c.RescueBudget, "budget", val, at, time.Duration(us)*time.Microsecond, ok)
		default:
			p.keep(&c.Unknown, key, val, at)
		}
	}
}

// endsInPID matches "…[12]".
func endsInPID(b []byte) bool {
	open := bytes.LastIndexByte(b, '[')
	return open >= 0 && len(b) > open+2 && b[len(b)-1] == ']' && allDigits(bytes.TrimPrefix(b[open+1:len(b)-1], []byte("-")))
}

// refEnd is the length of "comm[pid]" at the start of b: up to the last "[pid]"
// behind which nothing but further tokens stand.
func (p *parser) refEnd(b []byte) int {
	end := len(b)
	for end > 0 && b[end-1] != ']' {
		i := bytes.LastIndexByte(b[:end], ' ')
		if i < 0 || bytes.IndexByte(b[i:end], '=') < 0 {
			return len(b)
		}
		end = i
	}
	return end
}

// rest keeps the tokens behind index from.
func (p *parser) rest(to *[]dump.KV, from int) {
	for t := (tokens{p.cur, from}); ; {
		key, val, at, ok := t.next()
		if !ok {
			return
		}
		p.keep(to, key, val, at)
	}
}

// curr reads "curr=comm[pid] class=ext_sched_class".
func (p *parser) curr() outcome {
	i := bytes.LastIndex(p.cur, classWord)
	if i < 0 && p.joinNext(func(b []byte) bool { return bytes.Contains(b, classWord) }) {
		i = bytes.LastIndex(p.cur, classWord)
	}
	from := leadingBlanks(p.cur) + len("curr=")
	c := p.cpu
	c.At = c.At.To(p.lineSpan())
	if p.ln.cut { // a comm may look like the class behind it
		p.distrust("curr", p.cur[from:], from)
		return truncated
	}
	if i < 0 {
		return notUnderstood
	}
	if ref, ok := p.taskRef(from, i+1); ok {
		c.Current = dump.OfAt(ref, p.span(from, i+1-from))
	} else {
		p.distrust("curr", p.cur[from:i+1], from)
	}
	t := tokens{p.cur, i + 1}
	_, val, at, _ := t.next()
	if p.trusted(at, len(val)) && len(val) > 0 {
		c.Class = dump.OfAt(className(p.str(at, len(val))), p.span(at, len(val)))
	} else {
		p.distrust("class", val, at)
	}
	p.rest(&c.Unknown, t.pos)
	return parsed
}

// classWord stands between the current task and its class.
var classWord = []byte("] class=")

// className is the class without the kernel's suffix; an address stays.
func className(symbol string) dump.Class {
	return dump.Class(strings.TrimSuffix(symbol, "_sched_class"))
}

// kick reads "  cpus_to_kick   : 2".
func (p *parser) kick() outcome {
	word, mask, ok := bytes.Cut(p.cur, []byte(":"))
	if !ok {
		return notUnderstood
	}
	at := len(word) + 1 + leadingBlanks(mask)
	val := p.cur[at:]
	c := p.cpu
	name := string(bytes.Trim(word, " \t"))
	var dst *dump.Value[dump.CPUMask]
	switch name {
	case "cpus_to_kick":
		dst = &c.CPUsToKick
	case "idle_to_kick":
		dst = &c.IdleToKick
	case "cpus_to_preempt":
		dst = &c.CPUsToPreempt
	case "cpus_to_wait":
		dst = &c.CPUsToWait
	case "cpus_to_sync":
		dst = &c.CPUsToSync
	default:
		return notUnderstood
	}
	if dst.Known || len(c.Text) > 0 {
		return notUnderstood
	}
	t := tokens{val, 0}
	if _, val, n, ok := t.next(); ok {
		setMask(p, dst, name, val, at+n)
		p.rest(&c.Unknown, at+t.pos)
	}
	if name == "cpus_to_sync" {
		p.shapes |= sawSync
	}
	c.At = c.At.To(p.lineSpan())
	return parsed
}

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
	p.in = inTask
	t := grow(&p.s.Tasks)
	t.TaskRef, t.Current = ref, current
	p.task = t
	t.At = p.lineSpan()
	t.State = dump.OfAt(state, p.span(stateAt, 1))
	t.RunnableAt = dump.OfAt(time.Duration(ms)*time.Millisecond, p.span(space+1, len(delta)))
	if p.cpu != nil {
		t.CPU = dump.Of(p.cpu.ID)
	}
	if ownerAt > i {
		star := p.cur[ownerAt] == '*'
		if star {
			ownerAt++
		}
		t.Owner = dump.OfAt(p.str(ownerAt, ownerEnd-ownerAt), p.span(ownerAt, ownerEnd-ownerAt))
		t.OwnerDumped = star
		p.shapes |= sawOwner
	} else {
		p.shapes |= sawNoOwner
	}
	p.rest(&t.Unknown, end)
	return parsed
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
	p.flat = leadingBlanks(p.cur) == 0
	t := p.task
	p.extend()
	if p.ln.kind == kindCPUs {
		p.shapes |= sawCPUs
	}
	if !p.ln.cut && p.usualDetail(t) {
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
	s := scanner{b: p.cur, pos: leadingBlanks(p.cur)}
	switch p.ln.kind {
	case kindState:
		s.lit("scx_state/flags=")
		state := s.dec()
		s.lit("/0x")
		flags := s.hex()
		s.lit(" dsq_flags=0x")
		dsqFlags := s.hex()
		s.lit(" ops_state/qseq=")
		ops := s.dec()
		s.lit("/")
		qseq := s.dec()
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
		s.lit("dsq_vtime=")
		vtime := s.dec()
		s.lit(" slice=")
		slice := s.dec()
		s.lit(" weight=")
		weight := s.dec()
		if !s.whole() || weight.n>>32 != 0 {
			return false
		}
		put(p, &t.DSQVTime, vtime)
		put(p, &t.Slice, slice)
		put(p, &t.Weight, weight)
		p.shapes |= sawVTimeLine
	case kindSticky:
		s.lit("sticky/holding_cpu=-1/-1 dsq_id=")
		at := s.pos
		if s.bad {
			return false
		}
		if string(p.cur[at:]) != "(n/a)" {
			s.lit("0x")
			if s.hex(); !s.whole() {
				return false
			}
		}
		p.dsqID(&t.DSQ, "dsq_id", p.cur[at:], at)
		first := at - len("-1/-1 dsq_id=")
		t.StickyCPU = dump.OfAt(int32(-1), p.span(first, 2))
		t.HoldingCPU = dump.OfAt(int32(-1), p.span(first+3, 2))
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
		*dst = dump.OfAt(dump.DSQRef{Kind: dump.DSQKindNone}, p.span(at, len(val)))
		return
	}
	id, ok := parseHex(bytes.TrimPrefix(val, []byte("0x")))
	cpu := int32(-1)
	if p.cpu != nil {
		cpu = p.cpu.ID
	}
	setNum(p, dst, field, val, at, dump.BuiltinDSQ(dump.DSQID(id), cpu), ok)
}

// counter reads "SCX_EV_SELECT_CPU_FALLBACK:   12".
func (p *parser) counter() outcome {
	at := leadingBlanks(p.cur)
	name, val, ok := bytes.Cut(p.cur[at:], []byte(":"))
	if !ok || p.in == inHead || p.in == inGlobal && !p.s.Source.Reversed && !p.elided {
		return p.free()
	}
	p.leaveTask()
	p.in = inEvents
	vat := at + len(name) + 1 + leadingBlanks(val)
	n, ok := parseInt(p.cur[vat:])
	if !ok || !p.trusted(vat, len(p.cur)-vat) {
		p.distrust(string(name), p.cur[vat:], vat)
		if !p.ln.cut {
			return notUnderstood
		}
		return truncated
	}
	p.shapes |= counterShape(string(name))
	if p.s.Counters == nil {
		p.s.Counters = make([]dump.Counter, 0, max(p.g.count[kindEvent], 1))
	}
	p.s.Counters = append(p.s.Counters, dump.Counter{
		Name: p.str(at, len(name)), Value: n, At: p.span(vat, len(p.cur)-vat),
	})
	return parsed
}

// joined finds the line that completes a task header which the present line
// only begins, because its comm has a newline. It returns -1 if there is none.
func (p *parser) joined() int {
	if q := trimBlanks(p.cur); !startsTask(q) && !isTaskStart(q) {
		return -1
	}
	i := p.i
	defer p.load(i)
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
		if q := trimBlanks(p.buf[l.start:l.end]); blanks > 0 && p.hasBlanks && (startsTask(q) || isTaskStart(q)) {
			return -1 // the header of the next task, itself over several lines
		}
		if _, k := p.after(j); k != kindState && !l.bare {
			continue
		}
		// The kernel puts a blank line before a task. So without one, the comm
		// ends in what looks like a header of its own.
		if l.kind == kindTask && (blanks > 0 || !p.hasBlanks) {
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
