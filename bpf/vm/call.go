// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/hashicorp/yamux"
)

// hostCall is the host's side of a call. It ends when its context does.
type hostCall struct {
	m      *Machine
	ctx    context.Context
	stream *yamux.Stream
	dec    *json.Decoder
	enc    *json.Encoder
	flows  []*yamux.Stream
	stop   func() bool // ends the watch over the context
}

// call sends a request. The caller must call finish or abandon.
func (m *Machine) call(ctx context.Context, req *request) (*hostCall, error) {
	c := &hostCall{m: m, ctx: ctx}
	opened := make(chan struct{})
	var err error
	go func() {
		defer close(opened)
		err = c.open(req)
	}()
	select {
	case <-opened:
		if err != nil {
			c.closeAll()
			return nil, c.explain(err)
		}
		c.stop = context.AfterFunc(ctx, c.closeAll)
		return c, nil
	case <-ctx.Done():
		// The guest does not read. The streams wait for that, or for the
		// machine's end.
		go func() {
			<-opened
			c.closeAll()
		}()
		return nil, context.Cause(ctx)
	}
}

// open opens the streams and sends the request.
func (c *hostCall) open(req *request) (err error) {
	c.m.opening.Lock()
	defer c.m.opening.Unlock()
	if c.stream, err = c.m.session.OpenStream(); err != nil {
		return err
	}
	for range req.flows() {
		flow, err := c.m.session.OpenStream()
		if err != nil {
			return err
		}
		c.flows = append(c.flows, flow)
	}
	c.dec, c.enc = json.NewDecoder(c.stream), json.NewEncoder(c.stream)
	return c.enc.Encode(req)
}

// closeAll makes the guest give up the call, and everything that waits for it
// here return.
func (c *hostCall) closeAll() {
	for _, s := range slices.Concat(c.flows, []*yamux.Stream{c.stream}) {
		if s != nil {
			_ = s.SetDeadline(time.Unix(1, 0)) // it never fails
			_ = s.Close()
		}
	}
}

// receive reads the next reply.
func (c *hostCall) receive() (reply, error) {
	var r reply
	err := receive(c.dec, &r)
	if err != nil {
		return r, c.explain(err)
	}
	err = r.err()
	return r, err
}

// finish reads the last reply and closes the call.
func (c *hostCall) finish() error {
	_, err := c.receive()
	c.abandon()
	return err
}

// abandon closes the call.
func (c *hostCall) abandon() {
	c.stop()
	c.closeAll()
}

// explain finds what is behind an error of a stream: the end of the context or
// of the machine.
func (c *hostCall) explain(err error) error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	if !c.m.session.IsClosed() {
		return err
	}
	// QEMU is ending, or has.
	select {
	case <-c.m.stopped:
		return c.m.err
	case <-c.ctx.Done():
		return context.Cause(c.ctx)
	}
}

// ReadFile reads a file of the guest, of whatever file system.
func (m *Machine) ReadFile(ctx context.Context, path string) ([]byte, error) {
	c, err := m.call(ctx, &request{Op: opRead, Path: path})
	if err != nil {
		return nil, fmt.Errorf("read the guest's %s: %w", path, err)
	}
	data, readErr := io.ReadAll(c.flows[0])
	if err := c.finish(); err != nil {
		return nil, fmt.Errorf("read the guest's %s: %w", path, err)
	}
	if readErr != nil {
		return nil, fmt.Errorf("read the guest's %s: %w", path, readErr)
	}
	return data, nil
}

// WriteFile writes a file of the guest, as os.WriteFile does. Up to 1 MiB of
// data goes into it in one write, as files of cgroups and the like want it.
func (m *Machine) WriteFile(ctx context.Context, path string, data []byte, mode fs.FileMode) error {
	c, err := m.call(ctx, &request{Op: opWrite, Path: path, Mode: mode})
	if err != nil {
		return fmt.Errorf("write the guest's %s: %w", path, err)
	}
	// Where the guest stops to read, it says why.
	_, writeErr := c.flows[0].Write(data)
	_ = c.flows[0].Close()
	if err := c.finish(); err != nil {
		return fmt.Errorf("write the guest's %s: %w", path, err)
	}
	if writeErr != nil {
		return fmt.Errorf("write the guest's %s: %w", path, writeErr)
	}
	return nil
}
