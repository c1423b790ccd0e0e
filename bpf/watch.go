// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"scxdiag/dump"
	"scxdiag/dump/text"
)

// The records of include/watch.h, member by member.
const (
	watchLine   = 1
	watchEnd    = 2
	watchExit   = 3
	watchEnable = 4
)

type (
	watchHdr struct {
		Kind, Len uint32
		Time      uint64 // ns since boot
		Dump      uint64 // joins its lines and its end
	}
	watchLineRec struct { // the text follows
		Seq     uint64
		Nr, Len uint32
	}
	watchEndRec struct {
		Nr, Dropped uint32
		Name        [128]byte
	}
	watchExitRec struct {
		Sched         uint64
		Code          int64
		Kind          uint32
		CPU           int32
		NrFrames, Pad uint32
		Name, Reason  [128]byte
		Msg           [1024]byte
		Frames        [64]uint64
	}
	watchEnableRec struct {
		RC   int32
		Pad  uint32
		Name [128]byte
	}
)

// errWatch is of a record that is none of the recorder's.
var errWatch = errors.New("is no record of the recorder")

// watched is a dump that is not complete yet.
type watched struct {
	first    uint64 // ns since boot, of its first line
	text     bytes.Buffer
	received uint64
	left     uint64 // lines that there was no room for here
	ended    bool   // the numbers that follow are known
	sent     uint64
	dropped  uint64
	name     string    // of the scheduler, "" if unknown
	last     time.Time // when something of it came
}

func (d *watched) complete() bool { return d.ended && d.received+d.dropped >= d.sent }

// schedEnd is the end of a scheduler, until the dumps before it are complete.
type schedEnd struct {
	rec          *watchExitRec
	time         uint64 // ns since boot
	waitingSince time.Time
}

// watch makes snapshots of what the recorder sends. It is of one goroutine.
type watch struct {
	host watchHost
	emit func(*dump.Snapshot)
	say  func(string) // gets one line about a scheduler that comes
	// noEnds is set where the kernel does not tell when a dump ends.
	noEnds bool

	scheduler string
	open      map[uint64]*watched
	kept      int                // bytes of text of those
	closed    [maxWatched]uint64 // the last ones that were passed on
	nrClosed  int
	blanks    []dump.RecordCount // of dumps of which no line got through
	exits     []*schedEnd        // whose dumps may not be complete
	// dumped are the failures whose dumps were passed on. Their exits, which may come
	// much later, tell nothing more.
	dumped []dump.ExitKind
	gone   uint64 // the scheduler whose end came last, until another is enabled
	// live is set while a scheduler is known to be enabled. Who fails at once may end
	// before the kernel has told that it came: early is the name of such a one.
	live  bool
	early string
}

// watchHost is what no record tells.
type watchHost struct {
	// boot is the time of day at which the kernel's clock was 0, in ns, as of now: that
	// clock stands still while the machine sleeps, and the time of day may be set.
	boot          func() int64
	name, release string
}

// Bounds of what a watch keeps.
const (
	maxWatchText  = 64 << 20               // of all dumps that are not complete
	maxWatched    = 16                     // dumps that are not complete
	watchPatience = 3 * time.Second        // for what must come yet
	watchQuiet    = 500 * time.Millisecond // after which a dump is over where nothing tells
)

func newWatch(host watchHost, scheduler string, emit func(*dump.Snapshot), say func(string)) *watch {
	return &watch{host: host, scheduler: scheduler, live: scheduler != "", emit: emit, say: say, open: make(map[uint64]*watched)}
}

// add takes a record.
func (w *watch) add(b []byte, now time.Time) error {
	var h watchHdr
	n, err := binary.Decode(b, binary.LittleEndian, &h)
	if err != nil || uint64(h.Len) > uint64(len(b)) {
		return errWatch
	}
	b = b[n:]
	switch h.Kind {
	case watchLine:
		var r watchLineRec
		if n, err = binary.Decode(b, binary.LittleEndian, &r); err == nil {
			w.line(h, b[n:][:min(int(r.Len), len(b)-n)], now)
		}
	case watchEnd:
		var r watchEndRec
		if _, err = binary.Decode(b, binary.LittleEndian, &r); err == nil {
			w.end(h, &r, now)
		}
	case watchExit:
		var r watchExitRec
		if _, err = binary.Decode(b, binary.LittleEndian, &r); err == nil {
			w.exit(h, &r, now)
		}
	case watchEnable:
		var r watchEnableRec
		if _, err = binary.Decode(b, binary.LittleEndian, &r); err == nil {
			w.enabled(&r)
		}
	default:
		return errWatch
	}
	if err != nil {
		return errWatch
	}
	return nil
}

