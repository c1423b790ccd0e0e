// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"scxdiag/dump"
	"scxdiag/dump/wire"
)

// Session runs the scheduler and collects its dumps.
type Session struct {
	Options Options
	// Interval is how often a sample is taken; 0 is never.
	Interval time.Duration
	// Duration is how long the session goes on after the scheduler took over
	// for the first time; 0 is until ctx is done.
	Duration time.Duration
	// Restart starts the scheduler again after it failed, later each time.
	Restart bool
	// Records gets every record as it was read, and those that explain them;
	// what wire.Reader makes of it is what Dump gets. nil: nobody does.
	Records io.Writer
	// Dump gets each snapshot, in one goroutine. While it works no more than
	// some dumps are read ahead. nil: nobody does.
	Dump func(*dump.Snapshot)
	// Status gets one line about what the session does. nil: nobody does.
	Status func(string)
	// Enabled is called when the scheduler has taken over. nil: nobody is.
	Enabled func()
	// Sample takes a sample for each value received. nil: never.
	Sample <-chan struct{}

	loaded func(*Scheduler) // for tests: called when it is attached
}

// How often the session does what it does. A scheduler that ended without a
// word is found out by asking the kernel.
const (
	checkEvery = time.Second
	// configuredWithin is how long the first configuration may take.
	configuredWithin = 2 * time.Second
	// endWithin is how long the end of a dump may take after its last record.
	endWithin = 3 * time.Second
)

// How long a scheduler that failed stays down before it is started again.
const (
	backoffFirst = time.Second
	backoffLast  = time.Minute
)

// ErrFailed is returned by Run if the kernel threw the scheduler out.
var ErrFailed = errors.New("the kernel threw the scheduler out")

// Run loads the scheduler and collects until ctx is done or Duration is over,
// which ends it in order and is no error, or until it fails.
func (s *Session) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var limit *time.Timer
	enabled := func() {
		s.status(Name + " is the scheduler")
		if s.Duration > 0 && limit == nil {
			limit = time.AfterFunc(s.Duration, cancel)
		}
		if s.Enabled != nil {
			s.Enabled()
		}
	}
	defer func() {
		if limit != nil {
			limit.Stop()
		}
	}()
	backoff := backoffFirst
	for {
		started := time.Now()
		err := s.once(ctx, enabled)
		if !errors.Is(err, ErrFailed) || !s.Restart || ctx.Err() != nil {
			return err
		}
		if time.Since(started) > backoffLast {
			backoff = backoffFirst
		}
		s.status(fmt.Sprintf("the scheduler failed; starting it again in %s", backoff))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, backoffLast)
	}
}

func (s *Session) status(line string) {
	if s.Status != nil {
		s.Status(line)
	}
}

// once runs the scheduler once.
func (s *Session) once(ctx context.Context, enabled func()) error {
	s.status("loading the scheduler")
	sched, err := Load(s.Options)
	if err != nil {
		return err
	}
	r := run{
		session: s, sched: sched, enabled: enabled,
		raw: make(chan *wire.Raw, 8), dumps: make(chan *wire.Dump, 32),
		ended: make(chan bool, 1), delivered: make(chan struct{}),
	}
	go r.decode()
	go r.deliver()
	err = r.run(ctx)
	closeErr := sched.Close()
	close(r.raw)
	<-r.delivered
	if err == nil {
		err = closeErr
	}
	return err
}

// run is one life of the scheduler.
type run struct {
	session *Session
	sched   *Scheduler
	enabled func()
	col     *collector
	names   cgroupNamer
	host    wire.Host // as it was last put
	late    bool      // nothing tells when a dump by SysRq-D is complete
	checked uint64    // records read at the last check

	raw       chan *wire.Raw  // from the collector, which waits if it is full
	dumps     chan *wire.Dump // decoded
	delivered chan struct{}   // closed when all of dumps were
	ended     chan bool       // the exit was read: whether it is a failure
}

