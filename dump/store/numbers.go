// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"slices"

	"github.com/klauspost/compress/fse"
)

// Numbers are written as the differences from what they were expected to be. Of
// each difference its length in bits goes into one stream, which is coded by how
// often each length occurs, and the bits below the highest go into another,
// as they are: they are noise to any compressor.
//
//	byte     what the numbers were expected to be, see the constants below
//	byte     how the lengths are coded, see the constants below
//	uvarint  what was taken off each difference, zigzag
//	uvarint  what each difference was divided by then
//	uvarint  how many different ones there are, 0 if they are many
//	uvarint  for each of these, the difference, zigzag
//	uvarint  bytes of the lengths
//	         lengths, or for few different ones, which of them it is
//	         bits below the highest, those of the first number lowest

// What a number is expected to be.
const (
	likeBase   byte = iota // as in the base; where the base has none, as the one before
	likeBefore             // as the one before
	likeZero               // small
	likeOther              // as far from the base as that of another column
)

// How lengths are coded.
const (
	lengthsRaw  byte = iota // a byte each
	lengthsSame             // one byte for all
	lengthsFSE              // finite state entropy
)

// minFSE is how many numbers there must be before their lengths are worth a
// code of their own.
const minFSE = 40

// coder writes and reads numbers. It keeps its buffers.
type coder struct {
	fse     fse.Scratch
	lengths []byte
	d       []uint64
	sample  []uint64
	few     []uint64       // the different ones, if they are few
	place   map[uint64]int // of each in few
}

// maxFew is how many different numbers are few.
const maxFew = 64

// relation is what the numbers of a column are written relative to.
type relation struct {
	v []uint64 // the numbers themselves, or those that are known already
	// rows are those to be written, nil for all. The others are as in the base.
	rows []int32
	// base has, for each row, the number of the base; isNew whether there is
	// none. Both are nil if there is no base.
	base  []uint64
	isNew []bool
	// other and otherBase are of the column that this one is likely to move
	// with, nil if there is none.
	other, otherBase []uint64
}

// expect is what row i is expected to be.
func (x *relation) expect(mode byte, i int) uint64 {
	switch mode {
	case likeZero:
		return 0
	case likeOther:
		e := x.other[i]
		if x.base != nil {
			e += x.base[i] - x.otherBase[i]
		}
		return e
	case likeBase:
		if x.base != nil && !x.isNew[i] {
			return x.base[i]
		}
	}
	if i == 0 {
		return 0
	}
	return x.v[i-1]
}

func (x *relation) len() int {
	if x.rows != nil {
		return len(x.rows)
	}
	return len(x.v)
}

func (x *relation) row(k int) int {
	if x.rows != nil {
		return int(x.rows[k])
	}
	return k
}

// sampled is how many numbers are looked at before they are written.
const sampled = 96

// choose finds out how the numbers are best expected, and what to add.
func (c *coder) choose(x *relation) (mode byte, center uint64) {
	n := x.len()
	step := max(n/sampled, 1)
	best := -1
	for m := likeBase; m <= likeOther; m++ {
		if m == likeOther && x.other == nil || m == likeBefore && x.base == nil {
			continue
		}
		cost := 0
		for k := 0; k < n; k += step {
			i := x.row(k)
			cost += bits.Len64(zigzag(x.v[i] - x.expect(m, i)))
		}
		if best < 0 || cost < best-best/32 {
			best, mode = cost, m
		}
	}
	if n < minFSE {
		return mode, 0
	}
	s := c.sample[:0]
	for k := 0; k < n; k += step {
		i := x.row(k)
		s = append(s, x.v[i]-x.expect(mode, i))
	}
	c.sample = s
	slices.SortFunc(s, compareSigned)
	median := s[len(s)/2]
	cost := 0
	for _, d := range s {
		cost += bits.Len64(zigzag(d - median))
	}
	if cost < best-len(s)/4 {
		center = median
	}
	return mode, center
}

