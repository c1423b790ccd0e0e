// SPDX-License-Identifier: GPL-2.0-only

package keep

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"

	"scxdiag/dump"
	"scxdiag/dump/store"
)

// Recording is what a keeper needs of a store.Store.
type Recording interface {
	Add(context.Context, *dump.Snapshot, store.AddOptions) (id string, added bool, err error)
	Prune(context.Context, store.PrunePolicy) (store.Pruned, error)
	Size(context.Context) (int64, error)
	Close() error
}

// Options configure a Keeper. Its functions are called by the keeper's goroutine, Tried
// also by those that call Add.
type Options struct {
	// Open opens the recording. It is called again after an error, for the file may
	// be another one by then.
	Open func() (Recording, error)
	// Boot is the boot id of this machine, "" if unknown.
	Boot string
	// MaxSize is the size in bytes that the recording may have, 0 for any. It is
	// exceeded by one snapshot at most, until that is there; and the write-ahead log
	// beside the file takes another 20 MiB or so.
	MaxSize int64
	// MaxAge is the age that a snapshot may have, 0 for any. It is exceeded by an
	// hour at most.
	MaxAge time.Duration
	// Tried gets each snapshot once: when it was recorded, or when it turned out that
	// it has to wait. It must not block.
	Tried func(*dump.Snapshot)
	// Say tells the user of trouble, once for each kind of it.
	Say func(error)
}

// Bounds of what waits in memory.
const (
	maxWaiting      = 64
	maxWaitingBytes = 256 << 20
)

const (
	firstRetry = time.Second
	lastRetry  = time.Minute
	ageEvery   = time.Hour // how often snapshots are looked at for their age
	maxKinds   = 16        // of trouble that are told before things are well again
	// spare is the part of MaxSize that is freed beyond it, so that not each further
	// snapshot has old ones deleted.
	spare = 64
)

// Keeper adds snapshots to a recording in the background. Nobody who gives it one
// waits for the disk.
type Keeper struct {
	o    Options
	wake chan struct{} // there is something to do
	end  chan struct{} // closed by Close
	done chan struct{} // closed when the background has ended
	stop context.CancelFunc
	size atomic.Int64

	mu      sync.Mutex
	waiting []*kept
	bytes   int64 // of waiting
	lost    int   // that there was no room for

	// Of the background.
	rec    Recording // nil if it has to be opened
	said   map[string]bool
	pruned bool // it was said
	aged   time.Time
	late   int // recorded since the trouble began
}

// kept is a snapshot that is yet to be recorded.
type kept struct {
	s     *dump.Snapshot
	bytes int64
	tried bool
}

// Start starts a keeper. The recording is one that is open already, or nil.
func Start(rec Recording, o Options) *Keeper {
	ctx, stop := context.WithCancel(context.Background())
	k := &Keeper{
		o: o, rec: rec, wake: make(chan struct{}, 1), end: make(chan struct{}), done: make(chan struct{}), stop: stop, said: make(map[string]bool),
	}
	k.wake <- struct{}{} // the bounds may be others than the last time
	go k.run(ctx)
	return k
}

// Add has a snapshot recorded, which must not change any more. If too many wait it
// drops one: the oldest that is no crash, or else the oldest.
func (k *Keeper) Add(s *dump.Snapshot) {
	k.mu.Lock()
	dropped := k.put(&kept{s: s, bytes: weight(s)}, false)
	k.mu.Unlock()
	k.told(dropped)
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// Size is how many bytes the recording has, as far as is known.
func (k *Keeper) Size() int64 { return k.size.Load() }

// Close records what waits, as long as ctx is not done, and closes the recording. It
// is an error if something could not be recorded.
func (k *Keeper) Close(ctx context.Context) error {
	defer k.stop()
	defer context.AfterFunc(ctx, k.stop)()
	close(k.end)
	<-k.done
	var errs []error
	if n := len(k.waiting) + k.lost; n > 0 {
		errs = append(errs, fmt.Errorf("snapshots that could not be recorded: %d", n))
	}
	if k.rec != nil {
		errs = append(errs, k.rec.Close())
	}
	return errors.Join(errs...)
}

// put adds to what waits, in front or at the end, and returns what had to go.
func (k *Keeper) put(x *kept, front bool) (dropped []*kept) {
	if front {
		k.waiting = slices.Insert(k.waiting, 0, x)
	} else {
		k.waiting = append(k.waiting, x)
	}
	k.bytes += x.bytes
	for len(k.waiting) > maxWaiting || k.bytes > maxWaitingBytes && len(k.waiting) > 1 {
		i := max(slices.IndexFunc(k.waiting, func(w *kept) bool { return w.s.Trigger != dump.TriggerCrash }), 0)
		dropped = append(dropped, k.waiting[i])
		k.bytes -= k.waiting[i].bytes
		k.waiting = slices.Delete(k.waiting, i, i+1)
		k.lost++
	}
	return dropped
}

// take takes the snapshot that waits for the longest, nil if none does.
func (k *Keeper) take() *kept {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.waiting) == 0 {
		return nil
	}
	x := k.waiting[0]
	k.waiting = slices.Delete(k.waiting, 0, 1)
	k.bytes -= x.bytes
	return x
}

