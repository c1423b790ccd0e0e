// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"testing"
	"time"

	"scxdiag/dump/store"
)

// entriesOf are snapshots of so many tasks, a second apart.
func entriesOf(tasks ...int) []store.Entry {
	entries := make([]store.Entry, len(tasks))
	for i, n := range tasks {
		entries[i] = store.Entry{Seq: int64(i + 1), Time: time.Unix(int64(i), 0), Tasks: n}
	}
	return entries
}

func TestARecordingOpensWithAFailure(t *testing.T) {
	for _, c := range []struct {
		name   string
		failed []int // positions
		tasks  []int
		want   int
	}{
		{"there is none", nil, []int{1, 1, 1}, 2},
		{"the first one", []int{1, 2}, []int{1, 1, 1, 1}, 1},
		{"one with tasks", []int{0, 2}, []int{0, 1, 1, 1}, 2},
		{"none has tasks", []int{1, 2}, []int{1, 0, 0, 1}, 1},
	} {
		entries := entriesOf(c.tasks...)
		for _, i := range c.failed {
			entries[i].Failure = true
		}
		if got := opening(entries); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestTheWindowIsAroundWhatIsShown(t *testing.T) {
	const half = windowTasks / 2
	for _, c := range []struct {
		name         string
		tasks        []int
		at           int
		first, n, is int
	}{
		{"all fit", []int{1, 2, 3}, 1, 1, 3, 1},
		{"one is too large for others", []int{1, 2 * windowTasks, 1}, 1, 2, 1, 0},
		{"those around fit", []int{half, 10, 10, 10, half + 1}, 2, 1, 4, 2},
		{"the last ones", []int{half, half, half}, 2, 2, 2, 1},
	} {
		shown, start := window(entriesOf(c.tasks...), c.at)
		if int(shown[0].Seq) != c.first || len(shown) != c.n || start != c.is {
			t.Errorf("%s: from %d, %d, start %d; want %d, %d, %d", c.name, shown[0].Seq, len(shown), start, c.first, c.n, c.is)
		}
	}
	many := make([]int, 3*windowSnapshots)
	shown, start := window(entriesOf(many...), windowSnapshots)
	if n := len(shown); n < windowSnapshots || n > windowSnapshots+1 || shown[start].Seq != windowSnapshots+1 {
		t.Errorf("%d shown, at number %d", n, shown[start].Seq)
	}
}
