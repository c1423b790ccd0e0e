// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
)

// rule is what user space prints around a dump.
var rule = strings.Repeat("=", 80)

// stderrCarriers are the ways in which the user side of a scheduler prints a
// dump. A dump by SysRq-D does not come this way; it is left alone.
var stderrCarriers = []Carrier{
	{Name: "c", Stage: Program, Apply: framed(func(e exitText) Text { return noise("EXIT: " + e.verdict) })},
	{Name: "c-on-cpu", Stage: Program, Apply: framed(func(e exitText) Text {
		return noise("EXIT: " + e.verdict + e.onCPU)
	})},
	{Name: "rust", Stage: Program, Apply: framed(func(e exitText) Text { return noise("Error: EXIT: " + e.verdict) })},
	{Name: "rust-context", Stage: Program, Apply: framed(func(e exitText) Text {
		return noise("Error: running scheduler main loop", "", "Caused by:", "    EXIT: "+e.verdict)
	})},
	{Name: "rust-backtrace", Stage: Program, Apply: framed(func(e exitText) Text {
		return noise("Error: EXIT: "+e.verdict, "", "Stack backtrace:", "   0: anyhow::error::<impl anyhow::Error>::msg",
			"   1: scx_mitosis::main", "             at ./scheds/rust/scx_mitosis/src/main.rs:1012:9")
	})},
	{Name: "c-with-noise", Stage: Program, Apply: framedWithNoise},
}

// exitText is what a dump says about the exit, as user space repeats it.
type exitText struct {
	verdict string // "reason (message)"
	onCPU   string // " on CPU 3", or ""
}

var triggerLine = regexp.MustCompile(`\[-?\d+\] triggered exit kind \d+( on CPU \d+)?:$`)

// exitOf finds the exit in the lines of a dump.
func exitOf(t Text) (e exitText, ok bool) {
	for i, l := range t {
		m := triggerLine.FindSubmatch(l.Text)
		if m == nil {
			continue
		}
		e.onCPU = string(m[1])
		var reason [][]byte
		for _, l := range t[i+1:] {
			if len(reason) > 0 && !l.Continued {
				break
			}
			reason = append(reason, l.Text)
		}
		e.verdict = strings.TrimPrefix(string(bytes.Join(reason, []byte("\n"))), "  ")
		e.verdict = strings.TrimSuffix(e.verdict, " ()")
		return e, true
	}
	return e, false
}

// framed is a carrier that prints the dump between two rules, and then what the
// function says.
func framed(end func(exitText) Text) func(*rand.Rand, Text) Text {
	return func(_ *rand.Rand, t Text) Text {
		e, ok := exitOf(t)
		if !ok {
			return t
		}
		out := noise("", "DEBUG DUMP", rule, "")
		out = append(out, t...)
		out = append(out, noise("", rule, "")...)
		for _, l := range end(e) {
			// a message with newlines makes several lines
			for _, part := range bytes.Split(l.Text, []byte("\n")) {
				out = append(out, Line{Text: part, Src: -1})
			}
		}
		return out
	}
}

// framedWithNoise has the scheduler's own output before the dump, and after the
// verdict the start of the next one.
func framedWithNoise(rng *rand.Rand, t Text) Text {
	out := noise(
		"libbpf: struct_ops custom_ops: member priv not found in kernel, skipping it as it's set to zero",
		"08:03:11 [INFO] scx scheduler starting on 4 CPUs: nr_cpu_ids=4",
		"EXIT status will be printed at the end",
		fmt.Sprintf("stats  : enq=%d dsp=%d delta=2 reenq/cid0=0/0 deq=489 core=0 enq_ddsp=11", rng.IntN(9999), rng.IntN(9999)),
		"local=1 global=3",
	)
	framedC := framed(func(e exitText) Text { return noise("EXIT: " + e.verdict) })
	out = append(out, framedC(rng, t)...)
	return append(out, noise(
		"",
		"08:03:55 [INFO] scx scheduler starting on 4 CPUs: nr_cpu_ids=4",
		"stats  : enq=0 dsp=0 delta=0 reenq/cid0=0/0 deq=0 core=0 enq_ddsp=0",
	)...)
}
