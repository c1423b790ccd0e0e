// SPDX-License-Identifier: GPL-2.0-only

package wire

import (
	"maps"
	"slices"
	"sync/atomic"
)

// Options bound what an Assembler holds. The zero Options stand for the
// defaults.
type Options struct {
	// Name goes into Source.Name of each snapshot.
	Name string
	// MaxOpen is how many dumps may be open at once, by default 8. One more,
	// and the oldest is finished as it is.
	MaxOpen int
	// MaxBytes is how much memory the records of all open dumps take together,
	// by default 256 MiB, at least MaxRecord. Where that is not enough the
	// oldest other dump is finished as it is; if there is none, further records
	// are counted and left out.
	MaxBytes int
	// MaxTasks is how many tasks of run queues, and how many others, a dump
	// may have, by default 262144. Further ones are counted and left out.
	MaxTasks int
}

// Limits of what no option changes: more than any machine has, and few enough
// that records cannot ask for memory without end.
const (
	maxCgroups     = 1 << 16
	maxCgroupBytes = 16 << 20
)

// Stats count the records that an Assembler could not use, for whichever dump.
type Stats struct {
	Malformed  uint64 // not records, or with impossible lengths
	NewVersion uint64 // of a version that this package does not know
	Late       uint64 // of dumps that were finished before
	Limit      uint64 // cgroups beyond a limit
	Skipped    uint64 // bytes of a stream that were no records
}

// Assembler puts the records of dumps together. It is not safe for concurrent
// use; what it emits is independent of it.
type Assembler struct {
	opts  Options
	emit  func(*Raw)
	stats Stats
	seen  Stats // what the ledgers of finished dumps tell already

	host    *Host // nil until there is one; never changed, only replaced
	cgroups *cgroupPaths

	open   []*Raw     // oldest first
	last   *Raw       // of open: the one that the last record belonged to
	recent [32]uint64 // ids of finished dumps
	next   int        // in recent

	held int // bytes of the chunks of open
	pool *pool
}

// cgroupPaths are the names of cgroups. They stay as they are while a dump that
// is not decoded refers to them.
type cgroupPaths struct {
	byID  map[uint64]string
	bytes int
	lent  atomic.Int32 // dumps that refer to it
}

// NewAssembler returns an Assembler that calls emit for each finished dump,
// from within Add, AddBatch, Flush and FlushAll. The function must not call the
// Assembler.
//
// Decoding a dump takes many times as long as reading it, so a caller that must
// keep up with a ring does that in another goroutine, and bounds how many dumps
// wait for it with their records.
func NewAssembler(o Options, emit func(*Raw)) *Assembler {
	if o.MaxOpen <= 0 {
		o.MaxOpen = 8
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 256 << 20
	}
	o.MaxBytes = max(o.MaxBytes, chunkSize)
	if o.MaxTasks <= 0 {
		o.MaxTasks = 1 << 18
	}
	return &Assembler{opts: o, emit: emit, cgroups: &cgroupPaths{byID: map[uint64]string{}}, pool: new(pool)}
}

// Stats returns what could not be used so far.
func (a *Assembler) Stats() Stats { return a.stats }

// Open appends the ids of the dumps that are not finished, oldest first.
func (a *Assembler) Open(ids []uint64) []uint64 {
	for _, d := range a.open {
		ids = append(ids, d.ID)
	}
	return ids
}

// Add takes the record that b starts with; what b has behind it does not
// matter, and b may be used again afterwards. It finishes the dump if all that
// its End record announces has come.
//
// An error says why the record was not taken. It has been counted, in the
// ledger of its dump where that is known and in Stats otherwise, so the caller
// may go on. That there is none means little: the bodies of most records are
// looked at when their dump is decoded.
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
	case h.Kind == KindCgroupPath:
		return a.addCgroupPath(record)
	case h.Kind >= Kinds: // of a newer writer, and of no dump
		return nil
	}
	d := a.find(h.Dump)
	if d == nil {
		a.stats.Late++
		return errLate
	}
	d.arrived[h.Kind]++
	switch h.Kind {
	case KindBegin, KindEnd:
		err = d.note(h.Kind, record)
	default:
		if err = a.keep(d, record); err != nil {
			d.over[h.Kind]++
		}
	}
	if d.isComplete() {
		a.finish(d)
	}
	return err
}

// AddBatch does what Add does for each record of a batch, in their order, but at
// once: should there be more of a dump than its End announces, those that come
// in one batch with its last record are counted as its own. It leaves the batch
// empty; the memory of the records may have changed hands, so nothing else may
// refer to it.
func (a *Assembler) AddBatch(b *Batch) {
	if len(b.buf) > 0 {
		a.addSame(b)
	}
	if b.hasOdd {
		_ = a.Add(b.odd) // it has counted what it could not use
	}
	b.clear()
}

