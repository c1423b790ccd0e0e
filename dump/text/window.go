// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"slices"
	"strings"

	"scxdiag/dump"
)

const (
	// windowBytes is how much source text of finished snapshots waits for
	// copies.
	windowBytes = 1 << 20
	// heldMin is what a snapshot counts for at least. Each one that comes may
	// be compared with all that wait, so there must not be too many.
	heldMin = 4 << 10
)

// held is a snapshot that waits for its copies.
type held struct {
	s      *dump.Snapshot
	key    string
	isDump bool // as opposed to a verdict alone
	closed bool // user space's rule or verdict follows it
	dumps  int  // how often the dump was seen
	told   [2]int
}

// window holds finished snapshots back for as long as copies of them may come:
// the dump once more in another carrier, or what user space and kernel say of
// the same end.
type window struct {
	queue  []*held
	size   int                // of the queue
	ready  []*dump.Snapshot   // in front of it
	byEnd  map[string][]*held // the queue by endKey
	kernel string             // release of the last "Linux version" line
}

// next takes the oldest snapshot out, if the window was too full for it or all
// must go.
func (w *window) next(all bool) *dump.Snapshot {
	if len(w.ready) == 0 && all && len(w.queue) > 0 {
		w.release()
	}
	if len(w.ready) == 0 {
		return nil
	}
	s := w.ready[0]
	w.ready[0] = nil
	w.ready = w.ready[1:]
	return s
}

// release moves the oldest snapshot to those that wait for nothing.
func (w *window) release() {
	h := w.queue[0]
	w.queue[0] = nil
	w.queue = w.queue[1:]
	w.size -= weight(h.s)
	w.forget(h)
	w.ready = append(w.ready, h.s)
}

// forget removes a snapshot from those that are found by their key.
func (w *window) forget(h *held) {
	if same := w.byEnd[h.key]; len(same) > 1 {
		w.byEnd[h.key] = slices.DeleteFunc(same, func(o *held) bool { return o == h })
	} else {
		delete(w.byEnd, h.key)
	}
}

func (w *window) push(h *held) {
	if w.byEnd == nil {
		w.byEnd = make(map[string][]*held)
	}
	h.key = endKey(h.s)
	w.queue = append(w.queue, h)
	w.byEnd[h.key] = append(w.byEnd[h.key], h)
	w.size += weight(h.s)
	w.shrink()
}

// shrink releases what is too much. A dump may have any number of verdicts in
// it, so this does not wait until somebody asks for the next snapshot.
func (w *window) shrink() {
	for len(w.queue) > 0 && w.size > windowBytes {
		w.release()
	}
}

// weight is what a snapshot counts for in the window.
func weight(s *dump.Snapshot) int { return max(len(s.Raw), heldMin) }

// endKey is the same for all that is told of one end, and different for most
// others: the first line of the message, or "" where there is none. What
// matches without a message, or with one only on one side, has different keys.
func endKey(s *dump.Snapshot) string {
	if s.Exit == nil {
		return ""
	}
	first, _, _ := strings.Cut(s.Exit.Message.V, "\n")
	return trimParenthesis(trimLineEnds(first))
}

// replace puts another snapshot in the place of the one held.
func (w *window) replace(h *held, s *dump.Snapshot) {
	w.size += weight(s) - weight(h.s)
	h.s = s
	w.shrink()
}

// addDump takes a dump. It is closed if user space's rule or verdict follows it.
func (w *window) addDump(s *dump.Snapshot, closed bool) {
	w.setKernel(s)
	for _, h := range w.byEnd[endKey(s)] {
		if h.isDump && sameDump(h.s, s) {
			h.dumps++
			old := h.s
			if moreComplete(s, old) {
				w.replace(h, s)
				adopt(s, old)
			} else {
				adopt(old, s)
			}
			return
		}
	}
	if h := w.match(s, func(h *held) bool { return !h.isDump }); h != nil {
		verdict := h.s
		w.replace(h, s)
		h.isDump, h.dumps = true, 1
		adopt(s, verdict)
		return
	}
	w.push(&held{s: s, isDump: true, closed: closed, dumps: 1})
}

