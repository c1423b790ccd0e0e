// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"scxdiag/dump"
	"scxdiag/dump/dumptest"
	"scxdiag/dump/text"
)

// Corpus are the snapshots of all real logs.
func Corpus(tb testing.TB) []*dump.Snapshot {
	tb.Helper()
	logs, err := filepath.Glob(filepath.Join("..", "..", "testdata", "dumps", "*.log"))
	if err != nil || len(logs) < 30 {
		tb.Fatalf("%d logs, %v", len(logs), err)
	}
	var all []*dump.Snapshot
	for _, name := range logs {
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		r := text.NewReader(bytes.NewReader(b), text.Options{Name: filepath.Base(name)})
		for {
			s, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				tb.Fatal(err)
			}
			all = append(all, s)
		}
	}
	return all
}

var sameMask = cmp.Comparer(func(a, b dump.CPUMask) bool { return a == b })

// comesBack encodes a snapshot, whole and relative to base, and decodes it.
func comesBack(s, base *dump.Snapshot) string {
	return comesBackOn(s, prepare(base))
}

// prepared is a base, as it was written and as it was read.
type prepared struct {
	written, read *shredded
	err           error
}

func prepare(base *dump.Snapshot) *prepared {
	b := shred(base, "base", about{HasText: true}, nil)
	p := &prepared{written: b}
	whole, err := encodeBody(b, nil)
	if err == nil {
		p.read, err = decodeBody(whole, nil)
	}
	p.err = err
	return p
}

// notKept is what a recording is asked, not what it holds.
var notKept = cmpopts.IgnoreFields(dump.Signature{}, "Seen")

func comesBackOn(s *dump.Snapshot, p *prepared) string {
	if p.err != nil {
		return p.err.Error()
	}
	for name, bases := range map[string][2]*shredded{
		"whole": {}, "relative": {p.written, p.read}, "relative to what was read": {p.read, p.read},
	} {
		body, err := encodeBody(shred(s, "x", about{HasText: true}, nil), bases[0])
		if err != nil {
			return err.Error()
		}
		d, err := decodeBody(body, bases[1])
		if err != nil {
			return name + ": " + err.Error()
		}
		got, err := d.assembleSnapshot()
		if err != nil {
			return name + ": " + err.Error()
		}
		got.Raw = s.Raw
		if diff := cmp.Diff(s, got, sameMask, notKept); diff != "" {
			return name + ": " + diff
		}
	}
	return ""
}

func TestCorpusSnapshotsComeBack(t *testing.T) {
	all := Corpus(t)
	for i, s := range all {
		if diff := comesBack(s, all[(i+1)%len(all)]); diff != "" {
			t.Errorf("%s: %s", s.Source.Name, diff)
		}
	}
}

// leaves calls f with each place of v that holds no other, and its name.
func leaves(v reflect.Value, name string, f func(name string, v reflect.Value)) {
	switch v.Interface().(type) {
	case dump.CPUMask, time.Time:
		f(name, v)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			leaves(v.Field(i), name+"."+v.Type().Field(i).Name, f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			leaves(v.Index(i), name+"[]", f)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			leaves(v.Elem(), name, f)
		}
	default:
		f(name, v)
	}
}

// TestEveryFieldOfTheModelComesBack fails if the model has a field that
// model.go does not name. Add a line for it there.
func TestEveryFieldOfTheModelComesBack(t *testing.T) {
	t.Parallel()
	base := dumptest.Filled("x")
	if diff := comesBack(base, &dump.Snapshot{}); diff != "" {
		t.Error(diff)
	}
	if diff := comesBack(&dump.Snapshot{Time: time.Time{}}, base); diff != "" {
		t.Error(diff)
	}
	s := dumptest.Filled("x")
	filled := prepare(base)
	n := 0
	leaves(reflect.ValueOf(s).Elem(), "Snapshot", func(name string, v reflect.Value) {
		if name == "Snapshot.Raw" {
			return
		}
		n++
		old := reflect.ValueOf(v.Interface())
		defer v.Set(old)
		switch v.Interface().(type) {
		case dump.CPUMask:
			v.Set(reflect.ValueOf(dump.MaskOf(3, 700)))
		case time.Time:
			v.Set(reflect.ValueOf(time.Date(1, 2, 3, 4, 5, 6, 7, time.FixedZone("", -3600))))
		default:
			v.SetZero()
		}
		if diff := comesBackOn(s, filled); diff != "" {
			t.Errorf("a change of %s: %s", name, diff)
		}
	})
	if n < 400 {
		t.Errorf("only %d fields: the test no longer walks the model", n)
	}
}

// TestNoTwoFieldsShareAName fails if two fields of one type have one name.
func TestNoTwoFieldsShareAName(t *testing.T) {
	var walk func(*table)
	walk = func(tab *table) {
		seen := map[string]bool{}
		for _, c := range tab.cols {
			if seen[c.name] {
				t.Errorf("two columns %q of table %q", c.name, tab.name)
			}
			seen[c.name] = true
		}
		for _, s := range tab.subs {
			walk(s)
		}
	}
	walk(shred(dumptest.Filled("x"), "x", about{}, nil).root)
}

