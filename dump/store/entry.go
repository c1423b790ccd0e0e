// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"encoding/binary"
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

// row is what is inserted for the entry: the columns of table snapshot but for
// seq.
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
		e.ID, e.pack(), at, added, e.Host, e.Boot, e.Kernel, e.Scheduler, string(e.Trigger), kind, e.Reason, e.Signature,
		e.Title, e.Task, e.Tasks, int64(min(e.Lost, math.MaxInt64)), e.flags(), e.Source, e.Size,
	}
}

// entryVersion is the first byte of a packed entry.
const entryVersion = 1

// pack writes all of an entry but Seq into one column: to read twenty of each
// row takes several times as long. Behind the version come numbers and
// strings as the varints and uvarints that unpack reads; a version of scxdiag
// may add to them.
func (e *Entry) pack() []byte {
	b := make([]byte, 0, 256)
	b = append(b, entryVersion)
	at, timed := nanoseconds(e.Time)
	added, _ := nanoseconds(e.Added)
	known := uint64(0)
	if timed {
		known |= 1
	}
	if e.Kind.Known {
		known |= 2
	}
	b = binary.AppendUvarint(b, known)
	b = binary.AppendVarint(b, added)
	b = binary.AppendVarint(b, added-at)
	b = binary.AppendVarint(b, int64(e.Kind.V))
	b = binary.AppendVarint(b, int64(e.Tasks))
	b = binary.AppendVarint(b, e.flags())
	b = binary.AppendVarint(b, e.Size)
	b = binary.AppendUvarint(b, e.Lost)
	for _, s := range []string{
		e.ID, e.Host, e.Boot, e.Kernel, e.Scheduler, string(e.Trigger), e.Reason, e.Signature, e.Title, e.Task, e.Source,
	} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

// unpack reads what pack wrote.
func (e *Entry) unpack(b string) bool {
	if b == "" || b[0] != entryVersion {
		return false
	}
	r := stringReader{rest: b[1:]}
	known, added := r.uvarint(), r.varint()
	e.Added = time.Unix(0, added).UTC()
	if ago := r.varint(); known&1 != 0 {
		e.Time = time.Unix(0, added-ago).UTC()
	}
	e.Kind = dump.Value[dump.ExitKind]{V: dump.ExitKind(r.varint()), Known: known&2 != 0} //nolint:gosec // as it was put
	e.Tasks = int(r.varint())
	e.setFlags(r.varint())
	e.Size, e.Lost = r.varint(), r.uvarint()
	e.ID, e.Host, e.Boot, e.Kernel, e.Scheduler = r.text(), r.text(), r.text(), r.text(), r.text()
	e.Trigger = dump.Trigger(r.text())
	e.Reason, e.Signature, e.Title, e.Task, e.Source = r.text(), r.text(), r.text(), r.text(), r.text()
	return !r.short
}

// stringReader reads numbers and strings off the start of a string, without
// copying.
type stringReader struct {
	rest  string
	short bool // there was less than was asked for
}

func (r *stringReader) uvarint() (v uint64) {
	for i := range min(len(r.rest), binary.MaxVarintLen64) {
		c := r.rest[i]
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.rest = r.rest[i+1:]
			return v
		}
	}
	r.short = true
	return 0
}

func (r *stringReader) varint() int64 { return int64(unzigzag(r.uvarint())) } //nolint:gosec // the same bits

func (r *stringReader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.short = true
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

// nanoseconds is t in ns since 1970, if it is known and they fit.
func nanoseconds(t time.Time) (int64, bool) {
	if t.IsZero() || t.Year() < 1700 || t.Year() > 2200 {
		return 0, false
	}
	return t.UnixNano(), true
}
