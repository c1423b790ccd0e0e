// SPDX-License-Identifier: GPL-2.0-only

package unwrap

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// maxObject is how long an object may be, in bytes. What is longer passes as it
	// is. A text whose bytes are told one by one, in decimal, takes five times its
	// length.
	maxObject = 4 << 20
	// minObject is what a record has at least. The name of a task, which may be
	// anything, is shorter.
	minObject = 16
)

// isJSON reports whether a line of head begins an object, or its first one a list of
// objects.
func isJSON(head []byte) bool {
	if isList(head) {
		return true
	}
	for len(head) > 0 {
		if b := bytes.TrimLeft(head, blanks); beginsObject(b) {
			return true
		}
		_, head, _ = bytes.Cut(head, []byte("\n"))
	}
	return false
}

const blanks = " \t\r\n"

func beginsObject(b []byte) bool {
	b, ok := bytes.CutPrefix(b, []byte("{"))
	return ok && bytes.HasPrefix(bytes.TrimLeft(b, blanks), []byte(`"`))
}

func isList(head []byte) bool {
	b, ok := bytes.CutPrefix(bytes.TrimLeft(head, blanks), []byte("["))
	return ok && beginsObject(bytes.TrimLeft(b, blanks))
}

// place is where in a stream of objects the next byte stands.
type place uint8

const (
	atStart  place = iota // of a line
	inLine                // that is no record, and passes as it is
	inObject              // that may be a record
	behind                // a record, on its last line
)

// objects reads a stream of JSON objects: a line for each, or several, or all of them
// in a list, as in the one object that dmesg -J prints. What is no record passes
// unchanged, byte by byte.
type objects struct {
	*output
	src   *bufio.Reader
	rest  []byte // of what was read, which is yet to be looked at
	err   error  // behind it
	place place
	// inList is set where objects have commas and brackets in between.
	inList bool
	raw    []byte // of the line or the object, from the first byte that has not passed
	from   int    // where the object starts in raw
	depth  int
	// quoted is set in a string, escaped behind a backslash in one.
	quoted, escaped bool
}

func (o *objects) step() error {
	if len(o.rest) == 0 {
		if o.err != nil {
			o.pass(nil)
			return o.err
		}
		o.rest, o.err = o.src.ReadSlice('\n')
		if errors.Is(o.err, bufio.ErrBufferFull) {
			o.err = nil
		}
	}
	for len(o.rest) > 0 && !o.lines {
		if o.place == inObject {
			o.rest = o.rest[o.object(o.rest):]
		} else {
			o.rest = o.rest[o.between(o.rest):]
		}
	}
	return nil
}

// pass lets through what was held back, and b. A line may go on behind it.
func (o *objects) pass(b []byte) {
	last := b
	if len(b) == 0 {
		last = o.raw
	}
	o.out.Write(o.raw)
	o.out.Write(b)
	o.raw = o.raw[:0]
	if o.place = inLine; bytes.HasSuffix(last, []byte("\n")) {
		o.place = atStart
	}
}

// between takes what stands outside of objects, and returns how much of b that is.
func (o *objects) between(b []byte) int {
	if o.place == inLine {
		o.pass(b)
		return len(b)
	}
	skip := " \t\r\ufeff"
	if o.inList {
		skip += ",[]}"
	}
	rest := bytes.TrimLeft(b, skip)
	n := len(b) - len(rest)
	switch {
	case bytes.HasPrefix(rest, []byte("{")):
		if o.raw = o.raw[:0]; o.place == atStart {
			o.raw = append(o.raw, b[:n]...)
		}
		o.from, o.place, o.depth, o.quoted, o.escaped = len(o.raw), inObject, 0, false, false
		return n
	case (o.place == behind || o.inList && n > 0) && (len(rest) == 0 || rest[0] == '\n'):
		if len(rest) > 0 {
			o.place = atStart
		}
	default:
		o.pass(b)
	}
	return len(b)
}

// object takes more of an object, and returns how much of b that is.
func (o *objects) object(b []byte) int {
	if o.depth > 0 && b[0] == '{' && bytes.HasSuffix(o.raw, []byte("\n")) && beginsObject(b) {
		o.pass(nil) // the object before it has no end
		return 0
	}
	for i, c := range b {
		switch {
		case o.escaped:
			o.escaped = false
		case o.quoted:
			switch c {
			case '"':
				o.quoted = false
			case '\\':
				o.escaped = true
			case '\n': // no JSON
				o.pass(b[:i+1])
				return i + 1
			}
		case c == '"':
			o.quoted = true
		case c == '{':
			o.depth++
		case c == '[' && o.depth == 1 && o.beginsList(b[:i]):
			o.raw, o.inList, o.place = o.raw[:0], true, behind
			return i + 1
		case c == '}':
			if o.depth--; o.depth == 0 {
				o.raw = append(o.raw, b[:i+1]...)
				o.whole()
				return i + 1
			}
		}
	}
	if o.raw = append(o.raw, b...); len(o.raw) > maxObject {
		o.pass(nil)
	}
	return len(b)
}

