// SPDX-License-Identifier: GPL-2.0-only

package text

import "bytes"

// layer is one thing that a log put in front of each line.
type layer uint8

const (
	layerQuote   layer = 1 << iota // "> ", once or more
	layerActions                   // GitHub Actions time stamps, and what gh puts before them
	layerJournal                   // syslog and journalctl: time, host, program
	layerDmesg                     // "[  123.456789] "
	layerFtrace                    // trace_pipe, trace-cmd, perf script
	layerLearned                   // anything else, the same on every line
)

// layerNames are the names of the layers in Source.Carrier, outermost first.
var layerNames = []struct {
	layer layer
	name  string
}{
	{layerQuote, "quoted"},
	{layerActions, "actions"},
	{layerJournal, "journald"},
	{layerDmesg, "dmesg"},
	{layerFtrace, "ftrace"},
	{layerLearned, "prefixed"},
}

// String names the layers, outermost first: "actions+journald".
func (l layer) String() string {
	name := ""
	for _, n := range layerNames {
		if l&n.layer != 0 {
			if name != "" {
				name += "+"
			}
			name += n.name
		}
	}
	return name
}

// prefix is what stands before the payload of a line.
type prefix struct {
	layers layer
	end    int // where the payload starts
	time   int // where a journal's time ends; what follows may be its program, or the payload
	// Parts of the line, nil if it does not have them.
	stamp []byte // date and time, as far as it can be understood
	host  []byte
	ident []byte // the program: "scx_qmap[123]", or the trace's task "init-129"
}

// decodePrefix takes off every layer that it knows.
func decodePrefix(b []byte) prefix { return decodeLayers(b, ^layer(0)) }

// decodeLayers takes off every layer that it knows, up to the first that is not
// one of those allowed.
func decodeLayers(b []byte, allowed layer) prefix {
	var p prefix
	escapes := 0 // length of what was skipped in the hope of a stamp behind it
	for {
		at := p.end + escapes
		rest := b[at:]
		if len(rest) == 0 {
			return p
		}
		if n := bomLen(rest); n > 0 { // of a file that was pasted or joined to another
			p.end, escapes = at+n, 0
			continue
		}
		if n := colourLen(rest); n > 0 {
			escapes += n
			continue
		}
		before := p
		n := p.layer(rest, at)
		if n == 0 || p.layers&^allowed != 0 {
			return before
		}
		p.end, escapes = at+n, 0
	}
}

// layer takes off the next layer, with which rest, index at of the line, begins.
// It returns its length, 0 if there is none that can follow those that were
// seen.
func (p *prefix) layer(rest []byte, at int) int {
	if p.layers&^layerQuote == 0 {
		if n := quoteLen(rest); n > 0 {
			p.layers |= layerQuote
			return n
		}
	}
	if p.layers&(layerActions|layerJournal|layerDmesg|layerFtrace) == 0 {
		if n := actionsLen(rest); n > 0 {
			p.layers |= layerActions
			p.stamp = bytes.TrimRight(rest[bytes.LastIndexByte(rest[:n], '\t')+1:n], " ")
			return n
		}
	}
	if p.layers&(layerDmesg|layerFtrace) == 0 {
		if n := dmesgLen(rest); n > 0 {
			if p.stamp == nil {
				_, stamp, _ := bytes.Cut(rest[:n], []byte("["))
				stamp, _, _ = bytes.Cut(stamp, []byte("]"))
				p.stamp = trimBlanks(stamp)
			}
			p.layers |= layerDmesg
			return n
		}
	}
	if p.layers&layerFtrace != 0 {
		return 0
	}
	if n := ftraceLen(rest); n > 0 {
		p.layers |= layerFtrace
		p.ident = ftraceTask(rest[:n])
		return n
	}
	if p.layers&layerJournal != 0 {
		return 0
	}
	j, ok := decodeJournal(rest)
	if !ok {
		return 0
	}
	p.time = at + j.time
	p.layers |= layerJournal
	if p.stamp == nil {
		p.stamp = j.stamp
	}
	p.host, p.ident = j.host, j.ident
	return j.end
}

// colourLen is the length of the ANSI sequence that b starts with, blanks before
// it included.
func colourLen(b []byte) int {
	blanks := leadingBlanks(b)
	if n := escapeLen(b[blanks:]); n > 0 {
		return blanks + n
	}
	return 0
}

// isColoured reports whether b begins or ends with a sequence that colours it.
func isColoured(b []byte) bool { return colourLen(b) > 0 || endsColour(b) }

