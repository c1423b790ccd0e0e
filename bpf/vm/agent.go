// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/yamux"
	"golang.org/x/sys/unix"

	"scxdiag/bpf/realtime"
)

// runAgent does in the guest what the host asks for.
func runAgent() error {
	if err := realtime.Enter(); err != nil { // locked memory is not inherited
		return err
	}
	p, err := openPort()
	if err != nil {
		return err
	}
	session, err := yamux.Server(p, sessionConfig())
	if err != nil {
		return err
	}
	for {
		if err := accept(session); err != nil {
			return fmt.Errorf("take a request: %w", err)
		}
	}
}

// accept takes one call: the stream of its messages, and the flows that the
// request names, which the host opens right behind it.
func accept(session *yamux.Session) error {
	first, err := session.AcceptStream()
	if err != nil {
		return err
	}
	c := &call{dec: json.NewDecoder(first), enc: json.NewEncoder(first), stream: first}
	var req request
	if err := receive(c.dec, &req); err != nil {
		return err
	}
	for range req.flows() {
		flow, err := session.AcceptStream()
		if err != nil {
			return err
		}
		c.flows = append(c.flows, flow)
	}
	go c.serve(&req)
	return nil
}

// call is the guest's side of a call.
type call struct {
	stream *yamux.Stream
	dec    *json.Decoder
	enc    *json.Encoder
	flows  []*yamux.Stream
}

// serve does one call. What it cannot send, the host does not want any more.
func (c *call) serve(req *request) {
	var r reply
	switch req.Op {
	case opPing:
	case opRun:
		r = c.run(req)
	case opRead:
		r = failed(readFile(c.flows[0], req.Path))
	case opWrite:
		r = failed(writeFile(c.flows[0], req))
		_, _ = io.Copy(io.Discard, c.flows[0]) // the host must get to the reply
	default:
		r = reply{Error: "unknown request " + req.Op}
	}
	for _, flow := range c.flows {
		_ = flow.Close()
	}
	_ = c.enc.Encode(&r)
	_ = c.stream.Close()
}

// readFile sends a file's content.
func readFile(to io.Writer, name string) error {
	f, err := os.Open(name) //nolint:gosec // the host may read anything here
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	_, err = io.Copy(to, f)
	return err
}

