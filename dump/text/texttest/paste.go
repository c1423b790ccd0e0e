// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"unicode/utf8"
)

// pasteCarriers are what copying and quoting does to a log.
var pasteCarriers = []Carrier{
	{Name: "quoted", Stage: Paste, PlainOnly: true, Apply: func(rng *rand.Rand, t Text) Text {
		quote := strings.Repeat("> ", 1+rng.IntN(3))
		if rng.IntN(2) == 0 {
			quote = strings.Repeat(">", 1+rng.IntN(3)) + " "
		}
		t = t.prefixed(func() string { return quote })
		return append(noise("On Monday, someone wrote:"), t...)
	}},
	{Name: "quoted-trimmed", Stage: Paste, PlainOnly: true, Apply: func(rng *rand.Rand, t Text) Text {
		quote := strings.Repeat("> ", 1+rng.IntN(3))
		return t.prefixed(func() string { return quote }).mapLines(trimRight)
	}},
	{Name: "fenced", Stage: Paste, PlainOnly: true, Apply: func(_ *rand.Rand, t Text) Text {
		out := append(noise("It crashed again, here is the output:", "", "```"), t...)
		return append(out, noise("```", "", "Any idea?")...)
	}},
	{Name: "indented", Stage: Paste, PlainOnly: true, Apply: func(rng *rand.Rand, t Text) Text {
		by := strings.Repeat(" ", []int{1, 2, 3, 4, 8}[rng.IntN(5)])
		return t.prefixed(func() string { return by })
	}},
	{Name: "indented-trimmed", Stage: Paste, PlainOnly: true, Apply: func(rng *rand.Rand, t Text) Text {
		by := strings.Repeat(" ", []int{2, 4}[rng.IntN(2)])
		return t.prefixed(func() string { return by }).mapLines(trimRight)
	}},
	{Name: "tabs", Stage: Paste, PlainOnly: true, Apply: func(_ *rand.Rand, t Text) Text {
		return t.mapLines(func(l Line) Line {
			rest := bytes.TrimLeft(l.Text, " ")
			n := len(l.Text) - len(rest)
			l.Text = append([]byte(strings.Repeat("\t", n/8)+strings.Repeat(" ", n%8)), rest...)
			return l
		})
	}},
	{Name: "trailing-blanks", Stage: Paste, PlainOnly: true, Apply: func(rng *rand.Rand, t Text) Text {
		return t.mapLines(func(l Line) Line {
			l.Text = append(l.Text[:len(l.Text):len(l.Text)], strings.Repeat(" ", rng.IntN(300))...)
			return l
		})
	}},
	{Name: "trimmed", Stage: Paste, PlainOnly: true, Apply: func(_ *rand.Rand, t Text) Text { return t.mapLines(trimRight) }},
	{Name: "first-character-lost", Stage: Paste, PlainOnly: true, Lossy: true, Apply: func(rng *rand.Rand, t Text) Text {
		lose := func(i int) {
			if len(t) > i && len(t[i].Text) > 0 {
				_, n := utf8.DecodeRune(t[i].Text) // whoever marks text cannot mark half a character
				t[i].Text, t[i].Damaged = t[i].Text[n:], true
			}
		}
		lose(0)
		lose(rng.IntN(len(t) + 1))
		return t
	}},
}

func trimRight(l Line) Line {
	l.Text = bytes.TrimRight(l.Text, " ")
	return l
}
