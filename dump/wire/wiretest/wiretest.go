// SPDX-License-Identifier: GPL-2.0-only

// Package wiretest makes the records of dumps, for tests.
package wiretest

import (
	"encoding/binary"
	"fmt"

	"scxdiag/dump"
	"scxdiag/dump/wire"
)

// Record is one of the record types of package wire.
type Record interface{ Append([]byte) []byte }

// Dump is the records of one dump on their two rings, in the order of each.
type Dump struct {
	ID    uint64
	Vital [][]byte
	Bulk  [][]byte // of the walk over all tasks, and events
	End   wire.End // what was sent and dropped so far
}

// Send puts a record on its ring. Its dump id need not be set.
func (d *Dump) Send(r Record) {
	b, kind, bulk := d.encode(r)
	d.End.Sent[kind]++
	if bulk {
		d.Bulk = append(d.Bulk, b)
	} else {
		d.Vital = append(d.Vital, b)
	}
}

// Drop counts a record that does not fit in its ring.
func (d *Dump) Drop(r Record) {
	_, kind, _ := d.encode(r)
	d.End.Sent[kind]++
	d.End.Dropped[kind]++
}

// Finish puts the End record on its ring.
func (d *Dump) Finish() {
	b, _, _ := d.encode(d.End)
	d.Vital = append(d.Vital, b)
}

// Records are all records, those of the bulk ring last.
func (d *Dump) Records() [][]byte { return append(append([][]byte{}, d.Vital...), d.Bulk...) }

func (d *Dump) encode(r Record) (b []byte, kind wire.Kind, bulk bool) {
	b = r.Append(nil)
	binary.LittleEndian.PutUint64(b[16:], d.ID)
	h, err := wire.ParseHeader(b)
	if err != nil {
		panic(err) // what Append makes is a record
	}
	return b, h.Kind, h.Walk != 0 || h.Kind == wire.KindEvent
}

// Host is what the other functions here assume to be the host.
var Host = wire.Host{
	Boot: 1_790_000_000_000_000_000, HZ: 250, Enabled: 4, Name: "vm1", Release: "7.3.4-test", Scheduler: "scxdiag",
}

// Sample is a dump of a machine with 8 CPUs in 2 cells and the given number of
// tasks. One task of ten is on a run queue, and walked over as well. All tasks
// are in the root cgroup; the one below it owns cell 1.
func Sample(id uint64, tasks int) *Dump {
	const cpus, cells = 8, 2
	d := &Dump{ID: id}
	d.Send(wire.Begin{
		Trigger: wire.TriggerSample, AtJiffies: 1 << 32, CfgSeq: 3, AppliedSeq: 3, SliceNS: 5e6,
		NrCPUs: cpus, NrCells: cells, MaxCells: 16, NrEvents: 1,
		GraceSeq: 4, GraceStarted: id - 300, CpusetBegun: 2, CpusetEnded: 2, ApplyBegun: id - 400, ApplyEnded: id - 350,
		MaxUsed: cells, HeldCPU: -1, TimerRuns: 9, TimerFirst: id - 900, TimerLast: id - 50, TimerMaxRun: 7, TimerPeriod: 100,
		TimerArmed: 1, InitEnded: id - 950, NrCgroups: 2, NrQueues: cells,
	})
	for i := range uint32(cells) {
		d.Send(wire.Cell{
			ID: i, State: wire.CellLive, Owner: 5 * uint64(i), VTime: 1000, DSQ: 2<<28 | uint64(i)<<16,
			Since: id - 350, Flags: wire.CellSpare,
			CPUs: dump.MaskRange(int(i)*4, int(i)*4+3), Cpuset: dump.MaskRange(int(i)*4, int(i)*4+3),
		})
	}
	for i := range uint32(cpus) {
		d.Send(wire.CPU{
			ID: i, Cell: i / 4, NrRunning: 1, RQFlags: 1, CurrClass: wire.ClassExt, DSQ: 1<<28 | uint64(i), Known: 1,
			Sections: 5, PrevCell: i / 4, Flags: wire.CPUOnline,
		})
	}
	walk := make([]wire.Task, 0, tasks)
	for i := range uint32(tasks) { //nolint:gosec // a test's number
		t := wire.Task{
			PID: int32(i) + 1, TGID: int32(i) + 1, CPU: int32(i % cpus), Flags: wire.TaskCtx | wire.TaskAllCell,
			State: 1, SCXState: 4, StickyCPU: -1, HoldingCPU: -1, Slice: 5e6, Weight: 100, Cell: i % cpus / 4,
			Seq: 3, DSQ: 2<<28 | uint64(i%cpus/4)<<16, CGID: 1, RunNS: 1e6, NrRuns: 10,
			CGIDNow: 1, VTimeRead: 900, StartedAt: id - 1000, Clock: i % cpus / 4,
			CPUs: dump.MaskRange(0, cpus-1), Allowed: dump.MaskRange(0, cpus-1),
		}
		t.Words = 8
		copy(t.Comm[:], fmt.Sprintf("task-%d", i))
		if i%10 == 0 {
			t.State, t.SCXFlags, t.RunnableAt = 0, 1, 1<<32-5
			t.Flags |= wire.TaskOnDSQ
			t.DSQID = t.DSQ
			d.Send(t)
		}
		t.Walk = 1
		walk = append(walk, t)
	}
	for _, t := range walk {
		d.Send(t)
	}
	all := dump.MaskRange(0, cpus-1)
	const inUse = wire.CgroupCtx | wire.CgroupPopulated | wire.CgroupCpuset | wire.CgroupCPU
	d.Send(wire.Cgroup{ID: 1, Flags: inUse, CPUs: all, Effective: all})
	d.Send(wire.Cgroup{
		ID: 5, Parent: 1, Level: 1, Cell: 1, Owns: 1, Flags: inUse, CPUs: dump.MaskRange(4, 7), Effective: dump.MaskRange(4, 7),
	})
	d.Send(wire.Event{At: 5, Kind: wire.EventCgroupInit, CGID: 1})
	d.Finish()
	return d
}
