// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"

	"scxdiag/dump"
)

// tokens walks over the blank-separated key=value tokens of a line.
type tokens struct {
	b   []byte
	pos int
}

// next returns the next token: its key and value, and the index of the value. A
// token without '=' has an empty key.
func (t *tokens) next() (key, val []byte, at int, ok bool) {
	b := t.b
	i := t.pos
	for i < len(b) && isBlank(b[i]) {
		i++
	}
	if i >= len(b) {
		return nil, nil, 0, false
	}
	start := i
	for i < len(b) && b[i] > '=' { // most keys have only letters and '_'
		i++
	}
	for i < len(b) && b[i] != '=' && !isBlank(b[i]) {
		i++
	}
	if i == len(b) || b[i] != '=' {
		t.pos = i
		return nil, b[start:i], start, true
	}
	key = b[start:i]
	i++
	at = i
	for i < len(b) && !isBlank(b[i]) {
		i++
	}
	t.pos = i
	return key, b[at:i], at, true
}

// scanner reads a line of known shape in one go. Once something does not match,
// bad is set and nothing further counts. It is a value, small enough to stay in
// registers.
type scanner struct {
	rest []byte
	bad  bool
}

// lit wants the given text. Up to 8 bytes are compared without a call.
func (s scanner) lit(text string) scanner {
	if len(s.rest) < len(text) || string(s.rest[:len(text)]) != text {
		return scanner{s.rest, true}
	}
	return scanner{s.rest[len(text):], s.bad}
}

// token is a number, and where it stands, counted from the end of the line.
type token struct {
	n        uint64
	from, to int
}

// with is the token together with the text before it.
func (t token) with(before string) token {
	t.from += len(before)
	return t
}

// dec wants a decimal number of at most 19 digits.
func (s scanner) dec() (token, scanner) {
	n, i := uint64(0), 0
	for i < len(s.rest) && isDigit(s.rest[i]) {
		n = n*10 + uint64(s.rest[i]-'0')
		i++
	}
	rest := s.rest[i:]
	return token{n, len(s.rest), len(rest)}, scanner{rest, s.bad || i == 0 || i > 19}
}

// hex wants at most 16 hexadecimal digits.
func (s scanner) hex() (token, scanner) {
	n, i := uint64(0), 0
	for i < len(s.rest) && hexValue[s.rest[i]] < 16 {
		n = n<<4 | uint64(hexValue[s.rest[i]])
		i++
	}
	rest := s.rest[i:]
	return token{n, len(s.rest), len(rest)}, scanner{rest, s.bad || i == 0 || i > 16}
}

// word takes everything up to the next blank.
func (s scanner) word() (token, scanner) {
	i := 0
	for i < len(s.rest) && s.rest[i] != ' ' {
		i++
	}
	rest := s.rest[i:]
	return token{0, len(s.rest), len(rest)}, scanner{rest, s.bad}
}

// whole reports whether all of the line matched.
func (s scanner) whole() bool { return !s.bad && len(s.rest) == 0 }

// hexValue maps lower-case digits to their values and all else to 255.
var hexValue = func() (t [256]byte) {
	for i := range t {
		t[i] = 255
	}
	for i, c := range []byte("0123456789abcdef") {
		t[c] = byte(i)
	}
	return t
}()

// put stores a number that a scanner read from a line that is no cleaned copy.
func put[T ~uint8 | ~uint32 | ~uint64](p *parser, dst *dump.Value[T], t token) {
	dst.V, dst.Known, dst.At = T(t.n), true, p.tokenSpan(t)
}

// parseUint reads a decimal number without sign, all of b.
func parseUint(b []byte) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	for _, c := range b {
		d := uint64(c - '0')
		if d > 9 || n > (1<<64-1)/10 {
			return 0, false
		}
		if n *= 10; n > 1<<64-1-d {
			return 0, false
		}
		n += d
	}
	return n, true
}

// parseInt reads a decimal number with or without a sign, all of b.
func parseInt(b []byte) (int64, bool) {
	neg := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg = b[0] == '-'
		b = b[1:]
	}
	n, ok := parseUint(b)
	switch {
	case !ok:
		return 0, false
	case neg && n <= 1<<63:
		return -int64(n), true //nolint:gosec // checked
	case n < 1<<63:
		return int64(n), true //nolint:gosec // checked
	}
	return 0, false
}