// endsColour reports whether b ends with the sequence that ends all colours.
func endsColour(b []byte) bool { return hasSuffix(b, "\x1b[0m") || hasSuffix(b, "\x1b[m") }

// escapeLen is the length of the ANSI sequence that b starts with, if it is one
// that colours text or, as grep adds, erases the rest of the line.
func escapeLen(b []byte) int {
	if len(b) < 3 || b[0] != 0x1b || b[1] != '[' {
		return 0
	}
	if n := sequenceLen(b[1:]); n > 0 {
		return 1 + n
	}
	return 0
}

// sequenceLen is the length of such a sequence without its escape character,
// that b starts with.
func sequenceLen(b []byte) int {
	for i, c := range b[1:] {
		switch {
		case c == 'm' || c == 'K':
			return i + 2
		case !isDigit(c) && c != ';':
			return 0
		}
	}
	return 0
}

// quoteLen is the length of the "> " that mail and chat put before a line.
func quoteLen(b []byte) int {
	n := 0
	for n < len(b) && b[n] == '>' {
		n++
		if n < len(b) && b[n] == ' ' {
			n++
		}
	}
	return n
}

// actionsLen is the length of "2026-11-23T07:33:30.1234567Z ", with the job and
// step that `gh run view --log` puts before it.
func actionsLen(b []byte) int {
	start := 0
	if !isISODate(b) {
		for range 2 {
			tab := bytes.IndexByte(b[start:min(len(b), start+256)], '\t')
			if tab < 0 {
				return 0
			}
			start += tab + 1
		}
		start += bomLen(b[start:])
		if !isISODate(b[start:]) {
			return 0
		}
	}
	n := start + len("2026-11-23T07:33:30.")
	if n >= len(b) || b[n-1] != '.' || b[start+10] != 'T' {
		return 0
	}
	for n < len(b) && isDigit(b[n]) {
		n++
	}
	if n == len(b) || b[n] != 'Z' {
		return 0
	}
	if n++; n < len(b) && b[n] == ' ' {
		n++
	}
	return n
}

// bomLen is the length of the UTF-8 byte order mark that b starts with, if any.
func bomLen(b []byte) int {
	if bytes.HasPrefix(b, byteOrderMark) {
		return len(byteOrderMark)
	}
	return 0
}

var byteOrderMark = []byte("\ufeff")

// isISODate matches "2026-11-23" at the start of b.
func isISODate(b []byte) bool {
	return len(b) > 10 && isDigit(b[0]) && isDigit(b[1]) && isDigit(b[2]) && isDigit(b[3]) && b[4] == '-' &&
		isDigit(b[5]) && isDigit(b[6]) && b[7] == '-' && isDigit(b[8]) && isDigit(b[9])
}

// dmesgLen is the length of a kernel log stamp: "[  123.456789] ", also behind
// "<6>" or "kern  :info  : ", as a date with dmesg -T, or the second bracket
// that names the caller, "[ T123] ".
func dmesgLen(b []byte) int {
	i := 0
	for i < len(b) && b[i] == ' ' {
		i++
	}
	if i < len(b) && b[i] == '<' {
		k := i + 1
		for k < len(b) && isDigit(b[k]) {
			k++
		}
		if k == i+1 || k >= len(b) || b[k] != '>' {
			return 0
		}
		i = k + 1
	} else if i < len(b) && b[i] != '[' {
		n := facilityLen(b[i:])
		if n == 0 {
			return 0
		}
		i += n
	}
	if i >= len(b) || b[i] != '[' {
		return 0
	}
	end := bytes.IndexByte(b[i:min(len(b), i+40)], ']')
	if end < 0 || !isStamp(b[i+1:i+end]) {
		return 0
	}
	n := i + end + 1
	caller := n // CONFIG_PRINTK_CALLER, with or without a blank before it
	if caller < len(b) && b[caller] == ' ' {
		caller++
	}
	if caller < len(b) && b[caller] == '[' {
		if k := bytes.IndexByte(b[caller:min(len(b), caller+20)], ']'); k > 0 && isCaller(b[caller+1:caller+k]) {
			n = caller + k + 1
		}
	}
	if n < len(b) && b[n] == ' ' {
		n++
	}
	return n
}

// facilityLen is the length of what dmesg -x puts first: "kern  :info  : ".
func facilityLen(b []byte) int {
	colons := 0
	for i, c := range b[:min(len(b), 24)] {
		switch {
		case c == ':':
			if colons++; colons == 2 && i+1 < len(b) && b[i+1] == ' ' {
				return i + 2
			}
		case c != ' ' && !isLetter(c):
			return 0
		}
	}
	return 0
}

