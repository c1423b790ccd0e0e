// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"scxdiag/dump/wire"
)

// collector reads the ring buffers of a scheduler. Each has a goroutine of its
// own; all feed one assembler.
type collector struct {
	rings []*ringbuf.Reader
	wg    sync.WaitGroup

	mu      sync.Mutex // of all below
	asm     *wire.Assembler
	records *bufio.Writer // gets every record, may be nil; written out with each dump
	read    uint64        // records read from the rings
}

// newCollector starts to read. It calls emit, one call at a time, for each
// dump that is finished; emit must not call the collector.
func newCollector(rings []*ebpf.Map, records io.Writer, emit func(*wire.Dump)) (*collector, error) {
	c := &collector{}
	if records != nil {
		c.records = bufio.NewWriter(records)
	}
	c.asm = wire.NewAssembler(wire.Options{}, func(d *wire.Dump) {
		if c.records != nil {
			_ = c.records.Flush() // it keeps its error
		}
		emit(d)
	})
	for _, m := range rings {
		r, err := ringbuf.NewReader(m)
		if err != nil {
			c.close()
			return nil, fmt.Errorf("read a ring buffer: %w", err)
		}
		c.rings = append(c.rings, r)
	}
	for _, r := range c.rings {
		c.wg.Add(1)
		go func() {
			defer c.wg.Done()
			c.readRing(r)
		}()
	}
	return c, nil
}

// readRing passes on what comes through a ring buffer, until that is closed.
func (c *collector) readRing(r *ringbuf.Reader) {
	var rec ringbuf.Record
	for {
		err := r.ReadInto(&rec)
		switch {
		case errors.Is(err, ringbuf.ErrClosed):
			return
		case errors.Is(err, ringbuf.ErrFlushed):
			continue
		case err != nil: // a ring buffer has no other errors that end
			return
		}
		c.take(rec.RawSample)
	}
}

// take adds a record that came through a ring buffer.
func (c *collector) take(record []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read++
	c.add(record)
}

// put adds a record that the collector itself made.
func (c *collector) put(record []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(record)
}

// add takes a record; c.mu is held.
func (c *collector) add(record []byte) {
	if c.records != nil {
		if h, err := wire.ParseHeader(record); err == nil {
			_, _ = c.records.Write(record[:h.Len]) // it keeps its error
		}
	}
	_ = c.asm.Add(record) // it has counted what it could not use
}

// progress is how many records were read so far, and whether dumps are open.
func (c *collector) progress() (read uint64, open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read, len(c.asm.Open(nil)) > 0
}

// flush finishes all dumps as they are.
func (c *collector) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asm.FlushAll()
}

// writeError is the first error of writing records.
func (c *collector) writeError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.records == nil {
		return nil
	}
	return c.records.Flush()
}

// close stops reading and waits for the goroutines.
func (c *collector) close() {
	for _, r := range c.rings {
		_ = r.Close() // it only closes file descriptors
	}
	c.wg.Wait()
}