// parseHex reads hexadecimal digits without prefix, all of b.
func parseHex(b []byte) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > 16 {
		return 0, false
	}
	for _, c := range b {
		switch {
		case isDigit(c):
			c -= '0'
		case c|0x20-'a' < 6:
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		n = n<<4 | uint64(c)
	}
	return n, true
}

// trusted reports whether bytes at..at+n of the present line can be believed:
// not the last token of a line whose end is missing.
func (p *parser) trusted(at, n int) bool { return !p.ln.cut || at+n < len(p.cur) }

// setUint reads a decimal value.
func setUint[T ~uint8 | ~uint32 | ~uint64](p *parser, dst *dump.Value[T], field string, val []byte, at int) {
	n, ok := parseUint(val)
	setNum(p, dst, field, val, at, T(n), ok && uint64(T(n)) == n)
}

// setInt reads a signed decimal value.
func setInt[T ~int32 | ~int64](p *parser, dst *dump.Value[T], field string, val []byte, at int) {
	n, ok := parseInt(val)
	setNum(p, dst, field, val, at, T(n), ok && int64(T(n)) == n)
}

// setHex reads a hexadecimal value, with "0x" or without.
func setHex[T ~uint32 | ~uint64](p *parser, dst *dump.Value[T], field string, val []byte, at int) {
	n, ok := parseHex(bytes.TrimPrefix(val, []byte("0x")))
	setNum(p, dst, field, val, at, T(n), ok && uint64(T(n)) == n)
}

// setBool reads 0 or 1.
func setBool(p *parser, dst *dump.Value[bool], field string, val []byte, at int) {
	setNum(p, dst, field, val, at, len(val) == 1 && val[0] == '1', len(val) == 1 && (val[0] == '0' || val[0] == '1'))
}

// setMask reads a mask in hexadecimal groups.
func setMask(p *parser, dst *dump.Value[dump.CPUMask], field string, val []byte, at int) {
	ok := p.readMask(val)
	setNum(p, dst, field, val, at, p.lastMask.mask, ok)
}

// readMask reads a mask in hexadecimal groups into lastMask, unless it is there
// already: most tasks of a dump may run on the same CPUs.
func (p *parser) readMask(text []byte) bool {
	last := &p.lastMask
	if len(text) > 0 && bytes.Equal(text, last.text) {
		return true
	}
	m, _, err := dump.ParseMaskHex(text)
	if err != nil {
		return false
	}
	last.text, last.mask = append(last.text[:0], text...), m
	return true
}

// setNum stores a value that was read well and can be trusted.
func setNum[T any](p *parser, dst *dump.Value[T], field string, val []byte, at int, v T, ok bool) {
	if !ok || !p.trusted(at, len(val)) {
		p.distrust(field, val, at)
		return
	}
	dst.V, dst.Known, dst.At = v, true, p.span(at, len(val))
}

// kv is the token as it stands.
func (p *parser) kv(key, val []byte, at int) dump.KV {
	k := ""
	if len(key) > 0 {
		k = p.str(at-1-len(key), len(key))
	}
	return dump.KV{Key: k, Value: p.str(at, len(val)), At: p.span(at, len(val))}
}

// keep stores a token that the parser has no field for, unless it is cut.
func (p *parser) keep(to *[]dump.KV, key, val []byte, at int) {
	if !p.trusted(at, len(val)) {
		p.distrust(string(key), val, at)
		return
	}
	p.addKV(to, p.kv(key, val, at))
}

// taskRef reads "comm[pid]" from bytes from..to of the present line: the last
// brackets count, since a comm may hold some itself.
func (p *parser) taskRef(from, to int) (dump.TaskRef, bool) {
	b := p.cur[from:to]
	open := len(b) - 2
	for open >= 0 && b[open] != '[' {
		open--
	}
	if open < 0 || b[len(b)-1] != ']' {
		return dump.TaskRef{}, false
	}
	pid, ok := parseInt(b[open+1 : len(b)-1])
	if !ok || pid < -1 || pid > 1<<31-1 {
		return dump.TaskRef{}, false
	}
	return dump.TaskRef{Comm: p.str(from, open), PID: int32(pid)}, true
}
