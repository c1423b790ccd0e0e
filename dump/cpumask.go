// SPDX-License-Identifier: GPL-2.0-only

package dump

import (
	"encoding/binary"
	"errors"
	"iter"
	"math/bits"
	"strconv"
)

const (
	// lowCPUs is how many CPUs a mask holds without allocating.
	lowCPUs = 512
	// MaxCPUs bounds the CPU numbers of a mask, so that a hostile list such
	// as "0-4294967295" cannot exhaust memory. NR_CPUS is at most 8192 in
	// any kernel configuration; this leaves room.
	MaxCPUs = 1 << 16
)

// Errors of the mask parsers.
var (
	ErrMaskSyntax = errors.New("malformed cpumask")
	ErrMaskRange  = errors.New("CPU number out of range")
)

// CPUMask is a set of CPU numbers, the kernel's struct cpumask. It is a value:
// copy it, compare it with ==, use it as a map key. The zero CPUMask is empty.
//
// Masks of CPUs 0..511 never allocate. Beyond that only the functions that
// make a new mask do.
type CPUMask struct {
	low [lowCPUs / 64]uint64
	// high has the CPUs from 512 on: 8 bytes a word, little endian, without
	// zero words at the end. A string keeps the mask comparable.
	high string
}

// MaskOf is the set of the given CPUs. Numbers outside 0..MaxCPUs-1 are left
// out.
func MaskOf(cpus ...int) CPUMask {
	var m CPUMask
	for _, c := range cpus {
		m = m.With(c)
	}
	return m
}

// MaskRange is the set of the CPUs first..last, clipped to 0..MaxCPUs-1.
func MaskRange(first, last int) CPUMask {
	var b maskBuilder
	b.setRange(max(first, 0), min(last, MaxCPUs-1))
	return b.mask()
}

// MaskOfWords is the mask whose words are in b as the kernel has them in
// memory: 8 bytes each, little endian, the one with CPU 0 first. Bytes behind
// the last whole word and CPUs from MaxCPUs on are left out.
func MaskOfWords(b []byte) CPUMask {
	b = b[:min(len(b), MaxCPUs/8)]
	var m CPUMask
	for i := range min(len(m.low), len(b)/8) {
		m.low[i] = binary.LittleEndian.Uint64(b[i*8:])
	}
	if len(b)/8 <= len(m.low) {
		return m
	}
	mb := maskBuilder{low: m.low}
	for i := len(m.low); i < len(b)/8; i++ {
		*mb.word(i) = binary.LittleEndian.Uint64(b[i*8:])
	}
	return mb.mask()
}

// AppendWords appends the words of the mask to b in the form that MaskOfWords
// reads, without zero words at the end.
func (m CPUMask) AppendWords(b []byte) []byte {
	n := m.words()
	for n > 0 && m.word(n-1) == 0 {
		n--
	}
	for i := range n {
		b = binary.LittleEndian.AppendUint64(b, m.word(i))
	}
	return b
}

// maskBuilder collects the words of a mask that may exceed 512 CPUs.
type maskBuilder struct {
	low  [lowCPUs / 64]uint64
	high []uint64
}

func (b *maskBuilder) word(i int) *uint64 {
	if i < len(b.low) {
		return &b.low[i]
	}
	i -= len(b.low)
	for len(b.high) <= i {
		b.high = append(b.high, 0)
	}
	return &b.high[i]
}

func (b *maskBuilder) setRange(first, last int) {
	for c := first; c <= last; {
		n := min(64-c%64, last-c+1)
		*b.word(c / 64) |= (^uint64(0) >> (64 - n)) << (c % 64)
		c += n
	}
}

func (b *maskBuilder) mask() CPUMask {
	m := CPUMask{low: b.low}
	n := len(b.high)
	for n > 0 && b.high[n-1] == 0 {
		n--
	}
	if n > 0 {
		buf := make([]byte, 0, n*8)
		for _, w := range b.high[:n] {
			buf = binary.LittleEndian.AppendUint64(buf, w)
		}
		m.high = string(buf)
	}
	return m
}

// words is the number of 64-bit words that word can return something for.
func (m *CPUMask) words() int { return len(m.low) + len(m.high)/8 }

func (m *CPUMask) word(i int) uint64 {
	if i < len(m.low) {
		return m.low[i]
	}
	i = (i - len(m.low)) * 8
	if i >= len(m.high) {
		return 0
	}
	var w uint64
	for k := 7; k >= 0; k-- {
		w = w<<8 | uint64(m.high[i+k])
	}
	return w
}