// enabled takes the name of a scheduler, if it was.
func (w *watch) enabled(r *watchEnableRec) {
	name := unix.ByteSliceToString(r.Name[:])
	early := w.early
	w.early = ""
	switch {
	case r.RC != 0:
		w.say(fmt.Sprintf("%s could not become the scheduler: %v", name, unix.Errno(-r.RC))) //nolint:gosec // the kernel's
		return
	case early != "" && early == name: // it is gone already
		return
	}
	w.gone, w.live, w.scheduler = 0, true, name
	if len(w.open) == 0 && len(w.exits) == 0 { // what is of the ones before is told
		w.dumped, w.blanks = nil, nil
	}
	w.say(name + " is the scheduler")
}

// dumpOf is the dump that a record is of, nil if that was passed on already.
func (w *watch) dumpOf(h watchHdr, now time.Time) *watched {
	d := w.open[h.Dump]
	if d == nil {
		if slices.Contains(w.closed[:], h.Dump) {
			return nil
		}
		if len(w.open) == maxWatched {
			w.finishOldest()
		}
		d = &watched{first: h.Time}
		w.open[h.Dump] = d
	}
	d.last = now
	return d
}

func (w *watch) line(h watchHdr, line []byte, now time.Time) {
	d := w.dumpOf(h, now)
	if d == nil {
		return
	}
	d.received++
	if w.kept+len(line) < maxWatchText {
		d.text.Write(line)
		d.text.WriteByte('\n')
		w.kept += len(line) + 1
	} else {
		d.left++
	}
	if d.complete() {
		w.finish(h.Dump)
	}
}

func (w *watch) end(h watchHdr, r *watchEndRec, now time.Time) {
	d := w.dumpOf(h, now)
	if d == nil {
		return
	}
	d.ended, d.sent, d.dropped = true, max(uint64(r.Nr), d.received), uint64(r.Dropped)
	d.name = unix.ByteSliceToString(r.Name[:])
	if d.complete() {
		w.finish(h.Dump)
	}
}

func (w *watch) exit(h watchHdr, r *watchExitRec, now time.Time) {
	if r.Kind == 0 || r.Sched == w.gone {
		return // the kernel looks whether there is something to end, and there is nothing any more
	}
	w.gone = r.Sched
	if !w.live {
		w.early = unix.ByteSliceToString(r.Name[:])
	}
	w.live = false
	w.exits = append(w.exits, &schedEnd{rec: r, time: h.Time, waitingSince: now})
}

// settle does what can be done when all that was there was read.
func (w *watch) settle(now time.Time) {
	for id, d := range w.open {
		if now.Sub(d.last) > watchPatience || w.noEnds && now.Sub(d.last) > watchQuiet {
			w.finish(id)
		}
	}
	for len(w.exits) > 0 && (len(w.open) == 0 || now.Sub(w.exits[0].waitingSince) > watchPatience) {
		e := w.exits[0]
		w.exits = w.exits[1:]
		w.ended(e)
	}
}

// flush ends everything as it is.
func (w *watch) flush() {
	for id := range w.open {
		w.finish(id)
	}
	for _, e := range w.exits {
		w.ended(e)
	}
	w.exits = nil
}

func (w *watch) finishOldest() {
	var oldest uint64
	for id, d := range w.open {
		if o := w.open[oldest]; o == nil || d.last.Before(o.last) {
			oldest = id
		}
	}
	w.finish(oldest)
}

