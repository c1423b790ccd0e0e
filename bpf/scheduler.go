// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"os"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
)

var native = binary.NativeEndian

// Name is the scheduler's name in the kernel (sched_ext_ops.name).
const Name = "scxdiag_cells"

// maxCPUs is MAX_CPUS of cell.bpf.h, maxCells is MAX_CELLS.
const (
	maxCPUs  = 1024
	maxCells = 256
)

// Options configure the scheduler. The zero Options are its defaults.
type Options struct {
	// CellParent is the id of the cgroup whose descendants may own cells; 0
	// is the root of the hierarchy.
	CellParent uint64
	// Cells is how many cells there may be, the root cell included; 0 is 64,
	// at most 256.
	Cells int
	// Slice is how long a task runs before another of its queue may; 0 is
	// 20 ms.
	Slice time.Duration
	// Timeout is how long a task may wait before the kernel's watchdog throws
	// the scheduler out; 0 is the kernel's limit of 30 s.
	Timeout time.Duration
	// ExitDumpLen is the size of the kernel's own dump in bytes; 0 is its
	// default of 32 KiB.
	ExitDumpLen uint32
	// NoDumpText leaves the scheduler's lines out of the kernel's own dump.
	NoDumpText bool
	// RingSize is the size of each of the two ring buffers in bytes, rounded
	// up to a power of two; 0 is enough for a dump of all tasks there are.
	RingSize int
	// Fault is what the scheduler is to do wrong.
	Fault Fault
}

// Scheduler is the cell scheduler in the kernel.
type Scheduler struct {
	coll *ebpf.Collection
	link link.Link
	hz   clockPair // of the kernel when it was loaded
}

// Load puts the scheduler's programs into the kernel, without making them the
// machine's scheduler yet. [Supported] tells beforehand what may be missing.
func Load(opts Options) (*Scheduler, error) {
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("lift the limit on locked memory: %w", err)
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, fmt.Errorf("read the kernel's types: %w", err)
	}
	spec, err := loadCells()
	if err != nil {
		return nil, err
	}
	if err := fit(spec, kernel); err != nil {
		return nil, err
	}
	if err := opts.apply(spec); err != nil {
		return nil, err
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, fmt.Errorf("load the scheduler: %w", err)
	}
	s := &Scheduler{coll: coll}
	if s.hz, err = s.clock(); err != nil {
		coll.Close()
		return nil, err
	}
	return s, nil
}

// apply writes the options into the spec.
func (o *Options) apply(spec *ebpf.CollectionSpec) error {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return fmt.Errorf("count CPUs: %w", err)
	}
	if cpus > maxCPUs {
		return fmt.Errorf("this machine has %d CPUs, the scheduler is built for %d", cpus, maxCPUs)
	}
	cells := o.Cells
	if cells == 0 {
		cells = 64
	}
	if cells < 1 || cells > maxCells {
		return fmt.Errorf("%d cells: the scheduler is built for 1 to %d", cells, maxCells)
	}
	parent := o.CellParent
	if parent == 0 {
		parent = 1
	}
	slice := o.Slice
	if slice == 0 {
		slice = 20 * time.Millisecond
	}
	set := map[string]any{
		cellsVarNrCpuIds:   uint32(cpus),             //nolint:gosec // bounded above
		cellsVarMaskWords:  uint32((cpus + 63) / 64), //nolint:gosec // bounded above
		cellsVarNrCells:    uint32(cells),
		cellsVarSliceNs:    uint64(slice),
		cellsVarSmtOn:      smtActive(),
		cellsVarCellParent: parent,
		cellsVarDumpText:   !o.NoDumpText,
	}
	for name, v := range set {
		if err := spec.Variables[name].Set(v); err != nil {
			return fmt.Errorf("configure the scheduler: %s: %w", name, err)
		}
	}
	if err := o.Fault.apply(spec); err != nil {
		return err
	}
	size, err := o.ringSize(cpus, cells)
	if err != nil {
		return err
	}
	spec.Maps[cellsMapVital].MaxEntries = size
	spec.Maps[cellsMapBulk].MaxEntries = size
	return setOps(spec.Maps[cellsMapCellsOps], map[string]uint32{
		"timeout_ms":    uint32(o.Timeout.Milliseconds()), //nolint:gosec // the kernel refuses what is too long
		"exit_dump_len": o.ExitDumpLen,
	})
}

// What a dump takes in a ring buffer, per task and for the rest, rounded up.
const (
	taskBytes  = 512
	otherBytes = 1 << 20
)

// ringSize is the size that each ring buffer gets.
func (o *Options) ringSize(cpus, cells int) (uint32, error) {
	size := o.RingSize
	if size == 0 {
		threads, err := countThreads()
		if err != nil {
			return 0, err
		}
		size = otherBytes + (2*threads+cpus+cells)*taskBytes // twice as many tasks, for there may be more soon
	}
	size = max(size, os.Getpagesize())
	if size > 1<<30 {
		return 0, fmt.Errorf("a ring buffer of %d bytes: at most 1 GiB", size)
	}
	return 1 << bits.Len(uint(size-1)), nil
}

