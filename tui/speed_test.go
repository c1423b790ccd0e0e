// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"scxdiag/dump"
)

// The largest session that the speed of the screen is promised for.
const (
	largeTasks = 100_000
	largeCPUs  = 512
)

// largeSnapshot is a machine with many tasks and CPUs, as a ring buffer tells of it:
// a few of the tasks run or wait, in cells of eight CPUs and as many cgroups.
func largeSnapshot(tasks, cpus int) *dump.Snapshot {
	s := &dump.Snapshot{
		Source: dump.Source{Name: "live", Carrier: "ringbuf"}, Kernel: dump.Kernel{Release: "7.3.4"},
		Scheduler: "cells", Trigger: dump.TriggerSample, Time: time.Date(2026, 11, 15, 10, 2, 0, 0, time.UTC),
	}
	cells := max(cpus/8, 1)
	comms := []string{"kworker/u1024:%d-events", "websrv-%d", "ksoftirqd/%d", "java-pool-%d", "postgres: %d idle"}
	for i := range cells {
		s.Cells = append(s.Cells, dump.Cell{
			ID: int32(i), State: dump.Of(dump.CellLive), CPUs: dump.Of(dump.MaskRange(8*i, 8*i+7)),
			VTime: dump.Of(uint64(9e9)), Queued: dump.Of(int64(i % 3)), OwnerCgroup: dump.Of(uint64(100 + i)),
			OwnerPath: dump.Of(fmt.Sprintf("/machine.slice/vm-%d.scope", i)), CpusetCPUs: dump.Of(dump.MaskRange(8*i, 8*i+7)),
		})
		s.Cgroups = append(s.Cgroups, dump.Cgroup{ID: uint64(100 + i), Path: s.Cells[i].OwnerPath, HasContext: true, Cell: int32(i)})
	}
	for i := range tasks {
		cpu := int32(i * 7919 % cpus)
		cell := cpu / 8 % int32(cells)
		pid := int32(i + 1)
		t := dump.Task{
			TaskRef: dump.TaskRef{Comm: fmt.Sprintf(comms[i%len(comms)], i%997), PID: pid}, TGID: dump.Of(pid - pid%4),
			PFFlags: dump.Of(uint32(0x400000)), CPU: dump.Of(cpu), State: dump.Of(byte('S')), Walked: true,
			SCXState: dump.Of(dump.TaskEnabled), SCXStateNr: dump.Of(uint32(4)), Flags: dump.Of(uint32(8)), OpsState: dump.Of(dump.OpsNone),
			DSQ: dump.Of(dump.DSQRef{Kind: dump.DSQKindNone}), DSQVTime: dump.Of(uint64(i) * 1e6), Slice: dump.Of(uint64(20e6)),
			Weight: dump.Of(uint32(100 + i%7)), CPUs: s.Cells[cell].CPUs, Cell: dump.Of(cell), VTime: dump.Of(uint64(i) * 1e6),
			CgroupID: dump.Of(uint64(100 + cell)), CgroupName: s.Cells[cell].OwnerPath,
			RunTime: dump.Of(time.Duration(i) * time.Microsecond), Runs: dump.Of(uint64(i % 5000)),
		}
		if i%4 == 1 {
			t.State, t.Walked, t.Flags = dump.Of(byte('R')), false, dump.Of(uint32(3))
			t.RunnableAt = dump.Of(-time.Duration(i*7919%30000) * time.Millisecond)
			t.DSQ, t.DSQFlags = dump.Of(cellDSQ(cell)), dump.Of(uint32(1))
			if i%8 == 1 {
				t.DSQ = dump.Of(dump.BuiltinDSQ(dump.DSQLocal, cpu))
			}
		}
		s.Tasks = append(s.Tasks, t)
	}
	for i := range int32(cpus) {
		t := &s.Tasks[int(i)%tasks]
		t.Current, t.CPU, t.State, t.DSQ = true, dump.Of(i), dump.Of(byte('R')), dump.Of(dump.DSQRef{})
		s.CPUs = append(s.CPUs, dump.CPU{
			ID: i, Listed: true, NrRunning: dump.Of(uint32(50)), Flags: dump.Of(uint32(1)), Current: dump.Of(t.TaskRef),
			Class: dump.Of(dump.ClassExt), Cell: dump.Of(i / 8 % int32(cells)), VTime: dump.Of(uint64(9e9)), Queued: dump.Of(int64(i % 9)),
		})
	}
	return s
}

