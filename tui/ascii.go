// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// glyphs are the characters beyond ASCII that this program draws with, and what
// stands for each on a screen that has none of them. All take one column. A test
// looks that every one in the program is here.
var glyphs = map[rune]byte{
	'…': '~',
	'↑': '^', '↓': 'v', '←': '<', '→': '>', '↔': '-', '↕': '|',
	'▲': '^', '▼': 'v', '◀': '<', '▶': '>', '◆': '*', '◇': 'o', '△': '^', '▽': 'v', '▸': '>', '▾': 'v', '‹': '<', '›': '>',
	'·': '.', '•': '*', '●': '*', '○': 'o', '◌': '.', '■': 'E', '□': 'o', '×': 'x', '±': '~', 'µ': 'u', '≥': '>', '≤': '<', '≠': '!', '≈': '~',
	'█': '#', '▇': '#', '▆': '#', '▅': '=', '▄': '=', '▃': '-', '▂': '-', '▁': '_', '▀': '"', '▌': '|', '▐': '|', '░': '-', '▒': ':', '▓': '%',
	'▉': '#', '▊': '#', '▋': '=', '▍': '|', '▎': '|', '▏': '|',
	'─': '-', '━': '=', '│': '|', '┃': '|', '┌': '+', '┐': '+', '└': '+', '┘': '+', '├': '+', '┤': '+', '┬': '+', '┴': '+', '┼': '+',
	'╭': '+', '╮': '+', '╰': '+', '╯': '+', '╵': '|', '╷': '|', '╴': '-', '╶': '-', '┄': '-', '┆': ':', '–': '-', '—': '-',
	'Δ': 'D', 'μ': 'u', '✓': '+', '✗': 'x', '‘': '\'', '’': '\'', '“': '"', '”': '"',
}

// asciiOnly replaces what is not ASCII, column by column, so that the result is as
// wide as s: glyphs by what stands for them, everything else by question marks.
func asciiOnly(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	for s != "" {
		c, width := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
		r := []rune(c)
		switch stand, ours := glyphs[r[0]]; {
		case c[0] < 0x80 && width == 1: // a combining character may follow
			b.WriteByte(c[0])
		case ours && len(r) == 1 && width == 1:
			b.WriteByte(stand)
		default:
			b.WriteString(strings.Repeat("?", width))
		}
		s = s[len(c):]
	}
	return b.String()
}
