// SPDX-License-Identifier: GPL-2.0-only

package wire_test

import (
	"testing"
	"time"

	"scxdiag/dump/wire"
	"scxdiag/dump/wire/wiretest"
)

const benchTasks = 2500

// BenchmarkAssemblerAdd is what a record costs while it is read from the ring,
// also as a multiple of copying the same bytes one behind the other.
func BenchmarkAssemblerAdd(b *testing.B) {
	records := wiretest.Sample(1, benchTasks).Records()
	total := 0
	for i, r := range records {
		if h, _ := wire.ParseHeader(r); h.Kind == wire.KindEnd { // would finish the dump
			records = append(records[:i], records[i+1:]...)
			break
		}
	}
	for _, r := range records {
		total += len(r)
	}
	a := wire.NewAssembler(wire.Options{}, decode(func(*wire.Dump) { b.Error("a dump was finished") }))
	addAll := func() {
		for _, r := range records {
			if err := a.Add(r); err != nil {
				b.Fatal(err)
			}
		}
		a.DropAll()
	}
	addAll() // get the memory
	b.SetBytes(int64(total / len(records)))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n == len(records) {
			a.DropAll()
			n = 0
		}
		if err := a.Add(records[n]); err != nil {
			b.Fatal(err)
		}
	}
	a.DropAll()
	const rounds = 200
	arena := make([]byte, 0, total)
	copying := timed(rounds, func() {
		arena = arena[:0]
		for _, r := range records {
			arena = append(arena, r...)
		}
	})
	adding := timed(rounds, addAll)
	b.ReportMetric(float64(rounds*len(records))/adding.Seconds(), "records/s")
	b.ReportMetric(adding.Seconds()/copying.Seconds(), "x-copy")
}

func timed(rounds int, f func()) time.Duration {
	start := time.Now()
	for range rounds {
		f()
	}
	return time.Since(start)
}

// BenchmarkDump is a whole dump, from its records to the snapshot.
func BenchmarkDump(b *testing.B) {
	records := append([][]byte{wiretest.Host.Append(nil)}, wiretest.Sample(0, benchTasks).Records()...)
	dumps := 0
	a := wire.NewAssembler(wire.Options{}, decode(func(*wire.Dump) { dumps++ }))
	b.ReportAllocs()
	allocs := testing.AllocsPerRun(1, func() {
		for _, r := range records {
			if err := a.Add(r); err != nil {
				b.Fatal(err)
			}
		}
	})
	for b.Loop() {
		for _, r := range records {
			if err := a.Add(r); err != nil {
				b.Fatal(err)
			}
		}
	}
	if dumps < b.N {
		b.Fatalf("%d dumps of %d", dumps, b.N)
	}
	b.ReportMetric(allocs/benchTasks, "allocs/task")
}
