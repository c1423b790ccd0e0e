// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"slices"

	"scxdiag/dump"
)

// How to tell that the end of a dump is missing, where the kernel's marker does
// not say so: a log may end between any two of its lines.

// What the ledger says of dumps without counters, of which kernels from
// countersSince on print all, in every dump.
const (
	lacksCounters    = "the end of the dump is missing: it has no event counters"
	mayLackCounters  = "the end of the dump is missing, unless its kernel is older than 6.15: it has no event counters"
	lacksLastCounter = "the end of the dump is missing: it lacks the last event counters"
)

var countersSince = dump.Version{Major: 6, Minor: 15}

// blockKinds are lines of a CPU or a task that are never the last ones of it.
const blockKinds kindSet = 1<<kindCPU | 1<<kindRescue | 1<<kindTask | 1<<kindState | 1<<kindSticky | 1<<kindVTime

// judgeEnd judges whether the end of the dump is missing.
func (p *parser) judgeEnd() {
	s := p.s
	if s.Ledger.Truncated {
		return
	}
	missing := func(note string) {
		s.Ledger.Truncated = true
		s.Ledger.Note(note)
	}
	switch {
	case p.endsCut:
		missing("the source ends within the dump")
	case p.in < inCPUs:
		missing("the end of the dump is missing: it has no CPU section")
	case blockKinds.has(p.lastKind()):
		missing("the end of the dump is missing: it ends within the lines of a CPU or a task")
	case len(s.Counters) > 0 && isNeverLast(s.Counters[len(s.Counters)-1].Name, s.Kernel):
		missing(lacksLastCounter)
	default:
		settleCounters(s, p.g.closed())
	}
	if p.g.isOpen() && !s.Ledger.Truncated {
		missing("the end of the dump is missing: the line that closes it does not follow")
	}
}

// lastKind is the kind of the last line of the dump.
func (p *parser) lastKind() kind {
	for i := len(p.lines) - 1; i >= 0; i-- {
		if l := &p.lines[i]; l.out != foreign && l.kind != kindBlank {
			return l.kind
		}
	}
	return kindBlank
}

// settleCounters judges a dump without counters by what is known of its kernel.
// If that is too little, one that user space closed behind it is whole.
func settleCounters(s *dump.Snapshot, closed bool) {
	l := &s.Ledger
	l.Notes = slices.DeleteFunc(l.Notes, func(n string) bool { return n == mayLackCounters })
	if s.Counters != nil || l.Truncated {
		return
	}
	first, last := seriesOf(s.Kernel)
	switch {
	case first.Compare(countersSince) >= 0:
		l.Truncated = true
		l.Note(lacksCounters)
	case !last.IsZero() && last.Compare(countersSince) < 0, closed:
	default:
		l.Note(mayLackCounters)
	}
}

// seriesOf are the oldest and the newest series that can have made the dump.
func seriesOf(k dump.Kernel) (first, last dump.Version) {
	if v, ok := dump.ParseVersion(k.Release); ok && k.Admits(v) {
		return v, v
	}
	return k.Min, k.Max
}

// followed are the counters that others follow in each dump, with the first
// series in which that is so; zero: in all that have them.
var followed = map[string]dump.Version{
	"SCX_EV_SELECT_CPU_FALLBACK":         {},
	"SCX_EV_DISPATCH_LOCAL_DSQ_OFFLINE":  {},
	"SCX_EV_DISPATCH_KEEP_LAST":          {},
	"SCX_EV_ENQ_SKIP_EXITING":            {},
	"SCX_EV_ENQ_SKIP_MIGRATION_DISABLED": {},
	"SCX_EV_REENQ_IMMED":                 {},
	"SCX_EV_REENQ_LOCAL_REPEAT":          {},
	"SCX_EV_REENQ_REPEAT":                {},
	"SCX_EV_ENQ_SLICE_DFL":               {},
	"SCX_EV_REFILL_SLICE_DFL":            {},
	"SCX_EV_SLICE_CLAMPED":               {},
	"SCX_EV_SLICE_DENIED":                {},
	"SCX_EV_BYPASS_DURATION":             {},
	"SCX_EV_BYPASS_DISPATCH":             {},
	"SCX_EV_BYPASS_ACTIVATE":             {Major: 7, Minor: 1},
	"SCX_EV_INSERT_NOT_OWNED":            {},
	"SCX_EV_SUB_BYPASS_DISPATCH":         {Major: 7, Minor: 3},
	"SCX_EV_SUB_FORCED_ADMIT":            {},
	"SCX_EV_SUB_PREEMPT_DENIED":          {},
	"SCX_EV_SUB_KICK_DENIED":             {},
	"SCX_EV_SUB_REENQ_DENIED":            {},
	"SCX_EV_SUB_CIDPERF_DENIED":          {},
}

// isNeverLast reports whether kernel k prints further counters behind this one.
func isNeverLast(counter string, k dump.Kernel) bool {
	since, ok := followed[counter]
	first, _ := seriesOf(k)
	return ok && first.Compare(since) >= 0
}
