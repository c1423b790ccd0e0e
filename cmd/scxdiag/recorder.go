// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"scxdiag/dump"
	"scxdiag/dump/store"
)

// recorder adds the snapshots that a command sees to recordings.
type recorder struct {
	file string // a recording, "" for none
	keep bool   // add to the catalogue

	stores []*store.Store
	boot   string // boot id of the machine that the snapshots are of, "" if unknown

	queue  chan *dump.Snapshot // what is yet to be added, in the background
	done   chan struct{}       // closed when the background has ended
	failed error               // of the background, valid once done is closed
}

// addFlags defines the flags that choose where to.
func (r *recorder) addFlags(f *pflag.FlagSet) {
	f.StringVar(&r.file, "record", "", "also add each snapshot to the recording `FILE`, and make it if need be")
	f.BoolVar(&r.keep, "keep", false, "also add each snapshot to the catalogue; see scxdiag list")
}

// open opens the recordings.
func (r *recorder) open() error {
	paths := make([]string, 0, 2)
	if r.file != "" {
		paths = append(paths, r.file)
	}
	if r.keep {
		paths = append(paths, "")
	}
	for _, p := range paths {
		s, err := store.Open(p)
		if err != nil {
			return errors.Join(err, r.closeStores())
		}
		r.stores = append(r.stores, s)
	}
	return nil
}

// paths are the files of the recordings.
func (r *recorder) paths() []string {
	paths := make([]string, len(r.stores))
	for i, st := range r.stores {
		paths[i] = st.Path()
	}
	return paths
}

// add adds a snapshot to all recordings, whatever has become of ctx.
func (r *recorder) add(ctx context.Context, s *dump.Snapshot) error {
	ctx = context.WithoutCancel(ctx)
	for _, st := range r.stores {
		if _, _, err := st.Add(ctx, s, store.AddOptions{Boot: r.boot}); err != nil {
			return err
		}
	}
	return nil
}

// recordAhead is how many snapshots may wait for the disk before their source
// has to wait, too.
const recordAhead = 64

// start adds in the background what is given to later, so that a slow disk does
// not hold up who collects. The first error ends that, and is told to failed.
func (r *recorder) start(ctx context.Context, failed func(error)) {
	r.queue, r.done = make(chan *dump.Snapshot, recordAhead), make(chan struct{})
	go func() {
		defer close(r.done)
		for s := range r.queue {
			if r.failed != nil {
				continue
			}
			if r.failed = r.add(ctx, s); r.failed != nil {
				failed(r.failed)
			}
		}
	}()
}

// later adds a snapshot in the background.
func (r *recorder) later(s *dump.Snapshot) {
	if len(r.stores) > 0 {
		r.queue <- s
	}
}

// closeAfter closes after a command that ended with err, and returns what the
// command is to end with.
func (r *recorder) closeAfter(err error) error {
	if e := r.close(); e != nil && (err == nil || errors.Is(err, errFailureFound)) {
		return e
	}
	return err
}

// close waits for what is still to be added, and closes the recordings.
func (r *recorder) close() error {
	if r.queue != nil {
		close(r.queue)
		<-r.done
		r.queue = nil
	}
	return errors.Join(r.failed, r.closeStores())
}

func (r *recorder) closeStores() error {
	var errs []error
	for _, s := range r.stores {
		errs = append(errs, s.CloseUnused())
	}
	r.stores = nil
	return errors.Join(errs...)
}

// kept says, behind other words, that nothing recorded is lost; "" if nothing is.
func (r *recorder) kept() string {
	if len(r.stores) == 0 {
		return ""
	}
	return "; what was found so far is recorded"
}

// bootID is the boot id of this machine, "" if it has none to tell.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
