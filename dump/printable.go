// SPDX-License-Identifier: GPL-2.0-only

package dump

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable makes text from a source fit for a terminal or a document on one
// line: every control character, every byte that is not UTF-8, and every
// character that would be invisible or reorder its neighbours is replaced by
// its escape in Go's notation (\x1b, \n, \u202e). A comm may hold any of them.
func Printable(s string) string {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return escape(s, i)
		}
	}
	return s
}

// escape does the work of Printable; the first clean bytes need no look.
func escape(s string, clean int) string {
	var b strings.Builder
	b.Grow(len(s) + 8)
	b.WriteString(s[:clean])
	for i := clean; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n <= 1:
			b.WriteString(`\x` + hexByte(s[i]))
		case unicode.IsPrint(r):
			b.WriteString(s[i : i+n])
		default:
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		}
		i += n
	}
	return b.String()
}

func hexByte(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}

// Cut cuts text to a number of bytes, between two characters.
func Cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return strings.Clone(s[:most])
}
