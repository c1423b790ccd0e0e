// SPDX-License-Identifier: GPL-2.0-only

package dump_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"scxdiag/dump"
)

func TestParseMaskHex(t *testing.T) {
	full := strings.Repeat(",ffffffff", 15)
	for _, tt := range []struct {
		name, text string
		cpus       string
		width      int
		err        error
	}{
		{"two CPUs", "3", "0-1", 4, nil},
		{"twelve CPUs", "fff", "0-11", 12, nil},
		{"a zero digit in front of five CPUs", "0c", "2-3", 8, nil},
		{"a full group", "80000001", "0,31", 32, nil},
		{"65 CPUs", "1,ffffffff,ffffffff", "0-64", 68, nil},
		{"nothing set", "0,00000000", "", 36, nil},
		{"as a scheduler prints 40 CPUs", "000000ff,ffffffff", "0-39", 64, nil},
		{"512 CPUs", "ffffffff" + full, "0-511", 512, nil},
		{"the first CPU that takes another word", "1,00000000" + strings.ReplaceAll(full, "f", "0"), "512", 516, nil},
		{"upper case", "AbC", "2-5,7,9,11", 12, nil},
		{"as many CPUs as are allowed", "80000000" + strings.Repeat(",00000000", dump.MaxCPUs/32-1), "65535", dump.MaxCPUs, nil},
		{"empty", "", "", 0, dump.ErrMaskSyntax},
		{"a first group that is too long", "123456789", "", 0, dump.ErrMaskSyntax},
		{"a second group that is too short", "1,fffffff", "", 0, dump.ErrMaskSyntax},
		{"a second group that is too long", "1,fffffffff", "", 0, dump.ErrMaskSyntax},
		{"an empty group", "1,,ffffffff", "", 0, dump.ErrMaskSyntax},
		{"a comma at the end", "1,", "", 0, dump.ErrMaskSyntax},
		{"a comma in front", ",ffffffff", "", 0, dump.ErrMaskSyntax},
		{"commas at the wrong places", "1,ffff,fffff,ffffff", "", 0, dump.ErrMaskSyntax},
		{"not a digit", "fg", "", 0, dump.ErrMaskSyntax},
		{"a prefix", "0xf", "", 0, dump.ErrMaskSyntax},
		{"a blank", "f ", "", 0, dump.ErrMaskSyntax},
		{"too many CPUs", "1" + strings.Repeat(",00000000", dump.MaxCPUs/32), "", 0, dump.ErrMaskRange},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, width, err := dump.ParseMaskHex([]byte(tt.text))
			if !errors.Is(err, tt.err) || err == nil && tt.err != nil {
				t.Fatalf("got error %v, want %v", err, tt.err)
			}
			if err == nil && (m.String() != tt.cpus || width != tt.width) {
				t.Errorf("got {%s} of width %d, want {%s} of %d", m, width, tt.cpus, tt.width)
			}
			if err != nil && (!m.IsEmpty() || width != 0) {
				t.Errorf("got {%s} of width %d beside an error", m, width)
			}
		})
	}
}

