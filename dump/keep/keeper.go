// SPDX-License-Identifier: GPL-2.0-only

package keep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

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

// Options configure a Keeper. Open is called by one goroutine at a time, the other
// functions by several at once; those must not block.
type Options struct {
	// Open opens the recording. It is called again after an error, for the file may
	// be another one by then.
	Open func() (Recording, error)
	// Boot is the boot id of this machine, "" if unknown.
	Boot string
	// MaxSize is the size in bytes that the recording may have, 0 for any. A snapshot is
	// recorded before old ones are deleted for it, so that it is exceeded for a moment;
	// and the write-ahead log beside the file takes another 20 MiB or so.
	MaxSize int64
	// MaxAge is the age that a snapshot may have, 0 for any. It is exceeded by an
	// hour at most.
	MaxAge time.Duration
	// Tried gets each snapshot once: when it was recorded, or when it turned out that
	// it has to wait, and after 5 seconds even if the disk hangs.
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
	triedWithin = 5 * time.Second
	// closedWithin is how long after the end of its context Close goes on waiting, for
	// what can be cancelled.
	closedWithin = time.Second
	// pruneStep is how many snapshots are deleted before what waits is recorded.
	pruneStep  = 16
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

	mu       sync.Mutex
	state    State
	waiting  []*kept
	bytes    int64 // of waiting
	busy     *kept // that is being added, nil if none is
	lost     int   // that there was no room for since the trouble began
	failed   error // why what waits is not recorded, nil if it is not known
	closeErr error // of the recording, valid once done is closed

	// Of the background.
	rec         Recording // nil if it has to be opened
	said        map[string]bool
	late        int // recorded since the trouble began
	pruned      bool
	pruneFailed string // what was said, "" if all is well
	pruneAfter  time.Time
	aged        time.Time
	pruning     store.PrunePolicy // what is under way, zero if nothing is
}

// State is how a keeper does.
type State struct {
	Bytes    int64  // that the recording has, as far as is known
	Waiting  int    // snapshots that are not recorded yet
	Recorded uint64 // snapshots
	Lost     uint64 // snapshots that there was no room for
	Pruned   uint64 // snapshots
	// Failing is set while it cannot record, or the disk takes long.
	Failing bool
}

// kept is a snapshot that is yet to be recorded.
type kept struct {
	s     *dump.Snapshot
	bytes int64
	tried bool
	timer *time.Timer // until it is too late to wait for the disk
}

// Start starts a keeper. The recording is one that is open already, or nil.
func Start(rec Recording, o Options) *Keeper {
	ctx, stop := context.WithCancel(context.Background())
	k := &Keeper{
		o: o, rec: rec, wake: make(chan struct{}, 1), end: make(chan struct{}), done: make(chan struct{}), stop: stop, said: make(map[string]bool),
	}
	go k.run(ctx)
	return k
}