// addVerdict takes what user space or kernel said of the end of a scheduler.
func (w *window) addVerdict(s *dump.Snapshot, by teller) {
	w.setKernel(s)
	if h := w.match(s, func(h *held) bool { return h.told[by] < max(h.dumps, 1) }); h != nil {
		h.told[by]++
		adopt(h.s, s)
		return
	}
	if by == byUser && w.decide(s) {
		return
	}
	h := &held{s: s}
	h.told[by] = 1
	w.push(h)
}

// maxBehind is how many bytes a verdict of user space begins at most behind the end
// of its dump: there is a rule between them, and what the carrier puts before lines.
const maxBehind = 1 << 10

// decide gives a verdict of user space to the dump right above it, if the beginning
// of that is missing: user space prints one after the other. It returns false if
// there is no such dump.
func (w *window) decide(verdict *dump.Snapshot) bool {
	if len(w.queue) == 0 || !verdict.IsFailure() || !verdict.Exit.Kind.Known { // no other end has a dump
		return false
	}
	h := w.queue[len(w.queue)-1]
	behind := verdict.Source.Offset - h.s.Source.Offset - int64(len(h.s.Raw))
	if !h.closed || !h.s.IsUndecided() || behind < 0 || behind > maxBehind {
		return false
	}
	w.forget(h)
	h.s.Exit, h.s.Trigger = new(dump.Exit), verdict.Trigger
	adopt(h.s, verdict)
	h.told[byUser]++
	h.key = endKey(h.s)
	w.byEnd[h.key] = append(w.byEnd[h.key], h)
	return true
}

// match finds the oldest snapshot that tells of the same end as s and satisfies
// ok. One with the same message is better than one without.
func (w *window) match(s *dump.Snapshot, ok func(*held) bool) *held {
	if s.Exit == nil {
		return nil
	}
	matches := func(h *held) bool { return h.s.Exit != nil && ok(h) && sameEnd(h.s, s) }
	for _, h := range w.byEnd[endKey(s)] {
		if matches(h) && h.s.Exit.Message.Known == s.Exit.Message.Known {
			return h
		}
	}
	among := w.byEnd[""]
	if !s.Exit.Message.Known {
		among = w.queue
	}
	for _, h := range among {
		if h.s.Exit != nil && h.s.Exit.Message.Known != s.Exit.Message.Known && matches(h) {
			return h
		}
	}
	return nil
}

// sameEnd reports whether two snapshots can be of the same end: nothing that
// both know differs.
func sameEnd(a, b *dump.Snapshot) bool {
	x, y := a.Exit, b.Exit
	return agree(x.Kind, y.Kind) && agree(x.Task, y.Task) && agree(x.Reason, y.Reason) && agree(x.CPU, y.CPU) &&
		(!x.Message.Known || !y.Message.Known || sameMessage(x.Message.V, y.Message.V)) &&
		(a.Scheduler == "" || b.Scheduler == "" || a.BaseName() == b.BaseName())
}

// sameMessage compares messages of which one may be cut at one of its newlines,
// and with it the parenthesis before that, which looks like the one behind a
// message.
func sameMessage(a, b string) bool {
	if a == b {
		return true
	}
	a, b = trimLineEnds(a), trimLineEnds(b)
	if len(a) < len(b) {
		a, b = b, a
	}
	rest, isPrefix := strings.CutPrefix(a, trimParenthesis(b))
	line, _, _ := strings.Cut(rest, "\n")
	return a == b || isPrefix && strings.Contains(a, "\n") && trimParenthesis(line) == ""
}

// trimParenthesis removes what a line may end with that is no part of a message.
func trimParenthesis(line string) string { return strings.TrimRight(line, " )") }

