// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"scxdiag/dump"
)

// head is the line with the titles of the columns.
func (s *session) head() string { return strings.Split(s.screen(), "\n")[frameLines] }

func TestColumnsAreHiddenAndShown(t *testing.T) {
	s := start(t, 80, 24, mitosisStall()).keys("4")
	if !strings.Contains(s.head(), "ops_state") || strings.Contains(s.head(), "slice") {
		t.Fatalf("the columns are %s", s.head())
	}
	s.keys("c").wants("Columns of the tasks", "[x] wait", "sorted ↓", "[x] ops_state", "[-] slice", "no room, 8 wide")
	for !strings.Contains(s.cursorLine(), "slice") {
		s.keys("down")
	}
	s.keys("space").wants("[x] slice", "[-] cpus")
	s.keys("esc")
	if !strings.Contains(s.head(), "slice") {
		t.Errorf("what was asked for is not shown: %s", s.head())
	}
	s.keys("c", "home", "down", "enter").wants("[ ] task").keys("c")
	if strings.Contains(s.head(), "task") || strings.Contains(s.cursorLine(), "websrv") {
		t.Errorf("what was hidden is shown: %s", s.head())
	}
	if s.overlay != nil {
		t.Error("c does not close the columns")
	}
}

func TestTheChoiceOfColumnsCarriesOver(t *testing.T) {
	s := start(t, 80, 24, mitosisStall(), qmapSysRq(), truncated()).keys("4", "c", "down", "space", "esc", "]", "]").wants("3/3")
	if strings.Contains(s.head(), "task") {
		t.Errorf("the next snapshot shows %s", s.head())
	}
	s.keys("3", "v")
	if !strings.Contains(s.head(), "current") {
		t.Errorf("another table has %s", s.head())
	}
	s.keys("4", "c", "down", "space").wants("[x] task")
}

func TestSortByTheColumnUnderTheCursor(t *testing.T) {
	s := start(t, 80, 24, mitosisStall()).keys("4", "c", "down", "down", "s").wants("sorted ↑").keys("S").wants("sorted ↓").keys("esc")
	s.wants("by pid ↓").keys("home")
	if got := s.cursorLine(); !strings.Contains(got, "[251]") {
		t.Errorf("the highest pid is not first: %s", got)
	}
	s.keys("c")
	if got := s.cursorLine(); !strings.Contains(got, "pid") {
		t.Errorf("the cursor is not on what it is sorted by: %s", got)
	}
}

func TestTheLastColumnStays(t *testing.T) {
	s := start(t, 80, 24, mitosisStall()).keys("8", "c", "space").wants("[ ] value").keys("down", "space").wants("[x] counter", "The last column stays.")
	s.keys("esc").wants("SCX_EV_")
}

func TestNoRoomForAColumnIsTold(t *testing.T) {
	s := start(t, 60, 15, mitosisStall()).keys("4", "c")
	for !strings.Contains(s.cursorLine(), "dsq_vtime") {
		s.keys("down")
	}
	s.keys("space").wants("No room for dsq_vtime:").keys("home")
	for !strings.Contains(s.cursorLine(), "DSQ ") {
		s.keys("down")
	}
	s.keys("space", "esc")
	if !strings.Contains(s.head(), "dsq_vtime") {
		t.Errorf("it is not shown when there is room: %s", s.head())
	}
}

// TestSortKeyed compares it with a slow sort.
func TestSortKeyed(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		l := &list{n: rnd.IntN(300)}
		keys := make([]sortKey, l.n)
		for i := range keys {
			switch rnd.IntN(6) {
			case 0:
				keys[i] = sortKey{n: rnd.Uint64N(3)}
			case 1:
				keys[i] = byNumber(rnd.Int64()-rnd.Int64(), true)
			default:
				keys[i] = byNumber(rnd.IntN(50)-25, true)
			}
			if round%2 == 0 && keys[i].known {
				keys[i] = byText([]string{"", "a", "websrv-1", "websrv-10", "websrv-2", "日本", "\x00"}[rnd.IntN(7)])
			}
		}
		l.columns = []column{{desc: round%3 == 0, key: func(i int) sortKey { return keys[i] }}}
		l.arrange()
		want := make([]int32, l.n)
		for i := range want {
			want[i] = int32(i)
		}
		slices.SortStableFunc(want, func(a, b int32) int {
			x, y := keys[a], keys[b]
			switch {
			case x.known != y.known:
				if x.known {
					return -1
				}
				return 1
			case x.known && round%3 == 0:
				x, y = y, x
			}
			return cmp.Or(cmp.Compare(x.n, y.n), strings.Compare(x.s, y.s))
		})
		if !slices.Equal(l.order.things, want) {
			t.Fatalf("round %d: got %v, want %v", round, l.order.things, want)
		}
	}
}

// TestTasksAreFoundByTheirPlaces has tasks of which several have the same pid, or
// the same name too.
func TestTasksAreFoundByTheirPlaces(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		s := &dump.Snapshot{}
		for range rnd.IntN(40) {
			s.Tasks = append(s.Tasks, dump.Task{TaskRef: dump.TaskRef{Comm: string(rune('a' + rnd.IntN(3))), PID: int32(rnd.IntN(9))}})
		}
		x := newIndex(s)
		places := map[place]bool{}
		for i := range s.Tasks {
			p := x.placeOfTask(i)
			if places[p] {
				t.Fatalf("two tasks have the place %v", p)
			}
			places[p] = true
			if got := x.findTask(p); got != i {
				t.Fatalf("task %d is found as %d", i, got)
			}
			p.task.Comm = "renamed"
			if got := x.findTask(p); p.task.PID > 0 && (got < 0 || s.Tasks[got].PID != p.task.PID) || p.task.PID == 0 && got >= 0 {
				t.Fatalf("a task with the pid of %d is found as %d", i, got)
			}
		}
	}
}

// TestPagesOfLargeGroupsAreShort looks that a page does not list what fills many
// screens, and that those that wait for longest are on it.
func TestPagesOfLargeGroupsAreShort(t *testing.T) {
	s := start(t, 80, 24, largeSnapshot(20_000, 8)).keys("2", "enter")
	if n := len(s.frame().page.left); n > maxTaskRows+50 {
		t.Errorf("the page of a cell has %d items", n)
	}
	s.keys("end").wants("T lists the ")
	x := s.x()
	g := x.byCell[0]
	listed := x.runnableOf(g)
	if !x.s.Tasks[listed[0]].Current || !slices.Contains(listed, g.oldest) || len(listed) != maxTaskRows {
		t.Errorf("it lists %d, the first is %v", len(listed), x.s.Tasks[listed[0]].TaskRef)
	}
}
