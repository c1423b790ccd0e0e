// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"scxdiag/bpf"
	"scxdiag/bpf/realtime"
	"scxdiag/bpf/vm"
	"scxdiag/bpf/vm/load"
	"scxdiag/dump"
	"scxdiag/dump/report"
	"scxdiag/dump/triage"
	"scxdiag/tui"
)

// live is the command line of scxdiag live.
type live struct {
	cellParent string
	interval   time.Duration
	duration   time.Duration
	inject     string
	restart    bool
	attach     bool
	headless   bool
	format     liveFormat
	record     recorder
	screen     screenFlags

	demoLoad bool

	vm       bool
	vmKernel string
	vmCPUs   int

	fault bpf.Fault // what inject says
}

func newLive() *cobra.Command {
	var l live
	cmd := &cobra.Command{
		Use:   "live",
		Short: "Run scxdiag's own scheduler and watch it, or watch another",
		Long: `live makes scxdiag's cell scheduler the scheduler of this machine and shows what
it does: every two seconds a sample of all cells, CPUs and tasks, and, if the
kernel throws it out, the whole state of that moment.

A cgroup whose cpuset has some of the CPUs owns a cell of them; a cgroup without
one is in the cell of the cgroup above it. Cells come, grow, shrink and go as
cpusets are written. When live ends, the machine is back on its default
scheduler.

This takes root, or some capabilities, and a kernel with sched_ext, 6.12 or later;
scxdiag doctor tells which, and what is missing. With --vm all of it happens in a
virtual machine, with a load to schedule, and nothing to this one: that takes QEMU
and, the first time, a kernel, which apt fetches from Debian.

With --attach, live runs no scheduler and watches whichever the machine has, one
that knows nothing of scxdiag as well: its tasks and CPUs every two seconds, and
each dump that the kernel writes. Schedulers may come and go meanwhile. scxdiag
record does the same without a screen.

On a terminal, live shows the screen; ? lists its keys and q ends it. Into a file
or a pipe, or with --headless or --format, it prints each snapshot as it is
taken, until ctrl+c; SIGUSR1 then takes a sample at once. The formats:

  text  a summary for people, the default
  json  a JSON document per line

--record keeps every snapshot in a recording, which scxdiag open shows later as a
timeline, or with --follow from another terminal at the same time. Each is on the
disk when the next one is taken, whatever happens to scxdiag. --keep puts them
into the catalogue; without either nothing is kept.

` + configHelp + `

--inject has the scheduler do something wrong, to see what comes of it:

` + faultHelp() + `
A time behind it, as in error-now@10s, lets the scheduler work that long first.
Tasks of the virtual machine to lose are web-1, batch-0, solver-0 and queue-0.

Exit codes, when it prints:

  0  the scheduler ran until it was told to end
  1  scxdiag itself failed
  3  the scheduler failed`,
		Example: `  scxdiag live --vm
  scxdiag live --vm --inject lose-task=web-1
  scxdiag live --vm --record night.scxdiag
  scxdiag live --vm --format json --interval 5s --duration 1m
  scxdiag live --attach
  scxdiag live --cell-parent /machine.slice --restart --record cells.scxdiag`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return l.run(cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&l.cellParent, "cell-parent", "/", "the `cgroup` whose descendants may own cells")
	f.DurationVar(&l.interval, "interval", 2*time.Second, "time between two samples, 0 for none")
	f.DurationVar(&l.duration, "duration", 0, "how long the scheduler runs; 0 is until interrupted")
	f.StringVar(&l.inject, "inject", "", "have the scheduler commit a `fault`; see above")
	f.BoolVar(&l.restart, "restart", false, "start the scheduler again after it failed, later each time")
	f.BoolVar(&l.attach, "attach", false, "watch the scheduler that the machine has instead of running one")
	f.BoolVar(&l.headless, "headless", false, "print instead of showing the screen")
	f.VarP(&l.format, "format", "f", "print, and what; see above")
	l.record.addFlags(f)
	l.screen.addFlags(f)
	f.BoolVar(&l.vm, "vm", false, "run it all in a virtual machine")
	f.BoolVar(&l.demoLoad, "demo-load", false, "make cgroups with cpusets and keep them busy")
	_ = f.MarkHidden("demo-load") // it is defined above; for virtual machines only
	f.StringVar(&l.vmKernel, "vm-kernel", "7.3", "its `kernel`: "+strings.Join(vm.Kernels(), ", ")+", or the path of an image")
	f.IntVar(&l.vmCPUs, "vm-cpus", 4, "how `many` CPUs it has, 1 to 64")
	for flag, values := range map[string][]cobra.Completion{
		"format": {
			cobra.CompletionWithDesc(string(liveText), "a summary for people"),
			cobra.CompletionWithDesc(string(liveJSON), "a JSON document per line"),
		},
		"inject":    faultCompletions(),
		"vm-kernel": vm.Kernels(),
	} {
		if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
			panic(err) // a flag of that name is defined above
		}
	}
	return cmd
}