// decode decodes the dumps that the collector finished, so that the readers of
// the rings need not wait for that.
func (r *run) decode() {
	defer close(r.dumps)
	for raw := range r.raw {
		d := raw.Decode()
		if e := d.Snapshot.Exit; e != nil && d.Snapshot.Trigger != dump.TriggerSysRq {
			select {
			case r.ended <- e.IsFailure():
			default: // it has ended before
			}
		}
		r.dumps <- d
	}
}

// deliver completes the dumps and hands them out. It is apart from decode, so
// that the end of the scheduler is known even if nobody takes the dumps.
func (r *run) deliver() {
	defer close(r.delivered)
	for d := range r.dumps {
		if r.session.Dump != nil {
			r.session.Dump(Complete(d))
		}
	}
}

func (r *run) run(ctx context.Context) error {
	var err error
	if r.col, err = newCollector(r.sched.rings(), r.session.Records, func(d *wire.Raw) { r.raw <- d }); err != nil {
		return err
	}
	defer r.col.close()
	defer r.col.flush()
	if err := r.describe(ctx); err != nil {
		return err
	}
	probes := r.probe()
	defer func() {
		for _, p := range probes {
			_ = p.Close() // it only closes a file descriptor
		}
	}()
	if err := r.sched.Attach(); err != nil {
		return attachError(err)
	}
	r.awaitConfiguration(ctx)
	err = r.collect(ctx)
	if err == nil {
		err = r.col.writeError()
	}
	return err
}

// attachError explains what attaching says in the kernel's words.
func attachError(err error) error {
	if name := Loaded(); name != "" && errors.Is(err, syscall.EBUSY) {
		return fmt.Errorf("%w: %s is the scheduler; stop it first", err, name)
	}
	return err
}

// describe puts the records in front that explain those of the scheduler.
func (r *run) describe(ctx context.Context) error {
	hz, err := r.sched.HZ()
	for hz == 0 && err == nil { // too little time has passed to measure
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(100 * time.Millisecond):
		}
		hz, err = r.sched.HZ()
	}
	if err != nil {
		return err
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return fmt.Errorf("read the kernel's types: %w", err)
	}
	name, err := os.Hostname()
	if err != nil {
		name = "" // unknown
	}
	r.host = wire.Host{
		Boot: bootTime(), HZ: uint32(hz), Enabled: enabledNumber(kernel), //nolint:gosec // at most 1000
		Name: name, Release: release(), Scheduler: Name,
	}
	r.col.put(r.host.Append(nil))
	r.nameCgroups()
	return nil
}

// clockStep is how far the two clocks may drift apart before that is put.
const clockStep = 100 * time.Millisecond

// putClock puts the time of day at which the kernel's clock was 0 again, if it is another
// one by now: that clock stands still while the machine sleeps, and the time of day may be
// set.
func (r *run) putClock() {
	boot := bootTime()
	if time.Duration(boot-r.host.Boot).Abs() < clockStep {
		return
	}
	r.host.Boot = boot
	r.col.put(r.host.Append(nil))
}

// bootTime is the time of day at which the clock of bpf_ktime_get_ns was 0.
func bootTime() int64 {
	mono, err := monotonic()
	if err != nil {
		return 0
	}
	return time.Now().UnixNano() - int64(mono) //nolint:gosec // a machine is not up for centuries
}

// nameCgroups puts a record for each cgroup that is new.
func (r *run) nameCgroups() {
	err := r.names.walk(func(id uint64, path string) {
		r.col.put(wire.CgroupPath{ID: id, Path: path}.Append(nil))
	})
	if err != nil { // names are a help, not a need
		r.session.status(err.Error())
	}
}

