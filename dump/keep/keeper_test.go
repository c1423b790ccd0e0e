// SPDX-License-Identifier: GPL-2.0-only

package keep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"scxdiag/dump"
	"scxdiag/dump/store"
)

// disk is a recording, as often as it is opened, that fails as long as it has an error.
type disk struct {
	mu    sync.Mutex
	err   error
	tries int
	open  int
	added []*dump.Snapshot
	hangs chan struct{} // until this is closed, if there is one
	prune func(store.PrunePolicy) (store.Pruned, error)
}

func (d *disk) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
}

func (d *disk) Open() (Recording, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open++
	return d, nil
}

func (d *disk) Add(_ context.Context, s *dump.Snapshot, o store.AddOptions) (string, bool, error) {
	if d.hangs != nil {
		<-d.hangs
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tries++
	if d.err != nil || o.Boot != "boot" {
		return "", false, d.err
	}
	d.added = append(d.added, s)
	return "", true, nil
}

func (d *disk) Prune(_ context.Context, p store.PrunePolicy) (store.Pruned, error) {
	if d.prune == nil {
		return store.Pruned{}, nil
	}
	return d.prune(p)
}

func (*disk) Size(context.Context) (int64, error) { return 42, nil }

func (d *disk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open--
	return nil
}

// watched are the calls of a keeper.
type watched struct {
	mu    sync.Mutex
	said  []string
	tried []*dump.Snapshot
}

func (w *watched) options(open func() (Recording, error)) Options {
	return Options{
		Open: open, Boot: "boot",
		Tried: func(s *dump.Snapshot) { w.mu.Lock(); w.tried = append(w.tried, s); w.mu.Unlock() },
		Say:   func(err error) { w.mu.Lock(); w.said = append(w.said, err.Error()); w.mu.Unlock() },
	}
}

// pass has time go by, in the bubble of a test.
func pass(d time.Duration) { <-time.After(d) }

func crashOf(pid int32) *dump.Snapshot {
	return &dump.Snapshot{Trigger: dump.TriggerCrash, Tasks: []dump.Task{{TaskRef: dump.TaskRef{PID: pid}}}}
}

func TestWhatTheDiskDoesNotTakeWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		var w watched
		k := Start(nil, w.options(d.Open))
		first, second, third := crashOf(1), crashOf(2), crashOf(3)
		k.Add(first)
		synctest.Wait()
		d.fail(errors.New("full"))
		k.Add(second)
		synctest.Wait()
		k.Add(third)
		synctest.Wait()
		d.mu.Lock()
		if !slices.Equal(w.tried, []*dump.Snapshot{first, second, third}) || !slices.Equal(d.added, []*dump.Snapshot{first}) || d.open != 0 {
			t.Errorf("tried %d, recorded %d, %d open", len(w.tried), len(d.added), d.open)
		}
		d.mu.Unlock()
		pass(10 * time.Minute)
		synctest.Wait()
		if tries := d.tries; tries < 12 || tries > 20 {
			t.Errorf("%d tries in ten minutes", tries)
		}
		d.fail(errors.New("locked"))
		pass(10 * time.Minute)
		synctest.Wait()
		d.fail(nil)
		pass(time.Minute)
		synctest.Wait()
		if !slices.Equal(d.added, []*dump.Snapshot{first, second, third}) {
			t.Errorf("recorded %d", len(d.added))
		}
		want := []string{
			"it cannot be recorded for now; up to 64 snapshots wait in memory: full",
			"it cannot be recorded for now; up to 64 snapshots wait in memory: locked",
			"recording again; snapshots that had to wait: 2, that are lost: 0",
		}
		if !slices.Equal(w.said, want) {
			t.Errorf("said %q", w.said)
		}
		if len(w.tried) != 3 || k.State().Bytes != 42 {
			t.Errorf("tried %d, size %d", len(w.tried), k.State().Bytes)
		}
		if err := k.Close(t.Context()); err != nil || d.open != 0 {
			t.Errorf("%v, %d open", err, d.open)
		}
	})
}

func TestWhatWaitsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disk{err: errors.New("full")}
		var w watched
		k := Start(nil, w.options(d.Open))
		crash := crashOf(1)
		k.Add(crash)
		var samples []*dump.Snapshot
		for range 10 * maxWaiting {
			samples = append(samples, &dump.Snapshot{Trigger: dump.TriggerSample})
			k.Add(samples[len(samples)-1])
		}
		synctest.Wait()
		d.fail(nil)
		pass(2 * lastRetry)
		synctest.Wait()
		if want := append([]*dump.Snapshot{crash}, samples[len(samples)-maxWaiting+1:]...); !slices.Equal(d.added, want) {
			t.Errorf("recorded %d", len(d.added))
		}
		if len(w.tried) != 1+len(samples) {
			t.Errorf("told of %d", len(w.tried))
		}
		dropped := len(samples) + 1 - maxWaiting
		if len(w.said) != 3 || !slices.Contains(w.said, "more snapshots wait than there is room for: from now on some are lost") ||
			!strings.HasSuffix(w.said[2], fmt.Sprintf("that are lost: %d", dropped)) {
			t.Errorf("said %q", w.said)
		}
		d.fail(errors.New("full again"))
		huge := &dump.Snapshot{Trigger: dump.TriggerCrash, Raw: strings.Repeat("x", maxWaitingBytes/6)}
		for range 5 {
			k.Add(huge)
		}
		synctest.Wait()
		if len(k.waiting) != 2 || k.bytes > maxWaitingBytes {
			t.Errorf("%d wait, %d bytes", len(k.waiting), k.bytes)
		}
		if got, want := k.State(), (State{Bytes: 42, Waiting: 2, Recorded: maxWaiting, Lost: uint64(dropped) + 3, Failing: true}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		want := fmt.Sprintf("snapshots that could not be recorded: 2: full again\nsnapshots that are lost because too many waited: %d", dropped+3)
		if err := k.Close(t.Context()); err == nil || err.Error() != want {
			t.Errorf("closed with %v", err)
		}
	})
}

