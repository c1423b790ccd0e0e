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
	cell0          // the cells, told apart by those with a normal eye and by those without
	cell1
	cell2
	cell3
	cell4
	cell5
	nrStyles
)

// styles holds the look of each style, on a line that has none of its own and
// on the line with the cursor.
type styles struct {
	onPlain, onSelected [nrStyles]look
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
	looks := [nrStyles]lipgloss.Style{
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
		// No red beside a green: these differ for everybody, and a letter or a
		// number always says the same.
		cell0: base.Foreground(lipgloss.Cyan),
		cell1: base.Foreground(lipgloss.Yellow),
		cell2: base.Bold(true).Foreground(lipgloss.Blue),
		cell3: base.Foreground(lipgloss.Magenta),
		cell4: base.Bold(true),
		cell5: base.Underline(true),
	}
	for piece := range looks {
		s.onPlain[piece], s.onSelected[piece] = lookOf(looks[piece]), lookOf(looks[piece].Inherit(looks[selected]))
	}
	return s
}

// cellStyle is the style of a cell; those of some distance share one.
func cellStyle(id int32) style {
	const n = uint32(cell5-cell0) + 1
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
	looks := &s.onPlain
	if base == selected {
		looks = &s.onSelected
	}
	if s.noColor || base == plain && on == plain || t == "" {
		b.WriteString(string(t))
		return
	}
	b.WriteString(looks[on].before)
	b.WriteString(string(t))
	b.WriteString(looks[on].after)
}
