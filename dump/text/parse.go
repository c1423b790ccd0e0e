// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"
	"slices"
	"strconv"

	"scxdiag/dump"
)

// maxKept bounds the lines and values that a ledger keeps verbatim. All of them
// are counted.
const maxKept = 1000

// section is where in the dump the parser is.
type section uint8

const (
	inHead section = iota
	inBacktrace
	inGlobal // the scheduler's own text
	inCPUs   // behind "CPU states"
	inCPU
	inTask
	inEvents
	inGap // behind lines that somebody left out
)

// parser turns the lines of a region into a snapshot.
type parser struct {
	g     *region
	buf   []byte // of the region; raw is its copy
	raw   string
	s     *dump.Snapshot
	lines []line
	i     int // index of the present line

	// The present line.
	ln    *line
	cur   []byte    // payload without the indentation of a paste
	base  uint32    // of cur in raw
	alien bool      // cur is a cleaned copy: its offsets mean nothing in raw
	all   dump.Span // what cur was made of, if it is alien

	indent    int // columns by which everything is indented
	in        section
	cpu       *dump.CPU
	task      *dump.Task
	details   uint8 // detail lines of the task that were seen, bit by kind
	blanks    int   // blank lines directly before the present line
	shapes    shapes
	enabled   int // state number of a running task, -1
	text      arena[dump.Line]
	kvs       arena[dump.KV]
	history   bool // in mitosis' list of debug events
	elided    bool // somebody left lines out
	title     int  // index of the title of the CPU section, -1
	hasBlanks bool // the carrier kept the blank lines of the dump
	stack     bool // the stack of the task has begun
	flat      bool // leading blanks were lost on the way
	endsCut   bool // the source ends within the last line
	// overflowed is set behind a line of a FIFO that was full.
	overflowed bool
	// inferred is the scheduler whose text this looks like.
	inferred string
	toldCPUs []toldCPU
	cells    map[int32]int // index in s.Cells by id
	lastMask struct {      // the last one that was read
		text []byte // copy
		mask dump.CPUMask
	}
}

// parse reads the lines of g, whose offsets count from the start of buf.
func parse(g *region, buf []byte, src dump.Source, why ending) *dump.Snapshot {
	g.lines[0].glued = false // whatever it was glued to is not part of the dump
	first, last := g.lines[0].off, g.lines[len(g.lines)-1].end
	p := &parser{g: g, buf: buf[first:last], raw: string(buf[first:last]), lines: g.lines, enabled: -1}
	if first > 0 {
		for i := range p.lines {
			l := &p.lines[i]
			l.off, l.start, l.end = l.off-first, l.start-first, l.end-first
		}
	}
	src.Offset += int64(first)
	src.Line += bytes.Count(buf[:first], newline)
	src.Reversed = g.reversed()
	p.s = &dump.Snapshot{
		Source: src,
		Raw:    p.raw,
		Host:   g.host,
		Time:   g.time,
		CPUs:   make([]dump.CPU, 0, g.count[kindCPU]),
		Tasks:  make([]dump.Task, 0, g.count[kindTask]),
	}
	p.text.block = make([]dump.Line, 0, g.count[kindSymbol]+g.count[kindOther])
	if src.Reversed {
		slices.Reverse(p.lines)
	}
	p.prepare(why, last == uint32(len(buf))) //nolint:gosec // below maxRegion
	p.run()
	p.finish(why)
	return p.s
}

// load makes line i the present one.
func (p *parser) load(i int) {
	l := &p.lines[i]
	p.i, p.ln, p.base = i, l, l.start
	if p.alien = l.alt > 0; p.alien {
		p.cur, p.all = p.g.alts[l.alt-1], l.span()
	} else {
		p.cur = p.buf[l.start:l.end]
	}
	if p.indent > 0 && !l.bare {
		n := min(p.indent, leadingBlanks(p.cur))
		p.cur = p.cur[n:]
		p.base += uint32(n) //nolint:gosec // below maxRegion
	}
}

// after returns the index of the next line of the dump behind i that is not
// blank, and its kind; -1 and kindBlank at the end.
func (p *parser) after(i int) (int, kind) {
	for i++; i < len(p.lines); i++ {
		if l := &p.lines[i]; l.out != foreign && l.kind != kindBlank {
			return i, l.kind
		}
	}
	return -1, kindBlank
}

