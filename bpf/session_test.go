// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"context"
	"testing"
	"time"

	"scxdiag/dump"
)

// session is a Session under test.
type session struct {
	Session
	t     *testing.T
	dumps chan *dump.Snapshot
	err   chan error
	stop  context.CancelFunc
}

// start runs a session in the background.
func start(t *testing.T, s Session) *session {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &session{Session: s, t: t, dumps: make(chan *dump.Snapshot, 1024), err: make(chan error, 1), stop: cancel}
	r.Dump = func(d *dump.Snapshot) {
		t.Logf("a snapshot: %s, %d tasks, %d dropped, %v", d.Trigger, len(d.Tasks), d.Ledger.Dropped(), d.Ledger.Notes)
		if d.Exit != nil {
			t.Logf("exit: %s %s", d.Exit.Reason.V, d.Exit.Message.V)
		}
		if d.IsFailure() {
			explain(t, d)
		}
		r.dumps <- d
	}
	enabled := make(chan struct{}, 1)
	r.Status = func(line string) {
		t.Log(line)
		if line == Name+" is the scheduler" {
			select {
			case enabled <- struct{}{}:
			default:
			}
		}
	}
	go func() { r.err <- r.Run(ctx) }()
	t.Cleanup(cancel)
	select {
	case <-enabled:
	case err := <-r.err:
		t.Fatal("the session ended:", err)
	case <-time.After(2 * time.Minute):
		t.Fatal("the scheduler did not start")
	}
	return r
}

// explain logs what may have to do with a failure.
func explain(t *testing.T, s *dump.Snapshot) {
	t.Helper()
	t.Logf("status: %+v", s.Status)
	for i := range s.Cells {
		c := &s.Cells[i]
		t.Logf("cell %d: %s generation %d CPUs %s queued %d", c.ID, c.State.V, c.Generation.V, c.CPUs.V, c.Queued.V)
	}
	for i := range s.CPUs {
		c := &s.CPUs[i]
		t.Logf("CPU %d: online %v, cell %d, before %d, queued %d, %d running, runs %v %s", c.ID, c.Online.V, c.Cell.V, c.PrevCell.V, c.Queued.V, c.NrRunning.V, c.Current.V, c.Class.V)
	}
	for i := range s.Events {
		e := &s.Events[i]
		if ago, ok := s.Since(e.Time.V); ok && ago < 30*time.Second && e.PID.V == 0 {
			t.Logf("%s ago: %s cgroup %d %d", ago, e.Kind, e.CgroupID.V, e.Arg.V)
		}
	}
	for i := range s.Tasks {
		task := &s.Tasks[i]
		if waits, ok := task.WaitingFor(); ok && waits > time.Second {
			t.Logf("%s waits for %s: CPU %d, may use %s, on %s, meant for %s, cell %d, vtime - basis %d, ops_state %s, flags %#x", task.TaskRef, waits, task.CPU.V,
				task.CPUs.V, task.DSQ.V, task.AssignedDSQ.V, task.Cell.V, int64(task.DSQVTime.V-task.BasisVTime.V), task.OpsState.V, task.Flags.V)
		}
	}
}

// next is the next snapshot with the given trigger.
func (r *session) next(trigger dump.Trigger, within time.Duration) *dump.Snapshot {
	r.t.Helper()
	limit := time.After(within)
	for {
		select {
		case s := <-r.dumps:
			if s.Trigger == trigger {
				return s
			}
			if s.IsFailure() {
				r.t.Fatalf("the scheduler failed before a %s", trigger)
			}
		case <-limit:
			r.t.Fatalf("no %s within %s", trigger, within)
		}
	}
}

// end stops the session and returns what Run did.
func (r *session) end() error {
	r.t.Helper()
	r.stop()
	return <-r.err
}

// TestSample loads the scheduler on each kernel and on machines of several
// shapes, takes one sample of a healthy machine and ends in order.
func TestSample(t *testing.T) {
	inGuests(t, []guest{
		{kernel: "7.3"}, {kernel: "6.16"}, {kernel: "7.2"},
		{kernel: "7.3", cpus: 8}, {kernel: "7.3", llcs: 2},
		{kernel: "7.3", possible: 72}, {kernel: "6.16", possible: 72},
	}, 3*time.Minute, func(t *testing.T) {
		sample := make(chan struct{})
		s := start(t, Session{Sample: sample})
		sample <- struct{}{}
		d := s.next(dump.TriggerSample, time.Minute)
		t.Logf("%d cells, %d CPUs, %d tasks, %d events, ledger %+v", len(d.Cells), len(d.CPUs), len(d.Tasks), len(d.Events), d.Ledger)
		if !d.Ledger.Complete() {
			t.Errorf("ledger: %+v", d.Ledger)
		}
		checkSample(t, d)
		if err := s.end(); err != nil {
			t.Error(err)
		}
		if e := s.next(dump.TriggerExit, time.Second).Exit; e.Kind.V != dump.ExitUnreg {
			t.Errorf("it ended with %+v", e)
		}
	})
}
