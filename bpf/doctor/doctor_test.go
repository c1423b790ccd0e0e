// SPDX-License-Identifier: GPL-2.0-only

package doctor

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/exp/golden"
	"github.com/cilium/ebpf/btf"
)

func TestMachines(t *testing.T) {
	for _, c := range machines {
		t.Run(c.name, func(t *testing.T) {
			root := good(t)
			m := machine(root)
			c.change(t, root, m)
			r := Examine(m)
			for _, got := range r.Checks {
				want := OK
				if w, ok := c.want[got.ID]; ok {
					want = w
				}
				if got.Status != want {
					t.Errorf("%s: %s, want %s: %s", got.ID, got.Status, want, got.Found)
				}
				if got.Found == "" || (got.Status == Error && got.Fix == "") || (got.Status == OK && got.Fix != "") {
					t.Errorf("%s: found %q, fix %q", got.ID, got.Found, got.Fix)
				}
			}
			for _, u := range Uses() {
				if got, want := r.Works(u), slices.Contains(c.works, u); got != want {
					t.Errorf("%s works: %t, want %t", u, got, want)
				}
			}
			t.Run("text", func(t *testing.T) { golden.RequireEqual(t, written(t, r.WriteText)) })
			t.Run("json", func(t *testing.T) { golden.RequireEqual(t, written(t, r.WriteJSON)) })
		})
	}
}

// TestADamagedBuildStopsLive has a function that takes the program itself as well,
// as the types of a broken build of 7.2 have them.
func TestADamagedBuildStopsLive(t *testing.T) {
	u64 := &btf.Int{Name: "unsigned long", Size: 8}
	aux := &btf.Pointer{Target: &btf.Const{Type: &btf.Struct{Name: "bpf_prog_aux"}}}
	kick := &btf.Func{Name: "scx_bpf_kick_cpu", Linkage: btf.GlobalFunc, Type: &btf.FuncProto{
		Return: &btf.Void{}, Params: []btf.FuncParam{{Type: u64}, {Type: u64}, {Type: aux}},
	}}
	ops := &btf.Struct{Name: "sched_ext_ops", Size: 4, Members: []btf.Member{{Name: "cgroup_init", Type: &btf.Int{Size: 4}}}}
	root := good(t)
	root[typesFile] = marshalled(t, []btf.Type{ops, kick})
	for _, c := range Examine(machine(root)).Checks {
		if c.ID == "scheduler" && (c.Status != Error || !strings.Contains(c.Found, "scx_bpf_kick_cpu is only half converted")) {
			t.Errorf("%s: %s", c.Status, c.Found)
		}
	}
}

func TestAReportAboutOneUse(t *testing.T) {
	root := good(t)
	removed(root, "sys/kernel/sched_ext")
	r := Examine(machine(root)).About(LiveVM)
	if !r.Works(LiveVM) || len(r.Checks) == 0 {
		t.Errorf("live --vm does not work: %+v", r.Checks)
	}
	for _, c := range r.Checks {
		if !slices.Equal(c.For, []Use{LiveVM}) {
			t.Errorf("%s is for %s", c.ID, c.For)
		}
	}
	if text := written(t, r.WriteText); !bytes.HasSuffix(text, []byte("\nlive --vm: works\n")) || bytes.Contains(text, []byte("sched_ext")) {
		t.Errorf("it says:\n%s", text)
	}
}

func written(t testing.TB, write func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// FuzzExamine has any file of a machine hold anything: what is said of it is fit
// for a terminal, of a bounded length, and the JSON is whole.
func FuzzExamine(f *testing.F) {
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range good(f) {
			if !yield(name) {
				return
			}
		}
	})
	for i := range names {
		f.Add(i, []byte("\x1b[2J\u202e\xff\n\x00"))
		f.Add(i, []byte("18446744073709551616"))
	}
	f.Fuzz(func(t *testing.T, which int, data []byte) {
		root := good(t)
		root[names[uint(which)%uint(len(names))]] = &fstest.MapFile{Data: data}
		r := Examine(machine(root))
		text := written(t, r.WriteText)
		for line := range bytes.Lines(text) {
			if len(line) > 2000 {
				t.Errorf("a line of %d bytes", len(line))
			}
		}
		if rest := strings.ReplaceAll(string(text), "\n", ""); !utf8.ValidString(rest) || strings.ContainsFunc(rest, func(c rune) bool { return !unicode.IsPrint(c) }) {
			t.Errorf("not fit for a terminal: %q", text)
		}
		// One line for each check and fix, whatever they hold.
		want := len(r.Checks) + 2*4 + 3 // with a blank line and a heading for each group, the first line and the last two
		for _, c := range r.Checks {
			if c.Fix != "" {
				want++
			}
		}
		if got := bytes.Count(text, []byte("\n")); got != want {
			t.Errorf("%d lines, want %d:\n%s", got, want, text)
		}
		if !json.Valid(written(t, r.WriteJSON)) {
			t.Error("not JSON")
		}
	})
}
