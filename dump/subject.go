// SPDX-License-Identifier: GPL-2.0-only

package dump

import (
	"strconv"
	"strings"
)

// FindSubject sets Exit.Subject to the task that Exit.Message names, if it is
// not known yet. The tasks of the snapshot must be there already: a message may
// name one in a way that nothing else tells from other text.
func (s *Snapshot) FindSubject() {
	e := s.Exit
	if e == nil || !e.Message.Known || e.Subject.Known {
		return
	}
	msg := e.Message.V
	if !strings.Contains(msg, "[") { // which most lack
		return
	}
	at := func(from, to int) Span {
		if e.Message.At.Len != uint32(len(msg)) { //nolint:gosec // as At.Len
			return e.Message.At
		}
		return Span{Off: e.Message.At.Off + uint32(from), Len: uint32(to - from)} //nolint:gosec // see above
	}
	for _, shape := range subjectShapes {
		from := 0
		if shape.before != "" {
			i := strings.LastIndex(msg, shape.before)
			if i < 0 {
				continue
			}
			from = i + len(shape.before)
		}
		rest := msg[from:]
		to := len(rest)
		if shape.after != "" {
			if to = strings.LastIndex(rest, shape.after); to < 0 {
				continue
			}
		}
		if ref, ok := parseRef(rest[:to]); ok {
			e.Subject = OfAt(ref, at(from, from+to))
			return
		}
	}
	// a task of the dump, as the message writes it
	for open := strings.IndexByte(msg, '['); open >= 0; {
		n := strings.IndexByte(msg[open:], ']')
		if n < 0 {
			break
		}
		if pid, ok := parsePID(msg[open+1 : open+n]); ok && pid > 0 {
			if t := s.Task(pid); t != nil && strings.HasSuffix(msg[:open], t.Comm) {
				if from := open - len(t.Comm); from == 0 || msg[from-1] == ' ' {
					e.Subject = OfAt(t.TaskRef, at(from, open+n+1))
					return
				}
			}
		}
		next := strings.IndexByte(msg[open+1:], '[')
		if next < 0 {
			break
		}
		open += 1 + next
	}
}

// subjectShapes are the kernel's messages that name a task.
var subjectShapes = []struct{ before, after string }{
	{"", " failed to run for "},
	{"", " reenqueued "},
	{" while ", " waited "},
	{" not allowed for ", ""},
	{" migration disabled ", " from CPU "},
	{" for ", ""},
}

// parseRef reads "comm[pid]", all of s.
func parseRef(s string) (TaskRef, bool) {
	open := strings.LastIndexByte(s, '[')
	if open < 0 || open > 15 || !strings.HasSuffix(s, "]") {
		return TaskRef{}, false
	}
	pid, ok := parsePID(s[open+1 : len(s)-1])
	return TaskRef{Comm: s[:open], PID: pid}, ok
}

// parsePID reads a pid, all of s.
func parsePID(s string) (int32, bool) {
	n, err := strconv.ParseInt(s, 10, 32)
	return int32(n), err == nil && n >= 0
}
