// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/exp/golden"

	"scxdiag/dump"
)

// fed is a session with a feed that the test fills.
type fed struct {
	*session
	in      chan *dump.Snapshot
	says    chan string
	asked   int
	samples *samples
	read    tea.Cmd // what the program would run now
}

func watch(tb testing.TB, width, height, sleepers int) *fed {
	tb.Helper()
	f := &fed{
		in: make(chan *dump.Snapshot, 1000), says: make(chan string, 10),
		samples: newSamples(tb, sleepers),
	}
	feed := Feed{Snapshots: f.in, Status: f.says, Sample: func() { f.asked++ }}
	f.session = &session{newLive(feed, tb.Context().Done(), Options{NoColor: true}), tb}
	f.resize(width, height)
	f.read = f.Init()
	return f
}

// take has the program read what the feed holds, and take it.
func (f *fed) take() *fed {
	f.tb.Helper()
	if f.read == nil {
		f.tb.Fatal("the program does not read any more")
	}
	_, f.read = f.Update(f.read())
	return f
}

func (f *fed) feed(snapshots ...*dump.Snapshot) *fed {
	f.tb.Helper()
	for _, s := range snapshots {
		f.in <- s
	}
	return f.take()
}

// sample feeds the next samples, all at once.
func (f *fed) sample(n int, edit ...func(*dump.Snapshot)) *fed {
	f.tb.Helper()
	for range n {
		f.in <- f.samples.next(edit...)
	}
	return f.take()
}

func (f *fed) say(status string) *fed {
	f.tb.Helper()
	f.says <- status
	return f.take()
}

func (f *fed) keys(names ...string) *fed {
	f.session.keys(names...)
	return f
}

func (f *fed) wants(texts ...string) *fed {
	f.tb.Helper()
	f.session.wants(texts...)
	return f
}

func (f *fed) lacks(texts ...string) *fed {
	f.tb.Helper()
	f.session.lacks(texts...)
	return f
}

// pressed runs what a key brings about, too.
func (f *fed) pressed(key string) *fed {
	if _, cmd := f.Update(press(key)); cmd != nil {
		f.Update(cmd())
	}
	return f
}

// crash is a failure of the same scheduler.
func crash(tb testing.TB) *dump.Snapshot {
	tb.Helper()
	all := read(tb, rtHog)
	s := all[firstToShow(all)]
	s.Time = time.Date(2026, 11, 15, 10, 7, 0, 0, time.UTC)
	return s
}

// without is a sample that lacks a task.
func without(pid int32) func(*dump.Snapshot) {
	return func(s *dump.Snapshot) {
		s.Tasks = slices.DeleteFunc(s.Tasks, func(t dump.Task) bool { return t.PID == pid })
	}
}

// waitsFor has a task wait.
func waitsFor(pid int32, d time.Duration) func(*dump.Snapshot) {
	return func(s *dump.Snapshot) {
		s.Task(pid).RunnableAt, s.Task(pid).Current = dump.Of(-d), false
	}
}

func TestLiveScreens(t *testing.T) {
	const status = "scxdiag_cells enabled, sample every 2s"
	for _, tc := range []struct {
		name string
		do   func(f *fed)
	}{
		{"waiting", func(f *fed) { f.say("booting a kernel in QEMU") }},
		{"ended-empty", func(f *fed) { close(f.in); f.say("qemu-system-x86_64: not found") }},
		{"overview", func(f *fed) { f.sample(3) }},
		{"tasks", func(f *fed) { f.sample(1).keys("4", "down"); f.sample(1) }},
		{"cells", func(f *fed) { f.sample(2).keys("2") }},
		{"paused", func(f *fed) { f.sample(2).keys("4", "p"); f.sample(3) }},
		{"crash", func(f *fed) { f.sample(2).keys("4"); f.feed(crash(f.tb)) }},
		{"crash-pause", func(f *fed) { f.sample(2).keys("4", "p"); f.sample(2).feed(crash(f.tb)) }},
		{"crash-over", func(f *fed) { f.sample(2).feed(crash(f.tb)).sample(2).keys("down") }},
		{"gone", func(f *fed) { f.sample(1).keys("4", "enter"); f.sample(1, without(264)) }},
		{"list", func(f *fed) {
			f.sample(2).feed(crash(f.tb)).sample(1).keys("L")
			f.sample(1)
		}},
		{"help", func(f *fed) { f.sample(1).keys("4", "?") }},
		{"ended", func(f *fed) { f.sample(2); close(f.in); f.take() }},
	} {
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s-%dx%d", tc.name, size[0], size[1]), func(t *testing.T) {
				f := watch(t, size[0], size[1], 2000)
				if tc.name != "waiting" {
					f.says <- status
				}
				tc.do(f)
				golden.RequireEqual(t, strings.Join(trimmed(f.screen()), "\n")+"\n")
			})
		}
	}
}

