// SPDX-License-Identifier: GPL-2.0-only

package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
)

// A damaged SQLite file is read here without the help of SQLite, which gives up
// where the tree that leads to a row is broken. The rows of all tables stand in
// leaf pages, so each page is looked at on its own. See "Database File Format"
// and "WAL-mode File Format" in the documentation of SQLite.

// pageFile is a SQLite file as a row of pages.
type pageFile struct {
	f     io.ReaderAt
	size  int // of a page in bytes
	count int // of pages; the last one may be there in part
	// short is set if pages are missing at the end, or one is there in part.
	short bool
	// log has the pages that were committed to the write-ahead log and not yet
	// moved.
	log     io.ReaderAt
	logAt   map[int]int64 // offset in log by number of the page
	ordinal []byte        // a page, reused
}

const (
	defaultPageSize = 4096 // that of SQLite, which this package never changes
	maxPageSize     = 1 << 16
	walHeader       = 32
	frameHeader     = 24
)

// openPages opens the file and its write-ahead log, if there is one.
func openPages(path string) (*pageFile, func() error, error) {
	f, info, err := openRegular(path)
	if err != nil {
		return nil, nil, err
	}
	files := []*os.File{f}
	closeAll := func() error {
		var errs []error
		for _, f := range files {
			errs = append(errs, f.Close())
		}
		return errors.Join(errs...)
	}
	p := newPageFile(f, info.Size())
	log, _, err := openRegular(path + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return p, closeAll, nil
	}
	if err != nil {
		return nil, nil, errors.Join(err, closeAll())
	}
	files = append(files, log)
	p.readLog(log)
	return p, closeAll, nil
}

func newPageFile(f io.ReaderAt, length int64) *pageFile {
	p := &pageFile{f: f, size: defaultPageSize}
	var head [32]byte
	_, _ = f.ReadAt(head[:], 0) // zero where the file is shorter
	if n := pageSize(uint32(binary.BigEndian.Uint16(head[16:]))); n > 0 {
		p.size = n
	}
	p.count = int((length + int64(p.size) - 1) / int64(p.size))
	p.short = length%int64(p.size) != 0 || int64(binary.BigEndian.Uint32(head[28:])) > int64(p.count)
	p.ordinal = make([]byte, p.size)
	return p
}

// pageSize is the size that a header gives, 0 if it cannot be one.
func pageSize(n uint32) int {
	if n == 1 {
		return maxPageSize
	}
	if n < 512 || n > maxPageSize || n&(n-1) != 0 {
		return 0
	}
	return int(n)
}

// readLog finds the pages that were committed to the log.
func (p *pageFile) readLog(log io.ReaderAt) {
	var head [walHeader]byte
	if _, err := log.ReadAt(head[:], 0); err != nil {
		return
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch binary.BigEndian.Uint32(head[:]) {
	case 0x377f0682:
	case 0x377f0683:
		order = binary.BigEndian
	default:
		return
	}
	if pageSize(binary.BigEndian.Uint32(head[8:])) != p.size {
		return
	}
	var sum walSum
	sum.add(order, head[:24])
	if !sum.is(head[24:]) {
		return
	}
	p.log, p.logAt = log, map[int]int64{}
	frame := make([]byte, frameHeader+p.size)
	uncommitted := map[int]int64{}
	for off := int64(walHeader); ; off += int64(len(frame)) {
		if _, err := log.ReadAt(frame, off); err != nil {
			return
		}
		sum.add(order, frame[:8])
		sum.add(order, frame[frameHeader:])
		if !bytes.Equal(frame[8:16], head[16:24]) || !sum.is(frame[16:]) {
			return
		}
		uncommitted[int(binary.BigEndian.Uint32(frame))] = off + frameHeader
		if pages := binary.BigEndian.Uint32(frame[4:]); pages != 0 {
			for n, at := range uncommitted {
				p.logAt[n] = at
				p.count = max(p.count, n)
			}
			clear(uncommitted)
		}
	}
}

// walSum is the checksum of a write-ahead log.
type walSum struct{ a, b uint32 }

func (s *walSum) add(order binary.ByteOrder, b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		s.a += order.Uint32(b) + s.b
		s.b += order.Uint32(b[4:]) + s.a
	}
}

func (s *walSum) is(b []byte) bool {
	return s.a == binary.BigEndian.Uint32(b) && s.b == binary.BigEndian.Uint32(b[4:])
}

// read reads page n, from 1, into b. What is missing of the last page is zero.
func (p *pageFile) read(n int, b []byte) bool {
	if n < 1 || n > p.count {
		return false
	}
	f, off := p.f, int64(n-1)*int64(p.size)
	if at, ok := p.logAt[n]; ok {
		f, off = p.log, at
	}
	got, err := f.ReadAt(b[:p.size], off)
	clear(b[got:p.size])
	return err == nil || errors.Is(err, io.EOF) && got > 0
}

// free calls f with the pages that are in no use.
func (p *pageFile) free(f func(page int)) {
	page := make([]byte, p.size)
	if !p.read(1, page) {
		return
	}
	next := int(binary.BigEndian.Uint32(page[32:]))
	for range p.count { // as many at most, should they go round in circles
		if !p.read(next, page) {
			return
		}
		f(next)
		n := min(int(binary.BigEndian.Uint32(page[4:])), p.size/4-2)
		for i := range n {
			if leaf := int(binary.BigEndian.Uint32(page[8+i*4:])); leaf >= 1 && leaf <= p.count {
				f(leaf)
			}
		}
		next = int(binary.BigEndian.Uint32(page))
	}
}

