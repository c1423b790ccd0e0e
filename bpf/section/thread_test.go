// SPDX-License-Identifier: GPL-2.0-only

package section

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// word is a word on a cache line, and the one that is fetched with it, of its
// own.
type word struct {
	v uint32
	_ [124]byte
}

func (w *word) load() uint32 { return atomic.LoadUint32(&w.v) }

// Atomic operations of Go are full barriers, but for loads.
func (w *word) store(v uint32)   { atomic.StoreUint32(&w.v, v) }
func (w *word) add(delta uint32) { atomic.AddUint32(&w.v, delta) }

// Plain stores are not. The compiler keeps them where they are.

//go:noinline
func (w *word) storePlain(v uint32) { w.v = v }

//go:noinline
func (w *word) incPlain() { w.v++ }

// await spins until a word has a value.
func (w *word) await(v uint32) {
	for w.load() != v {
		continue
	}
}

const down = ^uint32(0) // what add counts down with

// memory is what the two threads share.
type memory struct {
	applied, nesting, ended word
	freed                   word // the oldest configuration that may be used
	lead, follow, looked    word // rounds
	reader, updater         word // rounds that are over, or sections
	old                     word // what the reader saw
}

// begin begins a section.
func (m *memory) begin() { m.nesting.add(1) }

// end ends a section.
func (m *memory) end() {
	if m.nesting.load() == 1 {
		m.ended.add(1)
	}
	m.nesting.add(down)
}

// wait is a grace period. It tells whether a section was open when it began.
func (m *memory) wait() bool {
	seen := m.ended.load()
	awaited := m.nesting.load() != 0
	for awaited && m.nesting.load() != 0 && m.ended.load() == seen {
		continue
	}
	return awaited
}

// onTwoCPUs runs two functions at the same time, each on a CPU of its own.
func onTwoCPUs(t *testing.T, one, other func()) {
	t.Helper()
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		t.Fatal(err)
	}
	var cpus []int
	for cpu := range len(may) * 64 {
		if may.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	if len(cpus) < 2 {
		t.Skip("one CPU has no order of its own to get wrong")
	}
	// A thread that spins must not keep the other from running.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(4, runtime.GOMAXPROCS(0))))
	var both sync.WaitGroup
	for i, run := range []func(){one, other} {
		both.Go(func() {
			runtime.LockOSThread() // for good: the thread ends with its affinity
			var set unix.CPUSet
			set.Set(cpus[i])
			if err := unix.SchedSetaffinity(0, &set); err != nil {
				t.Error(err)
			}
			run()
		})
	}
	both.Wait()
}

// barriers says which of the two barriers there are.
type barriers struct{ section, updater bool }

// outcomes are how often what was seen.
type outcomes struct {
	rounds  int
	awaited int // the reader used the old configuration and the updater saw the section
	fresh   int // the reader used the new one
	lost    int // the reader used the old one and the updater saw no section
}

// litmus has a section begin and a configuration come into force at the same
// time, over and over, until enough says so. In each round the one or the other
// thread has a start. The section is open until the updater has looked for it.
func litmus(t *testing.T, b barriers, readerFirst bool, enough func(outcomes) bool) outcomes {
	t.Helper()
	var m memory
	var o outcomes
	var stop atomic.Bool
	onTwoCPUs(t, func() {
		random := rand.New(rand.NewPCG(1, 2))
		for round := uint32(1); !stop.Load(); round++ {
			m.start(round, readerFirst, random)
			if b.section {
				m.begin()
			} else {
				m.nesting.incPlain()
			}
			seen := m.applied.load()
			m.looked.await(round)
			m.old.store(round - seen)
			m.end()
			m.reader.store(round)
			m.updater.await(round)
		}
	}, func() {
		random := rand.New(rand.NewPCG(3, 4))
		for round := uint32(1); ; round++ {
			m.start(round, !readerFirst, random)
			if b.updater {
				m.applied.store(round)
			} else {
				m.applied.storePlain(round)
			}
			section := m.nesting.load() != 0
			m.looked.store(round)
			m.reader.await(round)
			o.rounds++
			switch old := m.old.load() != 0; {
			case !old:
				o.fresh++
			case section:
				o.awaited++
			default:
				o.lost++
			}
			if enough(o) {
				stop.Store(true)
				m.updater.store(round)
				return
			}
			m.updater.store(round)
		}
	})
	return o
}

