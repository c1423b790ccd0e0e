// SPDX-License-Identifier: GPL-2.0-only

package texttest_test

import (
	"bytes"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"scxdiag/dump/text/texttest"
)

// sample is the text of some dump.
func sample(t *rapid.T) texttest.Text {
	return texttest.Models(texttest.PlainNames, func(t *rapid.T, k *texttest.Config) {
		if rapid.Bool().Draw(t, "truncate") {
			k.DumpLen = 512
		}
	}).Draw(t, "model").Dump().Lines()
}

// A carrier that is not lossy brings every line that is not blank, once and
// whole; only the line before a truncation marker can become doubtful.
func TestLosslessCarriersBringEveryLine(t *testing.T) {
	for _, c := range texttest.Carriers() {
		if c.Lossy {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				in := sample(t)
				out := texttest.Chain{c}.Apply(texttest.Rand(rapid.Uint64().Draw(t, "seed")), in)
				seen := map[int]int{}
				for _, l := range out {
					seen[l.Src]++
				}
				arrived := out.Arrived()
				last := true // of the lines before the marker
				for _, l := range slices.Backward(in) {
					if l.Src < 0 || l.Damaged || len(l.Text) == 0 {
						continue
					}
					doubtful := last || c.Stage == texttest.Program && len(l.Text) > 1000
					if seen[l.Src] != 1 || !arrived[l.Src] && !doubtful {
						t.Fatalf("line %d %q arrived %d times, whole: %t", l.Src, l.Text, seen[l.Src], arrived[l.Src])
					}
					last = false
				}
			})
		})
	}
}

func TestCarriersAreDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := sample(t)
		ch := texttest.Chains(true).Draw(t, "carriers")
		seed := rapid.Uint64().Draw(t, "seed")
		a, b := ch.Apply(texttest.Rand(seed), in), ch.Apply(texttest.Rand(seed), in)
		if !bytes.Equal(ch.Encode(a), ch.Encode(b)) {
			t.Fatalf("%s does not do the same twice", ch)
		}
	})
}

func TestCarriersHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range texttest.Carriers() {
		if c.Name == "" || seen[c.Name] || strings.Contains(c.Name, "+") {
			t.Errorf("carrier name %q is empty, used twice, or has a +", c.Name)
		}
		seen[c.Name] = true
	}
}

func TestLogHasTheSizeAndItsTurnsDiffer(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "testdata", "dumps")
	read := func(size int64) []byte {
		r, err := texttest.NewLog(dir, size)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	const size = 6 << 20
	a, b := read(size), read(size)
	if len(a) != size || !bytes.Equal(a, b) {
		t.Fatalf("got %d and %d bytes, equal %t", len(a), len(b), bytes.Equal(a, b))
	}
	triggers, trigger := map[string]int{}, ""
	for line := range bytes.Lines(a) {
		if trigger != "" {
			triggers[trigger+string(line)]++
			trigger = ""
		}
		if bytes.Contains(line, []byte("] triggered exit kind ")) {
			trigger = string(line)
		}
	}
	for line, n := range triggers {
		if n > 1 {
			t.Errorf("%d dumps start with %q", n, line)
		}
	}
	if len(triggers) < 80 {
		t.Errorf("only %d different dumps in %d bytes", len(triggers), size)
	}
}
