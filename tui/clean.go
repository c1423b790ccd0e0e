// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"scxdiag/dump"
)

// text is a string that is fit for the screen: one line, nothing in it that a
// terminal would act on. Constants become text by themselves; everything else
// has to pass through the functions of this file, which no other file may
// bypass with a conversion (a test looks).
type text string

const ellipsis text = "…"

// clean makes a string from a dump, or from the user, fit for the screen.
func clean(s string) text {
	p := dump.Printable(s)
	if isASCII(p) {
		return text(p)
	}
	// Terminals disagree about the width of text in which characters join
	// into one (flags, variation selectors): a line with it may not end
	// where this program thinks. Such text is shown in escapes.
	if ansi.StringWidth(p) != ansi.StringWidthWc(p) {
		return escapeAll(p)
	}
	return text(p)
}

// textf formats and cleans.
func textf(format string, args ...any) text { return clean(fmt.Sprintf(format, args...)) }

// number is a decimal number.
func number[T int | int32 | int64 | uint8 | uint32 | uint64](n T) text {
	if n < 0 {
		return text(strconv.FormatInt(int64(n), 10))
	}
	return text(strconv.FormatUint(uint64(n), 10))
}

// hex is a number as the kernel prints flags, with 0x.
func hex[T uint32 | uint64](n T) text { return text("0x" + strconv.FormatUint(uint64(n), 16)) }

// join puts a separator between texts.
func join(parts []text, sep text) text {
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteString(string(sep))
		}
		b.WriteString(string(p))
	}
	return text(b.String())
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func escapeAll(s string) text {
	var b strings.Builder
	for _, r := range s {
		if r < 0x80 {
			b.WriteRune(r)
			continue
		}
		q := strconv.QuoteRuneToASCII(r)
		b.WriteString(q[1 : len(q)-1])
	}
	return text(b.String())
}

// width is the number of columns that t takes on the screen.
func (t text) width() int {
	if isASCII(string(t)) {
		return len(t)
	}
	return ansi.StringWidth(string(t))
}

// clip shortens t to at most n columns; the ellipsis shows that it did.
func (t text) clip(n int) text {
	if n <= 0 {
		return ""
	}
	if t.width() <= n {
		return t
	}
	return text(ansi.Truncate(string(t), n, string(ellipsis)))
}

// clipLeft shortens t to at most n columns and keeps its end, as fits a path.
func (t text) clipLeft(n int) text {
	w := t.width()
	if n <= 0 {
		return ""
	}
	if w <= n {
		return t
	}
	return ellipsis + t.skip(w-n+1)
}

// skip drops the first n columns. A wide character that begins before column n
// and ends behind it leaves a space.
func (t text) skip(n int) text {
	if n <= 0 {
		return t
	}
	w := t.width()
	if w <= n {
		return ""
	}
	if isASCII(string(t)) {
		return t[n:]
	}
	rest := text(ansi.TruncateLeft(string(t), n, ""))
	if rest.width() > w-n { // it kept the wide character at n
		rest = text(ansi.TruncateLeft(string(t), n+1, ""))
	}
	return spaces(w-n-rest.width()) + rest
}

// take is the first n columns of t, without an ellipsis.
func (t text) take(n int) text {
	if isASCII(string(t)) {
		return t[:max(0, min(n, len(t)))]
	}
	return text(ansi.Truncate(string(t), max(n, 0), ""))
}

// pad fills t up to n columns with spaces, on its left if right is set.
func (t text) pad(n int, right bool) text {
	fill := spaces(n - t.width())
	if right {
		return fill + t
	}
	return t + fill
}

func spaces(n int) text { return repeat(" ", n) }

// repeat is t n times.
func repeat(t text, n int) text { return text(strings.Repeat(string(t), max(n, 0))) }
