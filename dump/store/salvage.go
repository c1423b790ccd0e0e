// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"scxdiag/dump"
)

// Salvaged says what Salvage did.
type Salvaged struct {
	Imported
	// TextLost is how many of these came without the source text or the
	// records that were kept with them.
	TextLost int
	// Lost is how many snapshots the file has traces of that are not intact.
	Lost int
	// More is set if the damage hides whether there were others.
	More bool
}

// Salvage adds what is intact of a damaged recording, whatever the damage is.
// Nobody may write to that recording meanwhile; it stays as it is.
func (s *Store) Salvage(ctx context.Context, path string) (Salvaged, error) {
	n, err := s.salvage(ctx, path)
	if err != nil {
		return n, fmt.Errorf("salvage recording %s: %w", path, explain(err))
	}
	return n, nil
}

func (s *Store) salvage(ctx context.Context, path string) (out Salvaged, err error) {
	if s.write == nil {
		return out, ErrReadOnly
	}
	pages, closePages, err := openPages(path)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, closePages()) }()
	w := newWreck(pages)
	err = w.each(ctx, func(r *rescued) error {
		if r.snap == nil {
			out.Lost++
			return nil
		}
		if r.textLost {
			out.TextLost++
		}
		e := entryOf(r.snap, r.snap.ID(), r.boot, r.added)
		added, err := s.add(ctx, r.snap, &e, AddOptions{Boot: r.boot, Records: r.records})
		if added {
			out.Added++
		} else if err == nil {
			out.Known++
		}
		return err
	})
	out.More = w.hidden()
	if err == nil && len(w.rows) == 0 && !w.mine {
		err = fmt.Errorf("%w: no trace of a snapshot in it", ErrNotRecording)
	}
	return out, err
}

// wreck is what can be found in a damaged file.
type wreck struct {
	pages *pageFile
	rows  map[int64]*traces // by seq
	seen  []bool            // pages that are accounted for, by number
	mine  bool              // the file says that it is a recording
	bases baseCache
}

// place is where the record of a row begins.
type place struct{ page, cell int }

// traces are the rows that a snapshot left in the tables. There can be several
// of one table, where a page was given up and its content stayed.
type traces struct {
	bodies, originals, entries []place
}

func newWreck(pages *pageFile) *wreck {
	w := &wreck{pages: pages, rows: map[int64]*traces{}, seen: make([]bool, pages.count+1)}
	for n := 1; n <= pages.count; n++ {
		i := -1
		w.seen[n] = pages.leafCells(n, func(c leafCell) {
			i++
			w.note(c, place{n, i})
		})
	}
	head := make([]byte, MagicLen)
	_, _ = pages.f.ReadAt(head, 0)
	w.mine = IsRecording(head)
	return w
}

// note takes down a row if it has the shape of one of ours.
func (w *wreck) note(c leafCell, at place) {
	const most = 32 // columns of a table
	f, ok := fields(c.payload, most)
	if !ok || len(f) < 3 || !f[0].isNull() || c.rowid <= 0 {
		return
	}
	hasID := f[1].isText() && f[1].size == idLen
	var list func(*traces) *[]place
	switch {
	case len(f) == 4 && hasID && (f[2].isNull() || f[2].isInt()) && f[3].isBlob():
		list = func(t *traces) *[]place { return &t.bodies }
	case len(f) == 3 && (f[1].isBlob() || f[1].isNull()) && (f[2].isBlob() || f[2].isNull()):
		list = func(t *traces) *[]place { return &t.originals }
	case len(f) >= entryColumns && hasID && f[2].isBlob():
		list = func(t *traces) *[]place { return &t.entries }
	default:
		return
	}
	t := w.rows[c.rowid]
	if t == nil {
		t = &traces{}
		w.rows[c.rowid] = t
	}
	l := list(t)
	*l = append(*l, at)
}

// entryColumns is how many columns table snapshot had at first.
const entryColumns = 20