// countThreads is how many tasks the machine has.
func countThreads() (int, error) {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, fmt.Errorf("count tasks: %w", err)
	}
	var running, all int
	var load [3]float64
	if _, err := fmt.Sscanf(string(data), "%f %f %f %d/%d", &load[0], &load[1], &load[2], &running, &all); err != nil {
		return 0, fmt.Errorf("count tasks in /proc/loadavg: %w", err)
	}
	return all, nil
}

// smtActive reports whether CPUs share cores.
func smtActive() bool {
	data, err := os.ReadFile("/sys/devices/system/cpu/smt/active")
	return err == nil && strings.TrimSpace(string(data)) == "1"
}

// setOps writes scalar members of sched_ext_ops.
func setOps(ops *ebpf.MapSpec, members map[string]uint32) error {
	t, ok := btf.As[*btf.Struct](ops.Value)
	if !ok {
		return fmt.Errorf("configure the scheduler: sched_ext_ops is a %T", ops.Value)
	}
	data, ok := ops.Contents[0].Value.([]byte)
	if !ok {
		return fmt.Errorf("configure the scheduler: sched_ext_ops holds a %T", ops.Contents[0].Value)
	}
	for _, m := range t.Members {
		if v, ok := members[m.Name]; ok {
			native.PutUint32(data[m.Offset.Bytes():], v)
		}
	}
	return nil
}

// Attach makes it the machine's scheduler. The kernel may accept it and still
// throw it out at once; see State and the exit record.
func (s *Scheduler) Attach() error {
	l, err := link.AttachStructOps(link.StructOpsOptions{Map: s.coll.Maps[cellsMapCellsOps]})
	if err != nil {
		return fmt.Errorf("attach the scheduler: %w", err)
	}
	s.link = l
	return nil
}

// Detach gives the machine back to its default scheduler.
func (s *Scheduler) Detach() error {
	if s.link == nil {
		return nil
	}
	err := s.link.Close()
	s.link = nil
	if err != nil {
		return fmt.Errorf("detach the scheduler: %w", err)
	}
	return nil
}

// Close detaches the scheduler and removes its programs and maps.
func (s *Scheduler) Close() error {
	err := s.Detach()
	s.coll.Close()
	return err
}

// configured reports whether the configuration in force is the one that is
// wanted.
func (s *Scheduler) configured() (bool, error) {
	var wanted, applied uint64
	for name, v := range map[string]*uint64{cellsVarCfgSeq: &wanted, cellsVarAppliedSeq: &applied} {
		if err := s.coll.Variables[name].Get(v); err != nil {
			return false, fmt.Errorf("read the scheduler's configuration: %w", err)
		}
	}
	return wanted == applied, nil
}

// Sample has the scheduler send a dump of everything.
func (s *Scheduler) Sample() error { return s.run(cellsProgCellsSample) }

// End has it send the ends of dumps that the ring had no room for. Until then
// nobody knows what else was lost.
func (s *Scheduler) End() error { return s.run(cellsProgCellsEnd) }

// EndSysRq has it send the end of the last dump that SysRq-D asked for, where
// there is no probe that does.
func (s *Scheduler) EndSysRq() error { return s.run(cellsProgCellsEndSysrq) }

// run runs a program of the scheduler.
func (s *Scheduler) run(name string) error {
	ret, err := s.coll.Programs[name].Run(&ebpf.RunOptions{})
	if err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	if errno := int32(ret); errno < 0 { //nolint:gosec // the program returns a negative errno
		return fmt.Errorf("run %s: errno %d", name, -errno)
	}
	return nil
}

// rings are the ring buffers that its dumps come through.
func (s *Scheduler) rings() []*ebpf.Map {
	return []*ebpf.Map{s.coll.Maps[cellsMapVital], s.coll.Maps[cellsMapBulk]}
}

// clockPair is one instant on the kernel's two clocks.
type clockPair struct {
	ns      uint64 // bpf_ktime_get_ns
	jiffies uint64
}

func (s *Scheduler) clock() (clockPair, error) {
	var c clockPair
	if err := s.run(cellsProgCellsClock); err != nil {
		return c, err
	}
	if err := s.coll.Variables[cellsVarClockNs].Get(&c.ns); err != nil {
		return c, fmt.Errorf("read the kernel's clock: %w", err)
	}
	if err := s.coll.Variables[cellsVarClockJiffies].Get(&c.jiffies); err != nil {
		return c, fmt.Errorf("read the kernel's clock: %w", err)
	}
	return c, nil
}

// HZ is how many jiffies the kernel counts in a second, 0 if too little time
// has passed since the scheduler was loaded to tell.
func (s *Scheduler) HZ() (int, error) {
	now, err := s.clock()
	if err != nil {
		return 0, err
	}
	return hz(s.hz, now), nil
}

// hz compares two readings of the clocks and finds the setting of the kernel
// that comes nearest.
func hz(a, b clockPair) int {
	elapsed, ticks := float64(b.ns-a.ns)/1e9, float64(b.jiffies-a.jiffies)
	if elapsed < 0.1 {
		return 0
	}
	best := 0
	for _, setting := range []int{100, 250, 300, 1000} { // CONFIG_HZ_*
		if best == 0 || abs(ticks-elapsed*float64(setting)) < abs(ticks-elapsed*float64(best)) {
			best = setting
		}
	}
	return best
}

func abs(x float64) float64 { return max(x, -x) }
