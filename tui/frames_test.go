// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/exp/golden"

	"scxdiag/dump"
)

// frameSizes are the screens that frames are taken on.
var frameSizes = [][2]int{{60, 15}, {80, 24}, {132, 43}, {200, 60}}

// TestFrames has every numbered view, one below the other, of a small snapshot, of one
// of a large machine and of one that was cut off, on every size and kind of screen.
func TestFrames(t *testing.T) {
	for _, snap := range []struct {
		name string
		snap *dump.Snapshot
	}{{"small", ringCrash()}, {"large", largeSnapshot(10_000, 512)}, {"truncated", truncated()}} {
		for _, on := range []struct {
			name    string
			options Options
		}{
			{"plain", Options{NoColor: true}}, {"ascii", Options{NoColor: true, ASCII: true}}, {"colour", Options{profile: colorprofile.ANSI}},
		} {
			s := &session{New([]*dump.Snapshot{snap.snap}, on.options), t}
			for _, size := range frameSizes {
				t.Run(fmt.Sprintf("%s-%s-%dx%d", snap.name, on.name, size[0], size[1]), func(t *testing.T) {
					s.tb = t
					s.resize(size[0], size[1])
					var frames []string
					for view := '1'; view <= '9'; view++ {
						frames = append(frames, trimmed(s.keys(string(view)).screen())...)
					}
					golden.RequireEqual(t, strings.Join(frames, "\n")+"\n")
				})
			}
		}
	}
}

// TestWideCharactersDoNotDrift has names of wide and combining characters in every
// view, and looks that what stands behind them stays in its column.
func TestWideCharactersDoNotDrift(t *testing.T) {
	const name = "日本é̂́f" // six columns
	narrow, wide := mitosisStall(), mitosisStall()
	for i := range narrow.Tasks {
		narrow.Tasks[i].Comm = fmt.Sprintf("abcdef%02d", i)
		wide.Tasks[i].Comm = fmt.Sprintf("%s%02d", name, i)
	}
	for _, size := range frameSizes {
		a, b := start(t, size[0], size[1], narrow), start(t, size[0], size[1], wide)
		for _, keys := range []string{"4", "5", "6", "3", "v"} {
			want := a.keys(keys).screen()
			got := b.keys(keys).screen()
			if (keys == "4" || keys == "6") && !strings.Contains(got, name) {
				t.Errorf("%dx%d, view %s shows no name", size[0], size[1], keys)
			}
			// As wide, so that everything else is where it was.
			if strings.ReplaceAll(got, name, "abcdef") != want {
				t.Errorf("%dx%d, view %s:\n%s\nwant the columns of\n%s", size[0], size[1], keys, got, want)
			}
		}
	}
}
