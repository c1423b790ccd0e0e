// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	tea "charm.land/bubbletea/v2"

	"scxdiag/dump"
)

// allKeys is every key that does something, and some that do not.
var allKeys = strings.Fields("1 2 3 4 5 6 6 v v e C r ? l [ ] enter esc backspace c t w s S p d / n N g G j k up down left right pgup " +
	"pgdown home end space x { } < > R T D C u L 9 8 7 y M ctrl+u ctrl+w ctrl+d ctrl+b v t i m e : tab : p u " +
	"tab R T u L - ! : ~ = < 1")

// tour visits every view, every thing of every table, and scrolls through all
// of it.
func tour(s *session, look func(screen string)) {
	down := func() {
		for range 40 {
			was := s.screen()
			look(was)
			if s.keys("pgdown").screen() == was {
				break
			}
		}
	}
	for _, k := range []string{"1", "3", "4", "2", "e", "C", "6"} {
		s.keys(k, "home")
		down()
		s.keys("?")
		down()
		s.keys("esc", "home", "r")
		down()
		for range 20 {
			s.keys("right")
		}
		look(s.screen())
		s.keys("esc")
		l := s.list()
		if l == nil {
			continue
		}
		for range len(l.columns) {
			look(s.keys("s").screen())
		}
		for range len(l.rows) {
			s.keys("enter", "home")
			down()
			s.keys("r")
			look(s.screen())
			s.keys("esc", "T")
			look(s.screen())
			for len(s.stack) > 1 {
				s.keys("esc")
			}
			s.keys("down")
		}
	}
	s.keys("4", "/")
	s.Update(tea.PasteMsg{Content: hostileText})
	look(s.screen())
	s.keys("esc", "L")
	look(s.screen())
	s.keys("esc", ":")
	for _, typed := range []string{"", "task", "dsq", "cell", "cgroup", hostileText} {
		s.keys("ctrl+u")
		s.Update(tea.PasteMsg{Content: typed})
		down()
	}
	s.keys("esc")
}

// TestNoControlSequenceOfADumpReachesTheTerminal renders all there is to see of
// a dump that holds every kind of control sequence in every field. Without
// styles of its own, the program has no reason to write any control character
// but the newline.
func TestNoControlSequenceOfADumpReachesTheTerminal(t *testing.T) {
	for _, size := range sizes {
		s := start(t, size[0], size[1], hostile(), hostile())
		tour(s, func(screen string) {
			for _, r := range screen {
				if r != '\n' && (unicode.IsControl(r) || !unicode.IsPrint(r)) {
					t.Fatalf("the screen has %U:\n%q", r, screen)
				}
			}
			if strings.Contains(screen, "\ufffd") {
				t.Fatalf("the screen is not UTF-8:\n%q", screen)
			}
		})
	}
}

