// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"

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

// maxComm is the most characters that a comm has. What is longer has the rest
// of a damaged prefix before it.
const maxComm = 15

// trigger reads "comm[pid] triggered exit kind 1026 on CPU 3:", and the reason
// below it.
func (p *parser) trigger() outcome {
	e := &dump.Exit{}
	p.s.Exit = e
	p.s.Trigger = dump.TriggerCrash
	i := bytes.LastIndex(p.cur, []byte(triggerWords))
	if ref, ok := p.taskRef(0, i+1); ok && (!p.ln.bare || p.alien) && utf8.RuneCountInString(ref.Comm) <= maxComm {
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
	first, last, backtrace := -1, -1, false
	for j := p.i + 1; j < len(p.lines) && j <= p.i+32; j++ {
		l := &p.lines[j]
		if l.out == foreign && !l.bare {
			continue
		}
		if l.kind == kindBacktrace || l.kind == kindElision || l.kind.isDump() && l.kind != kindTrigger ||
			l.kind == kindBlank && (first >= 0 && p.endsMessage(last) || l.out == foreign) {
			backtrace = l.kind == kindBacktrace
			break
		}
		if first < 0 && (l.kind == kindBlank || l.bare) { // only the message has newlines
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
	from, end := p.i, last
	first = p.skipToReason(e, first, last)
	if p.load(first); !bytes.Contains(p.cur, messageWords) { // without a message, it is one line
		if backtrace {
			p.misfits(first+1, last)
		} else {
			end = first
		}
		last = first
	}
	p.loadJoined(first, last)
	for j := first; j <= last; j++ {
		if p.lines[j].out == notUnderstood || p.lines[j].bare {
			p.lines[j].out = parsed
		}
	}
	readReason(p, e)
	p.i = max(from, end)
}

// endsMessage reports whether line i ends the message of the exit: with the
// parenthesis that the kernel puts around it.
func (p *parser) endsMessage(i int) bool {
	l := &p.lines[i]
	return l.end > l.start && p.buf[l.end-1] == ')'
}

// messageWords stand between the reason and the message.
var messageWords = []byte(" (")

// skipToReason returns the index of the line, of first..last, that begins with
// what the kernel says for the kind of the exit. Lines before it are of others.
func (p *parser) skipToReason(e *dump.Exit, first, last int) int {
	words := e.Kind.V.Reason()
	for j := first; j <= last && words != ""; j++ {
		l := &p.lines[j]
		if l.bare || !hasPrefix(trimBlanks(p.buf[l.start:l.end]), words) {
			continue
		}
		p.misfits(first, j-1)
		return j
	}
	return first
}

// readReason reads "reason (message)" from the present line.
func readReason(p *parser, e *dump.Exit) {
	at := leadingBlanks(p.cur)
	first, _, _ := bytes.Cut(p.cur[at:], newline)
	words := e.Kind.V.Reason()
	if i := bytes.Index(first, []byte(words)); i > 0 && !bytes.Contains(first[:i], messageWords) {
		at, first = at+i, first[i:] // what is left of a damaged prefix stands before it
	}
	b := p.cur[at:]
	open := bytes.Index(first, messageWords)
	reason := first
	if open >= 0 {
		reason = first[:open]
	}
	n := len(bytes.TrimRight(reason, " \t"))
	switch {
	case words != "" && string(reason[:n]) != words: // what the kernel says for the kind is certain
		p.distrust("reason", reason[:n], at)
	case words == "" && at == 0 && p.g.stamped(): // it is indented, so this is of the prefix
		p.distrust("reason", reason[:n], at)
	case open >= 0 || p.trusted(at, n):
		e.Reason = dump.OfAt(p.str(at, n), p.span(at, n))
	}
	if open < 0 {
		return
	}
	msg := b[open+2:]
	if closing := len(msg) - 1; closing >= 0 && msg[closing] == ')' && !p.ln.cut {
		e.Message = dump.OfAt(p.str(at+open+2, closing), p.span(at+open+2, closing))
		return
	}
	p.distrust("message", msg, at+open+2)
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
	b := p.cur
	for i := from; i < len(b); {
		if isBlank(b[i]) {
			i++
			continue
		}
		start := i                     // as tokens does it
		for i < len(b) && b[i] > '=' { // most keys have only letters and '_'
			i++
		}
		for i < len(b) && b[i] != '=' && !isBlank(b[i]) {
			i++
		}
		eq := i
		for i < len(b) && b[i] != ' ' && b[i] != '\t' {
			i++
		}
		switch {
		case eq == i:
			p.keep(to, nil, b[start:i], start)
		case p.alien || p.ln.cut:
			p.keep(to, b[start:eq], b[eq+1:i], eq+1)
		default: // keep, for what needs no closer look
			text := p.raw[p.base:]
			p.addKV(to, dump.KV{Key: text[start:eq], Value: text[eq+1 : i], At: p.plainSpan(eq+1, i)})
		}
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

// counter reads "SCX_EV_SELECT_CPU_FALLBACK:   12".
func (p *parser) counter() outcome {
	at := leadingBlanks(p.cur)
	name, val, ok := bytes.Cut(p.cur[at:], []byte(":"))
	if !ok || !p.elided && (p.in == inHead || p.in == inGlobal && !p.s.Source.Reversed) {
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
