// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"image/color"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
)

// theme is for which background colours are chosen.
type theme uint8

const (
	themeAuto  theme = iota // that of the terminal, as far as it tells
	themeLight              // dark on light
	themeDark               // light on dark
)

// themeNames is how a configuration names them.
var themeNames = map[string]theme{"auto": themeAuto, "light": themeLight, "dark": themeDark}

// appearance is how text of a style is shown.
type appearance struct {
	colour                         color.Color // nil: that of plain text
	bold, faint, underline, invert bool
}

// over is the look on top of base. An attribute that is off leaves that of base.
func (l appearance) over(base lipgloss.Style) lipgloss.Style {
	if l.colour != nil {
		base = base.Foreground(l.colour)
	}
	if l.bold {
		base = base.Bold(true)
	}
	if l.faint {
		base = base.Faint(true)
	}
	if l.underline {
		base = base.Underline(true)
	}
	if l.invert {
		base = base.Reverse(true)
	}
	return base
}

// setting is all that decides how styles look.
type setting struct {
	noColor bool // no styles at all
	ascii   bool
	profile colorprofile.Profile // how many colours the terminal has
	theme   theme
	looks   map[style]appearance // chosen by the user
	ask     bool                 // the terminal is asked for its background
}

// hasMany reports whether there are more colours than the 16 that users choose
// themselves.
func (s *setting) hasMany() bool { return s.profile >= colorprofile.ANSI256 }

// colours are the looks of all styles. Where the background is not known they are
// of the 16 colours that users choose themselves, so that they fit light and dark
// terminals; yellow and cyan are hard to read on a light one.
func (s *setting) colours() [nrStyles]appearance {
	c := [nrStyles]appearance{
		heading:  {bold: true},
		muted:    {faint: true},
		name:     {colour: lipgloss.Cyan},
		good:     {colour: lipgloss.Green},
		warning:  {colour: lipgloss.Yellow},
		bad:      {colour: lipgloss.Red, bold: true},
		higher:   {colour: lipgloss.Magenta, bold: true},
		key:      {bold: true},
		tab:      {bold: true, underline: true},
		selected: {invert: true},
		marked:   {colour: lipgloss.Yellow},
		match:    {bold: true, invert: true},
		changed:  {bold: true, colour: lipgloss.Blue},
	}
	if s.theme == themeLight {
		c[name].colour, c[warning].colour, c[marked].colour = lipgloss.Blue, lipgloss.Magenta, lipgloss.Magenta
		if s.hasMany() {
			c[name].colour, c[good].colour = lipgloss.ANSIColor(25), lipgloss.ANSIColor(28)
			c[warning].colour, c[marked].colour = lipgloss.ANSIColor(130), lipgloss.ANSIColor(130)
		}
	}
	for i := range cellColours {
		c[cell0+style(i)] = cellColours[i].in(s)
	}
	for on, l := range s.looks {
		c[on] = l
	}
	return c
}

// cellColour is the look of a cell that tells it from the others.
type cellColour struct {
	dark, light string     // colours on a dark and on a light background
	basic       appearance // with 16 colours, or on a background that is not known
}

// cellColours have the colours of Okabe and Ito, which people tell apart whatever
// colours their eyes see, darker where a light background needs that. Of the 16
// colours there is no red beside a green.
var cellColours = [8]cellColour{
	{"#56b4e9", "#1f86c0", appearance{colour: lipgloss.Cyan}},
	{"#e69f00", "#a86f00", appearance{colour: lipgloss.Yellow}},
	{"#0072b2", "#0072b2", appearance{colour: lipgloss.Blue, bold: true}},
	{"#cc79a7", "#b5588f", appearance{colour: lipgloss.Magenta}},
	{"#ffffff", "#000000", appearance{bold: true}},
	{"#009e73", "#00805d", appearance{underline: true}},
	{"#d55e00", "#d55e00", appearance{colour: lipgloss.Cyan, underline: true}},
	{"#f0e442", "#857a00", appearance{colour: lipgloss.Yellow, underline: true}},
}

// in is the look on a certain terminal.
func (c *cellColour) in(s *setting) appearance {
	switch {
	case s.theme == themeDark && s.hasMany():
		return appearance{colour: lipgloss.Color(c.dark)}
	case s.theme == themeLight && s.hasMany():
		return appearance{colour: lipgloss.Color(c.light)}
	}
	return c.basic
}

// profileOf is how many colours a terminal has, by what the environment says of
// it. Asking terminfo and tmux, as Bubble Tea does, would run tmux inside of tmux.
func profileOf(environ []string) colorprofile.Profile {
	term := lookup(environ, "TERM")
	switch c := lookup(environ, "COLORTERM"); {
	case c == "truecolor" || c == "24bit" || strings.HasSuffix(term, "-direct"):
		return colorprofile.TrueColor
	case c != "" || strings.Contains(term, "256color"):
		return colorprofile.ANSI256
	}
	return colorprofile.ANSI
}

// answersBackground reports whether a terminal is worth asking for its background.
// The answer comes when it comes, and nothing waits for it. The console of Linux
// is known to have none.
func answersBackground(environ []string) bool { return lookup(environ, "TERM") != "linux" }

// answerTime is how long the answer of a terminal may take. Few take more than a
// few milliseconds.
const answerTime = 500 * time.Millisecond

// noAnswerMsg says that the terminal has had its time.
type noAnswerMsg struct{}

func askBackground() tea.Cmd {
	return tea.Batch(tea.RequestBackgroundColor, tea.Tick(answerTime, func(time.Time) tea.Msg { return noAnswerMsg{} }))
}

// background takes the answer of the terminal.
func (m *Model) background(msg tea.BackgroundColorMsg) tea.Cmd {
	if msg.Color != nil && m.setting.theme == themeAuto {
		now := m.setting
		if now.theme = themeLight; msg.IsDark() {
			now.theme = themeDark
		}
		m.styles = now.styles()
	}
	return m.answered()
}

// answered ends the program if the user has asked for that meanwhile.
func (m *Model) answered() tea.Cmd {
	m.asking = false
	if m.leaving {
		return tea.Quit
	}
	return nil
}

// quit ends the program, but not before the answer of the terminal has come: it
// would stand on the command line of the shell.
func (m *Model) quit() tea.Cmd {
	if m.asking {
		m.leaving = true
		return nil
	}
	return tea.Quit
}