// addSame adds the records of a batch that are of one dump.
func (a *Assembler) addSame(b *Batch) {
	d := a.find(b.dump)
	if d == nil {
		a.stats.Late += b.same()
		return
	}
	for k, n := range b.kinds {
		d.arrived[k] += n
	}
	if b.kinds[KindBegin]+b.kinds[KindEnd] > 0 {
		walk(b.buf, func(k Kind, record []byte) {
			if k == KindBegin || k == KindEnd {
				_ = d.note(k, record) // it has counted what it could not use
			}
		})
	}
	if a.take(d, b) != nil {
		for k, n := range b.kinds {
			if k != int(KindBegin) && k != int(KindEnd) {
				d.over[k] += n
			}
		}
	}
	if d.isComplete() {
		a.finish(d)
	}
}

// find returns the open dump with the given id, which it opens if need be. It
// returns nil if that dump is finished.
func (a *Assembler) find(id uint64) *Raw {
	if a.last != nil && a.last.ID == id {
		return a.last
	}
	for _, d := range a.open {
		if d.ID == id {
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
	d := &Raw{ID: id, opts: a.opts, host: a.host, lost: a.seen, pool: a.pool}
	a.open = append(a.open, d)
	a.last = d
	return d
}

// take keeps the records of a batch. It takes over their memory where that is
// well filled; otherwise a few records could hold much of it.
func (a *Assembler) take(d *Raw, b *Batch) error {
	if len(b.buf) < chunkSize/2 || b.hasOdd { // which may stand in the same memory
		return a.keep(d, b.buf)
	}
	if !a.reserve(d) {
		return errLimit
	}
	d.chunks = append(d.chunks, b.buf)
	b.buf = a.pool.get()
	return nil
}

// keep copies records of a dump, which a chunk has room for.
func (a *Assembler) keep(d *Raw, records []byte) error {
	n := len(d.chunks)
	if n == 0 || cap(d.chunks[n-1])-len(d.chunks[n-1]) < len(records) {
		if !a.reserve(d) {
			return errLimit
		}
		d.chunks = append(d.chunks, a.pool.get())
		n++
	}
	d.chunks[n-1] = append(d.chunks[n-1], records...)
	return nil
}

// reserve makes room for one more chunk of a dump, if need be at the cost of
// others, and reports whether there is.
func (a *Assembler) reserve(d *Raw) bool {
	for a.held+chunkSize > a.opts.MaxBytes {
		if len(a.open) == 1 {
			return false
		}
		oldest := a.open[0]
		if oldest == d {
			oldest = a.open[1]
		}
		a.finish(oldest)
	}
	a.held += chunkSize
	return true
}

// Flush finishes the dump with the given id as it is and reports whether it was
// open. What has not come is missing, and the ledger says so.
func (a *Assembler) Flush(id uint64) bool {
	for _, d := range a.open {
		if d.ID == id {
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
func (a *Assembler) finish(d *Raw) {
	a.close(d)
	if d.host == nil {
		d.host = a.host
	}
	d.cgroups = a.cgroups
	d.cgroups.lent.Add(1)
	d.lost = a.stats.since(d.lost)
	a.seen = a.stats
	a.emit(d)
}

// close takes a dump out of the open ones.
func (a *Assembler) close(d *Raw) {
	a.open = slices.DeleteFunc(a.open, func(o *Raw) bool { return o == d })
	if a.last == d {
		a.last = nil
	}
	a.recent[a.next%len(a.recent)] = d.ID
	a.next++
	a.held -= len(d.chunks) * chunkSize
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
			a.cgroups = &cgroupPaths{byID: map[uint64]string{}} // the ids were of another machine
		}
		a.host = &h
	}
	return nil
}

func (a *Assembler) addCgroupPath(record []byte) error {
	c, err := parseCgroupPath(record)
	if err != nil {
		a.stats.Malformed++
		return err
	}
	p := a.cgroups
	old, known := p.byID[c.ID]
	if !known && len(p.byID) >= maxCgroups || p.bytes-len(old)+len(c.Path) > maxCgroupBytes {
		a.stats.Limit++
		return errLimit
	}
	if known && old == c.Path {
		return nil
	}
	if p.lent.Load() > 0 {
		p = &cgroupPaths{byID: maps.Clone(p.byID), bytes: p.bytes}
		a.cgroups = p
	}
	p.bytes += len(c.Path) - len(old)
	p.byID[c.ID] = c.Path
	return nil
}
