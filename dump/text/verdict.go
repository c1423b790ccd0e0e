// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"
	"strings"

	"scxdiag/dump"
)

// teller says who told of the end of a scheduler.
type teller uint8

const (
	byUser   teller = iota // its user space: "EXIT: …"
	byKernel               // the kernel's log: "sched_ext: BPF scheduler "x" disabled (…)"
)

const (
	verdictGap   = 8   // lines of others that may stand within a verdict
	verdictLines = 100 // the longest: a message and 64 frames, with gaps
)

// verdictLine is a line that may be part of a verdict.
type verdictLine struct {
	raw     []byte // with its carrier
	payload []byte // the end of raw
	prefix  prefix
	kind    kind
	offset  int64 // in the stream
	number  int   // from 1
}

// verdictReader reads what is said about the end of a scheduler outside of a
// dump: the line of its user space, and the lines of the kernel's log.
type verdictReader struct {
	emit func(*dump.Snapshot, layer, teller)

	s      *dump.Snapshot // being read
	by     teller
	layers layer  // that its first line came through
	raw    []byte // its lines so far
	good   int    // length of raw up to its last line
	lines  int
	gap    int // lines of others since
	// split is set while the message goes on on the next line. splitAt is the
	// length of raw up to the line that the message starts in.
	split   bool
	splitAt int
	// message is the last line "sched_ext: name: message", for logs that come
	// newest first: there it stands before the line that it belongs to.
	message verdictLine
}

// open reports whether a verdict may go on in the next line.
func (v *verdictReader) open() bool { return v.s != nil }

// line takes the next line.
func (v *verdictReader) line(l verdictLine) {
	if v.open() {
		v.lines++
		at := len(v.raw) + len(l.raw) - len(l.payload)
		v.raw = append(append(v.raw, l.raw...), '\n')
		if v.goesOn(l, at) {
			v.good, v.gap = len(v.raw)-1, 0
			return
		}
		starts := l.kind == kindExit || isDisabled(l.payload)
		if v.gap++; !starts && v.gap <= v.patience() && v.lines < verdictLines && !v.split {
			return
		}
		v.flush()
	}
	switch {
	case l.kind == kindExit:
		v.exit(l)
	case isDisabled(l.payload):
		v.disabled(l)
	case l.kind == kindSchedExt:
		l.payload = append([]byte(nil), l.payload...)
		l.raw = nil
		v.message = l
	}
}

// patience is how many lines of others may stand before the next one of the
// verdict: none to speak of once its backtrace has begun.
func (v *verdictReader) patience() int {
	if len(v.s.Exit.Backtrace) > 0 {
		return 2
	}
	return verdictGap
}

// flush ends the verdict that is being read.
func (v *verdictReader) flush() {
	if v.s == nil {
		return
	}
	s := v.s
	v.s = nil
	if v.split { // what follows on the line, and in the next ones, is not the message
		s.Exit.Message = dump.Value[string]{}
		v.good = v.splitAt
	}
	s.Raw = string(v.raw[:v.good])
	for _, t := range []*dump.Value[string]{&s.Exit.Reason, &s.Exit.Message} {
		if !t.At.IsZero() {
			t.V = s.At(t.At)
		}
	}
	for i := range s.Exit.Backtrace {
		s.Exit.Backtrace[i].Text = s.At(s.Exit.Backtrace[i].At)
	}
	s.Ledger.Lines.Parsed = strings.Count(s.Raw, "\n") + 1
	v.split = false
	s.FindSubject()
	v.emit(s, v.layers, v.by)
}

// begin starts a snapshot with nothing but an exit.
func (v *verdictReader) begin(l verdictLine, by teller) *dump.Exit {
	e := &dump.Exit{}
	at, t := len(l.raw)-len(l.payload), parseStamp(l.prefix.stamp)
	v.s = &dump.Snapshot{
		Source: dump.Source{Offset: l.offset, Line: l.number}, Host: string(l.prefix.host), Time: t, Exit: e,
		Stamp: lineStamp(t, l.prefix.stamp, l.prefix.host, l.raw[min(l.prefix.end, at):at]),
	}
	v.by, v.layers = by, l.prefix.layers
	v.raw = append(v.raw[:0], l.raw...)
	v.good, v.splitAt = len(v.raw), len(v.raw)
	v.raw = append(v.raw, '\n')
	v.lines, v.gap = 1, 0
	return e
}

// text is a value that stands at index at of raw. It gets its string once raw is
// complete.
func (v *verdictReader) text(b []byte, at int) dump.Value[string] {
	return dump.OfAt("", dump.Span{Off: uint32(at), Len: uint32(len(b))}) //nolint:gosec // a few KiB
}

