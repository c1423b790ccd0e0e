// SPDX-License-Identifier: GPL-2.0-only

package unwrap

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// headLen is how much of a stream tells how it is wrapped, in bytes, at most.
const headLen = 4 << 10

// decoder turns a kind of records into entries.
type decoder interface {
	// step reads a bit more. What it has found goes into the output.
	step() error
}

// Undo returns what src has in its records, and a name of their kind: "export",
// "json" or "verbose". It returns all of src itself and "" if that is no log of
// records, as far as its start tells.
func Undo(src io.Reader) (io.Reader, string) {
	in := bufio.NewReaderSize(src, headLen)
	r := &reader{src: in}
	o := &r.output
	var kind string
	switch head := trimMark(start(in)); {
	case isExport(head):
		kind, r.decoder = "export", &export{output: o, src: in}
	case isVerbose(head):
		kind, r.decoder = "verbose", &verbose{output: o, src: in}
	case isJSON(head):
		kind, r.decoder = "json", &objects{output: o, src: in, inList: isList(head)}
	default:
		return in, ""
	}
	return r, kind
}

// start is what a stream begins with: what comes at once, and a whole line at least. A
// pipe may have no more to give for long.
func start(in *bufio.Reader) []byte {
	for {
		head, _ := in.Peek(min(in.Buffered(), headLen)) // which it has
		if len(head) == headLen || tells(head) {
			return head
		}
		if more, err := in.Peek(len(head) + 1); err != nil { // it comes again
			return more
		}
	}
}

// tells reports whether there is a whole line in head other than those that journalctl
// puts between entries, and a bracket alone.
func tells(head []byte) bool {
	for line := range bytes.Lines(trimMark(head)) {
		text := bytes.TrimSpace(line)
		if len(text) > 0 && string(text) != "{" && string(text) != "[" && !bytes.HasPrefix(text, []byte("-- ")) && bytes.HasSuffix(line, []byte("\n")) {
			return true
		}
	}
	return false
}

func isExport(head []byte) bool {
	for _, start := range exportStarts {
		if bytes.HasPrefix(head, start) {
			return true
		}
	}
	return false
}

// reader gives out what a decoder has found.
type reader struct {
	output
	decoder

	src *bufio.Reader
	err error
}

func (r *reader) Read(p []byte) (int, error) {
	// As much at a time as there is without waiting for more.
	for r.out.Len() < len(p) {
		switch {
		case r.lines:
			r.write()
			continue
		case r.err != nil:
		case r.out.Len() > 0 && !r.hasLine():
		default:
			r.err = r.step()
			continue
		}
		break
	}
	if r.out.Len() == 0 && len(p) > 0 {
		return 0, r.err
	}
	return r.out.Read(p)
}

// hasLine reports whether a line can be read without waiting for it.
func (r *reader) hasLine() bool {
	b, _ := r.src.Peek(r.src.Buffered()) // which it has
	return bytes.IndexByte(b, '\n') >= 0
}

// readLine reads a line without its end. It keeps the first maxField bytes.
func readLine(src *bufio.Reader) ([]byte, error) {
	line := []byte{}
	for {
		part, err := src.ReadSlice('\n')
		line = append(line, part[:min(len(part), maxField-len(line))]...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && len(line) > 0 && errors.Is(err, io.EOF): // it has no end
			return line, nil
		case err != nil:
			return nil, err
		}
		return bytes.TrimSuffix(line, []byte("\n")), nil
	}
}

// trimMark removes a byte order mark.
func trimMark(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\ufeff")) }
