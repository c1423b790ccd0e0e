// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"slices"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"

	"scxdiag/dump"
)

// configured starts a session with a configuration.
func configured(t *testing.T, config string, snapshots ...*dump.Snapshot) *session {
	t.Helper()
	c, err := ParseConfig("config.toml", strings.NewReader(config))
	if err != nil {
		t.Fatal(err)
	}
	s := &session{New(snapshots, Options{NoColor: true, Config: c}), t}
	s.resize(80, 24)
	return s
}

func TestKeysOfTheConfiguration(t *testing.T) {
	s := configured(t, "[keys]\nsort = 'o'\nreverse = ['O', 'f5']\nhelp = []\nquit = 'ctrl+q'\nsuspend = 'z'\n", mitosisStall())
	s.keys("4").wants("by wait").lacks("? help")
	s.keys("s").wants("by wait").keys("o").wants("by task").keys("O").wants("by task ↓")
	s.keys("?").wants("by task ↓")
	s.keys("f1").wants("by task ↓").lacks("Moving")
	s.keys("q").wants("by task ↓")
	s.keys(":").text("help").keys("enter").wants("O f5      sort the other way round", "o         sort by the next")
	s.keys("end").wants("ctrl+q    quit (also ctrl+c)", "this help (by its name: help)")
	s.keys("esc", "/").text("za").wants("filter: za") // text is no command
}

func TestWhatIsWrongInAConfigurationIsSaidWithItsLine(t *testing.T) {
	for _, tc := range []struct{ config, want string }{
		{"theme = 'blue'", `config.toml:1: theme is "auto", "light" or "dark"`},
		{"theme = 1", `config.toml:1: theme is`},
		{"\nascii = 'yes'", `config.toml:2: ascii is true or false`},
		{"colour = 1", `config.toml:1: no setting "colour"`},
		{"[keys.sort]\n", `config.toml:1: no table [keys.sort]`},
		{"[[keys]]\n", `config.toml:1: no table [[keys]]`},
		{"# a comment\n[keys]\n\nsorrt = 's'", `config.toml:4: no command "sorrt"`},
		{"keys = { sorrt = 's' }", `config.toml:1: no command "sorrt"`},
		{"[keys]\nsort = 1", `config.toml:2: a key of sort is a string`},
		{"[keys]\nsort = [\n 'o',\n 'oo',\n]", `config.toml:4: sort: no key "oo"`},
		{"[keys]\nsort = ['o',\n'o']", `config.toml:3: sort: key "o" is there twice`},
		{"[keys]\nsort = ''", `config.toml:2: sort: no key ""`},
		{"[keys]\nsort = 'shift+s'", `write the character that shift makes`},
		{"[keys]\nsort = 'ctrl+m'", `a terminal sends it as enter`},
		{"[keys]\nsort = 'ctrl+c'", `config.toml:2: sort: ctrl+c always quits`},
		{"[keys]\nsort = 'o'\nreverse = 'o'", `config.toml:3: reverse: "o" is the key of sort too, in view Cells`},
		{"[keys]\nreverse = 'o'\nsort = 'o'", `config.toml:3: sort: "o" is the key of reverse too`},
		{"[keys]\nsort = 'q'", `config.toml:2: sort: "q" is the key of quit too`},
		{"[keys]\nsort = 'a'\nsort = 'b'", `config.toml:3: toml: `},
		{"[keys]\nsort = ", `config.toml:2: toml: `},
		{"[colors]\nbat = 'red'", `config.toml:2: no color "bat": there are heading, muted,`},
		{"[colors]\nbad = 'rad'", `config.toml:2: bad: no color or attribute "rad"`},
		{"[colors]\nbad = 'red blue'", `config.toml:2: bad: "red blue" has two colors`},
		{"[colors]\nbad = ''", `config.toml:2: bad: no color`},
		{"[colors]\nbad = 256", `config.toml:2: bad: no color or attribute "256"`},
		{"[colors]\nbad = '#12345'", `config.toml:2: bad: no color or attribute "#12345"`},
		{"[colors]\nbad = true", `config.toml:2: bad is a color`},
		{strings.Repeat("#", MaxConfig+1), `config.toml: larger than 1 MiB`},
	} {
		_, err := ParseConfig("config.toml", strings.NewReader(tc.config))
		switch {
		case err == nil:
			t.Errorf("%.80q is taken", tc.config)
		case !strings.Contains(err.Error(), tc.want):
			t.Errorf("%.80q: %v, want %s", tc.config, err, tc.want)
		case strings.Contains(err.Error(), "\n"):
			t.Errorf("%.80q: an error of several lines: %q", tc.config, err)
		}
	}
}

