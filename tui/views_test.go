// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"
	"pgregory.net/rapid"

	"scxdiag/dump"
)

// machine is a cell scheduler on n CPUs, eight of which are a cell, with tasks that
// wait. On every seventh CPU a real-time task runs, every fifth is idle.
func machine(n, tasks int) *dump.Snapshot {
	s := &dump.Snapshot{
		Source: dump.Source{Name: "machine", Carrier: "ringbuf"}, Kernel: dump.Kernel{Release: "7.3.4"},
		Scheduler: "scxdiag_cells", Trigger: dump.TriggerSample,
	}
	for first := 0; first < n; first += 8 {
		id := int32(first / 8)
		s.Cells = append(s.Cells, dump.Cell{
			ID: id, CPUs: dump.Of(dump.MaskRange(first, min(first+7, n-1))), State: dump.Of(dump.CellLive), Queued: dump.Of(int64(0)),
			OwnerPath: dump.Of(fmt.Sprintf("/jobs/%d", id)),
		})
	}
	for i := range int32(n) {
		c := dump.CPU{
			ID: i, Listed: true, Cell: dump.Of(i / 8), Class: dump.Of(dump.ClassExt), NrRunning: dump.Of(uint32(1)),
			Flags: dump.Of(uint32(1)), Online: dump.Of(true), Current: dump.Of(dump.TaskRef{Comm: fmt.Sprint("job", i), PID: 1000 + i}),
		}
		switch {
		case i%7 == 3:
			c.Class = dump.Of(dump.ClassRT)
		case i%5 == 4:
			c.Class, c.NrRunning, c.Current = dump.Of(dump.ClassIdle), dump.Of(uint32(0)), dump.Of(dump.TaskRef{Comm: "swapper"})
		}
		s.CPUs = append(s.CPUs, c)
	}
	for i := range tasks {
		cpu := i * 31 % n
		s.Tasks = append(s.Tasks, dump.Task{
			TaskRef: dump.TaskRef{Comm: fmt.Sprint("job", i%50), PID: int32(10000 + i)},
			CPU:     dump.Of(int32(cpu)), Cell: dump.Of(int32(cpu / 8)), State: dump.Of(byte('R')), Flags: dump.Of(uint32(1)),
			RunnableAt: dump.Of(-time.Duration(i*7919%9000) * time.Millisecond), DSQ: dump.Of(cellDSQ(int32(cpu / 8))),
			CPUs: dump.Of(dump.MaskRange(cpu-cpu%8, cpu-cpu%8+3)),
		})
	}
	return s
}

// broken is that machine with masks that are wrong.
func broken() *dump.Snapshot {
	s := machine(72, 40)
	s.Cells[2].CPUs.V = s.Cells[2].CPUs.V.With(3)
	s.Cells[4].CPUs.V = dump.MaskRange(32, 37)
	s.Cells[5].CpusetCPUs = dump.Of(dump.MaskRange(40, 48))
	for i := range 12 {
		s.Tasks[i].CPUs.V = dump.MaskRange(56, 57)
		s.Tasks[i].Cell, s.Tasks[i].CPU = dump.Of(int32(1)), dump.Of(int32(8))
	}
	s.CPUs[70].Online = dump.Of(false)
	s.Tasks[20].RunnableAt = dump.Of(-17 * time.Second)
	return s
}

func TestGridAndMaskScreens(t *testing.T) {
	for _, tc := range []struct {
		name string
		snap *dump.Snapshot
		keys string
	}{
		{"grid", mitosisStall(), "3"},
		{"grid-table", mitosisStall(), "3 v"},
		{"grid-ring", ringSample(), "3"},
		{"grid-qmap", qmapSysRq(), "3"},
		{"grid-hostile", hostile(), "3"},
		{"grid-1", machine(1, 3), "3"},
		{"grid-72", broken(), "3"},
		{"grid-512", machine(512, 2000), "3 down down right right"},
		{"grid-1024", machine(1024, 2000), "3 end"},
		{"grid-filter", machine(512, 2000), "3 / c e l l = 3 enter"},
		{"masks", mitosisStall(), "6"},
		{"masks-ring", ringSample(), "6 home down"},
		{"masks-qmap", qmapSysRq(), "6"},
		{"masks-hostile", hostile(), "6"},
		{"masks-72", broken(), "6 home"},
		{"masks-72-tasks", broken(), "6 v v end"},
		{"masks-512", machine(512, 2000), "6"},
		{"masks-512-wide", machine(512, 2000), "6 v down right right"},
	} {
		for _, size := range [][2]int{{60, 15}, {80, 24}, {132, 43}, {200, 60}} {
			t.Run(fmt.Sprintf("%s-%dx%d", tc.name, size[0], size[1]), func(t *testing.T) {
				s := start(t, size[0], size[1], tc.snap).keys(strings.Fields(tc.keys)...)
				golden.RequireEqual(t, strings.Join(trimmed(s.screen()), "\n")+"\n")
			})
		}
	}
}