// untried are those whose turn has not come, and will not for now.
func (k *Keeper) untried() (all []*kept) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, x := range k.waiting {
		if !x.tried {
			all = append(all, x)
		}
	}
	return all
}

// told passes snapshots to Tried, those that were not yet.
func (k *Keeper) told(all []*kept) {
	for _, x := range all {
		k.mu.Lock()
		first := !x.tried
		x.tried = true
		k.mu.Unlock()
		if first && k.o.Tried != nil {
			k.o.Tried(x.s)
		}
	}
}

func (k *Keeper) run(ctx context.Context) {
	defer close(k.done)
	hourly := time.NewTicker(ageEvery)
	defer hourly.Stop()
	var retry <-chan time.Time // while there is trouble
	wait := firstRetry
	for {
		select {
		case <-k.end:
			k.attempt(ctx)
			return
		case <-k.wake:
			if retry != nil {
				k.told(k.untried())
				continue
			}
		case <-hourly.C:
			if retry != nil {
				continue
			}
		case <-retry:
		}
		if k.attempt(ctx) {
			retry, wait = nil, firstRetry
			continue
		}
		retry = time.After(wait)
		wait = min(2*wait, lastRetry)
	}
}

// attempt records what waits. It reports whether all went well.
func (k *Keeper) attempt(ctx context.Context) bool {
	if err := k.record(ctx); err != nil {
		k.told(k.untried())
		k.trouble(err)
		return false
	}
	k.well()
	return true
}

func (k *Keeper) record(ctx context.Context) error {
	if k.rec == nil {
		rec, err := k.o.Open()
		if err != nil {
			return err
		}
		k.rec = rec
	}
	for {
		if err := k.prune(ctx); err != nil {
			return err
		}
		x := k.take()
		if x == nil {
			return nil
		}
		_, _, err := k.rec.Add(ctx, x.s, store.AddOptions{Boot: k.o.Boot})
		k.told([]*kept{x})
		if err != nil {
			k.mu.Lock()
			dropped := k.put(x, true)
			k.mu.Unlock()
			k.told(dropped)
			return err
		}
		if len(k.said) > 0 {
			k.late++
		}
	}
}

// prune keeps the recording within its bounds.
func (k *Keeper) prune(ctx context.Context) error {
	n, err := k.rec.Size(ctx)
	if err != nil {
		return err
	}
	k.size.Store(n)
	p := store.PrunePolicy{KeepFailure: true, FailuresLast: true}
	if k.o.MaxSize > 0 && n > k.o.MaxSize {
		p.MaxSize = max(k.o.MaxSize-k.o.MaxSize/spare, 1)
	}
	if k.o.MaxAge > 0 && time.Since(k.aged) >= ageEvery {
		p.MaxAge = k.o.MaxAge
	}
	if p.MaxSize == 0 && p.MaxAge == 0 {
		return nil
	}
	gone, err := k.rec.Prune(ctx, p)
	if err != nil {
		return err
	}
	if p.MaxAge > 0 {
		k.aged = time.Now()
	}
	if len(gone.Entries) > 0 && !k.pruned {
		k.pruned = true
		k.o.Say(fmt.Errorf("the recording reached its bounds: the oldest snapshots are deleted from now on, the first time %d of %s",
			len(gone.Entries), humanize.IBytes(uint64(max(gone.Size, 0)))))
	}
	if n, err = k.rec.Size(ctx); err == nil {
		k.size.Store(n)
	}
	return err
}

// trouble tells of an error, if it is a new one, and has the recording opened again.
func (k *Keeper) trouble(err error) {
	if k.rec != nil {
		_ = k.rec.Close() // it fails for the same reason
		k.rec = nil
	}
	kind := err.Error()
	if k.said[kind] || len(k.said) == maxKinds {
		return
	}
	k.said[kind] = true
	k.o.Say(fmt.Errorf("it cannot be recorded for now; up to %d snapshots wait in memory: %w", maxWaiting, err))
}

// well tells that the trouble is over.
func (k *Keeper) well() {
	if len(k.said) == 0 {
		return
	}
	clear(k.said)
	k.mu.Lock()
	lost := k.lost
	k.lost = 0
	k.mu.Unlock()
	k.o.Say(fmt.Errorf("recording again; snapshots that had to wait: %d, that are lost: %d", k.late, lost))
	k.late = 0
}

// weight is about how many bytes a snapshot takes in memory.
func weight(s *dump.Snapshot) int64 {
	const rest = 64 << 10
	task := int64(reflect.TypeFor[dump.Task]().Size()) //nolint:gosec // some KiB
	return rest + 2*(int64(len(s.Raw))+int64(len(s.Tasks))*task)
}
