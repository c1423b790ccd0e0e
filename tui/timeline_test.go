// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"scxdiag/dump"
)

// timeSizes are the screens that the views of the time are looked at on.
var timeSizes = [][2]int{{60, 15}, {80, 24}, {132, 43}, {200, 60}}

// sequence is n snapshots of a scheduler at work, two seconds apart, whose waits come
// and go; the tenth is a dump, and each seventeenth a failure.
func sequence(tb testing.TB, n int) []*dump.Snapshot {
	tb.Helper()
	samples := newSamples(tb, 3)
	out := make([]*dump.Snapshot, n)
	for i := range out {
		out[i] = samples.next(
			waitsFor(264, time.Duration(i%9)*time.Duration(i%9)*40*time.Millisecond),
			func(s *dump.Snapshot) {
				s.Host = "vm1"
				s.Counters = []dump.Counter{{Name: "SCX_EV_REFILL_SLICE_DFL", Value: int64(100 * i)}, {Name: "SCX_EV_SLICE_DENIED", Value: 3}}
				s.Task(264).CPU = dump.Of(int32(i % 3))
				s.Cells[0].Queued = dump.Of(int64(4 + i))
				if i%17 == 16 {
					s.Trigger = dump.TriggerCrash
					s.Exit = &dump.Exit{Kind: dump.Of(dump.ExitErrorStall), Message: dump.Of("rootbusy[264] failed to run")}
				}
				if i == 9 {
					s.Trigger = dump.TriggerSysRq
				}
			})
	}
	return out
}

// timelineOf is the line of the screen above its foot.
func (s *session) timelineOf() string {
	s.tb.Helper()
	lines := strings.Split(s.screen(), "\n")
	return lines[len(lines)-2]
}

func TestTimeScreens(t *testing.T) {
	long := sequence(t, 50)
	ends := []*dump.Snapshot{long[0], long[2]}
	ends[1].Tasks = append(ends[1].Tasks[1:], sleeper(4711, 1, 1))
	for _, tc := range []struct {
		name  string
		snaps []*dump.Snapshot
		keys  string
	}{
		{"fifty", long, "< ] ] ] ]"},
		{"fifty-marked", long, "< ] ] d } }"},
		{"fifty-history", long, "4 / b u s y enter < enter ] ]"},
		{"typing", long, "t 1 0 :"},
		{"mistake", long, "t x enter"},
		{"delta-triage", ends, "< d ]"},
		{"delta-tasks", ends, "< 4 d ]"},
		{"delta-task", ends, "< 4 / b u s y enter enter d ]"},
		{"delta-cpus", ends, "< 3 d ]"},
		{"delta-cells", ends, "< 2 d ]"},
		{"delta-queues", ends, "< 5 d ]"},
		{"delta-counters", ends, "< 8 d ]"},
		{"delta-cell", ends, "< 2 enter d ]"},
		{"delta-back", ends, "> 4 d ["},
		{"delta-apart", []*dump.Snapshot{mitosisStall(), qmapSysRq()}, "d ]"},
		{"delta-apart-tasks", []*dump.Snapshot{ringSample(), mitosisStall()}, "4 < d ]"},
	} {
		for _, size := range timeSizes {
			t.Run(fmt.Sprintf("%s-%dx%d", tc.name, size[0], size[1]), func(t *testing.T) {
				s := start(t, size[0], size[1], tc.snaps...).keys(strings.Fields(tc.keys)...)
				golden.RequireEqual(t, strings.Join(trimmed(s.screen()), "\n")+"\n")
			})
		}
	}
}

func TestTheTimelineFitsAnySession(t *testing.T) {
	for _, n := range []int{1, 2, 3, 50, 5000} {
		snaps := sequence(t, n)
		for _, width := range []int{60, 61, 80, 131, 132, 200} {
			s := start(t, width, 24, snaps...)
			if n == 1 {
				s.keys("d").wants("no other snapshot to compare with").lacks("✗ failed")
				continue
			}
			for _, k := range strings.Fields("< ] } } > [ { d { [ [ < >") {
				line := s.keys(k).timelineOf()
				if strings.Count(line, "[") != 1 || strings.Count(line, "]") != 1 {
					t.Fatalf("%d snapshots on %d columns: the one shown is not marked: %q", n, width, line)
				}
			}
			if line := s.timelineOf(); width >= 80 && !strings.Contains(line, "10:02:00") {
				t.Errorf("%d snapshots on %d columns: no time of the first: %q", n, width, line)
			}
		}
	}
}

func TestAColumnOfTheTimelineShowsItsWorst(t *testing.T) {
	snaps := sequence(t, 5000)
	s := start(t, 60, 15, snaps...)
	if line := s.timelineOf(); strings.Count(line, "✗") < 20 {
		t.Errorf("failures are lost between samples: %q", line)
	}
	began := cpuTime(t)
	for range 100 {
		s.Render()
	}
	if d := (cpuTime(t) - began) / 100; d > 50*time.Millisecond {
		t.Errorf("a frame of 5,000 snapshots takes %v", d)
	}
}

