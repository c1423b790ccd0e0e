// SPDX-License-Identifier: GPL-2.0-only

package wire

import (
	"encoding/binary"

	"scxdiag/dump"
)

// Limits of what no option changes: more than any scheduler has, and few
// enough that records cannot ask for memory without end.
const (
	maxCells  = 1 << 16
	maxDSQs   = 1 << 18
	maxEvents = 1 << 18
	maxGroups = 1 << 16
	maxTexts  = 1 << 14 // pieces of the kernel's dump
)

var maxKept = [Kinds]uint64{
	KindCell: maxCells, KindCPU: dump.MaxCPUs, KindDSQ: maxDSQs, KindEvent: maxEvents, KindText: maxTexts, KindExit: 1,
	KindCgroup: maxGroups,
}

// Raw is a dump as its records have it.
type Raw struct {
	// ID is the time of the dump in ns since boot, which joins its records.
	ID uint64

	opts    Options
	host    *Host
	cgroups *cgroupPaths // nil until it is finished
	lost    Stats        // since it began; until it is finished, what was lost before that

	chunks [][]byte // its records, one behind the other; none crosses a chunk
	pool   *pool    // that the chunks go back to

	arrived [Kinds]uint64 // records that came, of whatever quality
	bad     [Kinds]uint64 // of these, malformed
	over    [Kinds]uint64 // of these, beyond a limit
	kept    [Kinds]uint64 // of these, in chunks and fit for use
	walked  uint64        // of kept[KindTask], from the walk over all tasks

	begin    Begin
	end      End
	hasBegin bool
	hasEnd   bool
}

// note takes one of the records that say what the dump has.
func (d *Raw) note(k Kind, record []byte) error {
	var h Header
	h.read((*[headerSize]byte)(record))
	if err := h.check(record); err != nil {
		d.bad[k]++
		return err
	}
	switch {
	case k == KindEnd: // the last one counts: counts only grow
		d.end.fields(&codec{b: record})
		d.hasEnd = true
	case !d.hasBegin:
		d.begin.fields(&codec{b: record})
		d.hasBegin = true
	}
	return nil
}

// isComplete reports whether all that End announces has come.
func (d *Raw) isComplete() bool {
	if !d.hasEnd {
		return false
	}
	for k := range d.arrived {
		if k != int(KindEnd) && d.arrived[k] < d.end.Sent[k]-min(d.end.Sent[k], d.end.Dropped[k]) {
			return false
		}
	}
	return true
}

// sift looks at the records closely and leaves those that are fit for use.
func (d *Raw) sift() {
	d.records(func(k Kind, record []byte) {
		if k == KindBegin || k == KindEnd { // taken when they came
			return
		}
		var h Header
		h.read((*[headerSize]byte)(record))
		walk := k == KindTask && h.Walk != 0
		switch {
		case h.check(record) != nil:
			d.bad[k]++
		case !d.hasRoom(k, walk):
			d.over[k]++
		default:
			d.kept[k]++
			if walk {
				d.walked++
			}
			return
		}
		binary.LittleEndian.PutUint16(record[6:], uint16(kindNone))
	})
}

// hasRoom reports whether the limits allow one more record of a kind.
func (d *Raw) hasRoom(k Kind, walk bool) bool {
	if k != KindTask {
		return d.kept[k] < maxKept[k]
	}
	tasks := d.walked
	if !walk {
		tasks = d.kept[KindTask] - d.walked
	}
	return tasks < uint64(d.opts.MaxTasks) //nolint:gosec // positive
}

// records calls f for each record in the chunks, in the order in which they came.
func (d *Raw) records(f func(k Kind, record []byte)) {
	for _, c := range d.chunks {
		walk(c, f)
	}
}

// walk calls f for each of the records that stand in b one behind the other.
func walk(b []byte, f func(k Kind, record []byte)) {
	for len(b) > 0 {
		n := binary.LittleEndian.Uint32(b[8:])
		f(Kind(binary.LittleEndian.Uint16(b[6:])), b[:n])
		b = b[n:]
	}
}
