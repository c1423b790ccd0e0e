// SPDX-License-Identifier: GPL-2.0-only

package ktstr

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"scxdiag/dump"
	"scxdiag/dump/text"
)

const (
	maxDepth = 256      // of objects and arrays; ktstr's own reader takes 128
	maxKey   = 64       // bytes kept of a name
	maxTexts = 1000     // texts that are searched
	maxHeld  = 16 << 20 // bytes of the dumps that wait for the end of their reading
)

// errDepth is reported for a document that nests deeper than any of ktstr.
var errDepth = fmt.Errorf("objects nest deeper than %d", maxDepth)

// Options say how to read a document.
type Options struct {
	// Name goes into Source.Name of each snapshot. Where a snapshot comes from a
	// part of the document, "!/" and the way to it follow, "!/late" for example.
	Name string
}

// Reader finds the snapshots in a document. It is not safe for concurrent use.
type Reader struct {
	opts  Options
	in    *limiter
	dec   *json.Decoder
	stack []frame
	ready []*dump.Snapshot
	texts int // that were searched
	left  int // that were not
	done  bool
	err   error // why the source failed, nil if it did not
}

// frame is an object or array that has not ended.
type frame struct {
	sink  *sink
	array bool
	named bool   // an object's next token is the value of key
	key   string // of the present member
	index int    // of the present element
}

// sink takes what an object or array holds. The key of an element is "". Any
// part may be nil, and so may a sink.
type sink struct {
	scalar func(key string, v json.Token) // a string, json.Number, bool or nil
	child  func(key string) *sink         // of an object or array in this one
	end    func()
	report *report // that it is
}

// NewReader returns a Reader on src.
func NewReader(src io.Reader, o Options) *Reader {
	in := bufio.NewReader(src)
	if head, _ := in.Peek(len("\ufeff")); len(trimMark(head)) < len(head) { // an error shows again when it is read
		_, _ = in.Discard(len(head)) // it has been read
	}
	r := &Reader{opts: o, in: &limiter{src: in}}
	r.dec = json.NewDecoder(r.in)
	r.dec.UseNumber()
	return r
}

// Next returns the next snapshot, or io.EOF after the last one. Where the
// document is damaged or ends too early, the ledgers of the last snapshots say
// so. Any other error is a failure of the source; what was read before it has
// been returned.
func (r *Reader) Next() (*dump.Snapshot, error) {
	for len(r.ready) == 0 {
		switch {
		case r.done && r.err != nil:
			return nil, fmt.Errorf("read at offset %d: %w", r.in.read, r.err)
		case r.done:
			return nil, io.EOF
		}
		r.step()
	}
	s := r.ready[0]
	r.ready[0] = nil
	r.ready = r.ready[1:]
	return s, nil
}

// step deals with the next token.
func (r *Reader) step() {
	tok, err := r.dec.Token()
	if err == nil && len(r.stack) >= maxDepth && (tok == json.Delim('{') || tok == json.Delim('[')) {
		err = errDepth
	}
	if err != nil {
		r.stop(err)
		return
	}
	switch t := tok.(type) {
	case json.Delim:
		if t == '{' || t == '[' {
			r.stack = append(r.stack, frame{sink: r.child(t), array: t == '['})
			return
		}
		top := &r.stack[len(r.stack)-1]
		if s := top.sink; s != nil && s.end != nil {
			s.end()
		}
		r.stack = r.stack[:len(r.stack)-1]
	case string:
		if f := r.top(); f != nil && !f.array && !f.named {
			f.key, f.named = clip(t, maxKey), true
			return
		}
		r.search(t)
		r.scalar(t)
	default:
		r.scalar(t)
	}
	if f := r.top(); f != nil { // a value is complete
		f.named = false
		f.index++
	}
}

// stop ends the reading, for the source is at its end or makes no sense.
func (r *Reader) stop(err error) {
	r.done, r.err = true, r.in.err
	isEnd := errors.Is(err, io.EOF) && len(r.stack) == 0
	if isEnd {
		return
	}
	note := "the document ends too early"
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		note = fmt.Sprintf("the document is damaged: %v", err)
	}
	for i := len(r.stack) - 1; i >= 0; i-- {
		if s := r.stack[i].sink; s != nil && s.report != nil {
			s.report.damage = note
			s.end()
		}
	}
}