// writeFile writes a file. Up to 1 MiB goes into it in one piece, as files of
// cgroups and the like want it.
func writeFile(from io.Reader, req *request) (err error) {
	f, err := os.OpenFile(req.Path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, req.Mode.Perm())
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	buf := make([]byte, 1<<20)
	for {
		n, err := io.ReadFull(from, buf)
		if n > 0 {
			if _, err := f.Write(buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// run runs a process to its end.
func (c *call) run(req *request) reply {
	if len(req.Args) == 0 {
		return reply{Error: "no command"}
	}
	cmd := exec.Command(req.Args[0], req.Args[1:]...) //nolint:gosec // the host may run anything here
	cmd.Env = append(guestEnv(), req.Env...)
	cmd.Dir = req.Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipes, err := c.connect(cmd, req)
	if err == nil {
		err = realtime.Start(cmd)
	}
	pipes.closeChild()
	if err != nil {
		pipes.closeOwn()
		return failed(err)
	}
	_ = c.enc.Encode(&reply{PID: cmd.Process.Pid}) // a host that is gone closes the stream too
	ended := make(chan struct{})
	go c.control(cmd.Process, pipes, ended)
	pipes.copyAll()
	err = cmd.Wait()
	// The process is gone, so whatever the host still sends it is not wanted.
	pipes.endInput()
	pipes.outputs.Wait()
	close(ended)
	if cmd.ProcessState == nil {
		return failed(err)
	}
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return reply{Signal: status.Signal()}
	}
	return reply{Code: status.ExitStatus()}
}

// control passes signals on to a process, and kills its group when the host
// ends the call while it is running.
func (c *call) control(process *os.Process, pipes *pipes, ended <-chan struct{}) {
	for {
		var s kill
		if err := c.dec.Decode(&s); err != nil {
			break
		}
		_ = process.Signal(s.Signal) // it may have ended
	}
	select {
	case <-ended:
		return
	default:
	}
	_ = unix.Kill(-process.Pid, unix.SIGKILL) // it may have ended
	pipes.abandon()
}

// pipes connect the standard files of a process with the host.
type pipes struct {
	child   []*os.File // the process's ends
	in, out []pipe
	outputs sync.WaitGroup
}

// pipe is the agent's end of a pipe and the flow that belongs to it.
type pipe struct {
	file *os.File
	flow *yamux.Stream
}

// connect makes the pipes of a process.
func (c *call) connect(cmd *exec.Cmd, req *request) (*pipes, error) {
	p := &pipes{}
	flows := c.flows
	next := func() *yamux.Stream {
		f := flows[0]
		flows = flows[1:]
		return f
	}
	make2 := func() (r, w *os.File, err error) {
		r, w, err = os.Pipe()
		if err != nil {
			return nil, nil, fmt.Errorf("make a pipe: %w", err)
		}
		return r, w, nil
	}
	if req.Stdin {
		r, w, err := make2()
		if err != nil {
			return p, err
		}
		p.child, p.in = append(p.child, r), append(p.in, pipe{w, next()})
		cmd.Stdin = r
	}
	for _, o := range []struct {
		used bool
		to   *io.Writer
	}{{req.Stdout, &cmd.Stdout}, {req.Stderr, &cmd.Stderr}} {
		if !o.used {
			continue
		}
		r, w, err := make2()
		if err != nil {
			return p, err
		}
		p.child, p.out = append(p.child, w), append(p.out, pipe{r, next()})
		*o.to = w
	}
	if req.Merge {
		cmd.Stderr = cmd.Stdout
	}
	return p, nil
}

// copyAll starts to copy in all directions.
func (p *pipes) copyAll() {
	for _, in := range p.in {
		go func() {
			_, _ = io.Copy(in.file, in.flow) // either end may stop to take part
			_ = in.file.Close()
		}()
	}
	for _, out := range p.out {
		p.outputs.Go(func() {
			_, _ = io.Copy(out.flow, out.file) // likewise
			_ = out.file.Close()
			_ = out.flow.Close()
		})
	}
}

func (p *pipes) closeChild() {
	for _, f := range p.child {
		_ = f.Close()
	}
}

func (p *pipes) closeOwn() {
	for _, q := range slices.Concat(p.in, p.out) {
		_ = q.file.Close()
	}
}

// endInput stops what goes to the process.
func (p *pipes) endInput() {
	for _, in := range p.in {
		_ = in.flow.SetReadDeadline(time.Unix(1, 0))
		_ = in.flow.Close()
	}
}

// abandon stops all copying, whoever else may still hold the pipes.
func (p *pipes) abandon() {
	p.endInput()
	for _, out := range p.out {
		_ = out.flow.SetWriteDeadline(time.Unix(1, 0))
	}
	p.closeOwn()
}

// port is the guest's end of the byte stream.
type port struct{ *os.File }

// openPort finds the port, which the kernel may still be adding.
func openPort() (*port, error) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for ; ; <-tick.C {
		names, err := filepath.Glob("/sys/class/virtio-ports/*/name")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			text, err := os.ReadFile(name) //nolint:gosec // of sysfs
			if err != nil || strings.TrimSpace(string(text)) != portName {
				continue
			}
			// Opened without the Go poller: a port says that it was hung up
			// while the host has not opened it.
			fd, err := unix.Open("/dev/"+filepath.Base(filepath.Dir(name)), unix.O_RDWR|unix.O_CLOEXEC, 0)
			if errors.Is(err, unix.ENOENT) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("open port: %w", err)
			}
			return &port{os.NewFile(uintptr(fd), portName)}, nil
		}
	}
}

// Read waits where the port has no other side yet, which it shows as the end
// of the file.
func (p *port) Read(b []byte) (int, error) {
	n, err := p.File.Read(b)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for errors.Is(err, io.EOF) {
		<-tick.C
		n, err = p.File.Read(b)
	}
	return n, err
}
