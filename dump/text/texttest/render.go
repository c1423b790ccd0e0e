// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"scxdiag/dump"
)

// traceLineMax is how many bytes of a line the tracepoint carries.
const traceLineMax = 1023

// Dump is a rendered model.
type Dump struct {
	// Text is what user space gets of the dump: lines, and, if Cut says so,
	// the truncation marker.
	Text []byte
	// Cut is how many bytes of Text the kernel printed before the truncation
	// marker; -1 if it is whole.
	Cut int
	// Model is a copy of the model in which every span is set to the line of
	// the dump that holds the value, up to the newline, as if the dump had not
	// been cut.
	Model *dump.Snapshot
	// Idle are the CPUs without a place in the model that the kernel formatted
	// and dropped. The tracepoint shows them, and the last of them can stay
	// behind at the end of the buffer of an old kernel.
	Idle []int32

	full      []byte       // what Text would be without an end to the buffer
	continued map[int]bool // physical lines that go on with the line before them
}

// Render prints the model as the kernel and the scheduler of k would.
func Render(s *dump.Snapshot, k Config) []byte { return NewDump(s, k).Text }

// NewDump renders the model and keeps where each value went.
func NewDump(s *dump.Snapshot, k Config) *Dump {
	r := &renderer{
		Config: k,
		s:      clone(s),
		dump:   Dump{Cut: -1, continued: make(map[int]bool)},
	}
	if k.DumpLen > 0 && !k.Trace {
		r.buf = newDumpBuffer(k.DumpLen)
	}
	r.header()
	r.global()
	r.cpus()
	r.counters()
	r.dump.Model = r.s
	r.dump.Text, r.dump.full = r.text, r.text
	if r.buf != nil {
		r.dump.Text, r.dump.Cut = r.buf.text()
	}
	return &r.dump
}

// renderer prints one model.
type renderer struct {
	Config
	s     *dump.Snapshot
	dump  Dump
	text  []byte // everything, as if the buffer had no end
	lines int    // in text
	buf   *dumpBuffer
}

// blank prints an empty line.
func (r *renderer) blank() { r.line(nil, "") }

// line prints one line of the kernel's and stores its place in marks. A comm
// in it may make it several lines.
func (r *renderer) line(marks []*dump.Span, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if r.buf != nil {
		r.buf.line(text)
	}
	at := dump.Span{Off: uint32(len(r.text)), Len: uint32(len(text))} //nolint:gosec // dumps are small
	if r.Trace && len(text) > traceLineMax {
		text, at = text[:traceLineMax], dump.Span{} // nobody can tell what is missing
	}
	for _, m := range marks {
		*m = at
	}
	r.text = append(append(r.text, text...), '\n')
	for range strings.Count(text, "\n") {
		r.lines++
		r.dump.continued[r.lines] = true
	}
	r.lines++
}

// span is the place of everything from offset from to the end of the last line.
func (r *renderer) span(from int) dump.Span {
	return dump.Span{Off: uint32(from), Len: uint32(max(len(r.text)-from-1, 0))} //nolint:gosec // dumps are small
}

// at makes the list of marks of a line.
func at(marks ...*dump.Span) []*dump.Span { return marks }

// header prints who is dumped and why.
func (r *renderer) header() {
	s := r.s
	if r.Series.Owner && r.SubSched {
		who := "root"
		if s.Sub != nil {
			who = fmt.Sprintf("sub%d-%d %s", s.Sub.Level, s.Sub.CgroupID, s.Sub.Path)
		}
		r.line(nil, "%s: %s", s.Scheduler, who)
	}
	e := s.Exit
	if e == nil {
		r.line(nil, "Debug dump triggered by SysRq-D")
		return
	}
	on := ""
	if r.Series.OnCPU && e.CPU.Known {
		on = fmt.Sprintf(" on CPU %d", e.CPU.V)
	}
	r.line(at(&e.Task.At, &e.Kind.At, &e.CPU.At), "%s triggered exit kind %d%s:", e.Task.V, int(e.Kind.V), on)
	r.line(at(&e.Reason.At, &e.Message.At, &e.Subject.At), "  %s (%s)", e.Reason.V, e.Message.V)
	r.blank()
	r.line(nil, "Backtrace:")
	for i := range e.Backtrace {
		r.line(at(&e.Backtrace[i].At), "  %s", e.Backtrace[i].Text)
	}
}

