// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"

	"scxdiag/dump"
	"scxdiag/dump/report"
	"scxdiag/dump/store"
	"scxdiag/tui"
)

// What the screen has room for: snapshots of a recording, and tasks in them,
// each of which takes about a KiB.
const (
	windowSnapshots = 1000
	windowTasks     = 300_000
)

// opening is the position of the entry that a recording opens with: the first
// failure, if possible one with tasks, or else the last entry.
func opening(entries []store.Entry) int {
	hasFailed := func(e store.Entry) bool { return e.Failure }
	hasDump := func(e store.Entry) bool { return e.Failure && e.Tasks > 0 }
	if i := slices.IndexFunc(entries, hasDump); i >= 0 {
		return i
	}
	if i := slices.IndexFunc(entries, hasFailed); i >= 0 {
		return i
	}
	return len(entries) - 1
}

// window is as many entries around the one at position at as the screen has
// room for, and where among them that one is.
func window(entries []store.Entry, at int) (shown []store.Entry, start int) {
	first, end, tasks := at, at+1, entries[at].Tasks
	for grew := true; grew && end-first < windowSnapshots; {
		grew = false
		if first > 0 && tasks+entries[first-1].Tasks <= windowTasks {
			first--
			tasks += entries[first].Tasks
			grew = true
		}
		if end < len(entries) && tasks+entries[end].Tasks <= windowTasks {
			tasks += entries[end].Tasks
			end++
			grew = true
		}
	}
	return entries[first:end], at - first
}

// openFollowed opens the recording of --follow.
func (o *opener) openFollowed(ctx context.Context) (*store.Store, error) {
	name := o.args[0].file
	src, err := openSource(ctx, name, o.stdin)
	if err != nil {
		return nil, err
	}
	src.close()
	if src.kind != kindRecording {
		return nil, fmt.Errorf("%s: is no recording, which --follow takes", name)
	}
	return store.OpenReader(name)
}

// follow passes on what is recorded after the snapshot number after, until ctx
// is done or pass fails.
func (o *opener) follow(ctx context.Context, st *store.Store, after int64, skipped func(error), pass func(*dump.Snapshot) error) error {
	for e, err := range st.Follow(ctx, after) {
		if err != nil {
			return err
		}
		s, err := st.Get(ctx, e.ID)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, store.ErrNotFound): // it was deleted in between
		case err != nil:
			o.ownFailure = true
			skipped(err)
		default:
			if err := o.pass(ctx, s, pass); err != nil {
				return err
			}
			if o.unrecorded != nil {
				return o.unrecorded
			}
		}
	}
	return nil
}

// printOn prints what a recording has, and then what it gets.
func (o *opener) printOn(ctx context.Context, f format, stdout io.Writer) error {
	st, err := o.openFollowed(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }() // it was only read
	w := f.writer(stdout)
	if f == formatJSON {
		w = report.NewJSONLines(stdout, report.Options{})
	}
	err = o.follow(ctx, st, 0, func(err error) { complain(o.stderr, err) }, reportWriter{w}.Add)
	var failed *addError
	switch {
	// After EPIPE, whoever reads the output has seen enough.
	case errors.As(err, &failed) && !errors.Is(failed.err, syscall.EPIPE):
		return failed.err
	case err != nil && failed == nil:
		return err
	case o.ownFailure:
		return errReported
	case o.sawFailure:
		return errFailureFound
	}
	return nil
}

// watch shows on the screen what a recording has last, and then what it gets.
func (o *opener) watch(ctx context.Context, options tui.Options) error {
	st, err := o.openFollowed(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }() // it was only read
	entries, err := st.List(ctx, store.Filter{})
	if err != nil {
		return err
	}
	after := int64(0)
	if len(entries) > 0 {
		shown, _ := window(entries, len(entries)-1)
		after = shown[0].Seq - 1
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	snapshots, status := make(chan *dump.Snapshot), make(chan string)
	say := func(line string) {
		select {
		case status <- line:
		case <-ctx.Done():
		}
	}
	ended := make(chan error, 1)
	go func() {
		defer close(snapshots)
		say("following " + o.args[0].file)
		err := o.follow(ctx, st, after, func(err error) { say(err.Error()) }, func(s *dump.Snapshot) error {
			select {
			case snapshots <- s:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err != nil && ctx.Err() == nil {
			say(err.Error())
		}
		ended <- err
	}()
	err = tui.Watch(ctx, tui.Feed{Snapshots: snapshots, Status: status}, options)
	stop()
	if followErr := <-ended; err == nil && followErr != nil {
		var failed *addError
		if !errors.As(followErr, &failed) || !isEnd(failed.err) {
			err = followErr
		}
	}
	if err != nil && !isEnd(err) {
		return err
	}
	return nil
}
