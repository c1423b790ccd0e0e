// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"slices"

	"scxdiag/dump"
)

// Series says how the dump text of one kernel series looks.
type Series struct {
	Name    string // "6.12", or with a suffix where the text changed within a series
	Version dump.Version

	OpsQSeq      bool   // ops_qseq= on the CPU line
	PickSeq      string // key of the pick sequence on the CPU line
	SyncMask     bool   // the cpus_to_sync line
	TaskLine     TaskLine
	NoMig        bool            // no_mig= behind the affinity
	Owner        bool            // owner token of tasks; the line that names the scheduler
	OnCPU        bool            // " on CPU n" in the trigger line
	Rescue       bool            // the rescue= line
	ErrorFirst   bool            // the CPU that failed comes first
	EnabledState uint32          // number of the task state ENABLED
	Counters     []string        // the event counters, in order; none before 6.15
	Kinds        []dump.ExitKind // the kinds that dump
}

// TaskLine says where a task's dsq_vtime stands.
type TaskLine uint8

// The three shapes that the lines of a task have had.
const (
	VTimeOnDSQLine         TaskLine = iota // up to 6.13
	VTimeAndSliceOnDSQLine                 // 6.14-rc1 and -rc2
	VTimeOnOwnLine                         // 6.14 and up, with slice and weight
)

var (
	counters615 = []string{
		"SCX_EV_SELECT_CPU_FALLBACK", "SCX_EV_DISPATCH_LOCAL_DSQ_OFFLINE", "SCX_EV_DISPATCH_KEEP_LAST",
		"SCX_EV_ENQ_SKIP_EXITING", "SCX_EV_ENQ_SKIP_MIGRATION_DISABLED", "SCX_EV_ENQ_SLICE_DFL",
		"SCX_EV_BYPASS_DURATION", "SCX_EV_BYPASS_DISPATCH", "SCX_EV_BYPASS_ACTIVATE",
	}
	counters616 = []string{
		"SCX_EV_SELECT_CPU_FALLBACK", "SCX_EV_DISPATCH_LOCAL_DSQ_OFFLINE", "SCX_EV_DISPATCH_KEEP_LAST",
		"SCX_EV_ENQ_SKIP_EXITING", "SCX_EV_ENQ_SKIP_MIGRATION_DISABLED", "SCX_EV_REFILL_SLICE_DFL",
		"SCX_EV_BYPASS_DURATION", "SCX_EV_BYPASS_DISPATCH", "SCX_EV_BYPASS_ACTIVATE",
	}
	counters71 = []string{
		"SCX_EV_SELECT_CPU_FALLBACK", "SCX_EV_DISPATCH_LOCAL_DSQ_OFFLINE", "SCX_EV_DISPATCH_KEEP_LAST",
		"SCX_EV_ENQ_SKIP_EXITING", "SCX_EV_ENQ_SKIP_MIGRATION_DISABLED", "SCX_EV_REENQ_IMMED",
		"SCX_EV_REENQ_LOCAL_REPEAT", "SCX_EV_REFILL_SLICE_DFL", "SCX_EV_BYPASS_DURATION",
		"SCX_EV_BYPASS_DISPATCH", "SCX_EV_BYPASS_ACTIVATE", "SCX_EV_INSERT_NOT_OWNED",
		"SCX_EV_SUB_BYPASS_DISPATCH",
	}
	counters73 = []string{
		"SCX_EV_SELECT_CPU_FALLBACK", "SCX_EV_DISPATCH_LOCAL_DSQ_OFFLINE", "SCX_EV_DISPATCH_KEEP_LAST",
		"SCX_EV_ENQ_SKIP_EXITING", "SCX_EV_ENQ_SKIP_MIGRATION_DISABLED", "SCX_EV_REENQ_IMMED",
		"SCX_EV_REENQ_REPEAT", "SCX_EV_REFILL_SLICE_DFL", "SCX_EV_SLICE_CLAMPED", "SCX_EV_SLICE_DENIED",
		"SCX_EV_BYPASS_DURATION", "SCX_EV_BYPASS_DISPATCH", "SCX_EV_BYPASS_ACTIVATE",
		"SCX_EV_INSERT_NOT_OWNED", "SCX_EV_SUB_BYPASS_DISPATCH", "SCX_EV_SUB_FORCED_ADMIT",
		"SCX_EV_SUB_PREEMPT_DENIED", "SCX_EV_SUB_KICK_DENIED", "SCX_EV_SUB_REENQ_DENIED",
		"SCX_EV_SUB_CIDPERF_DENIED", "SCX_EV_SUB_RESCUE",
	}
)

// AllSeries are the kernel series that this package can imitate, oldest
// first.
func AllSeries() []Series {
	var all []Series
	s := Series{
		Name: "6.12", Version: dump.Version{Major: 6, Minor: 12},
		OpsQSeq: true, PickSeq: "pnt_seq", EnabledState: 3,
		Kinds: []dump.ExitKind{dump.ExitError, dump.ExitErrorBPF, dump.ExitErrorStall},
	}
	next := func(name string, major, minor uint8) {
		all = append(all, s)
		s.Name, s.Version = name, dump.Version{Major: major, Minor: minor}
	}
	next("6.13", 6, 13)
	next("6.14-rc", 6, 14)
	s.TaskLine = VTimeAndSliceOnDSQLine
	next("6.14", 6, 14)
	s.TaskLine = VTimeOnOwnLine
	next("6.15", 6, 15)
	s.Counters = counters615
	next("6.16", 6, 16)
	s.Counters = counters616
	next("6.17", 6, 17)
	next("6.18", 6, 18)
	s.NoMig = true
	next("6.19", 6, 19)
	s.PickSeq = "ksync"
	next("6.19-stable", 6, 19)
	s.SyncMask = true
	next("7.0-rc", 7, 0)
	s.SyncMask = false
	next("7.0", 7, 0)
	s.SyncMask = true
	next("7.1-early", 7, 1)
	s.Counters, s.Owner = counters71, true
	next("7.1", 7, 1)
	s.EnabledState = 4
	next("7.2", 7, 2)
	s.OpsQSeq, s.OnCPU, s.ErrorFirst = false, true, true
	next("7.3", 7, 3)
	s.Counters, s.Rescue = counters73, true
	s.Kinds = append(slices.Clone(s.Kinds), dump.ExitErrorReenq, dump.ExitErrorRescue)
	return append(all, s)
}

// SeriesNamed finds the series with the given name; it panics if there is
// none.
func SeriesNamed(name string) Series {
	for _, s := range AllSeries() {
		if s.Name == name {
			return s
		}
	}
	panic("texttest: no kernel series " + name)
}

// ghostTail reports whether bytes of CPUs that were dropped as idle can stay
// behind at the end of the buffer.
func (s Series) ghostTail() bool { return len(s.Counters) == 0 }

// has reports whether the series is v or newer.
func (s Series) has(major, minor uint8) bool {
	return s.Version.Compare(dump.Version{Major: major, Minor: minor}) >= 0
}
