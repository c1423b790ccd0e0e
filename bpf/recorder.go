// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"

	"scxdiag/dump"
	"scxdiag/dump/wire"
)

// Recorder watches whichever scheduler the machine has, one that knows nothing of
// scxdiag as well: every dump in full, which the kernel cuts to 32 KiB for others,
// and why each scheduler ended.
type Recorder struct {
	// RingSize is the size of the ring buffer for the lines of dumps in bytes,
	// rounded up to a power of two. It must hold a whole dump: user space comes to
	// run when that is over. 0 is 16 MiB, of some 20,000 tasks.
	RingSize int
	// Snapshot gets each snapshot, in the goroutine of Run.
	Snapshot func(*dump.Snapshot)
	// Interval is how often a sample of the scheduler is taken; 0 is never.
	Interval time.Duration
	// Sample takes one for each value received. nil: never.
	Sample <-chan struct{}
	// Halfway takes a sample when a task has waited for half of the time that the
	// scheduler may let it wait, once until none waits for a quarter of it any more.
	Halfway bool
	// Status gets one line about a scheduler that comes, or what could not be done.
	// It may hold anything that a scheduler put into its name. nil: nobody does.
	Status func(string)
	// Waits gets which task waits longest, each time that was looked for: the zero
	// Waiting if there is no scheduler, or nobody knows. nil: nobody does.
	Waits func(Waiting)
	// Alive is called in each turn of Run's loop, some times a second, in its
	// goroutine; nil calls nobody.
	Alive func()

	coll    *ebpf.Collection
	links   []link.Link
	points  []Point
	lines   *ringbuf.Reader
	steps   *ringbuf.Reader
	lost    Lost
	sampler *sampler // nil if the kernel has no place for it
	unknown bool     // a record was none of ours, which was said
	host    watchHost

	loading func(*ebpf.CollectionSpec) // of tests: gets what is about to be loaded
}

// Point is a place in the kernel that a recorder attaches to.
type Point struct {
	Name string // "tp_btf/sched_ext_dump"
	Use  string // what it is for, half a sentence
	Err  error  // why it is not there, nil if it is
}

// Lost is what the kernel had no room for.
type Lost struct {
	Lines uint64 // of dumps
	Steps uint64 // ends of dumps, and schedulers that came and went
}

// recorderPoints are the programs of recorder.bpf.c.
var recorderPoints = []struct{ program, name, use string }{
	{recorderProgDumpLine, "tp_btf/sched_ext_dump", "the lines of dumps"},
	{recorderProgDumpEnd, "fexit/scx_dump_state", "where a dump ends"},
	{recorderProgSchedEnd, "fexit/scx_disable_workfn", "why a scheduler ended"},
	{recorderProgSchedEnable, "fexit/bpf_scx_reg", "which scheduler is enabled"},
	{recorderProgSampleTask, "iter/task", "samples of a scheduler that works"},
}

// samplePrograms are those behind the last of the points.
var samplePrograms = []string{recorderProgSampleTask, recorderProgSampleCpu, recorderProgLongestWait}

const recorderRing = 16 << 20

// Attach puts the programs into the kernel. It is an error if the lines of dumps
// cannot be had; what else is missing, [Recorder.Points] tells.
func (r *Recorder) Attach() (err error) {
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	if err := rlimit.RemoveMemlock(); err != nil {
		return fmt.Errorf("lift the limit on locked memory: %w", err)
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return fmt.Errorf("read the kernel's types: %w", err)
	}
	spec, err := loadRecorder()
	if err != nil {
		return err
	}
	size := r.RingSize
	if size == 0 {
		size = recorderRing
	}
	size = min(max(size, os.Getpagesize()), 1<<30)
	spec.Maps[recorderMapLines].MaxEntries = 1 << bits.Len(uint(size-1))
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return fmt.Errorf("count CPUs: %w", err)
	}
	sampled := uint32(min(cpus, maxCPUs)) //nolint:gosec // bounded
	spec.Maps[recorderMapCpus].MaxEntries = sampled
	if err := spec.Variables[recorderVarMaskWords].Set((sampled + 63) / 64); err != nil {
		return fmt.Errorf("configure the recorder: %w", err)
	}
	missing := fitRecorder(spec, kernel)
	if r.loading != nil {
		r.loading(spec)
	}
	if err := r.load(spec, missing); err != nil {
		return fmt.Errorf("load the recorder: %w", err)
	}
	r.host, r.points = thisHost(), nil
	for _, p := range recorderPoints {
		point := Point{Name: p.name, Use: p.use, Err: missing[p.program]}
		if point.Err == nil && p.program == recorderProgSampleTask {
			r.sampler, point.Err = openSampler(r.coll, wire.Host{
				Name: r.host.name, Release: r.host.release, Enabled: enabledNumber(kernel),
			}, cpus)
		} else if point.Err == nil {
			var l link.Link
			if l, point.Err = link.AttachTracing(link.TracingOptions{Program: r.coll.Programs[p.program]}); point.Err == nil {
				r.links = append(r.links, l)
			}
		}
		r.points = append(r.points, point)
	}
	if err := r.points[0].Err; err != nil {
		return fmt.Errorf("attach to %s: %w", r.points[0].Name, err)
	}
	return r.openRings()
}

// load puts the programs into the kernel. It goes without those that the kernel
// refuses, and says so in missing, but for those of the first point.
func (r *Recorder) load(spec *ebpf.CollectionSpec, missing map[string]error) (err error) {
	if r.coll, err = ebpf.NewCollection(spec); err == nil {
		return nil
	}
	for _, p := range recorderPoints[1:] {
		if missing[p.program] != nil {
			continue
		}
		alone := spec.Copy()
		for _, other := range recorderPoints[1:] {
			if other.program != p.program {
				takeOut(alone, other.program)
			}
		}
		coll, err := ebpf.NewCollection(alone)
		if err != nil {
			missing[p.program] = err
			takeOut(spec, p.program)
			continue
		}
		coll.Close()
	}
	r.coll, err = ebpf.NewCollection(spec)
	return err //nolint:wrapcheck // the caller does
}

