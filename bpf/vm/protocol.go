// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log"
	"syscall"
	"time"

	"github.com/hashicorp/yamux"
)

// Host and guest share one byte stream, a virtio-serial port. It is split into
// streams with a window each, so that one that nobody reads stops only its own
// writer. The host makes a call by opening a stream for JSON messages in both
// directions, and behind it one for each flow of bytes that the request names.

// portName names the port in the guest.
const portName = "scxdiag"

// The operations of a request.
const (
	opPing  = "ping"  // reply
	opRun   = "run"   // reply with the PID; signals may follow; reply with the status
	opRead  = "read"  // one flow from the guest; reply
	opWrite = "write" // one flow to the guest; reply
)

// request begins a call.
type request struct {
	Op string `json:"op"`

	// Of opRun. Each of Stdin, Stdout and Stderr that is set is a flow.
	Args   []string `json:"args,omitempty"`
	Env    []string `json:"env,omitempty"`
	Dir    string   `json:"dir,omitempty"`
	Stdin  bool     `json:"stdin,omitempty"`
	Stdout bool     `json:"stdout,omitempty"`
	Stderr bool     `json:"stderr,omitempty"`
	Merge  bool     `json:"merge,omitempty"` // stderr goes where stdout goes

	// Of opRead and opWrite.
	Path string      `json:"path,omitempty"`
	Mode fs.FileMode `json:"mode,omitempty"`
}

// flows is how many streams follow the first.
func (r *request) flows() int {
	switch r.Op {
	case opRun:
		n := 0
		for _, used := range []bool{r.Stdin, r.Stdout, r.Stderr} {
			if used {
				n++
			}
		}
		return n
	case opRead, opWrite:
		return 1
	}
	return 0
}

// kill is a signal for the process of a run.
type kill struct {
	Signal syscall.Signal `json:"signal"`
}

// reply answers a request.
type reply struct {
	Error  string         `json:"error,omitempty"`
	Errno  syscall.Errno  `json:"errno,omitempty"` // of Error, if it has one
	PID    int            `json:"pid,omitempty"`
	Code   int            `json:"code,omitempty"`
	Signal syscall.Signal `json:"signal,omitempty"`
}

// failed is the reply for an error, or for success where it is nil.
func failed(err error) reply {
	if err == nil {
		return reply{}
	}
	r := reply{Error: err.Error()}
	errors.As(err, &r.Errno)
	return r
}

// err is the error that the reply tells of.
func (r *reply) err() error {
	if r.Error == "" {
		return nil
	}
	return &guestError{r.Error, r.Errno}
}

// guestError is an error that occurred in the guest.
type guestError struct {
	text  string
	errno syscall.Errno
}

func (e *guestError) Error() string { return e.text }

// Unwrap gives the system's error number, so that errors.Is finds
// fs.ErrNotExist and the like.
func (e *guestError) Unwrap() error {
	if e.errno == 0 {
		return nil
	}
	return e.errno
}

// receive reads the next JSON message of a call into v.
func receive(d *json.Decoder, v any) error {
	err := d.Decode(v)
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// sessionConfig has no time limits. A stream that stands still means that its
// reader is slow, or that the guest is, and neither is an error.
func sessionConfig() *yamux.Config {
	const never = 10 * 365 * 24 * time.Hour
	c := yamux.DefaultConfig()
	c.EnableKeepAlive = false
	c.ConnectionWriteTimeout = never
	c.StreamOpenTimeout = 0
	c.StreamCloseTimeout = 0
	c.MaxStreamWindowSize = 1 << 20
	c.LogOutput = nil
	c.Logger = log.New(io.Discard, "", 0) // its errors come back from calls too
	return c
}
