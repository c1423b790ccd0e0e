// SPDX-License-Identifier: GPL-2.0-only

package text_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"time"
)

// hostileUnits are what the logs of BenchmarkHostile repeat, a number in the
// place of each '#': lines that begin something, over and over, without the rest
// of it.
var hostileUnits = map[string]string{
	"sections":      "CPU states\n----------\n",
	"counters":      "Event counters\n--------------\n SCX_EV_A: 1\n",
	"tasks":         " R comm[12] -4ms\n",
	"comms":         " R com\nmon\n",
	"cpus":          "CPU #   : nr_run=1\n          curr=a\n",
	"reversed":      "sticky/holding_cpu=-1/-1 dsq_id=(n/a)\nscx_state/flags=3/0x1\n",
	"triggers":      "a[1] triggered exit kind 1026:\n",
	"dumps":         "Debug dump triggered by SysRq-D\n",
	"truncated":     "CPU 0   : nr_run=1\n~~~~ TRUNCATED ~~~~\n",
	"ellipses":      "CPU 0   : nr_run=1\n...\n",
	"cells":         "CELL[#] CPUS=1\n",
	"told CPUs":     "CPU[#] cell=0\n",
	"layers":        "LAYER[#](x)-DSQ[1] nr_queued=0\nLAYER[#](x) CPUS=1\n",
	"verdicts":      "EXIT: runtime error\n",
	"open verdicts": "EXIT: runtime error (\n",
	"ends":          "sched_ext: BPF scheduler \"x#\" disabled (runtime error)\n",
	"quotes":        "> > > > ",
	"parentheses":   " (",
	"brackets":      "[",
	"colours":       "\x1b[31m",
	"highlights":    "\x1b[01;31m\x1b[KCPU\x1b[m\x1b[K",
	"stamps":        "[  123.456789] ",
	"glued":         "2026-11-23T07:33:30.1234567Z CPU 0 : nr_run=1",
	"events":        "init-1 [000] d..2. 1.123456: sched_ext_dump: ",
}

// hostileHeads are what they repeat it behind.
var hostileHeads = map[string]string{
	"":         "",
	" in CPU":  "a[1] triggered exit kind 1026:\n  runtime error (x)\n\nBacktrace:\n\nCPU states\n----------\n\nCPU 0   : nr_run=1 flags=0x1\n",
	" in text": "a[1] triggered exit kind 1026:\n  runtime error (x)\n\nBacktrace:\n",
}

// hostileLog repeats a unit behind a head, size bytes in all.
func hostileLog(head, unit string, size int) []byte {
	var b bytes.Buffer
	b.WriteString(head)
	for i := 0; b.Len() < size; i++ {
		b.WriteString(strings.ReplaceAll(unit, "#", strconv.Itoa(i)))
	}
	return b.Bytes()
}

// BenchmarkHostile reads logs that try to be slow, and reports how much longer a
// byte of a long log takes than one of a short log: about 1, unless the reader
// looks at the same bytes again and again.
func BenchmarkHostile(b *testing.B) {
	const short, long = 128 << 10, 1 << 20
	for head, text := range hostileHeads {
		for name, unit := range hostileUnits {
			b.Run(name+head, func(b *testing.B) {
				perByte := func(size int) float64 {
					log := hostileLog(text, unit, size)
					start := time.Now()
					drain(b, bytes.NewReader(log))
					return float64(time.Since(start).Nanoseconds()) / float64(size)
				}
				least := map[int]float64{}
				for b.Loop() {
					for _, size := range []int{short, long} {
						if t := perByte(size); least[size] == 0 || t < least[size] {
							least[size] = t
						}
					}
				}
				b.ReportMetric(least[long]/least[short], "x-per-byte")
				b.ReportMetric(least[long], "ns/byte")
			})
		}
	}
}