// drawSize is a size that a session may have.
func drawSize(t *rapid.T) (width, height int) {
	return rapid.IntRange(60, 200).Draw(t, "width"), rapid.IntRange(15, 60).Draw(t, "height")
}

// TestTheCursorReachesEveryCPU goes through the grid with the keys for right and
// down, and back with the others.
func TestTheCursorReachesEveryCPU(t *testing.T) {
	machines := map[int]*dump.Snapshot{}
	for _, n := range []int{1, 4, 72, 512, 1024} {
		machines[n] = machine(n, 100)
	}
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.SampledFrom([]int{1, 4, 72, 512, 1024}).Draw(rt, "CPUs")
		width, height := drawSize(rt)
		s := start(t, width, height, machines[n]).keys("3", "home")
		at := func() int32 { return s.pane().selection().place.id }
		for i := range int32(n) {
			if at() != i {
				t.Fatalf("%dx%d: the cursor is on CPU %d, not %d", width, height, at(), i)
			}
			if i%31 == 0 {
				s.wants(fmt.Sprintf("> CPU %d ", i))
			}
			s.keys("right")
		}
		for want := int32(n - 1); want > 0; want-- {
			if s.keys("left"); at() != want-1 {
				t.Fatalf("%dx%d: left of CPU %d is CPU %d", width, height, want, at())
			}
		}
		// Down and right alone reach all of them, too: each column by itself.
		seen := map[int32]bool{}
		for column := range s.grid.perRow {
			s.keys("home")
			for range column {
				s.keys("right")
			}
			for was := int32(-1); at() != was; s.keys("down") {
				was = at()
				seen[was] = true
			}
		}
		if len(seen) != n {
			t.Fatalf("%dx%d: down leads to %d of %d CPUs", width, height, len(seen), n)
		}
		s.keys("pgup", "pgup", "pgdown", "end").screen()
		if at() != int32(n-1) {
			t.Fatalf("%dx%d: the end is CPU %d", width, height, at())
		}
	})
}

// TestTheGridHas512CPUsOnASmallScreen looks at each of them by its number.
func TestTheGridHas512CPUsOnASmallScreen(t *testing.T) {
	s := start(t, 80, 24, machine(512, 2000)).keys("3", "end")
	if s.grid.top != 0 || s.grid.rows*s.grid.perRow < 512 {
		t.Fatalf("%d rows of %d from row %d on", s.grid.rows, s.grid.perRow, s.grid.top)
	}
	s.wants("   480>", "     0 ", "> CPU 511  cell 63").lacks("rows 1-")
	if n := strings.Count(s.screen(), "^"); n != 73+1 { // and that of the legend
		t.Errorf("%d CPUs have a real-time task, not 73", n-1)
	}
	start(t, 60, 15, machine(1024, 10)).keys("3", "home").wants("1024 CPUs, rows 1-7 of 22,")
}

func TestTheGridMarksCPUs(t *testing.T) {
	s := start(t, 80, 24, broken()).keys("3").wants("1 offline, 1 stalled, 10 with a class above ext", "44f!", "70ix", "3a^")
	if got := s.cursorLine(); !strings.HasPrefix(got, "> CPU 44  cell 5") {
		t.Errorf("the cursor starts on %q", got)
	}
	s.keys("enter").wants("CPU 44").keys("esc", "T").wants("tasks of CPU 44").keys("esc")
	s.keys("end", "left").wants("> CPU 70  cell 8", "! offline")
	s.keys("up", "left").wants("> CPU 61")
	s.keys("/").text("cell=3").keys("enter").wants("8 of 72 CPUs with cell=3", "> CPU 24", "1/8")
	s.keys("up", "left", "home").wants("> CPU 24").keys("end", "down", "right").wants("> CPU 31", "8/8")
	s.keys("/").text(" nonsense").keys("enter", "down", "right", "end").wants("No CPU has these words.", "0 of 72")
	s.keys("esc").wants("72 CPUs,")
}

