// SPDX-License-Identifier: GPL-2.0-only

package diff

import "scxdiag/dump"

// The fields of a CPU that are compared.
const (
	CPUCell int = iota
	CPUClass
	CPUCurrent
	CPUNrRunning
	CPUFlags
	NrCPUFields
)

var cpuFields = [NrCPUFields]compare[dump.CPU]{
	CPUCell:      by(func(c *dump.CPU) *dump.Value[int32] { return &c.Cell }),
	CPUClass:     by(func(c *dump.CPU) *dump.Value[dump.Class] { return &c.Class }),
	CPUCurrent:   by(func(c *dump.CPU) *dump.Value[dump.TaskRef] { return &c.Current }),
	CPUNrRunning: by(func(c *dump.CPU) *dump.Value[uint32] { return &c.NrRunning }),
	CPUFlags:     by(func(c *dump.CPU) *dump.Value[uint32] { return &c.Flags }),
}

// CPUs is what became of the CPUs.
type CPUs struct {
	Matched int
	// OnlyBefore and OnlyAfter count the CPUs that one snapshot leaves out, as
	// the kernel does with idle ones: what they did is unknown.
	OnlyBefore, OnlyAfter int
	Changed               []CPU // those of which a field changed
	Fields                [NrCPUFields]Tally
	Progress              []CPUProgress // every matched CPU with a clock, in the order of After

	moved int // clocks
}

// CPU is a CPU of both snapshots.
type CPU struct {
	Before, After    *dump.CPU
	Changed, Unknown Fields // numbered CPUCell and so on
}

// CPUProgress is how the clock of a CPU's own queue got on.
type CPUProgress struct {
	Before, After *dump.CPU
	VTime         dump.Value[int64]
}

// cpus compares the CPUs.
func (d *Diff) cpus() {
	r := &d.CPUs
	before := firstByID(d.Before.CPUs, func(c *dump.CPU) int32 { return c.ID })
	after := firstByID(d.After.CPUs, func(c *dump.CPU) int32 { return c.ID })
	for i := range d.After.CPUs {
		a := &d.After.CPUs[i]
		if after[a.ID] != a {
			continue
		}
		b := before[a.ID]
		if b == nil {
			r.OnlyAfter++
			continue
		}
		r.Matched++
		changed, unknown := compareAll(cpuFields[:], r.Fields[:], b, a)
		if changed != 0 {
			r.Changed = append(r.Changed, CPU{b, a, changed, unknown})
		}
		if !b.VTime.Known && !a.VTime.Known {
			continue
		}
		p := CPUProgress{Before: b, After: a}
		if d.SameRun {
			p.VTime = progress(b.VTime, a.VTime)
		}
		if p.VTime.V != 0 {
			r.moved++
		}
		r.Progress = append(r.Progress, p)
	}
	r.OnlyBefore = len(before) - r.Matched
}

// firstByID finds the elements of a list by an id; of several that share one
// the first counts.
func firstByID[T any, K comparable](list []T, id func(*T) K) map[K]*T {
	m := make(map[K]*T, len(list))
	for i := range list {
		if e := &list[i]; m[id(e)] == nil {
			m[id(e)] = e
		}
	}
	return m
}
