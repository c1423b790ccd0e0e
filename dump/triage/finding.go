// SPDX-License-Identifier: GPL-2.0-only

package triage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"scxdiag/dump"
)

const (
	maxEvidence = 8   // lines of evidence of one finding
	maxNamed    = 5   // tasks that one sentence names
	maxText     = 400 // bytes of a line of evidence
)

// finding is a finding that is being made.
type finding struct {
	dump.Finding
	victims []*dump.Task
	set     map[*dump.Task]bool // of victims, once it is needed
	// fits is set if the finding explains why there is a snapshot.
	fits bool
	rule *Rule
	rank int // of its rule
}

// finds begins a finding.
func finds(s dump.Severity, c dump.Confidence, title string, args ...any) *finding {
	return &finding{Finding: dump.Finding{Severity: s, Confidence: c, Title: fmt.Sprintf(title, args...)}}
}

// because adds a sentence to the explanation.
func (f *finding) because(sentence string, args ...any) *finding {
	if f.Explanation != "" {
		f.Explanation += " "
	}
	f.Explanation += fmt.Sprintf(sentence, args...)
	return f
}

// then says what to do or collect next.
func (f *finding) then(next string) *finding {
	f.Next = next
	return f
}

// hurts adds victims, each of them once.
func (f *finding) hurts(tasks ...*dump.Task) *finding {
	f.victims = append(f.victims, tasks...)
	return f
}

// explains says that the finding is why there is a snapshot.
func (f *finding) explains(yes bool) *finding {
	f.fits = f.fits || yes
	return f
}

// proof adds evidence: the line of the source that span starts in, or the words
// where there is none.
func (f *finding) proof(v *view, entity string, span dump.Span, words string) *finding {
	e := dump.Evidence{Entity: entity, Text: words}
	if line := v.line(span); line.Len > 0 {
		e.At, e.Text = line, v.s.At(line)
	}
	return f.cite(e)
}

// cite adds evidence as it is, within the bounds.
func (f *finding) cite(e dump.Evidence) *finding {
	if len(f.Evidence) == maxEvidence {
		return f
	}
	if len(e.Text) > maxText {
		e.Text = e.Text[:maxText]
	}
	f.Evidence = append(f.Evidence, e)
	return f
}

// line is the rest of the line that span starts in, from there.
func (v *view) line(span dump.Span) dump.Span {
	if span.IsZero() || int64(span.Off) >= int64(len(v.s.Raw)) {
		return dump.Span{}
	}
	text := v.s.Raw[span.Off:]
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	return dump.Span{Off: span.Off, Len: uint32(len(strings.TrimRight(text, " \t\r")))} //nolint:gosec // below the size of a dump
}

// task adds what the snapshot says of a task.
func (f *finding) task(v *view, t *dump.Task) *finding {
	if t == nil {
		return f
	}
	words := t.String() + " " + waitWords(t)
	if t.DSQ.Known {
		words += ", DSQ " + t.DSQ.V.String()
	}
	if t.CPUs.Known {
		words += ", cpus " + t.CPUs.V.String()
	}
	f.proof(v, taskName(t), t.At, words)
	if !t.DSQ.At.IsZero() {
		f.proof(v, taskName(t), before(t.DSQ.At, "dsq_id="), "")
	}
	if !t.CPUs.At.IsZero() {
		f.proof(v, taskName(t), before(t.CPUs.At, "cpus="), "")
	}
	return f
}

// taskName names a task as evidence has it.
func taskName(t *dump.Task) string { return "task:" + strconv.Itoa(int(t.PID)) }

// before is a span with the words that stand before it.
func before(s dump.Span, words string) dump.Span {
	n := min(uint32(len(words)), s.Off) //nolint:gosec // a few bytes
	return dump.Span{Off: s.Off - n, Len: s.Len + n}
}

// cpu adds what the snapshot says of a CPU.
func (f *finding) cpu(v *view, c *dump.CPU) *finding {
	if c == nil {
		return f
	}
	words := fmt.Sprintf("CPU %d", c.ID)
	if c.Current.Known {
		words += " runs " + c.Current.V.String()
	}
	if c.Class.Known {
		words += ", class " + string(c.Class.V)
	}
	f.proof(v, "cpu:"+strconv.Itoa(int(c.ID)), c.At, words)
	if !c.Current.At.IsZero() {
		f.proof(v, "cpu:"+strconv.Itoa(int(c.ID)), before(c.Current.At, "curr="), "")
	}
	return f
}

// cell adds what the snapshot says of a cell.
func (f *finding) cell(v *view, c *dump.Cell) *finding {
	words := fmt.Sprintf("cell %d", c.ID)
	if c.CPUs.Known {
		words += ": CPUs " + c.CPUs.V.String()
	}
	if c.Queued.Known {
		words += fmt.Sprintf(", %d queued", c.Queued.V)
	}
	return f.proof(v, "cell:"+strconv.Itoa(int(c.ID)), c.At, words)
}

// exit adds what the kernel said.
func (f *finding) exit(v *view) *finding {
	e := v.s.Exit
	if e == nil {
		return f
	}
	words := e.Reason.V
	if e.Message.Known {
		words += " (" + e.Message.V + ")"
	}
	line := v.line(e.Reason.At)
	if m := e.Message.At; line.Len == 0 || !m.IsZero() && m.Off >= line.Off && m.Off < line.End() {
		if line.Len == 0 {
			line = m
		}
		return f.proof(v, "exit", line, words)
	}
	// The kernel's log has the reason in brackets, and the message in a line of its own.
	f.cite(dump.Evidence{Entity: "exit", At: e.Reason.At, Text: e.Reason.V})
	if e.Message.Known {
		f.proof(v, "exit", e.Message.At, e.Message.V)
	}
	return f
}

// backtrace adds a frame of the exit's backtrace.
func (f *finding) backtrace(v *view, frame dump.Line) {
	f.proof(v, "exit", frame.At, frame.Text)
}

// waitWords says how long a task has waited.
func waitWords(t *dump.Task) string {
	d, ok := t.WaitingFor()
	if !ok {
		return "waiting"
	}
	return "waiting " + seconds(d)
}

// seconds is a duration as the kernel's messages have it.
func seconds(d time.Duration) string { return fmt.Sprintf("%.3fs", d.Seconds()) }

// foremost is the task of several that a finding is about: the one that the kernel
// named, if it is among them, or else the first.
func (v *view) foremost(victims []*dump.Task) *dump.Task {
	if slices.Contains(victims, v.subject) {
		return v.subject
	}
	return victims[0]
}

// names are the first of some tasks, and how many more there are.
func names(tasks []*dump.Task) string {
	var b strings.Builder
	for i, t := range tasks {
		if i == maxNamed {
			fmt.Fprintf(&b, " and %d more", len(tasks)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(t.String())
	}
	return b.String()
}

// cpuWords are some CPUs in words, "CPU 3" or "CPUs 0-2".
func cpuWords(m dump.CPUMask) string {
	if m.Count() == 1 {
		return "CPU " + m.String()
	}
	return "CPUs " + m.String()
}

// cpusDo is what some CPUs do, in the words for one and for several of them.
func cpusDo(m dump.CPUMask, one, many string) string {
	if m.Count() == 1 {
		return cpuWords(m) + " " + one
	}
	return cpuWords(m) + " " + many
}

// counted is a number with the word for what it counts.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