func TestKeysThatAreNeverUsedTogetherMayBeTheSame(t *testing.T) {
	for _, config := range []string{
		"",
		"[keys]\nsearch = 'o'\nsort = 'o'",
		"[keys]\nsort = 'S'\nreverse = 's'",
		"[keys]\nquit = ['q', 'ctrl+c']",
		"keys.sort = 'o'\nkeys.next = []\n[colors]\nbad = 0xa0",
		"keys = { 'sort' = 'o' }\ntheme = 'dark'\nascii = true",
	} {
		if _, err := ParseConfig("config.toml", strings.NewReader(config)); err != nil {
			t.Errorf("%q: %v", config, err)
		}
	}
}

func TestKeysAreReadAsPeopleWriteThem(t *testing.T) {
	for in, want := range map[string]string{
		"a": "a", "A": "A", "é": "é", "+": "+", " ": "space", "ctrl+A": "ctrl+a", "alt+ctrl+x": "ctrl+alt+x", "ctrl++": "ctrl++",
		"shift+tab": "shift+tab", "Return": "", "return": "enter", "pgdn": "pgdown", "↑": "up", "f12": "f12", "f25": "", "ab": "",
		"ctrl+": "", "\x1b": "", "\u0301": "", "\xff": "", "ctrl+ctrl+a": "",
	} {
		got, err := parseKey(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("parseKey(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestColoursOfTheConfiguration(t *testing.T) {
	c, err := ParseConfig("config.toml", strings.NewReader("[colors]\nbad = '#d55e00 underline'\nname = 208\nwarning='bright-red'\nmuted='default'"))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Config: c}
	s := o.setting()
	l := line{{bad, "a"}, {name, "b"}, {warning, "c"}, {muted, "d"}}
	want := "\x1b[4;38;2;213;94;0;4ma\x1b[m\x1b[38;5;208mb\x1b[m\x1b[91mc\x1b[md"
	if got := l.render(s.styles(), plain, 10); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	o.NoColor = true
	s = o.setting()
	if got := l.render(s.styles(), plain, 10); got != "abcd" {
		t.Errorf("without colours: %q", got)
	}
	if c.looks[name].colour != lipgloss.ANSIColor(208) {
		t.Errorf("a number is %v", c.looks[name].colour)
	}
}

// TestEveryCommandAndStyleHasAName looks that a configuration can speak of all of
// them.
func TestEveryCommandAndStyleHasAName(t *testing.T) {
	seen := map[string]bool{"": true}
	for c, e := range entries() {
		if seen[e.name] {
			t.Errorf("command %d has the name %q", c, e.name)
		}
		seen[e.name] = true
	}
	seen = map[string]bool{"": true}
	for on, n := range styleNames[plain+1:] {
		if seen[n] {
			t.Errorf("style %d has the name %q", on+1, n)
		}
		seen[n] = true
	}
}

// TestNoTwoCommandsOfAViewHaveTheSameKey looks at the program's own keys. A key of
// a view itself comes before the same key elsewhere: t, say, of a view and of all.
func TestNoTwoCommandsOfAViewHaveTheSameKey(t *testing.T) {
	keys, reach := newKeyMap(), newReach()
	for a := range nrCommands {
		for b := range a {
			at, together := reach.together(a, b)
			for _, k := range keys[a].keys {
				if together && slices.Contains(keys[b].keys, k) {
					t.Errorf("%s and %s both have %q in view %s", keys[b].name, keys[a].name, k, place{view: at}.kind())
				}
			}
		}
	}
}

// TestTheReachOfCommandsIsWhatViewsHave looks that no view has a command that the
// check for keys given twice does not know of.
func TestTheReachOfCommandsIsWhatViewsHave(t *testing.T) {
	reach := newReach()
	snaps := []*dump.Snapshot{mitosisStall(), ringSample(), withFindings(), qmapSysRq(), {}}
	s := start(t, 80, 24, snaps...)
	check := func() {
		v := s.frame().at.view
		for _, g := range s.commands() {
			for _, c := range g.commands {
				if reach[c]&(1<<v) == 0 {
					t.Errorf("%s is a command of view %s, which newReach has not found", s.Model.keys[c].name, place{view: v}.kind())
				}
			}
		}
	}
	for i := range snaps {
		for _, k := range allKeys {
			s.keys(":").text(string(number(i+1))).keys("enter", k)
			check()
			s.keys("esc", "4", "enter")
			check()
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	for _, seed := range []string{
		"theme = 'auto'\nascii = true\n[keys]\nsort = ['o', 'ctrl+s']\n[colors]\nbad = '#d55e00 bold'\nname = 208\n",
		"keys = { sort = 'o', reverse = [\n'x', # why\n] }", "[[keys]]", "[keys]\n'so\\u0072t' = \"\"\"\no\"\"\"", "a.b.c = {d = [1, {e = 2}]}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseConfig("c", strings.NewReader(text))
		if err != nil {
			return
		}
		s := &session{New([]*dump.Snapshot{mitosisStall()}, Options{Config: c}), t}
		s.resize(80, 24)
		s.keys("4", "?")
		s.screen()
	})
}