// start begins a round on both CPUs at about the same time. What the round is
// about is in the CPU's cache then, so that only a store is slow.
func (m *memory) start(round uint32, first bool, random *rand.Rand) {
	mine, other := &m.lead, &m.follow
	if !first {
		mine, other = other, mine
	}
	if first {
		other.await(round)
	}
	_, _ = m.applied.load(), m.nesting.load()
	mine.store(round)
	if !first {
		other.await(round)
	}
	for range random.IntN(32) {
		continue
	}
}

// orders are the two that litmus has.
var orders = map[string]bool{"the section first": true, "the updater first": false}

func TestNoSectionIsLost(t *testing.T) {
	const rounds = 1_000_000
	for name, readerFirst := range orders {
		t.Run(name, func(t *testing.T) {
			o := litmus(t, barriers{true, true}, readerFirst, func(o outcomes) bool { return o.rounds == rounds })
			t.Logf("%+v", o)
			if o.lost > 0 {
				t.Errorf("%d of %d sections were lost", o.lost, o.rounds)
			}
			if o.awaited == 0 || o.fresh == 0 {
				t.Errorf("the two never met: %+v", o)
			}
		})
	}
}

// TestBarriersAreNeeded looks for a section that is lost for want of a barrier.
// A machine that never shows one proves nothing, and is no failure.
func TestBarriersAreNeeded(t *testing.T) {
	const limit = 5 * time.Second
	for name, b := range map[string]barriers{
		"at the beginning of a section": {section: false, updater: true},
		"of the updater":                {section: true, updater: false},
	} {
		t.Run(name, func(t *testing.T) {
			for order, readerFirst := range orders {
				began := time.Now()
				o := litmus(t, b, readerFirst, func(o outcomes) bool {
					return o.lost > 0 || o.rounds%1024 == 0 && time.Since(began) > limit
				})
				if o.lost > 0 {
					t.Logf("%s: a section was lost in round %d", order, o.rounds)
				} else {
					t.Logf("%s: this machine does not show that the barrier is needed: no section lost in %d rounds, %v",
						order, o.rounds, limit)
				}
			}
		})
	}
}

// TestNothingIsUsedAfterItsGracePeriod has sections, some within others, and
// grace periods run freely.
func TestNothingIsUsedAfterItsGracePeriod(t *testing.T) {
	const enough = 1_000_000 // of sections, and of configurations
	var m memory
	var stop atomic.Bool
	var late, awaited, configurations int
	onTwoCPUs(t, func() {
		random := rand.New(rand.NewPCG(5, 6))
		var section func(depth int)
		section = func(depth int) {
			m.begin()
			seen := m.applied.load()
			for range random.IntN(64) {
				continue
			}
			if depth < 2 && random.IntN(4) == 0 {
				section(depth + 1)
			}
			if m.freed.load() > seen {
				late++
			}
			m.end()
			m.reader.add(1)
		}
		for !stop.Load() {
			section(0)
		}
	}, func() {
		for i := uint32(1); i <= enough || m.reader.load() < enough; i++ {
			m.applied.store(i)
			if m.wait() {
				awaited++
			}
			m.freed.store(i)
			configurations++
		}
		stop.Store(true)
	})
	t.Logf("%d sections, %d of %d grace periods waited for one", m.reader.load(), awaited, configurations)
	if late > 0 {
		t.Errorf("%d sections used what was free", late)
	}
	if awaited == 0 || awaited == configurations {
		t.Error("sections and grace periods never met, or always did")
	}
	if m.nesting.load() != 0 {
		t.Errorf("%d sections are still open", m.nesting.load())
	}
}