// leafCell is a row of a table where it stands.
type leafCell struct {
	rowid int64
	// payload is the part of the record that is in the leaf page.
	payload []byte
	size    int // of the whole record
	next    int // first page of what is not in the leaf page, or 0
}

// Types of pages.
const (
	pageInnerIndex = 2
	pageInnerTable = 5
	pageLeafIndex  = 10
	pageLeafTable  = 13
)

// leafCells calls f with each row that page n holds, as far as it is one of a
// table. The payload is valid until f returns. It reports whether the page is
// in order as far as it goes.
func (p *pageFile) leafCells(n int, f func(leafCell)) (ok bool) {
	b := p.ordinal
	if !p.read(n, b) {
		return false
	}
	head := 0
	if n == 1 {
		head = 100
	}
	switch b[head] {
	case pageLeafTable:
	case pageInnerIndex, pageInnerTable, pageLeafIndex:
		return true
	default:
		return false
	}
	cells := int(binary.BigEndian.Uint16(b[head+3:]))
	if head+8+cells*2 > len(b) {
		return false
	}
	ok = true
	for i := range cells {
		at := int(binary.BigEndian.Uint16(b[head+8+i*2:]))
		c, valid := parseCell(b, at)
		if !valid {
			ok = false
			continue
		}
		f(c)
	}
	return ok
}

// parseCell reads the row at an offset of a leaf page.
func parseCell(page []byte, at int) (c leafCell, ok bool) {
	if at >= len(page) {
		return c, false
	}
	b := page[at:]
	size, n := sqliteVarint(b)
	if n == 0 || size > 1<<31 {
		return c, false
	}
	b = b[n:]
	rowid, n := sqliteVarint(b)
	if n == 0 {
		return c, false
	}
	b = b[n:]
	c.size, c.rowid = int(size), int64(rowid) //nolint:gosec // below 1<<31; the same bits
	usable := len(page)
	local := c.size
	if local > usable-35 {
		least := (usable-12)*32/255 - 23
		if local = least + (c.size-least)%(usable-4); local > usable-35 {
			local = least
		}
		if len(b) < local+4 {
			return c, false
		}
		c.next = int(binary.BigEndian.Uint32(b[local:]))
	}
	if len(b) < local {
		return c, false
	}
	c.payload = b[:local]
	return c, true
}

// record is the whole record of a cell. Used is told each further page that it
// stands in.
func (p *pageFile) record(c leafCell, used func(page int)) ([]byte, bool) {
	if c.size > p.count*p.size {
		return nil, false
	}
	out := append(make([]byte, 0, c.size), c.payload...)
	page := make([]byte, p.size)
	for next := c.next; len(out) < c.size; {
		if !p.read(next, page) {
			return nil, false
		}
		used(next)
		next = int(binary.BigEndian.Uint32(page))
		out = append(out, page[4:4+min(p.size-4, c.size-len(out))]...)
	}
	return out, true
}

// sqliteVarint reads a number of up to 9 bytes, most significant first; n is 0
// if it does not end.
func sqliteVarint(b []byte) (v uint64, n int) {
	for i := range min(len(b), 9) {
		if i == 8 {
			return v<<8 | uint64(b[i]), 9
		}
		v = v<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

// field is one column of a record.
type field struct {
	kind uint64 // serial type
	off  int    // in the record
	size int
}

// fields reads the header of a record. Only the header must be in b; at most
// limit columns are read.
func fields(b []byte, limit int) ([]field, bool) {
	size, n := sqliteVarint(b)
	if n == 0 || size > uint64(len(b)) {
		return nil, false
	}
	head, off := b[n:max(int(size), n)], int(size) //nolint:gosec // below len(b)
	var all []field
	for len(head) > 0 {
		kind, n := sqliteVarint(head)
		if n == 0 || len(all) == limit || kind > 1<<33 {
			return nil, false
		}
		head = head[n:]
		f := field{kind: kind, off: off, size: fieldSize(kind)}
		off += f.size
		all = append(all, f)
	}
	return all, true
}

func fieldSize(kind uint64) int {
	switch kind {
	case 0, 8, 9:
		return 0
	case 5:
		return 6
	case 6, 7:
		return 8
	}
	if kind < 5 {
		return int(kind)
	}
	return int(kind-12) / 2 //nolint:gosec // below 1<<33; kinds 10 and 11 are not in use
}

func (f field) isNull() bool { return f.kind == 0 }
func (f field) isInt() bool  { return f.kind >= 1 && f.kind <= 6 || f.kind == 8 || f.kind == 9 }
func (f field) isBlob() bool { return f.kind >= 12 && f.kind%2 == 0 }
func (f field) isText() bool { return f.kind >= 13 && f.kind%2 == 1 }

// bytes is what a text or blob holds; nil if the record ends before.
func (f field) bytes(record []byte) []byte {
	if f.size < 0 || f.off+f.size > len(record) {
		return nil
	}
	return record[f.off : f.off+f.size]
}

func (f field) int(record []byte) int64 {
	if f.kind == 9 {
		return 1
	}
	b := f.bytes(record)
	var v int64
	for i, x := range b {
		if i == 0 {
			v = int64(int8(x)) //nolint:gosec // the sign
			continue
		}
		v = v<<8 | int64(x)
	}
	return v
}
