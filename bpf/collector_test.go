// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"bytes"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"scxdiag/dump/wire"
)

// TestRecordsAreNotHeldBack finishes each dump although something stands behind
// it in the ring buffer that never becomes a record. It needs root, but no
// sched_ext.
func TestRecordsAreNotHeldBack(t *testing.T) {
	const dumps, tasks = 20, 700
	p := newProducer(t)
	finished := make(chan *wire.Raw, dumps)
	var stream bytes.Buffer
	c, err := newCollector([]*ebpf.Map{p.ring}, &stream, func(d *wire.Raw) { finished <- d })
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint32(dumps) {
		p.dump(tasks, i%3)
		isFinished(t, finished, tasks)
	}
	if n, open := c.progress(); n != dumps*(tasks+1) || open {
		t.Errorf("%d records read, some dump open: %v", n, open)
	}
	if err := c.writeError(); err != nil {
		t.Error(err)
	}
	c.close()
	for r := wire.NewReader(&stream, wire.Options{}); ; {
		d, err := r.Next()
		if err != nil {
			if n := r.Stats(); n != (wire.Stats{}) {
				t.Errorf("the records that were written: %+v", n)
			}
			break
		}
		if got := len(d.Snapshot.Tasks); got != tasks {
			t.Errorf("the records that were written: %d tasks", got)
		}
	}
}

// isFinished waits for a whole dump of so many tasks.
func isFinished(t *testing.T, finished <-chan *wire.Raw, tasks int) {
	t.Helper()
	select {
	case d := <-finished:
		isWhole(t, d, tasks)
	case <-time.After(10 * time.Second):
		t.Fatal("the dump is not finished")
	}
}

// TestNoWakeupIsNeeded finishes dumps of which the kernel never says that they
// are there.
func TestNoWakeupIsNeeded(t *testing.T) {
	const tasks = 100
	p := newProducer(t)
	p.quiet = true
	finished := make(chan *wire.Raw, 1)
	c, err := newCollector([]*ebpf.Map{p.ring}, nil, func(d *wire.Raw) { finished <- d })
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for range 3 {
		p.dump(tasks, 0)
		isFinished(t, finished, tasks)
	}
}

// TestTheClockIsPutAgain has a machine that slept for an hour.
func TestTheClockIsPutAgain(t *testing.T) {
	var records bytes.Buffer
	col, err := newCollector(nil, &records, func(*wire.Raw) {})
	if err != nil {
		t.Fatal(err)
	}
	defer col.close()
	r := run{col: col, host: wire.Host{Boot: bootTime(), Name: "host"}}
	size := func() int {
		if err := col.writeError(); err != nil {
			t.Fatal(err)
		}
		return records.Len()
	}
	if r.putClock(); size() != 0 {
		t.Error("it was put though it is as before")
	}
	r.host.Boot -= int64(time.Hour)
	r.putClock()
	one := size()
	h, err := wire.ParseHeader(records.Bytes())
	if err != nil || h.Kind != wire.KindHost || int(h.Len) != one {
		t.Errorf("%d bytes: %+v, %v", one, h, err)
	}
	if r.putClock(); size() != one {
		t.Error("it was put twice")
	}
}
