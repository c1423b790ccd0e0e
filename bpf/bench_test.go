// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"math"
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
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCollector fills a ring buffer with task records and takes them out
// on one core, once with nothing but a reader of the library and once as the
// collector does. It needs root, but no sched_ext.
func BenchmarkCollector(b *testing.B) {
	const records = 200_000
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if err := rlimit.RemoveMemlock(); err != nil {
		b.Fatal(err)
	}
	spec, err := loadProducer()
	if err != nil {
		b.Fatal(err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		b.Fatal(err)
	}
	defer coll.Close()
	ring := coll.Maps[producerMapRing]
	reader, err := ringbuf.NewReader(ring)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	c, err := newCollector(nil, nil, func(*wire.Dump) {})
	if err != nil {
		b.Fatal(err)
	}
	defer c.close()

	id := uint64(0)
	drain := func(take func([]byte)) time.Duration {
		id++
		for name, v := range map[string]any{producerVarProduceDump: id, producerVarProduceCount: uint32(records)} {
			if err := coll.Variables[name].Set(v); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := coll.Programs[producerProgProduce].Run(&ebpf.RunOptions{}); err != nil {
			b.Fatal(err)
		}
		var failed uint64
		if err := coll.Variables[producerVarFailed].Get(&failed); err != nil || failed > 0 {
			b.Fatal("the ring buffer is too small", err)
		}
		var rec ringbuf.Record
		start := cpuTime(b)
		for range records {
			if err := reader.ReadInto(&rec); err != nil {
				b.Fatal(err)
			}
			take(rec.RawSample)
		}
		return cpuTime(b) - start
	}
	bare, full := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64) // the best of each
	drain(c.take)
	c.flush() // now it has the memory that it needs
	var allocs uint64
	for b.Loop() {
		bare = min(bare, drain(func([]byte) {}))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		full = min(full, drain(c.take))
		runtime.ReadMemStats(&after)
		allocs = after.Mallocs - before.Mallocs
		c.flush()
	}
	if read, _ := c.progress(); read != uint64(records)*uint64(b.N+1) {
		b.Errorf("%d records taken", read)
	}
	if s := c.asm.Stats(); s != (wire.Stats{}) {
		b.Errorf("records that could not be used: %+v", s)
	}
	b.ReportMetric(full.Seconds()/bare.Seconds(), "x-bare-reader")
	b.ReportMetric(records/full.Seconds(), "records/s")
	b.ReportMetric(float64(allocs)/records, "allocs/record")
}