// trimLineEnds removes the blanks and the colours that not every carrier keeps.
func trimLineEnds(s string) string {
	if !strings.Contains(s, " \n") && !strings.Contains(s, "\x1b") {
		return strings.TrimRight(s, " ")
	}
	if strings.Contains(s, "\x1b") {
		s = string(stripEscapes([]byte(s)))
	}
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

func agree[T comparable](a, b dump.Value[T]) bool { return !a.Known || !b.Known || a.V == b.V }

// sameDump reports whether two dumps are the same one in two carriers: they
// share CPUs, and nothing that both know differs.
func sameDump(a, b *dump.Snapshot) bool {
	if a.Trigger != b.Trigger || (a.Exit == nil) != (b.Exit == nil) || (a.Sub == nil) != (b.Sub == nil) {
		return false
	}
	if a.Exit != nil && (!sameEnd(a, b)) || a.Sub != nil && *a.Sub != *b.Sub {
		return false
	}
	shared := 0
	for i := range b.CPUs {
		y := &b.CPUs[i]
		if !y.Listed {
			continue
		}
		x := a.CPU(y.ID)
		if x == nil || !x.Listed {
			continue
		}
		if !agree(x.KSync, y.KSync) || !agree(x.OpsQSeq, y.OpsQSeq) || !agree(x.NrRunning, y.NrRunning) ||
			!agree(x.Current, y.Current) || !agree(x.Flags, y.Flags) {
			return false
		}
		shared++
	}
	for i := range min(len(a.Tasks), len(b.Tasks), 8) {
		x, y := &a.Tasks[i], b.Task(a.Tasks[i].PID)
		if y != nil && x.PID != 0 && (x.Comm != y.Comm || !agree(x.RunnableAt, y.RunnableAt) || !agree(x.QSeq, y.QSeq)) {
			return false
		}
	}
	return shared > 0 || a.Exit != nil && a.Exit.Task.Known && len(a.CPUs) == 0 && len(b.CPUs) == 0
}

// moreComplete reports whether a has more of a dump than b.
func moreComplete(a, b *dump.Snapshot) bool {
	if a.Ledger.Truncated != b.Ledger.Truncated {
		return !a.Ledger.Truncated
	}
	if len(a.Tasks) != len(b.Tasks) {
		return len(a.Tasks) > len(b.Tasks)
	}
	return !b.Ledger.Complete() && a.Ledger.Complete()
}

// adopt makes other a copy of s: s learns what only other knows. Spans of other
// mean nothing in s, so they are dropped.
func adopt(s, other *dump.Snapshot) {
	src := other.Source
	s.Source.Copies = append(s.Source.Copies, dump.Copy{Carrier: src.Carrier, Offset: src.Offset, Line: src.Line})
	s.Source.Copies = append(s.Source.Copies, src.Copies...)
	if s.Scheduler == "" || len(other.Scheduler) > len(s.Scheduler) && other.BaseName() == s.BaseName() {
		if other.Scheduler != "" {
			s.Scheduler = other.Scheduler
		}
	}
	if s.Time.IsZero() && s.Stamp == "" && s.IsVerdict() {
		s.Stamp = other.Stamp
	}
	if s.Time.IsZero() {
		s.Time = other.Time
	}
	if s.Host == "" {
		s.Host = other.Host
	}
	if s.Kernel.Release == "" {
		s.Kernel.Release = other.Kernel.Release
	}
	x, y := s.Exit, other.Exit
	if x == nil || y == nil {
		return
	}
	learn(&x.Kind, y.Kind)
	learn(&x.Reason, y.Reason)
	learn(&x.Message, y.Message)
	learn(&x.CPU, y.CPU)
	learn(&x.Task, y.Task)
	if !x.Subject.Known {
		learn(&x.Subject, y.Subject)
		s.FindSubject()
	}
	if len(x.Backtrace) == 0 {
		for _, l := range y.Backtrace {
			x.Backtrace = append(x.Backtrace, dump.Line{Text: l.Text})
		}
	}
}

func learn[T any](dst *dump.Value[T], v dump.Value[T]) {
	if !dst.Known && v.Known {
		*dst = dump.Of(v.V)
	}
}

// kernelSeen takes a line "Linux version 7.3.4 …", without those two words. Most
// logs hold one boot, so it names the kernel of the snapshots around it, unless
// their shapes rule that out.
func (w *window) kernelSeen(rest string) {
	release, _, _ := strings.Cut(rest, " ")
	if _, ok := dump.ParseVersion(release); !ok || len(release) > 64 {
		return
	}
	first := w.kernel == ""
	w.kernel = release
	if first {
		for _, h := range w.queue {
			w.setKernel(h.s)
		}
	}
}

func (w *window) setKernel(s *dump.Snapshot) {
	v, ok := dump.ParseVersion(w.kernel)
	if ok && s.Kernel.Admits(v) && strings.HasPrefix(w.kernel, s.Kernel.Release) {
		s.Kernel.Release = w.kernel
		if !s.IsVerdict() {
			settleCounters(s, !slices.Contains(s.Ledger.Notes, mayLackCounters))
		}
	}
}
