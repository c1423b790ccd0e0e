// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"
	"testing"
	"time"

	"scxdiag/dump"
)

// BenchmarkFirstFrame is all that the package does between a snapshot and its
// first screen.
func BenchmarkFirstFrame(b *testing.B) {
	for name, snap := range map[string]*dump.Snapshot{"12tasks": mitosisStall(), "10000tasks": manyTasks(10000)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				start(b, 200, 60, snap).Render()
			}
		})
	}
}

// BenchmarkScroll moves through the table of 10,000 tasks, a frame each time.
func BenchmarkScroll(b *testing.B) {
	s := start(b, 200, 60, manyTasks(10000)).keys("4")
	b.ReportAllocs()
	for b.Loop() {
		s.keys("pgdown").Render()
	}
}

// BenchmarkScrollInColour is what the styles of a full screen add to that.
func BenchmarkScrollInColour(b *testing.B) {
	s := &session{New([]*dump.Snapshot{manyTasks(10000)}, Options{}), b}
	s.resize(200, 60)
	s.keys("4")
	b.ReportAllocs()
	for b.Loop() {
		s.keys("pgdown").Render()
	}
}

// BenchmarkShow is what a live session does with each new sample of 5,000
// tasks, until the screen shows it.
func BenchmarkShow(b *testing.B) {
	for _, bm := range []struct{ name, keys string }{
		{"overview", ""}, {"cpus", "3"}, {"masks", "6"}, {"tasks", "4"}, {"filtered", "4 / w e b enter"}, {"task", "4 enter"}, {"cell", "2 enter"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			f := watch(b, 200, 60, 5000).sample(1)
			f.keys(strings.Fields(bm.keys)...)
			var next [16]*dump.Snapshot // enough for trim to have work
			for i := range next {
				next[i] = f.samples.next()
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s := *next[i%len(next)]
				f.feed(&s).Render()
			}
		})
	}
}

func BenchmarkSort(b *testing.B) {
	s := start(b, 200, 60, manyTasks(10000)).keys("4")
	for b.Loop() {
		s.keys("s").Render()
	}
}

func BenchmarkFilter(b *testing.B) {
	s := start(b, 200, 60, manyTasks(10000)).keys("4", "/")
	for b.Loop() {
		s.keys("w", "o", "r", "backspace", "backspace", "backspace")
	}
}

// largeRaw is a snapshot with 10 MiB of source.
func largeRaw() *dump.Snapshot {
	s := mitosisStall()
	s.Raw += strings.Repeat("[  131.612345] some line of another program that stands in between, as they do\n", 10<<20/79)
	return s
}

func BenchmarkRawOpen(b *testing.B) {
	snap := largeRaw()
	b.SetBytes(int64(len(snap.Raw)))
	for b.Loop() {
		start(b, 200, 60, snap).keys("4", "r").Render()
	}
}

func BenchmarkRawScroll(b *testing.B) {
	s := start(b, 200, 60, largeRaw()).keys("r")
	for b.Loop() {
		s.keys("pgdown").Render()
	}
}

func BenchmarkRawSearchInVain(b *testing.B) {
	s := start(b, 200, 60, largeRaw()).keys("r", "/")
	for b.Loop() {
		s.text("nowhere").keys("ctrl+u")
	}
}

// TestNothingLags bounds the CPU time of a key, with a wide margin for slow
// machines: the benchmarks say what it really costs.
func TestNothingLags(t *testing.T) {
	const limit = 500 * time.Millisecond
	tasks := start(t, 200, 60, manyTasks(10000))
	for _, k := range strings.Fields("2 end enter T esc 3 s s s S / w o r k esc end enter r / z z esc") {
		was := cpuTime(t)
		tasks.keys(k).Render()
		if d := cpuTime(t) - was; d > limit {
			t.Errorf("%s took %v with 10,000 tasks", k, d)
		}
	}
	long := mitosisStall()
	long.Raw += strings.Repeat("\t", 10<<20) + "\n" + strings.Repeat("a\n", 1<<20) + strings.Repeat("x\x1b", 5<<20)
	text := start(t, 200, 60, long)
	for _, k := range strings.Fields("r end pgup right home / a a b esc end /") {
		was := cpuTime(t)
		text.keys(k).Render()
		if d := cpuTime(t) - was; d > limit {
			t.Errorf("%s took %v with a long source", k, d)
		}
	}
}