// beginsList reports whether the object, which goes on with b, is that of dmesg -J.
func (o *objects) beginsList(b []byte) bool {
	const longest = 256 // with any blanks
	if len(o.raw)+len(b) > longest {
		return false
	}
	start := string(o.raw[o.from:]) + string(b)
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(blanks, r) {
			return -1
		}
		return r
	}, start) == `{"dmesg":`
}

// whole takes an object that is complete.
func (o *objects) whole() {
	if e, ok := record(o.raw[o.from:]); ok {
		o.raw, o.place = o.raw[:0], behind
		o.entry = e
		o.end()
		return
	}
	o.pass(nil)
}

// members are what an object may have that matters.
type members struct {
	Message  json.RawMessage `json:"MESSAGE"`
	Msg      json.RawMessage `json:"msg"`
	Log      json.RawMessage `json:"log"`
	Realtime json.RawMessage `json:"__REALTIME_TIMESTAMP"`
	Time     json.RawMessage `json:"time"`
	Host     json.RawMessage `json:"_HOSTNAME"`
	ID       json.RawMessage `json:"SYSLOG_IDENTIFIER"`
	Comm     json.RawMessage `json:"_COMM"`
	PID      json.RawMessage `json:"_PID"`
}

// record reads an object. It returns false if that has no text in it.
func record(object []byte) (e entry, ok bool) {
	var m members
	if len(object) < minObject || json.Unmarshal(object, &m) != nil {
		return e, false
	}
	for _, raw := range []json.RawMessage{m.Message, m.Msg, m.Log} {
		if e.text, e.any = value(raw); e.any {
			break
		}
	}
	if !e.any {
		return e, false
	}
	e.text = bytes.TrimSuffix(e.text, []byte("\n")) // which Docker keeps
	e.bare = true
	for _, f := range []struct {
		name string
		raw  json.RawMessage
	}{{"__REALTIME_TIMESTAMP", m.Realtime}, {"_HOSTNAME", m.Host}, {"_PID", m.PID}} {
		if v, ok := value(f.raw); ok {
			e.set(f.name, firstLine(v))
		}
	}
	if e.id, ok = value(m.ID); !ok || len(e.id) == 0 {
		e.id, _ = value(m.Comm)
	}
	e.id = firstLine(e.id)
	if len(e.stamp) == 0 {
		e.stamp = timeStamp(m.Time)
	}
	return e, true
}

func firstLine(b []byte) []byte {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return line
}

// value reads a text: a string, its bytes as a list of numbers, or a list of several
// texts, which become lines. The journal writes null for what was too long for it.
func value(raw json.RawMessage) ([]byte, bool) {
	if len(raw) == 0 {
		return nil, false
	}
	switch raw[0] {
	case 'n':
		return nil, true
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return []byte(s), err == nil
	case '[':
		var b []uint8
		if json.Unmarshal(raw, &b) == nil {
			return b, true
		}
		var several []json.RawMessage
		if json.Unmarshal(raw, &several) != nil {
			return nil, false
		}
		var texts [][]byte
		for _, one := range several {
			var s string
			if json.Unmarshal(one, &s) == nil {
				b = []byte(s)
			} else if json.Unmarshal(one, &b) != nil {
				continue
			}
			texts = append(texts, bytes.Clone(b))
		}
		return bytes.Join(texts, []byte("\n")), len(texts) > 0
	}
	return nil, false
}

// timeStamp is what stands in front of a line for the member time: a date and time, or
// the seconds since boot.
func timeStamp(raw json.RawMessage) []byte {
	if s, err := strconv.ParseFloat(string(raw), 64); err == nil {
		const years = 1e9 // what is more counts from 1970, in a unit that does not show
		if s < 0 || s >= years {
			return nil
		}
		return fmt.Appendf(nil, "[%12.6f]", s)
	}
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return nil
	}
	if t, err := time.Parse(time.RFC3339Nano, strings.Replace(s, ",", ".", 1)); err == nil {
		return t.UTC().AppendFormat(nil, nanoLayout)
	}
	if _, err := time.Parse(time.ANSIC, s); err == nil { // dmesg -T
		return []byte("[" + s + "]")
	}
	return nil
}
