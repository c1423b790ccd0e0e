// SPDX-License-Identifier: GPL-2.0-only

package artifact

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// A journal export (systemd's JOURNAL_EXPORT_FORMATS) is entries with blank lines in
// between, each of fields: NAME=value on a line, or, where the value has line ends
// in it, NAME on a line and behind it the length as 64 bits, little end first, and
// the value.

// journalStarts are the fields that an export begins with.
var journalStarts = [][]byte{[]byte("__CURSOR="), []byte("__REALTIME_TIMESTAMP=")}

// What an entry may have of text, in bytes; what is longer is cut.
const (
	maxField = 1 << 20
	maxName  = 256
)

// endOfYears is when years get a fifth digit, in µs since 1970.
const endOfYears = 253_402_300_800_000_000

// journal turns an export into the lines that journalctl -o short-iso-precise
// prints, a line for each line of a message.
type journal struct {
	src  *bufio.Reader
	out  bytes.Buffer
	err  error
	when time.Time
	host []byte
	id   []byte
	pid  []byte
	text []byte
	any  bool // the entry has a message
	// lines is set while lines of the message are still to be written: one at a
	// time, for with all their prefixes they may be much longer than it.
	lines bool
}

func newJournal(src io.Reader) *journal { return &journal{src: bufio.NewReader(src)} }

func (j *journal) Read(p []byte) (int, error) {
	for j.out.Len() == 0 {
		switch {
		case j.lines:
			j.write()
		case j.err != nil:
			return 0, j.err
		default:
			if j.err = j.field(); j.err != nil {
				j.entry()
			}
		}
	}
	return j.out.Read(p)
}

// field reads a field, or the blank line that ends an entry.
func (j *journal) field() error {
	line, err := j.line()
	if err != nil {
		return err
	}
	if len(line) == 0 {
		j.entry()
		return nil
	}
	if name, value, ok := bytes.Cut(line, []byte("=")); ok {
		j.set(string(name), value)
		return nil
	}
	if len(line) > maxName {
		return errors.New("is no journal export: the name of a field is too long")
	}
	name := string(line)
	value, err := j.binary()
	j.set(name, value)
	return err
}

// line reads a line, of which it keeps the first maxField bytes.
func (j *journal) line() ([]byte, error) {
	var line []byte
	for {
		part, err := j.src.ReadSlice('\n')
		line = append(line, part[:min(len(part), maxField-len(line))]...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && len(part) > 0 && errors.Is(err, io.EOF): // it has no end
			return line, nil
		case err != nil:
			return nil, err
		}
		return bytes.TrimSuffix(line, []byte("\n")), nil
	}
}

// binary reads a value with its length in front of it, and the end of its line.
func (j *journal) binary() ([]byte, error) {
	var size [8]byte
	if _, err := io.ReadFull(j.src, size[:]); err != nil {
		return nil, cutOff(err)
	}
	n := binary.LittleEndian.Uint64(size[:])
	value, err := io.ReadAll(io.LimitReader(j.src, int64(min(n, maxField))))
	if err != nil {
		return value, err
	}
	if uint64(len(value)) < min(n, maxField) {
		return value, io.ErrUnexpectedEOF
	}
	if rest := n - uint64(len(value)); rest > 0 {
		if rest > 1<<40 {
			return value, fmt.Errorf("is no journal export: a field of %d bytes", n)
		}
		if _, err := io.CopyN(io.Discard, j.src, int64(rest)); err != nil {
			return value, cutOff(err)
		}
	}
	if end, err := j.src.ReadByte(); err != nil || end != '\n' {
		return value, cutOff(err)
	}
	return value, nil
}

// cutOff is the error of what ends before its time.
func cutOff(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (j *journal) set(name string, value []byte) {
	switch name {
	case "__REALTIME_TIMESTAMP":
		if us, err := strconv.ParseInt(string(value), 10, 64); err == nil && us >= 0 && us < endOfYears {
			j.when = time.UnixMicro(us).UTC()
		}
	case "_HOSTNAME":
		j.host = value
	case "SYSLOG_IDENTIFIER":
		j.id = value
	case "_COMM":
		if len(j.id) == 0 {
			j.id = value
		}
	case "_PID":
		j.pid = value
	case "MESSAGE":
		j.text, j.any = value, true
	}
}

// entry ends an entry: it is to be written, if it has a message.
func (j *journal) entry() {
	if j.lines = j.any; !j.lines {
		j.clear()
	}
}

// write writes the next line of the message.
func (j *journal) write() {
	line, rest, more := bytes.Cut(j.text, []byte("\n"))
	j.prefix()
	j.out.Write(line)
	j.out.WriteByte('\n')
	if j.text = rest; !more {
		j.clear()
	}
}

func (j *journal) clear() {
	j.when, j.host, j.id, j.pid, j.text, j.any, j.lines = time.Time{}, nil, nil, nil, nil, false, false
}

func (j *journal) prefix() {
	if !j.when.IsZero() {
		j.out.WriteString(j.when.Format("2006-01-02T15:04:05.000000-0700") + " ")
	}
	j.out.Write(word(j.host, "localhost"))
	j.out.WriteByte(' ')
	j.out.Write(word(j.id, "unknown"))
	if len(j.pid) > 0 {
		j.out.WriteString("[" + string(word(j.pid, "0")) + "]")
	}
	j.out.WriteString(": ")
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