// cpuTime is what the process has used of the CPUs, in all its threads.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// inColour is a session with styles, as users have it.
func inColour(tb testing.TB, width, height int, snapshots ...*dump.Snapshot) *session {
	tb.Helper()
	s := &session{New(snapshots, Options{}), tb}
	s.resize(width, height)
	return s
}

// costs are the CPU times that keys took.
type costs []time.Duration

func (c costs) p99() time.Duration {
	slices.Sort(c)
	return c[(len(c)*99+99)/100-1]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// keyMix is what people press in a table and on the way to others.
var keyMix = strings.Fields("4 down down down down up pgdown pgdown end home pgdown enter down down pgdown esc u down T down esc esc " +
	"3 down down pgdown end enter down pgdown esc 2 down enter pgdown down esc T down pgdown esc 5 down end enter esc 1 down down pgdown " +
	"C down enter esc esc 7 8 4 end enter esc home down pgdown pgdown pgup pgup")

// BenchmarkKeys presses a mix of keys on the largest machine, each until its frame is
// finished, and tells the CPU time of the slowest ones.
func BenchmarkKeys(b *testing.B) {
	for _, size := range [][2]int{{80, 24}, {200, 60}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			s := inColour(b, size[0], size[1], largeSnapshot(largeTasks, largeCPUs))
			var all costs
			for b.Loop() {
				for _, k := range keyMix {
					was := cpuTime(b)
					s.keys(k).View()
					all = append(all, cpuTime(b)-was)
				}
			}
			b.ReportMetric(milliseconds(all.p99()), "p99-ms")
			b.ReportMetric(milliseconds(all[len(all)-1]), "max-ms")
		})
	}
}

// filtersTyped are typed by BenchmarkFilterTyped letter by letter.
var filtersTyped = []string{
	"websrv-12", "nothing", "cell:12 wait>1s", "is:waiting cpu:300", "comm:~^kworker.*7-", "cpus:77 -state:S", "flags:QUEUED dsq:local",
}

// BenchmarkFilterTyped types filters over the tasks of the largest machine.
func BenchmarkFilterTyped(b *testing.B) {
	s := inColour(b, 200, 60, largeSnapshot(largeTasks, largeCPUs)).keys("4", "/")
	for _, f := range filtersTyped {
		b.Run(strings.ReplaceAll(f, " ", "_"), func(b *testing.B) {
			var all costs
			for b.Loop() {
				s.keys("ctrl+u")
				for _, r := range f {
					was := cpuTime(b)
					s.text(string(r)).View()
					all = append(all, cpuTime(b)-was)
				}
			}
			total := time.Duration(0)
			for _, d := range all {
				total += d
			}
			b.ReportMetric(milliseconds(total)/float64(len(all)), "ms/key")
			b.ReportMetric(milliseconds(all.p99()), "p99-ms")
		})
	}
}

// BenchmarkSortLarge sorts the tasks of the largest machine by each column in turn.
func BenchmarkSortLarge(b *testing.B) {
	s := inColour(b, 200, 60, largeSnapshot(largeTasks, largeCPUs)).keys("4")
	worst := map[text]time.Duration{}
	for b.Loop() {
		for range s.list().columns {
			was := cpuTime(b)
			s.keys("s").View()
			l := s.list()
			worst[l.columns[l.sorted].title] = max(worst[l.columns[l.sorted].title], cpuTime(b)-was)
		}
	}
	for title, d := range worst {
		b.ReportMetric(milliseconds(d), string(title)+"-ms")
	}
}

// BenchmarkIndex is what is done once for each snapshot that is shown.
func BenchmarkIndex(b *testing.B) {
	for _, n := range []int{2000, largeTasks} {
		snap := largeSnapshot(n, largeCPUs)
		b.Run(fmt.Sprintf("%dtasks", n), func(b *testing.B) {
			b.ReportAllocs()
			was, n := cpuTime(b), 0
			for b.Loop() {
				newIndex(snap)
				n++
			}
			b.ReportMetric(milliseconds(cpuTime(b)-was)/float64(n), "cpu-ms")
		})
	}
}

// BenchmarkLive follows a scheduler of which a sample of 2,000 tasks comes each
// second, and tells what part of a CPU that takes.
func BenchmarkLive(b *testing.B) {
	for _, keys := range []string{"1", "2", "3", "4", "4 / i s : w enter", "4 enter"} {
		b.Run(strings.ReplaceAll(keys, " ", ""), func(b *testing.B) {
			f := watch(b, 200, 60, 2000).sample(1)
			f.keys(strings.Fields(keys)...)
			var next [16]*dump.Snapshot
			for i := range next {
				next[i] = f.samples.next()
			}
			was, n := cpuTime(b), 0
			for b.Loop() {
				s := *next[n%len(next)]
				f.feed(&s).View()
				n++
			}
			b.ReportMetric(100*(cpuTime(b)-was).Seconds()/float64(n), "%core")
		})
	}
}

