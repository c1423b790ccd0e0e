// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"context"
	"fmt"
	"slices"
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
var pool guestPool

// guestPool is a pool of two guests: more would not run faster, as an emulated
// guest takes a CPU of the host for itself.
type guestPool struct {
	mu      sync.Mutex
	seats   [2]seat
	waiters []waiter
}

// seat is the place of a guest.
type seat struct {
	taken bool
	guest guest // that it is to have

	// Of who has the seat.
	machine *vm.Machine // nil if none is up
	booted  guest       // what the machine is
}

// waiter waits for a seat.
type waiter struct {
	guest guest
	limit time.Duration // how long it may have the seat
	seat  chan *seat
}

// take waits for a seat and gives it to the caller, who has it for the limit at most
// and releases it.
func (p *guestPool) take(g guest, limit time.Duration) *seat {
	w := waiter{guest: g, limit: limit, seat: make(chan *seat, 1)}
	p.mu.Lock()
	p.waiters = append(p.waiters, w)
	p.assign()
	p.mu.Unlock()
	return <-w.seat
}

// assign gives seats that are free to those who wait: first to those who want the
// guest that is there, then to those whose guest is nowhere, and among them to who may
// take the longest, lest that be what all others wait for at the end.
func (p *guestPool) assign() {
	for i := range p.seats {
		s := &p.seats[i]
		if s.taken || len(p.waiters) == 0 {
			continue
		}
		best := 0
		for j, w := range p.waiters {
			b := p.waiters[best]
			if d := p.fits(w.guest, s) - p.fits(b.guest, s); d > 0 || d == 0 && w.limit > b.limit {
				best = j
			}
		}
		s.taken, s.guest = true, p.waiters[best].guest
		p.waiters[best].seat <- s
		p.waiters = slices.Delete(p.waiters, best, best+1)
	}
}

// fits is the higher, the better it is to have a guest in a seat.
func (p *guestPool) fits(g guest, s *seat) int {
	switch {
	case s.guest == g:
		return 2
	case slices.ContainsFunc(p.seats[:], func(other seat) bool { return other.guest == g }):
		return 0
	}
	return 1
}

// release gives a seat back. Its guest stays up.
func (p *guestPool) release(s *seat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.taken = false
	p.assign()
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
		default:
			if s.booted == s.guest {
				return s.machine
			}
		}
		s.close()
	}
	s.machine, s.booted = boot(ctx, t, s.guest), s.guest
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
		Say: func(s string) { t.Log(s) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("booted %s in %v", g, time.Since(began).Round(100*time.Millisecond))
	return m
}

func TestGuestPool(t *testing.T) {
	var p guestPool
	var mu sync.Mutex
	holders := make(map[*seat]bool)
	most := 0
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			s := p.take(guest{cpus: i % 3}, time.Minute)
			mu.Lock()
			if holders[s] {
				t.Errorf("taker %d got a seat that is not free", i)
			}
			if s.guest.cpus != i%3 {
				t.Errorf("taker %d got a seat for %d CPUs", i, s.guest.cpus)
			}
			holders[s] = true
			most = max(most, len(holders))
			mu.Unlock()
			wait(100 * time.Microsecond) // so that others would get in
			mu.Lock()
			delete(holders, s)
			mu.Unlock()
			p.release(s)
		})
	}
	all.Wait()
	if most != 2 {
		t.Errorf("at most %d had a seat at the same time", most)
	}
}

// TestGuestPoolOrder has more waiters than seats: which of them is next?
func TestGuestPoolOrder(t *testing.T) {
	a, b, c := guest{cpus: 1}, guest{cpus: 2}, guest{cpus: 3}
	p := guestPool{seats: [2]seat{{guest: a, taken: true}, {guest: b, taken: true}}}
	var got []int
	for _, w := range []struct {
		guest guest
		limit time.Duration
	}{{c, 3}, {a, 1}, {a, 2}, {b, 1}, {c, 5}, {b, 8}} {
		p.waiters = append(p.waiters, waiter{w.guest, w.limit, make(chan *seat, 1)})
	}
	queue := slices.Clone(p.waiters)
	for range queue {
		p.release(&p.seats[0])
		i := slices.IndexFunc(queue, func(w waiter) bool { return len(w.seat) == 1 })
		<-queue[i].seat
		got = append(got, i)
	}
	// a is there, b in the other seat.
	if want := []int{2, 1, 4, 0, 5, 3}; !slices.Equal(got, want) {
		t.Errorf("the waiters got the seat in the order %v, not %v", got, want)
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
