// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"fmt"
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
	Masks   packedMasks
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
	// Same says which rows differ from the base in anything: 1 for each that
	// does, else 0. The columns have only those. Nil: they have all.
	Same []byte
	Cols []packedColumn
	Subs []packedTable
}

type packedColumn struct {
	_     struct{} `cbor:",toarray"`
	Name  string
	Kind  columnKind
	Flags []byte // xor those of the base, or of the row before; see numbers.go, as are
	V     []byte
	Off   []byte // of the rows with a span
	Len   []byte
}

// packedStrings is a dictionary of strings.
type packedStrings struct {
	_    struct{} `cbor:",toarray"`
	N    int
	Refs []byte // place of each in the base's dictionary, 0 if it is new; see numbers.go
	Lens []byte // of the new ones; see numbers.go
	Text []byte // the new ones, end to end
}

// packedMasks is a dictionary of masks.
type packedMasks struct {
	_    struct{} `cbor:",toarray"`
	N    int
	Refs []byte   // as in packedStrings
	New  [][]byte // words as MaskOfWords takes them, without zeros at the end
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

// packer writes tables.
type packer struct {
	c           coder
	byKind      translations
	base, other []uint64 // buffers
}

// unpacker reads tables.
type unpacker struct {
	c      *codec
	k      coder
	byKind translations
	cells  int // that are still allowed
}

// shredded is a snapshot in tables.
type shredded struct {
	id    string
	about about
	root  *table
	c     *codec
}

// shred takes a snapshot apart. Spare, if it is not nil, is one that nobody
// needs any more; its memory is used again.
func shred(s *dump.Snapshot, id string, a about, spare *shredded) *shredded {
	c := &codec{spans: a.HasText}
	root := &table{name: "snapshot", c: c}
	if spare != nil {
		root = spare.root
		root.reset(c)
	}
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
	p := packer{}
	b := packedBody{ID: d.id, About: d.about}
	var baseRoot *table
	var baseStrings *dictionary[string]
	var baseMasks *dictionary[dump.CPUMask]
	if base != nil {
		b.Base, baseRoot, baseStrings, baseMasks = base.id, base.root, &base.c.strings, &base.c.masks
	}
	b.Strings = p.strings(&d.c.strings, baseStrings)
	b.Masks = p.masks(&d.c.masks, baseMasks)
	b.Root = p.table(d.root, baseRoot, zeroRefs(baseRoot))
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
	if base == nil && p.Base != "" || base != nil && p.Base != base.id {
		return nil, fmt.Errorf("%w: what it is relative to is another snapshot", ErrDamaged)
	}
	c := &codec{}
	u := unpacker{c: c, cells: maxCells}
	var baseRoot *table
	var baseStrings *dictionary[string]
	var baseMasks *dictionary[dump.CPUMask]
	if base != nil {
		baseRoot, baseStrings, baseMasks = base.root, &base.c.strings, &base.c.masks
	}
	if err := u.strings(&p.Strings, baseStrings); err != nil {
		return nil, err
	}
	if err := u.masks(&p.Masks, baseMasks); err != nil {
		return nil, err
	}
	root, err := u.table(&p.Root, baseRoot, zeroRefs(baseRoot))
	if err != nil {
		return nil, err
	}
	return &shredded{p.ID, p.About, root, c}, nil
}

// translation leads from the places of one dictionary to those of another, 0
// where that has no such thing. Nil leads everything to itself.
type translation []uint64

// of translates a number of a column.
func (t translation) of(kind columnKind, v uint64) uint64 {
	switch {
	case t == nil || kind == ofNumbers || kind == ofStrings && v&1 != 0:
		return v
	case kind == ofStrings:
		return t.place(v>>1) << 1
	}
	return t.place(v)
}

func (t translation) place(v uint64) uint64 {
	if v < uint64(len(t)) {
		return t[v]
	}
	return 0
}

// translations are those of each kind of column.
type translations [ofMasks + 1]translation

func (t *translations) of(c *column) translation {
	if c == nil {
		return nil
	}
	return t[c.kind]
}

// translate makes the translation of a base's n places, of which refs says
// where ours are.
func translate(refs []uint64, n int) translation {
	same := true
	t := make(translation, n+1)
	for i, r := range refs {
		same = same && r == uint64(i)+1
		if r != 0 {
			t[r] = uint64(i) + 1
		}
	}
	if same && len(refs) == n {
		return nil
	}
	return t
}

// refer finds what a dictionary has in common with that of the base.
func refer[T comparable](d, base *dictionary[T]) (refs []uint64, fresh []T) {
	if base == nil {
		return nil, d.all
	}
	refs = make([]uint64, len(d.all))
	for i, v := range d.all {
		if i < len(base.all) && base.all[i] == v {
			refs[i] = uint64(i) + 1
		} else if refs[i] = base.lookup()[v]; refs[i] == 0 {
			fresh = append(fresh, v)
		}
	}
	return refs, fresh
}

func (p *packer) strings(d, base *dictionary[string]) packedStrings {
	out := packedStrings{N: len(d.all)}
	refs, fresh := refer(d, base)
	if base != nil {
		out.Refs = p.c.numbers(refs)
		p.byKind[ofStrings] = translate(refs, len(base.all))
	}
	lens := make([]uint64, len(fresh))
	n := 0
	for i, s := range fresh {
		lens[i] = uint64(len(s))
		n += len(s)
	}
	out.Lens = p.c.numbers(lens)
	out.Text = make([]byte, 0, n)
	for _, s := range fresh {
		out.Text = append(out.Text, s...)
	}
	return out
}

func (p *packer) masks(d, base *dictionary[dump.CPUMask]) packedMasks {
	out := packedMasks{N: len(d.all)}
	refs, fresh := refer(d, base)
	if base != nil {
		out.Refs = p.c.numbers(refs)
		p.byKind[ofMasks] = translate(refs, len(base.all))
	}
	for _, m := range fresh {
		out.New = append(out.New, m.AppendWords(nil))
	}
	return out
}

// places reads the references of a dictionary with n entries to one with has,
// and how many are new.
func (u *unpacker) places(b []byte, n, has int) (refs []uint64, fresh int, err error) {
	if !u.take(n) {
		return nil, 0, ErrDamaged
	}
	if refs, err = u.k.readNumbers(b, n); err != nil {
		return nil, 0, err
	}
	for _, r := range refs {
		if r > uint64(has) { //nolint:gosec // a length
			return nil, 0, ErrDamaged
		}
		if r == 0 {
			fresh++
		}
	}
	return refs, fresh, nil
}

func (u *unpacker) strings(p *packedStrings, base *dictionary[string]) error {
	var known []string
	if base != nil {
		known = base.all
	}
	refs, fresh, err := u.places(p.Refs, p.N, len(known))
	if err != nil {
		return err
	}
	lens, err := u.k.readNumbers(p.Lens, fresh)
	if err != nil {
		return err
	}
	all := make([]string, p.N)
	text := string(p.Text)
	next := 0
	for i, r := range refs {
		if r != 0 {
			all[i] = known[r-1]
			continue
		}
		n := lens[next]
		next++
		if n > uint64(len(text)) {
			return ErrDamaged
		}
		all[i], text = text[:n], text[n:]
	}
	u.c.strings.all = all
	u.byKind[ofStrings] = translate(refs, len(known))
	return nil
}

func (u *unpacker) masks(p *packedMasks, base *dictionary[dump.CPUMask]) error {
	var known []dump.CPUMask
	if base != nil {
		known = base.all
	}
	refs, fresh, err := u.places(p.Refs, p.N, len(known))
	if err != nil {
		return err
	}
	if fresh != len(p.New) {
		return ErrDamaged
	}
	all := make([]dump.CPUMask, p.N)
	next := 0
	for i, r := range refs {
		if r != 0 {
			all[i] = known[r-1]
			continue
		}
		all[i] = dump.MaskOfWords(p.New[next])
		next++
	}
	u.c.masks.all = all
	u.byKind[ofMasks] = translate(refs, len(known))
	return nil
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

func (p *packer) table(t, base *table, refs []int32) packedTable {
	out := packedTable{Name: t.name, Rows: t.rows}
	if base != nil && base.rows == 0 {
		base = nil // it is not there for whoever reads
	}
	if base == nil {
		refs = nil
	}
	if base != nil {
		c, bc := t.find(identities[t.name]), base.find(identities[t.name])
		if c != nil && bc != nil {
			byPlace := refs
			refs = matchRows(c, bc, p.byKind.of(bc))
			if !slices.Equal(refs, byPlace) {
				out.Refs = p.packRefs(refs)
			}
		}
	}
	rel := newRelative(t.rows, refs)
	if base != nil {
		if out.Same = p.same(t, base, rel); out.Same != nil {
			defer func() { rel.rows = nil }()
		}
	}
	for _, c := range byDependence(t.cols) {
		if pc, ok := p.column(c, t, base, rel); ok {
			out.Cols = append(out.Cols, pc)
		}
	}
	for _, s := range t.subs {
		if s.rows == 0 {
			continue
		}
		out.Subs = append(out.Subs, p.table(s, base.findSub(s.name), subRefs(t, base, s.name, refs, s.rows)))
	}
	return out
}

// relative says how the rows of a table relate to those of the base.
type relative struct {
	refs  []int32 // row of the base for each row, -1 if there is none; nil: there is no base
	isNew []bool  // whether there is none
	// inPlace is set if each row is relative to the one in the same place.
	inPlace bool
	rows    []int32 // those that differ from the base; nil: all
}

func newRelative(rows int, refs []int32) *relative {
	if refs == nil {
		return &relative{}
	}
	r := &relative{refs: refs, isNew: make([]bool, rows), inPlace: true}
	for i, ref := range refs {
		r.isNew[i] = ref < 0
		r.inPlace = r.inPlace && int(ref) == i
	}
	return r
}

// of has, for each row, the number that the base has in the column c, which
// may be nil, translated; nil if there is no base.
func (r *relative) of(c *column, tr translation, buf []uint64) []uint64 {
	if r.refs == nil {
		return nil
	}
	buf = slices.Grow(buf[:0], len(r.refs))[:len(r.refs)]
	if c == nil {
		clear(buf)
		return buf
	}
	if r.inPlace && len(c.v) == len(buf) && (tr == nil || c.kind == ofNumbers) {
		copy(buf, c.v)
		return buf
	}
	for i, ref := range r.refs {
		buf[i] = 0
		if ref >= 0 && int(ref) < len(c.v) {
			buf[i] = tr.of(c.kind, c.v[ref])
		}
	}
	return buf
}

// flagsOf is of for the flags of a column.
func (r *relative) flagsOf(c *column, i int, before uint8) uint8 {
	if r.refs == nil || r.isNew[i] {
		return before
	}
	if ref := int(r.refs[i]); c != nil && ref < len(c.flags) {
		return c.flags[ref]
	}
	return 0
}

// same finds the rows in which nothing differs from the base, and writes which
// they are; nil if that is not worth it.
func (p *packer) same(t, base *table, rel *relative) []byte {
	differs := make([]uint64, t.rows)
	for i, isNew := range rel.isNew {
		if isNew {
			differs[i] = 1
		}
	}
	for _, c := range t.cols {
		bc := base.find(c.name)
		if p.unchanged(c, bc, rel) {
			continue
		}
		p.base = rel.of(bc, p.byKind.of(bc), p.base)
		for i, v := range c.v {
			if v != p.base[i] {
				differs[i] = 1
			}
		}
		for i, f := range c.flags {
			if f != rel.flagsOf(bc, i, f) {
				differs[i] = 1
			}
		}
	}
	rows := make([]int32, 0, t.rows)
	for i, d := range differs {
		if d != 0 {
			rows = append(rows, int32(i))
		}
	}
	if len(rows) > t.rows*7/8 {
		return nil
	}
	rel.rows = rows
	if b := p.c.numbers(differs); b != nil {
		return b
	}
	return []byte{}
}

// unchanged reports whether a column is all as in the base, where each row is
// relative to the one in the same place. It finds most such columns fast.
func (p *packer) unchanged(c, bc *column, rel *relative) bool {
	return rel.inPlace && bc != nil && p.byKind.of(bc) == nil && slices.Equal(c.v, bc.v) && slices.Equal(c.flags, bc.flags)
}

// companions are columns that tend to move with another column of their
// table.
var companions = map[string]string{
	"vtime": "dsq vtime", "dsq vtime": "run time", "qseq": "runs", "tgid": "pid", "allowed cpus": "cpus", "scheduler cpus": "allowed cpus",
	"assigned": "dsq", "assigned kind": "dsq kind", "assigned cell": "cell", "dsq cell": "cell", "cgroup": "cell", "cgroup name": "cell",
}

// byDependence orders columns so that each comes behind its companion.
func byDependence(cols []*column) []*column {
	depth := func(name string) int {
		n := 0
		for c, ok := companions[name]; ok; c, ok = companions[c] {
			n++
		}
		return n
	}
	cols = slices.Clone(cols)
	slices.SortStableFunc(cols, func(a, b *column) int { return depth(a.name) - depth(b.name) })
	return cols
}

// matchRows finds for each row the row of the base with the same value, -1 if
// there is none. Rows that follow each other there are found first.
func matchRows(c, base *column, tr translation) []int32 {
	refs := make([]int32, len(c.v))
	var index map[uint64]int32
	next := 0
	for i, v := range c.v {
		if next < len(base.v) && tr.of(base.kind, base.v[next]) == v {
			refs[i] = int32(next)
			next++
			continue
		}
		if index == nil {
			index = make(map[uint64]int32, len(base.v))
			for k := len(base.v) - 1; k >= 0; k-- {
				index[tr.of(base.kind, base.v[k])] = int32(k) //nolint:gosec // below maxCells
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
func (p *packer) packRefs(refs []int32) []byte {
	v := make([]uint64, len(refs))
	next := int32(0)
	for i, r := range refs {
		v[i] = uint64(int64(r) - int64(next)) //nolint:gosec // the same bits
		if r >= 0 {
			next = r + 1
		}
	}
	if b := p.c.numbers(v); b != nil {
		return b
	}
	return []byte{} // nil would say that there are none
}

func (u *unpacker) refs(b []byte, rows, baseRows int) ([]int32, error) {
	v, err := u.k.readNumbers(b, rows)
	if err != nil {
		return nil, err
	}
	refs := make([]int32, rows)
	next := int64(0)
	for i, d := range v {
		r := next + int64(d) //nolint:gosec // the same bits
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
				out = append(out, int32(from+k))
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
func listLen(v uint64) int { return int(min(max(v, 1)-1, maxCells)) }

func (p *packer) column(c *column, t, base *table, rel *relative) (packedColumn, bool) {
	var bc *column
	if base != nil {
		bc = base.find(c.name)
	}
	if len(c.off) == 0 && p.unchanged(c, bc, rel) {
		return packedColumn{}, false
	}
	x := relation{v: c.v, rows: rel.rows, isNew: rel.isNew}
	p.base = rel.of(bc, p.byKind.of(bc), p.base)
	if rel.refs != nil {
		x.base = p.base
	}
	out := packedColumn{Name: c.name, Kind: c.kind, Off: p.c.numbers(c.off), Len: p.c.numbers(c.len)}
	if other := t.find(companions[c.name]); other != nil {
		x.other = other.v
		if base != nil {
			bo := base.find(other.name)
			p.other = rel.of(bo, p.byKind.of(bo), p.other)
			x.otherBase = p.other
		}
	}
	out.V = p.c.pack(&x)
	if len(c.flags) > 0 {
		flags := make([]uint64, x.len())
		for k := range flags {
			i := x.row(k)
			before := uint8(0)
			if i > 0 {
				before = c.flags[i-1]
			}
			flags[k] = uint64(c.flags[i] ^ rel.flagsOf(bc, i, before))
		}
		out.Flags = p.c.numbers(flags)
	}
	return out, out.V != nil || out.Flags != nil || out.Off != nil || out.Len != nil
}

// maxCells bounds how many numbers the tables of one snapshot have, which take
// 8 bytes each.
const maxCells = 1 << 26

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
	if base != nil && base.rows == 0 {
		base = nil
	}
	if base == nil {
		refs = nil
		if p.Refs != nil || p.Same != nil {
			return nil, ErrDamaged
		}
	}
	var err error
	if p.Refs != nil {
		if refs, err = u.refs(p.Refs, p.Rows, base.rows); err != nil {
			return nil, err
		}
	}
	if refs != nil && len(refs) != p.Rows {
		return nil, ErrDamaged
	}
	rel := newRelative(p.Rows, refs)
	if p.Same != nil {
		if rel.rows, err = u.differing(p.Same, rel); err != nil {
			return nil, err
		}
	}
	if base != nil {
		for _, c := range base.cols {
			if !slices.ContainsFunc(p.Cols, func(pc packedColumn) bool { return pc.Name == c.name }) {
				// It is all as in the base, and may be needed by the others.
				same, err := u.column(&packedColumn{Name: c.name, Kind: c.kind}, t, base, rel)
				if err != nil {
					return nil, err
				}
				t.cols = append(t.cols, same)
			}
		}
	}
	for i := range p.Cols {
		c, err := u.column(&p.Cols[i], t, base, rel)
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

// differing reads which rows differ from the base.
func (u *unpacker) differing(b []byte, rel *relative) ([]int32, error) {
	if rel.refs == nil {
		return nil, ErrDamaged
	}
	differs, err := u.k.readNumbers(b, len(rel.refs))
	if err != nil {
		return nil, err
	}
	rows := make([]int32, 0, len(differs))
	for i, d := range differs {
		if d == 0 && rel.isNew[i] {
			return nil, ErrDamaged
		}
		if d != 0 {
			rows = append(rows, int32(i))
		}
	}
	return rows, nil
}

func (u *unpacker) column(p *packedColumn, t, base *table, rel *relative) (*column, error) {
	var bc *column
	if base != nil {
		bc = base.find(p.Name)
	}
	if !u.take(t.rows) || p.Kind > ofMasks || bc != nil && bc.kind != p.Kind {
		return nil, ErrDamaged
	}
	c := &column{name: p.Name, kind: p.Kind, v: make([]uint64, t.rows)}
	x := relation{v: c.v, rows: rel.rows, isNew: rel.isNew, base: rel.of(bc, u.byKind.of(bc), nil)}
	if x.base != nil {
		copy(c.v, x.base) // of the rows that do not differ
	}
	if name := companions[p.Name]; name != "" {
		x.other = make([]uint64, t.rows)
		if other := t.find(name); other != nil {
			x.other = other.v
		}
		if base != nil {
			bo := base.find(name)
			x.otherBase = rel.of(bo, u.byKind.of(bo), nil)
		}
	}
	if err := u.k.unpack(p.V, &x); err != nil {
		return nil, err
	}
	if p.Flags == nil && (bc == nil || len(bc.flags) == 0) {
		return c, nil
	}
	flags, err := u.k.readNumbers(p.Flags, x.len())
	if err != nil {
		return nil, err
	}
	c.flags = make([]uint8, t.rows)
	next, spans := 0, 0
	for i := range c.flags {
		before := uint8(0)
		if i > 0 {
			before = c.flags[i-1]
		}
		f := rel.flagsOf(bc, i, before)
		if next < len(flags) && x.row(next) == i {
			f ^= uint8(flags[next]) //nolint:gosec // as it was put
			next++
		}
		c.flags[i] = f
		if f&hasSpan != 0 {
			spans++
		}
	}
	if !u.take(spans) {
		return nil, ErrDamaged
	}
	if c.off, err = u.k.readNumbers(p.Off, spans); err != nil {
		return nil, err
	}
	c.len, err = u.k.readNumbers(p.Len, spans)
	return c, err
}
