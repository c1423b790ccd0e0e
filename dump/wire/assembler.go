// SPDX-License-Identifier: GPL-2.0-only

package wire

import (
	"encoding/binary"
	"slices"

	"scxdiag/dump"
)

// Options bound what an Assembler holds. The zero Options stand for the
// defaults.
type Options struct {
	// Name goes into Source.Name of each snapshot.
	Name string
	// MaxOpen is how many dumps may be open at once, by default 8. One more,
	// and the oldest is finished as it is.
	MaxOpen int
	// MaxBytes is how many bytes of records all open dumps hold together, by
	// default 256 MiB. One more, and the oldest other dump is finished as it
	// is; if there is none, further records are counted and left out.
	MaxBytes int
	// MaxTasks is how many tasks of run queues, and how many others, a dump
	// may have, by default 262144. Further ones are counted and left out.
	MaxTasks int
}

// Limits of what no option changes: more than any scheduler has, and few
// enough that records cannot ask for memory without end.
const (
	maxCells       = 1 << 16
	maxDSQs        = 1 << 18
	maxEvents      = 1 << 18
	maxTexts       = 1 << 14 // pieces of the kernel's dump
	maxCgroups     = 1 << 16
	maxCgroupBytes = 16 << 20
)

// Dump is a finished dump.
type Dump struct {
	Snapshot *dump.Snapshot
	// KernelText is the kernel's own dump of the same instant, as text that
	// package dump/text reads; nil if there was none. Where a piece of it was
	// lost, it ends with the last whole line in front of that, and the ledger
	// says so.
	KernelText []byte
	// ID is the time of the dump in ns since boot, which joins its records.
	ID uint64
}

// Stats count the records that an Assembler could not use, for whichever dump.
type Stats struct {
	Malformed  uint64 // not records, or with impossible lengths
	NewVersion uint64 // of a version that this package does not know
	Late       uint64 // of dumps that were finished before
	Limit      uint64 // cgroups beyond a limit
	Skipped    uint64 // bytes of a stream that were no records
}

// Assembler puts the records of dumps together. It is not safe for concurrent
// use.
type Assembler struct {
	opts  Options
	emit  func(*Dump)
	stats Stats
	seen  Stats // what the ledgers of finished dumps tell already

	host        *Host // nil until there is one; never changed, only replaced
	cgroups     map[uint64]string
	cgroupBytes int

	open   []*pending // oldest first
	last   *pending   // of open: the one that the last record belonged to
	recent [32]uint64 // ids of finished dumps
	next   int        // in recent

	held int      // bytes of records in open
	free [][]byte // chunks of finished dumps
	idle *pending // a finished dump, to be used again
}

// pending is a dump that is not finished.
type pending struct {
	id     uint64
	host   *Host
	before Stats // when it began, less what no ledger tells yet

	chunks [][]byte // its records, one behind the other; none crosses a chunk
	bytes  int

	arrived [Kinds]uint64 // records that came, of whatever quality
	bad     [Kinds]uint64 // of these, malformed
	over    [Kinds]uint64 // of these, beyond a limit
	kept    [Kinds]uint64 // of these, in chunks
	walked  uint64        // of kept[KindTask], from the walk over all tasks

	begin    Begin
	end      End
	hasBegin bool
	hasEnd   bool
}

// NewAssembler returns an Assembler that calls emit for each finished dump,
// from within Add, Flush and FlushAll. A finished dump shares no memory with
// the records. The function must not call the Assembler.
func NewAssembler(o Options, emit func(*Dump)) *Assembler {
	if o.MaxOpen <= 0 {
		o.MaxOpen = 8
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 256 << 20
	}
	if o.MaxTasks <= 0 {
		o.MaxTasks = 1 << 18
	}
	return &Assembler{opts: o, emit: emit, cgroups: map[uint64]string{}}
}

// Stats returns what could not be used so far.
func (a *Assembler) Stats() Stats { return a.stats }