func TestParseMaskList(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		cpus       []int
		err        error
	}{
		{"empty", "", nil, nil},
		{"one CPU", "7", []int{7}, nil},
		{"a range and one CPU", "0-3,8", []int{0, 1, 2, 3, 8}, nil},
		{"a range of one", "5-5", []int{5}, nil},
		{"out of order and twice", "9,1-2,2,1", []int{1, 2, 9}, nil},
		{"across words", "63-64,511-512", []int{63, 64, 511, 512}, nil},
		{"the highest", "65535", []int{65535}, nil},
		{"too high", "65536", nil, dump.ErrMaskRange},
		{"a range without end", "0-4294967295", nil, dump.ErrMaskRange},
		{"more digits than a number has", strings.Repeat("9", 40), nil, dump.ErrMaskRange},
		{"a range that falls", "3-1", nil, dump.ErrMaskSyntax},
		{"an open range", "3-", nil, dump.ErrMaskSyntax},
		{"a sign", "-3", nil, dump.ErrMaskSyntax},
		{"a comma at the end", "1,", nil, dump.ErrMaskSyntax},
		{"a comma in front", ",1", nil, dump.ErrMaskSyntax},
		{"two commas", "1,,2", nil, dump.ErrMaskSyntax},
		{"a blank", "1, 2", nil, dump.ErrMaskSyntax},
		{"hexadecimal", "f", nil, dump.ErrMaskSyntax},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := dump.ParseMaskList(tt.text)
			if !errors.Is(err, tt.err) || err == nil && tt.err != nil {
				t.Fatalf("got error %v, want %v", err, tt.err)
			}
			if got := slices.Collect(m.All()); !slices.Equal(got, tt.cpus) {
				t.Errorf("got %v, want %v", got, tt.cpus)
			}
		})
	}
}

func TestMaskHexHasTheWidthOfTheKernel(t *testing.T) {
	for _, tt := range []struct {
		width int
		want  string
	}{
		{-1, "1"}, {0, "1"}, {1, "1"}, {2, "3"}, {4, "f"}, {5, "1f"}, {12, "fff"}, {20, "fffff"}, {31, "7fffffff"}, {32, "ffffffff"},
		{33, "1,ffffffff"}, {64, "ffffffff,ffffffff"}, {65, "1,ffffffff,ffffffff"},
	} {
		all := dump.MaskRange(0, 999)
		if got := all.Hex(tt.width); got != tt.want {
			t.Errorf("width %d: got %q, want %q", tt.width, got, tt.want)
		}
	}
}

func TestMaskLeavesOutImpossibleCPUs(t *testing.T) {
	m := dump.MaskOf(-1, 3, dump.MaxCPUs, 1<<40).With(-7).With(dump.MaxCPUs)
	if m != dump.MaskOf(3) {
		t.Errorf("got {%s}, want {3}", m)
	}
	if r := dump.MaskRange(-5, 2); r != dump.MaskOf(0, 1, 2) {
		t.Errorf("range from below 0: got {%s}", r)
	}
	if r := dump.MaskRange(dump.MaxCPUs-1, 1<<40); r != dump.MaskOf(dump.MaxCPUs-1) {
		t.Errorf("range beyond the limit: got {%s}", r)
	}
	if r := dump.MaskRange(4, 3); !r.IsEmpty() {
		t.Errorf("empty range: got {%s}", r)
	}
	if m.Has(-1) || m.Has(dump.MaxCPUs) || m.Has(1<<40) {
		t.Error("a mask has a CPU that cannot be")
	}
}

// cpuSet is a mask the naive way.
type cpuSet map[int]bool

func (s cpuSet) mask() dump.CPUMask { return dump.MaskOf(slices.Collect(maps.Keys(s))...) }

func (s cpuSet) sorted() []int { return slices.Sorted(maps.Keys(s)) }

func (s cpuSet) filter(keep func(int) bool) cpuSet {
	out := cpuSet{}
	for c := range s {
		if keep(c) {
			out[c] = true
		}
	}
	return out
}

// cpuSets draws sets of CPUs of machines of 1 to 5000 CPUs: few, many, or
// ranges of them.
func cpuSets() *rapid.Generator[cpuSet] {
	return rapid.Custom(func(t *rapid.T) cpuSet {
		width := rapid.OneOf(rapid.IntRange(1, 70), rapid.IntRange(500, 530), rapid.IntRange(1, 5000)).Draw(t, "width")
		s := cpuSet{}
		for _, c := range rapid.SliceOfN(rapid.IntRange(0, width-1), 0, 20).Draw(t, "CPUs") {
			s[c] = true
		}
		if rapid.Bool().Draw(t, "with a range") {
			first := rapid.IntRange(0, width-1).Draw(t, "first")
			for c := first; c < width && c < first+300; c++ {
				s[c] = true
			}
		}
		return s
	})
}

func TestMaskBehavesAsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sa, sb := cpuSets().Draw(t, "a"), cpuSets().Draw(t, "b")
		if rapid.Bool().Draw(t, "b is a subset") {
			sb = sa.filter(func(c int) bool { return c%3 != 0 })
		}
		a, b := sa.mask(), sb.mask()

		if got, want := slices.Collect(a.All()), sa.sorted(); !slices.Equal(got, want) {
			t.Errorf("All: got %v, want %v", got, want)
		}
		if a.Count() != len(sa) || a.IsEmpty() != (len(sa) == 0) {
			t.Errorf("Count %d, IsEmpty %t, want %d CPUs", a.Count(), a.IsEmpty(), len(sa))
		}
		first, last := -1, -1
		if all := sa.sorted(); len(all) > 0 {
			first, last = all[0], all[len(all)-1]
		}
		if a.First() != first || a.Last() != last {
			t.Errorf("First %d, Last %d, want %d and %d", a.First(), a.Last(), first, last)
		}
		same := func(name string, got dump.CPUMask, want cpuSet) {
			if got != want.mask() || !slices.Equal(slices.Collect(got.All()), want.sorted()) {
				t.Errorf("%s: got {%s}, want {%s}", name, got, want.mask())
			}
		}
		inB := func(c int) bool { return sb[c] }
		union := maps.Clone(sa)
		maps.Copy(union, sb)
		same("And", a.And(b), sa.filter(inB))
		same("Or", a.Or(b), union)
		same("AndNot", a.AndNot(b), sa.filter(func(c int) bool { return !sb[c] }))
		if got, want := a.Intersects(b), len(sa.filter(inB)) > 0; got != want {
			t.Errorf("Intersects: got %t, want %t", got, want)
		}
		if got, want := b.SubsetOf(a), len(sb.filter(func(c int) bool { return !sa[c] })) == 0; got != want {
			t.Errorf("SubsetOf: got %t, want %t", got, want)
		}
		c := rapid.IntRange(-2, 5001).Draw(t, "CPU")
		if a.Has(c) != sa[c] {
			t.Errorf("Has(%d): got %t, want %t", c, a.Has(c), sa[c])
		}
		if c >= 0 {
			with := maps.Clone(sa)
			with[c] = true
			same("With", a.With(c), with)
		}
		if a != sa.mask() {
			t.Error("an operation changed its operand")
		}
		for c := range a.All() {
			if c != first {
				t.Errorf("All starts at %d, want %d", c, first)
			}
			break // stopping early is allowed
		}
	})
}

func TestMaskReadsBackWhatItPrints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := cpuSets().Draw(t, "mask")
		m := set.mask()
		width := max(m.Last()+1, 1) + rapid.IntRange(0, 70).Draw(t, "further CPU ids")
		got, w, err := dump.ParseMaskHex([]byte(m.Hex(width)))
		if err != nil || got != m {
			t.Errorf("%q: got {%s}, %v, want {%s}", m.Hex(width), got, err, m)
		}
		if w < width || w >= width+4 {
			t.Errorf("width: got %d, want %d rounded up to 4", w, width)
		}
		got, err = dump.ParseMaskList(m.String())
		if err != nil || got != m {
			t.Errorf("%q: got {%s}, %v", m, got, err)
		}
		narrow := rapid.IntRange(1, width).Draw(t, "narrower")
		got, _, err = dump.ParseMaskHex([]byte(m.Hex(narrow)))
		if want := m.And(dump.MaskRange(0, narrow-1)); err != nil || got != want {
			t.Errorf("hex of width %d: got {%s}, %v, want {%s}", narrow, got, err, want)
		}
		if words := m.AppendWords(nil); dump.MaskOfWords(words) != m || len(words) != (m.Last()+64)/64*8 {
			t.Errorf("words of %s: %d bytes, read back as %s", m, len(words), dump.MaskOfWords(words))
		}
		if got := string(m.AppendList([]byte("x="))); got != "x="+m.String() {
			t.Errorf("AppendList: got %q", got)
		}
	})
}

