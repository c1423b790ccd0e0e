// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"
)

const (
	// maxRawLine is how much of one line of the source is shown. A log can
	// have lines of many megabytes.
	maxRawLine = 16 << 10
	tabWidth   = 8
)

// raw shows the text that a snapshot was read from, with the lines of the
// selection marked.
type raw struct {
	top    int // first line shown
	left   int // columns scrolled to the right
	height int // lines shown, when it was last laid out

	of selection // its lines are marked

	query   string
	found   int // offset in Raw of the match that was found last, -1 if none
	origin  int // offset from which an incremental search starts
	wrapped bool
}

// show marks a selection and scrolls to it.
func (r *raw) show(x *index, of selection) {
	r.of, r.found, r.left = of, -1, 0
	if !of.at.IsZero() {
		r.reveal(x.lineAt(of.at.Off))
	}
}

// reveal scrolls line i into view, with some of what is above it.
func (r *raw) reveal(i int) {
	if i < r.top || i >= r.top+r.height {
		r.top = i - r.height/3
	}
}

// layout keeps the scroll position within the text.
func (r *raw) layout(x *index) {
	r.top = max(0, min(r.top, len(x.lineStarts())-r.height))
	r.left = max(0, min(r.left, maxRawLine))
}

// search looks for the query from offset from on, forwards or backwards, and
// wraps around at the ends. Capital letters in the query make it sensitive to
// case.
func (r *raw) search(x *index, from int, forward bool) bool {
	r.found, r.wrapped = -1, false
	hay, q := x.s.Raw, r.query
	if q == "" {
		return true
	}
	if lowerASCII(q) == q {
		hay = x.lowered()
	}
	from = max(0, min(from, len(hay)))
	var at int
	if forward {
		if at = strings.Index(hay[from:], q); at >= 0 {
			at += from
		} else {
			at, r.wrapped = strings.Index(hay, q), true
		}
	} else if at = strings.LastIndex(hay[:from], q); at < 0 {
		at, r.wrapped = strings.LastIndex(hay, q), true
	}
	if at < 0 {
		r.wrapped = false
		return false
	}
	r.found = at
	r.reveal(x.lineAt(uint32(at))) //nolint:gosec // an offset in Raw
	return true
}

// again goes to the next or the previous match.
func (r *raw) again(x *index, forward bool) bool {
	from := 0
	starts := x.lineStarts()
	switch {
	case r.found >= 0 && forward:
		from = r.found + 1
	case r.found >= 0:
		from = r.found + len(r.query) - 1
	case r.top < len(starts):
		from = int(starts[r.top])
	}
	return r.search(x, from, forward)
}

// column moves the visible part so that a match far to the right is seen.
func (r *raw) column(x *index, width int) {
	if r.found < 0 {
		return
	}
	i := x.lineAt(uint32(r.found)) //nolint:gosec // an offset in Raw
	before := x.s.Raw[x.lineStarts()[i]:r.found]
	if len(before) > maxRawLine {
		return
	}
	var e expander
	e.add(plain, before)
	at := e.col
	if at < r.left || at+len(r.query) > r.left+width {
		r.left = max(0, at-width/2)
	}
}

// numbers is how many columns the line numbers take.
func numbers(x *index) int {
	return number(x.firstLine() + len(x.lineStarts())).width()
}

// firstLine is the number of the first line of Raw in the source.
func (x *index) firstLine() int { return max(x.s.Source.Line, 1) }

// Render gives the visible lines.
func (r *raw) Render(x *index, st *styles, width, height int) []string {
	starts := x.lineStarts()
	if len(starts) == 0 {
		return []string{line{{muted, "  This snapshot has no source text: it was not read from a log."}}.render(st, plain, width)}
	}
	out := []string{r.status(x).render(st, plain, width)}
	first, last := -1, -1
	if at := r.of.at; !at.IsZero() {
		first, last = x.lineAt(at.Off), x.lineAt(max(at.End(), at.Off+1)-1)
	}
	found := -1
	if r.found >= 0 {
		found = x.lineAt(uint32(r.found)) //nolint:gosec // an offset in Raw
	}
	nw := numbers(x)
	room := max(width-nw-3, 1)
	for i := r.top; i < len(starts) && len(out) < height; i++ {
		on, mark, slash := plain, text(" "), text(" ")
		if i >= first && i <= last {
			on, mark = marked, ">"
		}
		if i == found {
			slash = "/"
		}
		row := line{{on, mark}, {key, slash}}
		row.add(muted, number(x.firstLine()+i).pad(nw, true)+" ")
		row = append(row, r.content(x, i, on).cut(r.left, room+1).clip(room)...)
		out = append(out, row.render(st, plain, width))
	}
	return out
}

func (r *raw) status(x *index) line {
	starts := x.lineStarts()
	from := x.firstLine() + r.top
	to := x.firstLine() + min(r.top+r.height, len(starts)) - 1
	l := line{{plain, "  lines " + number(from) + "-" + number(to) + " of " + sourceName(x.s)}}
	if len(starts) > 0 {
		l.add(muted, ", the dump ends at "+number(x.firstLine()+len(starts)-1))
	}
	if r.of.place != nowhere && r.of.at.IsZero() {
		l.add(warning, ", "+r.of.place.title()+" has no line of its own")
	}
	return l
}

// content is line i with the matches of the search picked out.
func (r *raw) content(x *index, i int, on style) line {
	s := x.lineText(i)
	more := 0
	if len(s) > maxRawLine {
		s, more = s[:maxRawLine], len(s)-maxRawLine
	}
	var e expander
	if r.query != "" {
		hay := s
		if lowerASCII(r.query) == r.query {
			hay = lowerASCII(s)
		}
		for {
			k := strings.Index(hay, r.query)
			if k < 0 {
				break
			}
			e.add(on, s[:k])
			e.add(match, s[k:k+len(r.query)])
			s, hay = s[k+len(r.query):], hay[k+len(r.query):]
		}
	}
	e.add(on, s)
	if more > 0 {
		e.line.add(warning, " … "+number(more)+" more bytes")
	}
	return e.line
}

// expander makes a line of the source into one of the screen, with its tabs as
// spaces.
type expander struct {
	line line
	col  int
}

func (e *expander) add(on style, s string) {
	for s != "" {
		part, rest, tab := strings.Cut(s, "\t")
		t := clean(part)
		e.col += t.width()
		if tab {
			fill := tabWidth - e.col%tabWidth
			t += spaces(fill)
			e.col += fill
		}
		e.line.add(on, t)
		s = rest
	}
}

// firstOffset is where in Raw the visible part starts.
func (r *raw) firstOffset(x *index) int {
	if starts := x.lineStarts(); r.top < len(starts) {
		return int(starts[r.top])
	}
	return 0
}