// finish reads the text of a dump. One without text is told with the end of its
// scheduler: by itself it says not even whether there is one.
func (w *watch) finish(id uint64) {
	d := w.open[id]
	delete(w.open, id)
	w.kept -= d.text.Len()
	w.closed[w.nrClosed%len(w.closed)] = id
	w.nrClosed++
	r := text.NewReader(&d.text, text.Options{})
	found := false
	for {
		s, err := r.Next()
		if err != nil { // io.EOF: memory does not fail
			break
		}
		found = true
		w.complete(s, d)
	}
	if !found {
		w.say(fmt.Sprintf("a dump of %d lines is lost", max(d.sent, d.received)))
		if w.blanks = append(w.blanks, d.count()); len(w.blanks) > maxWatched {
			w.blanks = w.blanks[1:]
		}
	}
}

// count is what came of the dump.
func (d *watched) count() dump.RecordCount {
	c := dump.RecordCount{Kind: "line", Expected: d.sent, Received: d.received, Dropped: d.dropped}
	if !d.ended {
		c.Expected = d.received
	}
	return c
}

// complete adds what the text does not tell.
func (w *watch) complete(s *dump.Snapshot, d *watched) {
	if s.Scheduler == "" {
		s.Scheduler = d.name
	}
	w.describe(s, d.first)
	if !d.ended && !w.noEnds {
		s.Ledger.Note("the end of the dump did not come")
		s.Ledger.Truncated = true
	}
	if d.left > 0 {
		s.Ledger.Note(fmt.Sprintf("%d lines were left out: the dump is larger than %d MiB", d.left, maxWatchText>>20))
		s.Ledger.Truncated = true
	}
	s.Ledger.Records = append(s.Ledger.Records, d.count())
	if s.Trigger == dump.TriggerCrash {
		kind := dump.ExitNone
		if s.Exit != nil {
			kind = s.Exit.Kind.V
		}
		if w.dumped = append(w.dumped, kind); len(w.dumped) > maxWatched {
			w.dumped = w.dumped[1:]
		}
	}
	w.emit(s)
}

func (w *watch) describe(s *dump.Snapshot, ns uint64) {
	s.Source.Carrier = "ringbuf"
	s.Host = w.host.name
	s.Kernel.Release = w.host.release
	if v, ok := dump.ParseVersion(w.host.release); ok {
		s.Kernel.Min, s.Kernel.Max = v, v
	}
	if boot := w.host.boot(); boot > 0 {
		s.Time = time.Unix(0, boot+int64(ns)).UTC() //nolint:gosec // a machine is not up for centuries
	}
	if s.Scheduler == "" {
		s.Scheduler = w.scheduler
	}
}

// ended passes on why a scheduler ended, unless its dump has told that.
func (w *watch) ended(e *schedEnd) {
	kind := dump.ExitKind(e.rec.Kind) //nolint:gosec // the kernel's enum
	told := func(k dump.ExitKind) bool { return k == kind || k == dump.ExitNone && kind.IsFailure() }
	if i := slices.IndexFunc(w.dumped, told); i >= 0 {
		w.dumped = slices.Delete(w.dumped, i, i+1)
		return
	}
	s := &dump.Snapshot{
		Trigger: dump.TriggerExit, Scheduler: unix.ByteSliceToString(e.rec.Name[:]),
		Exit: &dump.Exit{Kind: dump.Of(kind), Code: dump.Of(e.rec.Code)},
	}
	if kind.IsFailure() {
		s.Trigger = dump.TriggerCrash
		if len(w.blanks) > 0 {
			s.Ledger.Records = append(s.Ledger.Records, w.blanks[0])
			w.blanks = w.blanks[1:]
			s.Ledger.Note("nothing of the dump that can be read got through")
		} else {
			s.Ledger.Note("the kernel wrote no dump, or none was seen")
		}
	}
	w.describe(s, e.time)
	if reason := unix.ByteSliceToString(e.rec.Reason[:]); reason != "" {
		s.Exit.Reason = dump.Of(reason)
	}
	if msg := strings.TrimRight(unix.ByteSliceToString(e.rec.Msg[:]), "\n"); msg != "" {
		s.Exit.Message = dump.Of(msg)
	}
	if e.rec.CPU >= 0 {
		s.Exit.CPU = dump.Of(e.rec.CPU)
	}
	for _, pc := range e.rec.Frames[:min(int(e.rec.NrFrames), len(e.rec.Frames))] { // only a dump has their names
		s.Exit.Backtrace = append(s.Exit.Backtrace, dump.Line{Text: fmt.Sprintf("%#x", pc)})
	}
	w.emit(s)
}