// takeOut takes out the programs of a point.
func takeOut(spec *ebpf.CollectionSpec, program string) {
	delete(spec.Programs, program)
	if program == recorderProgSampleTask {
		for _, name := range samplePrograms {
			delete(spec.Programs, name)
		}
	}
}

// thisHost is what no record tells.
func thisHost() watchHost {
	name, err := os.Hostname()
	if err != nil {
		name = "" // unknown
	}
	return watchHost{boot: bootTime, name: name, release: release()}
}

func (r *Recorder) openRings() (err error) {
	if r.lines, err = ringbuf.NewReader(r.coll.Maps[recorderMapLines]); err != nil {
		return fmt.Errorf("read a ring buffer: %w", err)
	}
	if r.steps, err = ringbuf.NewReader(r.coll.Maps[recorderMapSteps]); err != nil {
		return fmt.Errorf("read a ring buffer: %w", err)
	}
	return nil
}

// fitRecorder takes out the programs for which the kernel has no place, and says why.
func fitRecorder(spec *ebpf.CollectionSpec, kernel *btf.Spec) map[string]error {
	missing := make(map[string]error)
	for _, p := range recorderPoints {
		prog := spec.Programs[p.program]
		var err error
		var t *btf.Typedef
		var fn *btf.Func
		switch prog.AttachType {
		case ebpf.AttachTraceRawTp:
			err = kernel.TypeByName("btf_trace_"+prog.AttachTo, &t)
		case ebpf.AttachTraceIter:
			err = kernel.TypeByName("bpf_iter_"+prog.AttachTo, &fn)
		default:
			err = kernel.TypeByName(prog.AttachTo, &fn)
		}
		if err == nil && p.program == recorderProgSchedEnd {
			err = hasExitInfo(kernel)
		}
		if err == nil {
			continue
		}
		missing[p.program] = fmt.Errorf("this kernel does not have it: %w", err)
		takeOut(spec, p.program)
	}
	return missing
}

// hasExitInfo is an error for kernels that keep why a scheduler ended elsewhere.
func hasExitInfo(kernel *btf.Spec) error {
	var sched *btf.Struct
	if err := kernel.TypeByName("scx_sched", &sched); err != nil {
		return err //nolint:wrapcheck // the caller does
	}
	has := make(map[string]bool)
	for _, m := range sched.Members {
		has[m.Name] = true
	}
	if !has["exit_info"] || !has["disable_work"] {
		return errors.New("scx_sched has no exit_info")
	}
	return nil
}

// Points are the places that Attach tried.
func (r *Recorder) Points() []Point { return r.points }

// Lost is what got lost so far.
func (r *Recorder) Lost() (Lost, error) {
	if r.coll == nil {
		return r.lost, nil
	}
	for name, v := range map[string]*uint64{recorderVarLinesDropped: &r.lost.Lines, recorderVarStepsDropped: &r.lost.Steps} {
		if err := r.coll.Variables[name].Get(v); err != nil {
			return r.lost, fmt.Errorf("read the recorder's counters: %w", err)
		}
	}
	return r.lost, nil
}

func (r *Recorder) say(line string) {
	if r.Status != nil {
		r.Status(line)
	}
}

// Run collects until ctx is done.
func (r *Recorder) Run(ctx context.Context) error {
	name := Loaded()
	if name == "" {
		r.say("there is no scheduler yet")
	} else {
		r.say(name + " is the scheduler")
	}
	w := newWatch(r.host, name, r.Snapshot, r.say)
	w.noEnds = r.points[1].Err != nil
	defer w.flush()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	samples := r.newSampling()
	defer samples.stop()
	for {
		began := time.Now() // to pass on what comes may take long, and more is there afterwards
		if err := r.drain(w); err != nil {
			return err
		}
		w.settle(began)
		if r.Alive != nil {
			r.Alive()
		}
		select {
		case <-ctx.Done():
			return r.drain(w)
		case now := <-tick.C:
			samples.look(now)
		case <-samples.interval():
			samples.take(dump.TriggerSample)
		case <-samples.asked():
			samples.take(dump.TriggerSample)
		}
	}
}

// drain takes all that is in the ring buffers: the lines first, for what is in the
// other one is about them.
func (r *Recorder) drain(w *watch) error {
	var rec ringbuf.Record
	for _, ring := range []*ringbuf.Reader{r.lines, r.steps} {
		ring.SetDeadline(past)
		for {
			err := ring.ReadInto(&rec)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err != nil {
				return fmt.Errorf("read a ring buffer: %w", err)
			}
			if err := w.add(rec.RawSample, time.Now()); err != nil && !r.unknown {
				r.unknown = true
				r.say(fmt.Sprintf("a record of %d bytes %v", len(rec.RawSample), err))
			}
		}
	}
	return nil
}

// Close takes the programs out of the kernel.
func (r *Recorder) Close() {
	for _, l := range r.links {
		_ = l.Close() // it only closes a file descriptor
	}
	for _, ring := range []*ringbuf.Reader{r.lines, r.steps} {
		if ring != nil {
			_ = ring.Close() // likewise
		}
	}
	if r.coll != nil {
		_, _ = r.Lost() // what is not known stays so
		r.coll.Close()
	}
	if r.sampler != nil {
		r.sampler.close()
	}
	r.links, r.lines, r.steps, r.coll, r.sampler = nil, nil, nil, nil, nil
}
