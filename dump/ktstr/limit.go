// SPDX-License-Identifier: GPL-2.0-only

package ktstr

import (
	"errors"
	"io"
)

const (
	maxString  = 16 << 20 // bytes of a string as it stands in the document; what is beyond is left out
	maxLiteral = 64       // bytes of a number; ktstr's have 25 at most
)

// errLiteral is reported for a number that is longer than any.
var errLiteral = errors.New("a number is longer than 64 bytes")

// place is what a byte of JSON is part of.
type place uint8

const (
	blank   place = iota // between tokens
	mark                 // one of {}[]:,
	literal              // a number, true, false or null
	inText               // a string, its quotes included
)

// scanner tells which token each byte of JSON is part of.
type scanner struct {
	text   bool // in a string
	escape int  // bytes that an escape sequence still has, in a string
}

// next takes the next byte.
func (s *scanner) next(c byte) place {
	switch {
	case !s.text:
		switch c {
		case ' ', '\t', '\r', '\n':
			return blank
		case '{', '}', '[', ']', ':', ',':
			return mark
		case '"':
			s.text = true
			return inText
		}
		return literal
	case s.escape == 1 && c == 'u':
		s.escape = 4
	case s.escape > 0:
		s.escape--
	case c == '\\':
		s.escape = 1
	case c == '"':
		s.text = false
	}
	return inText
}

// limiter passes JSON on with its tokens cut to a length that is safe to
// decode: the decoder holds each of them whole.
type limiter struct {
	src  io.Reader
	scan scanner
	run  int   // length of the present string or literal
	gap  bool  // the last byte passed on was a blank
	skip bool  // the rest of the string is left out
	cut  int   // strings that were cut
	read int64 // bytes of src
	err  error // of src, nil at its end
}

// Read reads at least one byte, or returns an error.
func (l *limiter) Read(p []byte) (int, error) {
	for idle := 0; idle < 100; idle++ {
		n, err := l.src.Read(p)
		if l.read += int64(n); n > 0 {
			idle = 0
		}
		kept, tooLong := l.filter(p[:n])
		switch {
		case tooLong != nil:
			return kept, tooLong
		case err != nil:
			if !errors.Is(err, io.EOF) {
				l.err = err
			}
			return kept, err
		case kept > 0 || len(p) == 0:
			return kept, nil
		}
	}
	l.err = io.ErrNoProgress
	return 0, l.err
}

// filter keeps in p what is passed on, and returns how many bytes that are.
func (l *limiter) filter(p []byte) (int, error) {
	kept := 0
	for _, c := range p {
		whole := l.scan.escape == 0 // no escape sequence is torn here
		opens := !l.scan.text
		at := l.scan.next(c)
		pass := true
		switch at {
		case blank:
			pass = !l.gap
			l.run = 0
		case mark:
			l.run = 0
		case literal:
			if l.run++; l.run > maxLiteral {
				return kept, errLiteral
			}
		case inText:
			if opens {
				l.run, l.skip = 0, false
			}
			l.run++
			if l.run > maxString && whole && l.scan.text && !l.skip {
				l.skip = true
				l.cut++
			}
			pass = !l.skip || !l.scan.text
		}
		if pass {
			p[kept] = c
			kept++
			l.gap = at == blank
		}
	}
	return kept, nil
}
