// SPDX-License-Identifier: GPL-2.0-only

package tui

import "slices"

// form is a way to draw a CPU in the grid.
type form struct {
	width, most int  // columns that a tile takes, at least and at most
	height      int  // lines
	labels      bool // the tiles do not say their number: rows and columns have labels
	letters     bool // the tiles have letters for the cells
	dots        bool // the letters are all that they have
	// draw gives the lines of a tile of w columns. Where a tile is one line, it
	// fills them.
	draw func(g *grid, t *tile, w int, cursor bool) []line
}

// labelWidth is the columns in front of a row with a label.
const labelWidth = 6

// forms are all forms, the largest first.
var forms = []form{
	{width: 28, most: 44, height: 6, draw: largeTile},
	{width: 20, most: 32, height: 4, draw: mediumTile},
	{width: 19, most: 22, height: 1, draw: wideTile},
	{width: 9, most: 10, height: 1, letters: true, draw: narrowTile},
	{width: 2, most: 3, height: 1, labels: true, letters: true, draw: pairTile},
	{width: 1, most: 2, height: 1, labels: true, letters: true, dots: true, draw: dotTile},
}

// shades are the glyphs of a load: idle, running, and with the tasks that wait
// more and more.
var shades = [...]struct{ glyph, word text }{{"·", "idle"}, {"░", "busy"}, {"▒", "1"}, {"▓", "2-4"}, {"█", "5+ wait"}}

// unknownShade is for a CPU of which the dump may lack the lines.
const unknownShade text = "?"

func (t *tile) shade() text {
	k := 1
	switch {
	case t.load == 0 && t.unknown:
		return unknownShade
	case t.load >= 5:
		k = 4
	case t.load >= 2:
		k = 3
	case t.load == 1:
		k = 2
	case t.idle:
		k = 0
	}
	return shades[k].glyph
}