// TestTheCPUsHaveTwoShapes looks that the cursor and the filter are those of both.
func TestTheCPUsHaveTwoShapes(t *testing.T) {
	s := start(t, 80, 24, machine(72, 40)).keys("3", "home", "right", "right").wants("> CPU 2 ")
	s.keys("v").wants("72 CPUs, by CPU")
	if got := s.cursorLine(); !strings.HasPrefix(got, ">    2") {
		t.Errorf("the cursor of the table is on %q", got)
	}
	s.keys("s", "down", "/").text("cell=1").keys("enter").wants("8 of 72 CPUs with cell=1, by nr_run")
	at := s.pane().selection().place.id
	s.keys("v").wants("8 of 72 CPUs with cell=1", fmt.Sprintf("> CPU %d ", at)).keys("v").wants("by nr_run")
	s.keys("4", "v").wants("has only one shape", "[4 Tasks]")
}

// TestTheGridFollowsTheScheduler looks that the cursor stays on its CPU when a
// snapshot has others.
func TestTheGridFollowsTheScheduler(t *testing.T) {
	f := watch(t, 80, 24, 0).feed(machine(72, 40)).keys("3", "home", "down", "down", "right").wants("> CPU 17 ")
	next := machine(72, 40)
	next.CPUs = next.CPUs[5:]
	f.feed(next).wants("> CPU 17 ", "67 CPUs")
}

func TestMasksSayWhatIsWrong(t *testing.T) {
	s := start(t, 200, 60, broken()).keys("6", "home")
	s.wants("CPU 3 is in cells 0 and 2;", "CPUs 38-39 are in no cell;", "12 tasks are allowed on no CPU of their cell;",
		"cell 5 has other CPUs than its cpuset", "! in several cells", "! in no cell")
	rows := map[string]string{}
	for _, l := range strings.Split(s.screen(), "\n") {
		if len(l) > 2+s.masks.label {
			var columns []rune
			for k, r := range []rune(l)[2+s.masks.label+1:] {
				if k%s.masks.pitch == 0 {
					columns = append(columns, r)
				}
			}
			rows[strings.TrimSpace(l[2:18])] = string(columns)
		}
	}
	for row, want := range map[string]string{
		"cell 0  /jobs/0": "███X████··", "cell 4  /jobs/4": strings.Repeat("·", 32) + "██████··",
		"cell 5  /jobs/5": strings.Repeat("·", 40) + "████████o·", "! in several cel": "   X  ",
	} {
		if !strings.HasPrefix(rows[row], want) {
			t.Errorf("the row of %s is %q, not %q", row, rows[row], want)
		}
	}
	start(t, 132, 43, machine(72, 40)).keys("6").wants("9 cells, 40 tasks, 72 CPUs. Each CPU is in one cell")
	lost := broken()
	lost.Ledger.Truncated = true
	start(t, 132, 43, lost).keys("6").wants("CPUs 38-39 are in no cell that the dump lists")
}

func TestMasksLeadToCellsAndTasks(t *testing.T) {
	s := start(t, 132, 43, broken()).keys("6", "home", "down", "down").wants("not in cell 2")
	s.keys("enter").wants("Cell 2", "/jobs/2").keys("esc", "T").wants("tasks of cell 2").keys("esc")
	for range 7 {
		s.keys("down")
	}
	s.wants("in several cells: CPU 3").keys("enter").wants("CPU 3", "cell").keys("esc", "down", "down")
	s.wants("CPU 44: not allowed, in cell 5  the task has CPUs 40-43 and is on 44, the cell has CPUs 40-47")
	s.keys("u").wants("CPU 44").keys("esc", "enter").wants("Task job20[10020]").keys("esc", "up").wants("in no cell: CPUs 38-39")
	s.keys("v").wants("[6 Masks]").lacks("/jobs/2")
	s.keys("v").wants("/jobs/2")
}

func TestMasksStartAtTheSubject(t *testing.T) {
	s := start(t, 80, 24, mitosisStall()).keys("6").wants("CPU 1: allowed, in cell 1")
	if got := s.cursorLine(); !strings.Contains(got, "websrv[228]") {
		t.Errorf("the cursor is on %q", got)
	}
	s.keys("down", "down", "down").wants("CPU 1: allowed, not in cell 0  the task has CPU 1 and is on 1")
	if got := s.cursorLine(); !strings.Contains(got, "___ %%% ···") {
		t.Errorf("the row of a task outside of its cell is %q", got)
	}
}

// TestMasksFollowTheScheduler looks that the cursor stays on its task.
func TestMasksFollowTheScheduler(t *testing.T) {
	f := watch(t, 80, 24, 0).sample(1).keys("6", "end")
	was := f.pane().selection().place
	f.sample(1, waitsFor(was.task.PID, 40*time.Second))
	if got := f.pane().selection().place; got != was {
		t.Errorf("the cursor went from %v to %v", was.task, got.task)
	}
}

