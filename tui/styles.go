// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
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
	nrStyles
)

// styles holds the terminal's codes of each style. It uses the 16 colours that
// users choose themselves, so that it fits light and dark terminals without
// asking the terminal for its background.
type styles [nrStyles]string

func newStyles(noColor bool) *styles {
	var s styles
	if noColor {
		return &s
	}
	for i, look := range [nrStyles]ansi.Style{
		heading:  ansi.NewStyle(ansi.AttrBold),
		muted:    ansi.NewStyle(ansi.AttrFaint),
		name:     ansi.NewStyle(ansi.AttrCyanForegroundColor),
		good:     ansi.NewStyle(ansi.AttrGreenForegroundColor),
		warning:  ansi.NewStyle(ansi.AttrYellowForegroundColor),
		bad:      ansi.NewStyle(ansi.AttrBold, ansi.AttrRedForegroundColor),
		higher:   ansi.NewStyle(ansi.AttrBold, ansi.AttrMagentaForegroundColor),
		key:      ansi.NewStyle(ansi.AttrBold),
		tab:      ansi.NewStyle(ansi.AttrBold, ansi.AttrUnderline),
		selected: ansi.NewStyle(ansi.AttrReverse),
		marked:   ansi.NewStyle(ansi.AttrYellowForegroundColor),
		match:    ansi.NewStyle(ansi.AttrBold, ansi.AttrReverse),
	} {
		s[i] = strings.Join(look, ";")
	}
	return &s
}

// write appends t in the style on to b, on top of the style of its line.
func (s *styles) write(b *strings.Builder, base, on style, t text) {
	codes := s[base]
	if own := s[on]; own != "" {
		if codes != "" {
			codes += ";"
		}
		codes += own
	}
	if codes == "" || t == "" {
		b.WriteString(string(t))
		return
	}
	b.WriteString("\x1b[")
	b.WriteString(codes)
	b.WriteByte('m')
	b.WriteString(string(t))
	b.WriteString(ansi.ResetStyle)
}