// The letters of cells, and those of cells that have tasks that wait.
const (
	cellLetters text = "abcdefghijklmnopqrstuvwxyz"
	busyLetters text = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// letter is the letter of the tile's cell, a space if that is unknown.
func (t *tile) letter(letters text) text {
	if !t.hasCell {
		return " "
	}
	k := uint32(t.cell) % uint32(len(letters)) //nolint:gosec // an id
	return letters[k : k+1]
}

// style is that of the tile's cell.
func (t *tile) style() style {
	if !t.hasCell {
		return plain
	}
	return cellStyle(t.cell)
}

// sign is the mark, or else the shade.
func (t *tile) sign() span {
	if m := &marks[t.mark]; t.mark != unmarked {
		return span{m.on, m.glyph}
	}
	return span{t.style(), t.shade()}
}

func cursorMark(cursor bool) text {
	if cursor {
		return ">"
	}
	return " "
}

// dotTile is one character: the mark, or the letter of the cell, a capital one if
// tasks wait.
func dotTile(_ *grid, t *tile, w int, _ bool) []line {
	s := t.sign()
	switch {
	case t.mark != unmarked || !t.hasCell:
	case t.load > 0:
		s.text = t.letter(busyLetters)
	default:
		s.text = t.letter(cellLetters)
	}
	s.text += spaces(w - 1)
	return []line{{s}}
}

// pairTile is the letter of the cell, and the mark or the load.
func pairTile(_ *grid, t *tile, w int, _ bool) []line {
	s := t.sign()
	s.text += spaces(w - 2)
	return []line{{{t.style(), t.letter(cellLetters)}, s}}
}

// narrowTile is the number, the letter of the cell, the mark and the load.
func narrowTile(_ *grid, t *tile, w int, cursor bool) []line {
	m := &marks[t.mark]
	return []line{{
		{plain, cursorMark(cursor) + number(t.id).clip(4).pad(4, true)},
		{t.style(), t.letter(cellLetters)},
		{m.on, m.glyph}, {t.style(), t.shade()},
		{plain, spaces(w - 8)},
	}}
}

// wideTile has the cell's number, the class and the number of those that wait, too.
func wideTile(g *grid, t *tile, w int, cursor bool) []line {
	m := &marks[t.mark]
	cell := spaces(4)
	if t.hasCell {
		cell = ("c" + number(t.cell)).clip(4).pad(4, false)
	}
	class := classSpan(g.x.s.CPUs[t.cpu].Class)
	if t.mark == outranked { // the mark says it
		class.text = class.text.skip(2)
	}
	load := spaces(3)
	if t.load > 0 {
		load = number(t.load).clip(3).pad(3, false)
	}
	return []line{{
		{plain, cursorMark(cursor) + number(t.id).clip(4).pad(4, true) + " "},
		{t.style(), cell},
		{class.style, class.text.clip(4).pad(4, false)},
		{m.on, m.glyph}, {t.style(), t.shade() + load},
		{plain, spaces(w - 19)},
	}}
}

// tileHead is the first line of tiles of several lines: number and cell, mark and
// load.
func tileHead(t *tile, w int, cursor bool) line {
	m := &marks[t.mark]
	left := line{{plain, cursorMark(cursor)}, {t.style(), "▌"}, {heading, "CPU " + number(t.id)}}
	if t.hasCell {
		left.add(plain, "  ")
		left.add(t.style(), "cell "+number(t.cell))
	}
	right := line{{m.on, m.glyph}, {plain, " "}, {t.style(), t.shade()}, {plain, " "}}
	return padded(sides(left, right, w), w)
}

// tileLine is a line of a tile of several: the bar in the colour of the cell and
// what it says.
func tileLine(t *tile, w int, l line) line {
	return padded(append(line{{plain, " "}, {t.style(), "▌"}}, l...).clip(w-1), w)
}

// padded is a line of w columns.
func padded(l line, w int) line {
	l.add(plain, spaces(w-l.width()))
	return l
}

// runsLine is what the CPU of a tile runs.
func (g *grid) runsLine(t *tile) line {
	c := &g.x.s.CPUs[t.cpu]
	switch {
	case t.mark == offline:
		return line{{warning, "! offline"}}
	case t.unknown:
		return line{{muted, "unknown"}}
	case t.idle && !c.Listed:
		return line{{muted, "not listed"}}
	case t.idle:
		return line{{muted, "idle"}}
	}
	return line{classSpan(c.Class), {plain, " "}, refSpan(c.Current)}
}

// waitsLine is how many tasks wait for the CPU of a tile and for how long the
// oldest has.
func (g *grid) waitsLine(t *tile) line {
	if t.load == 0 {
		return line{{muted, "no task waits"}}
	}
	l := line{{plain, number(t.load) + " waiting"}}
	if w, ok := g.x.byCPU[t.id].wait(); ok {
		l.add(plain, ", ")
		on := plain
		if t.mark == stalled {
			on = bad
		}
		l.add(on, duration(w))
	}
	return l
}

func mediumTile(g *grid, t *tile, w int, cursor bool) []line {
	return []line{tileHead(t, w, cursor), tileLine(t, w, g.runsLine(t)), tileLine(t, w, g.waitsLine(t)), padded(nil, w)}
}

func largeTile(g *grid, t *tile, w int, cursor bool) []line {
	group := g.x.byCPU[t.id]
	oldest := line{}
	if _, ok := group.wait(); ok {
		oldest = line{{muted, "oldest "}, {name, clean(g.x.oldestOf(group).TaskRef.String())}}
	}
	var counts line
	c := &g.x.s.CPUs[t.cpu]
	if c.NrRunning.Known {
		counts.list(muted, "nr_running "+number(c.NrRunning.V))
	}
	if c.Queued.Known {
		counts.list(muted, number(c.Queued.V)+" queued")
	}
	return []line{
		tileHead(t, w, cursor), tileLine(t, w, g.runsLine(t)), tileLine(t, w, g.waitsLine(t)), tileLine(t, w, oldest),
		tileLine(t, w, counts), padded(nil, w),
	}
}

// legend says what the glyphs mean, and which letter is which cell, as far as the
// screen is wide.
func (g *grid) legend(width int) line {
	l := line{{plain, " "}}
	if g.form.dots && g.hasCells { // letters stand for the load, too
		l.add(plain, " A")
		l.add(muted, " tasks wait")
		l.add(plain, " a")
		l.add(muted, " none waits")
	} else {
		for _, s := range shades {
			l.add(plain, " "+s.glyph)
			l.add(muted, " "+s.word)
		}
		if slices.ContainsFunc(g.tiles, func(t tile) bool { return t.unknown }) {
			l.add(plain, " "+unknownShade)
			l.add(muted, " unknown")
		}
	}
	for _, m := range []badge{stalled, outranked, offline} {
		l.add(marks[m].on, " "+marks[m].glyph)
		l.add(muted, " "+marks[m].brief)
	}
	if !g.form.letters || !g.hasCells {
		return l
	}
	return append(l, g.cellLegend(width-l.width())...)
}

// cellLegend is as many letters with their cells as fit.
func (g *grid) cellLegend(width int) line {
	seen := map[int32]bool{}
	var l line
	l.add(muted, "  cell")
	for k := range g.tiles {
		t := &g.tiles[k]
		if !t.hasCell || seen[t.cell] {
			continue
		}
		seen[t.cell] = true
		piece := span{t.style(), " " + t.letter(cellLetters) + "=" + number(t.cell)}
		if l.width()+piece.text.width() > width-2 {
			l.add(muted, " "+ellipsis)
			break
		}
		l = append(l, piece)
	}
	return l
}
