// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"fmt"
	"image/color"
	"math"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/exp/golden"

	"scxdiag/dump"
)

// TestColourScreens has the frames as they go to the terminal.
func TestColourScreens(t *testing.T) {
	for _, view := range []struct {
		name string
		snap *dump.Snapshot
		keys string
	}{
		{"triage", withFindings(), ""},
		{"tasks", mitosisStall(), "4"},
		{"cells", ringSample(), "2"},
	} {
		for _, on := range []struct {
			name    string
			profile colorprofile.Profile
			theme   theme
		}{
			{"16", colorprofile.ANSI, themeAuto},
			{"dark-256", colorprofile.ANSI256, themeDark},
			{"light-256", colorprofile.ANSI256, themeLight},
			{"light-16", colorprofile.ANSI, themeLight},
		} {
			t.Run(view.name+"-"+on.name, func(t *testing.T) {
				s := &session{New([]*dump.Snapshot{view.snap}, Options{profile: on.profile, Config: Config{theme: on.theme}}), t}
				s.resize(80, 24)
				s.keys(strings.Fields(view.keys)...)
				golden.RequireEqual(t, s.screen()+"\n")
			})
		}
	}
}

func TestTheTerminalTellsItsBackground(t *testing.T) {
	warns := func(m *Model) string { return line{{warning, "x"}}.render(m.styles, plain, 1) }
	white, black := tea.BackgroundColorMsg{Color: color.White}, tea.BackgroundColorMsg{Color: color.Black}
	m := New([]*dump.Snapshot{mitosisStall()}, Options{profile: colorprofile.ANSI256, ask: true})
	if m.Init() == nil {
		t.Fatal("it does not ask")
	}
	before := warns(m)
	m.Update(white)
	if warns(m) == before {
		t.Error("a light background makes no difference")
	}
	m.Update(black)
	if warns(m) != before {
		t.Error("a dark background makes a difference")
	}
	m.Update(tea.BackgroundColorMsg{})
	for _, answer := range []tea.Msg{white, tea.BackgroundColorMsg{}, noAnswerMsg{}} {
		m := New([]*dump.Snapshot{mitosisStall()}, Options{ask: true})
		if _, cmd := m.Update(press("q")); cmd != nil {
			t.Error("it quits while the answer is on its way")
		}
		if _, cmd := m.Update(answer); cmd == nil {
			t.Errorf("it does not quit after %T", answer)
		}
	}
	for _, o := range []Options{{ask: true, NoColor: true}, {ask: true, Config: Config{theme: themeLight}}, {}} {
		m := New([]*dump.Snapshot{mitosisStall()}, o)
		if m.Init() != nil {
			t.Errorf("%+v: it asks", o)
		}
		before := warns(m)
		m.Update(black)
		if warns(m) != before && o.Config.theme != themeAuto {
			t.Error("the terminal overrules the configuration")
		}
	}
}

func TestTheEnvironmentTellsHowManyColours(t *testing.T) {
	for env, want := range map[string]colorprofile.Profile{
		"TERM=xterm": colorprofile.ANSI, "TERM=linux": colorprofile.ANSI, "": colorprofile.ANSI, "TERM=xterm-256color": colorprofile.ANSI256,
		"TERM=xterm COLORTERM=truecolor": colorprofile.TrueColor, "TERM=tmux-256color COLORTERM=24bit": colorprofile.TrueColor,
		"TERM=xterm-direct": colorprofile.TrueColor, "TERM=xterm COLORTERM=yes": colorprofile.ANSI256,
	} {
		if got := profileOf(strings.Fields(env)); got != want {
			t.Errorf("%q: %v, want %v", env, got, want)
		}
	}
	if answersBackground([]string{"TERM=linux"}) || !answersBackground([]string{"TERM=xterm"}) {
		t.Error("only the console of Linux is not asked")
	}
}

// luminance and contrast are those of the W3C's guidelines.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	part := func(v uint32) float64 {
		x := float64(v) / 0xffff
		if x <= 0.03928 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*part(r) + 0.7152*part(g) + 0.0722*part(b)
}

func contrast(a, b color.Color) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// TestTheColoursOfCellsCanBeReadAndToldApart looks at their contrast, and that no
// two are the same.
func TestTheColoursOfCellsCanBeReadAndToldApart(t *testing.T) {
	for _, many := range []colorprofile.Profile{colorprofile.ANSI, colorprofile.ANSI256, colorprofile.TrueColor} {
		for _, on := range []struct {
			theme      theme
			background color.Color
		}{{themeAuto, nil}, {themeLight, color.White}, {themeDark, color.Black}} {
			s := setting{profile: many, theme: on.theme}
			seen := map[string]bool{}
			for i := range cellColours {
				c := cellColours[i].in(&s)
				if on.background != nil && s.hasMany() && contrast(c.colour, on.background) < 3 {
					t.Errorf("theme %d: cell colour %d has a contrast of %.1f", on.theme, i, contrast(c.colour, on.background))
				}
				if c.colour != nil {
					c.colour = many.Convert(c.colour)
				}
				shown := c.over(lipgloss.NewStyle()).Render("x")
				if seen[shown] {
					t.Errorf("theme %d, %v: cell colour %d is there twice: %q", on.theme, many, i, shown)
				}
				seen[shown] = true
			}
		}
	}
}

func TestLightThemeCanBeRead(t *testing.T) {
	s := setting{profile: colorprofile.ANSI256, theme: themeLight}
	looks := s.colours()
	for _, on := range []style{name, good, warning, marked} {
		if c := contrast(looks[on].colour, color.White); c < 4.5 {
			t.Errorf("%s has a contrast of %.1f", styleNames[on], c)
		}
	}
	if got := fmt.Sprint(looks[plain]); got != fmt.Sprint(appearance{}) {
		t.Errorf("plain text has the look %s", got)
	}
}
