// SPDX-License-Identifier: GPL-2.0-only

package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/cilium/ebpf/btf"

	"scxdiag/dump"
)

// Machine is what there is to look at.
type Machine struct {
	Root    fs.FS  // of "/"
	Arch    string // that the program is built for, as Go calls it
	Program string // its path

	// Catalogue is the path of the recording that record adds to, and an error if
	// that cannot be written.
	Catalogue func() (string, error)
	// QEMU is an error if there is none.
	QEMU func() error
	// GuestKernel says where the kernel of a virtual machine comes from.
	GuestKernel func() (string, error)
}

// How much is read of a file, and shown of what it says, in bytes.
const (
	maxFile  = 64 << 10
	maxTypes = 64 << 20 // of a kernel with everything built in there are some 20 MiB
	maxSaid  = 200
)

// examination is a machine with what more than one check asks for.
type examination struct {
	Machine
	release  string // "" if unknown
	schedExt bool
	caps     capabilities

	config     config // nil if unknown
	configFile string // where from

	types     *btf.Spec // nil if there are none
	typesSize int
	typesErr  error
}

func newExamination(m *Machine) *examination {
	e := &examination{Machine: *m}
	e.release = e.line("proc/sys/kernel/osrelease")
	e.schedExt = e.exists("sys/kernel/sched_ext/state")
	e.caps = e.readCapabilities()
	e.config, e.configFile = e.readConfig()
	e.types, e.typesErr = e.readTypes()
	return e
}

// read is the start of a file, up to limit bytes.
func (e *examination) read(path string, limit int64) ([]byte, error) {
	f, err := e.Root.Open(path)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	defer func() { _ = f.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("read /%s: %w", path, err)
	}
	return data, nil
}

// text is what a file says, "" if it cannot be read.
func (e *examination) text(path string) string {
	data, err := e.read(path, maxFile)
	if err != nil {
		return ""
	}
	return string(data)
}

// line is what a file says, made fit to be shown; "" if it cannot be read.
func (e *examination) line(path string) string { return said(e.text(path)) }

// said is text from outside, made fit to be shown.
func said(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > maxSaid {
		s = s[:maxSaid] + "..."
	}
	return dump.Printable(s)
}

// quoted is a name that was made fit to be shown, apart from the words around it.
func quoted(s string) string { return `"` + s + `"` }

func (e *examination) exists(path string) bool {
	_, err := fs.Stat(e.Root, path)
	return err == nil
}

const typesFile = "sys/kernel/btf/vmlinux"

// readTypes reads what the kernel tells of its types.
func (e *examination) readTypes() (*btf.Spec, error) {
	data, err := e.read(typesFile, maxTypes+1)
	if err != nil {
		return nil, err
	}
	if len(data) > maxTypes {
		return nil, errors.New("it is larger than 64 MiB")
	}
	e.typesSize = len(data)
	return btf.LoadSpecFromReader(bytes.NewReader(data)) //nolint:wrapcheck // the check says what it is of
}
