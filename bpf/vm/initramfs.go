// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Self is where the guest has the program that it was started with.
const Self = "/init"

// File is a file that the guest has from the start.
type File struct {
	Path string      // in the guest, absolute
	Host string      // the host's file to copy, or
	Data []byte      // what it holds, where Host is empty
	Mode fs.FileMode // permissions; 0 is 0755
}

// errDynamic is why a program cannot run alone in the guest.
var errDynamic = errors.New("dynamically linked, build it with CGO_ENABLED=0")

// newInitramfs writes the guest's first file system to a file without a name.
func newInitramfs(program string, files []File) (_ *os.File, err error) {
	if err := checkStatic(program); err != nil {
		return nil, fmt.Errorf("guest program %s: %w", program, err)
	}
	out, err := memfile("initramfs")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = out.Close()
		}
	}()
	w := &cpioWriter{w: out, made: map[string]bool{"/": true}}
	// Init needs these before it mounts devtmpfs: the kernel opens the
	// console for it, and the Go runtime opens null.
	w.node("/dev/console", unix.S_IFCHR|0o600, 5, 1)
	w.node("/dev/null", unix.S_IFCHR|0o666, 1, 3)
	w.file(File{Path: Self, Host: program})
	for _, f := range files {
		w.file(f)
	}
	w.end()
	if w.err != nil {
		return nil, fmt.Errorf("write initramfs: %w", w.err)
	}
	return out, nil
}

// checkStatic tells whether a program needs a dynamic linker.
func checkStatic(program string) error {
	f, err := elf.Open(program)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errDynamic
		}
	}
	return nil
}

// memfile makes a file that lives in memory for as long as it is open.
func memfile(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// cpioWriter writes the cpio format "newc", which the kernel unpacks. The
// first error sticks.
type cpioWriter struct {
	w    io.Writer
	made map[string]bool // the directories that there are
	ino  int
	err  error
}

// file adds a regular file and the directories above it.
func (c *cpioWriter) file(f File) {
	if c.err != nil {
		return
	}
	if !path.IsAbs(f.Path) {
		c.err = fmt.Errorf("guest path %q is not absolute", f.Path)
		return
	}
	mode := f.Mode.Perm()
	if mode == 0 {
		mode = 0o755
	}
	if f.Host == "" {
		c.entry(f.Path, unix.S_IFREG|uint32(mode), int64(len(f.Data)), 0, 0, strings.NewReader(string(f.Data)))
		return
	}
	src, err := os.Open(f.Host)
	if err != nil {
		c.err = err
		return
	}
	defer func() { _ = src.Close() }() // only read
	info, err := src.Stat()
	if err != nil {
		c.err = err
		return
	}
	c.entry(f.Path, unix.S_IFREG|uint32(mode), info.Size(), 0, 0, src)
}

// node adds a device node.
func (c *cpioWriter) node(name string, mode uint32, major, minor int) {
	c.entry(name, mode, 0, major, minor, strings.NewReader(""))
}

func (c *cpioWriter) entry(name string, mode uint32, size int64, major, minor int, data io.Reader) {
	name = path.Clean(name)
	c.dir(path.Dir(name))
	c.header(name, mode, size, major, minor)
	if c.err != nil {
		return
	}
	if _, err := io.CopyN(c.w, data, size); err != nil {
		c.err = fmt.Errorf("%s: %w", name, err)
		return
	}
	c.pad(size)
}

// dir adds a directory and those above it.
func (c *cpioWriter) dir(name string) {
	if c.made[name] {
		return
	}
	c.made[name] = true
	c.dir(path.Dir(name))
	c.header(name, unix.S_IFDIR|0o755, 0, 0, 0)
}

func (c *cpioWriter) header(name string, mode uint32, size int64, major, minor int) {
	if c.err != nil {
		return
	}
	if size > 1<<32-1 {
		c.err = fmt.Errorf("%s: larger than 4 GiB", name)
		return
	}
	c.ino++
	name = strings.TrimPrefix(name, "/")
	const uid, gid, links, mtime, devMajor, devMinor, check = 0, 0, 1, 0, 0, 0, 0
	n, err := fmt.Fprintf(c.w, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		c.ino, mode, uid, gid, links, mtime, size, devMajor, devMinor, major, minor, len(name)+1, check, name)
	if err != nil {
		c.err = err
		return
	}
	c.pad(int64(n))
}

// pad fills up to a multiple of 4 bytes, after n bytes from such a multiple.
func (c *cpioWriter) pad(n int64) {
	if c.err == nil {
		_, c.err = c.w.Write(make([]byte, -n&3))
	}
}

// end ends the archive.
func (c *cpioWriter) end() { c.header("TRAILER!!!", 0, 0, 0, 0) }
