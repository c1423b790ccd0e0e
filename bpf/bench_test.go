// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"

	"scxdiag/dump/wire"
)

// cpuTime is the processor time that this process has used, which, unlike the
// time of day, does not count what else the machine does.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// producer is a program that writes dumps into a ring buffer.
type producer struct {
	tb    testing.TB
	coll  *ebpf.Collection
	ring  *ebpf.Map
	last  uint64 // id of a dump
	quiet bool   // it wakes up nobody
}

func newProducer(tb testing.TB) *producer {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip("needs root")
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		tb.Fatal(err)
	}
	spec, err := loadProducer()
	if err != nil {
		tb.Fatal(err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(coll.Close)
	return &producer{tb: tb, coll: coll, ring: coll.Maps[producerMapRing]}
}

// dump writes a dump of so many tasks, and behind it records that it discards.
func (p *producer) dump(tasks, discarded uint32) {
	p.tb.Helper()
	p.last++
	for name, v := range map[string]any{
		producerVarProduceDump: p.last, producerVarProduceCount: tasks, producerVarProduceDiscard: discarded,
		producerVarProduceQuiet: p.quiet,
	} {
		if err := p.coll.Variables[name].Set(v); err != nil {
			p.tb.Fatal(err)
		}
	}
	if _, err := p.coll.Programs[producerProgProduce].Run(&ebpf.RunOptions{}); err != nil {
		p.tb.Fatal(err)
	}
	var failed uint64
	if err := p.coll.Variables[producerVarFailed].Get(&failed); err != nil || failed > 0 {
		p.tb.Fatal("the ring buffer is too small", err)
	}
}

// isWhole fails unless a dump has so many tasks and nothing was lost.
func isWhole(tb testing.TB, d *wire.Raw, tasks int) {
	tb.Helper()
	s := d.Decode().Snapshot
	if len(s.Tasks) != tasks || s.Ledger.Dropped() != 0 || s.Ledger.Truncated {
		tb.Fatalf("%d tasks, ledger %+v", len(s.Tasks), s.Ledger)
	}
}

// BenchmarkCollector compares the time that it takes to get dumps of 2,500
// tasks out of a ring buffer, on one core: with a loop that reads the records
// with the library, all into the same few bytes, and does nothing with them;
// and with what each ring's goroutine of the collector does, until the dump is
// finished, that is all records kept and counted. Decoding is not part of it,
// since nobody who reads waits for that, and neither is collecting its garbage.
//
// The two take turns, and each reads a dump that was just written. What they
// differ in is for the greater part memory: that of a whole dump is in no near
// cache. The figures are of the best round, since other work on the machine
// takes caches away, if not time. It needs root, but no sched_ext.
func BenchmarkCollector(b *testing.B) {
	const (
		tasks   = 2500
		records = tasks + 1 // the end
		dumps   = 40        // in a round
	)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	p := newProducer(b)
	reader, err := ringbuf.NewReader(p.ring)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	var finished *wire.Raw
	c, err := newCollector(nil, nil, func(d *wire.Raw) { finished = d })
	if err != nil {
		b.Fatal(err)
	}
	defer c.close()

	var rec ringbuf.Record
	readBare := func() {
		for range records {
			if err := reader.ReadInto(&rec); err != nil {
				b.Fatal(err)
			}
		}
	}
	l := lane{ring: reader}
	readAll := func() {
		for finished == nil {
			if err := c.read(&l); err != nil {
				b.Fatal(err)
			}
		}
	}
	round := func() (bare, full time.Duration) {
		for range dumps {
			p.dump(tasks, 0)
			start := cpuTime(b)
			readBare()
			bare += cpuTime(b) - start

			p.dump(tasks, 0)
			start = cpuTime(b)
			readAll()
			full += cpuTime(b) - start
			isWhole(b, finished, tasks)
			finished = nil
			runtime.GC()
		}
		return bare, full
	}
	round() // now it has the memory that it needs
	bare, full := round()
	for b.Loop() {
		r, f := round()
		bare, full = min(bare, r), min(full, f)
	}
	var before, after runtime.MemStats
	p.dump(tasks, 0)
	runtime.ReadMemStats(&before)
	readAll()
	runtime.ReadMemStats(&after)
	if s := c.asm.Stats(); s != (wire.Stats{}) {
		b.Errorf("records that could not be used: %+v", s)
	}
	const read = records * dumps
	b.ReportMetric(full.Seconds()/bare.Seconds(), "x-bare-reader")
	b.ReportMetric(read/full.Seconds(), "records/s")
	b.ReportMetric(read/bare.Seconds(), "bare-records/s")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/records, "allocs/record")
	b.ReportMetric(0, "ns/op") // of a round, most of which is writing and decoding
}