// exit reads "EXIT: reason (message) on CPU 3". When the program writes to the
// kernel's log, each part is a record of its own.
func (v *verdictReader) exit(l verdictLine) {
	i := bytes.Index(l.payload, []byte("EXIT: ")) + len("EXIT: ")
	rest := l.payload[i:]
	reason, rest, hasMessage := bytes.Cut(rest, []byte(" ("))
	reason, cpu, hasCPU := bytes.Cut(reason, []byte(" on CPU "))
	kind, known := dump.KindOfReason(string(reason))
	e := v.begin(l, byUser)
	at := len(l.raw) - len(l.payload) + i
	e.Reason = v.text(reason, at)
	if known {
		e.Kind = dump.OfAt(kind, e.Reason.At)
	}
	v.setTrigger(e)
	if hasCPU {
		v.cpu(e, cpu)
	}
	if hasMessage {
		v.messageText(e, rest, at+len(reason)+2)
	}
	if hasCPU || hasMessage && !v.split {
		v.flush()
	}
}

// setTrigger tells a failure from an orderly end.
func (v *verdictReader) setTrigger(e *dump.Exit) {
	v.s.Trigger = dump.TriggerExit
	if e.IsFailure() {
		v.s.Trigger = dump.TriggerCrash
	}
}

// messageText reads "message) on CPU 3", or as much of it as the line has.
func (v *verdictReader) messageText(e *dump.Exit, b []byte, at int) {
	const onCPU = ") on CPU "
	end, cpu := len(b)-1, []byte(nil)
	if i := bytes.LastIndex(b, []byte(onCPU)); i >= 0 && allDigits(b[i+len(onCPU):]) {
		end, cpu = i, b[i+len(onCPU):]
	}
	if end >= 0 && b[end] == '>' { // cut by a pager
		return
	}
	v.split = end < 0 || b[end] != ')'
	if v.split {
		end = len(b)
	}
	e.Message = v.text(b[:end], at)
	if cpu != nil {
		v.cpu(e, cpu)
	}
}

func (v *verdictReader) cpu(e *dump.Exit, b []byte) {
	if n, ok := parseUint(b); ok && n < dump.MaxCPUs {
		e.CPU = dump.Of(int32(n))
	}
}

// isDisabled matches `sched_ext: BPF scheduler "x" disabled (…)`.
func isDisabled(payload []byte) bool {
	b := bytes.TrimLeft(payload, " ")
	name, ok := bytes.CutPrefix(b, []byte(`sched_ext: BPF scheduler "`))
	if !ok {
		name, ok = bytes.CutPrefix(b, []byte(`sched_ext: BPF sub-scheduler "`))
	}
	return ok && bytes.Contains(name, []byte(`" disabled (`))
}

// disabled reads the kernel's line on the end of a scheduler.
func (v *verdictReader) disabled(l verdictLine) {
	from := bytes.IndexByte(l.payload, '"') + 1
	n := bytes.Index(l.payload[from:], []byte(`" disabled (`))
	name := string(l.payload[from : from+n])
	from += n + len(`" disabled (`)
	reason := bytes.TrimSuffix(l.payload[from:], []byte(")"))
	e := v.begin(l, byKernel)
	e.Reason = v.text(reason, len(l.raw)-len(l.payload)+from)
	if kind, ok := dump.KindOfReason(string(reason)); ok {
		e.Kind = dump.OfAt(kind, e.Reason.At)
	}
	v.s.Scheduler = name
	v.setTrigger(e)
	if m := v.message; m.payload != nil && l.number-m.number <= verdictGap && l.number > m.number {
		if msg, ok := bytes.CutPrefix(m.payload, []byte("sched_ext: "+name+": ")); ok {
			e.Message = dump.Of(string(msg))
			v.s.Source.Reversed = true
		}
	}
	v.message = verdictLine{}
}

// goesOn takes a line into the verdict, if it belongs to it. It starts at index
// at of raw.
func (v *verdictReader) goesOn(l verdictLine, at int) bool {
	e := v.s.Exit
	if v.by == byUser {
		return v.exitGoesOn(e, l, at)
	}
	if l.kind == kindSymbol && e.Message.Known && !v.s.Source.Reversed {
		frame := bytes.TrimLeft(l.payload, " ")
		skip := len(l.payload) - len(frame)
		if e.Backtrace == nil {
			e.Backtrace = make([]dump.Line, 0, 16)
		}
		e.Backtrace = append(e.Backtrace, dump.Line{At: v.text(frame, at+skip).At})
		return true
	}
	if e.Message.Known || l.kind != kindSchedExt {
		return false
	}
	if words := "sched_ext: " + v.s.Scheduler + ": "; hasPrefix(l.payload, words) {
		e.Message = v.text(l.payload[len(words):], at+len(words))
		return true
	}
	return false
}

// exitGoesOn takes the further parts of an EXIT line.
func (v *verdictReader) exitGoesOn(e *dump.Exit, l verdictLine, at int) bool {
	switch {
	case v.split && (l.kind == kindOther || l.kind == kindBlank): // what a dump has is no message
		from := e.Message.At.Off
		v.messageText(e, l.payload, at)
		e.Message.At.Len += e.Message.At.Off - from // the carrier of the further lines stays in it
		e.Message.At.Off = from
		return true
	case hasPrefix(l.payload, " (") && !e.Message.Known:
		v.splitAt = len(v.raw) - 1
		v.messageText(e, l.payload[2:], at+2)
		return true
	case hasPrefix(l.payload, " on CPU ") && !e.CPU.Known:
		v.cpu(e, l.payload[len(" on CPU "):])
		return true
	}
	return false
}
