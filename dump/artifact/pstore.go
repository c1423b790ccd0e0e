// SPDX-License-Identifier: GPL-2.0-only

package artifact

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/flate"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What the kernel saves of its log when it dies (pstore) is in files of a few KiB
// each, such as dmesg-efi-178001001. Each begins with a line that says of which end
// it is and which part: the first part is the end of the log.
var partHeader = regexp.MustCompile(`^([A-Z][a-z]+#\d+) Part(\d+)\n`)

// isPart reports whether a file may be a part by its name.
func isPart(path string) bool { return strings.HasPrefix(filepath.Base(path), "dmesg-") }

// isEncoded reports whether a file is a part that the kernel compressed and could not
// decompress, by its name, for that is all that tells.
func isEncoded(path string) bool { return isPart(path) && strings.HasSuffix(path, ".enc.z") }

// inflate decompresses such a part. The kernel's deflate has no header since 4.19, and
// that of zlib before. What other algorithms wrote is an error.
func inflate(src io.Reader) io.Reader {
	const zlibHeader, deflate, method, check = 2, 8, 0x0f, 31
	b := bufio.NewReader(src)
	head, _ := b.Peek(zlibHeader) // an error comes again
	if len(head) == zlibHeader && head[0]&method == deflate && binary.BigEndian.Uint16(head)%check == 0 {
		if z, err := zlib.NewReader(b); err == nil {
			return z
		}
	}
	return flate.NewReader(b)
}

// partReader reads the text of a part.
func partReader(path string, f io.Reader) io.Reader {
	if isEncoded(path) {
		return inflate(f)
	}
	return f
}

// part is a file that is part of a log.
type part struct {
	path string
	of   string // "Panic#1", and the folder
	nr   int
}

// partOf looks whether a file is a part.
func partOf(path string) (part, bool) {
	f, err := os.Open(path) //nolint:gosec // what the user named
	if err != nil {
		return part{}, false // which is told when it is read
	}
	defer f.Close()
	head, _ := bufio.NewReader(partReader(path, f)).ReadSlice('\n')
	m := partHeader.FindSubmatch(head)
	if m == nil {
		return part{}, false
	}
	nr, err := strconv.Atoi(string(m[2]))
	return part{path, filepath.Dir(path) + "/" + string(m[1]), nr}, err == nil
}

// maxParts is how many parts a log may have: the kernel saves some KiB of it.
const maxParts = 1000

// logs goes through logs, each put together of its parts, the oldest first.
func (r *run) logs(ctx context.Context, parts []part) {
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Or(strings.Compare(a.of, b.of), cmp.Compare(b.nr, a.nr)) })
	for len(parts) > 0 {
		n := slices.IndexFunc(parts, func(p part) bool { return p.of != parts[0].of })
		if n < 0 {
			n = len(parts)
		}
		log := parts[:n]
		parts = parts[n:]
		r.group.Go(func() error { return r.log(ctx, log) })
	}
}

func (r *run) log(ctx context.Context, parts []part) error {
	if len(parts) > maxParts {
		r.Skip(parts[0].path, fmt.Errorf("is one of %d parts of a log: %w", len(parts), ErrLimit))
		return nil
	}
	var all bytes.Buffer
	for _, p := range parts {
		const maxPart = 1 << 20
		f, err := os.Open(p.path)
		if err != nil {
			r.Skip(p.path, err)
			continue
		}
		data, err := io.ReadAll(io.LimitReader(partReader(p.path, f), maxPart+1))
		switch err = errors.Join(err, f.Close()); {
		case err != nil:
			r.Skip(p.path, fmt.Errorf("cannot be read to its end: %w", err))
		case len(data) > maxPart:
			r.Skip(p.path, fmt.Errorf("is a part of a log of more than %d MiB: %w", maxPart>>20, ErrLimit))
			continue
		}
		all.Write(partHeader.ReplaceAll(data, nil))
	}
	name := parts[len(parts)-1].path
	if n := len(parts); n > 1 {
		name = fmt.Sprintf("%s (and %d parts before it)", name, n-1)
	}
	return r.whole(ctx, Stream{Name: name, Reader: &all, inflated: true}, int64(all.Len()))
}