func TestBeforeTheFirstSnapshot(t *testing.T) {
	f := watch(t, 80, 24, 10)
	f.wants("Waiting for the first snapshot.", "q quit")
	f.say("booting a kernel in QEMU").wants("booting a kernel in QEMU")
	f.say(hostileText+"\nsecond line").lacks("\x1b", "second line").wants("Waiting")
	f.say(strings.Repeat("long ", 1000)).wants("q quit")
	for _, k := range strings.Fields("1 2 3 4 5 r ? l [ ] enter esc c t w s S / p d") {
		f.keys(k).wants("Waiting for the first snapshot.")
	}
	if f.asked != 0 {
		t.Error("asked for a sample")
	}
	if _, cmd := f.Update(press("q")); cmd == nil {
		t.Error("q does not quit")
	}
	f.sample(1).wants("[1 Triage]", "LIVE", "1/1")
}

func TestFollowing(t *testing.T) {
	f := watch(t, 80, 24, 100).sample(1).say("sample every 2s")
	f.wants("LIVE  10:02:00 UTC  sample every 2s", "1/1", "RUNNING")
	f.sample(1).wants("LIVE  10:02:02 UTC  sample every 2s", "2/2")
	f.sample(5).wants("10:02:12 UTC", "7/7") // all that came, at once
	f.keys("?").wants("stop following the scheduler", "take a sample now")
	f.keys("esc", "4", "s", "/").text("sleeper1")
	f.sample(1).wants("8/8", "filter: sleeper1", "with sleeper1, by task ↑")
}

func TestSelectionStaysOnItsTask(t *testing.T) {
	f := watch(t, 80, 24, 3000).sample(1)
	f.keys("4").wants("rootbusy[264]")
	if got := f.cursorLine(); !strings.Contains(got, "rootbusy[264]") {
		t.Fatalf("the cursor is on %q", got)
	}
	// Nobody chose what is on the first row.
	f.sample(1, waitsFor(264, time.Millisecond), waitsFor(263, time.Second))
	if got := f.cursorLine(); !strings.Contains(got, "rootbusy[263]") {
		t.Errorf("the cursor left the first row for %q", got)
	}
	for !strings.Contains(f.cursorLine(), "kcompactd0[55]") {
		f.keys("down")
	}
	f.sample(1, waitsFor(55, 0))
	if got := f.cursorLine(); !strings.Contains(got, "kcompactd0[55]") {
		t.Errorf("the cursor moved to %q", got)
	}
	// In the midst of the table the page stays where it is, too.
	f.keys("pgdown", "pgdown", "up", "up", "up")
	was, top := f.cursorLine(), f.lists[viewTasks].top
	f.sample(1, without(10001), without(10002))
	if got := f.cursorLine(); got != was || f.lists[viewTasks].top != top-2 {
		t.Errorf("was on %q with %d rows above, is on %q with %d", was, top, got, f.lists[viewTasks].top)
	}
	// A task that went leaves the cursor on its row.
	at := f.lists[viewTasks].cursor
	f.sample(1, without(f.x().s.Tasks[f.lists[viewTasks].rows[at]].PID))
	if f.lists[viewTasks].cursor < at-3 || f.lists[viewTasks].cursor > at+3 {
		t.Errorf("the cursor jumped from row %d to %d", at, f.lists[viewTasks].cursor)
	}
	f.keys("home").sample(1, waitsFor(256, time.Minute))
	if got := f.cursorLine(); !strings.Contains(got, "dbsrv[256]") {
		t.Errorf("the cursor is not on the first row but on %q", got)
	}
	// So with CPUs and cells.
	f.keys("3", "end")
	f.sample(1, func(s *dump.Snapshot) { s.CPUs = s.CPUs[1:] })
	if got := f.cursorLine(); !strings.Contains(got, "dbsrv[257]") {
		t.Errorf("the cursor is not on CPU 3 but on %q", got)
	}
	f.keys("2", "down", "down")
	f.sample(1, func(s *dump.Snapshot) { s.Cells = s.Cells[1:] })
	if got := f.cursorLine(); !strings.Contains(got, "    2 2-3 ") {
		t.Errorf("the cursor is not on cell 2 but on %q", got)
	}
}

