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
	files := append(l.record.paths(), "snapshot.md") // such as the screen writes on a key
	return watchAny(ctx, &bpf.Recorder{
		Interval: l.interval, Sample: f.sample, Halfway: true, Snapshot: f.dump, Status: f.status,
	}, files, nil)
}

// watchAny runs a recorder whose user writes to the given files, until ctx is done. Once
// it is attached, the process gives up what it may do and no longer needs to, and ready
// is called unless nil.
func watchAny(ctx context.Context, r *bpf.Recorder, files []string, ready func()) error {
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
	if err := dropPrivileges(files); err != nil {
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
// and to write to files of others, such as those of a user who called sudo.
func dropPrivileges(files []string) error {
	keep := []int{unix.CAP_SYS_NICE, unix.CAP_IPC_LOCK}
	if !slices.ContainsFunc(files, mayNotWrite) {
		return privilege.Drop(keep...) //nolint:wrapcheck // it says what failed
	}
	return privilege.Drop(append(keep, unix.CAP_DAC_OVERRIDE)...) //nolint:wrapcheck // likewise
}

// mayNotWrite reports whether a file takes more than its permissions, if it is there, and
// those of its folder, or nobody can tell.
func mayNotWrite(file string) bool {
	if may, err := privilege.MayWrite(filepath.Dir(file)); !may || err != nil {
		return true
	}
	may, err := privilege.MayWrite(file)
	return !may && !errors.Is(err, fs.ErrNotExist)
}