// cpus prints the CPUs with their tasks. Those that the model does not list
// are idle; a scheduler with a callback for each CPU makes the kernel format
// and drop them.
func (r *renderer) cpus() {
	r.blank()
	r.line(nil, "CPU states")
	r.line(nil, "----------")
	var listed []int
	for i := range r.s.CPUs {
		if r.s.CPUs[i].Listed {
			listed = append(listed, i)
		}
	}
	if !r.DumpCPU || !r.Trace && !r.Series.ghostTail() {
		for _, i := range listed {
			r.cpu(&r.s.CPUs[i])
		}
		return
	}
	// The first CPU may be out of order; idle ones come before the next
	// higher listed one.
	next := 0
	ascending := func(upTo int) {
		for ; next < upTo; next++ {
			id := int32(next) //nolint:gosec // a CPU number
			if !slices.ContainsFunc(listed, func(i int) bool { return r.s.CPUs[i].ID == id }) {
				r.dropped(id)
			}
		}
	}
	for n, i := range listed {
		c := &r.s.CPUs[i]
		inOrder := n > 0 || len(listed) == 1 || c.ID <= r.s.CPUs[listed[1]].ID
		if inOrder {
			ascending(int(c.ID))
		}
		r.cpu(c)
	}
	ascending(r.CPUIDs)
}

// dropped formats an idle CPU and takes it back.
func (r *renderer) dropped(id int32) {
	c := dump.CPU{
		ID: id, Listed: true,
		NrRunning: dump.Of[uint32](0), Flags: dump.Of[uint32](1), CPURel: dump.Of(false),
		OpsQSeq: dump.Of[uint64](12), KSync: dump.Of[uint64](345),
		Current: dump.Of(dump.TaskRef{Comm: fmt.Sprintf("swapper/%d", id)}), Class: dump.Of(dump.ClassIdle),
	}
	if r.Series.Rescue && r.SubSched {
		c.NrRescue, c.RescueBudget = dump.Of[uint32](0), dump.Of[time.Duration](0)
	}
	r.dump.Idle = append(r.dump.Idle, id)
	if r.Trace {
		r.cpu(&c)
		return
	}
	text, lines := len(r.text), r.lines
	if r.buf != nil {
		defer r.buf.rewind(r.buf.mark())
	}
	r.cpu(&c)
	r.text, r.lines = r.text[:text], lines
}

func (r *renderer) cpu(c *dump.CPU) {
	r.blank()
	start := len(r.text)
	key := ""
	if r.Series.OpsQSeq {
		key = fmt.Sprintf(" ops_qseq=%d", c.OpsQSeq.V)
	}
	r.line(
		slices.Concat(at(&c.NrRunning.At, &c.Flags.At, &c.CPURel.At, &c.OpsQSeq.At, &c.KSync.At), unknownAt(c.Unknown, 0, 2)),
		"CPU %-4d: nr_run=%d flags=0x%x cpu_rel=%d%s %s=%d%s",
		c.ID, c.NrRunning.V, c.Flags.V, bit(c.CPURel.V), key, r.Series.PickSeq, c.KSync.V, unknown(c.Unknown, 0, 2))
	if r.Series.Rescue && r.SubSched {
		who := dump.TaskRef{Comm: "none", PID: -1}
		if c.Rescuing.Known {
			who = c.Rescuing.V
		}
		r.line(at(&c.NrRescue.At, &c.RescueBudget.At, &c.Rescuing.At), "          rescue=%d budget=%dus rescuing=%s",
			c.NrRescue.V, c.RescueBudget.V.Microseconds(), who)
	}
	r.line(slices.Concat(at(&c.Current.At, &c.Class.At), unknownAt(c.Unknown, 1, 2)),
		"          curr=%s class=%s%s", c.Current.V, r.className(c.Class.V), unknown(c.Unknown, 1, 2))
	r.kicks("cpus_to_kick   ", &c.CPUsToKick)
	r.kicks("idle_to_kick   ", &c.IdleToKick)
	r.kicks("cpus_to_preempt", &c.CPUsToPreempt)
	r.kicks("cpus_to_wait   ", &c.CPUsToWait)
	if r.Series.SyncMask {
		r.kicks("cpus_to_sync   ", &c.CPUsToSync)
	}
	r.cpuText(c)
	c.At = r.span(start)
	for i := range r.s.Tasks {
		if t := &r.s.Tasks[i]; t.CPU.V == c.ID {
			r.task(t)
		}
	}
}

// kicks prints a set of CPUs unless it is empty.
func (r *renderer) kicks(name string, m *dump.Value[dump.CPUMask]) {
	if m.Known && !m.V.IsEmpty() {
		r.line(at(&m.At), "  %s: %s", name, m.V.Hex(r.CPUIDs))
	}
}