// record reads the record at a place.
func (w *wreck) record(at place) (record []byte, f []field) {
	i := -1
	w.pages.leafCells(at.page, func(c leafCell) {
		if i++; i != at.cell {
			return
		}
		b, ok := w.pages.record(c, func(n int) { w.seen[n] = true })
		if !ok {
			return
		}
		record = b
		f, _ = fields(b, len(b))
	})
	return record, f
}

// rescued is a snapshot that was found; snap is nil if it is not intact.
type rescued struct {
	snap     *dump.Snapshot
	boot     string
	added    time.Time
	records  []byte
	textLost bool
}

// each calls f for each snapshot that left a trace, in the order of recording.
func (w *wreck) each(ctx context.Context, f func(*rescued) error) error {
	for _, seq := range slices.Sorted(maps.Keys(w.rows)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		t := w.rows[seq]
		r := &rescued{added: w.added(t)}
		if d := w.body(seq, maxChain); d != nil {
			w.finish(r, d, t)
		}
		if err := f(r); err != nil {
			return err
		}
	}
	return nil
}

// body is the body of a snapshot, nil if it is not intact, or one of at most
// depth that it is relative to.
func (w *wreck) body(seq int64, depth int) *shredded {
	t := w.rows[seq]
	if t == nil || depth == 0 {
		return nil
	}
	if d := w.bases.get(seq); d != nil {
		return d
	}
	for _, at := range t.bodies {
		b, cols := w.record(at)
		if b == nil {
			continue
		}
		var base *shredded
		if !cols[2].isNull() {
			if base = w.body(cols[2].int(b), depth-1); base == nil {
				continue
			}
		}
		if d, err := decodeBody(cols[3].bytes(b), base); err == nil {
			if depth < maxChain {
				w.bases.put(seq, d)
			}
			return d
		}
	}
	return nil
}

// finish puts a snapshot together with its originals.
func (w *wreck) finish(r *rescued, d *shredded, t *traces) {
	text, records := w.originals(t)
	r.textLost = d.about.HasText && text == nil || d.about.HasRecords && records == nil
	d.c.dropSpans = text == nil
	snap, err := d.assembleSnapshot()
	if err != nil {
		return
	}
	snap.Raw = string(text)
	r.snap, r.boot, r.records = snap, d.about.Boot, records
}

// originals are the text and the records, nil if they are not intact.
func (w *wreck) originals(t *traces) (text, records []byte) {
	for _, at := range t.originals {
		b, cols := w.record(at)
		if b == nil {
			continue
		}
		if p := cols[1].bytes(b); text == nil && len(p) > 0 {
			text, _ = decompress(p, maxOriginal) // nil if it is damaged
		}
		if p := cols[2].bytes(b); records == nil && len(p) > 0 {
			records, _ = decompress(p, maxOriginal)
		}
	}
	return text, records
}

// added is when the snapshot was recorded first, now if that is lost.
func (w *wreck) added(t *traces) time.Time {
	for _, at := range t.entries {
		b, cols := w.record(at)
		if b == nil || len(cols) < entryColumns {
			continue
		}
		var e Entry
		if e.unpack(string(cols[2].bytes(b))) {
			return e.Added
		}
	}
	return time.Now().UTC()
}

// hidden reports whether there are pages that may have held rows and cannot be
// read, or that rows which cannot be read refer to.
func (w *wreck) hidden() bool {
	if w.pages.short || w.pages.count == 0 {
		return true
	}
	zero := make([]byte, w.pages.size)
	page := make([]byte, w.pages.size)
	w.pages.free(func(n int) { w.seen[n] = true })
	mapEvery := w.pages.size/5 + 1 // pages of the map that auto_vacuum needs
	for n := 1; n <= w.pages.count; n++ {
		if w.seen[n] || (n-2)%mapEvery == 0 {
			continue
		}
		if !w.pages.read(n, page) || !bytes.Equal(page, zero) {
			return true
		}
	}
	return false
}
