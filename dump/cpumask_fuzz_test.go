// SPDX-License-Identifier: GPL-2.0-only

package dump_test

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"scxdiag/dump"
)

// hexMask is what the kernel and schedulers print.
var hexMask = regexp.MustCompile(`^[0-9a-fA-F]{1,8}(,[0-9a-fA-F]{8})*$`)

// readHex reads a mask the naive way.
func readHex(text string) (cpus []int, width int, ok bool) {
	if !hexMask.MatchString(text) {
		return nil, 0, false
	}
	digits := strings.ReplaceAll(text, ",", "")
	for i := range len(digits) {
		d, err := strconv.ParseUint(digits[len(digits)-1-i:len(digits)-i], 16, 8)
		if err != nil {
			return nil, 0, false
		}
		for bit := range 4 {
			if d>>bit&1 != 0 {
				cpus = append(cpus, i*4+bit)
			}
		}
	}
	return cpus, len(digits) * 4, true
}

func FuzzMaskHex(f *testing.F) {
	for _, s := range []string{
		"", "0", "3", "fff", "0c", "1,ffffffff,ffffffff", "000000ff,ffffffff", "80000000,00000000", "1,,f", ",", "1,fffffff", "g", "FFFFFFFF",
		"1" + strings.Repeat(",00000000", 16), "f" + strings.Repeat(",ffffffff", 200), strings.Repeat("f", 9), "0x3",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, width, err := dump.ParseMaskHex(text)
		cpus, wantWidth, ok := readHex(string(text))
		tooWide := strings.Count(string(text), ",") >= dump.MaxCPUs/32
		if (err == nil) != (ok && !tooWide) {
			t.Fatalf("got error %v, but the syntax is right: %t, too wide: %t", err, ok, tooWide)
		}
		if err != nil {
			return
		}
		if got := slices.Collect(m.All()); !slices.Equal(got, cpus) || width != wantWidth {
			t.Fatalf("got %v of width %d, want %v of %d", got, width, cpus, wantWidth)
		}
		if m.Hex(width) != strings.ToLower(string(text)) {
			t.Fatalf("prints as %q", m.Hex(width))
		}
		if back, err := dump.ParseMaskList(m.String()); err != nil || back != m {
			t.Fatalf("list %q reads as {%s}, %v", m, back, err)
		}
	})
}

// listMask is the list form.
var listMask = regexp.MustCompile(`^([0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*)?$`)

// readList reads a list the naive way; ok is unset if it is no list, or one
// with numbers that are too large or fall.
func readList(text string) (cpus []int, ok bool) {
	if !listMask.MatchString(text) {
		return nil, false
	}
	set := map[int]bool{}
	for part := range strings.SplitSeq(text, ",") {
		if part == "" {
			continue
		}
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, err1 := strconv.Atoi(from)
		b, err2 := strconv.Atoi(to)
		if err1 != nil || err2 != nil || b < a || b >= dump.MaxCPUs {
			return nil, false
		}
		for c := a; c <= b; c++ {
			set[c] = true
		}
	}
	return slices.Sorted(maps.Keys(set)), true
}

func FuzzMaskList(f *testing.F) {
	for _, s := range []string{
		"", "0", "0-3,8", "5-5", "3-1", "9,1-2,2", "65535", "65536", "0-4294967295", "511-512", "1,", ",1", "-", "1-2-3", " 1", "007",
		strings.Repeat("9", 30),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := dump.ParseMaskList(text)
		cpus, ok := readList(text)
		if (err == nil) != ok {
			t.Fatalf("got error %v, but the list is right: %t", err, ok)
		}
		if got := slices.Collect(m.All()); !slices.Equal(got, cpus) {
			t.Fatalf("got %v, want %v", got, cpus)
		}
		if back, err := dump.ParseMaskList(m.String()); err != nil || back != m {
			t.Fatalf("prints as %q, which reads as {%s}, %v", m, back, err)
		}
		if back, _, err := dump.ParseMaskHex([]byte(m.Hex(m.Last() + 1))); err != nil || back != m {
			t.Fatalf("hex %q reads as {%s}, %v", m.Hex(m.Last()+1), back, err)
		}
	})
}