func compareSigned(a, b uint64) int {
	switch x, y := int64(a), int64(b); { //nolint:gosec // the same bits
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// pack writes the numbers of a column; nil if all are as in the base, or as the
// one before where there is none, and the first is 0.
func (c *coder) pack(x *relation) []byte {
	n := x.len()
	plain := true
	for k := range n {
		if i := x.row(k); x.v[i] != x.expect(likeBase, i) {
			plain = false
			break
		}
	}
	if plain {
		return nil
	}
	mode, center := c.choose(x)
	c.lengths = slices.Grow(c.lengths[:0], n)[:n]
	c.d = slices.Grow(c.d[:0], n)[:n]
	unit := uint64(0)
	for k := range n {
		i := x.row(k)
		d := x.v[i] - x.expect(mode, i) - center
		c.d[k] = d
		if unit != 1 && d != 0 {
			unit = gcd(unit, magnitude(d))
		}
	}
	unit = max(unit, 1)
	noise := 0
	for k, d := range c.d {
		if unit > 1 {
			d = uint64(int64(d) / int64(unit)) //nolint:gosec // the same bits; a divisor of a magnitude
		}
		z := zigzag(d)
		c.d[k] = z
		l := bits.Len64(z)
		c.lengths[k] = byte(l) //nolint:gosec // 64 at most
		noise += max(l-1, 0)
	}
	few := c.findFew()
	how, lengths := c.packLengths()
	b := make([]byte, 0, len(lengths)+noise/8+32+len(few)*5)
	b = append(b, mode, how)
	b = binary.AppendUvarint(b, zigzag(center))
	b = binary.AppendUvarint(b, unit)
	b = binary.AppendUvarint(b, uint64(len(few)))
	for _, d := range few {
		b = binary.AppendUvarint(b, d)
	}
	b = binary.AppendUvarint(b, uint64(len(lengths)))
	b = append(b, lengths...)
	if len(few) > 0 {
		return b
	}
	w := bitWriter{b: b}
	for k, d := range c.d {
		w.write(d, int(c.lengths[k])-1)
	}
	return w.end()
}

func magnitude(d uint64) uint64 {
	if int64(d) < 0 { //nolint:gosec // the sign
		return -d
	}
	return d
}

func gcd(a, b uint64) uint64 {
	if a > math.MaxInt64 || b > math.MaxInt64 {
		return 1
	}
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// findFew finds out which numbers c.d holds, if they are few, and makes
// c.lengths their places among those.
func (c *coder) findFew() []uint64 {
	n := len(c.d)
	if n < minFSE {
		return nil
	}
	if c.place == nil {
		c.place = make(map[uint64]int, maxFew+1)
	}
	clear(c.place)
	c.few = c.few[:0]
	limit := min(maxFew, n/8)
	last, at := ^c.d[0], 0
	for _, d := range c.d {
		if d == last {
			continue
		}
		var ok bool
		if at, ok = c.place[d]; !ok {
			if at = len(c.few); at == limit {
				return nil
			}
			c.place[d] = at
			c.few = append(c.few, d)
		}
		last = d
	}
	last = ^c.d[0]
	for k, d := range c.d {
		if d != last {
			at, last = c.place[d], d
		}
		c.lengths[k] = byte(at)
	}
	return c.few
}

// packLengths codes c.lengths.
func (c *coder) packLengths() (how byte, b []byte) {
	if len(c.lengths) < minFSE {
		return lengthsRaw, c.lengths
	}
	b, err := fse.Compress(c.lengths, &c.fse)
	switch {
	case err == nil:
		return lengthsFSE, b
	case errors.Is(err, fse.ErrUseRLE):
		return lengthsSame, c.lengths[:1]
	}
	return lengthsRaw, c.lengths
}

// unpack reads what pack wrote into x.v.
func (c *coder) unpack(b []byte, x *relation) error {
	n := x.len()
	if len(b) == 0 {
		for k := range n {
			i := x.row(k)
			x.v[i] = x.expect(likeBase, i)
		}
		return nil
	}
	if len(b) < 2 {
		return ErrDamaged
	}
	mode, how := b[0], b[1]
	if mode > likeOther || mode == likeOther && x.other == nil {
		return ErrDamaged
	}
	r := uvarints{b: b[2:]}
	center, unit, count := unzigzag(r.next()), r.next(), r.next()
	if count > maxFew || unit == 0 {
		return ErrDamaged
	}
	few := make([]uint64, count)
	for i := range few {
		few[i] = unzigzag(r.next()) * unit
	}
	size := r.next()
	if r.short || size > uint64(len(r.b)) {
		return ErrDamaged
	}
	lengths, err := c.unpackLengths(how, r.b[:size], n)
	if err != nil {
		return err
	}
	noise := bitReader{b: r.b[size:]}
	for k := range n {
		i := x.row(k)
		l := int(lengths[k])
		var d uint64
		switch {
		case count > 0:
			if l >= len(few) {
				return ErrDamaged
			}
			d = few[l]
		case l > 64:
			return ErrDamaged
		case l > 0:
			d = unzigzag(1<<(l-1)|noise.read(l-1)) * unit
		}
		x.v[i] = x.expect(mode, i) + center + d
	}
	if noise.short {
		return ErrDamaged
	}
	return nil
}

// uvarints reads numbers one by one.
type uvarints struct {
	b     []byte
	short bool // one was not there, or too large
}

func (r *uvarints) next() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.short = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (c *coder) unpackLengths(how byte, b []byte, n int) ([]byte, error) {
	switch how {
	case lengthsRaw:
	case lengthsSame:
		if len(b) != 1 {
			return nil, ErrDamaged
		}
		l := slices.Grow(c.lengths[:0], n)[:n]
		c.lengths = l
		for i := range l {
			l[i] = b[0]
		}
		return l, nil
	case lengthsFSE:
		c.fse.DecompressLimit = n
		l, err := fse.Decompress(b, &c.fse)
		if err != nil {
			return nil, ErrDamaged
		}
		b = l
	default:
		return nil, ErrDamaged
	}
	if len(b) != n {
		return nil, ErrDamaged
	}
	return b, nil
}

// numbers writes a list that is relative to nothing.
func (c *coder) numbers(v []uint64) []byte { return c.pack(&relation{v: v}) }

func (c *coder) readNumbers(b []byte, n int) ([]uint64, error) {
	x := relation{v: make([]uint64, n)}
	return x.v, c.unpack(b, &x)
}

// zigzag maps differences so that those near 0 on either side become small.
func zigzag(d uint64) uint64 { return d<<1 ^ uint64(int64(d)>>63) } //nolint:gosec // the same bits

func unzigzag(z uint64) uint64 { return z>>1 ^ -(z & 1) }

// bitWriter appends bits to b, lowest first.
type bitWriter struct {
	b    []byte
	held uint64
	n    int // bits in held, below 32
}

// write appends the lowest n bits of v; none if n is not positive.
func (w *bitWriter) write(v uint64, n int) {
	for n > 0 {
		k := min(n, 32)
		w.held |= v & (1<<k - 1) << w.n
		w.n += k
		v >>= k
		n -= k
		if w.n >= 32 {
			w.b = binary.LittleEndian.AppendUint32(w.b, uint32(w.held)) //nolint:gosec // the lower half is meant
			w.held >>= 32
			w.n -= 32
		}
	}
}

func (w *bitWriter) end() []byte {
	for ; w.n > 0; w.n -= 8 {
		w.b = append(w.b, byte(w.held)) //nolint:gosec // the lowest byte is meant
		w.held >>= 8
	}
	return w.b
}

// bitReader reads what bitWriter wrote.
type bitReader struct {
	b     []byte
	held  uint64
	n     int  // bits in held
	short bool // there was less than was asked for
}

func (r *bitReader) read(n int) (v uint64) {
	for at := 0; n > 0; {
		k := min(n, 32)
		for r.n < k {
			if len(r.b) == 0 {
				r.short = true
				return 0
			}
			r.held |= uint64(r.b[0]) << r.n
			r.b = r.b[1:]
			r.n += 8
		}
		v |= r.held & (1<<k - 1) << at
		r.held >>= k
		r.n -= k
		at += k
		n -= k
	}
	return v
}
