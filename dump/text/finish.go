// SPDX-License-Identifier: GPL-2.0-only

package text

import "scxdiag/dump"

// shapes are the features by which a dump betrays the kernel that made it.
type shapes uint32

const (
	sawRescue         shapes = 1 << iota // "rescue=" below a CPU header
	sawOpsQSeq                           // ops_qseq= in a CPU header
	sawNoQSeq                            // a CPU header without it
	sawOnCPU                             // " on CPU n" in the trigger
	sawOwner                             // who owns a task, or "name: root"
	sawNoOwner                           // a task header without an owner
	sawPntSeq                            // pnt_seq=
	sawKSync                             // ksync=
	sawSync                              // cpus_to_sync
	sawNoMig                             // no_mig=
	sawCPUs                              // a line with cpus=
	sawVTimeLine                         // dsq_vtime= on a line of its own
	sawVTimeBehindDSQ                    // dsq_vtime= behind dsq_id=
	sawSliceBehindDSQ                    // slice= behind dsq_id=
	sawEvents                            // "Event counters"
	sawEnqSlice                          // SCX_EV_ENQ_SLICE_DFL
	sawRefill                            // SCX_EV_REFILL_SLICE_DFL
	sawReenqLocal                        // SCX_EV_REENQ_LOCAL_REPEAT
	sawReenqImmed                        // SCX_EV_REENQ_IMMED
	sawClamped                           // SCX_EV_SLICE_CLAMPED
)

// counterShape is what the name of a counter tells.
func counterShape(name string) shapes {
	switch name {
	case "SCX_EV_ENQ_SLICE_DFL":
		return sawEnqSlice
	case "SCX_EV_REFILL_SLICE_DFL":
		return sawRefill
	case "SCX_EV_REENQ_LOCAL_REPEAT":
		return sawReenqLocal
	case "SCX_EV_REENQ_IMMED":
		return sawReenqImmed
	case "SCX_EV_SLICE_CLAMPED":
		return sawClamped
	}
	return 0
}

// bounds are the series that can print a shape; a zero bound is open.
var bounds = []struct {
	shape       shapes
	first, last dump.Version
}{
	{sawRescue, dump.Version{Major: 7, Minor: 3}, dump.Version{}},
	{sawClamped, dump.Version{Major: 7, Minor: 3}, dump.Version{}},
	{sawNoQSeq, dump.Version{Major: 7, Minor: 2}, dump.Version{}},
	{sawOnCPU, dump.Version{Major: 7, Minor: 2}, dump.Version{}},
	{sawOwner, dump.Version{Major: 7, Minor: 1}, dump.Version{}},
	{sawReenqImmed, dump.Version{Major: 7, Minor: 1}, dump.Version{}},
	{sawReenqLocal, dump.Version{Major: 7, Minor: 1}, dump.Version{Major: 7, Minor: 2}},
	{sawKSync, dump.Version{Major: 6, Minor: 19}, dump.Version{}},
	{sawSync, dump.Version{Major: 6, Minor: 18}, dump.Version{}},
	{sawNoMig, dump.Version{Major: 6, Minor: 18}, dump.Version{}},
	{sawRefill, dump.Version{Major: 6, Minor: 16}, dump.Version{}},
	{sawEnqSlice, dump.Version{Major: 6, Minor: 15}, dump.Version{Major: 6, Minor: 15}},
	{sawEvents, dump.Version{Major: 6, Minor: 15}, dump.Version{}},
	{sawVTimeLine, dump.Version{Major: 6, Minor: 14}, dump.Version{}},
	{sawSliceBehindDSQ, dump.Version{Major: 6, Minor: 14}, dump.Version{Major: 6, Minor: 14}},
	{sawNoOwner, dump.Version{}, dump.Version{Major: 7, Minor: 0}},
	{sawPntSeq, dump.Version{}, dump.Version{Major: 6, Minor: 18}},
	{sawOpsQSeq, dump.Version{}, dump.Version{Major: 7, Minor: 1}},
	{sawVTimeBehindDSQ, dump.Version{}, dump.Version{Major: 6, Minor: 14}},
}

