// SPDX-License-Identifier: GPL-2.0-only

package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"scxdiag/dump"
	"scxdiag/dump/store"
	"scxdiag/dump/text/texttest"
)

// machine makes up a machine under the cell scheduler, from one second to the
// next.
type machine struct {
	rnd    *rand.Rand
	snap   *dump.Snapshot
	asleep int // of 100 tasks
	config texttest.Config
}

const cpusPerCell = 16

func newMachine(tasks, cpus, asleep int) *machine {
	m := &machine{
		rnd: rand.New(rand.NewPCG(1, 2)), asleep: asleep,
		config: texttest.Config{Series: texttest.SeriesNamed("7.3"), SubSched: true, CPUIDs: cpus, Format: texttest.MitosisV7},
	}
	s := &dump.Snapshot{
		Source: dump.Source{Name: "live", Carrier: "ringbuf"}, Time: time.Date(2026, 11, 15, 10, 0, 0, 0, time.UTC),
		Host: "node7", Kernel: dump.Kernel{Release: "7.3.4"}, Scheduler: "scxdiag", Trigger: dump.TriggerSample,
		Status: &dump.Status{ConfigSeq: 3, AppliedSeq: 3, Slice: 20e6, MaxCells: 64, NrEvents: 40},
	}
	for i := range int32(cpus / cpusPerCell) {
		s.Cells = append(s.Cells, dump.Cell{
			ID: i, CPUs: dump.Of(dump.MaskRange(int(i)*cpusPerCell, int(i+1)*cpusPerCell-1)), OwnerCgroup: dump.Of(uint64(100 + i)),
			OwnerPath: dump.Of(fmt.Sprintf("/tenant%d", i)), VTime: dump.Of(m.rnd.Uint64N(1e13)), Queued: dump.Of(int64(0)),
			State: dump.Of(dump.CellLive), Generation: dump.Of(uint32(1)), DSQ: dump.Of(texttest.MitosisV7.CellDSQ(i, 0).ID),
		})
	}
	for i := range int32(cpus) {
		s.CPUs = append(s.CPUs, dump.CPU{
			ID: i, Listed: true, NrRunning: dump.Of(uint32(1)), Flags: dump.Of(uint32(0x21)), CPURel: dump.Of(false), KSync: dump.Of(m.rnd.Uint64N(1e7)),
			Class: dump.Of(dump.ClassExt), Cell: dump.Of(i / cpusPerCell), VTime: dump.Of(m.rnd.Uint64N(1e13)), Queued: dump.Of(int64(0)),
			DSQ: dump.Of(texttest.MitosisV7.CPUDSQ(i).ID), NrRescue: dump.Of(uint32(0)), RescueBudget: dump.Of(time.Duration(0)),
		})
	}
	all := dump.MaskRange(0, cpus-1)
	for i := range int32(tasks) {
		cell := s.Cells[m.rnd.IntN(len(s.Cells))]
		allowed := all
		if m.rnd.IntN(10) == 0 {
			allowed = dump.MaskOf(m.rnd.IntN(cpus))
		}
		weight := []uint32{100, 100, 100, 33, 300}[m.rnd.IntN(5)]
		s.Tasks = append(s.Tasks, dump.Task{
			TaskRef: dump.TaskRef{Comm: fmt.Sprintf("worker/%d:%d", m.rnd.IntN(cpus), i%7), PID: 1000 + i*3 + int32(m.rnd.IntN(3))},
			CPU:     dump.Of(int32(cell.CPUs.V.First() + m.rnd.IntN(cpusPerCell))), State: dump.Of(byte('S')), Owner: dump.Of("root"), OwnerDumped: true,
			SCXState: dump.Of(dump.TaskEnabled), SCXStateNr: dump.Of(uint32(4)), Flags: dump.Of(uint32(0)), DSQFlags: dump.Of(uint32(0)),
			OpsState: dump.Of(dump.OpsNone), QSeq: dump.Of(m.rnd.Uint64N(1e6)), StickyCPU: dump.Of(int32(-1)), HoldingCPU: dump.Of(int32(-1)),
			DSQ: dump.Of(dump.DSQRef{Kind: dump.DSQKindNone}), DSQVTime: dump.Of(cell.VTime.V - m.rnd.Uint64N(1e9)), Slice: dump.Of(uint64(20e6)),
			Weight: dump.Of(weight), CPUs: dump.Of(allowed), MigrationDisabled: dump.Of(uint32(0)), AllowedCPUs: dump.Of(allowed),
			TGID: dump.Of(1000 + i/8*8*3), PFFlags: dump.Of(uint32(0x400040)), Walked: true, Cell: dump.Of(cell.ID),
			BasisVTime: dump.Of(cell.VTime.V), AssignedDSQ: dump.Of(texttest.MitosisV7.CellDSQ(cell.ID, 0)), SchedulerCPUs: dump.Of(allowed.And(cell.CPUs.V)),
			AllCellCPUsAllowed: dump.Of(allowed == all), CgroupID: dump.Of(100 + uint64(cell.ID)), CgroupName: cell.OwnerPath,
			HasContext: dump.Of(true), ConfigSeq: dump.Of(uint64(3)), RunTime: dump.Of(time.Duration(m.rnd.Uint64N(1e12))), Runs: dump.Of(m.rnd.Uint64N(1e5)),
		})
		t := &s.Tasks[i]
		t.VTime = t.DSQVTime
	}
	m.snap = s
	return m
}