func TestATaskThatRenamesItselfStaysSelected(t *testing.T) {
	f := watch(t, 80, 24, 100).sample(1)
	f.keys("4", "down", "down", "up", "up", "enter").wants("Task rootbusy[264]")
	f.sample(1, func(s *dump.Snapshot) { s.Task(264).Comm = "renamed" }).wants("Task renamed[264]", "2/2")
	f.keys("esc")
	if got := f.cursorLine(); !strings.Contains(got, "renamed[264]") {
		t.Errorf("the cursor is on %q", got)
	}
}

func TestAPageKeepsItsCursor(t *testing.T) {
	f := watch(t, 80, 24, 100).sample(1)
	to := func(label string) {
		t.Helper()
		for was := ""; !strings.HasPrefix(f.cursorLine(), "> "+label); {
			if was == f.cursorLine() {
				t.Fatalf("no %s", label)
			}
			was = f.cursorLine()
			f.keys("down")
		}
	}
	to("cell 2")
	f.sample(1, func(s *dump.Snapshot) { s.Cells = s.Cells[1:] })
	if got := f.cursorLine(); !strings.HasPrefix(got, "> cell 2") {
		t.Errorf("the cursor went to %q", got)
	}
	f.keys("4", "enter")
	to("dsq_vtime")
	f.sample(1, func(s *dump.Snapshot) { s.Task(264).DSQ = dump.Of(dump.DSQRef{}); s.Task(264).Cell.Known = false })
	if got := f.cursorLine(); !strings.HasPrefix(got, "> dsq_vtime") {
		t.Errorf("the cursor went to %q", got)
	}
}

func TestATaskThatIsGone(t *testing.T) {
	f := watch(t, 80, 24, 100).sample(2)
	f.keys("4", "enter").sample(1).wants("Task rootbusy[264]", "3/3")
	f.sample(2, without(264)).wants("Task rootbusy[264] is not in this snapshot.", "Snapshot 3 is the last one", "LIVE", "5/5")
	// However many come, that one stays.
	f.sample(keepLimits[kindSample].snapshots+50, without(264))
	f.take()
	f.wants("Snapshot 3 is the last one", "LIVE")
	f.keys("enter").wants("Task rootbusy[264]", "waits", "3/355", "PAUSED")
	f.keys("p").wants("is not in this snapshot", "LIVE")
	f.sample(1).wants("waits", "LIVE")
}

func TestPauseAndHistory(t *testing.T) {
	f := watch(t, 80, 24, 10).sample(3)
	f.keys("p").wants("PAUSED  10:02:04", "p resume")
	f.sample(2).wants("PAUSED, 2 newer  10:02:04", "3/5")
	f.keys("[").wants("PAUSED, 3 newer  10:02:02", "2/5")
	f.keys("p").wants("LIVE  10:02:08", "5/5", "p pause")
	f.keys("[").wants("PAUSED, 1 newer", "4/5")
	f.keys("]").wants("PAUSED  10:02:08", "5/5")
	f.keys("]").wants("There is no further snapshot")
	f.sample(1).wants("PAUSED, 1 newer", "5/6")
	f.keys("p", "L").wants("6 snapshots").keys("up", "up")
	f.sample(1).wants("7 snapshots", ">    4")
	f.keys("enter").wants("4/7", "PAUSED, 3 newer")
	close(f.in)
	f.take().wants("ENDED, 3 newer", "4/7").keys("p").wants("ENDED  10:02:12", "7/7")
	f.keys("D", "p", "[", "]")
	if f.asked != 0 {
		t.Error("asked a source that ended for a sample")
	}
	close(f.says)
	if f.take().read != nil {
		t.Error("reads on from closed channels")
	}
}

