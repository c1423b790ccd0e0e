// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/exp/golden"

	"scxdiag/dump"
)

// pidsOf is what a filter leaves of the tasks of a snapshot.
func pidsOf(x *index, filter string) []int32 {
	f := compile(filter, taskFields(x))
	var out []int32
	for i := range x.s.Tasks {
		if f.match(i) {
			out = append(out, x.s.Tasks[i].PID)
		}
	}
	return out
}

func TestTermsOfTasks(t *testing.T) {
	stall, ring := newIndex(mitosisStall()), newIndex(ringSample())
	web, cpu1 := []int32{228, 229, 230}, []int32{228, 229, 230, 26, 25}
	for _, tc := range []struct {
		x      *index
		filter string
		want   []int32
	}{
		{stall, "cell:1", web},
		{stall, "cell=1", web},
		{stall, "CELL:1", web},
		{stall, "cpu:1", cpu1},
		{stall, "cpu=1", cpu1},
		{stall, "cpu:0x1", cpu1},
		{stall, "cpu:1 -cell:1", []int32{26, 25}},
		{stall, "cpu:1 !cell:1", []int32{26, 25}},
		{stall, "cpu:1 cell!=1", []int32{26, 25}},
		{stall, "-cell!=1", web},
		{stall, "websrv", web},
		{stall, "WEBsrv[229]", []int32{229}},
		{stall, "task:websrv[229]", []int32{229}},
		{stall, `"kworker/1:0"`, []int32{26}},
		{stall, "kworker/1:0", []int32{26}},
		{stall, "comm:web", web},
		{stall, "comm=web", nil},
		{stall, "comm=WEBSRV", web},
		{stall, "comm:~^web", web},
		{stall, "comm:~^WEB", web},
		{stall, `comm:~srv$ cell:2`, []int32{237, 238, 236}},
		{stall, "pid:228", []int32{228}},
		{stall, "pid>=259", nil},
		{stall, "pid<27", []int32{26, 25}},
		{stall, "wait>35s", web},
		{stall, "wait>35.63s", []int32{228}},
		{stall, "wait:35s", web},
		{stall, "wait:35.6s", []int32{228, 229}},
		{stall, "wait<=68ms", []int32{244, 251}},
		{stall, "wait<1m -cell:0 -cell:2", web},
		{stall, "dsq:cpu", []int32{26, 25}},
		{stall, "dsq=cpu", []int32{26, 25}},
		{stall, "dsq:0x20010000", web},
		{stall, "dsq:cell cell:1", web},
		{stall, "cpus:1 cpus:3", []int32{42, 245, 244, 251}},
		{stall, "cpus=1", cpu1},
		{stall, "cpus=2-3", []int32{237, 238, 236}},
		{stall, "cpus:2-3 cell:2", []int32{237, 238, 236}},
		{stall, "cpus<2", cpu1},
		{stall, "cpus>3", []int32{42, 245, 244, 251}},
		{stall, "is:running", []int32{42, 237, 236}},
		{stall, "is:runn cell:2", []int32{237, 238, 236}},
		{stall, "is:pinned -is:waiting", nil},
		{stall, "flags:RESET cell:1", nil},
		{stall, "weight<100", nil},
		{stall, "weight:100 cell:1", web},
		{stall, "slice>10ms cell:1", web},
		{stall, "-is:running -cell:0 -cell:2", web},
		{ring, "is:asleep", []int32{7}},
		{ring, "sleeping", []int32{7}},
		{ring, "state:I", []int32{7}},
		{ring, "st:i", []int32{7}},
		{ring, "state:~[IZ]", []int32{7}},
		{ring, "cgroup:/a/x pid:147", []int32{147}},
		{ring, "is:kthread", []int32{7}},
		{ring, "is:stale", []int32{146}},
		{ring, "ran>3s runs>17990 pid:146", []int32{146}},
		{ring, `cgroup:"/a/x" comm:"web-1"`, []int32{146}},
		{ring, "dsq:local", []int32{146}},
		{ring, "dsq:n/a", []int32{156, 7}},
	} {
		if got := pidsOf(tc.x, tc.filter); !slices.Equal(got, tc.want) {
			t.Errorf("%s leaves %d, want %d", tc.filter, got, tc.want)
		}
		if f := compile(tc.filter, taskFields(tc.x)); f.problem != "" {
			t.Errorf("%s: %s", tc.filter, f.problem)
		}
	}
}

