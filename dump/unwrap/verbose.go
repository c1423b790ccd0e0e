// SPDX-License-Identifier: GPL-2.0-only

package unwrap

import (
	"bufio"
	"bytes"
	"regexp"
)

// verboseStart is the line that begins an entry: its time, and its cursor in brackets.
var verboseStart = regexp.MustCompile(`^([A-Z][a-z]{2} [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{6})? [A-Za-z0-9+-]{1,8}) \[s=[0-9a-f]+;`)

// fieldIndent is what stands before a field.
const fieldIndent = "    "

// isVerbose reports whether a line of head begins an entry.
func isVerbose(head []byte) bool {
	for line := range bytes.Lines(head) {
		if verboseStart.Match(line) {
			return true
		}
	}
	return false
}

// verbose reads what journalctl -o verbose prints: a line with the time, and one for
// each field below. Further lines of a text are indented as far as its first one.
type verbose struct {
	*output
	src    *bufio.Reader
	held   []byte // the line behind the last entry
	inText bool   // the last field was the message
}

func (v *verbose) step() error {
	line := v.held
	if v.held = nil; line == nil {
		var err error
		if line, err = readLine(v.src); err != nil {
			v.end()
			return err
		}
	}
	if len(v.stamp) > 0 {
		if field, ok := bytes.CutPrefix(line, []byte(fieldIndent)); ok {
			v.field(field)
			return nil
		}
		v.held = line
		v.end()
		return nil
	}
	if m := verboseStart.FindSubmatch(line); m != nil {
		v.stamp, v.inText = m[1], false
		return nil
	}
	v.out.Write(line)
	v.out.WriteByte('\n')
	return nil
}

// field takes a field, or a further line of one.
func (v *verbose) field(b []byte) {
	const message = "MESSAGE="
	if more, ok := bytes.CutPrefix(b, []byte("        ")); ok {
		if v.inText && len(v.text)+len(more) < maxField {
			v.text = append(append(v.text, '\n'), more...)
		}
		return
	}
	name, value, ok := bytes.Cut(b, []byte("="))
	v.inText = ok && bytes.HasPrefix(b, []byte(message))
	if ok && len(name) <= maxName {
		v.set(string(name), value)
	}
}
