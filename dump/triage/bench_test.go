// SPDX-License-Identifier: GPL-2.0-only

package triage_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"scxdiag/dump"
	"scxdiag/dump/triage"
)

// crowd is the dump of a stall with many tasks on 512 CPUs in 64 cells, of which a
// real-time task has one.
func crowd(tasks int) *dump.Snapshot {
	const cpus, cells = 512, 64
	s := &dump.Snapshot{
		Scheduler: "bench", Trigger: dump.TriggerCrash,
		Exit: &dump.Exit{
			Kind: dump.Of(dump.ExitErrorStall), Reason: dump.Of("runnable task stall"),
			Message: dump.Of("task0[1] failed to run for 30.016s"), Subject: dump.Of(dump.TaskRef{Comm: "task0", PID: 1}),
		},
	}
	for i := range cells {
		s.Cells = append(s.Cells, dump.Cell{
			ID: int32(i), CPUs: dump.Of(dump.MaskRange(i*cpus/cells, (i+1)*cpus/cells-1)), Queued: dump.Of(int64(tasks / cells)),
		})
	}
	for i := range cpus {
		class := dump.ClassExt
		if i == 0 {
			class = dump.ClassRT
		}
		s.CPUs = append(s.CPUs, dump.CPU{
			ID: int32(i), Listed: true, Class: dump.Of(class), Cell: dump.Of(int32(i * cells / cpus)),
			Current: dump.Of(dump.TaskRef{Comm: "current", PID: int32(1_000_000 + i)}),
		})
	}
	for i := range tasks {
		cell := int32(i % cells)
		t := dump.Task{
			TaskRef: dump.TaskRef{Comm: fmt.Sprintf("task%d", i), PID: int32(i + 1)},
			CPU:     dump.Of(int32(i % cpus)), State: dump.Of(byte('R')), Cell: dump.Of(cell),
			RunnableAt: dump.Of(-30*time.Second + time.Duration(i)*time.Millisecond/4),
			DSQ:        dump.Of(dump.DSQRef{ID: dump.DSQID(cell), Kind: dump.DSQKindCell, Cell: cell}),
			DSQVTime:   dump.Of(uint64(1e9 + i)), CPUs: dump.Of(dump.MaskRange(0, cpus-1)), Weight: dump.Of(uint32(100)),
		}
		if i%100 == 0 {
			t.CPUs = dump.Of(dump.MaskOf(i % cpus))
			t.DSQ = dump.Of(dump.DSQRef{ID: dump.DSQLocal, Kind: dump.DSQKindLocal, CPU: int32(i % cpus)})
		}
		s.Tasks = append(s.Tasks, t)
	}
	return s
}

// BenchmarkApply triages dumps of 512 CPUs and more and more tasks.
func BenchmarkApply(b *testing.B) {
	for _, tasks := range []int{1_000, 10_000, 100_000} {
		b.Run(strconv.Itoa(tasks), func(b *testing.B) {
			s := crowd(tasks)
			b.ReportAllocs()
			for b.Loop() {
				triage.Apply(s, nil)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(tasks), "ns/task")
		})
	}
}
