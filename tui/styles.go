// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// style is what a piece of text means; the look of each is in newStyles.
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
	nrStyles
)

// styles holds the look of each style, on a line that has none of its own and
// on the line with the cursor.
type styles struct {
	onPlain, onSelected [nrStyles]lipgloss.Style
	noColor             bool
}

// newStyles makes the table. It uses the 16 colours that users choose
// themselves, so that it fits light and dark terminals without asking the
// terminal for its background.
func newStyles(noColor bool) *styles {
	s := &styles{noColor: noColor}
	if noColor {
		return s
	}
	// A piece is one line and as wide as it is.
	base := lipgloss.NewStyle().Inline(true).TabWidth(lipgloss.NoTabConversion)
	s.onPlain = [nrStyles]lipgloss.Style{
		plain:    base,
		heading:  base.Bold(true),
		muted:    base.Faint(true),
		name:     base.Foreground(lipgloss.Cyan),
		good:     base.Foreground(lipgloss.Green),
		warning:  base.Foreground(lipgloss.Yellow),
		bad:      base.Bold(true).Foreground(lipgloss.Red),
		higher:   base.Bold(true).Foreground(lipgloss.Magenta),
		key:      base.Bold(true),
		tab:      base.Bold(true).Underline(true),
		selected: base.Reverse(true),
		marked:   base.Foreground(lipgloss.Yellow),
		match:    base.Bold(true).Reverse(true),
		changed:  base.Bold(true).Foreground(lipgloss.Blue),
	}
	for piece := range s.onPlain {
		s.onSelected[piece] = s.onPlain[piece].Inherit(s.onPlain[selected])
	}
	return s
}

// write appends t in the style on to b, on top of the style of its line, which
// is plain or selected.
func (s *styles) write(b *strings.Builder, base, on style, t text) {
	looks := &s.onPlain
	if base == selected {
		looks = &s.onSelected
	}
	if s.noColor || base == plain && on == plain || t == "" {
		b.WriteString(string(t))
		return
	}
	b.WriteString(looks[on].Render(string(t)))
}
