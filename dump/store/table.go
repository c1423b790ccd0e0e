// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"reflect"
	"strconv"
	"time"

	"scxdiag/dump"
)

// A snapshot is taken apart into tables: one row for each element of a list,
// one column for each field. The functions of model.go name the fields, one
// line each, and serve both directions: shredding appends to the columns what
// it finds in the model, and assembling puts back what the columns hold.

// column is one field of all rows of a table. Everything is a number: strings
// and masks are their index in the dictionaries of the codec.
type column struct {
	name string
	kind columnKind
	// flags has what is known of each value. It is empty for fields that are
	// always known and have no span.
	flags []uint8
	v     []uint64
	// off and len are of the spans of those rows whose flags have hasSpan:
	// the offset is relative to the end of the span before it in the row.
	off, len []uint64

	at, atSpan int // next row and next span, when assembling

	lastString string // of the last row and
	lastMask   dump.CPUMask
	last       uint64 // what they became
}

// columnKind says what the numbers of a column stand for.
type columnKind uint8

const (
	ofNumbers columnKind = iota
	ofStrings            // even: twice the place in the dictionary; odd: a numeral
	ofMasks              // the place in the dictionary
)

// Bits of column.flags.
const (
	isKnown uint8 = 1 << iota
	hasSpan
)

// table is all elements of the lists of one name in one place of the model.
type table struct {
	name string
	rows int
	want int // rows that are known to come, when shredding
	cols []*column
	subs []*table

	c    *codec
	k, n int    // next column and next table of the present row
	end  uint32 // of the last span of the present row
	at   int    // rows that were assembled
}

// codec takes a snapshot apart, or puts one together.
type codec struct {
	assemble bool
	spans    bool // keep them when shredding
	// dropSpans leaves them out when assembling.
	dropSpans bool

	strings dictionary[string]
	masks   dictionary[dump.CPUMask]

	room uint64 // bytes that assembling may still allocate for lists
	err  error  // of assembling
}

// maxModel is how many bytes the lists of one snapshot may take. The dump of a
// machine with 100,000 tasks needs a sixth of it.
const maxModel = 1 << 30

// dictionary numbers what it holds, from 1, in the order of the first use; 0 is
// the zero value.
type dictionary[T comparable] struct {
	index map[T]uint64 // nil until it is needed
	all   []T          // without the zero value
}

func (d *dictionary[T]) of(v T) uint64 {
	var zero T
	if v == zero {
		return 0
	}
	i, ok := d.lookup()[v]
	if !ok {
		d.all = append(d.all, v)
		i = uint64(len(d.all))
		d.index[v] = i
	}
	return i
}

func (d *dictionary[T]) lookup() map[T]uint64 {
	if d.index == nil {
		d.index = make(map[T]uint64, len(d.all))
		for i, v := range d.all {
			d.index[v] = uint64(i) + 1
		}
	}
	return d.index
}

func (d *dictionary[T]) get(i uint64) (v T, ok bool) {
	if i == 0 {
		return v, true
	}
	if i > uint64(len(d.all)) {
		return v, false
	}
	return d.all[i-1], true
}

// row begins the next row.
func (t *table) row(end uint32) {
	t.k, t.n, t.end = 0, 0, end
	if t.c.assemble {
		t.at++
	} else {
		t.rows++
	}
}

// column is the next column of the row. The first row names them; a column
// that is not there when assembling is of a field that was not written, which
// is zero then.
func (t *table) column(name string) *column {
	k := t.k
	t.k++
	if t.c.assemble {
		// The columns stand in the order of the code that wrote them. As
		// long as that is ours, no name is looked up twice.
		for i := k; i < len(t.cols); i++ {
			if t.cols[i].name == name {
				if i != k {
					t.cols[i], t.cols[k] = t.cols[k], t.cols[i]
				}
				return t.cols[k]
			}
		}
		t.cols = append(t.cols, nil)
		copy(t.cols[k+1:], t.cols[k:])
		t.cols[k] = &column{name: name}
		return t.cols[k]
	}
	if k == len(t.cols) {
		t.cols = append(t.cols, &column{name: name, v: make([]uint64, 0, t.want)})
	}
	return t.cols[k]
}

// reset empties a table, and keeps its room for another snapshot.
func (t *table) reset(c *codec) {
	t.rows, t.want, t.c = 0, 0, c
	for _, col := range t.cols {
		col.flags, col.v, col.off, col.len = col.flags[:0], col.v[:0], col.off[:0], col.len[:0]
		col.last, col.lastString, col.lastMask = 0, "", dump.CPUMask{}
	}
	for _, s := range t.subs {
		s.reset(c)
	}
}

