// SPDX-License-Identifier: GPL-2.0-only

package tui

import "scxdiag/dump"

// writer fills a column of a page.
type writer struct {
	width int // of the text, without the gutter
	label int // columns that labels take
	items []item
}

func newWriter(width int) *writer {
	w := &writer{width: max(width-gutter, 1), label: 16}
	if width < 70 {
		w.label = 13
	}
	return w
}

// put appends an item.
func (w *writer) put(it item) { w.items = append(w.items, it) }

// section starts a section.
func (w *writer) section(title text) {
	if len(w.items) > 0 {
		w.put(item{lines: []line{nil}, head: true})
	}
	w.put(item{lines: []line{{{heading, title}}}, head: true})
}

// para appends a paragraph, wrapped.
func (w *writer) para(l line, link place, at dump.Span) {
	w.put(item{lines: l.wrap(w.width), link: link, at: at})
}

// row appends a line that is clipped where it does not fit.
func (w *writer) row(l line, link place, at dump.Span) {
	w.put(item{lines: []line{l}, link: link, at: at})
}

// field appends a label with its value, wrapped beside the label.
func (w *writer) field(label text, value line, link place, at dump.Span) {
	var lines []line
	for i, l := range value.wrap(w.width - w.label) {
		head := span{plain, spaces(w.label)}
		if i == 0 {
			head = span{muted, label.clip(w.label-1).pad(w.label, false)}
		}
		lines = append(lines, append(line{head}, l...))
	}
	w.put(item{lines: lines, label: label, link: link, at: at})
}

// value appends a field that leads nowhere.
func (w *writer) value(label, value text, at dump.Span) {
	w.field(label, line{{plain, value}}, nowhere, at)
}

// verbatim appends text of the scheduler or of a stack as it stood.
func (w *writer) verbatim(title text, lines []dump.Line) {
	if len(lines) == 0 {
		return
	}
	w.section(title)
	for _, l := range lines {
		w.row(line{{plain, clean(l.Text)}}, nowhere, l.At)
	}
}

// pairs appends fields that this program has no name for.
func (w *writer) pairs(title text, kvs []dump.KV) {
	if len(kvs) == 0 {
		return
	}
	w.section(title)
	for _, kv := range kvs {
		w.field(clean(kv.Key), line{{plain, clean(kv.Value)}}, nowhere, kv.At)
	}
}
