// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"math"
	"time"

	"scxdiag/dump"
)

// Entry is what a recording says of a snapshot without decoding it.
type Entry struct {
	// Seq numbers the snapshots of one recording in the order in which they
	// were committed, from 1. Numbers of deleted snapshots stay unused.
	Seq        int64
	ID         string    // dump.Snapshot.ID, 32 hexadecimal digits
	Time       time.Time // of the snapshot, UTC; zero if unknown
	Added      time.Time // when the snapshot was first recorded, UTC
	Host       string    // "" if unknown
	Boot       string    // boot id of the host, "" if unknown
	Kernel     string    // release, or a range such as ">=7.2", or ""
	Scheduler  string    // with version and build target, see dump.BaseName; "" if unknown
	Trigger    dump.Trigger
	Kind       dump.Value[dump.ExitKind] // unknown also if there is no exit
	Reason     string                    // of the exit
	Signature  string                    // its id, "" if there is none
	Title      string                    // of the signature
	Task       string                    // that the exit message names, "comm[pid]"; for a stall the one that waited
	Tasks      int                       // how many the snapshot has
	Lost       uint64                    // records of the snapshot that were dropped
	Truncated  bool                      // the end of the snapshot is missing
	Complete   bool                      // nothing of the snapshot is known to be missing
	Failure    bool                      // dump.Snapshot.IsFailure
	HasText    bool                      // its source text is kept
	HasRecords bool                      // its ring-buffer records are kept
	Source     string                    // name of what the snapshot was read from
	Size       int64                     // bytes that it takes in the recording
}

// When is the time of the snapshot, or when it was recorded if that is
// unknown.
func (e *Entry) When() time.Time {
	if e.Time.IsZero() {
		return e.Added
	}
	return e.Time
}

// Bits of the column flags.
const (
	flagTruncated = 1 << iota
	flagIncomplete
	flagFailure
	flagText
	flagRecords
)

// entryOf is the entry of a snapshot, all but Seq, Size and what is kept.
func entryOf(s *dump.Snapshot, id, boot string, added time.Time) Entry {
	e := Entry{
		ID: id, Time: s.Time, Added: added, Host: s.Host, Boot: boot, Kernel: s.Kernel.String(),
		Scheduler: s.Scheduler, Trigger: s.Trigger, Tasks: len(s.Tasks), Lost: s.Ledger.Dropped(),
		Truncated: s.Ledger.Truncated, Complete: s.Ledger.Complete(), Failure: s.IsFailure(), Source: s.Source.Name,
	}
	if x := s.Exit; x != nil {
		e.Kind = x.Kind
		e.Kind.At = dump.Span{}
		e.Reason = x.Reason.Or("")
		if x.Subject.Known {
			e.Task = x.Subject.V.String()
		}
	}
	if s.Signature != nil {
		e.Signature, e.Title = s.Signature.ID, s.Signature.Title
	}
	return e
}

// about is what the body says of the entry.
func (e *Entry) about() about {
	return about{Boot: e.Boot, HasText: e.HasText, HasRecords: e.HasRecords}
}

func (e *Entry) flags() int64 {
	var f int64
	for _, b := range []struct {
		set bool
		bit int64
	}{
		{e.Truncated, flagTruncated},
		{!e.Complete, flagIncomplete},
		{e.Failure, flagFailure},
		{e.HasText, flagText},
		{e.HasRecords, flagRecords},
	} {
		if b.set {
			f |= b.bit
		}
	}
	return f
}

func (e *Entry) setFlags(f int64) {
	e.Truncated, e.Complete, e.Failure = f&flagTruncated != 0, f&flagIncomplete == 0, f&flagFailure != 0
	e.HasText, e.HasRecords = f&flagText != 0, f&flagRecords != 0
}

// columns are those of table snapshot that row and scan are about, in their
// order.
const columns = "seq, id, time, added, host, boot, kernel, scheduler, trigger, kind, reason, signature, title, task, tasks, lost, flags, source, size"

// row is what is inserted for the entry, without seq.
func (e *Entry) row() []any {
	var at, kind any
	if ns, ok := nanoseconds(e.Time); ok {
		at = ns
	}
	if e.Kind.Known {
		kind = int64(e.Kind.V)
	}
	added, _ := nanoseconds(e.Added)
	return []any{
		e.ID, at, added, e.Host, e.Boot, e.Kernel, e.Scheduler, string(e.Trigger), kind, e.Reason, e.Signature,
		e.Title, e.Task, e.Tasks, int64(min(e.Lost, math.MaxInt64)), e.flags(), e.Source, e.Size, //nolint:gosec // bounded
	}
}

// nanoseconds is t in ns since 1970, if it is known and they fit.
func nanoseconds(t time.Time) (int64, bool) {
	if t.IsZero() || t.Year() < 1700 || t.Year() > 2200 {
		return 0, false
	}
	return t.UnixNano(), true
}
