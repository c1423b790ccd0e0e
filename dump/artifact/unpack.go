// SPDX-License-Identifier: GPL-2.0-only

package artifact

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"

	"scxdiag/dump/unwrap"
)

// packing is how a stream is packed.
type packing uint8

const (
	plain packing = iota
	gzipped
	bzipped
	xzipped
	zstdPacked
	lz4Packed // which is not undone
	tarArchive
	zipArchive
	deflated // a part of a log, which only its name tells
)

// headLen is how much of a stream tells how it is packed: the first block of a tar.
const headLen = 512

// tarMagic is where a tar says that it is one.
const tarMagic = 257

// magics are how what is packed begins.
var magics = []struct {
	magic string
	packing
	name string // of the format
}{
	{"\x1f\x8b\x08", gzipped, "gzip"}, {"BZh", bzipped, "bzip2"}, {"\xfd7zXZ\x00", xzipped, "xz"}, {"\x28\xb5\x2f\xfd", zstdPacked, "zstd"},
	{"\x04\x22\x4d\x18", lz4Packed, "lz4"},
	{"PK\x03\x04", zipArchive, "zip"}, {"PK\x05\x06", zipArchive, "zip"}, {"PK\x07\x08", zipArchive, "zip"},
}

// Packing is the name of the format that a file is packed in that begins with head,
// which may be short: "gzip", "bzip2", "xz", "zstd", "lz4" or "zip"; "" if it is none of
// these.
func Packing(head []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.name
		}
	}
	return ""
}

func packingOf(head []byte) packing {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.packing
		}
	}
	if len(head) == headLen && bytes.HasPrefix(head[tarMagic:], []byte("ustar")) {
		return tarArchive
	}
	return plain
}

// maxWindow is how many bytes back unpacking may have to look, anywhere in a stream:
// as many of memory are taken.
const maxWindow = 64 << 20

// stream goes through a stream: what it is packed with is undone, and archives are
// opened.
func (r *run) stream(ctx context.Context, s Stream, b *budget, depth int) error {
	in := &counted{ctx: ctx, r: s.Reader, b: b, inner: depth > 0}
	head := bufio.NewReaderSize(in, 64<<10)
	start, err := head.Peek(headLen)
	if err != nil && !errors.Is(err, io.EOF) && len(start) == 0 {
		return r.broken(ctx, s.Name, err)
	}
	kind := packingOf(start)
	if kind == plain && isEncoded(s.Name) && !s.inflated {
		kind = deflated
	}
	if kind == plain && !s.undone {
		if lines, how := unwrap.Undo(head); how != "" { // which may be much longer than the records
			return r.stream(ctx, Stream{Name: s.Name, Reader: lines, inflated: s.inflated, undone: true}, b, max(depth, 1))
		}
	}
	if kind == plain {
		r.Progress.Files.Add(1)
		s.Reader = &measured{head, &r.Progress}
		err := r.visit(ctx, s)
		if err != nil && in.err != nil {
			return r.broken(ctx, s.Name, in.err)
		}
		return err
	}
	if depth >= r.limits.Depth {
		r.Skip(s.Name, fmt.Errorf("is packed more than %d times: %w", r.limits.Depth, ErrLimit))
		return nil
	}
	switch kind {
	case lz4Packed:
		r.Skip(s.Name, errors.New("is compressed with lz4, which is not undone; decompress it first"))
		return nil
	case tarArchive:
		return r.tar(ctx, s.Name, head, b, depth)
	case zipArchive:
		if at, size, ok := randomAccess(s.Reader); ok {
			return r.zip(ctx, s.Name, at, size, b, depth)
		}
		return r.innerZip(ctx, s.Name, head, b, depth)
	}
	un, err := unpacker(kind, head)
	if err != nil {
		return r.broken(ctx, s.Name, err)
	}
	defer un.close()
	return r.stream(ctx, Stream{Name: s.Name, Reader: un, inflated: kind == deflated}, b, depth+1)
}

// randomAccess is a stream that can be read at any place, and its size.
func randomAccess(src io.Reader) (at io.ReaderAt, size int64, ok bool) {
	switch src := src.(type) {
	case *io.SectionReader:
		size = src.Size()
		return src, size, true
	case *os.File:
		info, err := src.Stat()
		if err == nil && info.Mode().IsRegular() {
			return src, info.Size(), true
		}
	}
	return nil, 0, false
}