// TestMasksShowEveryCPU looks at masks of any machine and size: each CPU and each row can be
// reached, and what the screen says of them is so.
func TestMasksShowEveryCPU(t *testing.T) {
	machines := map[int]*dump.Snapshot{}
	for _, n := range []int{1, 4, 72, 512, 1024} {
		machines[n] = machine(n, 20)
	}
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.SampledFrom([]int{1, 4, 72, 512, 1024}).Draw(rt, "CPUs")
		width, height := drawSize(rt)
		s := start(t, width, height, machines[n]).keys("6", "home")
		if rapid.Bool().Draw(rt, "wide") {
			s.keys("v")
		}
		v := &s.masks
		for range n {
			s.keys("left")
		}
		for cpu := 0; cpu < n; cpu += v.per {
			first, last := v.bounds(v.columnOf(v.column))
			if cpu < first || cpu > last || v.columnOf(v.column) >= v.fit || v.columnOf(v.column) < 0 {
				t.Fatalf("%dx%d: column %d of %d has CPUs %d-%d, not %d", width, height, v.columnOf(v.column), v.fit, first, last, cpu)
			}
			if cpu%97 == 0 {
				s.wants("▼", "CPU")
			}
			s.keys("right")
		}
		seen := map[place]bool{}
		for range v.total() {
			seen[v.selection().place] = true
			if v.cursor < v.top || v.cursor >= v.top+v.rows {
				t.Fatalf("%dx%d: row %d is not on the screen", width, height, v.cursor)
			}
			s.keys("down")
		}
		s.screen()
		if len(seen) != len(machines[n].Cells)*btoi(v.shape != tasksOnly)+20 {
			t.Fatalf("%dx%d: the cursor was on %d rows", width, height, len(seen))
		}
	})
}

// odd has CPUs and masks that no kernel has.
func odd() *dump.Snapshot {
	s := broken()
	s.CPUs[0].ID, s.CPUs[1].ID, s.CPUs[2].ID, s.CPUs[3].ID = -1, 1<<31-1, -1<<31, 70000
	s.CPUs[4].Queued, s.CPUs[5].NrRunning, s.CPUs[6].Cell = dump.Of(int64(-1<<63)), dump.Of(uint32(1<<32-1)), dump.Of(int32(-7))
	s.CPUs[7].Queued = dump.Of(int64(1<<63 - 1))
	s.Cells[0].ID, s.Cells[1].ID = -5, 1<<31-1
	s.Cells[0].CPUs, s.Cells[1].CPUs = dump.Of(dump.MaskRange(0, dump.MaxCPUs-1)), dump.Value[dump.CPUMask]{}
	s.Tasks[0].CPU, s.Tasks[1].CPU, s.Tasks[2].CPUs = dump.Of(int32(-1)), dump.Of(int32(1<<31-1)), dump.Value[dump.CPUMask]{}
	s.Tasks[3].RunnableAt, s.Tasks[4].Cell = dump.Of(time.Duration(-1<<62)), dump.Of(int32(-5))
	s.Exit = &dump.Exit{Kind: dump.Of(dump.ExitErrorStall), Subject: dump.Of(s.Tasks[1].TaskRef)}
	return s
}

// TestRandomKeysOnGridAndMasks presses keys at all sizes, on machines of all sizes
// and on one that cannot be.
func TestRandomKeysOnGridAndMasks(t *testing.T) {
	snaps := []*dump.Snapshot{machine(1, 3), machine(72, 40), odd(), broken(), machine(1024, 60), {}, machine(512, 600), qmapSysRq()}
	keys := strings.Fields("3 6 v v v left right up down pgup pgdown home end left right up down [ ] enter esc T u r R / 3 enter C ?")
	rapid.Check(t, func(rt *rapid.T) {
		width, height := drawSize(rt)
		s := start(t, width, height, snaps...)
		for _, k := range rapid.SliceOfN(rapid.SampledFrom(keys), 1, 60).Draw(rt, "keys") {
			s.keys(k).screen()
			if rapid.IntRange(0, 9).Draw(rt, "resize") == 0 {
				s.resize(drawSize(rt))
				s.screen()
			}
		}
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// BenchmarkGrid and BenchmarkMasks are frames of 512 CPUs and 100,000 tasks, each
// after a key, with styles.
func BenchmarkGrid(b *testing.B)  { benchmarkView(b, "3", "right", "down", "left", "up") }
func BenchmarkMasks(b *testing.B) { benchmarkView(b, "6", "right", "pgdown", "left", "down") }

func benchmarkView(b *testing.B, view string, keys ...string) {
	snap := machine(512, 100000)
	for _, size := range [][2]int{{80, 24}, {200, 60}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			s := &session{New([]*dump.Snapshot{snap}, Options{}), b}
			s.resize(size[0], size[1])
			s.keys(view)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s.keys(keys[i%len(keys)]).Render()
			}
		})
	}
}
