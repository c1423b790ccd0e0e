// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"scxdiag/dump"
)

// inASCII starts a session on a screen without glyphs.
func inASCII(tb testing.TB, width, height int, snapshots ...*dump.Snapshot) *session {
	tb.Helper()
	s := &session{New(snapshots, Options{NoColor: true, ASCII: true}), tb}
	s.resize(width, height)
	return s
}

// wantsASCII fails if a screen has anything else.
func wantsASCII(tb testing.TB, screen string) {
	tb.Helper()
	if !isASCII(screen) {
		tb.Fatalf("not all of the screen is ASCII:\n%s", screen)
	}
}

func TestNothingButASCIIIsDrawnOfADump(t *testing.T) {
	for _, size := range sizes {
		s := inASCII(t, size[0], size[1], hostile(), ringSample())
		tour(s, func(screen string) { wantsASCII(t, screen) })
	}
}

// TestRandomKeysInASCII presses the keys of TestRandomKeysAndSizes. The screen has
// what it has with glyphs, in the same columns.
func TestRandomKeysInASCII(t *testing.T) {
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		snaps := []*dump.Snapshot{mitosisStall(), hostile(), verdictOnly(), ringSample(), qmapSysRq(), truncated(), manyTasks(300), {}}
		s, with := inASCII(t, 80, 24, snaps...), start(t, 80, 24, snaps...)
		for range 400 {
			if rnd.IntN(10) == 0 {
				width, height := rnd.IntN(220), rnd.IntN(70)
				s.resize(width, height)
				with.resize(width, height)
			} else {
				k := allKeys[rnd.IntN(len(allKeys))]
				s.keys(k)
				with.keys(k)
			}
			wantsASCII(t, s.screen())
			wantsASCII(t, s.View().Content)
			other := strings.Split(with.screen(), "\n")
			for i, l := range strings.Split(s.screen(), "\n") {
				// Keys have names in the place of arrows, in the foot and in the help.
				if s.overlay == nil && i < len(other)-1 && ansi.StringWidth(l) != ansi.StringWidth(other[i]) && !strings.ContainsAny(other[i], "↑↓") {
					t.Fatalf("a line has another width:\n%q\n%q", l, other[i])
				}
			}
		}
	}
}

// TestEveryGlyphHasAStandIn looks at all constants of the program.
func TestEveryGlyphHasAStandIn(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") || f == "ascii.go" {
			continue
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, f, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING && lit.Kind != token.CHAR {
				return true
			}
			for _, r := range lit.Value {
				if _, has := glyphs[r]; r >= 0x80 && !has {
					t.Errorf("%s: %q has no stand-in in ascii.go", set.Position(lit.Pos()), r)
				}
			}
			return true
		})
	}
	for r, stand := range glyphs {
		if w := ansi.StringWidth(string(r)); w != 1 || stand < ' ' || stand > '~' {
			t.Errorf("%q takes %d columns, its stand-in is %q", r, w, stand)
		}
	}
}

func FuzzASCIIOnly(f *testing.F) {
	for _, s := range []string{"", "abc", "日本語", "e\u0301", "…↑", "👩‍👩‍👧", hostileText} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		x := clean(s)
		got := asciiOnly(string(x))
		if !isASCII(got) || len(got) != x.width() {
			t.Errorf("%q became %q, which is not ASCII of %d columns", x, got, x.width())
		}
	})
}

func TestASCIIScreens(t *testing.T) {
	for _, tc := range []struct {
		name string
		snap *dump.Snapshot
		keys string
	}{
		{"triage", withFindings(), ""},
		{"tasks", mitosisStall(), "4"},
		{"tasks-hostile", hostile(), "4"},
		{"cells", ringSample(), "2"},
		{"cell", ringSample(), "2 enter"},
		{"help", mitosisStall(), "4 ?"},
	} {
		for _, size := range [][2]int{{60, 15}, {80, 24}, {132, 43}, {200, 60}} {
			t.Run(fmt.Sprintf("%s-%dx%d", tc.name, size[0], size[1]), func(t *testing.T) {
				s := inASCII(t, size[0], size[1], tc.snap).keys(strings.Fields(tc.keys)...)
				wantsASCII(t, s.screen())
				golden.RequireEqual(t, strings.Join(trimmed(s.screen()), "\n")+"\n")
			})
		}
	}
}

func TestQuotedNamesStayOfTheSameWidth(t *testing.T) {
	for in, want := range map[string]string{"a…b": "a~b", "日本": "????", "e\u0301x": "ex", "▄█·": "=#.", strconv.Itoa(1): "1"} {
		if got := asciiOnly(in); got != want {
			t.Errorf("asciiOnly(%q) = %q, want %q", in, got, want)
		}
	}
}