// TestTermsOfTheOtherTables looks at one or two terms of each.
func TestTermsOfTheOtherTables(t *testing.T) {
	for _, tc := range []struct {
		view, filter string
		want, none   string
	}{
		{"2", "cell:1", "1 of 3 cells", "queued:99"},
		{"2", "cpus:3 owner!=x", "1 of 3 cells", "owner:nobody"},
		{"2", "oldest>35s waiting:3", "1 of 3 cells", "is:empty"},
		{"2", "is:waiting -cell:0", "2 of 3 cells", "state:free"},
		{"3", "class:rt waiting>3", "1 of 4 CPUs", "cpu>3"},
		{"3", "is:higher", "1 of 4 CPUs", "is:idle"},
		{"3", "current:dbsrv cell:2", "2 of 4 CPUs", "current:nobody"},
		{"3", "rt_hog", "1 of 4 CPUs", "flags:BAL_KEEP"},
		{"5", "kind:cpu waiting:2", "1 of 4 DSQs", "kind:local"},
		{"5", "dsq:cell oldest<1s", "2 of 4 DSQs", "oldest<1ms"},
		{"8", "value>50 -counter:bypass", "1 of 4 counters", "value<0"},
		{"8", "bypass", "1 of 4 counters", "nothing"},
	} {
		s := start(t, 80, 24, mitosisStall()).keys(tc.view, "/").text(tc.filter).wants(tc.want).keys("enter").wants(tc.want)
		s.keys("esc", "/").text(tc.none).keys("enter").wants("0 of")
	}
	s := start(t, 80, 24, ringSample()).keys("7", "/").text("event:cell_").wants("1 of 7 events")
	s.keys("ctrl+u").text("pid:146 time>39s").wants("2 of 7 events")
	s.keys("ctrl+u").text("is:torn").wants("1 of 7 events")
	s.keys("ctrl+u").text("cgroup:/a cpu:0").wants("2 of 7 events").keys("enter")
	s.keys("C", "/").text("is:removed").wants("1 of 6 cgroups")
	s.keys("ctrl+u").text("cpus:0 owns:2").wants("1 of 6 cgroups").keys("ctrl+u").text("lost").wants("1 of 6 cgroups")
}

func TestWhatIsMistypedIsToldAtOnce(t *testing.T) {
	s := start(t, 132, 24, mitosisStall()).keys("4")
	for _, tc := range []struct{ filter, want string }{
		{"cel:1", "no field cel: there are cell cpu comm cpus cgroup"},
		{"foo", ""},
		{"foo:", "no field foo: there are flags"},
		{"cpu:x", `cpu takes a number, not "x"`},
		{"cpu:~1", `cpu takes a number, not "~1"`},
		{"weight<99999999999", `weight takes a number, not "99999999999"`},
		{"wait>1", "wait needs a unit: 1ms, s or m"},
		{"wait>x", `wait takes a time such as 20ms, 1.5s or 2m, not "x"`},
		{"comm:~(", "comm cannot use it: missing closing ): `(`"},
		{"comm:~a)(b", "comm cannot use it: unexpected )"},
		{"comm:~a{1001}", "comm cannot use it: invalid repeat count: `{1001}`"},
		{"comm:~" + strings.Repeat("a", 200), "comm takes a regular expression of at most 128 bytes"},
		{"comm<x", "comm is text: it takes : = != and :~"},
		{"cpus:x", `cpus takes CPUs such as 3 or 0-3,8, not "x"`},
		{"cpus<x", `cpus takes a number of CPUs, not "x"`},
		{"is:red", "is takes one of runnable, waiting, running"},
		{"is>runnable", "is takes : and one of runnable"},
		{"\x1b[2J:1", ""},
	} {
		s.keys("/", "ctrl+u").text(tc.filter)
		if tc.want == "" {
			s.lacks("no field")
		} else if len(tc.filter) < 80 {
			s.wants("filter: "+tc.filter, tc.want)
		}
		if l := s.list(); tc.want != "" && len(l.rows) != 12 {
			t.Errorf("%s leaves %d rows, not all", tc.filter, len(l.rows))
		}
		s.keys("enter")
		if tc.want != "" && len(tc.filter) < 80 {
			s.wants(tc.want, "! in part")
		}
	}
	s.keys("/", "ctrl+u").text("cell:1 foo:2 ").wants("3 of 12 tasks", "no field foo").keys("enter").wants("3 of 12 tasks with cell:1 foo:2  ! in part")
}