func (p *parser) run() {
	for i := 0; i < len(p.lines); i++ {
		l := &p.lines[i]
		switch {
		case l.kind == kindBlank && l.out != foreign && !p.startsTrigger():
			p.blanks++
			continue
		case l.out == foreign:
			continue
		}
		p.load(i)
		out := p.line()
		if p.ln.cut && out != blank {
			out = truncated
		}
		if l.out == notUnderstood {
			l.out = out
		}
		if out == notUnderstood {
			p.misfit()
		}
		p.blanks = 0
		i = max(i, p.i)
	}
}

// startsTrigger reports whether a blank line is the start of a comm with a
// newline, in the trigger: the kernel puts none between the scheduler's name and
// the trigger.
func (p *parser) startsTrigger() bool {
	return p.in == inHead && p.s.Scheduler != "" && p.s.Exit == nil && p.g.count[kindTrigger] > 0
}

// line reads the present line.
func (p *parser) line() outcome {
	switch p.ln.kind {
	case kindBlank:
		if p.joinNext(isTrigger) {
			return p.trigger()
		}
		return blank
	case kindSchedID:
		if p.in == inHead && p.s.Scheduler == "" {
			return p.schedID()
		}
	case kindTrigger:
		if p.in == inHead && p.s.Exit == nil {
			return p.trigger()
		}
	case kindSysRq:
		if p.in == inHead && p.s.Trigger == "" {
			p.s.Trigger = dump.TriggerSysRq
			p.in = inGlobal
			return parsed
		}
	case kindBacktrace:
		if p.in == inHead || p.in == inGlobal && p.headless() && p.s.Exit == nil {
			p.in = inBacktrace
			return parsed
		}
	case kindSymbol:
		return p.symbol()
	case kindCPUStates:
		if leadingBlanks(p.cur) <= 1 && p.isCPUSection() {
			p.in = inCPUs
			return parsed
		}
	case kindUnderline:
		if p.in == inCPUs || p.in == inEvents || p.elided || p.underDamage() {
			return blank
		}
	case kindCPU:
		if p.isCPUHeader() {
			return p.cpuHeader()
		}
	case kindRescue:
		if p.in == inCPU && !p.cpu.NrRescue.Known {
			return p.rescue()
		}
		p.lostCPU()
	case kindCurr:
		if p.in == inCPU && !p.cpu.Current.Known {
			return p.curr()
		}
		p.lostCPU()
	case kindKick:
		if p.in == inCPU {
			if out := p.kick(); out != notUnderstood {
				return out
			}
		}
	case kindTask:
		if p.isTask() && !p.ln.cut { // what is cut may be the beginning of a comm
			return p.taskHeader()
		}
	case kindState, kindSticky, kindVTime, kindCPUs:
		switch {
		case p.in == inTask && p.isDetail():
			return p.detail()
		case p.in >= inCPU && leadingBlanks(p.cur) > p.textIndent():
			p.orphan() // of a task whose header is missing
		}
	case kindEvents:
		if j, k := p.after(p.i); p.mayEnd() && leadingBlanks(p.cur) <= 1 &&
			(k == kindUnderline && p.underlinesEvents(j) || k == kindEvent || p.in >= inCPUs && (k == kindBlank || k == kindTruncated) ||
				k == kindElision && !p.blankAfter(p.i) || j >= 0 && p.cutUnderline(j)) {
			p.leaveTask()
			p.in = inEvents
			p.shapes |= sawEvents
			return parsed
		}
	case kindEvent:
		return p.counter()
	case kindTruncated:
		p.s.Ledger.Truncated = true
		return parsed
	case kindElision:
		p.s.Ledger.Note("lines were left out, marked by an ellipsis")
		p.leaveTask()
		p.elided, p.overflowed = true, false
		if p.in >= inCPUs {
			p.in, p.cpu = inGap, nil
		}
		return parsed
	}
	return p.free()
}