// anyValue draws anything that v can hold.
func anyValue(t *rapid.T, v reflect.Value, depth int) {
	switch v.Interface().(type) {
	case dump.CPUMask:
		v.Set(reflect.ValueOf(dump.MaskOf(rapid.SliceOfN(rapid.IntRange(0, 700), 0, 3).Draw(t, "mask")...)))
		return
	case time.Time:
		zone := rapid.IntRange(-14*3600, 14*3600).Draw(t, "zone")
		v.Set(reflect.ValueOf(time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "time"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).In(time.FixedZone("", zone))))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			anyValue(t, v.Field(i), depth)
		}
	case reflect.Slice:
		if n := rapid.IntRange(-1, max(3-depth, 1)).Draw(t, "length"); n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				anyValue(t, v.Index(i), depth+1)
			}
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "is there") {
			v.Set(reflect.New(v.Type().Elem()))
			anyValue(t, v.Elem(), depth)
		}
	case reflect.String:
		v.SetString(rapid.OneOf(rapid.SampledFrom([]string{"", "0", "00", "17", "worker/3", "123456789012345678", "1234567890123456789", "\x00\xff"}), rapid.String()).Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	default:
		n := rapid.OneOf(rapid.Int64Range(-3, 3), rapid.Int64()).Draw(t, "number")
		if v.CanInt() {
			v.SetInt(reflect.ValueOf(n).Convert(v.Type()).Int())
		} else {
			v.SetUint(reflect.ValueOf(uint64(n)).Convert(v.Type()).Uint())
		}
	}
}

func TestAnySnapshotComesBack(t *testing.T) {
	snapshots := rapid.Custom(func(t *rapid.T) *dump.Snapshot {
		var s dump.Snapshot
		anyValue(t, reflect.ValueOf(&s).Elem(), 0)
		return &s
	})
	rapid.Check(t, func(t *rapid.T) {
		if diff := comesBack(snapshots.Draw(t, "snapshot"), snapshots.Draw(t, "base")); diff != "" {
			t.Error(diff)
		}
	})
}

// TestAnyNumbersComeBack is about lists long enough for every code.
func TestAnyNumbersComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 300).Draw(t, "length")
		number := rapid.OneOf(
			rapid.Just(rapid.Uint64Range(0, 3)), rapid.Just(rapid.Uint64()), rapid.Just(rapid.Just[uint64](7)),
			rapid.Just(rapid.Custom(func(t *rapid.T) uint64 { return rapid.Uint64Range(0, 1<<40).Draw(t, "thousands") * 1000 })),
		)
		list := func(name string) []uint64 {
			return rapid.SliceOfN(number.Draw(t, "kind of number"), n, n).Draw(t, name)
		}
		x := relation{v: list("numbers")}
		if rapid.Bool().Draw(t, "with a base") {
			x.base = list("base")
			x.isNew = make([]bool, n)
			for i := range n {
				x.isNew[i] = rapid.IntRange(0, 9).Draw(t, "is new") == 0
			}
		}
		if rapid.Bool().Draw(t, "with another column") {
			x.other, x.otherBase = list("other"), list("base of the other")
		}
		var c coder
		b := c.pack(&x)
		got := x
		got.v = make([]uint64, n)
		if err := c.unpack(b, &got); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.v, x.v) {
			t.Errorf("got %v, want %v", got.v, x.v)
		}
	})
}

// FuzzBody decodes bodies that anyone may have written, whole and relative to
// one that is in order.
func FuzzBody(f *testing.F) {
	base := shred(dumptest.Filled("x"), "base", about{}, nil)
	for _, s := range append(Corpus(f)[:10], dumptest.Filled("y")) {
		for _, on := range []*shredded{nil, base} {
			b, err := shred(s, s.ID(), about{HasText: true}, nil).pack(on)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, on := range []*shredded{nil, base} {
			d, err := unpack(b, on)
			if err != nil {
				continue
			}
			s, err := d.assembleSnapshot()
			if err != nil {
				continue
			}
			if diff := comesBack(s, dumptest.Filled("y")); diff != "" {
				t.Errorf("what was decoded does not come back: %s", diff)
			}
		}
	})
}

// FuzzPages salvages files that anyone may have written.
func FuzzPages(f *testing.F) {
	golden, err := os.ReadFile(filepath.Join("testdata", "v1"+Ext))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add(golden[:20000])
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWreck(newPageFile(bytes.NewReader(b), int64(len(b))))
		w.pages.readLog(bytes.NewReader(b))
		if err := w.each(t.Context(), func(*rescued) error { return nil }); err != nil {
			t.Error(err)
		}
		w.hidden()
	})
}
