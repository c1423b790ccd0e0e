// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"scxdiag/dump"
	"scxdiag/dump/wire"
)

// sampler reads the state of tasks and CPUs by iterators of recorder.bpf.c, which
// disturb no scheduler. It is of one goroutine.
type sampler struct {
	tasks, cpus, wait *link.Iter
	id                *ebpf.Variable    // sample_id
	nrCPUs            int               // possible ones
	host              wire.Host         // HZ, and Boot and Scheduler of each sample, are filled in
	first             clockPair         // the first reading of the kernel's clocks
	paths             map[uint64]string // of cgroups that were walked over
	lacks             []string          // what every sample lacks
}

// waitingRec is struct watch_waiting.
type waitingRec struct {
	Time, Jiffies, Ticks, Sched, LimitTicks uint64
	Limit                                   uint32
	PID                                     int32
	Comm                                    [16]byte
}

// Waiting is which task of the scheduler has waited longest to run.
type Waiting struct {
	Task dump.TaskRef  // PID 0 if none waits
	For  time.Duration // how long it is runnable; the kernel's clock for it ticks in 1/HZ s
	// Limit is how long the scheduler may let a task wait: what the kernel says, or
	// else the most that it lets any.
	Limit time.Duration

	jiffies uint64 // when that was
	sched   uint64
}

// ticks is how long so many jiffies take; what takes more than a day is no waiting time.
func ticks(n, hz uint64) time.Duration {
	return time.Duration(min(n, 24*60*60*hz)) * time.Second / time.Duration(hz) //nolint:gosec // bounded
}

// clockSettles is how long the rate of the kernel's clock is measured anew.
const clockSettles = 10 * time.Second

// watchdogMost is the kernel's limit where a scheduler sets none
// (SCX_WATCHDOG_MAX_TIMEOUT).
const watchdogMost = 30 * time.Second

// maxSample is how much memory the records of a sample may take.
const maxSample = 128 << 20

// eventsFile has the kernel's event counters of the scheduler, 6.15 and up.
const eventsFile = "/sys/kernel/sched_ext/root/events"

// openSampler attaches the iterators of a loaded recorder.
func openSampler(coll *ebpf.Collection, host wire.Host, cpus int) (_ *sampler, err error) {
	s := &sampler{id: coll.Variables[recorderVarSampleId], host: host, nrCPUs: cpus}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	for _, it := range []struct {
		to      **link.Iter
		program string
		over    *ebpf.Map
	}{
		{&s.tasks, recorderProgSampleTask, nil},
		{&s.cpus, recorderProgSampleCpu, coll.Maps[recorderMapCpus]},
		{&s.wait, recorderProgLongestWait, nil},
	} {
		if *it.to, err = link.AttachIter(link.IterOptions{Program: coll.Programs[it.program], Map: it.over}); err != nil {
			return nil, err //nolint:wrapcheck // the caller knows what it is for
		}
	}
	if confined() {
		s.lacks = append(s.lacks, "taken in a container: tasks outside of it are missing")
	}
	if cpus > maxCPUs {
		s.lacks = append(s.lacks, fmt.Sprintf("CPUs from %d on are missing", maxCPUs))
	}
	if _, err = s.waiting(); err != nil {
		return nil, err
	}
	return s, nil
}

// initialPIDs is the inode of the namespace of pids that the machine started with
// (PROC_PID_INIT_INO).
const initialPIDs = 0xeffffffc

// confined reports whether this process sees the tasks of a container only, which goes
// for its iterators, too.
func confined() bool {
	var st unix.Stat_t
	return unix.Stat("/proc/self/ns/pid", &st) == nil && st.Ino != initialPIDs
}

func (s *sampler) close() {
	for _, l := range []*link.Iter{s.tasks, s.cpus, s.wait} {
		if l != nil {
			_ = l.Close() // it only closes a file descriptor
		}
	}
}

// ready reports whether enough time has passed to tell how fast the kernel's clock
// of waiting times ticks.
func (s *sampler) ready() bool { return s.host.HZ != 0 }

// waiting finds the task that waits longest.
func (s *sampler) waiting() (Waiting, error) {
	var r waitingRec
	b, _, err := readIter(s.wait, 1<<10)
	if err == nil {
		_, err = binary.Decode(b, binary.LittleEndian, &r)
	}
	if err != nil {
		return Waiting{}, fmt.Errorf("look for waiting tasks: %w", err)
	}
	now := clockPair{ns: r.Time, jiffies: r.Jiffies}
	if s.first == (clockPair{}) {
		s.first = now
	}
	if now.ns-s.first.ns < uint64(clockSettles) {
		s.host.HZ = uint32(hz(s.first, now)) //nolint:gosec // at most 1000
	}
	w := Waiting{
		Task:  dump.TaskRef{PID: r.PID, Comm: unix.ByteSliceToString(r.Comm[:])},
		Limit: time.Duration(r.Limit) * time.Millisecond, jiffies: r.Jiffies, sched: r.Sched,
	}
	if hz := uint64(s.host.HZ); hz != 0 {
		w.For = ticks(r.Ticks, hz)
		if r.LimitTicks > 0 {
			w.Limit = ticks(r.LimitTicks, hz)
		}
	}
	if w.Limit <= 0 || w.Limit > watchdogMost {
		w.Limit = watchdogMost
	}
	return w, nil
}