func TestJumpsGoToCrashesAndChanges(t *testing.T) {
	snaps := sequence(t, 50)
	for _, s := range snaps[30:] {
		s.Kernel.Release = "7.4.0"
	}
	snaps[40].Cells = snaps[40].Cells[:2]
	s := start(t, 80, 24, snaps...).keys("<").wants("1/50")
	for _, want := range []string{
		"Snapshot 17: FAILED ERROR_STALL", "Snapshot 18: RUNNING", "Snapshot 31: kernel 7.4.0", "Snapshot 34: FAILED",
		"Snapshot 35: RUNNING", "Snapshot 41: 3 → 2 cells", "Snapshot 42: 2 → 3 cells", "No crash and no change behind",
	} {
		s.keys("}").wants(want)
	}
	s.keys("{").wants("41/50").keys(">").wants("50/50").keys("{").wants("42/50")
	s.keys("<", "{").wants("1/50", "No crash and no change before")
	twice := []*dump.Snapshot{mitosisStall(), mitosisStall()}
	start(t, 80, 24, twice...).keys("}").wants("2/2", "Snapshot 2: FAILED ERROR_STALL")
}

func TestTypingATime(t *testing.T) {
	s := start(t, 80, 24, sequence(t, 50)...).keys("<")
	for _, tc := range []struct{ typed, want string }{
		{"#12", "12/50"},
		{"7", "7/50"},
		{"10:02:33", "17/50"}, // 10:02:32 comes before :34, which is as near
		{"10:03", "31/50"},
		{"10:02:20.9", "11/50"},
		{"+10s", "16/50"},
		{"-14s", "9/50"},
		{"-1h", "1/50"},
		{"2026-11-15 10:03:20", "41/50"},
		{"2026-11-15T10:02:04Z", "3/50"},
		{"23:59", "50/50"},
		{"", "50/50"},
		{"#51", "there is no snapshot 51: there are 1 to 50"},
		{"-x", "-x is no distance"},
		{"noon", "noon is no time: type such as 10:02:33"},
		{"99999999999999999999", "is no time"},
		{"\x1b[2J", "is no time"},
	} {
		s.keys("t").wants("time (10:02:33, -30s, #12):")
		s.prompt.insert(tc.typed)
		s.keys("enter").wants(tc.want)
	}
	s.keys("t").text("12").keys("esc").wants("50/50").lacks("12/50")
	s.keys("t").text("q4[?").wants("time (10:02:33, -30s, #12): q4[?", "[1 Triage]")
	without := start(t, 80, 24, mitosisStall(), qmapSysRq(), truncated())
	without.keys("t").text("-5s").keys("enter").wants("1/3", "Snapshot 1")
	without.keys("]", "t").text("-5s").keys("enter").wants("2/3", "this snapshot has no time to count from")
	none := start(t, 80, 24, qmapSysRq(), qmapSysRq())
	none.keys("t").text("10:00").keys("enter").wants("the snapshots have no times")
}

func TestAPausedSessionStaysWhileSnapshotsArrive(t *testing.T) {
	for _, keys := range []string{"[", "<", "{", ">", "}", "t # 2 enter", "t", "p", "< d"} {
		f := watch(t, 80, 24, 10).sample(3)
		f.keys(strings.Fields(keys)...)
		was := f.x().s
		f.sample(4)
		if f.x().s != was {
			t.Errorf("%s: the screen went on to another snapshot", keys)
		}
		if keys != "t" {
			f.wants("PAUSED", "/7", "10:02:12")
		}
	}
}

func TestWhatIsTypedIsRelativeToWhatWasShown(t *testing.T) {
	f := watch(t, 80, 24, 10).sample(5)
	f.keys("t")
	f.text("-4s")
	f.sample(5)
	f.keys("enter").wants("3/10", "PAUSED, 7 newer")
}

func TestALiveSessionIsComparedWithTheMark(t *testing.T) {
	f := watch(t, 80, 24, 10).sample(1).wants("LIVE").keys("d")
	f.sample(1, without(264)).wants("Δ to 1", "LIVE", "tasks went")
	f.sample(1).lacks("tasks went").wants("Δ to 1", "3/3")
	// However many come, the marked one is kept.
	f.sample(keepLimits[kindSample].snapshots + 20)
	f.take()
	if f.find(1) < 0 {
		t.Fatal("the marked snapshot was dropped")
	}
	f.keys("<").wants("marked", "d unmark").keys("d").wants("The mark is gone.").lacks("Δ")
	f.keys("p").sample(5).lacks("Δ to")
	if f.find(1) >= 0 {
		t.Error("a snapshot that was marked stays for ever")
	}
}
