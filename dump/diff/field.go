// SPDX-License-Identifier: GPL-2.0-only

package diff

import "scxdiag/dump"

// State says how a value of two snapshots compares.
type State uint8

// The states.
const (
	Absent  State = iota // neither snapshot has the value
	Unknown              // one of them lacks it, or the two cannot be compared
	Same
	Changed
)

// String is the name of the state in JSON.
func (s State) String() string { return [...]string{"absent", "unknown", "same", "changed"}[s] }

// Tally counts states.
type Tally struct{ Absent, Unknown, Same, Changed int }

func (t *Tally) add(s State) {
	switch s {
	case Absent:
		t.Absent++
	case Unknown:
		t.Unknown++
	case Same:
		t.Same++
	case Changed:
		t.Changed++
	}
}

// Total is how many values were compared.
func (t Tally) Total() int { return t.Absent + t.Unknown + t.Same + t.Changed }

// Fields is a set of fields: bit i is for the field with number i.
type Fields uint16

// Has reports whether field i is in the set.
func (f Fields) Has(i int) bool { return f>>i&1 != 0 }

// With is the set with field i in it.
func (f Fields) With(i int) Fields { return f | 1<<i }

// compare says how a field of two things compares.
type compare[T any] func(before, after *T) State

// compareAll compares two things field by field and counts the states.
func compareAll[T any](fields []compare[T], tallies []Tally, before, after *T) (changed, unknown Fields) {
	for i, f := range fields {
		s := f(before, after)
		tallies[i].add(s)
		switch s {
		case Changed:
			changed = changed.With(i)
		case Unknown:
			unknown = unknown.With(i)
		case Absent, Same:
		}
	}
	return changed, unknown
}

// by compares a field by ==.
func by[T any, V comparable](field func(*T) *dump.Value[V]) compare[T] {
	return byFunc(field, func(a, b V) bool { return a == b })
}

// byFunc compares a field by a function.
func byFunc[T, V any](field func(*T) *dump.Value[V], same func(a, b V) bool) compare[T] {
	return func(before, after *T) State {
		b, a := field(before), field(after)
		return stateOf(*b, *a, same)
	}
}

// stateOf compares two values.
func stateOf[V any](before, after dump.Value[V], same func(a, b V) bool) State {
	switch {
	case !before.Known && !after.Known:
		return Absent
	case !before.Known || !after.Known:
		return Unknown
	case same(before.V, after.V):
		return Same
	}
	return Changed
}

// progress is the difference of two clocks that wrap.
func progress(before, after dump.Value[uint64]) dump.Value[int64] {
	if !before.Known || !after.Known {
		return dump.Value[int64]{}
	}
	return dump.Of(int64(after.V - before.V)) //nolint:gosec // a wrapping difference
}