// IsEmpty reports whether no CPU is in the mask.
func (m CPUMask) IsEmpty() bool { return m == CPUMask{} }

// Has reports whether cpu is in the mask.
func (m CPUMask) Has(cpu int) bool {
	return cpu >= 0 && m.word(cpu/64)>>(cpu%64)&1 != 0
}

// With is the mask with cpu added; a cpu outside 0..MaxCPUs-1 changes nothing.
func (m CPUMask) With(cpu int) CPUMask {
	if cpu < 0 || cpu >= MaxCPUs {
		return m
	}
	if cpu < lowCPUs {
		m.low[cpu/64] |= 1 << (cpu % 64)
		return m
	}
	b := m.builder()
	b.setRange(cpu, cpu)
	return b.mask()
}

func (m *CPUMask) builder() *maskBuilder {
	b := &maskBuilder{low: m.low}
	for i := len(m.low); i < m.words(); i++ {
		b.high = append(b.high, m.word(i))
	}
	return b
}

// Count is the number of CPUs in the mask, the kernel's cpumask_weight.
func (m CPUMask) Count() int {
	n := 0
	for i := range m.words() {
		n += bits.OnesCount64(m.word(i))
	}
	return n
}

// CountRange is the number of CPUs first..last in the mask.
func (m CPUMask) CountRange(first, last int) int {
	n := 0
	for c := max(first, 0); c <= min(last, MaxCPUs-1); {
		k := min(64-c%64, last-c+1)
		n += bits.OnesCount64(m.word(c/64) >> (c % 64) & (^uint64(0) >> (64 - k)))
		c += k
	}
	return n
}

// First is the lowest CPU of the mask, or -1 if it is empty.
func (m CPUMask) First() int {
	for i := range m.words() {
		if w := m.word(i); w != 0 {
			return i*64 + bits.TrailingZeros64(w)
		}
	}
	return -1
}

// Last is the highest CPU of the mask, or -1 if it is empty.
func (m CPUMask) Last() int {
	for i := m.words() - 1; i >= 0; i-- {
		if w := m.word(i); w != 0 {
			return i*64 + 63 - bits.LeadingZeros64(w)
		}
	}
	return -1
}

