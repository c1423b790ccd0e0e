// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"scxdiag/dump"
)

// labelWidth is how many columns the left one has, with the gap.
const labelWidth = 12

type textWriter struct {
	w     io.Writer
	opts  Options
	buf   bytes.Buffer
	count int
}

// NewText is a Writer of text for people, about a screen for a snapshot,
// without colour.
func NewText(w io.Writer, opts Options) Writer { return &textWriter{w: w, opts: opts} }

func (t *textWriter) Add(s *dump.Snapshot) error {
	t.buf.Reset()
	t.count++
	if t.count > 1 {
		t.buf.WriteByte('\n')
	}
	if t.count > 1 || t.opts.Total > 1 {
		title := "== " + ordinal(t.count, t.opts) + " "
		fmt.Fprintf(&t.buf, "%s%s\n\n", title, strings.Repeat("=", max(0, t.opts.width()-len(title))))
	}
	t.page(newPage(s))
	_, err := t.w.Write(t.buf.Bytes())
	return err
}

// page puts a page into the buffer.
func (t *textWriter) page(p page) {
	t.wrapped(2, p.verdict.text())
	if p.message != "" {
		t.buf.WriteString("  ")
		t.wrapped(2, p.message)
	}
	var findings []row
	for i := range p.findings {
		findings = append(findings, p.findings[i].row())
	}
	blocks := slices.Concat([][]row{p.warning, findings}, p.blocks)
	if len(p.origin) > 0 {
		last := len(blocks) - 1 // it needs no gap
		blocks[last] = append(slices.Clip(blocks[last]), p.origin...)
	}
	for _, block := range blocks {
		if len(block) == 0 {
			continue
		}
		t.buf.WriteByte('\n')
		for i := range block {
			t.row(&block[i])
		}
	}
}

func (t *textWriter) Close() error { return nil }

// ordinal says which snapshot this is: "snapshot 2 of 5", as far as known.
func ordinal(n int, opts Options) string {
	if opts.Total > 0 {
		return fmt.Sprintf("snapshot %d of %d", n, opts.Total)
	}
	return fmt.Sprintf("snapshot %d", n)
}

// row writes a label and behind it, one below the other, its lines.
func (t *textWriter) row(r *row) {
	label := r.label
	if r.sub {
		label = "  " + label
	}
	line := func(s string) {
		fmt.Fprintf(&t.buf, "%-*s", labelWidth, label)
		label = ""
		t.wrapped(labelWidth, s)
	}
	for _, l := range r.lines {
		line(l.text())
	}
	if len(r.code) == 0 {
		return
	}
	end := min(r.skip+r.top, len(r.code))
	for _, c := range r.code[r.skip:end] {
		line(c)
	}
	var left phrase
	if r.skip > 0 {
		left = say(r.skip, " above, ", r.skipped)
	}
	if below := len(r.code) - end; below > 0 {
		left = join("; ", left, say(below, " more below"))
	}
	if len(left) > 0 {
		line("(" + left.text() + ")")
	}
}

// wrapped writes s, which starts in column indent or left of it, and ends the
// line. Further lines start in column indent, so that nothing from a dump
// stands where labels do. It breaks at blanks only: a long name stays whole.
func (t *textWriter) wrapped(indent int, s string) {
	width := t.opts.width() - indent
	for {
		cut := wrapAt(s, width)
		t.buf.WriteString(strings.TrimRight(s[:cut], " "))
		t.buf.WriteByte('\n')
		if s = strings.TrimLeft(s[cut:], " "); s == "" {
			return
		}
		for range indent {
			t.buf.WriteByte(' ')
		}
	}
}

// wrapAt is where to break s so that the first part fits into width, or as
// soon as possible after.
func wrapAt(s string, width int) int {
	if utf8.RuneCountInString(s) <= width {
		return len(s)
	}
	column, last := 0, -1
	for i, r := range s {
		if r == ' ' && strings.TrimLeft(s[:i], " ") != "" {
			last = i
		}
		if column++; column > width && last >= 0 {
			return last
		}
	}
	return len(s)
}