func (r *Reader) top() *frame {
	if len(r.stack) == 0 {
		return nil
	}
	return &r.stack[len(r.stack)-1]
}

// child is what takes the object or array that begins with d.
func (r *Reader) child(d json.Delim) *sink {
	f := r.top()
	switch {
	case f == nil && d == '{':
		return r.reading("", true)
	case f == nil || f.sink == nil || f.sink.child == nil:
		return nil
	case f.array:
		return f.sink.child("")
	}
	return f.sink.child(f.key)
}

func (r *Reader) scalar(v json.Token) {
	f := r.top()
	switch {
	case f == nil || f.sink == nil || f.sink.scalar == nil:
	case f.array:
		f.sink.scalar("", v)
	default:
		f.sink.scalar(f.key, v)
	}
}

// reading returns what takes a reading of a machine, which stands under the
// given name in the document.
func (r *Reader) reading(name string, isDocument bool) *sink {
	rep := &report{early: name == "early"}
	where := r.opts.Name
	if name != "" {
		where += "!/" + name
	}
	s := rep.sink()
	if isDocument {
		inner := s.child
		s.child = func(key string) *sink {
			if key == "early" || key == "late" {
				return r.reading(key, false)
			}
			return inner(key)
		}
	}
	s.end = func() {
		r.release(rep)
		if s := rep.snapshot(); s != nil {
			s.Source.Name = where
			r.ready = append(r.ready, r.account(s, rep))
		}
	}
	return s
}

// current is the reading that the present value is part of, nil outside of any.
func (r *Reader) current() *report {
	for i := len(r.stack) - 1; i >= 0; i-- {
		if s := r.stack[i].sink; s != nil && s.report != nil {
			return s.report
		}
	}
	return nil
}

// search looks for dumps in a string.
func (r *Reader) search(s string) {
	rep := r.current()
	if rep == nil || !mayHoldDump(s) {
		return
	}
	if r.texts == maxTexts {
		r.left++
		return
	}
	r.texts++
	in := text.NewReader(strings.NewReader(s), text.Options{Name: r.opts.Name + "!" + r.path()})
	for {
		snap, err := in.Next()
		if err != nil { // the end: memory does not fail
			return
		}
		snap.Source.Carrier = "ktstr+" + snap.Source.Carrier
		if rep.add(snap) {
			r.release(rep)
		}
	}
}

// release passes on the dumps that a reading holds.
func (r *Reader) release(rep *report) {
	rep.fill()
	for _, s := range rep.texts {
		r.ready = append(r.ready, r.account(s, rep))
	}
	rep.texts, rep.held = nil, 0
}

// account notes in the ledger of a snapshot what of the document is missing.
func (r *Reader) account(s *dump.Snapshot, rep *report) *dump.Snapshot {
	if rep.damage != "" {
		s.Ledger.Truncated = true
		s.Ledger.Note(rep.damage)
	}
	if r.in.cut > 0 {
		s.Ledger.Note("strings of the document are longer than the reader's limit of 16 MiB")
	}
	if r.left > 0 {
		s.Ledger.Note(fmt.Sprintf("the document has more than %d texts: the rest was not searched for dumps", maxTexts))
	}
	return s
}

// dumpWords are the words of which a text with a dump or a verdict has one.
var dumpWords = []string{"exit kind ", "sched_ext", "EXIT: ", "SCX_EV_", "scx_state/flags=", "Debug dump triggered by ", "flags=0x"}

// mayHoldDump reports whether a string is worth a search: it has several lines,
// and a word of a dump.
func mayHoldDump(s string) bool {
	if !strings.Contains(s, "\n") {
		return false
	}
	for _, w := range dumpWords {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// path is the way to the present value from the top of the document,
// "/late/maps/3/error".
func (r *Reader) path() string {
	var b strings.Builder
	for i := range r.stack {
		b.WriteByte('/')
		if f := &r.stack[i]; f.array {
			b.WriteString(strconv.Itoa(f.index))
		} else {
			b.WriteString(f.key)
		}
	}
	return b.String()
}

// clip cuts a string to n bytes at most, between characters. The result keeps
// nothing of a longer one in memory.
func clip(s string, n int) string {
	if len(s) <= n {
		return strings.Clone(s)
	}
	return strings.Clone(strings.ToValidUTF8(s[:n], ""))
}