// free reads a line that is not the kernel's, or that is damaged.
func (p *parser) free() outcome {
	if p.in >= inCPUs && p.in != inEvents {
		if n := p.joined(); n >= 0 {
			return p.joinedTask(n)
		}
	}
	if p.ln.cut && p.in >= inCPUs && (p.ln.kind == kindOther || p.ln.kind == kindTask) && startsTask(trimBlanks(p.cur)) {
		p.distrust("task", p.cur, 0)
		p.orphan()
		return truncated
	}
	if stack := p.in == inBacktrace || p.in == inTask && p.details != 0; p.ln.cut && stack &&
		bytes.IndexByte(bytes.Trim(p.cur, " \t"), ' ') < 0 {
		p.distrust("stack", p.cur, 0) // a frame, as far as can be seen
		p.stack = p.stack || p.blanks > 0
		return truncated
	}
	if len(p.cur) >= maxSchedLine+p.textIndent() {
		p.ln.cut = true
	}
	switch p.in {
	case inHead, inBacktrace, inGlobal:
		indent := 6
		if p.elided { // less is needed to believe that the header was left out
			indent = 2
		}
		if k := p.ln.kind; k >= kindRescue && k <= kindCPUs && k != kindTask && leadingBlanks(p.cur) >= indent {
			p.in = inGap // of a CPU whose header is missing
			return notUnderstood
		}
		if p.in == inHead && p.s.Exit == nil && p.g.count[kindTrigger] > 0 &&
			p.joinNext(isTrigger) {
			return p.trigger()
		}
		if p.headless() && p.s.Exit == nil && p.isReason() {
			p.s.Exit, p.in = &dump.Exit{}, inHead // whatever stood before it
			readReason(p, p.s.Exit)
			return parsed
		}
		if p.in == inHead && p.s.Trigger == "" && p.g.count[kindTrigger]+p.g.count[kindSysRq] > 0 {
			return notUnderstood
		}
		p.in = inGlobal
		if p.globalText() {
			return parsed
		}
		p.addLine(&p.s.Text, p.whole(0))
		return verbatim
	case inCPU:
		out := verbatim
		if p.cpuText() {
			out = parsed
		}
		p.addLine(&p.cpu.Text, p.whole(2))
		p.cpu.At = p.cpu.At.To(p.lineSpan())
		return out
	case inTask:
		if p.details == 0 || leadingBlanks(p.cur) == 0 && !p.flat && !p.alien {
			return notUnderstood
		}
		out := verbatim
		if p.taskText() {
			out = parsed
		}
		p.addLine(&p.task.Text, p.whole(4))
		p.extend()
		return out
	}
	return notUnderstood
}

// headless reports whether the trigger is missing.
func (p *parser) headless() bool { return p.g.count[kindTrigger]+p.g.count[kindSysRq] == 0 }

// isReason reports whether the present line is the reason below a trigger: the
// backtrace follows.
func (p *parser) isReason() bool {
	_, k := p.after(p.i)
	return k == kindBacktrace && bytes.Contains(p.cur, []byte(" ("))
}

// textIndent is how far the kernel indents what the scheduler says here.
func (p *parser) textIndent() int {
	switch p.in {
	case inCPU:
		return 2
	case inTask:
		return 4
	}
	return 0
}

// symbol reads a line of a stack or of the backtrace.
func (p *parser) symbol() outcome {
	at := leadingBlanks(p.cur)
	frame := dump.Line{Text: p.str(at, len(p.cur)-at), At: p.span(at, len(p.cur)-at)}
	if p.in == inHead && p.elided && p.s.Exit != nil {
		p.in = inBacktrace
	}
	switch p.in {
	case inBacktrace:
		if p.s.Exit == nil {
			p.s.Exit = new(dump.Exit)
		}
		p.cutFrame(frame, &p.s.Exit.Backtrace)
		return parsed
	case inTask:
		// a paragraph of the scheduler's may hold anything
		if p.details != 0 && (len(p.task.Text) == 0 || p.stack || p.blanks > 0 || !p.hasBlanks) {
			p.stack = true
			p.cutFrame(frame, &p.task.Stack)
			p.extend()
			return parsed
		}
	}
	return p.free()
}

// cutFrame appends a frame unless its end is missing.
func (p *parser) cutFrame(frame dump.Line, to *[]dump.Line) {
	if p.ln.cut {
		p.distrust("stack", []byte(frame.Text), len(p.cur)-len(frame.Text))
		return
	}
	p.addLine(to, frame)
}

// isCPUSection reports whether the present line is the title of the CPU section.
// Schedulers may imitate it, so the last title with an underline before the
// first CPU counts, if there is one.
func (p *parser) isCPUSection() bool {
	if p.in > inGlobal {
		return false
	}
	if p.title >= 0 {
		return p.i == p.title
	}
	// Nothing but the title, at the end of what there is: the kernel puts a blank
	// line before it.
	j, k := p.after(p.i)
	return (j < 0 || k == kindTruncated || k == kindElision && !p.blankAfter(p.i) || p.cutUnderline(j)) &&
		(p.blanks > 0 || !p.hasBlanks)
}