// TestADiskThatHangs does not keep anybody from hearing of a crash, nor the end.
func TestADiskThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disk{hangs: make(chan struct{})}
		defer close(d.hangs)
		var w watched
		k := Start(nil, w.options(d.Open))
		k.Add(crashOf(1))
		k.Add(crashOf(2))
		synctest.Wait()
		if len(w.tried) != 0 || k.State().Failing {
			t.Errorf("told of %d at once", len(w.tried))
		}
		pass(triedWithin)
		synctest.Wait()
		if s := k.State(); len(w.tried) != 2 || !s.Failing || s.Waiting != 2 {
			t.Errorf("told of %d, %+v", len(w.tried), s)
		}
		k.Add(crashOf(3))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err := k.Close(ctx)
		if err == nil || err.Error() != "snapshots that could not be recorded: 3: the disk does not answer" || time.Since(began) > time.Second+closedWithin {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if len(w.tried) != 3 {
			t.Errorf("told of %d", len(w.tried))
		}
	})
}

// TestTheEndComesBeforeAllIsRecorded has a disk that takes its time, but can be told
// to stop.
func TestTheEndComesBeforeAllIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watched
		k := Start(slowDisk{}, w.options(func() (Recording, error) { return slowDisk{}, nil }))
		k.Add(crashOf(1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := k.Close(ctx); err == nil || err.Error() != "snapshots that could not be recorded: 1: there was no time left" {
			t.Errorf("closed with %v", err)
		}
		if len(w.tried) != 1 || len(w.said) != 0 {
			t.Errorf("told of %d, said %q", len(w.tried), w.said)
		}
	})
}

type slowDisk struct{}

func (slowDisk) Add(ctx context.Context, _ *dump.Snapshot, _ store.AddOptions) (string, bool, error) {
	<-ctx.Done()
	return "", false, ctx.Err()
}

func (slowDisk) Prune(context.Context, store.PrunePolicy) (store.Pruned, error) {
	return store.Pruned{}, nil
}
func (slowDisk) Size(context.Context) (int64, error) { return 1, nil }
func (slowDisk) Close() error                        { return nil }

// TestACrashDoesNotWaitForOldOnesToGo has one come while there is much to delete.
func TestACrashDoesNotWaitForOldOnesToGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		var w watched
		o := w.options(d.Open)
		o.MaxSize = 20
		step, steps := make(chan struct{}), 0
		d.prune = func(p store.PrunePolicy) (store.Pruned, error) {
			<-step
			if p.AtMost != pruneStep || !p.KeepFailure || !p.FailuresLast || p.MaxSize != 20 {
				t.Errorf("asked for %+v", p)
			}
			if steps++; steps >= 100 {
				return store.Pruned{}, nil
			}
			return store.Pruned{Entries: make([]store.Entry, pruneStep)}, nil
		}
		k := Start(nil, o)
		synctest.Wait()
		k.Add(crashOf(1))
		step <- struct{}{}
		synctest.Wait()
		if len(w.tried) != 1 || len(d.added) != 1 {
			t.Errorf("recorded %d after a step", len(d.added))
		}
		for range 99 {
			step <- struct{}{}
		}
		synctest.Wait()
		if n := k.State().Pruned; n != 99*pruneStep || len(w.said) != 1 || !strings.Contains(w.said[0], "reached its bounds") {
			t.Errorf("%d are gone, said %q", n, w.said)
		}
		close(step)
		if err := k.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestOldOnesThatCannotBeDeleted are no reason not to record.
func TestOldOnesThatCannotBeDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		d := disk{prune: func(store.PrunePolicy) (store.Pruned, error) { tries++; return store.Pruned{}, errors.New("stuck") }}
		var w watched
		o := w.options(d.Open)
		o.MaxSize = 20
		k := Start(nil, o)
		for i := range int32(10) {
			k.Add(crashOf(i))
			pass(lastRetry / 2)
			synctest.Wait()
		}
		if len(d.added) != 10 || tries < 4 || tries > 6 || k.State().Failing {
			t.Errorf("recorded %d, %d tries", len(d.added), tries)
		}
		if want := []string{"old snapshots cannot be deleted for now, the recording may exceed its bounds: stuck"}; !slices.Equal(w.said, want) {
			t.Errorf("said %q", w.said)
		}
		if err := k.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestAFullDisk has a file system that is full, and then is not.
func TestAFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small file system")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600); err == nil {
		t.Fatal("there is room for more than there can be")
	}
	tried, said := make(chan *dump.Snapshot, 10), make(chan error, 10)
	path := filepath.Join(dir, "a"+store.Ext)
	k := Start(nil, Options{
		Open: func() (Recording, error) {
			st, err := store.Open(path)
			if err != nil && !store.IsPassing(err) {
				t.Errorf("it is not said to pass: %v", err)
			}
			if err != nil {
				return nil, err
			}
			return st, nil
		},
		Boot: "boot", Tried: func(s *dump.Snapshot) { tried <- s }, Say: func(err error) { said <- err },
	})
	k.Add(crashOf(1))
	<-tried
	if err := <-said; !strings.Contains(err.Error(), "cannot be recorded for now") {
		t.Error(err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for err := range said {
		if strings.Contains(err.Error(), "recording again; snapshots that had to wait: 1,") {
			break
		}
	}
	if err := k.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := listed(t, path)
	if len(list) != 1 || list[0].Boot != "boot" {
		t.Errorf("recorded %+v", list)
	}
}

// TestADamagedRecordingMayBeReplaced has somebody move it away meanwhile.
func TestADamagedRecordingMayBeReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a"+store.Ext)
	st, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := store.MagicLen + 28; i < len(b); i++ {
		b[i] = 0xff
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = store.Open(path)
	if !errors.Is(err, store.ErrDamaged) || !store.IsPassing(err) {
		t.Fatalf("opened with %v", err)
	}
	tried, said := make(chan *dump.Snapshot, 10), make(chan error, 10)
	k := Start(nil, Options{
		Open: func() (Recording, error) {
			st, err := store.Open(path)
			if err != nil {
				return nil, err
			}
			return st, nil
		},
		Tried: func(s *dump.Snapshot) { tried <- s }, Say: func(err error) { said <- err },
	})
	k.Add(crashOf(1))
	<-tried
	if err := <-said; !strings.Contains(err.Error(), "the file is damaged") {
		t.Error(err)
	}
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if err := <-said; !strings.Contains(err.Error(), "recording again") {
		t.Error(err)
	}
	if err := k.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list := listed(t, path); len(list) != 1 {
		t.Errorf("recorded %+v", list)
	}
}

// TestARecordingStaysWithinItsBounds looks at the files after each snapshot.
func TestARecordingStaysWithinItsBounds(t *testing.T) {
	const limit = 2 << 20
	path := filepath.Join(t.TempDir(), "a"+store.Ext)
	st, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{}, 1)
	var w watched
	o := w.options(nil)
	o.MaxSize = limit
	o.Tried = func(*dump.Snapshot) { done <- struct{}{} }
	k := Start(st, o)
	var crash string
	var most, log int64
	rnd := uint32(1)
	for i := range 120 {
		var raw strings.Builder // does not compress
		for raw.Len() < 50_000 {
			rnd = rnd*1664525 + 1013904223
			fmt.Fprintf(&raw, "%x", rnd)
		}
		s := &dump.Snapshot{Trigger: dump.TriggerSample, Time: time.Now(), Raw: raw.String()}
		if i == 20 {
			s.Trigger, s.Exit = dump.TriggerCrash, &dump.Exit{Kind: dump.Of(dump.ExitErrorStall)}
			crash = s.ID()
		}
		k.Add(s)
		<-done
		for p, n := range map[string]*int64{path: &most, path + "-wal": &log} {
			info, err := os.Stat(p)
			if err != nil {
				t.Fatal(err)
			}
			*n = max(*n, info.Size())
		}
	}
	if err := k.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := listed(t, path)
	t.Logf("%d snapshots are left; the file had %d bytes at most, the log %d", len(list), most, log)
	if log > 24<<20 {
		t.Errorf("the log had %d bytes", log)
	}
	if most > limit+100_000 || most < limit*9/10 {
		t.Errorf("the file had %d bytes of %d", most, limit)
	}
	if !slices.ContainsFunc(list, func(e store.Entry) bool { return e.ID == crash }) {
		t.Error("the newest crash is gone")
	}
	if len(w.said) != 1 || !strings.Contains(w.said[0], "reached its bounds") {
		t.Errorf("said %q", w.said)
	}
}

func TestWhatIsTooOldGoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a"+store.Ext)
	st, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, days := range []int{9, 8, 1} {
		if _, _, err := st.Add(t.Context(), &dump.Snapshot{Time: time.Now().AddDate(0, 0, -days)}, store.AddOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	k := Start(st, Options{MaxAge: 7 * 24 * time.Hour, Say: func(error) {}})
	if err := k.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list := listed(t, path); len(list) != 1 {
		t.Errorf("%d are left", len(list))
	}
}

func listed(t *testing.T, path string) []store.Entry {
	t.Helper()
	st, err := store.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	list, err := st.List(t.Context(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