// collect does what has to be done while the scheduler runs.
func (r *run) collect(ctx context.Context) error {
	check := time.NewTicker(checkEvery)
	defer check.Stop()
	var sample <-chan time.Time
	if r.session.Interval > 0 {
		t := time.NewTicker(r.session.Interval)
		defer t.Stop()
		sample = t.C
	}
	var inject <-chan time.Time
	if f := r.session.Options.Fault; f.after > 0 {
		t := time.NewTimer(f.after)
		defer t.Stop()
		inject = t.C
	}
	if r.session.loaded != nil {
		r.session.loaded(r.sched)
	}
	r.enabled()
	for {
		select {
		case failed := <-r.ended:
			return r.ending(failed)
		case <-ctx.Done():
			return r.stop()
		case <-inject:
			r.session.status("injecting the fault")
			if err := r.sched.Inject(r.session.Options.Fault); err != nil {
				return err
			}
		case <-sample:
			r.sample()
		case <-r.session.Sample:
			r.sample()
		case <-check.C:
			r.putClock()
			r.nameCgroups()
			if err := r.endDumps(); err != nil {
				return err
			}
			if state, err := State(); err == nil && state == "disabled" {
				return r.last(errors.New("the scheduler is gone"))
			}
		}
	}
}

// endDumps asks for the end of dumps of which nothing came since the last check.
func (r *run) endDumps() error {
	read, open := r.col.progress()
	quiet := read == r.checked
	r.checked = read
	if !open || !quiet {
		return nil
	}
	if err := r.sched.End(); err != nil || !r.late {
		return err
	}
	return r.sched.EndSysRq()
}

// sample takes a sample. That one fails is no reason to stop.
func (r *run) sample() {
	r.putClock()
	r.nameCgroups()
	if err := r.sched.Sample(); err != nil {
		r.session.status(err.Error())
	}
}

// ending is what the end of the scheduler means for the session.
func (r *run) ending(failed bool) error {
	if failed {
		return ErrFailed
	}
	return nil
}

// stop ends the scheduler in order and waits for its last word.
func (r *run) stop() error {
	if err := r.sched.Detach(); err != nil {
		return err
	}
	return r.last(nil)
}

// last waits for the exit record of a scheduler that is gone or on its way, as
// long as records come. It returns err if none came.
func (r *run) last(err error) error {
	idle := time.NewTimer(endWithin)
	defer idle.Stop()
	tick := time.NewTicker(endWithin / 10)
	defer tick.Stop()
	seen, _ := r.col.progress()
	for {
		select {
		case failed := <-r.ended:
			return r.ending(failed)
		case <-tick.C:
			if read, _ := r.col.progress(); read != seen {
				seen = read
				idle.Reset(endWithin)
			}
		case <-idle.C:
			return err
		}
	}
}

// awaitConfiguration waits for the first configuration, so that whoever is told
// that the scheduler has taken over finds the cells in place. One that fails
// before is found out later.
func (r *run) awaitConfiguration(ctx context.Context) {
	limit := time.NewTimer(configuredWithin)
	defer limit.Stop()
	tick := time.NewTicker(configuredWithin / 100)
	defer tick.Stop()
	for {
		if done, err := r.sched.configured(); done || err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// probe attaches to the functions of the kernel that tell what the scheduler is
// not told: the end of a dump by SysRq-D, and writes to cpusets. What cannot be
// probed is found out later, and the session says so.
func (r *run) probe() []link.Link {
	var probes []link.Link
	for _, p := range []struct{ program, without string }{
		{cellsProgCellsDumpDone, "a dump by SysRq-D is completed late"},
		{cellsProgCellsCpusetBegin, "writes to cpusets are not in the history"},
		{cellsProgCellsCpusetEnd, "a cpuset takes effect within a second, not at once"},
	} {
		l, err := r.sched.trace(p.program)
		if err != nil {
			r.session.status(p.without + ": " + err.Error())
			r.late = r.late || p.program == cellsProgCellsDumpDone
			continue
		}
		probes = append(probes, l)
	}
	return probes
}

// trace attaches a program to the function of the kernel that it is for.
func (s *Scheduler) trace(program string) (link.Link, error) {
	prog := s.coll.Programs[program]
	if prog == nil {
		return nil, fmt.Errorf("the kernel has no function for %s", program)
	}
	l, err := link.AttachTracing(link.TracingOptions{Program: prog})
	if err != nil {
		return nil, fmt.Errorf("probe the kernel for %s: %w", program, err)
	}
	return l, nil
}
