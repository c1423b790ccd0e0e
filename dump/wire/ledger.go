// SPDX-License-Identifier: GPL-2.0-only

package wire

import (
	"fmt"

	"scxdiag/dump"
)

// since is what was counted after old.
func (s Stats) since(old Stats) Stats {
	return Stats{
		Malformed:  s.Malformed - old.Malformed,
		NewVersion: s.NewVersion - old.NewVersion,
		Late:       s.Late - old.Late,
		Limit:      s.Limit - old.Limit,
		Skipped:    s.Skipped - old.Skipped,
	}
}

// note adds a note to the ledger.
func (b *builder) note(parts ...any) { b.s.Ledger.Note(fmt.Sprint(parts...)) }

// account says in the ledger what is missing.
func (b *builder) account() {
	d, l := b.d, &b.s.Ledger
	if !d.hasBegin {
		b.note("the begin record is missing")
	}
	if !d.hasEnd {
		l.Truncated = true
		b.note("the end record is missing: what else was sent is unknown")
	}
	if d.host == nil {
		b.note("no host record: kernel, wall-clock time and the length of a jiffy are unknown")
	}
	for k := range Kind(Kinds) {
		b.accountKind(k)
	}
	if d.hasBegin {
		b.announced("CPUs", uint64(d.begin.NrCPUs), len(b.s.CPUs))
		b.announced("cells", uint64(d.begin.NrCells), len(b.s.Cells))
	}
	if b.torn > 0 {
		b.note("events that were overwritten while they were read: ", b.torn)
	}
	b.count("malformed records in the stream: ", d.lost.Malformed)
	b.count("records of another version, skipped: ", d.lost.NewVersion)
	b.count("bytes of the stream that are no records, skipped: ", d.lost.Skipped)
}

// accountKind enters one kind of record. If End is missing nothing is known of
// what was sent, and what came counts as all.
func (b *builder) accountKind(k Kind) {
	d := b.d
	name := k.String()
	arrived, unusable := d.arrived[k], d.bad[k]+d.over[k]
	if k == KindEnd {
		b.count("malformed end records: ", d.bad[k])
		return
	}
	r := dump.RecordCount{Kind: name, Expected: arrived, Received: arrived - unusable}
	if d.hasEnd {
		r.Expected, r.Dropped = d.end.Sent[k], d.end.Dropped[k]
		if arrived+r.Dropped != r.Expected {
			b.note(name, " records: ", r.Expected, " sent, but ", arrived, " came and ", r.Dropped, " were dropped")
		}
	}
	if fixedSize[k] == 0 {
		b.count("records of unknown "+name+", skipped: ", d.bad[k])
		r.Received = arrived
	} else {
		b.count("malformed "+name+" records: ", d.bad[k])
	}
	b.count(name+" records beyond the limit: ", d.over[k])
	b.count(name+" records that repeat an earlier one: ", b.twice[k])
	if r != (dump.RecordCount{Kind: name}) {
		b.s.Ledger.Records = append(b.s.Ledger.Records, r)
	}
}

// count notes a number that should be zero.
func (b *builder) count(what string, n uint64) {
	if n > 0 {
		b.note(what, n)
	}
}

// announced compares what the begin record says with what there is.
func (b *builder) announced(what string, want uint64, got int) {
	if uint64(got) != want { //nolint:gosec // a length
		b.note("the begin record announces ", want, " ", what, ", there are ", got)
	}
}