// kernelRange is the range of kernels that print all of the shapes.
func (s shapes) kernelRange() dump.Kernel {
	var k dump.Kernel
	narrow := func(first, last dump.Version) {
		if !first.IsZero() && first.Compare(k.Min) > 0 {
			k.Min = first
		}
		if !last.IsZero() && (k.Max.IsZero() || last.Compare(k.Max) < 0) {
			k.Max = last
		}
	}
	for _, b := range bounds {
		if s&b.shape != 0 {
			narrow(b.first, b.last)
		}
	}
	if s&sawVTimeBehindDSQ != 0 && s&sawSliceBehindDSQ == 0 {
		narrow(dump.Version{}, dump.Version{Major: 6, Minor: 13})
	}
	if s&(sawPntSeq|sawOpsQSeq|sawVTimeBehindDSQ|sawCPUs) != 0 {
		narrow(dump.Version{Major: 6, Minor: 12}, dump.Version{})
	}
	return k
}

// finish does what needs the whole dump: the kernel's range, state numbers, the
// meaning of user DSQs, the subject of the message, and the ledger.
func (p *parser) finish(why ending) {
	s := p.s
	p.mergeCPUs()
	k := p.shapes.kernelRange()
	switch p.enabled {
	case 3:
		if k.Max.IsZero() || k.Max.Compare(dump.Version{Major: 7, Minor: 1}) > 0 {
			k.Max = dump.Version{Major: 7, Minor: 1}
		}
	case 4:
		if k.Min.Compare(dump.Version{Major: 7, Minor: 1}) < 0 {
			k.Min = dump.Version{Major: 7, Minor: 1}
		}
	}
	if !k.Max.IsZero() && k.Max.Compare(k.Min) < 0 { // a backport, or a dump of two kernels
		s.Ledger.Note("shapes of different kernels in one dump")
		k.Max = dump.Version{}
	}
	k.Release = s.Kernel.Release
	s.Kernel = k
	states := dump.CalibrateTaskStates(p.enabled, k)
	for i := range s.Tasks {
		t := &s.Tasks[i]
		if n, ok := t.SCXStateNr.Get(); ok {
			if name, ok := states.Name(n); ok {
				t.SCXState = dump.OfAt(name, t.SCXStateNr.At)
			}
		}
	}
	if s.Scheduler == "" && (p.inferred != mitosis || len(s.Build) > 0) { // kernels before 7.1 do not name it, but its text may
		s.Scheduler = p.inferred
	}
	if s.BaseName() == mitosis || p.inferred == mitosis {
		decodeMitosis(s)
	}
	p.setTrigger()
	if s.IsVerdict() {
		s.Stamp = p.g.stamp
	}
	s.FindSubject()
	p.account(why)
}

// setTrigger settles why there is a snapshot, as far as that can be told if its
// first lines are missing.
func (p *parser) setTrigger() {
	s := p.s
	if s.Trigger != dump.TriggerUnknown {
		return
	}
	s.Ledger.Note("the beginning of the dump is missing")
	if s.Exit != nil {
		s.Trigger = dump.TriggerCrash
	}
}

// account fills the ledger's line counts and judges whether the end is missing.
func (p *parser) account(why ending) {
	s := p.s
	c := &s.Ledger.Lines
	var n [outcomes]int
	for i := range p.lines {
		l := &p.lines[i]
		n[l.out]++
		if l.glued {
			c.Glued++
		}
	}
	c.NotUnderstood, c.Parsed, c.Verbatim = n[notUnderstood], n[parsed], n[verbatim]
	c.Blank, c.Foreign, c.Truncated = n[blank], n[foreign], n[truncated]
	p.judgeEnd()
	switch {
	case why == endSize:
		s.Ledger.Truncated = true
		s.Ledger.Note("the dump is longer than the reader's limit of 64 MiB")
	case why == endLine && !p.g.ended:
		s.Ledger.Truncated = true
		s.Ledger.Note("a line is longer than the reader's limit of 1 MiB")
	}
}
