// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
)

// What the programs of guards.bpf.c return.
const (
	guardsDone = iota
	guardsTaken
	guardsEarly
)

// leaks are the programs of guards.bpf.c that must not load, and a word or two
// of the verifier's about what each leaks.
var leaks = map[string]string{
	guardsProgLeakCgroup:   "reference leak",
	guardsProgLeakCpumask:  "reference leak",
	guardsProgLeakRcu:      "bpf_rcu_read_lock",
	guardsProgLeakIterator: "reference leak",
	guardsProgLeakRecord:   "reference leak",
}

// TestGuards runs programs that return early. With a guard they work when they
// are run again. Without, they do not load if it is the verifier that watches,
// and do not work a second time otherwise: so it is the guard that does it.
func TestGuards(t *testing.T) {
	inGuest(t, 2*time.Minute, func(t *testing.T) {
		spec, err := loadGuards()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range slices.Sorted(maps.Keys(leaks)) {
			leaky := spec.Copy()
			leaky.Programs = map[string]*ebpf.ProgramSpec{name: leaky.Programs[name]}
			if err := refused(leaky); err == nil || !strings.Contains(err.Error(), leaks[name]) {
				t.Errorf("%s: the verifier says %v, nothing of %s", name, err, leaks[name])
			} else {
				t.Logf("%s: %v", name, err)
			}
			delete(spec.Programs, name)
		}
		coll, err := ebpf.NewCollection(spec)
		if err != nil {
			t.Fatal(err)
		}
		defer coll.Close()
		run := func(name string, early bool) uint32 {
			t.Helper()
			if err := coll.Variables[guardsVarEarly].Set(early); err != nil {
				t.Fatal(err)
			}
			code, err := coll.Programs[name].Run(&ebpf.RunOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return code
		}
		if code := run(guardsProgFillSlots, false); code != guardsDone {
			t.Fatalf("fill the slots: %d", code)
		}
		for _, name := range slices.Sorted(maps.Keys(coll.Programs)) {
			again := uint32(guardsTaken)
			switch {
			case name == guardsProgFillSlots:
				continue
			case strings.HasPrefix(name, "guarded_"):
				again = guardsDone
			}
			got := []uint32{run(name, false), run(name, true), run(name, false)}
			if want := []uint32{guardsDone, guardsEarly, again}; !slices.Equal(got, want) {
				t.Errorf("%s: run, returned early, run again: %d, not %d", name, got, want)
			}
		}
	})
}

// refused is what the verifier says about a program that leaks something where
// it ends, or nil if the program loads. Newer kernels explain it at length.
func refused(spec *ebpf.CollectionSpec) error {
	coll, err := ebpf.NewCollection(spec)
	if err == nil {
		coll.Close()
		return nil
	}
	var v *ebpf.VerifierError
	if !errors.As(err, &v) {
		return fmt.Errorf("no word of the verifier: %w", err)
	}
	for _, line := range v.Log {
		if strings.Contains(line, "BPF_EXIT") {
			return errors.New(line)
		}
	}
	return errors.New(strings.Join(v.Log, "\n"))
}
