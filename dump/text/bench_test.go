// SPDX-License-Identifier: GPL-2.0-only

package text_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
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

// parts is in how many parts the log is timed: so many that the machine is left
// alone during each at some time. In the best rounds of a part no garbage may have
// been collected; that is counted apart, on top.
const parts = 16

// bestOf is the least processor time that each part of the log took in any round.
// Other users of the machine disturb most rounds somewhere, and few parts always.
type bestOf [parts]time.Duration

func (best *bestOf) take(i int, d time.Duration) {
	if best[i] == 0 || d < best[i] {
		best[i] = d
	}
}

func (best *bestOf) sum() (d time.Duration) {
	for _, part := range best {
		d += part
	}
	return d
}

// collecting is the processor time that this process has spent on collecting
// garbage.
func collecting(b *testing.B) time.Duration {
	b.Helper()
	sample := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindFloat64 {
		b.Fatalf("no such metric: %s", sample[0].Name)
	}
	return time.Duration(sample[0].Value.Float64() * float64(time.Second))
}

// part is the i-th part of data.
func part(data []byte, i int) []byte {
	return data[len(data)*i/parts : len(data)*(i+1)/parts]
}

// timed is a source that takes the time of each of its parts.
type timed struct {
	b     *testing.B
	data  []byte
	next  int // part
	rest  []byte
	since time.Duration
	best  *bestOf
}

// Read gives what is left of the present part, or the next one.
func (t *timed) Read(p []byte) (int, error) {
	if len(t.rest) == 0 {
		now := cpuTime(t.b)
		if t.next > 0 {
			t.best.take(t.next-1, now-t.since)
		}
		if t.next == parts {
			return 0, io.EOF
		}
		t.rest, t.since = part(t.data, t.next), now
		t.next++
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

// BenchmarkReader reads a log made of real dumps on one core, and reports how
// much longer that takes than to find the line ends of the same bytes.
func BenchmarkReader(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as scxdiag open does when it prints
	data := mapped(b, realLog(b, logSize(b)))
	const rounds = 16
	b.SetBytes(rounds * int64(len(data)))
	var bare, full bestOf
	var before, after runtime.MemStats
	var lines, tasks, all int
	garbage := collecting(b)
	for b.Loop() {
		for range rounds {
			all++
			lines = 0
			for i := range parts {
				start, n := cpuTime(b), 0
				for range 8 { // long enough for the clock of the kernel's accounting
					n = lineEnds(part(data, i))
				}
				bare.take(i, (cpuTime(b)-start)/8)
				lines += n
			}
			runtime.ReadMemStats(&before)
			_, tasks = drain(b, &timed{b: b, data: data, best: &full})
			runtime.ReadMemStats(&after)
		}
	}
	reading := full.sum() + (collecting(b)-garbage)/time.Duration(all)
	b.ReportMetric(reading.Seconds()/bare.sum().Seconds(), "x-line-ends")
	b.ReportMetric(float64(reading.Nanoseconds())/float64(lines), "ns/line")
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
