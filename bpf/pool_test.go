// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"scxdiag/bpf/vm"
)

// guest says which guest a test runs in.
type guest struct {
	kernel string
	// counting guests have a clock that counts their instructions, one a
	// nanosecond.
	counting bool
	// As in vm.Config: 0 is its default.
	cpus, llcs, possible int
}

// String is what is special about the guest, for the names of subtests.
func (g guest) String() string {
	var b strings.Builder
	b.WriteString(g.kernel)
	for _, n := range []struct {
		count int
		what  string
	}{{g.cpus, "CPUs"}, {g.llcs, "LLCs"}, {g.possible, "possible CPUs"}} {
		if n.count != 0 {
			fmt.Fprintf(&b, " %d %s", n.count, n.what)
		}
	}
	return b.String()
}

// pool has the guests that are up. Tests share them, but no two at the same
// time.
var pool = newGuestPool()

// guestPool is a pool of two guests: more would not run faster, as an emulated
// guest takes a CPU of the host for itself.
type guestPool struct {
	mu    sync.Mutex
	freed *sync.Cond
	seats [2]seat
	alone bool // whoever has a seat wants no others to have one
}

// seat is the place of a guest.
type seat struct {
	guest   guest
	machine *vm.Machine // nil if none is up
	taken   bool
}

func newGuestPool() *guestPool {
	p := &guestPool{}
	p.freed = sync.NewCond(&p.mu)
	return p
}

// take waits for a seat and gives it to the caller, who releases it. With alone
// no other guest is up until then.
func (p *guestPool) take(g guest, alone bool) *seat {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.hasSeat(alone) {
		p.freed.Wait()
	}
	s := p.choose(g)
	if s.guest != g {
		s.close()
	}
	s.guest, s.taken = g, true
	p.alone = alone
	if alone {
		for i := range p.seats {
			if &p.seats[i] != s {
				p.seats[i].close()
			}
		}
	}
	return s
}

// hasSeat tells whether there is a seat to be had.
func (p *guestPool) hasSeat(alone bool) bool {
	taken := 0
	for i := range p.seats {
		if p.seats[i].taken {
			taken++
		}
	}
	return taken == 0 || !alone && !p.alone && taken < len(p.seats)
}

// choose finds the seat that costs least: one with the guest wanted, or else
// without a guest, or else any. One of them is not taken.
func (p *guestPool) choose(g guest) *seat {
	var best *seat
	rank := -1
	for i := range p.seats {
		s, r := &p.seats[i], 0
		switch {
		case s.taken:
			continue
		case s.machine == nil:
			r = 1
		case s.guest == g:
			r = 2
		}
		if r > rank {
			best, rank = s, r
		}
	}
	return best
}

// release gives a seat back. Its guest stays up.
func (p *guestPool) release(s *seat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.taken, p.alone = false, false
	p.freed.Broadcast()
}

// close ends all guests.
func (p *guestPool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.seats {
		p.seats[i].close()
	}
}

// close ends the guest of a seat, if there is one.
func (s *seat) close() {
	if s.machine != nil {
		_ = s.machine.Close()
		s.machine = nil
	}
}

// up is the guest of a seat that the caller has, booted if it is not up.
func (s *seat) up(ctx context.Context, t *testing.T) *vm.Machine {
	t.Helper()
	if s.machine != nil {
		select {
		case <-s.machine.Done(): // a test broke it
			s.close()
		default:
			return s.machine
		}
	}
	s.machine = boot(ctx, t, s.guest)
	return s.machine
}

// boot boots a guest.
func boot(ctx context.Context, t *testing.T, g guest) *vm.Machine {
	t.Helper()
	kernel, err := vm.Kernel(ctx, g.kernel, func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	m, err := vm.Start(context.Background(), vm.Config{
		Kernel: kernel, MemoryMiB: 2048, ICount: g.counting,
		CPUs: g.cpus, LLCs: g.llcs, PossibleCPUs: g.possible,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("booted %s in %v", g, time.Since(began).Round(100*time.Millisecond))
	return m
}

func TestGuestPool(t *testing.T) {
	p := newGuestPool()
	var mu sync.Mutex
	holders := make(map[*seat]bool)
	most, alone := 0, 0
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			exclusive := i%10 == 0
			s := p.take(guest{cpus: i % 3}, exclusive)
			mu.Lock()
			if holders[s] || alone > 0 || exclusive && len(holders) > 0 {
				t.Errorf("taker %d got a seat that is not free: %d holders, %d of them alone", i, len(holders), alone)
			}
			if s.guest.cpus != i%3 {
				t.Errorf("taker %d got a seat for %d CPUs", i, s.guest.cpus)
			}
			holders[s] = true
			most = max(most, len(holders))
			if exclusive {
				alone++
			}
			mu.Unlock()
			wait(100 * time.Microsecond) // so that others would get in
			mu.Lock()
			delete(holders, s)
			if exclusive {
				alone--
			}
			mu.Unlock()
			p.release(s)
		})
	}
	all.Wait()
	if most != 2 {
		t.Errorf("at most %d had a seat at the same time", most)
	}
}

func TestGuestsAreToldApart(t *testing.T) {
	for want, g := range map[string]guest{
		"7.3":                          {kernel: "7.3"},
		"7.3 8 CPUs":                   {kernel: "7.3", cpus: 8},
		"6.16 2 LLCs":                  {kernel: "6.16", llcs: 2},
		"6.16 4 CPUs 72 possible CPUs": {kernel: "6.16", cpus: 4, possible: 72},
	} {
		if got := g.String(); got != want {
			t.Errorf("%+v is called %s, not %s", g, got, want)
		}
	}
}
