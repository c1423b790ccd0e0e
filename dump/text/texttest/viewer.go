// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"bytes"
	"math/rand/v2"
	"slices"
)

// viewerCarriers are what programs that show a log do to it.
var viewerCarriers = []Carrier{
	{Name: "reversed", Stage: Viewer, PlainOnly: true, Apply: func(_ *rand.Rand, t Text) Text {
		slices.Reverse(t)
		return t
	}},
	{Name: "no-blank-lines", Stage: Viewer, PlainOnly: true, Apply: func(_ *rand.Rand, t Text) Text { return dropBlanks(t) }},
	{Name: "coloured", Stage: Viewer, PlainOnly: true, Apply: func(rng *rand.Rand, t Text) Text {
		on := []string{"\x1b[1m", "\x1b[0;1;39m", "\x1b[38;5;245m", "\x1b[0;1;31m"}[rng.IntN(4)]
		return t.mapLines(func(l Line) Line {
			l.Text = slices.Concat([]byte(on), l.Text, []byte("\x1b[0m"))
			return l
		})
	}},
	{Name: "highlighted", Stage: Viewer, PlainOnly: true, Apply: func(rng *rand.Rand, t Text) Text {
		word := []byte([]string{"CPU", "exit", "scx", "sched_ext", "dump", "task", "stall", "=", "R "}[rng.IntN(9)])
		marked := slices.Concat([]byte("\x1b[01;31m\x1b[K"), word, []byte("\x1b[m\x1b[K"))
		return t.mapLines(func(l Line) Line {
			l.Text = bytes.ReplaceAll(l.Text, word, marked)
			return l
		})
	}},
	{Name: "pager-clip", Stage: Viewer, PlainOnly: true, Lossy: true, Apply: func(rng *rand.Rand, t Text) Text {
		width := 40 + rng.IntN(80)
		return t.mapLines(func(l Line) Line {
			if r := []rune(string(l.Text)); len(r) > width {
				l.Text, l.Damaged = []byte(string(r[:width-1])+">"), true
			}
			return l
		})
	}},
	{Name: "glued", Stage: Viewer, PlainOnly: true, NeedsStamp: true, Apply: func(rng *rand.Rand, t Text) Text {
		t = t.mapLines(func(l Line) Line {
			l.Glued = rng.IntN(30) == 0
			return l
		})
		if len(t) > 0 { // there is nothing to glue the last one to
			t[len(t)-1].Glued = false
		}
		return t
	}},
	{Name: "elided", Stage: Viewer, PlainOnly: true, Lossy: true, Apply: elide},
}

// elide replaces some runs of lines by a mark.
func elide(rng *rand.Rand, t Text) Text {
	var out Text
	mark := []string{"...", "[...]", "…", "    ..."}[rng.IntN(4)]
	for i := 0; i < len(t); i++ {
		if rng.IntN(25) == 0 && len(bytes.TrimSpace(t[i].Text)) > 0 { // nobody leaves out only a blank line
			out = append(out, Line{Text: []byte(mark), Src: -1, Mark: true})
			i += rng.IntN(6)
			continue
		}
		out = append(out, t[i])
	}
	return out
}