// All yields the CPUs of the mask in ascending order.
func (m CPUMask) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range m.words() {
			for w := m.word(i); w != 0; w &= w - 1 {
				if !yield(i*64 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}

// combine makes a mask word by word.
func combine(a, b *CPUMask, f func(x, y uint64) uint64) CPUMask {
	if a.high == "" && b.high == "" {
		var m CPUMask
		for i := range m.low {
			m.low[i] = f(a.low[i], b.low[i])
		}
		return m
	}
	var mb maskBuilder
	for i := range max(a.words(), b.words()) {
		if w := f(a.word(i), b.word(i)); w != 0 {
			*mb.word(i) = w
		}
	}
	return mb.mask()
}

// And is the set of CPUs that are in both masks.
func (m CPUMask) And(o CPUMask) CPUMask {
	return combine(&m, &o, func(x, y uint64) uint64 { return x & y })
}

// Or is the set of CPUs that are in either mask.
func (m CPUMask) Or(o CPUMask) CPUMask {
	return combine(&m, &o, func(x, y uint64) uint64 { return x | y })
}

// AndNot is the set of CPUs that are in m and not in o.
func (m CPUMask) AndNot(o CPUMask) CPUMask {
	return combine(&m, &o, func(x, y uint64) uint64 { return x &^ y })
}

// Intersects reports whether some CPU is in both masks.
func (m CPUMask) Intersects(o CPUMask) bool {
	for i := range min(m.words(), o.words()) {
		if m.word(i)&o.word(i) != 0 {
			return true
		}
	}
	return false
}

// SubsetOf reports whether every CPU of m is in o. The empty mask is a subset
// of every mask.
func (m CPUMask) SubsetOf(o CPUMask) bool {
	for i := range m.words() {
		if m.word(i)&^o.word(i) != 0 {
			return false
		}
	}
	return true
}

// String is the list form, the kernel's %*pbl: "0-3,8", "" if empty.
func (m CPUMask) String() string { return string(m.AppendList(nil)) }

// AppendList appends the list form of the mask to b.
func (m CPUMask) AppendList(b []byte) []byte {
	start := len(b)
	first, last := -1, -1
	flush := func() {
		if first < 0 {
			return
		}
		if len(b) > start {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(first), 10)
		if last > first {
			b = append(b, '-')
			b = strconv.AppendInt(b, int64(last), 10)
		}
	}
	for c := range m.All() {
		if first >= 0 && c == last+1 {
			last = c
			continue
		}
		flush()
		first, last = c, c
	}
	flush()
	return b
}

// Hex is the kernel's %*pb form for a mask of width CPU ids (its nr_cpu_ids):
// 32-bit groups, most significant first, the first one as short as the width
// allows. CPUs at or above width are left out; a width below 1 counts as 1.
func (m CPUMask) Hex(width int) string {
	width = max(width, 1)
	groups := (width + 31) / 32
	b := make([]byte, 0, groups*9)
	for g := groups - 1; g >= 0; g-- {
		w := uint32(m.word(g/2) >> (g % 2 * 32)) //nolint:gosec // the lower half is meant
		digits := 8
		if g == groups-1 {
			if r := width % 32; r != 0 {
				w &= 1<<r - 1
				digits = (r + 3) / 4
			}
		} else {
			b = append(b, ',')
		}
		for d := digits - 1; d >= 0; d-- {
			b = append(b, "0123456789abcdef"[w>>(d*4)&15])
		}
	}
	return string(b)
}

// ParseMaskHex reads a mask as the kernel prints it (%*pb): hexadecimal groups
// of 32 CPUs, most significant first, separated by commas; every group but the
// first has exactly 8 digits. Width is the number of CPU ids that the text has
// room for, a multiple of 4: nr_cpu_ids is at most that and more than width-4
// when the kernel printed the mask, while schedulers print full groups.
func ParseMaskHex(text []byte) (m CPUMask, width int, err error) {
	groups, first := 1, len(text)
	for i, c := range text {
		if c == ',' {
			if groups == 1 {
				first = i
			}
			groups++
		}
	}
	if first < 1 || first > 8 || len(text) != first+(groups-1)*9 {
		return CPUMask{}, 0, ErrMaskSyntax
	}
	if groups*32 > MaxCPUs {
		return CPUMask{}, 0, ErrMaskRange
	}
	var b *maskBuilder
	if groups*32 > lowCPUs {
		b = new(maskBuilder)
	}
	for g, pos, n := groups-1, 0, first; g >= 0; g, pos, n = g-1, pos+n+1, 8 {
		var w uint64
		for _, c := range text[pos : pos+n] {
			d := hexDigit[c]
			if d > 15 {
				return CPUMask{}, 0, ErrMaskSyntax
			}
			w = w<<4 | uint64(d)
		}
		if g > 0 && pos+n < len(text) && text[pos+n] != ',' {
			return CPUMask{}, 0, ErrMaskSyntax
		}
		if w == 0 {
			continue
		}
		if w <<= g % 2 * 32; b != nil {
			*b.word(g / 2) |= w
		} else {
			m.low[g/2] |= w
		}
	}
	if b != nil {
		m = b.mask()
	}
	return m, (groups-1)*32 + first*4, nil
}

// hexDigit maps a digit to its value and every other byte to 255. The kernel
// prints masks in lower case; upper case is accepted.
var hexDigit = func() (t [256]byte) {
	for i := range t {
		t[i] = 255
	}
	for i := range byte(10) {
		t['0'+i] = i
	}
	for i := range byte(6) {
		t['a'+i], t['A'+i] = 10+i, 10+i
	}
	return t
}()

// ParseMaskList reads the list form, "0-3,8". The empty text is the empty mask.
func ParseMaskList(text string) (CPUMask, error) {
	var b maskBuilder
	for i := 0; i < len(text); {
		first, n := leadingCPU(text[i:])
		if n == 0 {
			return CPUMask{}, ErrMaskSyntax
		}
		i += n
		last := first
		if i < len(text) && text[i] == '-' {
			last, n = leadingCPU(text[i+1:])
			if n == 0 || last < first {
				return CPUMask{}, ErrMaskSyntax
			}
			i += 1 + n
		}
		if last >= MaxCPUs {
			return CPUMask{}, ErrMaskRange
		}
		b.setRange(first, last)
		if i < len(text) {
			if text[i] != ',' || i+1 == len(text) {
				return CPUMask{}, ErrMaskSyntax
			}
			i++
		}
	}
	return b.mask(), nil
}

// leadingCPU reads the decimal number that s starts with and returns its
// length; numbers beyond MaxCPUs saturate.
func leadingCPU(s string) (cpu, n int) {
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		cpu = min(cpu*10+int(s[n]-'0'), MaxCPUs)
		n++
	}
	return cpu, n
}
