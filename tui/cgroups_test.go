// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"scxdiag/dump"
)

func TestCgroupsAreATree(t *testing.T) {
	s := start(t, 80, 24, ringSample()).keys("C").wants("6 cgroups, by cgroup", "cpuset", "effective")
	var names []string
	for _, l := range strings.Split(s.screen(), "\n")[4:10] {
		names = append(names, strings.TrimRight(l[2:20], " "))
	}
	want := []string{"/", "  a", "    lost", "    x", "      plain", "  gone"}
	if !slices.Equal(names, want) {
		t.Errorf("the tree is %q, want %q", names, want)
	}
	s.wants("! no storage", "! removed", "cpu off, empty")
	s.keys("?").wants("Cgroups").keys("pgdown").wants("the cgroups as a tree")
}

func TestCgroupsLeadToCellsAndTasks(t *testing.T) {
	s := start(t, 80, 24, ringSample()).keys("C", "down", "down", "down")
	if got := s.cursorLine(); !strings.Contains(got, "x") {
		t.Fatalf("the cursor is on %q", got)
	}
	s.keys("enter").wants("Cgroup /a/x", "cell 2, which its cpuset made", "below", "Below it", "plain", "1 running, 2 waiting")
	s.keys("T").wants("3 tasks of cgroup /a/x").keys("esc")
	for !strings.HasPrefix(s.cursorLine(), "> owns") {
		was := s.cursorLine()
		if s.keys("down").cursorLine() == was {
			t.Fatal("no line with the cell that it owns")
		}
	}
	s.keys("enter").wants("Cell 2", "/a/x").keys("esc", "esc").wants("6 cgroups")
	s.keys("/").text("owns=1").keys("enter").wants("1 of 6 cgroups")
	s.keys("esc", "end", "enter").wants("Cgroup /gone", "! removed", "cell 3").keys("T").wants("No task of the dump")
}

func TestWithoutCgroupsThereIsNoTreeOfThem(t *testing.T) {
	s := start(t, 80, 24, mitosisStall()).keys("C").wants("does not tell of cgroups", "[1 Triage]")
	s.keys("?").lacks("the cgroups as a tree")
}

// TestCgroupsFollowTheScheduler looks that the cursor stays on its cgroup, and
// that the page of one that is gone leads back.
func TestCgroupsFollowTheScheduler(t *testing.T) {
	f := watch(t, 80, 24, 0).feed(ringSample()).keys("C", "end")
	next := ringSample()
	next.Cgroups = append(next.Cgroups, dump.Cgroup{ID: 300, Path: dump.Of("/new"), Parent: 1, Level: 1})
	f.feed(next)
	if got := f.cursorLine(); !strings.Contains(got, "gone") {
		t.Errorf("the cursor went to %q", got)
	}
	f.keys("enter").wants("Cgroup /gone")
	next = ringSample()
	next.Cgroups = slices.DeleteFunc(next.Cgroups, func(g dump.Cgroup) bool { return g.ID == 94 })
	f.feed(next).wants("cgroup /gone is not in this snapshot", "enter goes back there")
}

// TestACgroupTreeHasEachOnce holds for records in any order, with holes, and for
// what no kernel would send.
func TestACgroupTreeHasEachOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &dump.Snapshot{}
		id := rapid.Uint64Range(0, 12)
		for range rapid.IntRange(0, 12).Draw(t, "cgroups") {
			s.Cgroups = append(s.Cgroups, dump.Cgroup{ID: id.Draw(t, "id"), Parent: id.Draw(t, "parent")})
		}
		order, depth := cgroupTree(s)
		sorted := slices.Sorted(slices.Values(order))
		for i := range s.Cgroups {
			if len(sorted) != len(s.Cgroups) || sorted[i] != i {
				t.Fatalf("%d cgroups in the order %v", len(s.Cgroups), order)
			}
		}
		for k, i := range order {
			if depth[i] == 0 {
				continue
			}
			isAbove := func(j int) bool { return s.Cgroups[j].ID == s.Cgroups[i].Parent && depth[j] == depth[i]-1 }
			if !slices.ContainsFunc(order[:k], isAbove) {
				t.Fatalf("cgroup %d is %d deep in %v, and what is above it is not", s.Cgroups[i].ID, depth[i], order)
			}
		}
	})
}

func TestTheOverviewTellsOfTheScheduler(t *testing.T) {
	for _, size := range sizes {
		s := start(t, size[0], size[1], ringSample())
		var all strings.Builder
		for range 60 {
			all.WriteString(s.screen())
			s.keys("down")
		}
		flat := strings.Join(strings.Fields(all.String()), " ")
		for _, want := range []string{
			"7 in force, 8 wanted", "applied 3.100s ago", "531 runs, the last 40ms ago", "7 in progress, for 12ms", "waits for CPU 0",
			"4 of 64 in use, at most 6 at once", "6, 3 with a cell of their own",
		} {
			if size[0] < 200 && strings.Count(want, " ") > 2 { // it may be wrapped
				want, _, _ = strings.Cut(want, ",")
			}
			if !strings.Contains(flat, want) {
				t.Errorf("%v: the overview lacks %q", size, want)
			}
		}
	}
}

// TestAnEndWithoutCellsDoesNotCountThem is about the end of a scheduler, of
// which only the status is sent.
func TestAnEndWithoutCellsDoesNotCountThem(t *testing.T) {
	s := ringSample()
	s.Cells, s.Cgroups, s.Exit = nil, nil, &dump.Exit{Kind: dump.Of(dump.ExitUnreg)}
	start(t, 200, 60, s).wants("room for 64, at most 6 at once").lacks("of 64 in use")
}

func TestWhatIsOutOfTheOrdinaryStandsOut(t *testing.T) {
	s := start(t, 200, 60, ringSample())
	s.keys("3").wants("! offline").keys("home", "enter")
	s.wants("in one now, for 12ms, ! the grace period waits for it", "whose queue it serves, too", "8123 ended")
	s.keys("4", "home", "enter").wants("the cell has 2", "it exits and its cgroup is dead", "as the kernel has it now", "that of cell 1",
		"100000000 behind basis_vtime")
	s.keys("2").wants("rescued", "cpuset", "gen", "drain")
	s.keys("home", "down", "enter").wants("not the CPUs of the cell", "for 3.100s")
	s.keys("2", "home", "down", "down", "enter").wants("! not in its place")
	s.keys("2", "home", "down", "down", "down", "enter").wants("waits for grace period 8")
}
