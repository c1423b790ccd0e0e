// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"
)

// printer writes to a file whose reader may be slow, hang or be gone. Who prints never
// waits for it and is never told of an error. Its methods may be called by several
// goroutines at once.
type printer struct {
	to    io.Writer
	limit int         // bytes that may wait, unless they are of one Write
	held  func()      // called when something is left out for the first time, nil for nobody
	tell  func(error) // told once of an error that ends it, and later how much was left out

	mu     sync.Mutex
	queue  [][]byte
	bytes  int  // of queue
	left   int  // left out since something was written
	closed bool // nothing is to come
	broken bool // nothing can be written any more

	more chan struct{} // something is in the queue, or closed is set
	done chan struct{} // closed when all is written
}

// printEnd is how long the end waits for who reads what was printed.
const printEnd = 2 * time.Second

func startPrinter(p *printer) *printer {
	p.more, p.done = make(chan struct{}, 1), make(chan struct{})
	go p.run()
	return p
}

// Write has a copy of b written, whole or not at all.
func (p *printer) Write(b []byte) (int, error) {
	p.mu.Lock()
	full := len(p.queue) > 0 && p.bytes+len(b) > p.limit
	switch {
	case p.closed || p.broken:
		full = false
	case full:
		p.left++
		full = p.left == 1
	default:
		p.queue = append(p.queue, slices.Clone(b))
		p.bytes += len(b)
	}
	p.mu.Unlock()
	p.wake()
	if full && p.held != nil {
		p.held()
	}
	return len(b), nil
}

func (p *printer) wake() {
	select {
	case p.more <- struct{}{}:
	default:
	}
}

func (p *printer) run() {
	defer close(p.done)
	for {
		p.mu.Lock()
		closed, left := p.closed, p.left
		var b []byte
		if len(p.queue) > 0 {
			b = p.queue[0] // it counts until it is written
		}
		p.mu.Unlock()
		if b == nil {
			if closed {
				return
			}
			<-p.more
			continue
		}
		_, err := p.to.Write(b)
		p.mu.Lock()
		p.queue = slices.Delete(p.queue, 0, 1)
		p.bytes -= len(b)
		p.left -= left
		if err != nil {
			p.broken, p.queue, p.bytes = true, nil, 0
		}
		p.mu.Unlock()
		if err != nil {
			p.tell(err)
			return
		}
		if left > 0 {
			p.tell(fmt.Errorf("nobody took it; left out: %d", left))
		}
	}
}

// close waits until all is written, but not for long. It returns how much was not,
// 0 if an error was told.
func (p *printer) close() (left int) {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.wake()
	select {
	case <-p.done:
	case <-time.After(printEnd):
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) + p.left
}

// ignoreBrokenPipes has a write to a pipe that nobody reads fail, where it would end the
// program. Programs that it starts are ended as ever.
func ignoreBrokenPipes() (stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGPIPE)
	return func() { signal.Stop(c) }
}
