// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"scxdiag/dump"
)

// The types below are the CBOR document that a body is, before compression.

type packedBody struct {
	_       struct{} `cbor:",toarray"`
	ID      string   // of the snapshot
	Base    string   // ID of the snapshot that it is relative to, "" if it is whole
	Root    packedTable
	Strings packedStrings
	Masks   [][]byte // words as MaskOfWords takes them, without zeros at the end
	About   about
}

// about is what a body holds beside the snapshot, so that nothing but the
// originals is lost with the other tables.
type about struct {
	_          struct{} `cbor:",toarray"`
	Boot       string   // see AddOptions
	HasText    bool     // the source text is kept
	HasRecords bool     // the records are kept
}

type packedTable struct {
	_    struct{} `cbor:",toarray"`
	Name string
	Rows int
	// Refs are, for each row, the row of the base's table that its columns are
	// relative to; see packRefs. Nil: the one in the same place of the list.
	Refs []byte
	Cols []packedColumn
	Subs []packedTable
}

type packedColumn struct {
	_     struct{} `cbor:",toarray"`
	Name  string
	Flags []byte // one byte a row, xor that of the row before, or of the base
	V     []byte // see packNumbers, as are
	Off   []byte // of the rows with a span
	Len   []byte
}

// packedStrings holds strings end to end.
type packedStrings struct {
	_    struct{} `cbor:",toarray"`
	Lens []byte   // see packNumbers
	Text []byte
	N    int
}

var (
	encMode = func() cbor.EncMode {
		m, err := cbor.EncOptions{}.EncMode()
		if err != nil {
			panic(err) // the options are constant
		}
		return m
	}()
	decMode = func() cbor.DecMode {
		m, err := cbor.DecOptions{MaxNestedLevels: 16, MaxArrayElements: 1 << 24, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField}.DecMode()
		if err != nil {
			panic(err) // the options are constant
		}
		return m
	}()
)

// shredded is a snapshot in tables.
type shredded struct {
	id    string
	about about
	root  *table
	c     *codec
}

// shred takes a snapshot apart. The numbers of its dictionaries continue those
// of base, if that is not nil.
func shred(s *dump.Snapshot, id string, a about, base *shredded) *shredded {
	c := &codec{spans: a.HasText}
	if base != nil {
		c.strings.base, c.masks.base = &base.c.strings, &base.c.masks
	}
	root := &table{name: "snapshot", c: c}
	root.row(0)
	snapshot(root, s)
	return &shredded{id, a, root, c}
}

// assembleSnapshot puts a snapshot together.
func (d *shredded) assembleSnapshot() (*dump.Snapshot, error) {
	d.c.assemble, d.c.room = true, maxModel
	var s dump.Snapshot
	d.root.row(0)
	snapshot(d.root, &s)
	return &s, d.c.err
}

// pack is the CBOR of d, relative to base if that is not nil.
func (d *shredded) pack(base *shredded) ([]byte, error) {
	var baseRoot *table
	var baseID string
	if base != nil {
		baseRoot, baseID = base.root, base.id
	}
	b := packedBody{
		ID:      d.id,
		Base:    baseID,
		Root:    packTable(d.root, baseRoot, zeroRefs(baseRoot)),
		Strings: packStrings(d.c.strings.all),
		About:   d.about,
	}
	for _, m := range d.c.masks.all {
		b.Masks = append(b.Masks, m.AppendWords(nil))
	}
	return encMode.Marshal(&b)
}

func zeroRefs(base *table) []int32 {
	if base == nil {
		return nil
	}
	return []int32{0}
}