// findTitle finds the title of the CPU section.
func (p *parser) findTitle() {
	p.title = -1
	for i := range p.lines {
		l := &p.lines[i]
		if l.out == foreign {
			continue
		}
		p.hasBlanks = p.hasBlanks || l.kind == kindBlank
		switch l.kind {
		case kindCPUStates:
			if _, k := p.after(i); k == kindUnderline || k == kindCPU {
				p.title = i
			}
		case kindCPU:
			if p.title >= 0 {
				return
			}
		}
	}
}

// underDamage reports whether the present line underlines what damage left of a
// title: its first character is gone, its prefix is another, or all of it is
// missing with what stood before it.
func (p *parser) underDamage() bool {
	if p.i == 0 {
		return true
	}
	l := &p.lines[p.i-1]
	b := p.buf[l.start:l.end]
	if l.out == foreign {
		return hasSuffix(b, "CPU states") || hasSuffix(b, "Event counters")
	}
	b = trimBlanks(b)
	return string(b) == "PU states" || string(b) == "vent counters"
}

// blankAfter reports whether a blank line follows line i.
func (p *parser) blankAfter(i int) bool { return i+1 < len(p.lines) && p.lines[i+1].kind == kindBlank }

// mayEnd reports whether the counters may begin: not before the CPU section, of
// which at least the title always is there.
func (p *parser) mayEnd() bool {
	return p.in >= inCPUs || p.elided || p.g.count[kindCPUStates] == 0 || p.s.Source.Reversed
}

// underlinesEvents reports whether the underline at line j is as long as the title
// of the counters. One that lost its first character is known by what follows.
func (p *parser) underlinesEvents(j int) bool {
	n := int(p.lines[j].end - p.lines[j].start)
	if n == len("Event counters")-1 {
		_, k := p.after(j)
		return k == kindEvent
	}
	return n >= len("Event counters")
}

// cutUnderline reports whether line j is what is left of an underline.
func (p *parser) cutUnderline(j int) bool {
	return p.lines[j].cut && all(p.buf[p.lines[j].start:p.lines[j].end], '-')
}

// isCPUHeader reports whether the present line, which has the shape of a CPU
// header, is one.
func (p *parser) isCPUHeader() bool {
	if p.in == inEvents || leadingBlanks(p.cur) > 1 {
		return false
	}
	if p.in >= inCPUs {
		return true
	}
	_, k := p.after(p.i) // the title is missing
	return k == kindCurr || k == kindRescue || p.elided
}

// isTask reports whether the present line, which has the shape of a task
// header, is one: details follow unless the dump ends here.
func (p *parser) isTask() bool {
	if p.in < inCPUs && !p.elided || p.in == inEvents {
		return false
	}
	j, k := p.after(p.i)
	return k >= kindState && k <= kindCPUs || j < 0 || k == kindTruncated || k == kindElision || p.lines[j].cut && k == kindOther
}

// isDetail reports whether the present line is a detail of the task that it has
// not had yet.
func (p *parser) isDetail() bool {
	bit := uint8(1) << (p.ln.kind - kindState)
	if p.details&bit != 0 || len(p.task.Text) > 0 || len(p.task.Stack) > 0 {
		return false
	}
	return true
}

// leaveTask ends the block of the present task.
func (p *parser) leaveTask() {
	p.task, p.details, p.stack = nil, 0, false
	switch {
	case p.in != inTask:
	case p.cpu != nil:
		p.in = inCPU
	default:
		p.in = inGap
	}
}

// lostCPU ends the block of the present CPU, if the present line is one of those
// below the header of another, which is missing. No text of a scheduler's is
// indented as far, as a rule.
func (p *parser) lostCPU() {
	if p.in >= inCPU && p.in <= inTask && leadingBlanks(p.cur) >= 10 {
		p.leaveTask()
		p.in, p.cpu = inGap, nil
	}
}

// orphan ends the block of the present task, because what follows belongs to one
// whose header cannot be read.
func (p *parser) orphan() {
	p.leaveTask()
	p.in = inGap
}