// Add has a snapshot recorded, which must not change any more. If too many wait it
// drops one: the oldest that is no crash, or else the oldest.
func (k *Keeper) Add(s *dump.Snapshot) {
	x := &kept{s: s, bytes: weight(s)}
	k.mu.Lock()
	x.timer = time.AfterFunc(triedWithin, func() { k.tooLate(x) })
	dropped := k.put(x, false)
	first := len(dropped) > 0 && k.lost == len(dropped)
	k.mu.Unlock()
	k.told(dropped)
	if first {
		k.o.Say(errors.New("more snapshots wait than there is room for: from now on some are lost"))
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// State tells how it does.
func (k *Keeper) State() State {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.state
	s.Waiting = k.unrecorded()
	return s
}

func (k *Keeper) unrecorded() int {
	if k.busy != nil {
		return len(k.waiting) + 1
	}
	return len(k.waiting)
}

// Close records what waits, as long as ctx is not done, and closes the recording. It
// returns a second after the end of ctx at the latest, even if the disk hangs. It is an
// error if a snapshot was not recorded, or dropped before.
func (k *Keeper) Close(ctx context.Context) error {
	defer k.stop()
	close(k.end)
	var hangs error
	select {
	case <-k.done:
	case <-ctx.Done():
		k.stop()
		select {
		case <-k.done:
		case <-time.After(closedWithin):
			hangs = errors.New("the disk does not answer")
		}
	}
	k.told(k.untried())
	k.mu.Lock()
	defer k.mu.Unlock()
	var errs []error
	if n := k.unrecorded(); n > 0 {
		why := cmp.Or(hangs, k.failed, errors.New("there was no time left"))
		errs = append(errs, fmt.Errorf("snapshots that could not be recorded: %d: %w", n, why))
	}
	if k.state.Lost > 0 {
		errs = append(errs, fmt.Errorf("snapshots that are lost because too many waited: %d", k.state.Lost))
	}
	if hangs == nil {
		hangs = k.closeErr
	}
	if len(errs) == 0 {
		return hangs
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
		k.state.Lost++
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
	k.busy = x
	return x
}

// added says what became of the snapshot that was taken last.
func (k *Keeper) added(x *kept, err error) {
	var dropped []*kept
	k.mu.Lock()
	k.busy = nil
	if err == nil {
		k.state.Recorded++
	} else {
		dropped = k.put(x, true)
	}
	k.mu.Unlock()
	k.told(append(dropped, x))
}

// untried are those whose turn has not come, and will not for now.
func (k *Keeper) untried() (all []*kept) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.busy != nil {
		all = append(all, k.busy)
	}
	return append(all, k.waiting...)
}

// tooLate tells of a snapshot that the disk has not taken so far.
func (k *Keeper) tooLate(x *kept) {
	k.mu.Lock()
	if !x.tried {
		k.state.Failing = true
	}
	k.mu.Unlock()
	k.told([]*kept{x})
}

// told passes snapshots to Tried, those that were not yet.
func (k *Keeper) told(all []*kept) {
	for _, x := range all {
		k.mu.Lock()
		first := !x.tried
		x.tried = true
		k.mu.Unlock()
		if !first {
			continue
		}
		x.timer.Stop()
		if k.o.Tried != nil {
			k.o.Tried(x.s)
		}
	}
}

func (k *Keeper) run(ctx context.Context) {
	defer close(k.done)
	defer k.shut()
	hourly := time.NewTicker(ageEvery)
	defer hourly.Stop()
	var retry <-chan time.Time // while there is trouble
	wait := firstRetry
	for {
		if k.attempt(ctx) {
			retry, wait = nil, firstRetry
		} else {
			retry = time.After(wait)
			wait = min(2*wait, lastRetry)
		}
		for again := false; !again; {
			select {
			case <-k.end:
				k.last(ctx)
				return
			case <-k.wake:
				if again = retry == nil; !again {
					k.told(k.untried())
				}
			case <-hourly.C:
				again = retry == nil
			case <-retry:
				again = true
			}
		}
	}
}

// shut closes the recording.
func (k *Keeper) shut() {
	if k.rec == nil {
		return
	}
	err := k.rec.Close()
	k.rec = nil
	k.mu.Lock()
	k.closeErr = err
	k.mu.Unlock()
}

// last records what waits, once. What is left then is for Close to tell.
func (k *Keeper) last(ctx context.Context) {
	if err := k.record(ctx); err != nil && ctx.Err() == nil {
		k.mu.Lock()
		k.failed = err
		k.mu.Unlock()
	}
}

// attempt records what waits. It reports whether all went well.
func (k *Keeper) attempt(ctx context.Context) bool {
	err := k.record(ctx)
	if ctx.Err() != nil { // it is the end
		return false
	}
	k.mu.Lock()
	k.failed, k.state.Failing = err, err != nil
	k.mu.Unlock()
	if err != nil {
		k.told(k.untried())
		k.trouble(err)
		return false
	}
	k.well()
	return true
}

// record records what waits, and has old snapshots go between one and the next.
func (k *Keeper) record(ctx context.Context) error {
	if k.rec == nil {
		rec, err := k.o.Open()
		if err != nil {
			return err
		}
		k.rec = rec
	}
	for {
		x := k.take()
		if x != nil {
			_, _, err := k.rec.Add(ctx, x.s, store.AddOptions{Boot: k.o.Boot})
			k.added(x, err)
			if err != nil {
				return err
			}
			if len(k.said) > 0 {
				k.late++
			}
		}
		if more := k.tidy(ctx); x == nil && (!more || k.ending()) {
			return nil
		}
	}
}

// ending reports whether there is no time to tidy up.
func (k *Keeper) ending() bool {
	select {
	case <-k.end:
		return true
	default:
		return false
	}
}

// tidy takes a step towards the bounds of the recording, and reports whether there
// may be another. That it fails does not keep anything from being recorded.
func (k *Keeper) tidy(ctx context.Context) bool {
	if time.Now().Before(k.pruneAfter) {
		return false
	}
	more, err := k.prune(ctx)
	switch {
	case err == nil:
		k.pruneFailed = ""
	case ctx.Err() == nil:
		k.pruning, k.pruneAfter = store.PrunePolicy{}, time.Now().Add(lastRetry)
		if k.pruneFailed != err.Error() {
			k.pruneFailed = err.Error()
			k.o.Say(fmt.Errorf("old snapshots cannot be deleted for now, the recording may exceed its bounds: %w", err))
		}
	}
	return more && err == nil
}

func (k *Keeper) prune(ctx context.Context) (more bool, err error) {
	n, err := k.rec.Size(ctx)
	if err != nil {
		return false, err
	}
	k.mu.Lock()
	k.state.Bytes = n
	k.mu.Unlock()
	if k.o.MaxSize > 0 && n > k.o.MaxSize {
		k.pruning.MaxSize = max(k.o.MaxSize-k.o.MaxSize/spare, 1)
	}
	if k.o.MaxAge > 0 && time.Since(k.aged) >= ageEvery {
		k.aged = time.Now()
		k.pruning.MaxAge = k.o.MaxAge
	}
	if k.pruning == (store.PrunePolicy{}) {
		return false, nil
	}
	p := k.pruning
	p.KeepFailure, p.FailuresLast, p.AtMost = true, true, pruneStep
	gone, err := k.rec.Prune(ctx, p)
	if err != nil {
		k.aged = time.Time{} // it is to be done all the same
		return false, err
	}
	if len(gone.Entries) == 0 {
		k.pruning = store.PrunePolicy{}
		return false, nil
	}
	k.mu.Lock()
	k.state.Pruned += uint64(len(gone.Entries))
	k.mu.Unlock()
	if !k.pruned {
		k.pruned = true
		k.o.Say(errors.New("the recording reached its bounds: old snapshots are deleted from now on"))
	}
	return true, nil
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
	k.mu.Lock()
	lost := k.lost
	k.lost = 0
	k.mu.Unlock()
	if len(k.said) == 0 && lost == 0 {
		return
	}
	clear(k.said)
	k.o.Say(fmt.Errorf("recording again; snapshots that had to wait: %d, that are lost: %d", k.late, lost))
	k.late = 0
}

// weight is about how many bytes a snapshot takes in memory.
func weight(s *dump.Snapshot) int64 {
	const rest = 64 << 10
	task := int64(reflect.TypeFor[dump.Task]().Size()) //nolint:gosec // some KiB
	return rest + 2*(int64(len(s.Raw))+int64(len(s.Tasks))*task)
}
