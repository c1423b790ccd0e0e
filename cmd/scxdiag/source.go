// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"scxdiag/dump/artifact"
	"scxdiag/dump/ktstr"
	"scxdiag/dump/store"
	"scxdiag/dump/wire"
)

// stdinName is the name that stands for standard input.
const stdinName = artifact.StdinName

// sourceKind is what a file holds.
type sourceKind uint8

const (
	kindText      sourceKind = iota // or anything else
	kindRecords                     // ring-buffer records
	kindRecording                   // for package store, by its name
	kindKtstr                       // a failure dump of ktstr
)

// source is an open log. Reading it ends when its context does.
type source struct {
	io.Reader
	name  string
	kind  sourceKind
	size  int64 // -1 if unknown
	close func()
}

// openSource opens a file, or standard input, and refuses what cannot be a
// log.
func openSource(ctx context.Context, name string, stdin io.Reader) (*source, error) {
	src := &source{Reader: stdin, name: name, size: -1, close: func() {}}
	if name != stdinName {
		f, err := artifact.Open(ctx, name)
		if err != nil {
			return nil, openError(name, err)
		}
		src.Reader, src.close = f, func() { _ = f.Close() } // it was only read
	}
	if err := src.check(ctx); err != nil {
		src.close()
		return nil, err
	}
	return src, nil
}

// check looks at what kind of file it is and at its first bytes.
func (s *source) check(ctx context.Context) error {
	isRegular := false
	if f, ok := s.Reader.(*os.File); ok {
		info, err := f.Stat()
		if err != nil {
			return openError(s.name, err)
		}
		if info.IsDir() {
			return fmt.Errorf("%s: is a directory; scxdiag attach goes through it", called(s.name))
		}
		if isRegular = info.Mode().IsRegular(); isRegular && info.Size() > 0 {
			s.size = info.Size() // files of /proc and the like say 0
		}
	}
	if isRegular {
		s.Reader = &cancelled{ctx: ctx, src: s.Reader}
	} else {
		s.Reader = newPump(ctx, s.Reader)
	}
	start, err := readStart(s.Reader)
	switch {
	case errors.Is(err, io.EOF):
		return &noDumpError{name: s.name}
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return openError(s.name, err)
	}
	switch {
	case store.IsRecording(start) && (!isRegular || s.name == stdinName):
		return fmt.Errorf("%s: is a recording, which has to be named as a file; save it to one if it is none", called(s.name))
	case store.IsRecording(start):
		s.kind = kindRecording
	default:
		s.kind = kindOf(start)
	}
	if packing := artifact.Packing(start); packing != "" {
		return fmt.Errorf("%s: is compressed (%s); decompress it first: %s %s | scxdiag open -",
			called(s.name), packing, unpackers[packing], shellWord(s.name))
	}
	s.Reader = io.MultiReader(bytes.NewReader(start), s.Reader)
	return nil
}

// readStart reads as much of a file as tells what it is. The error is that of
// io.ReadFull.
func readStart(r io.Reader) ([]byte, error) {
	start := make([]byte, ktstr.SniffLen)
	n, err := io.ReadFull(r, start[:store.MagicLen]) // enough for all others
	if err != nil || !ktstr.IsObject(start[:n]) {
		return start[:n], err
	}
	more, err := io.ReadFull(r, start[n:])
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // not of the file as a whole
	}
	return start[:n+more], err
}

// kindOf is what a stream that begins with start holds, if it is no recording.
func kindOf(start []byte) sourceKind {
	switch {
	case wire.Sniff(start):
		return kindRecords
	case ktstr.Sniff(start):
		return kindKtstr
	}
	return kindText
}

// unpackers are the commands that print what is in a file, by how it is packed.
var unpackers = map[string]string{
	"gzip": "zcat", "zip": "unzip -p", "xz": "xzcat", "zstd": "zstdcat", "bzip2": "bzcat", "lz4": "lz4cat",
}

// openError says in one line why a file cannot be opened, and what to do.
func openError(name string, err error) error {
	var cause syscall.Errno
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: interrupted", called(name))
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: no such file; check the name, or use - for standard input", name)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: permission denied; read it as another user: sudo cat %s | scxdiag open -",
			called(name), shellWord(name))
	case errors.As(err, &cause):
		return fmt.Errorf("%s: cannot be read: %w", called(name), cause)
	}
	return fmt.Errorf("%s: cannot be read: %w", called(name), err)
}

// shellWord is a file name as one types it into a shell. A name that would
// need quoting is for the user to fill in.
func shellWord(name string) string {
	isPlain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-/+,:=@%", r)
	}
	if name == stdinName || strings.ContainsFunc(name, func(r rune) bool { return !isPlain(r) }) {
		return "FILE"
	}
	return name
}

// called is what messages call a source.
func called(name string) string {
	if name == stdinName {
		return "standard input"
	}
	return name
}

// sayPaste says, where standard input is a terminal, what it waits for.
func sayPaste(stdin io.Reader, stderr io.Writer) {
	if _, is := terminal(stdin); is {
		_, _ = fmt.Fprintln(stderr, "Paste a log; ctrl+d at the start of a line ends it.")
	}
}

// noDumpError says that a file was read and holds nothing for this program.
type noDumpError struct {
	name string
	read int64
}

func (e *noDumpError) Error() string {
	if e.read == 0 {
		return called(e.name) + ": is empty; was the log written yet?"
	}
	return fmt.Sprintf("%s: no sched_ext dump or verdict in it (%s read); is it the log of the scheduler or of the kernel?",
		called(e.name), bytesText(e.read))
}