// extend makes the present line part of the task's block.
func (p *parser) extend() {
	at := p.lineSpan()
	if b := p.task.At; p.s.Source.Reversed && at.Off < b.Off {
		p.task.At = at.To(b)
		return
	}
	p.task.At = p.task.At.To(at)
}

// misfit keeps the present line as one that makes no sense.
func (p *parser) misfit() {
	if len(p.s.Ledger.NotUnderstood) < maxKept {
		p.s.Ledger.NotUnderstood = append(p.s.Ledger.NotUnderstood, p.whole(0))
	}
}

// misfits keeps lines first..last, which stand where no line of the kernel's can.
func (p *parser) misfits(first, last int) {
	for i := first; i <= last; i++ {
		if p.lines[i].out == notUnderstood {
			p.load(i)
			p.misfit()
		}
	}
}

// distrust keeps text as a value that was not taken over. It starts at index at
// of the present line.
func (p *parser) distrust(field string, text []byte, at int) {
	if len(p.s.Ledger.Distrusted) >= maxKept {
		return
	}
	p.s.Ledger.Distrusted = append(p.s.Ledger.Distrusted, dump.Distrusted{
		Entity: p.entity(), Field: field, Text: p.str(at, len(text)), At: p.span(at, len(text)),
	})
}

// entity names what the present line belongs to.
func (p *parser) entity() string {
	switch {
	case p.in == inTask && p.task != nil:
		return "task:" + strconv.Itoa(int(p.task.PID))
	case (p.in == inCPU || p.in == inTask) && p.cpu != nil:
		return "cpu:" + strconv.Itoa(int(p.cpu.ID))
	case p.in <= inBacktrace:
		return "exit"
	case p.in == inEvents:
		return "counters"
	}
	return "scheduler"
}

// span is where bytes at..at+n of the present line stand in the source: the
// whole line, or lines, if they had to be cleaned.
func (p *parser) span(at, n int) dump.Span {
	if p.alien {
		return p.all
	}
	return dump.Span{Off: p.base + uint32(at), Len: uint32(n)} //nolint:gosec // below maxRegion
}

// plainSpan is where bytes from..to of the present line stand in the source, if
// the line did not have to be cleaned.
func (p *parser) plainSpan(from, to int) dump.Span {
	return dump.Span{Off: p.base + uint32(from), Len: uint32(to - from)} //nolint:gosec // below maxRegion
}

// tokenSpan is the same for a token.
func (p *parser) tokenSpan(t token) dump.Span {
	return dump.Span{Off: p.base + uint32(len(p.cur)-t.from), Len: uint32(t.from - t.to)} //nolint:gosec // below maxRegion
}

// str is bytes at..at+n of the present line.
func (p *parser) str(at, n int) string {
	if p.alien {
		return string(p.cur[at : at+n])
	}
	off := int(p.base) + at
	return p.raw[off : off+n]
}

// whole is the present line without up to indent leading blanks.
func (p *parser) whole(indent int) dump.Line {
	n := min(indent, leadingBlanks(p.cur))
	return dump.Line{Text: p.str(n, len(p.cur)-n), At: p.span(n, len(p.cur)-n)}
}

// lineSpan is the payload of the present line.
func (p *parser) lineSpan() dump.Span {
	return dump.Span{Off: p.base, Len: p.ln.end - min(p.base, p.ln.end)}
}

// addLine appends to a list of lines.
func (p *parser) addLine(to *[]dump.Line, l dump.Line) { p.text.add(to, l) }

// addKV appends to a list of fields.
func (p *parser) addKV(to *[]dump.KV, kv dump.KV) {
	if p.kvs.block == nil {
		p.kvs.block = make([]dump.KV, 0, 16+2*p.g.count[kindTask])
	}
	p.kvs.add(to, kv)
}

// arena is memory that many short lists share, as long as they grow one after
// the other.
type arena[T any] struct {
	block []T // the last element is that of the list which grew last
}

// add appends to a list.
func (a *arena[T]) add(to *[]T, v T) {
	n, used := len(*to), len(a.block)
	switch {
	case n > 0 && (used < n || used == cap(a.block) || &a.block[used-1] != &(*to)[n-1]):
		*to = append(*to, v)
		return
	case used == cap(a.block): // a new block, the old one stays with its lists
		a.block, used = make([]T, 0, max(16, min(2*used, 4096))), 0
	}
	a.block = append(a.block, v)
	*to = a.block[used-n : used+1 : used+1]
}