func TestASampleOnDemand(t *testing.T) {
	f := watch(t, 80, 24, 10).sample(1).wants("D sample")
	f.pressed("D").wants("Asked for a sample.")
	if f.asked != 1 {
		t.Errorf("asked %d times", f.asked)
	}
	f.sample(1).lacks("Asked for a sample.").wants("2/2")
	f.live.feed.Sample = nil
	f.lacks("D sample").keys("D", "?").lacks("take a sample", "Asked")
}

func TestTheScreenTurnsToAFailure(t *testing.T) {
	f := watch(t, 80, 24, 100).sample(2)
	f.keys("4", "enter", "?")
	f.in <- f.samples.next()
	f.in <- crash(t)
	f.sample(1).wants("[1 Triage]", "FAILED ERROR_STALL", "websrv[228] failed to run", "PAUSED, 1 newer", "4/5",
		"The scheduler failed. This is its dump; p goes on.")
	f.keys("4")
	if got := f.cursorLine(); !strings.Contains(got, "websrv[228]") {
		t.Errorf("the cursor is on %q", got)
	}
	f.sample(3).wants("4/8", "PAUSED, 4 newer")
	// Whoever reads one failure is told of the next.
	f.feed(crash(t)).wants("4/9", "It failed again: snapshot 9; L lists all.", "[4 Tasks]")
	f.keys("L").wants("9 snapshots", "FAILED ERROR_STALL").keys("esc", "p").wants("LIVE", "9/9")
	f.sample(1).wants("LIVE", "10/10", "RUNNING")
	f.feed(crash(t)).wants("[1 Triage]", "11/11", "PAUSED", "The scheduler failed.")
	close(f.in)
	f.take().wants("ENDED", "11/11")
}

func TestAFailureEndsAPause(t *testing.T) {
	f := watch(t, 80, 24, 100).sample(3)
	f.keys("[", "2")
	f.sample(1).feed(crash(t)).wants("5/5", "[1 Triage]", "FAILED", "The scheduler failed: this is its dump. You were at 2.")
}

func TestAFailureWaitsForWhatIsTyped(t *testing.T) {
	f := watch(t, 80, 24, 100).sample(1)
	f.keys("4", "/", "r")
	f.feed(crash(t)).sample(1).wants("filter: r", "1/3", "RUNNING")
	f.keys("q").wants("filter: rq")
	f.keys("enter").wants("[1 Triage]", "FAILED", "2/3", "PAUSED, 1 newer")
}

func TestFirstSnapshotIsAFailure(t *testing.T) {
	f := watch(t, 80, 24, 0).feed(crash(t)).wants("FAILED", "PAUSED", "1/1")
	f.keys("4")
	if got := f.cursorLine(); !strings.Contains(got, "websrv[228]") {
		t.Errorf("the cursor is on %q", got)
	}
}

func TestAFeedOfNothing(t *testing.T) {
	s := &session{newLive(Feed{}, nil, Options{NoColor: true}), t}
	s.resize(80, 24)
	s.wants("The source ended without a snapshot.", "q quit")
	if s.Init() != nil {
		t.Error("there is nothing to read")
	}
}

