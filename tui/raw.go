// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"

	"scxdiag/dump"
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
	x *index // of the snapshot whose text it is

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
func (r *raw) show(of selection) {
	r.of, r.found, r.left = of, -1, 0
	if !of.at.IsZero() {
		r.reveal(r.x.lineAt(of.at.Off))
	}
}

// reveal scrolls line i into view, with some of what is above it.
func (r *raw) reveal(i int) {
	if i < r.top || i >= r.top+r.height {
		r.top = i - r.height/3
	}
}

// layout keeps the scroll position within the text.
func (r *raw) layout(_, height int) {
	r.height = max(height-1, 1)
	r.top = max(0, min(r.top, len(r.x.lineStarts())-r.height))
	r.left = max(0, min(r.left, maxRawLine))
}

// search looks for the query from offset from on, forwards or backwards, and
// wraps around at the ends. Capital letters in the query make it sensitive to
// case.
func (r *raw) search(from int, forward bool) bool {
	r.found, r.wrapped = -1, false
	hay, q := r.x.s.Raw, r.query
	if q == "" {
		return true
	}
	if lowerASCII(q) == q {
		hay = r.x.lowered()
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
	r.reveal(r.x.lineAt(uint32(at))) //nolint:gosec // an offset in Raw
	return true
}

// again goes to the next or the previous match.
func (r *raw) again(forward bool) bool {
	from := 0
	starts := r.x.lineStarts()
	switch {
	case r.found >= 0 && forward:
		from = r.found + 1
	case r.found >= 0:
		from = r.found + len(r.query) - 1
	case r.top < len(starts):
		from = int(starts[r.top])
	}
	return r.search(from, forward)
}

// column moves the visible part so that a match far to the right is seen.
func (r *raw) column(width int) {
	if r.found < 0 {
		return
	}
	i := r.x.lineAt(uint32(r.found)) //nolint:gosec // an offset in Raw
	before := r.x.s.Raw[r.x.lineStarts()[i]:r.found]
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
func (r *raw) numbers() int {
	return number(r.x.firstLine() + len(r.x.lineStarts())).width()
}

// firstLine is the number of the first line of Raw in the source.
func (x *index) firstLine() int { return max(x.s.Source.Line, 1) }

// Render gives the visible lines.
func (r *raw) Render(st *styles, width, height int) []string {
	starts := r.x.lineStarts()
	if len(starts) == 0 {
		return []string{line{{muted, "  This snapshot has no source text: it was not read from a log."}}.render(st, plain, width)}
	}
	out := []string{r.status().render(st, plain, width)}
	first, last := -1, -1
	if at := r.of.at; !at.IsZero() {
		first, last = r.x.lineAt(at.Off), r.x.lineAt(max(at.End(), at.Off+1)-1)
	}
	found := -1
	if r.found >= 0 {
		found = r.x.lineAt(uint32(r.found)) //nolint:gosec // an offset in Raw
	}
	nw := r.numbers()
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
		row.add(muted, number(r.x.firstLine()+i).pad(nw, true)+" ")
		row = append(row, r.content(i, on).cut(r.left, room+1).clip(room)...)
		out = append(out, row.render(st, plain, width))
	}
	return out
}

func (r *raw) status() line {
	starts := r.x.lineStarts()
	from := r.x.firstLine() + r.top
	to := r.x.firstLine() + min(r.top+r.height, len(starts)) - 1
	l := line{{plain, "  lines " + number(from) + "-" + number(to) + " of " + sourceName(r.x.s)}}
	if len(starts) > 0 {
		l.add(muted, ", the dump ends at "+number(r.x.firstLine()+len(starts)-1))
	}
	if r.of.place != nowhere && r.of.at.IsZero() {
		l.add(warning, ", "+r.of.place.title()+" has no line of its own")
	}
	return l
}

// content is line i with the matches of the search picked out.
func (r *raw) content(i int, on style) line {
	s := r.x.lineText(i)
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
func (r *raw) firstOffset() int {
	if starts := r.x.lineStarts(); r.top < len(starts) {
		return int(starts[r.top])
	}
	return 0
}

// move scrolls, for there is no cursor.
func (r *raw) move(to motion) {
	switch to {
	case moveUp:
		r.top--
	case moveDown:
		r.top++
	case movePageUp:
		r.top -= r.height
	case movePageDown:
		r.top += r.height
	case moveFirst:
		r.top = 0
	case moveLast:
		r.top = len(r.x.lineStarts())
	case moveLeft:
		r.left -= tabWidth
	case moveRight:
		r.left += tabWidth
	}
}

func (r *raw) sideways() bool       { return true }
func (r *raw) selection() selection { return r.of }
func (r *raw) position() text       { return "" } // its first line tells

// thing is what the match is of, or what is marked if that is on the screen, or else
// what the first lines shown are of.
func (r *raw) thing() place {
	if r.found >= 0 {
		return r.x.placeAt(uint32(r.found)) //nolint:gosec // an offset in Raw
	}
	if at := r.of.at; !at.IsZero() {
		if i := r.x.lineAt(at.Off); i >= r.top && i < r.top+r.height {
			return r.of.place
		}
	}
	return r.x.placeAt(uint32(r.firstOffset())) //nolint:gosec // an offset in Raw
}

// placeAt is what a byte of the source is of: of several things the one with the
// fewest bytes, nowhere if it is of none.
func (x *index) placeAt(off uint32) place {
	best, size := nowhere, ^uint32(0)
	look := func(at dump.Span, p func() place) {
		if off >= at.Off && off < at.End() && at.Len < size {
			best, size = p(), at.Len
		}
	}
	for i := range x.s.Tasks {
		look(x.s.Tasks[i].At, func() place { return x.placeOfTask(i) })
	}
	for i := range x.s.CPUs {
		look(x.s.CPUs[i].At, func() place { return placeOfCPU(x.s.CPUs[i].ID) })
	}
	for i := range x.s.Cells {
		look(x.s.Cells[i].At, func() place { return placeOfCell(x.s.Cells[i].ID) })
	}
	for i := range x.queues {
		if t := x.queues[i].text; t != nil {
			look(t.At, func() place { return x.placeOfQueue(i) })
		}
	}
	return best
}

// click marks the lines of what a line is of.
func (r *raw) click(_, y int) clicked {
	starts := r.x.lineStarts()
	i := r.top + y - 1 // below the status
	if y < 1 || i >= len(starts) {
		return clickNothing
	}
	p := r.x.placeAt(starts[i])
	switch {
	case p == nowhere:
		return clickNothing
	case p == r.of.place && r.found < 0:
		return clickOpens
	}
	r.of, r.found = selection{p, r.x.span(p)}, -1
	return clickSelects
}
