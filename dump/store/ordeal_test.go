// SPDX-License-Identifier: GPL-2.0-only

package store_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scxdiag/dump/store"
)

// ordeal asks for the long versions of the tests in this file.
var ordeal = flag.Bool("ordeal", false, "kill 500 recorders, and let a crowd use a recording for a minute")

// envRecord makes the test binary a recorder: it adds snapshots to the
// recording that the variable names until it is killed. It prints "+id" for each
// that was acknowledged, "-id" before it deletes one.
const envRecord = "STORE_TEST_RECORD"

func TestMain(m *testing.M) {
	if path := os.Getenv(envRecord); path != "" {
		fmt.Fprintln(os.Stderr, record(path))
		os.Exit(1)
	}
	if path := os.Getenv(envTry); path != "" {
		try(path)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func record(path string) error {
	s, err := store.Open(path)
	if err != nil {
		return err
	}
	ctx := context.Background()
	m := newMachine(50, 16, 50)
	m.rnd = rand.New(rand.NewPCG(rand.Uint64(), 1))
	var ids []string
	for i := 0; ; i++ {
		id, _, err := s.Add(ctx, m.step(), store.AddOptions{})
		if err != nil {
			return err
		}
		fmt.Println("+" + id)
		ids = append(ids, id)
		if i%40 == 39 {
			fmt.Println("-" + ids[0])
			if _, err := s.Delete(ctx, ids[0]); err != nil {
				return err
			}
			ids = ids[1:]
		}
	}
}

// recordAndKill lets a recorder run until it has added some snapshots, and a
// random time longer. It returns what was acknowledged and not deleted.
func recordAndKill(t *testing.T, path string, rnd *rand.Rand) (must []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envRecord+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// From before the file is there to many snapshots later.
	kill := time.AfterFunc(time.Duration(rnd.Int64N(int64(400*time.Millisecond))), func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		if len(line) != 33 { // the last one, cut off
			continue
		}
		id := line[1:]
		if line[0] == '+' {
			must = append(must, id)
			continue
		}
		must = slices.DeleteFunc(must, func(m string) bool { return m == id })
	}
	if err := cmd.Wait(); err == nil || stderr.Len() > 0 {
		t.Fatalf("the recorder ended: %v %s", err, stderr.String())
	}
	return must
}

func TestKilledRecordersLoseNothing(t *testing.T) {
	t.Parallel()
	kills := 25
	if *ordeal {
		kills = 500
	}
	if testing.Short() {
		kills = 5
	}
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 3))
	const perFile = 5
	total, early := 0, 0
	var path string
	var must []string
	for i := range kills {
		if i%perFile == 0 {
			path, must = filepath.Join(t.TempDir(), "a"+store.Ext), nil
		}
		newMust := recordAndKill(t, path, rnd)
		total += len(newMust)
		if len(newMust) == 0 {
			early++
		}
		must = append(must, newMust...)

		s, err := store.OpenReader(path)
		if errors.Is(err, os.ErrNotExist) && len(must) == 0 {
			continue
		}
		if errors.Is(err, store.ErrNotRecording) && len(must) == 0 { // killed before it was made; the next one makes it
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := store.Integrity(t.Context(), s); err != nil || ok != "ok" {
			t.Errorf("integrity: %s, %v", ok, err)
		}
		list, err := s.List(t.Context(), store.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		there := map[string]bool{}
		for i := range list {
			there[list[i].ID] = true
			if _, err := s.Get(t.Context(), list[i].ID); err != nil {
				t.Error(err)
			}
		}
		for _, id := range must {
			if !there[id] {
				t.Errorf("snapshot %s was acknowledged and is lost", id)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, %d of them before the first snapshot: %d snapshots were acknowledged, none lost", kills, early, total)
}

// histogram counts how long things took.
type histogram struct {
	mu     sync.Mutex
	counts [len(histogramLimits) + 1]int
	max    time.Duration
}

var histogramLimits = [...]time.Duration{
	time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond,
}

func (h *histogram) add(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := 0
	for i < len(histogramLimits) && d > histogramLimits[i] {
		i++
	}
	h.counts[i]++
	h.max = max(h.max, d)
}

func (h *histogram) String() string {
	var b strings.Builder
	for i, n := range h.counts {
		if i < len(histogramLimits) {
			fmt.Fprintf(&b, "<=%v: %d, ", histogramLimits[i], n)
		} else {
			fmt.Fprintf(&b, "more: %d; longest %v", n, h.max.Round(100*time.Microsecond))
		}
	}
	return b.String()
}

// TestCrowd lets two writers and three readers, each with the recording opened
// on its own, use it at once.
func TestCrowd(t *testing.T) {
	duration := 5 * time.Second
	if *ordeal {
		duration = time.Minute
	}
	if testing.Short() {
		duration = time.Second
	}
	path := filepath.Join(t.TempDir(), "a"+store.Ext)
	if err := openStore(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	var adds, reads histogram
	var wg sync.WaitGroup
	ids := make([][]string, 2)
	for w := range ids {
		wg.Go(func() {
			s, err := store.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			m := newMachine(200, 16, 50)
			m.rnd = rand.New(rand.NewPCG(uint64(w), 9))
			for ctx.Err() == nil {
				snap := m.step()
				start := time.Now()
				id, added, err := s.Add(context.WithoutCancel(ctx), snap, store.AddOptions{})
				adds.add(time.Since(start))
				if err != nil || !added {
					t.Errorf("add: %t, %v", added, err)
					return
				}
				ids[w] = append(ids[w], id)
			}
		})
	}
	for r := range 3 {
		wg.Go(func() {
			s, err := store.OpenReader(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			seen := 0
			for e, err := range s.Follow(ctx, 0) {
				if err != nil {
					t.Error(err)
					return
				}
				seen++
				start := time.Now()
				if r == 0 {
					_, err = s.Find(ctx, e.ID[:12])
				} else {
					_, err = s.Get(ctx, e.ID)
				}
				reads.add(time.Since(start))
				if err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
			if seen == 0 {
				t.Error("a reader saw nothing")
			}
		})
	}
	// How late the machine is for anything at all.
	var late histogram
	wg.Go(func() {
		const every = 5 * time.Millisecond
		tick := time.NewTicker(every)
		defer tick.Stop()
		for last := time.Now(); ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				now := time.Now()
				late.add(max(now.Sub(last)-every, 0))
				last = now
			}
		}
	})
	wg.Wait()
	s := openStore(t, path)
	list, err := s.List(t.Context(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(ids[0]) + len(ids[1]); len(list) != n {
		t.Errorf("%d snapshots of %d", len(list), n)
	}
	for i := range list {
		if _, err := s.Get(t.Context(), list[i].ID); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("writers added %d and %d snapshots", len(ids[0]), len(ids[1]))
	t.Logf("adds: %s", &adds)
	t.Logf("reads: %s", &reads)
	t.Logf("a timer was late: %s", &late)
}