// TestKeysAreFast bounds the CPU time of the mix of keys, of filters and of sorts on
// the largest machine, with a margin for machines that are slow or busy: the
// benchmarks say what it really is.
func TestKeysAreFast(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds to make the snapshot")
	}
	const margin = 4
	s := inColour(t, 200, 60, largeSnapshot(largeTasks, largeCPUs))
	cost := func(k string) time.Duration {
		was := cpuTime(t)
		s.keys(k).View()
		return cpuTime(t) - was
	}
	var keys, typed, sorts costs
	for range 3 {
		for _, k := range keyMix {
			keys = append(keys, cost(k))
		}
	}
	s.keys("4", "/")
	for _, f := range filtersTyped {
		s.keys("ctrl+u")
		for _, r := range f {
			typed = append(typed, cost(string(r)))
		}
	}
	s.keys("esc")
	for range s.list().columns {
		sorts = append(sorts, cost("s"))
	}
	for _, c := range []struct {
		what  string
		got   time.Duration
		limit time.Duration
	}{
		{"of 100 keys the slowest but one", keys.p99(), 8 * time.Millisecond},
		{"a key of a filter", typed.p99(), 30 * time.Millisecond},
		{"a sort", sorts.p99(), 50 * time.Millisecond},
	} {
		t.Logf("%s took %v", c.what, c.got)
		if c.got > margin*c.limit {
			t.Errorf("%s took %v of the CPU, more than %v", c.what, c.got, c.limit)
		}
	}
}

// TestNothingRunsByTheClock looks that nothing of the package wakes up by itself, but
// for the one time that ends the wait for an answer of the terminal.
func TestNothingRunsByTheClock(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	clocks := regexp.MustCompile(`tea\.(Tick|Every)\b|time\.(NewTicker|NewTimer|Tick|After|AfterFunc|Sleep)\b`)
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		found := clocks.FindAllString(string(src), -1)
		if f == "theme.go" && len(found) == 1 && found[0] == "tea.Tick" {
			continue
		}
		if len(found) > 0 {
			t.Errorf("%s has %v", f, found)
		}
	}
}

// counting is a model that counts what the program asks of it.
type counting struct {
	*Model
	updates, views *atomic.Int32
}

func (c counting) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	c.updates.Add(1)
	_, cmd := c.Model.Update(msg)
	return c, cmd
}

func (c counting) View() tea.View {
	c.views.Add(1)
	return c.Model.View()
}

// TestAnIdleScreenDoesNothing runs the program without anything that happens: it
// must not be asked for a frame, and hardly take any time.
func TestAnIdleScreenDoesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	in, typing := io.Pipe()
	defer typing.Close()
	model := counting{New([]*dump.Snapshot{mitosisStall()}, Options{}), new(atomic.Int32), new(atomic.Int32)}
	p := tea.NewProgram(model, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(io.Discard), tea.WithWindowSize(80, 24),
		tea.WithEnvironment([]string{"TERM=xterm"}), tea.WithoutSignals())
	ended := make(chan error)
	go func() {
		_, err := p.Run()
		ended <- err
	}()
	quiet := func() (updates, views int32) { // until nothing has happened for a while
		for updates = -1; updates != model.updates.Load() || updates == 0; <-time.After(200 * time.Millisecond) {
			updates = model.updates.Load()
		}
		return updates, model.views.Load()
	}
	updates, views := quiet()
	const idle = time.Second
	runtime.GC() // what other tests left behind
	was := cpuTime(t)
	<-time.After(idle)
	used := cpuTime(t) - was
	if u, v := model.updates.Load(), model.views.Load(); u != updates || v != views {
		t.Errorf("%d messages and %d frames while nothing happened", u-updates, v-views)
	}
	t.Logf("%v of the CPU in %v", used, idle)
	if used > idle/10 {
		t.Errorf("it took %v of the CPU in %v", used, idle)
	}
	if _, err := typing.Write([]byte("4")); err != nil {
		t.Fatal(err)
	}
	if u, v := quiet(); u == updates || v == views {
		t.Error("a key is not seen: the test is worth nothing")
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
