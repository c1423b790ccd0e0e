// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"scxdiag/bpf"
	"scxdiag/bpf/privilege"
	"scxdiag/bpf/realtime"
)

// attached is the source of live that watches a scheduler of somebody else.
func (l *live) attached(ctx context.Context, f feed) error {
	if l.duration > 0 {
		timed, cancel := context.WithTimeout(ctx, l.duration)
		defer cancel()
		ctx = timed
	}
	return watchAny(ctx, &bpf.Recorder{
		Interval: l.interval, Sample: f.sample, Halfway: true, Snapshot: f.dump, Status: f.status,
	}, l.record.paths(), nil)
}

// watchAny runs a recorder that writes to the given recordings, until ctx is done. Once
// it is attached, the process gives up what it may do and no longer needs to, and ready
// is called unless nil.
func watchAny(ctx context.Context, r *bpf.Recorder, recordings []string, ready func()) error {
	// A scheduler that fails may not run ordinary processes, this one among them.
	if err := realtime.Enter(); err != nil {
		r.Status("a scheduler that fails may hold scxdiag up: " + err.Error())
	}
	if err := r.Attach(); err != nil {
		return err
	}
	defer r.Close()
	for _, p := range r.Points() {
		if p.Err != nil {
			r.Status(fmt.Sprintf("no %s: %s: %v", p.Use, p.Name, p.Err))
		}
	}
	if err := dropPrivileges(recordings); err != nil {
		r.Status("scxdiag may do more than it needs to: " + err.Error())
	}
	if ready != nil {
		ready()
	}
	if err := r.Run(ctx); err != nil {
		return err
	}
	lost, err := r.Lost()
	if err == nil && lost != (bpf.Lost{}) {
		r.Status(fmt.Sprintf("the kernel had no room for %d lines of dumps and %d other records", lost.Lines, lost.Steps))
	}
	return err
}

// dropPrivileges keeps what threads and programs started later take to stay runnable,
// and to write to recordings of others, such as those of a user who called sudo.
func dropPrivileges(recordings []string) error {
	keep := []int{unix.CAP_SYS_NICE, unix.CAP_IPC_LOCK}
	if !slices.ContainsFunc(recordings, mayNotWrite) {
		return privilege.Drop(keep...) //nolint:wrapcheck // it says what failed
	}
	return privilege.Drop(append(keep, unix.CAP_DAC_OVERRIDE)...) //nolint:wrapcheck // likewise
}

// mayNotWrite reports whether a recording takes more than the permissions of its file,
// if there is one, and of its folder, or nobody can tell.
func mayNotWrite(recording string) bool {
	if may, err := privilege.MayWrite(filepath.Dir(recording)); !may || err != nil {
		return true
	}
	may, err := privilege.MayWrite(recording)
	return !may && !errors.Is(err, fs.ErrNotExist)
}