// TestHalfATermDoesNotBlankTheTable types filters letter by letter. Each leaves some
// tasks, and so does each on the way to there.
func TestHalfATermDoesNotBlankTheTable(t *testing.T) {
	for _, f := range []string{
		"cell:1 state:R wait>1s dsq:cell comm:~^web.*[vx]$", "weight>=1 pid!=1 flags:QUEUED", "is:runnable cgroup!=x -cell:0", `comm:"websrv"`,
		"cpus=1 ops_state:NONE", "!slice>1s",
	} {
		s := start(t, 80, 24, mitosisStall()).keys("4", "/")
		for k, r := range f {
			if s.text(string(r)); len(s.list().rows) == 0 {
				t.Errorf("%s blanks the table", f[:k+1])
			}
		}
		if s.keys("enter"); len(s.list().rows) == 0 {
			t.Errorf("%s leaves nothing", f)
		}
	}
	start(t, 80, 24, mitosisStall()).keys("4", "/").text("is:").wants("12 tasks", "is: runnable, waiting, running").
		keys("ctrl+u").text("wait>").wants("wait takes times: 20ms, 1.5s, 2m").keys("enter").lacks("takes times")
	// Once it is not typed any more, a word is a word.
	s := start(t, 80, 24, mitosisStall()).keys("4", "/").text("weig").wants("12 tasks", "tab: weight")
	s.keys("enter").wants("0 of 12 tasks with weig")
}

func TestTabCompletesAField(t *testing.T) {
	s := start(t, 80, 24, mitosisStall()).keys("4", "/").text("wei").keys("tab").wants("filter: weight:")
	s.text("100 -ce").keys("tab").wants("filter: weight:100 -cell:").text("0").wants("6 of 12 tasks")
	s.keys("ctrl+u").text("c").keys("tab").wants("filter: c  ", "cell cpu comm cpus cgroup")
	s.keys("ctrl+u").text("cp").keys("tab").wants("filter: cpu  ", "cpu cpus")
	s.keys("ctrl+u", "tab").wants("task cell cpu state")
	s.keys("ctrl+u").text("nothing").keys("tab").wants("filter: nothing")
	s.keys("ctrl+u").text(`comm:"a ce`).keys("tab").wants(`filter: comm:"a ce`)
	s.keys("esc", "9", "/", "tab").wants("search:")
}

func TestTogglingATermKeepsTheOthers(t *testing.T) {
	for _, tc := range []struct{ was, on string }{
		{"", "is:runnable"},
		{"cell:1", "cell:1 is:runnable"},
		{`comm:"a  b"`, `comm:"a  b" is:runnable`},
		{`comm:"a  b`, `comm:"a  b" is:runnable`},
	} {
		if got := toggleTerm(tc.was, runnableTerm); got != tc.on {
			t.Errorf("%s becomes %s, want %s", tc.was, got, tc.on)
		}
		if got, want := toggleTerm(tc.on, runnableTerm), strings.TrimSuffix(strings.TrimSuffix(tc.on, runnableTerm), " "); got != want {
			t.Errorf("%s becomes %s, want %s", tc.on, got, want)
		}
	}
}