func (t *table) sub(name string) *table {
	n := t.n
	t.n++
	if n < len(t.subs) && t.subs[n].name == name {
		return t.subs[n]
	}
	for i := n; i < len(t.subs); i++ {
		if t.subs[i].name == name {
			t.subs[i], t.subs[n] = t.subs[n], t.subs[i]
			return t.subs[n]
		}
	}
	t.subs = append(t.subs, nil)
	copy(t.subs[n+1:], t.subs[n:])
	t.subs[n] = &table{name: name, c: t.c}
	return t.subs[n]
}

func (c *column) next() (v uint64) {
	if c.at < len(c.v) {
		v = c.v[c.at]
	}
	c.at++
	return v
}

// flag is the flags of the row that next has yet to give.
func (c *column) flag() uint8 {
	if c.at < len(c.flags) {
		return c.flags[c.at]
	}
	return 0
}

func (t *table) putFlags(c *column, known bool, at dump.Span) {
	var f uint8
	if known {
		f = isKnown
	}
	if t.c.spans && !at.IsZero() {
		f |= hasSpan
		c.off = append(c.off, uint64(at.Off-t.end))
		c.len = append(c.len, uint64(at.Len))
		t.end = at.End()
	}
	if c.flags == nil {
		c.flags = make([]uint8, 0, t.want)
	}
	c.flags = append(c.flags, f)
}

func (t *table) getFlags(c *column) (known bool, at dump.Span) {
	f := c.flag()
	if f&hasSpan != 0 && c.atSpan < len(c.off) && c.atSpan < len(c.len) {
		at = dump.Span{Off: t.end + uint32(c.off[c.atSpan]), Len: uint32(c.len[c.atSpan])} //nolint:gosec // as it was put
		t.end = at.End()
		c.atSpan++
		if t.c.dropSpans {
			at = dump.Span{}
		}
	}
	return f&isKnown != 0, at
}

type integer interface {
	~int | ~int32 | ~int64 | ~uint8 | ~uint32 | ~uint64
}

// number is a field that is a number.
func number[T integer](t *table, name string, p *T) {
	c := t.column(name)
	if t.c.assemble {
		*p = T(c.next())
		return
	}
	c.v = append(c.v, uint64(*p))
}

// value is a field that is a Value of a number.
func value[T integer](t *table, name string, p *dump.Value[T]) {
	c := t.column(name)
	if t.c.assemble {
		p.Known, p.At = t.getFlags(c)
		p.V = T(c.next())
		return
	}
	t.putFlags(c, p.Known, p.At)
	c.v = append(c.v, uint64(p.V))
}

func (c *column) number64(assemble bool, p *uint64) {
	if assemble {
		*p = c.next()
		return
	}
	c.v = append(c.v, *p)
}

func (c *column) boolean(assemble bool, p *bool) {
	if assemble {
		*p = c.next() != 0
		return
	}
	var v uint64
	if *p {
		v = 1
	}
	c.v = append(c.v, v)
}

func (t *table) boolean(name string, p *bool) { t.column(name).boolean(t.c.assemble, p) }

func (t *table) boolValue(name string, p *dump.Value[bool]) {
	c := t.column(name)
	t.flags(c, &p.Known, &p.At)
	c.boolean(t.c.assemble, &p.V)
}

// flags is what a Value has beside what it is of.
func (t *table) flags(c *column, known *bool, at *dump.Span) {
	if t.c.assemble {
		*known, *at = t.getFlags(c)
	} else {
		t.putFlags(c, *known, *at)
	}
}

// span is a field that is a Span.
func (t *table) span(p *dump.Span) {
	c := t.column("at")
	if t.c.assemble {
		_, *p = t.getFlags(c)
		c.at++
		return
	}
	t.putFlags(c, false, *p)
	c.v = append(c.v, 0) // there is no value, but a row
}

// maxNumeral is how many digits a string may have to be taken for a number.
const maxNumeral = 18

// numeral is the number that s is the decimal form of, if there is one.
func numeral(s string) (uint64, bool) {
	if s == "" || len(s) > maxNumeral || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	var n uint64
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d)
	}
	return n, true
}

// putString writes an odd number for a numeral and an even one for what is in
// the dictionary.
func (t *table) putString(c *column, s string) {
	if s != c.lastString || c.lastString == "" {
		c.lastString = s
		if n, ok := numeral(s); ok {
			c.last = n<<1 | 1
		} else {
			c.last = t.c.strings.of(s) << 1
		}
	}
	c.kind = ofStrings
	c.v = append(c.v, c.last)
}

