// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"errors"
	"fmt"
	"image/color"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"scxdiag/dump"
)

// namedKeys are the keys that have a name of more than one character, and what
// Bubble Tea calls them.
var namedKeys = func() map[string]string {
	k := map[string]string{
		"escape": "esc", "return": "enter", "pgdn": "pgdown", "pageup": "pgup", "pagedown": "pgdown", " ": "space",
		"↑": "up", "↓": "down", "←": "left", "→": "right",
	}
	for _, name := range strings.Fields("up down left right enter esc tab space backspace delete insert home end pgup pgdown") {
		k[name] = name
	}
	for n := 1; n <= 24; n++ {
		k["f"+strconv.Itoa(n)] = "f" + strconv.Itoa(n)
	}
	return k
}()

// sameByte are keys that a terminal sends as another one.
var sameByte = map[string]string{"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+[": "esc"}

// parseKey reads a key as people write it: a character, a name, or one of them
// behind ctrl+, alt+ and shift+. It gives the name that Bubble Tea has for it.
func parseKey(s string) (string, error) {
	rest := s
	var mods [3]bool
	names := [3]string{"ctrl+", "alt+", "shift+"}
	for found := true; found; {
		found = false
		for i, mod := range names {
			if after, has := strings.CutPrefix(rest, mod); has && after != "" && !mods[i] {
				rest, mods[i], found = after, true, true
			}
		}
	}
	r, n := utf8.DecodeRuneInString(rest)
	base, named := namedKeys[rest]
	switch {
	case named:
	case n == 0 || n != len(rest) || r == utf8.RuneError || !unicode.IsPrint(r) || unicode.IsMark(r):
		return "", fmt.Errorf("no key %q: write a character, or up, enter, tab, f5, ctrl+s and the like", s)
	case mods[2]:
		return "", fmt.Errorf("no key %q: write the character that shift makes", s)
	case mods[0]:
		base = strings.ToLower(rest)
	default:
		base = rest
	}
	key := ""
	for i, mod := range names {
		if mods[i] {
			key += mod
		}
	}
	key += base
	if other, is := sameByte[key]; is {
		return "", fmt.Errorf("key %q: a terminal sends it as %s", s, other)
	}
	return key, nil
}

var hexColour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// colourNames are the 16 colours that users choose themselves.
var colourNames = func() map[string]color.Color {
	c := map[string]color.Color{"default": nil}
	for i, name := range strings.Fields("black red green yellow blue magenta cyan white") {
		c[name], c["bright-"+name] = basicColour(i), basicColour(8+i)
	}
	return c
}()

// basicColour is one of the 16 colours that every terminal with colours has.
func basicColour(n int) color.Color { return ansi.BasicColor(n) } //nolint:gosec // below 16

// parseLook reads a look as people write it: a colour, attributes, or both.
func parseLook(s string) (appearance, error) {
	var l appearance
	coloured := false
	for _, word := range strings.Fields(s) {
		c, isColour := parseColour(word)
		switch {
		case isColour && coloured:
			return appearance{}, fmt.Errorf("%q has two colors", s)
		case isColour:
			l.colour, coloured = c, true
		case word == "bold":
			l.bold = true
		case word == "faint":
			l.faint = true
		case word == "underline":
			l.underline = true
		case word == "reverse":
			l.invert = true
		default:
			return appearance{}, fmt.Errorf(`no color or attribute %q: write a name such as red or bright-red, "#rrggbb" or 0 to 255, `+
				`and bold, faint, underline or reverse`, word)
		}
	}
	if l == (appearance{}) && !coloured {
		return appearance{}, errors.New(`no color; "default" is that of plain text`)
	}
	return l, nil
}

func parseColour(word string) (color.Color, bool) {
	if c, is := colourNames[word]; is {
		return c, true
	}
	if hexColour.MatchString(word) {
		return lipgloss.Color(word), true
	}
	if n, err := strconv.ParseUint(word, 10, 8); err == nil {
		if n < 16 {
			return basicColour(int(n)), true
		}
		return lipgloss.ANSIColor(n), true
	}
	return nil, false
}

// reach is in which views each command can be given, a bit for each.
type reach [nrCommands]uint64

// newReach finds out by asking a session that has everything. A command that is not
// in that one either is one of all views.
func newReach() *reach {
	s := &dump.Snapshot{
		Findings: make([]dump.Finding, 1), CPUs: make([]dump.CPU, 1), Tasks: make([]dump.Task, 1),
		Cells: make([]dump.Cell, 1), Cgroups: make([]dump.Cgroup, 1),
	}
	m := New([]*dump.Snapshot{s, s}, Options{NoColor: true})
	m.live = &live{feed: Feed{Sample: func() {}}}
	var r reach
	for v := range nrViews {
		m.stack = []frame{newFrame(place{view: v})}
		for _, g := range m.commands() {
			for _, c := range g.commands {
				r[c] |= 1 << v
			}
		}
	}
	for c := range r {
		if r[c] == 0 {
			r[c] = 1<<nrViews - 1
		}
	}
	return &r
}

// together is the first view that two commands can both be given in.
func (r *reach) together(a, b command) (view, bool) {
	both := r[a] & r[b]
	for v := range nrViews {
		if both&(1<<v) != 0 {
			return v, true
		}
	}
	return 0, false
}