// TestLiveStylesOnlyAddColours looks that with styles the screen says the same.
func TestLiveStylesOnlyAddColours(t *testing.T) {
	sgr := regexp.MustCompile("\x1b\\[[0-9;]*m")
	without, with := watch(t, 80, 24, 50), watch(t, 80, 24, 50)
	with.styles = newStyles(false)
	for _, step := range []func(f *fed){
		func(f *fed) { f.say("booting") },
		func(f *fed) { f.sample(2) },
		func(f *fed) { f.keys("4", "down", "p"); f.sample(1) },
		func(f *fed) { f.feed(crash(t)) },
		func(f *fed) { f.sample(1).keys("L") },
		func(f *fed) { close(f.in); f.take().keys("esc", "p") },
	} {
		step(without)
		step(with)
		styled := with.screen()
		rest := sgr.ReplaceAllString(styled, "")
		if rest == styled || strings.ContainsRune(rest, 0x1b) {
			t.Fatalf("no styles, or a sequence that is no colour: %q", styled)
		}
		if got, want := trimmed(rest), trimmed(without.screen()); !slices.Equal(got, want) {
			t.Fatalf("%s\nwithout colour:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestHostileStatus(t *testing.T) {
	f := watch(t, 60, 15, 10).sample(1)
	for _, s := range []string{hostileText, strings.Repeat(hostileText, 1000), "\x1b]0;title\x07", "a\rb\tc", "\n\nfirst\nsecond", "日本語" + strings.Repeat("語", 1000), "\xff\xfe"} {
		f.say(s)
		for _, r := range f.screen() {
			if r != '\n' && (r < 0x20 || r == 0x7f || r == 0xfffd) {
				t.Fatalf("the screen has %U after the status %q", r, s)
			}
		}
	}
	f.say("\n\n first\nsecond").wants("UTC  first").lacks("second")
}

func TestMemoryIsBounded(t *testing.T) {
	f := watch(t, 80, 24, 10).sample(1)
	sysrq := f.samples.next(func(s *dump.Snapshot) { s.Trigger = dump.TriggerSysRq })
	f.feed(sysrq, crash(t)).keys("p")
	limit := keepLimits[kindSample].snapshots
	for range 2 * limit {
		f.sample(1)
	}
	if n := len(f.snapshots); n != limit+2 {
		t.Errorf("%d snapshots are kept, want %d samples, the dump and the failure", n, limit)
	}
	if !f.snapshots[1].IsFailure() || f.snapshots[0].Snapshot != sysrq {
		t.Error("the failure or the dump is not kept")
	}
	f.wants("LIVE", "603/603")
	// The one on the screen stays while the user looks at it.
	f.keys("[")
	shown := f.x().s
	for range 2 * limit {
		f.sample(1)
	}
	f.wants("602/1203", fmt.Sprintf("PAUSED, %d newer", limit-1))
	if f.x().s != shown {
		t.Error("another snapshot is on the screen")
	}
	f.keys("p", "[").sample(1)
	if f.find(602) >= 0 {
		t.Error("the one that was on the screen stays for ever")
	}
	f.keys("p")
	// Failures and dumps have bounds of their own.
	for range 250 {
		f.feed(&dump.Snapshot{Exit: &dump.Exit{}}, &dump.Snapshot{Trigger: dump.TriggerSysRq})
	}
	var n [nrKinds]int
	for _, s := range f.snapshots {
		n[s.kind()]++
	}
	if want := [nrKinds]int{limit, keepLimits[kindDump].snapshots, keepLimits[kindFailure].snapshots}; n != want {
		t.Errorf("kept %v, want %v", n, want)
	}
}

func TestLargeSamplesAreFewer(t *testing.T) {
	f := watch(t, 80, 24, 5000)
	for range 45 {
		f.sample(1)
	}
	if n, want := len(f.snapshots), keepLimits[kindSample].weight/f.snapshots[0].weight(); n != want || want > 40 {
		t.Errorf("%d samples of 5,000 tasks are kept, not %d", n, want)
	}
}

func TestRandomKeysWhileFed(t *testing.T) {
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	for seed := range uint64(rounds) {
		f := watch(t, 80, 24, 60)
		rnd := rand.New(rand.NewPCG(seed, 2))
		for range 300 {
			switch rnd.IntN(12) {
			case 0:
				f.resize(rnd.IntN(220), rnd.IntN(70))
			case 1:
				f.resize(60+rnd.IntN(10), 15+rnd.IntN(4))
			case 2:
				f.feed([]*dump.Snapshot{mitosisStall(), hostile(), verdictOnly(), qmapSysRq(), {}}[rnd.IntN(5)])
			case 3:
				f.sample(1+rnd.IntN(3), without(264))
			case 4, 5:
				f.sample(1 + rnd.IntN(3))
			case 6:
				f.say(hostileText)
			default:
				f.keys(allKeys[rnd.IntN(len(allKeys))])
			}
			f.screen()
			f.View()
		}
	}
}