// Open appends the ids of the dumps that are not finished, oldest first.
func (a *Assembler) Open(ids []uint64) []uint64 {
	for _, d := range a.open {
		ids = append(ids, d.id)
	}
	return ids
}

// Add takes the record that b starts with; what b has behind it does not
// matter, and b may be used again afterwards. It finishes the dump if all that
// its End record announces has come.
//
// An error says why the record was not taken. It has been counted, in the
// ledger of its dump where that is known and in Stats otherwise, so the caller
// may go on.
func (a *Assembler) Add(b []byte) error {
	h, err := ParseHeader(b)
	if err != nil {
		if err == errVersion { //nolint:errorlint // made by ParseHeader, not wrapped
			a.stats.NewVersion++
		} else {
			a.stats.Malformed++
		}
		return err
	}
	record := b[:h.Len]
	switch {
	case h.Kind == KindHost:
		return a.addHost(record)
	case h.Kind == KindCgroup:
		return a.addCgroup(record)
	case h.Kind >= Kinds: // of a newer writer, and of no dump
		return nil
	}
	d := a.last
	if d == nil || d.id != h.Dump {
		if d = a.find(h.Dump); d == nil {
			a.stats.Late++
			return errLate
		}
	}
	d.arrived[h.Kind]++
	if err = h.check(record); err != nil {
		d.bad[h.Kind]++
	} else if err = a.keep(d, &h, record); err != nil {
		d.over[h.Kind]++
	}
	if d.hasEnd && d.isComplete(h.Kind) {
		a.finish(d)
	}
	return err
}

// find returns the open dump with the given id, which it opens if need be. It
// returns nil if that dump is finished.
func (a *Assembler) find(id uint64) *pending {
	for _, d := range a.open {
		if d.id == id {
			a.last = d
			return d
		}
	}
	if id != 0 && slices.Contains(a.recent[:], id) {
		return nil
	}
	if len(a.open) >= a.opts.MaxOpen {
		a.finish(a.open[0])
	}
	d := a.idle
	if d == nil {
		d = new(pending)
	}
	a.idle = nil
	*d = pending{id: id, host: a.host, before: a.seen, chunks: d.chunks[:0]}
	a.open = append(a.open, d)
	a.last = d
	return d
}

// keep copies a record that has been checked.
func (a *Assembler) keep(d *pending, h *Header, record []byte) error {
	walk := h.Kind == KindTask && h.Walk != 0
	switch h.Kind {
	case KindBegin:
		if !d.hasBegin {
			d.begin.fields(&codec{b: record})
			d.hasBegin = true
		}
		d.kept[KindBegin]++
		return nil
	case KindEnd: // the last one counts: counts only grow
		d.end.fields(&codec{b: record})
		d.hasEnd = true
		return nil
	case KindTask:
		of := d.walked
		if !walk {
			of = d.kept[KindTask] - d.walked
		}
		if of >= uint64(a.opts.MaxTasks) { //nolint:gosec // positive
			return errLimit
		}
	default:
		if d.kept[h.Kind] >= maxKept[h.Kind] {
			return errLimit
		}
	}
	for a.held+len(record) > a.opts.MaxBytes {
		if len(a.open) == 1 {
			return errLimit
		}
		oldest := a.open[0]
		if oldest == d {
			oldest = a.open[1]
		}
		a.finish(oldest)
	}
	n := len(d.chunks)
	if n == 0 || cap(d.chunks[n-1])-len(d.chunks[n-1]) < len(record) {
		d.chunks = append(d.chunks, a.chunk(n))
		n++
	}
	d.chunks[n-1] = append(d.chunks[n-1], record...)
	d.bytes += len(record)
	a.held += len(record)
	d.kept[h.Kind]++
	if walk {
		d.walked++
	}
	return nil
}

var maxKept = [Kinds]uint64{
	KindCell: maxCells, KindCPU: dump.MaxCPUs, KindDSQ: maxDSQs, KindEvent: maxEvents, KindText: maxTexts, KindExit: 1,
}

