// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// style is what a piece of text means; the look of each is in setting.colours.
type style uint8

const (
	plain    style = iota
	heading        // title of a section or of a column
	muted          // labels and what is there for completeness
	name           // a task, a CPU, a cell: what can be opened
	good           // as it should be
	warning        // incomplete, or worth a look
	bad            // what failed
	higher         // a class above sched_ext has the CPU
	key            // a key to press
	tab            // the view that is shown
	selected       // the line with the cursor
	marked         // lines of the source that belong to the selection
	match          // what the search found
	changed        // not as in the marked snapshot
	// The looks of cells: that of cell n is at n modulo their number.
	cell0
	cell1
	cell2
	cell3
	cell4
	cell5
	cell6
	cell7
	nrStyles
)

// styleNames is how a configuration names the styles. That of plain text is the
// terminal's.
var styleNames = [nrStyles]string{
	heading: "heading", muted: "muted", name: "name", good: "good", warning: "warning", bad: "bad", higher: "higher", key: "key", tab: "tab",
	selected: "selected", marked: "marked", match: "match", changed: "changed",
	cell0: "cell-0", cell1: "cell-1", cell2: "cell-2", cell3: "cell-3", cell4: "cell-4", cell5: "cell-5", cell6: "cell-6", cell7: "cell-7",
}

// styles holds the look of each style, on a line that has none of its own and
// on the line with the cursor.
type styles struct {
	onPlain, onSelected [nrStyles]look
	noColor             bool
	ascii               bool // nothing but ASCII is written
}

// newStyles makes the table for a terminal of which nothing is known.
func newStyles(noColor bool) *styles { return (&setting{noColor: noColor}).styles() }

// styles makes the table.
func (s *setting) styles() *styles {
	t := &styles{noColor: s.noColor, ascii: s.ascii}
	if s.noColor {
		return t
	}
	// A piece is one line and as wide as it is.
	base := lipgloss.NewStyle().Inline(true).TabWidth(lipgloss.NoTabConversion)
	var looks [nrStyles]lipgloss.Style
	for piece, l := range s.colours() {
		looks[piece] = l.over(base)
	}
	for piece := range looks {
		t.onPlain[piece], t.onSelected[piece] = lookOf(looks[piece]), lookOf(looks[piece].Inherit(looks[selected]))
	}
	return t
}

// cellStyle is the style of a cell; those of some distance share one.
func cellStyle(id int32) style {
	const n = uint32(cell7-cell0) + 1
	return cell0 + style(uint32(id)%n) //nolint:gosec // below n
}

// look is what stands around a piece of a style.
type look struct{ before, after string }

// lookOf asks once: a screen has thousands of pieces.
func lookOf(s lipgloss.Style) look {
	const piece = "x"
	before, after, _ := strings.Cut(s.Render(piece), piece)
	return look{before, after}
}

// write appends t in the style on to b, on top of the style of its line, which
// is plain or selected.
func (s *styles) write(b *strings.Builder, base, on style, t text) {
	written := string(t)
	if s.ascii {
		written = asciiOnly(written)
	}
	looks := &s.onPlain
	if base == selected {
		looks = &s.onSelected
	}
	if s.noColor || base == plain && on == plain || t == "" {
		b.WriteString(written)
		return
	}
	b.WriteString(looks[on].before)
	b.WriteString(written)
	b.WriteString(looks[on].after)
}
