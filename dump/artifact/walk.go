// SPDX-License-Identifier: GPL-2.0-only

package artifact

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"scxdiag/dump/artifact/actions"
)

// Stream is one file of those that a walk finds, unpacked.
type Stream struct {
	Name string // where it is: "logs/run.zip!/7_run.txt"; names within archives are as hostile as the rest
	Path string // of the file itself; "" for what is in an archive, packed, or standard input
	io.Reader

	inflated bool // what isEncoded tells of it was undone
	undone   bool // its lines were taken out of records
}

// Visit takes a stream. Several may be under way at the same time. An error of
// reading the stream skips the rest of it; any other one ends the walk.
type Visit func(ctx context.Context, s Stream) error

// Limits bound what a file that was named, or that is in a folder, may unfold to.
type Limits struct {
	Depth   int   // archives within archives
	Members int64 // files in archives
	// Bytes may come out of it in all, and Ratio times its own size, if that is more.
	Bytes, Ratio int64
	// Inner is the largest zip that is within another archive, in bytes: it has to
	// be in memory.
	Inner int64
}

// DefaultLimits are those of a Walker without limits of its own.
var DefaultLimits = Limits{Depth: 6, Members: 1_000_000, Bytes: 4 << 30, Ratio: 200, Inner: 32 << 20}

// Progress counts what a walk has come by.
type Progress struct {
	Files atomic.Int64 // streams
	Bytes atomic.Int64 // unpacked
}

// Walker goes through files. Its zero value is ready.
type Walker struct {
	Limits   Limits         // zero values are those of DefaultLimits
	Progress Progress       // may be read at any time
	Actions  actions.Client // fetches what runs of GitHub Actions left behind
	// Skipped is told what is not read, and why, a LeftOutError or what went wrong; one call at
	// a time. It may be nil.
	Skipped func(name string, why error)

	mu sync.Mutex
}

// StdinName is the name that stands for standard input.
const StdinName = "-"

// ErrLimit is that of what is not read because of a limit.
var ErrLimit = errors.New("limit reached")

// LeftOutError is why something is not read by intention: it is no log, or leads to one that
// is read elsewhere, or there is nothing to be read any more. All other reasons are of
// what may have held something.
type LeftOutError string

func (l LeftOutError) Error() string { return string(l) }

// MissingError is of names that cannot be opened, the only ones that a walk has an
// error for: the others were gone through.
type MissingError struct{ Errs []error }

func (e *MissingError) Error() string { return errors.Join(e.Errs...).Error() }

// Unwrap gives the errors one by one.
func (e *MissingError) Unwrap() []error { return e.Errs }

// Skip tells Skipped that something is not read. Visits call it for what they leave
// out on their own account.
func (w *Walker) Skip(name string, why error) {
	if w.Skipped == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Skipped(name, why)
}