// Sizes of chunks. The n-th of a dump is twice as long as the one before, so
// that small dumps stay small and large ones need few.
const (
	minChunk = MaxRecord
	maxChunk = 16 * minChunk
	maxFree  = 16 // chunks that are kept for later dumps
)

// chunk is an empty buffer for the n-th chunk of a dump.
func (a *Assembler) chunk(n int) []byte {
	size := min(minChunk<<min(n, 4), maxChunk)
	for i := range slices.Backward(a.free) {
		if c := a.free[i]; cap(c) >= size {
			a.free = slices.Delete(a.free, i, i+1)
			return c[:0]
		}
	}
	return make([]byte, 0, size)
}

// isComplete reports whether all that End announces has come; k is the kind of
// the record that came last.
func (d *pending) isComplete(k Kind) bool {
	if k != KindEnd && d.arrived[k] < d.due(k) {
		return false
	}
	for k := range Kind(Kinds) {
		if k != KindEnd && d.arrived[k] < d.due(k) {
			return false
		}
	}
	return true
}

// due is how many records of a kind come through the ring, by End.
func (d *pending) due(k Kind) uint64 {
	return d.end.Sent[k] - min(d.end.Sent[k], d.end.Dropped[k])
}

// Flush finishes the dump with the given id as it is and reports whether it was
// open. What has not come is missing, and the ledger says so.
func (a *Assembler) Flush(id uint64) bool {
	for _, d := range a.open {
		if d.id == id {
			a.finish(d)
			return true
		}
	}
	return false
}

// FlushAll finishes all open dumps as they are, oldest first.
func (a *Assembler) FlushAll() {
	for len(a.open) > 0 {
		a.finish(a.open[0])
	}
}

// finish takes a dump out of the open ones and emits it.
func (a *Assembler) finish(d *pending) {
	out := a.build(d)
	a.close(d)
	a.seen = a.stats
	a.emit(out)
}

// close takes a dump out of the open ones and keeps its chunks for others.
func (a *Assembler) close(d *pending) {
	a.open = slices.DeleteFunc(a.open, func(o *pending) bool { return o == d })
	if a.last == d {
		a.last = nil
	}
	a.recent[a.next%len(a.recent)] = d.id
	a.next++
	a.held -= d.bytes
	for _, c := range d.chunks {
		if len(a.free) < maxFree {
			a.free = append(a.free, c)
		}
	}
	clear(d.chunks)
	a.idle = d
}

// skipped notes bytes of a stream that were no records.
func (a *Assembler) skipped(n int) { a.stats.Skipped += uint64(n) } //nolint:gosec // a length

func (a *Assembler) addHost(record []byte) error {
	h, err := parseHost(record)
	if err != nil {
		a.stats.Malformed++
		return err
	}
	if a.host == nil || *a.host != h {
		if a.host != nil && (a.host.Name != h.Name || a.host.Release != h.Release) {
			clear(a.cgroups) // the ids of another machine
			a.cgroupBytes = 0
		}
		a.host = &h
	}
	return nil
}

func (a *Assembler) addCgroup(record []byte) error {
	c, err := parseCgroup(record)
	if err != nil {
		a.stats.Malformed++
		return err
	}
	old, known := a.cgroups[c.ID]
	if !known && len(a.cgroups) >= maxCgroups || a.cgroupBytes-len(old)+len(c.Path) > maxCgroupBytes {
		a.stats.Limit++
		return errLimit
	}
	a.cgroupBytes += len(c.Path) - len(old)
	a.cgroups[c.ID] = c.Path
	return nil
}

// records calls f for each record that the dump keeps, in the order in which
// they came.
func (d *pending) records(f func(k Kind, record []byte)) {
	for _, c := range d.chunks {
		for len(c) > 0 {
			n := binary.LittleEndian.Uint32(c[8:])
			f(Kind(binary.LittleEndian.Uint16(c[6:])), c[:n])
			c = c[n:]
		}
	}
}