// faultHelp is the faults as the help lists them.
func faultHelp() string {
	var b strings.Builder
	for _, f := range bpf.Faults() {
		fmt.Fprintf(&b, "  %-21s  %s\n", f[0], f[1])
	}
	return b.String()
}

// faultCompletions are the faults as far as they can be completed.
func faultCompletions() []cobra.Completion {
	var all []cobra.Completion
	for _, f := range bpf.Faults() {
		name, _, hasValue := strings.Cut(f[0], "=")
		if hasValue {
			name += "="
		}
		all = append(all, cobra.CompletionWithDesc(name, f[1]))
	}
	return all
}

// The formats of live.
const (
	liveText    liveFormat = "text"
	liveJSON    liveFormat = "json"
	liveRecords liveFormat = "records" // what a guest sends to its host
)

type liveFormat string

// Set, String and Type make it a flag.
func (f *liveFormat) Set(s string) error {
	switch v := liveFormat(s); v {
	case liveText, liveJSON, liveRecords:
		*f = v
		return nil
	}
	return errors.New("must be text or json")
}

func (f *liveFormat) String() string { return string(*f) }

// Type is what the help text calls the value.
func (f *liveFormat) Type() string { return "text|json" }

// feed is where a source puts what happens, and what it is asked.
type feed struct {
	dump   func(*dump.Snapshot)
	status func(string)
	sample <-chan struct{}
}

// liveSource runs a scheduler until ctx is done or the scheduler ends.
type liveSource func(ctx context.Context, f feed) error

func (l *live) run(cmd *cobra.Command) (err error) {
	if l.inject != "" {
		if l.fault, err = bpf.ParseFault(l.inject); err != nil {
			return usageError(cmd, err.Error())
		}
	}
	if err := l.check(cmd); err != nil {
		return err
	}
	screen, isScreen := terminal(cmd.OutOrStdout())
	isScreen = isScreen && !l.headless && l.format == "" && os.Getenv("TERM") != "dumb"
	var options tui.Options
	if isScreen {
		if options, err = l.screen.options(screen); err != nil {
			return err
		}
	}
	if err := l.ready(cmd.Context()); err != nil {
		return err
	}
	if err := l.record.open(); err != nil {
		return err
	}
	defer func() { err = l.record.closeAfter(err) }()
	if !l.vm {
		l.record.boot = bootID()
	}
	if !isScreen {
		return l.print(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	return l.show(cmd.Context(), options)
}

// check looks at the flags that take numbers, and at those of --vm.
func (l *live) check(cmd *cobra.Command) error {
	switch {
	case l.interval < 0:
		return usageError(cmd, fmt.Sprintf("--interval %s: a time must not be negative", l.interval))
	case l.duration < 0:
		return usageError(cmd, fmt.Sprintf("--duration %s: a time must not be negative", l.duration))
	case l.vmCPUs < 1 || l.vmCPUs > maxVMCPUs:
		return usageError(cmd, fmt.Sprintf("--vm-cpus %d: must be 1 to %d", l.vmCPUs, maxVMCPUs))
	}
	for _, flag := range []string{"vm-kernel", "vm-cpus"} {
		if !l.vm && cmd.Flags().Changed(flag) {
			return usageError(cmd, "--"+flag+" is of use with --vm only")
		}
	}
	for _, flag := range []string{"cell-parent", "inject", "restart", "vm"} {
		if l.attach && cmd.Flags().Changed(flag) {
			return usageError(cmd, "--"+flag+" is about running a scheduler, which --attach does not")
		}
	}
	return nil
}

// ready says what is missing for a session, before there is a screen that would
// have to be left to read it.
func (l *live) ready(ctx context.Context) error {
	if l.vm {
		return l.readyVM(ctx)
	}
	err := bpf.Supported()
	if l.attach {
		return err //nolint:wrapcheck // it says what is missing
	}
	if err != nil {
		return fmt.Errorf("%w; scxdiag live --vm runs it in a virtual machine", err)
	}
	_, err = bpf.CgroupID(l.cellParent)
	return err
}

// maxVMCPUs is a limit of good sense: emulated CPUs share one real one.
const maxVMCPUs = 64

// source is where the snapshots come from; records gets what was received, or
// is nil.
func (l *live) source(records io.Writer) liveSource {
	name, run := "live", func(ctx context.Context, f feed) error { return l.onThisMachine(ctx, f, records) }
	switch {
	case l.vm:
		name, run = "live --vm", l.inVM
	case l.attach:
		name, run = "live --attach", l.attached
	}
	return func(ctx context.Context, f feed) error {
		add := f.dump
		var last *dump.Snapshot
		f.dump = func(s *dump.Snapshot) {
			s.Source.Name = name
			triage.Apply(s, last)
			last = s
			add(s)
		}
		return run(ctx, f)
	}
}

// onThisMachine is the source that runs the scheduler here.
func (l *live) onThisMachine(ctx context.Context, f feed, records io.Writer) error {
	parent, err := bpf.CgroupID(l.cellParent)
	if err != nil {
		return err
	}
	// The scheduler may fail to run ordinary processes, this one among them.
	if err := realtime.Enter(); err != nil {
		f.status("a scheduler that fails may take scxdiag along: " + err.Error())
	}
	nameThreads()
	s := bpf.Session{
		Options:  bpf.Options{CellParent: parent, Fault: l.fault},
		Interval: l.interval,
		Duration: l.duration,
		Restart:  l.restart,
		Records:  records,
		Dump:     f.dump,
		Status:   f.status,
		Sample:   f.sample,
	}
	if l.demoLoad {
		s.Enabled = func() {
			if err := startDemoLoad(ctx); err != nil {
				f.status(err.Error())
			}
		}
	}
	return s.Run(ctx)
}

// nameThreads has all threads carry the program's name, under which people see
// them run in the samples: in a virtual machine they are called init.
func nameThreads() {
	names, _ := filepath.Glob("/proc/self/task/*/comm") // the pattern is good
	for _, n := range names {
		_ = os.WriteFile(n, []byte("scxdiag"), 0) // it may have ended
	}
}

// startDemoLoad makes cgroups with cpusets and keeps them busy until ctx is
// done, once.
func startDemoLoad(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(load.CgroupRoot, "a")); err == nil {
		return nil // the scheduler was started again
	}
	if _, err := load.Default(ctx); err != nil {
		return fmt.Errorf("start a load: %w", err)
	}
	return nil
}

// print prints the snapshots as they come.
func (l *live) print(ctx context.Context, stdout, stderr io.Writer) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	l.record.start(ctx, func(err error) { stop(err) })

	var writers []report.Writer
	var records io.Writer
	switch l.format {
	case liveRecords:
		records = stdout
	case liveJSON:
		writers = append(writers, report.NewJSONLines(stdout, report.Options{}))
	default:
		writers = append(writers, report.NewText(stdout, report.Options{}))
	}
	failed := false
	f := feed{
		dump: func(s *dump.Snapshot) {
			failed = failed || s.IsFailure()
			for _, w := range writers {
				if err := w.Add(s); err != nil {
					stop(fmt.Errorf("write a snapshot: %w", err))
				}
			}
			l.record.later(s)
		},
		status: func(line string) { complain(stderr, errors.New(line)) },
		sample: sampleOnSignal(ctx),
	}
	err := l.source(records)(ctx, f)
	// After EPIPE, whoever reads the output has seen enough.
	if cause := context.Cause(ctx); cause != nil && !isEnd(cause) && !errors.Is(cause, syscall.EPIPE) {
		err = cause
	}
	var inside *guestError
	switch {
	case errors.As(err, &inside):
		return errReported // it was a status line
	case err != nil && !errors.Is(err, bpf.ErrFailed) && !isEnd(err):
		return err
	case failed || errors.Is(err, bpf.ErrFailed):
		return errFailureFound
	}
	return nil
}

