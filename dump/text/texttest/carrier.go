// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"math/rand/v2"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// Stage says when a carrier gets hold of a log.
type Stage uint8

// The stages, in the order in which a log passes through them.
const (
	Program Stage = iota // the program that printed the dump, or the trace
	Logger               // what collected its output
	Viewer               // what showed the log
	Paste                // how it was copied
	File                 // how it was saved
)

// Carrier is one thing that happens to a log on its way.
type Carrier struct {
	Name  string
	Stage Stage
	// Lossy is set if some of the dump does not arrive, or not readably.
	Lossy bool
	// PlainOnly is set if comms and messages do not survive if they have
	// newlines, control characters or bytes that are not UTF-8.
	PlainOnly bool
	// Stamped is set if each line gets a prefix by which its start can be told
	// even in the middle of a line; NeedsStamp if the carrier needs that.
	Stamped, NeedsStamp bool
	// Alone is set if the carrier goes with no other.
	Alone bool
	// Apply does it. The same rng state does the same.
	Apply func(rng *rand.Rand, t Text) Text
	// Encode, if set, turns the bytes of the whole log into others, last.
	Encode func([]byte) []byte
}

// Carriers are all carriers, in the order of their stages.
func Carriers() []Carrier {
	return slices.Concat(stderrCarriers, traceCarriers, journaldCarriers, dmesgCarriers, actionsCarriers,
		viewerCarriers, pasteCarriers, fileCarriers, recordCarriers)
}

// CarrierNamed finds a carrier; it panics if there is none of that name.
func CarrierNamed(name string) Carrier {
	for _, c := range Carriers() {
		if c.Name == name {
			return c
		}
	}
	panic("texttest: no carrier " + name)
}

// Chain is carriers one after the other.
type Chain []Carrier

// ChainOf makes a chain of named carriers, "rust+journald-short+reversed".
func ChainOf(names string) Chain {
	var ch Chain
	for name := range strings.SplitSeq(names, "+") {
		ch = append(ch, CarrierNamed(name))
	}
	return ch
}

func (ch Chain) String() string {
	if len(ch) == 0 {
		return "plain"
	}
	names := make([]string, len(ch))
	for i, c := range ch {
		names[i] = c.Name
	}
	return strings.Join(names, "+")
}

// Lossy reports whether a carrier of the chain is.
func (ch Chain) Lossy() bool { return slices.ContainsFunc(ch, func(c Carrier) bool { return c.Lossy }) }

// PlainOnly reports whether a carrier of the chain is.
func (ch Chain) PlainOnly() bool {
	return slices.ContainsFunc(ch, func(c Carrier) bool { return c.PlainOnly })
}

func (ch Chain) stamped() bool {
	return slices.ContainsFunc(ch, func(c Carrier) bool { return c.Stamped })
}

// Apply passes a log through the carriers of the chain. It leaves t alone.
func (ch Chain) Apply(rng *rand.Rand, t Text) Text {
	t = slices.Clone(t)
	for _, c := range ch {
		if c.Apply != nil {
			t = c.Apply(rng, t)
		}
	}
	return t
}

// Encode makes the bytes of a log that has passed through the chain.
func (ch Chain) Encode(t Text) []byte {
	b := t.Bytes()
	for _, c := range ch {
		if c.Encode != nil {
			b = c.Encode(b)
		}
	}
	return b
}

// Carry does to plain text what the carriers of the chain do.
func (ch Chain) Carry(rng *rand.Rand, text []byte) []byte {
	return ch.Encode(ch.Apply(rng, Split(text)))
}

// Rand is the source of chance for carriers that the seed stands for.
func Rand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x5c7)) } //nolint:gosec // a test

// Chains draws chains that make sense, each stage used at most once.
func Chains(lossy bool) *rapid.Generator[Chain] {
	return rapid.Custom(func(t *rapid.T) Chain {
		var ch Chain
		for stage := Program; stage <= File; stage++ {
			of := slices.DeleteFunc(Carriers(), func(c Carrier) bool { return c.Stage != stage || c.Lossy && !lossy || c.Alone })
			if rapid.Bool().Draw(t, "use this stage") {
				if c := rapid.SampledFrom(of).Draw(t, "carrier"); !c.NeedsStamp || ch.stamped() {
					ch = append(ch, c)
				}
			}
		}
		return ch
	})
}
