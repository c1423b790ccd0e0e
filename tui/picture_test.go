// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"flag"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// pictures are the screens that the README shows: keys, and what the screen then has.
var pictures = []struct {
	file string
	keys []string
	has  string
}{
	{"screen.svg", nil, "websrv[228] failed to run for 35.632s"},
	{"cpus.svg", []string{"3"}, "[3 CPUs]"},
	{"masks.svg", []string{"6"}, "Tasks: that of the verdict, then by wait"},
	{"task.svg", []string{"4", "Enter", "NPage", "NPage"}, "CPU by CPU"},
}

// TestPicture looks that the pictures of the README are what the program shows.
// With -update it takes them again: make picture.
func TestPicture(t *testing.T) {
	const columns, lines = 100, 30
	scxdiag := binary(t)
	term := newTerminal(t, columns, lines, "NO_COLOR=", "TERM=screen", "COLORTERM=")
	term.typeText("cd " + filepath.Dir(realDump(t, rtHog)) + "; " + scxdiag + " open " + rtHog).press("Enter")
	term.waitFor("[1 Triage]", "q quit")
	update := flag.Lookup("update")
	for _, p := range pictures {
		for _, k := range p.keys {
			term.press(k)
		}
		term.waitFor(p.has, "q quit")
		got := svg(t, term.tmux("capture-pane", "-p", "-e", "-N"), columns, lines)
		path := filepath.Join("..", "testdata", p.file)
		if update != nil && update.Value.String() == "true" {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is not what the program shows now; look at it, then run make picture:\n%s", path, term.screen())
		}
	}
}

// ink is how a cell of the screen is drawn.
type ink struct {
	colour                         int // 0 to 7, or that of plain text
	bold, faint, underline, invert bool
}

const plainColour = -1

// The terminal's colours, for a dark background.
const (
	paper   = "#16181d"
	textInk = "#d5d8de"
)

var palette = [8]string{"#3b4048", "#f2777a", "#8cc98f", "#e6c06b", "#6ea8e6", "#d48fe0", "#5cc3cc", "#d5d8de"}

// apply changes the ink as an SGR sequence says. It knows what a screen of this
// program can hold.
func (k *ink) apply(tb testing.TB, parameters string) {
	tb.Helper()
	for p := range strings.SplitSeq(parameters, ";") {
		n := 0
		if p != "" {
			var err error
			if n, err = strconv.Atoi(p); err != nil {
				tb.Fatalf("SGR %q: %v", parameters, err)
			}
		}
		switch {
		case n == 0:
			*k = ink{colour: plainColour}
		case n == 1:
			k.bold = true
		case n == 2:
			k.faint = true
		case n == 4:
			k.underline = true
		case n == 7:
			k.invert = true
		case n == 22:
			k.bold, k.faint = false, false
		case n == 24:
			k.underline = false
		case n == 27:
			k.invert = false
		case n >= 30 && n <= 37:
			k.colour = n - 30
		case n == 39:
			k.colour = plainColour
		case n == 49: // the default background, and there is no other
		default:
			tb.Fatalf("SGR %q is not drawn", parameters)
		}
	}
}

// attributes are those of an SVG text.
func (k ink) attributes() string {
	colour := textInk
	if k.colour != plainColour {
		colour = palette[k.colour]
	}
	if k.invert {
		colour = paper
	}
	s := ` fill="` + colour + `"`
	if k.bold {
		s += ` font-weight="bold"`
	}
	if k.faint {
		s += ` fill-opacity="0.65"`
	}
	if k.underline {
		s += ` text-decoration="underline"`
	}
	return s
}

// paperColour is what an inverted cell is filled with.
func (k ink) paperColour() string {
	if k.colour != plainColour {
		return palette[k.colour]
	}
	return textInk
}

// svg draws what tmux captured. Every piece of text is given its length, so that
// columns stand below each other in whatever font there is.
func svg(tb testing.TB, captured string, columns, lines int) string {
	tb.Helper()
	const cell, row, size, margin = 8.4, 18.0, 14.0, 12.0
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]g %[2]g" width="%[1]g" height="%[2]g" role="img"`+
		` font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="%[3]g" xml:space="preserve">`+"\n",
		float64(columns)*cell+2*margin, float64(lines)*row+2*margin, size)
	b.WriteString("<title>scxdiag open: the overview of a stalled scheduler</title>\n")
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="6" fill="%s"/>`+"\n", paper)
	now := ink{colour: plainColour}
	for y, l := range strings.Split(strings.TrimSuffix(captured, "\n"), "\n") {
		x := 0
		for l != "" {
			if rest, ok := strings.CutPrefix(l, "\x1b["); ok {
				parameters, rest, ok := strings.Cut(rest, "m")
				if !ok {
					tb.Fatalf("line %d: a sequence that is no SGR", y)
				}
				now.apply(tb, parameters)
				l = rest
				continue
			}
			piece, _, _ := strings.Cut(l, "\x1b")
			l = l[len(piece):]
			width := ansi.StringWidth(piece)
			if now.invert {
				fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%g" fill="%s" shape-rendering="crispEdges"/>`+"\n",
					margin+float64(x)*cell, margin+float64(y)*row, float64(width)*cell, row, now.paperColour())
			}
			// Blanks need no drawing, unless they are underlined.
			shown, from, to := piece, x, x+width
			if !now.underline {
				shown = strings.TrimLeft(piece, " ")
				from += len(piece) - len(shown)
				to -= len(shown) - len(strings.TrimRight(shown, " "))
				shown = strings.TrimRight(shown, " ")
			}
			if shown != "" {
				fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" textLength="%.1f" lengthAdjust="spacingAndGlyphs"%s>%s</text>`+"\n",
					margin+float64(from)*cell, margin+float64(y)*row+size, float64(to-from)*cell, now.attributes(), html.EscapeString(shown))
			}
			x += width
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}