func TestTheFilterCarriesOverAndIsUndone(t *testing.T) {
	s := start(t, 80, 24, mitosisStall(), truncated()).keys("4", "/").text("cell:1 wait>1s").keys("enter").wants("3 of 12 tasks")
	s.keys("]").wants("3 of 7 tasks with cell:1 wait>1s")
	s.keys("/").text(" cpu:3").wants("0 of 7").keys("esc").wants("3 of 7 tasks with cell:1 wait>1s")
	s.keys("esc").wants("7 tasks, by wait")
}

// TestTasksOfTheSameThingAgainAreAllOfThem has a filter set where the tasks of a CPU
// were looked at before.
func TestTasksOfTheSameThingAgainAreAllOfThem(t *testing.T) {
	s := start(t, 80, 24, mitosisStall()).keys("3", "T", "/").text("cell:1").keys("enter").wants("3 of 5 tasks of CPU 1 with cell:1")
	s.keys("3", "T").wants("5 tasks of CPU 1, by wait")
}

func TestTheCursorSurvivesTheTypingOfAFilter(t *testing.T) {
	s := start(t, 80, 24, mitosisStall()).keys("4", "home", "down", "down").text("/is:waiting cell:1")
	if got := s.cursorLine(); !strings.Contains(got, "websrv[230]") {
		t.Errorf("the cursor is on %s", got)
	}
	s.keys("ctrl+u").text("dbsrv").keys("ctrl+u").text("pid:230").keys("enter", "esc")
	if got := s.cursorLine(); !strings.Contains(got, "websrv[230]") {
		t.Errorf("the cursor came back to %s", got)
	}
	s.keys("home").text("/dbsrv cell:2").keys("enter")
	if got := s.cursorLine(); !strings.Contains(got, "dbsrv[238]") {
		t.Errorf("the cursor left the first row for %s", got)
	}
}

// TestALiveSessionGoesOnWhileAFilterIsTyped has samples come between the letters.
func TestALiveSessionGoesOnWhileAFilterIsTyped(t *testing.T) {
	f := watch(t, 80, 24, 50).sample(1)
	f.keys("4", "down", "down", "/")
	at := f.cursorLine()[:40]
	for _, r := range "weig" {
		f.text(string(r))
		f.sample(1).wants("tasks with ")
	}
	f.wants("tab: weight").text("ht:100")
	f.sample(1).keys("ctrl+u")
	if got := f.cursorLine()[:40]; got != at {
		t.Errorf("the cursor is on %s, and was on %s", got, at)
	}
}

// TestTheCursorStaysOnACounter has rows that lead nowhere.
func TestTheCursorStaysOnACounter(t *testing.T) {
	counters := func(s *dump.Snapshot) { s.Counters = mitosisStall().Counters }
	f := watch(t, 80, 24, 5).sample(1, counters).keys("8", "down", "down")
	at := f.cursorLine()
	if got := f.sample(1, counters).cursorLine(); got != at || !strings.Contains(at, "ENQ_SKIP") {
		t.Errorf("the cursor went from %s to %s", at, got)
	}
}

func TestTheHelpOfATableShowsItsFields(t *testing.T) {
	for view, field := range map[string]text{"2": "owner", "3": "nr_run", "4": "weight", "5": "kind", "7": "event", "8": "counter", "C": "effective"} {
		s := start(t, 132, 80, ringSample()).keys(view, "?").wants("Filter", string(field))
		if n := strings.Count(s.screen(), "example "); n != 2 {
			t.Errorf("%d examples in view %s", n, view)
		}
	}
	for v, examples := range filterExamples {
		for _, e := range examples {
			if f := compile(string(e), tables[v](newIndex(ringSample())).fields); f.problem != "" || len(f.tests) == 0 {
				t.Errorf("the example %s: %s", e, f.problem)
			}
		}
	}
}