// unpack reads what pack made.
func unpack(b []byte, base *shredded) (*shredded, error) {
	var p packedBody
	if err := decMode.Unmarshal(b, &p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	c := &codec{}
	var baseRoot *table
	if base == nil && p.Base != "" || base != nil && p.Base != base.id {
		return nil, fmt.Errorf("%w: what it is relative to is another snapshot", ErrDamaged)
	}
	if base != nil {
		c.strings.base, c.masks.base = &base.c.strings, &base.c.masks
		baseRoot = base.root
	}
	var err error
	if c.strings.all, err = p.Strings.unpack(); err != nil {
		return nil, err
	}
	for _, words := range p.Masks {
		c.masks.all = append(c.masks.all, dump.MaskOfWords(words))
	}
	u := unpacker{c: c, cells: maxCells}
	root, err := u.table(&p.Root, baseRoot, zeroRefs(baseRoot))
	if err != nil {
		return nil, err
	}
	return &shredded{p.ID, p.About, root, c}, nil
}

func packStrings(all []string) packedStrings {
	p := packedStrings{N: len(all)}
	lens := make([]uint64, len(all))
	n := 0
	for i, s := range all {
		lens[i] = uint64(len(s))
		n += len(s)
	}
	p.Lens = packNumbers(lens, nil, nil)
	p.Text = make([]byte, 0, n)
	for _, s := range all {
		p.Text = append(p.Text, s...)
	}
	return p
}

func (p *packedStrings) unpack() ([]string, error) {
	if p.N < 0 || p.N > maxCells {
		return nil, ErrDamaged
	}
	lens, err := unpackNumbers(p.Lens, p.N, nil, nil)
	if err != nil {
		return nil, err
	}
	all := make([]string, p.N)
	text := string(p.Text)
	for i, n := range lens {
		if n > uint64(len(text)) {
			return nil, ErrDamaged
		}
		all[i], text = text[:n], text[n:]
	}
	return all, nil
}

// identities are the columns by which the rows of a table are found again in
// another snapshot. Those of other tables are matched by their place in the
// list.
var identities = map[string]string{
	"tasks": "pid", "cpus": "id", "cells": "id", "events": "seq", "counters": "name", "dsqs": "name",
}

func (t *table) find(name string) *column {
	for _, c := range t.cols {
		if c.name == name {
			return c
		}
	}
	return nil
}

func (t *table) findSub(name string) *table {
	if t == nil {
		return nil
	}
	for _, s := range t.subs {
		if s.name == name {
			return s
		}
	}
	return nil
}

func packTable(t, base *table, refs []int32) packedTable {
	p := packedTable{Name: t.name, Rows: t.rows}
	if base != nil && base.rows == 0 {
		base, refs = nil, nil // it is not there for whoever reads
	}
	if base != nil {
		c, bc := t.find(identities[t.name]), base.find(identities[t.name])
		if c != nil && bc != nil {
			byPlace := refs
			refs = matchRows(c, bc)
			if !slices.Equal(refs, byPlace) {
				p.Refs = packRefs(refs)
			}
		}
	}
	for _, c := range t.cols {
		if pc, ok := packColumn(c, base, refs); ok {
			p.Cols = append(p.Cols, pc)
		}
	}
	for _, s := range t.subs {
		bs := base.findSub(s.name)
		if s.rows == 0 {
			continue
		}
		p.Subs = append(p.Subs, packTable(s, bs, subRefs(t, base, s.name, refs, s.rows)))
	}
	return p
}

// matchRows finds for each row the row of the base with the same value, -1 if
// there is none. Rows that follow each other there are found first.
func matchRows(c, base *column) []int32 {
	refs := make([]int32, len(c.v))
	var index map[uint64]int32
	next := 0
	for i, v := range c.v {
		if next < len(base.v) && base.v[next] == v {
			refs[i] = int32(next) //nolint:gosec // below maxCells
			next++
			continue
		}
		if index == nil {
			index = make(map[uint64]int32, len(base.v))
			for k := len(base.v) - 1; k >= 0; k-- {
				index[base.v[k]] = int32(k) //nolint:gosec // below maxCells
			}
		}
		k, ok := index[v]
		if !ok {
			refs[i] = -1
			continue
		}
		refs[i], next = k, int(k)+1
	}
	return refs
}

// packRefs writes how far each reference is from the one behind that of the
// row before.
func packRefs(refs []int32) []byte {
	v := make([]uint64, len(refs))
	next := int32(0)
	for i, r := range refs {
		v[i] = zigzag(uint64(int64(r) - int64(next))) //nolint:gosec // the same bits
		if r >= 0 {
			next = r + 1
		}
	}
	if b := packNumbers(v, nil, nil); b != nil {
		return b
	}
	return []byte{0} // nil would say that there are none
}

func unpackRefs(b []byte, rows, baseRows int) ([]int32, error) {
	v, err := unpackNumbers(b, rows, nil, nil)
	if err != nil {
		return nil, err
	}
	refs := make([]int32, rows)
	next := int64(0)
	for i, d := range v {
		r := next + int64(unzigzag(d)) //nolint:gosec // the same bits
		if r < -1 || r >= int64(baseRows) {
			return nil, ErrDamaged
		}
		refs[i] = int32(r) //nolint:gosec // checked
		if r >= 0 {
			next = r + 1
		}
	}
	return refs, nil
}

// subRefs matches the rows of a table below t by their place in the lists of
// the rows that refs matches.
func subRefs(t, base *table, name string, refs []int32, rows int) []int32 {
	bs := base.findSub(name)
	if bs == nil || bs.rows == 0 || refs == nil {
		return nil
	}
	lens, baseLens := t.find(name), base.find(name)
	if lens == nil || baseLens == nil {
		return nil
	}
	starts := make([]int, len(baseLens.v))
	n := 0
	for i, l := range baseLens.v {
		starts[i] = n
		n += listLen(l)
	}
	out := make([]int32, 0, rows)
	for i, l := range lens.v {
		from, have := 0, 0
		if i < len(refs) {
			if r := refs[i]; r >= 0 && int(r) < len(starts) {
				from, have = starts[r], listLen(baseLens.v[r])
			}
		}
		for k := 0; k < listLen(l) && len(out) < rows; k++ {
			if k < have && from+k < bs.rows {
				out = append(out, int32(from+k)) //nolint:gosec // below maxCells
			} else {
				out = append(out, -1)
			}
		}
	}
	for len(out) < rows { // only of a damaged body
		out = append(out, -1)
	}
	return out
}

// listLen is the length of a list, whose column has one more.
func listLen(v uint64) int { return int(min(max(v, 1)-1, maxCells)) } //nolint:gosec // below maxCells

func packColumn(c *column, base *table, refs []int32) (packedColumn, bool) {
	var bc column
	if base != nil {
		if f := base.find(c.name); f != nil {
			bc = *f
		}
	}
	p := packedColumn{
		Name: c.name,
		V:    packNumbers(c.v, bc.v, refs),
		Off:  packNumbers(c.off, nil, nil),
		Len:  packNumbers(c.len, nil, nil),
	}
	last, changed := uint8(0), false
	var flags []byte
	if len(c.flags) > 0 {
		flags = make([]byte, len(c.flags))
		for i, f := range c.flags {
			pred := last
			if i < len(refs) {
				if r := refs[i]; r >= 0 {
					pred = at(bc.flags, r)
				}
			}
			flags[i] = f ^ pred
			changed = changed || flags[i] != 0
			last = f
		}
	}
	if changed {
		p.Flags = flags
	}
	return p, p.V != nil || p.Flags != nil || p.Off != nil || p.Len != nil
}

// packNumbers writes numbers as differences: from the base, where refs says
// from which number of it, else from the number before. It is nil if
// all differences are 0. Otherwise the first byte is how many bytes the widest
// needs; then come the lowest bytes of all, the second lowest, and so on.
func packNumbers(v, base []uint64, refs []int32) []byte {
	var all, last uint64
	d := make([]uint64, len(v))
	for i, n := range v {
		pred := last
		if i < len(refs) {
			if r := refs[i]; r >= 0 {
				pred = at(base, r)
			}
		}
		d[i] = zigzag(n - pred)
		all |= d[i]
		last = n
	}
	if all == 0 {
		return nil
	}
	width := (bits.Len64(all) + 7) / 8
	b := make([]byte, 1+width*len(d))
	b[0] = byte(width)
	for k := range width {
		plane := b[1+k*len(d):][:len(d)]
		shift := k * 8
		for i, n := range d {
			plane[i] = byte(n >> shift)
		}
	}
	return b
}

func unpackNumbers(b []byte, n int, base []uint64, refs []int32) ([]uint64, error) {
	v := make([]uint64, n)
	if len(b) > 0 {
		width := int(b[0])
		if width > 8 || len(b) != 1+width*n {
			return nil, ErrDamaged
		}
		for k := range width {
			for i, x := range b[1+k*n:][:n] {
				v[i] |= uint64(x) << (k * 8)
			}
		}
	}
	var last uint64
	for i, d := range v {
		pred := last
		if i < len(refs) {
			if r := refs[i]; r >= 0 {
				pred = at(base, r)
			}
		}
		last = pred + unzigzag(d)
		v[i] = last
	}
	return v, nil
}

// at is element i of a column, 0 where that is not there.
func at[T uint8 | uint64](l []T, i int32) T {
	if int(i) < len(l) {
		return l[i]
	}
	return 0
}

// zigzag maps differences so that those near 0 on either side become small.
func zigzag(d uint64) uint64 { return d<<1 ^ uint64(int64(d)>>63) } //nolint:gosec // the same bits

func unzigzag(z uint64) uint64 { return z>>1 ^ -(z & 1) }

// maxCells bounds how many numbers the tables of one snapshot have, which take
// 8 bytes each.
const maxCells = 1 << 26

type unpacker struct {
	c     *codec
	cells int // that are still allowed
}

func (u *unpacker) take(n int) bool {
	if n < 0 || n > u.cells {
		return false
	}
	u.cells -= n
	return true
}

func (u *unpacker) table(p *packedTable, base *table, refs []int32) (*table, error) {
	t := &table{name: p.Name, rows: p.Rows, c: u.c}
	if !u.take(p.Rows) {
		return nil, ErrDamaged
	}
	if p.Refs != nil {
		if base == nil {
			return nil, ErrDamaged
		}
		var err error
		if refs, err = unpackRefs(p.Refs, p.Rows, base.rows); err != nil {
			return nil, err
		}
	}
	if base == nil {
		refs = nil
	} else {
		for _, c := range base.cols {
			if !slices.ContainsFunc(p.Cols, func(pc packedColumn) bool { return pc.Name == c.name }) {
				p.Cols = append(p.Cols, packedColumn{Name: c.name})
			}
		}
	}
	for i := range p.Cols {
		c, err := u.column(&p.Cols[i], t, base, refs)
		if err != nil {
			return nil, err
		}
		t.cols = append(t.cols, c)
	}
	for i := range p.Subs {
		ps := &p.Subs[i]
		if ps.Rows < 0 || ps.Rows > u.cells {
			return nil, ErrDamaged
		}
		s, err := u.table(ps, base.findSub(ps.Name), subRefs(t, base, ps.Name, refs, ps.Rows))
		if err != nil {
			return nil, err
		}
		t.subs = append(t.subs, s)
	}
	return t, nil
}

func (u *unpacker) column(p *packedColumn, t, base *table, refs []int32) (*column, error) {
	var bc column
	if base != nil {
		if f := base.find(p.Name); f != nil {
			bc = *f
		}
	}
	c := &column{name: p.Name}
	if !u.take(t.rows) {
		return nil, ErrDamaged
	}
	var err error
	if c.v, err = unpackNumbers(p.V, t.rows, bc.v, refs); err != nil {
		return nil, err
	}
	if p.Flags == nil && len(bc.flags) == 0 {
		return c, nil
	}
	if p.Flags != nil && len(p.Flags) != t.rows {
		return nil, ErrDamaged
	}
	c.flags = make([]uint8, t.rows)
	last, spans := uint8(0), 0
	for i := range c.flags {
		pred := last
		if i < len(refs) {
			if r := refs[i]; r >= 0 {
				pred = at(bc.flags, r)
			}
		}
		if p.Flags != nil {
			pred ^= p.Flags[i]
		}
		last = pred
		c.flags[i] = last
		if last&hasSpan != 0 {
			spans++
		}
	}
	if !u.take(spans) {
		return nil, ErrDamaged
	}
	if c.off, err = unpackNumbers(p.Off, spans, nil, nil); err != nil {
		return nil, err
	}
	if c.len, err = unpackNumbers(p.Len, spans, nil, nil); err != nil {
		return nil, err
	}
	return c, nil
}
