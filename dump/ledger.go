// SPDX-License-Identifier: GPL-2.0-only

package dump

// Ledger accounts for what a snapshot is made of and for what is missing. A
// snapshot that lost something must not look complete, in any output.
type Ledger struct {
	// Truncated is set if the end is missing: the kernel's marker, or the
	// source ended within the dump.
	Truncated bool
	// Lines accounts for every line between the first and the last one of the
	// dump, for snapshots that come from text.
	Lines LineCounts
	// NotUnderstood are the lines that belong to the dump and that no rule of
	// the format explains, verbatim. They are counted in full, and kept up to
	// a limit of the reader.
	NotUnderstood []Line
	// Distrusted are values that were not taken over, because the text that
	// they stand in is cut or damaged.
	Distrusted []Distrusted
	// Records accounts for ring-buffer records by kind, for snapshots that
	// come from them.
	Records []RecordCount
	// Notes are further facts about what is missing, in plain words.
	Notes []string
}

// LineCounts says what became of the lines of a dump.
type LineCounts struct {
	Parsed        int // understood: kernel lines, known scheduler text, stack
	Verbatim      int // text of a scheduler that this program does not know, kept on its owner
	Blank         int // blank lines and separators
	Foreign       int // of other programs, in between
	NotUnderstood int // belong to the dump, make no sense
	Truncated     int // cut off, so at least part of them was distrusted
	Glued         int // of all these, those that share a line of the source with the one before
}

// Total is the number of lines of the source.
func (c LineCounts) Total() int {
	return c.Parsed + c.Verbatim + c.Blank + c.Foreign + c.NotUnderstood + c.Truncated - c.Glued
}

// Distrusted is a value that was left out of the snapshot because it may be
// wrong.
type Distrusted struct {
	Entity string // as in Evidence
	Field  string // the kernel's name of the field
	Text   string // what stood there
	At     Span
}

// RecordCount says how many records of one kind were sent, arrived and were
// dropped by the ring buffer. Expected = Received + Dropped, unless something
// is wrong.
type RecordCount struct {
	Kind                        string
	Expected, Received, Dropped uint64
}

// Dropped is the number of records that were lost.
func (l *Ledger) Dropped() uint64 {
	var n uint64
	for _, r := range l.Records {
		n += max(r.Dropped, r.Expected-min(r.Received, r.Expected))
	}
	return n
}

// Complete reports whether nothing is known to be missing.
func (l *Ledger) Complete() bool {
	return !l.Truncated && l.Lines.NotUnderstood == 0 && l.Lines.Truncated == 0 &&
		len(l.Distrusted) == 0 && l.Dropped() == 0 && len(l.Notes) == 0
}

// Note adds a note once.
func (l *Ledger) Note(text string) {
	for _, n := range l.Notes {
		if n == text {
			return
		}
	}
	l.Notes = append(l.Notes, text)
}