func (r *renderer) task(t *dump.Task) {
	r.blank()
	start := len(r.text)
	marker := ' '
	if t.Current {
		marker = '*'
	}
	owner := ""
	if r.Series.Owner {
		if t.OwnerDumped {
			owner = "*"
		}
		owner = " " + owner + t.Owner.V
	}
	// The unknown fields go in turn to the ends of the five lines.
	const lines = 5
	u := func(i int) string { return unknown(t.Unknown, i, lines) }
	ua := func(i int, marks ...*dump.Span) []*dump.Span { return append(marks, unknownAt(t.Unknown, i, lines)...) }
	r.line(ua(4, &t.CPU.At, &t.State.At, &t.Owner.At, &t.RunnableAt.At), " %c%c %s%s %+dms%s",
		marker, t.State.V, t.TaskRef, owner, t.RunnableAt.V.Milliseconds(), u(4))
	r.line(ua(0, &t.SCXState.At, &t.SCXStateNr.At, &t.Flags.At, &t.DSQFlags.At, &t.OpsState.At, &t.QSeq.At),
		"      scx_state/flags=%d/0x%x dsq_flags=0x%x ops_state/qseq=%d/%d%s",
		t.SCXStateNr.V, t.Flags.V, t.DSQFlags.V, uint8(t.OpsState.V), t.QSeq.V, u(0))
	dsq := "(n/a)"
	if !t.DSQ.V.IsNone() {
		dsq = t.DSQ.V.ID.String()
	}
	on := ua(1, &t.StickyCPU.At, &t.HoldingCPU.At, &t.DSQ.At)
	where := fmt.Sprintf("      sticky/holding_cpu=%d/%d dsq_id=%s", t.StickyCPU.V, t.HoldingCPU.V, dsq)
	switch r.Series.TaskLine {
	case VTimeOnDSQLine:
		r.line(append(on, &t.DSQVTime.At), "%s dsq_vtime=%d%s", where, t.DSQVTime.V, u(1))
	case VTimeAndSliceOnDSQLine:
		r.line(append(on, &t.DSQVTime.At, &t.Slice.At), "%s dsq_vtime=%d slice=%d%s", where, t.DSQVTime.V, t.Slice.V, u(1))
	case VTimeOnOwnLine:
		r.line(on, "%s%s", where, u(1))
		r.line(ua(2, &t.DSQVTime.At, &t.Slice.At, &t.Weight.At), "      dsq_vtime=%d slice=%d weight=%d%s",
			t.DSQVTime.V, t.Slice.V, t.Weight.V, u(2))
	}
	noMig := ""
	if r.Series.NoMig {
		noMig = fmt.Sprintf(" no_mig=%d", t.MigrationDisabled.V)
	}
	r.line(ua(3, &t.CPUs.At, &t.MigrationDisabled.At), "      cpus=%s%s%s", t.CPUs.V.Hex(r.CPUIDs), noMig, u(3))
	r.taskText(t)
	if len(t.Stack) > 0 {
		r.blank()
	}
	for i := range t.Stack {
		r.line(at(&t.Stack[i].At), "    %s", t.Stack[i].Text)
	}
	t.At = r.span(start)
}

// counters prints the event counters that the series has; those that the model
// lacks are 0.
func (r *renderer) counters() {
	if len(r.Series.Counters) == 0 {
		return
	}
	r.blank()
	r.line(nil, "Event counters")
	r.line(nil, "--------------")
	for _, name := range r.Series.Counters {
		i := slices.IndexFunc(r.s.Counters, func(c dump.Counter) bool { return c.Name == name })
		if i < 0 {
			r.s.Counters = append(r.s.Counters, dump.Counter{Name: name})
			i = len(r.s.Counters) - 1
		}
		r.line(at(&r.s.Counters[i].At), "%40s: %16d", name, r.s.Counters[i].Value)
	}
}

// unknown are the fields of line i of n that later kernels have and this
// program does not know, as they are appended to a line.
func unknown(fields []dump.KV, i, n int) string {
	var b strings.Builder
	for ; i < len(fields); i += n {
		b.WriteString(" " + fields[i].Key + "=" + fields[i].Value)
	}
	return b.String()
}

// unknownAt are the places of the fields that unknown prints.
func unknownAt(fields []dump.KV, i, n int) []*dump.Span {
	var marks []*dump.Span
	for ; i < len(fields); i += n {
		marks = append(marks, &fields[i].At)
	}
	return marks
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