func (t *table) getString(c *column) string {
	v := c.next()
	if v == c.last {
		return c.lastString
	}
	var s string
	if v&1 != 0 {
		s = strconv.FormatUint(v>>1, 10)
	} else {
		var ok bool
		if s, ok = t.c.strings.get(v >> 1); !ok {
			t.c.err = ErrDamaged
		}
	}
	c.last, c.lastString = v, s
	return s
}

// str is a field that is a string.
func str[T ~string](t *table, name string, p *T) {
	c := t.column(name)
	if t.c.assemble {
		*p = T(t.getString(c))
		return
	}
	t.putString(c, string(*p))
}

func strValue[T ~string](t *table, name string, p *dump.Value[T]) {
	c := t.column(name)
	t.flags(c, &p.Known, &p.At)
	if t.c.assemble {
		p.V = T(t.getString(c))
		return
	}
	t.putString(c, string(p.V))
}

func (t *table) maskValue(name string, p *dump.Value[dump.CPUMask]) {
	c := t.column(name)
	t.flags(c, &p.Known, &p.At)
	if t.c.assemble {
		if v := c.next(); v != c.last {
			m, ok := t.c.masks.get(v)
			if !ok {
				t.c.err = ErrDamaged
			}
			c.last, c.lastMask = v, m
		}
		p.V = c.lastMask
		return
	}
	if p.V != c.lastMask {
		c.lastMask, c.last = p.V, t.c.masks.of(p.V)
	}
	c.kind = ofMasks
	c.v = append(c.v, c.last)
}

// refValue is a field that is a Value of a TaskRef.
func (t *table) refValue(name, pid string, p *dump.Value[dump.TaskRef]) {
	c := t.column(name)
	t.flags(c, &p.Known, &p.At)
	if t.c.assemble {
		p.V.Comm = t.getString(c)
	} else {
		t.putString(c, p.V.Comm)
	}
	number(t, pid, &p.V.PID)
}

// time is a field that is a point in time. Of its zone only the offset stays.
func (t *table) time(sec, nsec, zone string, p *time.Time) {
	var s, ns, off int64
	if !t.c.assemble {
		_, o := p.Zone()
		s, ns, off = p.Unix(), int64(p.Nanosecond()), int64(o)
	}
	number(t, sec, &s)
	number(t, nsec, &ns)
	number(t, zone, &off)
	if !t.c.assemble {
		return
	}
	*p = time.Unix(s, ns).UTC()
	if off != 0 && off > -maxZone && off < maxZone {
		*p = p.In(time.FixedZone("", int(off)))
	}
}

// maxZone bounds the offset of a time zone, in seconds.
const maxZone = 48 * 3600

// list is a field that is a list; each is the function that names the fields
// of an element. A list that is nil stays nil.
func list[T any](t *table, name string, p *[]T, each func(*table, *T)) {
	c := t.column(name)
	s := t.sub(name)
	if !t.c.assemble {
		if *p == nil {
			c.v = append(c.v, 0)
			return
		}
		c.v = append(c.v, uint64(len(*p))+1)
		s.want = max(s.want, s.rows+len(*p))
		end := t.end
		for i := range *p {
			s.row(end)
			each(s, &(*p)[i])
			end = s.end
		}
		t.end = end
		return
	}
	n := c.next()
	if n == 0 {
		return
	}
	n--
	size := uint64(reflect.TypeFor[T]().Size())
	if n > uint64(max(s.rows-s.at, 0)) || n > t.c.room/size {
		t.c.err = ErrDamaged
		return
	}
	t.c.room -= n * size
	*p = make([]T, n)
	end := t.end
	for i := range *p {
		s.row(end)
		each(s, &(*p)[i])
		if t.c.err != nil {
			return
		}
		end = s.end
	}
	t.end = end
}

// optional is a field that is a pointer, written as a list of one element or
// none.
func optional[T any](t *table, name string, p **T, each func(*table, *T)) {
	c := t.column(name)
	s := t.sub(name)
	if t.c.assemble {
		if c.next() == 0 || s.at >= s.rows {
			return
		}
		*p = new(T)
	} else {
		if *p == nil {
			c.v = append(c.v, 0)
			return
		}
		c.v = append(c.v, 2)
	}
	s.row(t.end)
	each(s, *p)
	t.end = s.end
}
