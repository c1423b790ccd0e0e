// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bytes"
	"strings"

	"scxdiag/dump"
)

// maxSchedLine is the longest line that the kernel takes from a scheduler. The
// end of such a line is missing.
const maxSchedLine = 1023

// globalText reads a line that the scheduler printed about itself, if this
// package knows its shape.
func (p *parser) globalText() bool {
	b := p.cur
	if len(b) == 0 {
		return false
	}
	switch b[0] {
	case 'C':
		return p.mitosisCell() || p.mitosisCPU()
	case '[', 'D', 'E':
		return p.mitosisEvent()
	case 'k', 'c':
		return p.build()
	case 'Q':
		return p.qmapFIFO()
	case 'L', 'H':
		return p.layeredDSQ()
	}
	return p.overflowed && p.moreFIFO()
}

// cpuText reads a line that the scheduler printed about a CPU.
func (p *parser) cpuText() bool { return p.qmapFields(&p.cpu.Scheduler) }

// taskText reads a line that the scheduler printed about a task.
func (p *parser) taskText() bool {
	b := trimBlanks(p.cur)
	if len(b) == 0 {
		return false
	}
	switch b[0] {
	case 'T':
		return p.mitosisTask()
	case 'Q':
		return p.qmapFields(&p.task.Scheduler)
	case '\\', '+':
		return p.lavdTask()
	}
	return false
}

// build reads "kernel: 7.3.4 +deb13" and "cc: gcc", which the schedulers of the
// scx repository print first.
func (p *parser) build() bool {
	key, val, ok := bytes.Cut(p.cur, []byte(":"))
	if !ok || string(key) != "kernel" && string(key) != "cc" || len(p.s.Cells) > 0 || len(val) == 0 {
		return false
	}
	at := len(key) + 1 + leadingBlanks(val)
	val = p.cur[at:]
	if string(key) == "kernel" {
		version, local, _ := strings.Cut(string(val), " ")
		if _, ok := dump.ParseVersion(version); !ok {
			return false
		}
		if !p.ln.cut {
			p.s.Kernel.Release = version + local
		}
	}
	if p.ln.cut {
		p.distrust(string(key), val, at)
		return true
	}
	p.s.Build = append(p.s.Build, dump.KV{Key: string(key), Value: p.str(at, len(val)), At: p.span(at, len(val))})
	return true
}

// indexed reads "WORD[12]" at the start of b and returns the number and what
// follows.
func indexed(b []byte, word string) (n uint64, rest []byte, ok bool) {
	if !hasPrefix(b, word) || len(b) == len(word) || b[len(word)] != '[' {
		return 0, nil, false
	}
	digits, rest, ok := bytes.Cut(b[len(word)+1:], []byte("]"))
	if !ok {
		return 0, nil, false
	}
	n, ok = parseUint(digits)
	return n, rest, ok
}
