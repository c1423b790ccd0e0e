// SPDX-License-Identifier: GPL-2.0-only

package report

import "scxdiag/dump"

// Writer writes snapshots one by one.
type Writer interface {
	// Add writes a snapshot, in a single call of the underlying Write.
	Add(s *dump.Snapshot) error
	// Close ends the output; nothing may be added after it. It does not close
	// the underlying writer.
	Close() error
}

// Options says how to write.
type Options struct {
	// Total is how many snapshots will be added, if that is known, for
	// headings such as "2 of 5".
	Total int
	// Width is how many columns text is to be wide, 0 for as many as a file has: 100,
	// which is also the most. Less than 40 is as 40, and a long word stays whole.
	Width int
}

// The columns that text may be wide.
const (
	minWidth  = 40
	textWidth = 100
)

// width is how many columns text is wide.
func (o Options) width() int {
	if o.Width <= 0 {
		return textWidth
	}
	return min(max(o.Width, minWidth), textWidth)
}
