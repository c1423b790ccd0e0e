// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// span is a piece of a line in one style.
type span struct {
	style style
	text  text
}

// line is one line of the screen, not yet clipped to its width.
type line []span

func (l line) width() int {
	n := 0
	for _, s := range l {
		n += s.text.width()
	}
	return n
}

// add appends a piece.
func (l *line) add(on style, t text) {
	if t != "" {
		*l = append(*l, span{on, t})
	}
}

// list appends a piece, with a comma before it unless it is the first.
func (l *line) list(on style, t text) {
	if len(*l) > 0 {
		l.add(plain, ", ")
	}
	l.add(on, t)
}

// cut is the part of l from column from, at most n columns wide.
func (l line) cut(from, n int) line {
	var out line
	for _, s := range l {
		w := s.text.width()
		if from >= w {
			from -= w
			continue
		}
		t := s.text.skip(from)
		from = 0
		if w = t.width(); w > n {
			out.add(s.style, t.take(n))
			return out
		}
		n -= w
		out.add(s.style, t)
	}
	return out
}

// clip shortens l to at most n columns; an ellipsis shows that it did.
func (l line) clip(n int) line {
	if l.width() <= n {
		return l
	}
	if n <= 0 {
		return nil
	}
	short := l.cut(0, n-1)
	on := plain
	if len(short) > 0 {
		on = short[len(short)-1].style
	}
	return append(short[:len(short):len(short)], span{on, ellipsis})
}

// render is l as it goes to the terminal, clipped to n columns. A line with a
// style of its own is filled up to n.
func (l line) render(st *styles, base style, n int) string {
	l = l.clip(n)
	var b strings.Builder
	for _, s := range l {
		st.write(&b, base, s.style, s.text)
	}
	if base != plain {
		st.write(&b, base, plain, spaces(n-l.width()))
	}
	return b.String()
}

// wrap breaks l into lines of at most n columns, at spaces where it can.
func (l line) wrap(n int) []line {
	n = max(n, 1)
	if l.width() <= n {
		return []line{l}
	}
	var out []line
	var now line
	used := 0
	flush := func() {
		out = append(out, now)
		now, used = nil, 0
	}
	for _, s := range l {
		for rest := string(s.text); rest != ""; {
			// A word and the spaces that follow it stay together.
			end := strings.IndexByte(rest, ' ')
			if end < 0 {
				end = len(rest)
			}
			gap := end
			for gap < len(rest) && rest[gap] == ' ' {
				gap++
			}
			word, space := s.text[len(s.text)-len(rest):][:end], s.text[len(s.text)-len(rest):][end:gap]
			rest = rest[gap:]
			if w := word.width(); used > 0 && used+w > n {
				flush()
			}
			for word.width() > n { // no space to break at
				part := word.take(n)
				if part == "" { // a wide character in a single column
					part = "?"
					word = word.skip(2)
				} else {
					word = word.skip(part.width())
				}
				now.add(s.style, part)
				flush()
			}
			now.add(s.style, word)
			used += word.width()
			if used > 0 && used < n {
				space = space.take(n - used)
				now.add(s.style, space)
				used += space.width()
			}
		}
	}
	if len(now) > 0 || len(out) == 0 {
		flush()
	}
	return out
}

// screenWidth is the width of a rendered line.
func screenWidth(s string) int { return ansi.StringWidth(s) }