// isStamp matches "  123.456789" and "Mon Nov 23 07:33:30 2026".
func isStamp(b []byte) bool {
	if n := len(b); n > 7 && b[n-7] == '.' && allDigits(b[n-6:]) && allDigits(bytes.TrimLeft(b[:n-7], " ")) {
		return true // by far the most frequent
	}
	digits, dots, colons := 0, 0, 0
	for i, c := range b {
		switch {
		case isDigit(c):
			digits++
		case c == '.' || c == ',':
			dots++
		case c == ':':
			colons++
		case c == ' ' && (digits == 0 || colons > 0 || i > 3):
		default:
			// names of days and months, in any language
			if colons > 0 || isBlank(c) {
				return false
			}
			if i > 0 && dots > 0 {
				return false
			}
		}
	}
	return dots == 1 && colons == 0 && digits >= 3 && isDigit(b[len(b)-1]) || colons == 2 && digits >= 10
}

// isCaller matches " T123" and "C3".
func isCaller(b []byte) bool {
	b = bytes.TrimLeft(b, " ")
	if len(b) < 2 || b[0] != 'T' && b[0] != 'C' {
		return false
	}
	digits := bytes.TrimLeft(b[1:], " ")
	return len(digits) > 0 && allDigits(digits)
}

var ftraceEvent = []byte("sched_ext_dump:")

// ftraceLen is the length of what trace_pipe, trace-cmd and perf put before the
// payload of the tracepoint. The blanks with which trace-cmd pads the event's
// name stay: they look like indentation, and are undone as such.
func ftraceLen(b []byte) int {
	head := b[:min(len(b), 200+len(ftraceEvent))]
	for n := 0; ; { // few lines have more than two colons, so this is faster than to look for all of the word
		i := bytes.IndexByte(head[n:], ':')
		if i < 0 {
			return 0
		}
		if n += i + 1; !bytes.HasSuffix(head[:n], ftraceEvent) {
			continue
		}
		if n < len(b) && b[n] == ' ' {
			n++
		}
		return n
	}
}

// isTraceEvent matches a line of any event in a trace: "task-12  [003] d..2.
// 12.345678: ".
func isTraceEvent(b []byte) bool {
	b = b[colourLen(b):]
	open := bytes.IndexByte(b, '[')
	if open < 1 || len(b) < open+6 || b[open+4] != ']' || !allDigits(b[open+1:open+4]) {
		return false
	}
	dot := bytes.IndexByte(b[open:], '.')
	return dot > 0 && bytes.Contains(b[open+dot:], []byte(": "))
}

// eventStamp is the index in b of the CPU, the flags and the time of an event:
// "[003] d..2. 12.345678: ". It is -1 if there is none.
func eventStamp(b []byte) int {
	for i := 0; ; i++ {
		n := bytes.IndexByte(b[i:], '[')
		if n < 0 {
			return -1
		}
		if i += n; isEventStamp(b[i:]) {
			return i
		}
	}
}

func isEventStamp(b []byte) bool {
	if len(b) < len("[003] ") || !allDigits(b[1:4]) || string(b[4:6]) != "] " {
		return false
	}
	flags, rest, _ := bytes.Cut(b[6:], []byte(" "))
	if len(flags) < 4 || len(flags) > 8 {
		return false
	}
	stamp, _, ok := bytes.Cut(trimBlanks(rest), []byte(": "))
	s, us, isTime := bytes.Cut(stamp, []byte("."))
	return ok && isTime && len(s) > 0 && len(us) > 0 && allDigits(s) && allDigits(us)
}

// ftraceTask is the task column of a trace line.
func ftraceTask(b []byte) []byte {
	b = bytes.TrimLeft(b, " ")
	if i := bytes.IndexByte(b, '['); i > 0 {
		return bytes.TrimRight(b[:i], " ")
	}
	return nil
}

// decodeJournal takes off what syslog and journalctl put before a line: a date
// in any form and language, the host, and the program. Logs in which the date
// or the host were cut off keep the rest.
func decodeJournal(b []byte) (prefix, bool) {
	var p prefix
	n, stamp := timeLen(b)
	if n == 0 {
		return p, false
	}
	p.stamp, p.end, p.time = stamp, n, n
	if host, ident, end, ok := programLen(b[n:]); ok {
		p.host, p.ident = host, ident
		p.end += end
	}
	return p, true
}

