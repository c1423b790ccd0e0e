// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"cmp"
	"slices"
	"strings"
)

// sortKey orders things. What is unknown comes last, and always in the same
// order, whatever the direction.
type sortKey struct {
	known bool
	n     uint64
	s     string // decides where n is the same
}

func byNumber[T int | int32 | int64 | uint8 | uint32 | uint64](n T, known bool) sortKey {
	if !known {
		return sortKey{}
	}
	// Flipping the sign bit puts negative numbers before the others; it is
	// the same for all values of a column.
	u := uint64(n)
	if T(0)-1 < 0 {
		u ^= 1 << 63
	}
	return sortKey{known: true, n: u}
}

// byText orders by text. Its first bytes are compared as a number, which is all
// that most things need.
func byText(s string) sortKey {
	const bytes = 8
	var n uint64
	for k := range bytes {
		n <<= 8
		if k < len(s) {
			n |= uint64(s[k])
		}
	}
	return sortKey{known: true, n: n, s: s}
}

// byKnownText orders by text that may be unknown.
func byKnownText(s string, known bool) sortKey {
	if !known {
		return sortKey{}
	}
	return byText(s)
}

// ordered is things in order, and what that was made for.
type ordered struct {
	made    bool
	sorted  int
	reverse bool
	scope   place
	things  []int32
}

// keyed is a thing with its key as one number: a list may have a hundred thousand
// things.
type keyed struct {
	n uint64
	i int32
}

// arrange puts the things of the scope in order, if they are not. Those with the same
// key stay in the order of the snapshot. The order of all things is kept while the
// list is confined to some of them.
func (l *list) arrange() {
	o := &l.whole
	if l.scope != nowhere {
		o = &l.part
	}
	l.order = o
	if o.made && o.sorted == l.sorted && o.reverse == l.reverse && o.scope == l.scope {
		return
	}
	*o = ordered{true, l.sorted, l.reverse, l.scope, o.things[:0]}
	n, thing := l.n, func(k int) int { return k }
	if l.scope != nowhere {
		n, thing = len(l.scoped), func(k int) int { return l.scoped[k] }
	}
	col := &l.columns[l.sorted]
	known, unknown := make([]keyed, 0, n), []keyed(nil)
	var texts ranks
	for k := range n {
		i := thing(k)
		key := col.key(i)
		at := keyed{key.n, int32(i)} //nolint:gosec // no list has as many
		if !key.known {
			unknown = append(unknown, at)
			continue
		}
		if key.s != "" && texts.id == nil {
			texts.id = map[textKey]uint64{}
			for k := range known {
				known[k].n = texts.add(textKey{known[k].n, ""})
			}
		}
		if texts.id != nil {
			at.n = texts.add(textKey{key.n, key.s})
		}
		known = append(known, at)
	}
	texts.rank(known)
	for _, at := range sortKeyed(known, col.desc != l.reverse) {
		o.things = append(o.things, at.i)
	}
	for _, at := range sortKeyed(unknown, false) {
		o.things = append(o.things, at.i)
	}
}

// textKey is a key in which text decides, too.
type textKey struct {
	n uint64
	s string
}

// ranks makes numbers of the keys with text: many things have the same, and text is
// slow to compare.
type ranks struct {
	id   map[textKey]uint64 // nil if no key has text
	all  []textKey          // by id
	last uint64
}

func (r *ranks) add(k textKey) uint64 {
	if len(r.all) > 0 && r.all[r.last] == k {
		return r.last
	}
	id, is := r.id[k]
	if !is {
		id = uint64(len(r.all))
		r.id[k] = id
		r.all = append(r.all, k)
	}
	r.last = id
	return id
}

// rank puts the place of each key among all in the place of its id.
func (r *ranks) rank(keys []keyed) {
	if r.id == nil {
		return
	}
	byKey := make([]uint64, len(r.all))
	for id := range byKey {
		byKey[id] = uint64(id)
	}
	slices.SortFunc(byKey, func(a, b uint64) int {
		x, y := &r.all[a], &r.all[b]
		return cmp.Or(cmp.Compare(x.n, y.n), strings.Compare(x.s, y.s))
	})
	place := make([]uint64, len(r.all))
	for k, id := range byKey {
		place[id] = uint64(k)
	}
	for k := range keys {
		keys[k].n = place[keys[k].n]
	}
}

// sortKeyed sorts by n, byte by byte from the lowest one, and leaves alone what is
// equal. Bytes that are the same in all keys, which are most, take no time. It uses
// up keys.
func sortKeyed(keys []keyed, down bool) []keyed {
	if len(keys) == 0 {
		return nil
	}
	var differ uint64
	for k := range keys {
		if down {
			keys[k].n = ^keys[k].n
		}
		differ |= keys[k].n ^ keys[0].n
	}
	to := make([]keyed, len(keys))
	for shift := 0; shift < 64; shift += 8 {
		if differ>>shift&0xff == 0 {
			continue
		}
		var at [257]int
		for k := range keys {
			at[keys[k].n>>shift&0xff+1]++
		}
		for b := range 256 {
			at[b+1] += at[b]
		}
		for k := range keys {
			b := keys[k].n >> shift & 0xff
			to[at[b]] = keys[k]
			at[b]++
		}
		keys, to = to, keys
	}
	return keys
}

// bits is a set of things of a list.
type bits []uint64

func (b *bits) set(i int, is bool) {
	for len(*b) <= i/64 {
		*b = append(*b, 0)
	}
	if is {
		(*b)[i/64] |= 1 << (i % 64)
	} else {
		(*b)[i/64] &^= 1 << (i % 64)
	}
}

func (b bits) has(i int) bool { return i/64 < len(b) && b[i/64]>>(i%64)&1 != 0 }