// sample takes a snapshot of all tasks, those that sleep as well, and all CPUs.
func (s *sampler) sample() (*dump.Snapshot, error) {
	w, err := s.waiting()
	if err != nil {
		return nil, err
	}
	id, err := monotonic()
	if err != nil {
		return nil, err
	}
	if err := s.id.Set(id); err != nil {
		return nil, fmt.Errorf("take a sample: %w", err)
	}
	s.host.Scheduler, s.host.Boot = Loaded(), bootTime()
	begin := wire.Begin{Trigger: wire.TriggerForeign, AtJiffies: w.jiffies, NrCPUs: uint32(min(s.nrCPUs, maxCPUs))} //nolint:gosec // bounded
	begin.Header = wire.Header{Dump: id, Time: id}
	records := begin.Append(s.host.Append(nil))
	end := wire.End{Header: wire.Header{Dump: id, Time: id}}
	end.Sent[wire.KindBegin] = 1
	lacks := s.lacks
	for _, from := range []struct {
		kind wire.Kind
		it   *link.Iter
	}{{wire.KindTask, s.tasks}, {wire.KindCPU, s.cpus}} {
		b, more, err := readIter(from.it, maxSample)
		if err != nil {
			return nil, fmt.Errorf("take a sample: %w", err)
		}
		if more {
			lacks = append(lacks[:len(lacks):len(lacks)], fmt.Sprintf("there are more records of a %s than a sample has room for", from.kind))
		}
		n, size := countRecords(b)
		end.Sent[from.kind] = n
		records = append(records, b[:size]...)
	}
	d, err := wire.NewReader(bytes.NewReader(end.Append(records)), wire.Options{}).Next()
	if err != nil {
		return nil, fmt.Errorf("take a sample: %w", err)
	}
	for _, lack := range lacks {
		d.Snapshot.Ledger.Note(lack)
		d.Snapshot.Ledger.Truncated = true
	}
	d.Snapshot.Counters = eventCounters()
	s.nameCgroups(d.Snapshot)
	return d.Snapshot, nil
}

// nameCgroups fills in the paths of the tasks' cgroups. It walks over all there are if
// one is not known.
func (s *sampler) nameCgroups(snapshot *dump.Snapshot) {
	walked := false
	for i := range snapshot.Tasks {
		t := &snapshot.Tasks[i]
		if !t.CgroupID.Known {
			continue
		}
		path, ok := s.paths[t.CgroupID.V]
		if !ok && !walked {
			walked = true
			s.paths = make(map[uint64]string)
			var names cgroupNamer
			_ = names.walk(func(id uint64, path string) { s.paths[id] = path }) // names are a help, not a need
			path, ok = s.paths[t.CgroupID.V]
		}
		t.CgroupName = dump.Value[string]{V: path, Known: ok}
	}
}

// readIter runs an iterator and returns what it wrote, up to a limit.
func readIter(it *link.Iter, limit int64) (b []byte, more bool, err error) {
	f, err := it.Open()
	if err != nil {
		return nil, false, err //nolint:wrapcheck // the caller knows what it is for
	}
	b, err = io.ReadAll(io.LimitReader(f, limit+1))
	if int64(len(b)) > limit {
		b, more = b[:limit], true
	}
	return b, more, errors.Join(err, f.Close())
}

// countRecords counts whole records, and the bytes that they take.
func countRecords(b []byte) (n uint64, size int) {
	for {
		h, err := wire.ParseHeader(b[size:])
		if err != nil {
			return n, size
		}
		size += int(h.Len)
		n++
	}
}

// eventCounters are the kernel's counters of what the scheduler and the kernel did
// (scx_event_stats), nil if it has none.
func eventCounters() []dump.Counter {
	b, err := os.ReadFile(eventsFile)
	if err != nil {
		return nil
	}
	var all []dump.Counter
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64); err == nil {
			all = append(all, dump.Counter{Name: name, Value: n})
		}
	}
	return all
}

// monotonic is the clock of bpf_ktime_get_ns.
func monotonic() (uint64, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0, fmt.Errorf("read the clock: %w", err)
	}
	return uint64(t.Nano()), nil //nolint:gosec // since boot
}