func TestMasksOf512CPUsDoNotAllocate(t *testing.T) {
	a, b := dump.MaskRange(0, 511), dump.MaskOf(0, 77, 300, 511)
	hex := []byte(a.Hex(512))
	buf := make([]byte, 0, 4096)
	sink := 0
	for name, f := range map[string]func(){
		"And":          func() { sink += a.And(b).Count() },
		"Or":           func() { sink += a.Or(b).Count() },
		"AndNot":       func() { sink += a.AndNot(b).Count() },
		"With":         func() { sink += b.With(5).Count() },
		"Has":          func() { sink += len(map[bool]string{true: "x"}[a.Has(3)]) },
		"SubsetOf":     func() { _ = b.SubsetOf(a) },
		"Intersects":   func() { _ = b.Intersects(a) },
		"MaskRange":    func() { sink += dump.MaskRange(3, 400).Count() },
		"ParseMaskHex": func() { m, _, _ := dump.ParseMaskHex(hex); sink += m.Count() },
		"AppendList":   func() { buf = b.AppendList(buf[:0]) },
		"First, Last":  func() { sink += b.First() + b.Last() },
		"All": func() {
			for c := range a.All() {
				sink += c
			}
		},
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	_ = sink
}

func BenchmarkMask(b *testing.B) {
	for _, width := range []int{4, 64, 512, 4096} {
		all := dump.MaskRange(0, width-1)
		some := all.AndNot(dump.MaskOf(0, width/2))
		hex := []byte(all.Hex(width))
		name := func(op string) string { return op + "/" + dump.MaskOf(width).String() }
		sink := 0
		b.Run(name("ParseMaskHex"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m, w, _ := dump.ParseMaskHex(hex)
				if w == 0 || m.IsEmpty() {
					b.Fatal("not read")
				}
			}
		})
		b.Run(name("And"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if all.And(some).IsEmpty() != some.IsEmpty() {
					b.Fatal("wrong")
				}
			}
		})
		b.Run(name("SubsetOf"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !some.SubsetOf(all) {
					b.Fatal("wrong")
				}
			}
		})
		b.Run(name("All"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for c := range all.All() {
					sink += c
				}
			}
		})
	}
}

func TestMaskOfWords(t *testing.T) {
	words := func(n int, cpus ...int) []byte {
		b := make([]byte, n*8)
		for _, c := range cpus {
			b[c/8] |= 1 << (c % 8)
		}
		return b
	}
	for _, test := range []struct {
		b    []byte
		want dump.CPUMask
	}{
		{nil, dump.CPUMask{}},
		{words(1, 0, 63), dump.MaskOf(0, 63)},
		{words(1, 0, 63)[:7], dump.CPUMask{}},
		{words(8, 511), dump.MaskOf(511)},
		{words(9, 3, 512), dump.MaskOf(3, 512)},
		{words(128), dump.CPUMask{}}, // no zero words are kept: masks compare with ==
		{words(dump.MaxCPUs/64+1, 1, dump.MaxCPUs), dump.MaskOf(1)},
	} {
		if got := dump.MaskOfWords(test.b); got != test.want {
			t.Errorf("%d bytes: %v, want %v", len(test.b), got, test.want)
		}
	}
}

func TestCountRangeCountsTheCPUsBetween(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := dump.MaskOf(rapid.SliceOf(rapid.IntRange(0, 700)).Draw(t, "CPUs")...)
		first, last := rapid.IntRange(-5, 800).Draw(t, "first"), rapid.IntRange(-5, 800).Draw(t, "last")
		want := 0
		for c := range m.All() {
			if c >= first && c <= last {
				want++
			}
		}
		if got := m.CountRange(first, last); got != want {
			t.Fatalf("%s has %d CPUs of %d-%d, not %d", m, want, first, last, got)
		}
	})
}