// Walk goes through names, each a file, a folder, StdinName, or a run of GitHub
// Actions as [actions.ParseRun] reads it. Its error is one of
// visit or of the context, or else a *MissingError.
func (w *Walker) Walk(ctx context.Context, names []string, stdin io.Reader, visit Visit) error {
	limits := w.Limits
	for _, l := range []struct{ mine, def *int64 }{
		{&limits.Members, &DefaultLimits.Members}, {&limits.Bytes, &DefaultLimits.Bytes},
		{&limits.Ratio, &DefaultLimits.Ratio}, {&limits.Inner, &DefaultLimits.Inner},
	} {
		if *l.mine == 0 {
			*l.mine = *l.def
		}
	}
	if limits.Depth == 0 {
		limits.Depth = DefaultLimits.Depth
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	run := &run{Walker: w, limits: limits, visit: visit, group: g}
	missing, err := run.names(ctx, names, stdin)
	if err = cmp.Or(g.Wait(), err); err == nil && len(missing) > 0 {
		return &MissingError{missing}
	}
	return err
}

// run is one walk.
type run struct {
	*Walker
	limits Limits
	visit  Visit
	group  *errgroup.Group
}

// names goes through what was named, and returns why some of it cannot be.
func (r *run) names(ctx context.Context, names []string, stdin io.Reader) (missing []error, err error) {
	for _, name := range names {
		if ctx.Err() != nil {
			return missing, ctx.Err()
		}
		if name == StdinName {
			r.group.Go(func() error {
				return r.whole(ctx, Stream{Name: name, Reader: stdin}, 0)
			})
			continue
		}
		info, err := os.Stat(name) // a link that was named is followed
		if err != nil {
			if err := r.elsewhere(ctx, name, err); err != nil {
				missing = append(missing, err)
			}
			continue
		}
		if !info.IsDir() {
			r.group.Go(func() error { return r.file(ctx, name) })
			continue
		}
		if err := r.folder(ctx, name); err != nil {
			return missing, err
		}
	}
	return missing, nil
}

// elsewhere goes through what is no file here, for which there was an error.
func (r *run) elsewhere(ctx context.Context, name string, why error) error {
	run, is := actions.ParseRun(name)
	switch {
	case is:
	case actions.IsAddress(name):
		return fmt.Errorf("%s: is not the address of a run of GitHub Actions, https://HOST/OWNER/REPO/actions/runs/ID", name)
	default:
		return why
	}
	files, err := r.Actions.Files(ctx, run, func(name string, why error) { r.Skip(name, LeftOutError(why.Error())) })
	if err != nil {
		return err
	}
	for _, f := range files {
		r.group.Go(func() error {
			content, err := f.Open(ctx)
			if err != nil {
				return r.broken(ctx, f.Name, err)
			}
			return r.whole(ctx, Stream{Name: f.Name, Reader: io.NewSectionReader(content, 0, content.Size())}, content.Size())
		})
	}
	return nil
}

// folder goes through a folder. Links in it are not followed, and what is no file,
// such as a pipe, is not opened.
func (r *run) folder(ctx context.Context, name string) error {
	var parts []part
	err := filepath.WalkDir(name, func(path string, e fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			r.Skip(path, err)
			return nil
		case e.IsDir():
			return nil
		case e.Type()&fs.ModeSymlink != 0:
			r.Skip(path, LeftOutError("is a link, which are not followed in folders"))
			return nil
		case !e.Type().IsRegular():
			r.Skip(path, LeftOutError("is no file"))
			return nil
		}
		if isPart(path) {
			if p, ok := partOf(path); ok {
				parts = append(parts, p)
				return nil
			}
		}
		r.group.Go(func() error { return r.file(ctx, path) })
		return nil
	})
	r.logs(ctx, parts)
	return err
}

// file goes through a file by its path.
func (r *run) file(ctx context.Context, path string) error {
	f, err := Open(ctx, path)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		r.Skip(path, err)
		return nil
	}
	defer f.Close()
	// A pipe may have nothing to give for long. What has no deadlines does not wait.
	defer context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Now()) })()
	info, err := f.Stat()
	if err != nil {
		r.Skip(path, err)
		return nil
	}
	size := int64(0)
	if info.Mode().IsRegular() {
		size = info.Size()
	}
	return r.whole(ctx, Stream{Name: path, Path: path, Reader: f}, size)
}

// Open opens a file for reading. A named pipe that nobody writes to would block that
// for ever: it returns with ctx, and what is left of it ends with the program.
func Open(ctx context.Context, path string) (*os.File, error) {
	type result struct {
		f   *os.File
		err error
	}
	opened := make(chan result, 1)
	go func() {
		f, err := os.Open(path) //nolint:gosec // what the user named
		opened <- result{f, err}
	}()
	select {
	case r := <-opened:
		return r.f, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// whole goes through a file that is in no archive; size is 0 if it is unknown.
func (r *run) whole(ctx context.Context, s Stream, size int64) error {
	b := &budget{limits: &r.limits, progress: &r.Progress}
	b.bytes.Store(max(r.limits.Bytes, size*r.limits.Ratio))
	b.members.Store(r.limits.Members)
	err := r.stream(ctx, s, b, 0)
	if b.over.Load() {
		r.Skip(s.Name, fmt.Errorf("unfolds to more than it may, so the rest of it is left out: %w", ErrLimit))
	}
	return err
}

// budget is what may still come out of a file.
type budget struct {
	limits   *Limits
	progress *Progress
	bytes    atomic.Int64
	members  atomic.Int64
	over     atomic.Bool
}

// member takes one more file of an archive; false if there may be no more.
func (b *budget) member() bool {
	if b.members.Add(-1) < 0 {
		b.over.Store(true)
	}
	return !b.over.Load()
}

// counted is what comes out of a file, or out of an archive in it. It notes its
// error: that is of the stream, not of who reads it.
type counted struct {
	ctx   context.Context
	r     io.Reader
	b     *budget
	inner bool // it was unpacked
	err   error
}

func (c *counted) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	if c.inner && c.b.over.Load() {
		c.err = ErrLimit
		return 0, c.err
	}
	n, err := c.r.Read(p)
	if c.inner && c.b.bytes.Add(int64(-n)) < 0 {
		c.b.over.Store(true)
		n, err = 0, ErrLimit
	}
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}
