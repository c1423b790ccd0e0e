// SPDX-License-Identifier: GPL-2.0-only

package text_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"testing"
	"time"

	"scxdiag/dump/text"
	"scxdiag/dump/text/texttest"
)

// logSize is the size of the log of the benchmarks, in MiB: 256 unless
// SCXDIAG_BENCH_MIB says otherwise.
func logSize(b *testing.B) int64 {
	b.Helper()
	mib := int64(256)
	if s := os.Getenv("SCXDIAG_BENCH_MIB"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		mib = n
	}
	return mib << 20
}

// realLog is a log made of real dumps.
func realLog(b *testing.B, size int64) io.Reader {
	b.Helper()
	r, err := texttest.NewLog("../../testdata/dumps", size)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// mapped puts a log into memory that is not the garbage collector's, as it is
// when a program reads a file.
func mapped(b *testing.B, src io.Reader) []byte {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	n, err := io.Copy(f, src)
	if err != nil {
		b.Fatal(err)
	}
	data, err := syscall.Mmap(int(f.Fd()), 0, int(n), syscall.PROT_READ, syscall.MAP_SHARED|syscall.MAP_POPULATE)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := syscall.Munmap(data); err != nil {
			b.Error(err)
		}
	})
	return data
}

// lineEnds is the baseline: it finds the line ends of data and nothing else.
func lineEnds(data []byte) (n int) {
	for len(data) > 0 {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			break
		}
		n++
		data = data[i+1:]
	}
	return n
}

// drain reads all snapshots of a stream and returns how many snapshots and task
// blocks it had.
func drain(b *testing.B, src io.Reader) (snapshots, tasks int) {
	b.Helper()
	r := text.NewReader(src, text.Options{Name: "bench"})
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return snapshots, tasks
		}
		if err != nil {
			b.Fatal(err)
		}
		snapshots++
		tasks += len(s.Tasks)
	}
}

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

// BenchmarkReader reads a log made of real dumps on one core, and reports how
// much longer that takes than to find the line ends of the same bytes.
func BenchmarkReader(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as scxdiag open does when it prints
	data := mapped(b, realLog(b, logSize(b)))
	const rounds = 25 // the best counts: on a machine that does other things, too, most are disturbed
	b.SetBytes(rounds * int64(len(data)))
	bare, full := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64) // the best of each
	var before, after runtime.MemStats
	var lines, tasks int
	for b.Loop() {
		for range rounds {
			start := cpuTime(b)
			for range 8 { // long enough for the clock of the kernel's accounting
				lines = lineEnds(data)
			}
			bare = min(bare, (cpuTime(b)-start)/8)
			runtime.ReadMemStats(&before)
			start = cpuTime(b)
			_, tasks = drain(b, bytes.NewReader(data))
			full = min(full, cpuTime(b)-start)
			runtime.ReadMemStats(&after)
		}
	}
	b.ReportMetric(full.Seconds()/bare.Seconds(), "x-line-ends")
	b.ReportMetric(float64(full.Nanoseconds())/float64(lines), "ns/line")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(tasks), "allocs/task")
}

// BenchmarkReaderMemory reads the same log as a stream and reports the most
// memory that the process had from the system meanwhile.
func BenchmarkReaderMemory(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as above
	for b.Loop() {
		drain(b, realLog(b, logSize(b)))
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-from-system")
}

// BenchmarkNoise reads a log without any dump.
func BenchmarkNoise(b *testing.B) {
	line := []byte("Nov 23 07:33:30 host systemd[1]: Started Session 42 of User someone, flags 0x10 and so on.\n")
	data := bytes.Repeat(line, 64<<20/len(line))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		drain(b, bytes.NewReader(data))
	}
}