// timeLen is the length of a date and time at the start of b with the blank
// behind it: whatever stands before "07:33:30", if it is short and looks like a
// date, and the fraction, zone and year behind.
func timeLen(b []byte) (n int, stamp []byte) {
	if n := len("1795847610.940985"); len(b) > n && b[10] == '.' && b[n] == ' ' && allDigits(b[:10]) && allDigits(b[11:n]) {
		return n + 1, b[:n] // journalctl -o short-unix
	}
	colon := bytes.IndexByte(b[:min(len(b), 48)], ':')
	if colon < 2 || len(b) < colon+6 || !isDigit(b[colon-1]) || !isDigit(b[colon-2]) ||
		!isDigit(b[colon+1]) || !isDigit(b[colon+2]) {
		return 0, nil
	}
	start, i := colon-2, colon+3
	if b[i] != ':' || i+2 >= len(b) || !isDigit(b[i+1]) || !isDigit(b[i+2]) {
		return 0, nil
	}
	i += 3
	words := 0
	for _, w := range bytes.Fields(bytes.TrimSuffix(b[:start], []byte("T"))) {
		if words++; words > 4 || len(w) > 15 || bytes.ContainsAny(w, "[]=()<>") {
			return 0, nil
		}
	}
	if start > 0 && b[start-1] != ' ' && b[start-1] != 'T' {
		return 0, nil
	}
	if i < len(b) && (b[i] == '.' || b[i] == ',') {
		for i++; i < len(b) && isDigit(b[i]); i++ {
		}
	}
	i += zoneLen(b[i:])
	stamp = bytes.TrimLeft(b[:i], " ")
	if i < len(b) && b[i] == ':' && start == 0 { // "07:33:30: text"
		i++
	}
	if i < len(b) && b[i] != ' ' {
		return 0, nil
	}
	if i < len(b) {
		i++
	}
	return i, stamp
}

// zoneLen is the length of a time zone: "Z", "+00:00", "+0000", " UTC",
// " CEST".
func zoneLen(b []byte) int {
	switch {
	case len(b) == 0:
		return 0
	case b[0] == 'Z':
		return 1
	case (b[0] == '+' || b[0] == '-') && len(b) >= 5:
		n := 1
		for n < len(b) && (isDigit(b[n]) || b[n] == ':') {
			n++
		}
		return n
	case b[0] == ' ':
		n := 1
		for n < len(b) && b[n] >= 'A' && b[n] <= 'Z' {
			n++
		}
		if n >= 4 && n <= 6 && n < len(b) && b[n] == ' ' && string(b[1:n]) != "CPU" && string(b[1:n]) != "EXIT" &&
			string(b[1:n]) != "QMAP" {
			return n
		}
	}
	return 0
}

// programLen is the length of "host program[pid]: " or "program[pid]: ".
func programLen(b []byte) (host, ident []byte, n int, ok bool) {
	for range 2 {
		end := bytes.IndexByte(b[n:], ' ')
		if end < 0 {
			end = len(b) - n
		}
		word := b[n : n+end]
		if len(word) > 1 && word[len(word)-1] == ':' && isProgram(word[:len(word)-1]) {
			n += end
			if n < len(b) {
				n++
			}
			return host, word[:len(word)-1], n, true
		}
		if len(word) == 0 || bytes.IndexByte(word, '=') >= 0 {
			return nil, nil, 0, false
		}
		host = word
		n = min(n+end+1, len(b))
	}
	return nil, nil, 0, false
}

// isProgram rules out words that the payload itself may begin with.
func isProgram(w []byte) bool {
	switch string(w) {
	case "EXIT", "Error", "sched_ext", "Backtrace", "CPU", "QMAP", "kernel", "cc":
		return string(w) == "kernel"
	}
	if bytes.ContainsAny(w, "=()<>{}\"'") {
		return false
	}
	return !hasPrefix(w, "FIFO[") && !hasPrefix(w, "CELL[") && !hasPrefix(w, "CPU[") && !hasPrefix(w, "Task[")
}

// bareProgramLen is the length of "host program[pid]: " in a line whose date
// was cut off. It wants the pid: without it half of all text would match.
func bareProgramLen(b []byte) (host, ident []byte, n int, ok bool) {
	host, ident, n, ok = programLen(b)
	if !ok || (len(ident) == 0 || ident[len(ident)-1] != ']') && string(ident) != "kernel" {
		return nil, nil, 0, false
	}
	return host, ident, n, true
}