// TestStylesOnlyAddColours looks that with styles the screen says the same, and
// that the only sequences in it set colours.
func TestStylesOnlyAddColours(t *testing.T) {
	sgr := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for _, snap := range []*dump.Snapshot{mitosisStall(), hostile(), withFindings(), ringSample()} {
		without := start(t, 80, 24, snap)
		with := &session{New([]*dump.Snapshot{snap}, Options{}), t}
		with.resize(80, 24)
		for _, k := range strings.Fields("1 down 2 enter r esc 6 v down right v ? esc v 3 v v enter r ? esc 4 enter C down enter ? esc 5 / c p u enter n") {
			without.keys(k)
			with.keys(k)
			styled := with.screen()
			rest := sgr.ReplaceAllString(styled, "")
			if strings.ContainsRune(rest, 0x1b) {
				t.Fatalf("a sequence that is no colour: %q", rest)
			}
			if got, want := trimmed(rest), trimmed(without.screen()); strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Fatalf("after %s:\n%s\nwithout colour:\n%s", k, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if styled == rest {
				t.Fatal("no styles at all")
			}
		}
	}
}

// TestAPieceKeepsItsLookOnTheLineWithTheCursor looks at how two styles combine.
func TestAPieceKeepsItsLookOnTheLineWithTheCursor(t *testing.T) {
	l := line{{plain, "a"}, {name, "b\t"}, {bad, "c"}}
	for _, tc := range []struct {
		base    style
		noColor bool
		want    string
	}{
		{plain, false, "a\x1b[36mb\t\x1b[m\x1b[1;31mc\x1b[m"},
		{selected, false, "\x1b[7ma\x1b[m\x1b[7;36mb\t\x1b[m\x1b[1;7;31mc\x1b[m\x1b[7m  \x1b[m"},
		{selected, true, "ab\tc  "},
	} {
		if got := l.render(newStyles(tc.noColor), tc.base, 6); got != tc.want {
			t.Errorf("style %d, no colour %v: got %q, want %q", tc.base, tc.noColor, got, tc.want)
		}
	}
}

// TestRandomKeysAndSizes presses keys and resizes at random. screen fails if a
// line is too wide or there are too many.
func TestRandomKeysAndSizes(t *testing.T) {
	rounds := 30
	if testing.Short() {
		rounds = 3
	}
	for seed := range uint64(rounds) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		s := start(t, 80, 24, mitosisStall(), hostile(), verdictOnly(), ringSample(), qmapSysRq(), truncated(), manyTasks(300), &dump.Snapshot{})
		for range 400 {
			switch rnd.IntN(10) {
			case 0:
				s.resize(rnd.IntN(220), rnd.IntN(70))
			case 1:
				s.resize(60+rnd.IntN(10), 15+rnd.IntN(4))
			default:
				s.keys(allKeys[rnd.IntN(len(allKeys))])
			}
			s.screen()
			s.View()
		}
	}
}

// TestOnlyCleanMakesText looks that no other file converts a string to text,
// which is what the compiler cannot do.
func TestOnlyCleanMakesText(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	conversion := regexp.MustCompile(`\btext\(([^")])`)
	for _, f := range files {
		if f == "clean.go" || strings.HasSuffix(f, "_test.go") {
			continue
		}
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if m := conversion.FindString(string(src)); m != "" {
			t.Errorf("%s converts to text: %s", f, m)
		}
	}
}

func TestTextWidths(t *testing.T) {
	for _, s := range []string{"", "abc", "日本語", "e\u0301", "a日b本c", hostileText} {
		x := clean(s)
		for n := range x.width() + 3 {
			if w := x.clip(n).width(); w > n {
				t.Errorf("clip(%q, %d) is %d wide", x, n, w)
			}
			if w := x.clipLeft(n).width(); w > n {
				t.Errorf("clipLeft(%q, %d) is %d wide", x, n, w)
			}
			if w, want := x.skip(n).width(), max(x.width()-n, 0); w != want {
				t.Errorf("skip(%q, %d) is %d wide, not %d", x, n, w, want)
			}
			if n > 0 {
				for _, l := range (line{{plain, x}, {bad, " " + x}}).wrap(n) {
					if l.width() > n {
						t.Errorf("wrap(%q, %d) has a line of %d", x, n, l.width())
					}
				}
			}
		}
		if a, b := ansi.StringWidth(string(x)), ansi.StringWidthWc(string(x)); a != b {
			t.Errorf("terminals disagree about the width of %q: %d, %d", x, a, b)
		}
	}
}

func TestWrapLosesNothing(t *testing.T) {
	in := clean("websrv[228] failed to run for 35.632s " + strings.Repeat("x", 50) + " 日本語日本語")
	for n := 2; n < 120; n++ {
		var got strings.Builder
		for _, l := range (line{{plain, in}}).wrap(n) {
			for _, s := range l {
				got.WriteString(string(s.text))
			}
		}
		if strip(got.String()) != strip(string(in)) {
			t.Fatalf("wrapped at %d: %q", n, got.String())
		}
	}
}

func strip(s string) string { return strings.ReplaceAll(s, " ", "") }
