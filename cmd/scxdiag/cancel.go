// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"context"
	"io"
	"os"
)

// cancelled is a reader that stops when its context is done. Its source must
// not block for long, as regular files do not.
type cancelled struct {
	ctx context.Context
	src io.Reader
}

func (c *cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.src.Read(p)
}

// pump is a reader that stops when its context is done, even while its source,
// a pipe or a terminal, has nothing to give. A read that is under way then
// ends with the program.
type pump struct {
	ctx    context.Context
	chunks chan chunk
	free   chan []byte // buffers to fill
	left   chunk       // of the current chunk
	buf    []byte      // the buffer of the current chunk
}

// interruptible is standard input, the reads of which end with ctx. A file is left as it
// is: reading it does not block, and an archive in it can be read at any place.
func interruptible(ctx context.Context, stdin io.Reader) io.Reader {
	if f, ok := stdin.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return stdin
		}
	}
	return newPump(ctx, stdin)
}

// chunk is the result of one read.
type chunk struct {
	data []byte
	err  error
}

const (
	pumpChunk  = 256 << 10
	pumpChunks = 2 // one is filled while the other is used
)

// newPump starts to read from src.
func newPump(ctx context.Context, src io.Reader) *pump {
	p := &pump{ctx: ctx, chunks: make(chan chunk), free: make(chan []byte, pumpChunks)}
	for range pumpChunks {
		p.free <- make([]byte, pumpChunk)
	}
	go p.fill(src)
	return p
}

// fill owns src. It ends with the first error, or with the context.
func (p *pump) fill(src io.Reader) {
	for {
		select {
		case buf := <-p.free:
			n, err := src.Read(buf)
			select {
			case p.chunks <- chunk{buf[:n], err}:
			case <-p.ctx.Done():
				return
			}
			if err != nil {
				return
			}
		case <-p.ctx.Done():
			return
		}
	}
}

func (p *pump) Read(b []byte) (int, error) {
	for len(p.left.data) == 0 {
		if p.left.err != nil {
			return 0, p.left.err
		}
		if p.buf != nil {
			p.free <- p.buf[:pumpChunk]
			p.buf = nil
		}
		select {
		case p.left = <-p.chunks:
			p.buf = p.left.data
		case <-p.ctx.Done():
			return 0, p.ctx.Err()
		}
	}
	n := copy(b, p.left.data)
	p.left.data = p.left.data[n:]
	return n, nil
}
