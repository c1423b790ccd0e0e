// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"bytes"
)

// Line is one physical line of a log.
type Line struct {
	Text []byte // without the newline
	// Src is the number of the line of the dump that this line carries,
	// counted from 0; -1 if it carries none.
	Src int
	// Damaged is set if part of the dump's line did not survive, or if what
	// is left cannot be trusted.
	Damaged bool
	// Continued is set if the line goes on with the one before it: a comm or a
	// message had a newline in it.
	Continued bool
	// Mark is set if the line says that others were left out.
	Mark bool
	// Glued is set if the newline behind the line was lost.
	Glued bool
}

// Text is a log, line by line.
type Text []Line

// Split makes lines of plain text; they carry themselves.
func Split(text []byte) Text {
	var t Text
	for line := range bytes.Lines(text) {
		t = append(t, Line{Text: bytes.TrimSuffix(line, []byte("\n")), Src: len(t)})
	}
	return t
}

// Lines is the text of the dump as lines.
func (d *Dump) Lines() Text {
	t := Split(d.Text)
	off := 0
	for i := range t {
		t[i].Continued = d.continued[i]
		end := off + len(t[i].Text)
		switch {
		case d.Cut >= 0 && off >= d.Cut, off >= len(d.full):
			t[i].Src = -1 // the marker, or what stayed behind in the buffer
		case d.Cut >= 0 && end >= d.Cut:
			t[i].Damaged = true
		}
		off = end + 1
	}
	return t
}

// Bytes is the log as it stands in a file.
func (t Text) Bytes() []byte {
	var b []byte
	for _, l := range t {
		b = append(b, l.Text...)
		if !l.Glued {
			b = append(b, '\n')
		}
	}
	return b
}

// leftOut says of each line of the dump whether a mark stands between it and
// the one before it.
func (t Text) leftOut() map[int]bool {
	left := make(map[int]bool)
	last, marked := -1, false
	for _, l := range t {
		switch {
		case l.Mark:
			marked = true
		case l.Src >= 0:
			if marked {
				left[max(last, l.Src)] = true // they may come newest first
			}
			last, marked = l.Src, false
		}
	}
	return left
}

// Arrived are the lines of the dump that the log has and that are whole.
func (t Text) Arrived() map[int]bool {
	whole := make(map[int]bool, len(t))
	for _, l := range t {
		if l.Src >= 0 && !l.Damaged {
			whole[l.Src] = true
		}
	}
	return whole
}

// noise makes lines that carry nothing of the dump.
func noise(lines ...string) Text {
	t := make(Text, len(lines))
	for i, l := range lines {
		t[i] = Line{Text: []byte(l), Src: -1}
	}
	return t
}

// mapLines applies f to each line.
func (t Text) mapLines(f func(l Line) Line) Text {
	out := make(Text, len(t))
	for i, l := range t {
		out[i] = f(l)
	}
	return out
}

// prefixed puts a prefix before each line.
func (t Text) prefixed(prefix func() string) Text {
	return t.mapLines(func(l Line) Line {
		l.Text = append([]byte(prefix()), l.Text...)
		return l
	})
}
