// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"fmt"
	"strings"

	"scxdiag/dump"
)

// opsLineMax is how many bytes the kernel's buffer for a line of scheduler text
// holds.
const opsLineMax = 1023

// opsText is what a scheduler prints in one call of a callback. Prints collect
// in a line buffer until one ends in a newline; a print that does not fit is
// cut, and the next one starts a new line.
type opsText struct {
	r       *renderer
	prefix  string
	line    string
	marks   []*dump.Span
	started bool // something was printed; an empty line stands before it
}

// ops starts the text of a callback whose lines get n spaces.
func (r *renderer) ops(n int) *opsText { return &opsText{r: r, prefix: strings.Repeat(" ", n)} }

// print is one call of the scheduler's print function. Marks get the place of
// the line that the text ends up on.
func (o *opsText) print(marks []*dump.Span, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	room := opsLineMax - len(o.line)
	if len(text) > room {
		o.line += text[:room]
		o.flush()
		return
	}
	o.line += text
	o.marks = append(o.marks, marks...)
	if strings.HasSuffix(o.line, "\n") {
		o.flush()
	}
}

// flush prints the line buffer.
func (o *opsText) flush() {
	if o.line == "" {
		return
	}
	if !o.started {
		o.started = true
		o.r.blank()
	}
	for text := range strings.SplitSeq(strings.TrimSuffix(o.line, "\n"), "\n") {
		o.r.line(o.marks, "%s%s", o.prefix, text)
	}
	o.line, o.marks = "", nil
}

// global prints what the scheduler says of itself.
func (r *renderer) global() {
	o := r.ops(0)
	switch {
	case r.Format == AnyText:
		o.verbatim(r.s.Text)
	case r.Format.IsMitosis():
		r.mitosis(o)
	case r.Format.IsLayered():
		r.layered(o)
	case r.Format.IsQmap():
		r.qmapFIFOs(o)
	}
	o.flush()
}

// cpuText prints what the scheduler says of a CPU.
func (r *renderer) cpuText(c *dump.CPU) {
	o := r.ops(2)
	switch {
	case r.Format == AnyText:
		o.verbatim(c.Text)
	case r.Format.IsQmap() && len(c.Scheduler) > 0:
		o.print(keyMarks(c.Scheduler), "QMAP: %s\n", fields(c.Scheduler))
	}
	o.flush()
}

// taskText prints what the scheduler says of a task.
func (r *renderer) taskText(t *dump.Task) {
	o := r.ops(4)
	switch {
	case r.Format == AnyText:
		o.verbatim(t.Text)
	case r.Format.IsMitosis():
		r.mitosisTask(o, t)
	case r.Format.IsLavd():
		r.lavdTask(o, t)
	case r.Format.IsQmap() && len(t.Scheduler) > 0:
		o.print(keyMarks(t.Scheduler), "QMAP: %s\n", fields(t.Scheduler))
	}
	o.flush()
}

// verbatim prints lines as they are.
func (o *opsText) verbatim(lines []dump.Line) {
	for i := range lines {
		o.print(at(&lines[i].At), "%s\n", lines[i].Text)
	}
}

// fields joins fields as "key=value key=value".
func fields(kvs []dump.KV) string {
	parts := make([]string, len(kvs))
	for i, kv := range kvs {
		parts[i] = kv.Key + "=" + kv.Value
	}
	return strings.Join(parts, " ")
}

func keyMarks(kvs []dump.KV) []*dump.Span {
	marks := make([]*dump.Span, len(kvs))
	for i := range kvs {
		marks[i] = &kvs[i].At
	}
	return marks
}

// value finds the value of a field, "0" if it is missing.
func value(kvs []dump.KV, key string) string {
	for _, kv := range kvs {
		if kv.Key == key {
			return kv.Value
		}
	}
	return "0"
}
