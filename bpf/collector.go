// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

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
	count   uint64        // records read from the rings
}

// newCollector starts to read. It calls emit, one call at a time, for each
// dump that is finished; emit must not call the collector, which reads no more
// while it works.
func newCollector(rings []*ebpf.Map, records io.Writer, emit func(*wire.Raw)) (*collector, error) {
	c := &collector{}
	if records != nil {
		c.records = bufio.NewWriter(records)
	}
	c.asm = wire.NewAssembler(wire.Options{}, func(d *wire.Raw) {
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
			l := lane{ring: r}
			for c.read(&l) == nil {
			}
		}()
	}
	return c, nil
}

// lane is a ring buffer with what its records are read into.
type lane struct {
	ring  *ringbuf.Reader
	rec   ringbuf.Record
	batch wire.Batch
}

// read waits for records and passes on those that are there, as many as a batch
// holds. That way they take the lock once, and stand from the beginning in the
// memory that they are kept in.
func (c *collector) read(l *lane) error {
	err := l.fill()
	if l.batch.Len() > 0 {
		c.take(&l.batch)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err // only of a ring buffer that is closed
}

// past is a deadline that does not let anything wait.
var past = time.Unix(1, 0)

// lookEvery is how often a ring buffer is looked at. The kernel is not to say
// when something is there: it does so by way of the CPU that wrote the record,
// and if that goes offline just then the word stays behind there, on 6.16 even
// when the ring buffer is gone, which such a kernel does not survive.
const lookEvery = 200 * time.Millisecond

// fill reads records into the batch until that is full or the ring buffer
// empty. It waits for the first one only: what remains in the ring buffer may
// be space that its writer discarded, and no record waits for another.
func (l *lane) fill() error {
	l.ring.SetDeadline(time.Now().Add(lookEvery))
	for first := true; ; first = false {
		l.rec.RawSample = l.batch.Free()
		if err := l.ring.ReadInto(&l.rec); err != nil {
			return err //nolint:wrapcheck // nobody sees it
		}
		if l.batch.Append(l.rec.RawSample) || l.rec.Remaining == 0 {
			return nil
		}
		if first {
			l.ring.SetDeadline(past)
		}
	}
}

// take adds the records of a batch.
func (c *collector) take(b *wire.Batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count += uint64(b.Len()) //nolint:gosec // not negative
	if c.records != nil {
		_, _ = b.WriteTo(c.records) // it keeps its error
	}
	c.asm.AddBatch(b)
}

// put adds a record that the collector itself made.
func (c *collector) put(record []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.records != nil {
		_, _ = c.records.Write(record) // it keeps its error
	}
	_ = c.asm.Add(record) // it has counted what it could not use
}

// progress is how many records were read so far, and whether dumps are open.
func (c *collector) progress() (read uint64, open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count, len(c.asm.Open(nil)) > 0
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