// isEnd reports whether an error says only that it was time to end.
func isEnd(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// sampleOnSignal asks for a sample for each SIGUSR1.
func sampleOnSignal(ctx context.Context) <-chan struct{} {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	sample := make(chan struct{})
	go func() {
		defer signal.Stop(signals)
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
			}
			select {
			case <-ctx.Done():
				return
			case sample <- struct{}{}:
			}
		}
	}()
	return sample
}

// show shows the snapshots on the screen as they come.
func (l *live) show(ctx context.Context, options tui.Options) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()

	snapshots := make(chan *dump.Snapshot)
	status := make(chan string)
	sample := make(chan struct{}, 1)
	send := func(line string) {
		select {
		case status <- line:
		case <-ctx.Done():
		}
	}
	l.record.start(ctx, func(err error) { send(err.Error()) })
	ended := make(chan error, 1)
	go func() {
		defer close(snapshots)
		err := l.source(nil)(ctx, feed{
			dump: func(s *dump.Snapshot) {
				l.record.later(s)
				select {
				case snapshots <- s:
				case <-ctx.Done():
				}
			},
			status: send,
			sample: sample,
		})
		if err != nil && !isEnd(err) {
			send(err.Error())
		}
		ended <- err
	}()
	err := tui.Watch(ctx, tui.Feed{
		Snapshots: snapshots,
		Status:    status,
		Sample: func() {
			select {
			case sample <- struct{}{}:
			default: // one is asked for already
			}
		},
	}, options)
	stop()
	sourceErr := <-ended
	switch {
	case err != nil && !isEnd(err):
		return err
	case sourceErr != nil && !isEnd(sourceErr) && !errors.Is(sourceErr, bpf.ErrFailed):
		return sourceErr
	}
	return nil
}