// FuzzFilter looks that nothing that can be typed does harm, and what always holds.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		"cell:1 state:R wait>1s dsq:cpu comm:~^w", `-comm:"a b" !x "`, "cpu!=3 cpus:0-3,8 cpus=none weight<=0x10", "wait:1.5s slice:-1ns", ":~ = !",
		"comm:~(a|b)*c{3} flags:\x00\xff is:r", hostileText, "-", "!!-", "task:日本語", "cpu:" + strings.Repeat("9", 99),
	} {
		f.Add(s)
	}
	var lists []*list
	for _, s := range []*dump.Snapshot{ringSample(), hostile()} {
		x := newIndex(s)
		for _, table := range tables {
			if table != nil {
				lists = append(lists, table(x))
			}
		}
	}
	f.Fuzz(func(t *testing.T, source string) {
		source = source[:min(len(source), maxPrompt)]
		terms := splitTerms(source)
		if again := splitTerms(strings.Join(terms, " ")); !slices.Equal(again, terms) {
			t.Fatalf("%q is split into %q, and that into %q", source, terms, again)
		}
		for _, l := range lists {
			whole := compile(source, l.fields)
			for _, r := range string(whole.problem) {
				if unicode.IsControl(r) {
					t.Fatalf("%q: %q", source, whole.problem)
				}
			}
			parts := make([]*filter, len(terms))
			turned := make([]*filter, len(terms))
			for k, s := range terms {
				parts[k] = compile(s, l.fields)
				if s[0] != '-' && s[0] != '!' {
					turned[k] = compile("-"+s, l.fields)
				}
			}
			for i := range l.n {
				all := true
				for k, p := range parts {
					all = all && p.match(i)
					if turned[k] != nil && len(p.tests) > 0 && turned[k].match(i) == p.match(i) {
						t.Fatalf("%q and its opposite are the same", terms[k])
					}
				}
				if whole.match(i) != all {
					t.Fatalf("%q is not all of its terms", source)
				}
			}
			completed, _ := complete(source, l.fields)
			if !strings.HasPrefix(strings.ToLower(completed), strings.ToLower(source)) {
				t.Fatalf("%q is completed to %q", source, completed)
			}
			l.filter, l.typing = source, true
			l.update()
			l.advice()
			l.toggle("is:x")
		}
	})
}

func TestFilterAndColumnScreens(t *testing.T) {
	typed := func(s string) []string { return append([]string{"4", "/"}, strings.Split(s, "")...) }
	for _, tc := range []struct {
		name string
		snap *dump.Snapshot
		keys []string
	}{
		{"filter-typed", mitosisStall(), typed("cell:1 wait>1s")},
		{"filter-no-field", mitosisStall(), typed("cell:1 foo:2")},
		{"filter-no-unit", mitosisStall(), typed("wait>1")},
		{"filter-half", mitosisStall(), typed("weig")},
		{"filter-hint", mitosisStall(), typed("cell:1 is:")},
		{"filter-in-part", mitosisStall(), append(typed("comm:~( cpu:1"), "enter")},
		{"filter-help-tasks", mitosisStall(), []string{"4", "?"}},
		{"filter-help-cgroups", ringSample(), []string{"C", "?"}},
		{"columns-tasks", mitosisStall(), []string{"4", "c", "down", "down", "space"}},
		{"columns-chosen", ringSample(), []string{"4", "c", "end", "space", "up", "space", "home", "down", "down", "space", "esc"}},
		{"columns-cells", ringSample(), []string{"2", "c", "down", "s"}},
	} {
		for _, size := range [][2]int{{60, 15}, {80, 24}, {132, 43}, {200, 60}} {
			t.Run(fmt.Sprintf("%s-%dx%d", tc.name, size[0], size[1]), func(t *testing.T) {
				s := start(t, size[0], size[1], tc.snap).keys(tc.keys...)
				golden.RequireEqual(t, strings.Join(trimmed(s.screen()), "\n")+"\n")
			})
		}
	}
}
