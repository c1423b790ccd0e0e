// SPDX-License-Identifier: GPL-2.0-only

package diff

import (
	"strconv"
	"testing"
	"time"

	"scxdiag/dump"
)

// BenchmarkOf compares two samples of a large machine.
func BenchmarkOf(b *testing.B) {
	const tasks, cpus = 2000, 256
	large := func(at time.Duration) *dump.Snapshot {
		s := ring(at)
		waits := s.Tasks[0]
		s.Tasks, s.CPUs = nil, nil
		for i := range int32(tasks) {
			t := waits
			t.Comm, t.PID = "task-"+strconv.Itoa(int(i)), i+1
			t.VTime.V += uint64(at) * uint64(i%3)
			s.Tasks = append(s.Tasks, t)
		}
		for i := range int32(cpus) {
			s.CPUs = append(s.CPUs, dump.CPU{ID: i, Cell: dump.Of(i % 2), VTime: dump.Of(uint64(at))})
		}
		return s
	}
	before, after := large(0), large(time.Second)
	b.ReportAllocs()
	for b.Loop() {
		Of(before, after)
	}
}