// step lets a second go by.
func (m *machine) step() *dump.Snapshot {
	s := *m.snap
	s.Time = s.Time.Add(time.Second + time.Duration(m.rnd.Int64N(1e6)))
	status := *s.Status
	s.Status = &status
	s.Cells, s.CPUs, s.Tasks = append([]dump.Cell(nil), s.Cells...), append([]dump.CPU(nil), s.CPUs...), append([]dump.Task(nil), s.Tasks...)
	for i := range s.Cells {
		s.Cells[i].VTime.V += 1e9 + m.rnd.Uint64N(1e8)
		s.Cells[i].Queued.V = 0
	}
	for i := range s.CPUs {
		c := &s.CPUs[i]
		c.KSync.V += 50 + m.rnd.Uint64N(100)
		c.VTime.V += 1e9 + m.rnd.Uint64N(1e8)
		c.Current = dump.Of(dump.TaskRef{Comm: "swapper/" + strconv.Itoa(i)})
		c.Class = dump.Of(dump.ClassIdle)
		c.NrRunning.V = 0
	}
	for i := range s.Tasks {
		t := &s.Tasks[i]
		sleeps := i%100 < m.asleep
		if sleeps && m.rnd.IntN(10) != 0 {
			continue
		}
		// It ran, for about its share of a second.
		run := 2e7 + m.rnd.Uint64N(1e8)
		t.RunTime.V += time.Duration(run)
		t.Runs.V += 1 + run/15e6
		t.DSQVTime.V += run * 100 / uint64(t.Weight.V)
		t.VTime.V = t.DSQVTime.V
		cell := &s.Cells[t.Cell.V]
		t.BasisVTime.V = cell.VTime.V - m.rnd.Uint64N(1e8)
		t.QSeq.V += 1 + run/15e6
		t.CPU.V = int32(cell.CPUs.V.First() + m.rnd.IntN(cpusPerCell))
		cpu := &s.CPUs[t.CPU.V]
		t.Walked, t.Current, t.DSQ = sleeps, false, dump.Of(dump.DSQRef{Kind: dump.DSQKindNone})
		t.RunnableAt = dump.Value[time.Duration]{}
		if t.State.V = 'S'; sleeps {
			t.Flags.V = 0
			t.Slice.V = m.rnd.Uint64N(20e6)
			continue
		}
		t.State.V, t.Flags.V = 'R', 1
		t.RunnableAt = dump.Of(-time.Duration(m.rnd.IntN(40)) * 4 * time.Millisecond)
		cpu.NrRunning.V++
		if cpu.NrRunning.V == 1 {
			t.Current, cpu.Current, cpu.Class = true, dump.Of(t.TaskRef), dump.Of(dump.ClassExt)
			t.Slice.V = m.rnd.Uint64N(20e6)
			continue
		}
		t.Slice.V = 20e6
		t.DSQ = t.AssignedDSQ
		t.DSQFlags.V = 1
		cell.Queued.V++
	}
	m.snap = &s
	return &s
}