// broken tells that a stream, or the rest of it, cannot be read.
func (r *run) broken(ctx context.Context, name string, why error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(why, ErrLimit): // which is told of the whole file
	case errors.Is(why, xz.ErrMemlimit), errors.Is(why, zstd.ErrWindowSizeExceeded):
		r.Skip(name, fmt.Errorf("cannot be read to its end, as that wants more than %d MiB of memory: %w", maxWindow>>20, ErrLimit))
	default:
		r.Skip(name, fmt.Errorf("cannot be read to its end: %w", why))
	}
	return nil
}

// measured counts what is read.
type measured struct {
	io.Reader
	progress *Progress
}

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	m.progress.Bytes.Add(int64(n))
	return n, err
}

// unpacked undoes a packing.
type unpacked struct {
	io.Reader
	close func()
}

// unpacker undoes a packing.
func unpacker(kind packing, src io.Reader) (*unpacked, error) {
	u := &unpacked{close: func() {}}
	switch kind {
	case gzipped:
		z, err := gzip.NewReader(src)
		if err != nil {
			return nil, err
		}
		u.Reader = z
	case bzipped:
		u.Reader = bzip2.NewReader(src)
	case xzipped:
		z, err := xz.NewReader(src, maxWindow)
		if err != nil {
			return nil, err
		}
		u.Reader = z
	case zstdPacked:
		z, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		u.Reader, u.close = z, z.Close
	case deflated:
		u.Reader = inflate(src)
	default:
		return nil, fmt.Errorf("packing %d is none", kind)
	}
	return u, nil
}

// tar goes through the files of a tar.
func (r *run) tar(ctx context.Context, name string, src io.Reader, b *budget, depth int) error {
	t := tar.NewReader(src)
	for {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, tar.ErrInsecurePath): // it leads nowhere: nothing is written
		case err != nil:
			return r.broken(ctx, name, err)
		}
		if !b.member() {
			return nil
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := r.stream(ctx, Stream{Name: name + "!/" + h.Name, Reader: t}, b, depth+1); err != nil {
			return err
		}
	}
}

// innerZip goes through a zip that can be read only from front to back, for which
// it has to be in memory.
func (r *run) innerZip(ctx context.Context, name string, src io.Reader, b *budget, depth int) error {
	data, err := io.ReadAll(io.LimitReader(src, r.limits.Inner+1))
	if err != nil {
		return r.broken(ctx, name, err)
	}
	if int64(len(data)) > r.limits.Inner {
		r.Skip(name, fmt.Errorf("is a zip of more than %d MiB within an archive; unpack the outer one first: %w", r.limits.Inner>>20, ErrLimit))
		return nil
	}
	return r.zip(ctx, name, bytes.NewReader(data), int64(len(data)), b, depth)
}

// maxDirectory is how much of a zip may be its directory, in bytes: it is in memory
// as a whole, and takes some times as much there.
const maxDirectory = 8 << 20

// directory bounds what is read of a zip until its directory has been.
type directory struct {
	io.ReaderAt
	left int64
	read bool
}

func (d *directory) ReadAt(p []byte, off int64) (int, error) {
	if !d.read {
		if d.left -= int64(len(p)); d.left < 0 {
			return 0, fmt.Errorf("has a directory of more than %d MiB: %w", maxDirectory>>20, ErrLimit)
		}
	}
	return d.ReaderAt.ReadAt(p, off)
}

// flagEncrypted is the bit of a zip's member that says that it is encrypted.
const flagEncrypted = 1

// zip goes through the files of a zip, several at a time.
func (r *run) zip(ctx context.Context, name string, src io.ReaderAt, size int64, b *budget, depth int) error {
	dir := &directory{ReaderAt: src, left: maxDirectory}
	z, err := zip.NewReader(dir, size)
	switch {
	case errors.Is(err, ErrLimit):
		r.Skip(name, err)
		return nil
	case err != nil && !errors.Is(err, zip.ErrInsecurePath): // it leads nowhere: nothing is written
		return r.broken(ctx, name, err)
	}
	dir.read = true
	var members sync.WaitGroup
	defer members.Wait() // who reads src
	for _, f := range z.File {
		if !b.member() {
			return nil
		}
		if !f.Mode().IsRegular() {
			continue
		}
		inner := name + "!/" + f.Name
		if f.Flags&flagEncrypted != 0 {
			r.Skip(inner, errors.New("is encrypted"))
			continue
		}
		members.Add(1)
		job := func() error {
			defer members.Done()
			m, err := f.Open()
			if err != nil {
				return r.broken(ctx, inner, err)
			}
			defer m.Close()
			return r.stream(ctx, Stream{Name: inner, Reader: m}, b, depth+1)
		}
		if !r.group.TryGo(job) {
			if err := job(); err != nil {
				return err
			}
		}
	}
	return nil
}
