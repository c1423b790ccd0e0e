// SPDX-License-Identifier: GPL-2.0-only

package unwrap

import (
	"bytes"
	"strconv"
	"time"
)

// The forms of the time in front of a line. The one for each kind of record has the
// same length on all lines.
const (
	microLayout = "2006-01-02T15:04:05.000000-0700"
	nanoLayout  = "2006-01-02T15:04:05.000000000-0700"
)

// endOfYears is when years get a fifth digit, in µs since 1970.
const endOfYears = 253_402_300_800_000_000

// entry is what a record says.
type entry struct {
	stamp []byte // as it stands in front of the line
	host  []byte
	id    []byte
	pid   []byte
	text  []byte
	any   bool // it has a message
	// bare is set if nothing stands for a host and a program that are both unknown.
	bare bool
}

// output is the text of entries.
type output struct {
	entry

	out bytes.Buffer
	// lines is set while lines of the message are still to be written: one at a
	// time, for with all their prefixes they may be much longer than it.
	lines bool
}

// set takes a field of the journal.
func (e *entry) set(name string, value []byte) {
	switch name {
	case "__REALTIME_TIMESTAMP":
		if us, err := strconv.ParseInt(string(value), 10, 64); err == nil && us >= 0 && us < endOfYears {
			e.stamp = time.UnixMicro(us).UTC().AppendFormat(nil, microLayout)
		}
	case "_HOSTNAME":
		e.host = value
	case "SYSLOG_IDENTIFIER":
		e.id = value
	case "_COMM":
		if len(e.id) == 0 {
			e.id = value
		}
	case "_PID":
		e.pid = value
	case "MESSAGE":
		e.text, e.any = value, true
	}
}

// end ends an entry: it is to be written, if it has a message.
func (o *output) end() {
	if o.lines = o.any; !o.lines {
		o.entry = entry{}
	}
}

// write writes the next line of the message.
func (o *output) write() {
	line, rest, more := bytes.Cut(o.text, []byte("\n"))
	o.prefix()
	o.out.Write(line)
	o.out.WriteByte('\n')
	if o.text = rest; !more {
		o.entry, o.lines = entry{}, false
	}
}

func (o *output) prefix() {
	if len(o.stamp) > 0 {
		o.out.Write(o.stamp)
		o.out.WriteByte(' ')
	}
	if o.bare && len(o.host) == 0 && len(o.id) == 0 {
		return
	}
	o.out.Write(word(o.host, "localhost"))
	o.out.WriteByte(' ')
	o.out.Write(word(o.id, "unknown"))
	if len(o.pid) > 0 {
		o.out.WriteString("[" + string(word(o.pid, "0")) + "]")
	}
	o.out.WriteString(": ")
}

// word is a field as one word, for it stands in a line with others.
func word(value []byte, none string) []byte {
	w := bytes.Map(func(r rune) rune {
		if r <= ' ' || r == ':' || r == '[' || r == ']' {
			return '_'
		}
		return r
	}, value)
	if len(w) == 0 {
		return []byte(none)
	}
	return w[:min(len(w), maxName)]
}