// BenchmarkSeries records five minutes of a machine with 2,000 tasks and 256
// CPUs. It says how much smaller the recording is than the kernel's text of the
// same snapshots.
func BenchmarkSeries(b *testing.B) {
	for _, busy := range []struct {
		name   string
		asleep int
	}{{"500 tasks always busy", 75}, {"1000 tasks always busy", 50}, {"all tasks always busy", 0}} {
		b.Run(busy.name, func(b *testing.B) {
			for b.Loop() {
				const snapshots = 300
				path := filepath.Join(b.TempDir(), "series"+store.Ext)
				s := openStore(b, path)
				m := newMachine(2000, 256, busy.asleep)
				var text int64
				for range snapshots {
					snap := m.step()
					text += int64(len(texttest.Render(snap, m.config)))
					add(b, s, snap)
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				info, err := os.Stat(path)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(text)/float64(info.Size()), "times-smaller")
				b.ReportMetric(float64(info.Size())/snapshots, "B/snapshot")
				b.ReportMetric(float64(text)/snapshots, "textB/snapshot")
			}
		})
	}
}

// BenchmarkCrash records one dump of 500 tasks that a kernel printed. It says
// how much smaller than the text the snapshot is without the text, and with it.
func BenchmarkCrash(b *testing.B) {
	var crash *dump.Snapshot
	for _, s := range realDumps(b) {
		if crash == nil || len(s.Tasks) > len(crash.Tasks) {
			crash = s
		}
	}
	if len(crash.Tasks) < 400 {
		b.Fatalf("the largest dump has %d tasks", len(crash.Tasks))
	}
	for b.Loop() {
		s := newStore(b)
		sizes := map[bool]int64{}
		for _, drop := range []bool{true, false} {
			id, _, err := s.Add(b.Context(), crash, store.AddOptions{DropText: drop})
			if err != nil {
				b.Fatal(err)
			}
			e, err := s.Find(b.Context(), id)
			if err != nil {
				b.Fatal(err)
			}
			sizes[drop] = e.Size
			if _, err := s.Delete(b.Context(), id); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(crash.Raw))/float64(sizes[true]), "times-smaller")
		b.ReportMetric(float64(len(crash.Raw))/float64(sizes[false]), "times-smaller-with-text")
	}
}

// cpuTime is the processor time that this program has used.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkAdd adds snapshots of 10,000 tasks and says how much processor time
// each takes, whole ones and those that are relative to others.
func BenchmarkAdd(b *testing.B) {
	m := newMachine(10000, 256, 50)
	s := newStore(b)
	var used, best time.Duration
	n := 0
	for b.Loop() {
		b.StopTimer()
		snap := m.step()
		runtime.GC() // of what step left
		b.StartTimer()
		before := cpuTime(b)
		add(b, s, snap)
		took := cpuTime(b) - before
		if n++; n == 1 || took < best {
			best = took
		}
		used += took
	}
	b.ReportMetric(float64(used.Microseconds())/1000/float64(n), "CPU-ms/snapshot")
	b.ReportMetric(float64(best.Microseconds())/1000, "best-CPU-ms/snapshot") // others on the machine take caches away
}

// BenchmarkList lists 100,000 snapshots.
func BenchmarkList(b *testing.B) {
	const snapshots = 100_000
	path := filepath.Join(b.TempDir(), "a"+store.Ext)
	w := openStore(b, path)
	if err := errors.Join(store.Fill(w, snapshots), w.Close()); err != nil {
		b.Fatal(err)
	}
	s, err := store.OpenReader(path)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.ReportAllocs()
	var best time.Duration
	for b.Loop() {
		before := cpuTime(b)
		list, err := s.List(b.Context(), store.Filter{})
		if err != nil || len(list) != snapshots {
			b.Fatal(len(list), err)
		}
		if took := cpuTime(b) - before; best == 0 || took < best {
			best = took
		}
	}
	b.ReportMetric(float64(best.Microseconds())/1000, "best-CPU-ms")
}
