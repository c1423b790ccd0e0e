// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"scxdiag/dump"
)

// Compare says in which ways got, what was read from log, differs from what
// the dump d was made of, one sentence each. log is d.Lines() with whatever
// carriers did to it.
//
// A value that got knows must be the model's. A value of the model that is
// printed on a line that arrived whole must be known, provided that the line
// which says whose value it is arrived whole too, and that no line in between is
// missing. A mark says that lines are, and not whether they were blank.
func Compare(d *Dump, k Config, log Text, got *dump.Snapshot) []string {
	c := &comparison{d: d, k: k, arrived: log.Arrived(), present: make(map[int]bool, len(log))}
	for _, l := range log {
		c.present[l.Src] = true
		c.last = max(c.last, l.Src)
	}
	left := log.leftOut()
	gaps := 0
	for line := range bytes.Lines(d.full) {
		if n := len(c.gaps); left[n] || !c.present[n] && len(line) > 1 {
			gaps++
		}
		c.gaps = append(c.gaps, gaps)
		c.ends = append(c.ends, len(line)+c.end())
	}
	c.whole = len(c.arrived) >= len(c.ends)
	c.snapshot(d.Model, got)
	return c.problems
}

// comparison collects the differences of one snapshot.
type comparison struct {
	d        *Dump
	k        Config
	arrived  map[int]bool
	present  map[int]bool // those that arrived in part, too
	last     int          // of them
	ends     []int        // where the lines end, their newline included
	gaps     []int        // for each line, how many up to it are missing
	whole    bool         // every line arrived
	trigger  dump.Span    // the line that begins the dump
	head     dump.Span    // the line that begins what is being compared
	problems []string
}

// end is where the lines seen so far end.
func (c *comparison) end() int {
	if len(c.ends) == 0 {
		return 0
	}
	return c.ends[len(c.ends)-1]
}

func (c *comparison) reportf(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// intact reports whether all lines of the dump that span touches arrived; a
// span that is nowhere was not printed.
func (c *comparison) intact(span dump.Span) bool {
	if span.IsZero() {
		return false
	}
	for l := c.line(span.Off); l <= c.line(span.End()); l++ {
		if !c.arrived[l] {
			return false
		}
	}
	return true
}

// expected reports whether the value at span must be known.
func (c *comparison) expected(span dump.Span) bool {
	return c.intact(span) && (c.head.IsZero() || c.intact(c.head) && c.gaps[c.line(span.Off)] == c.gaps[c.line(c.head.Off)])
}

// line is the number of the line of the dump that has the byte at off.
func (c *comparison) line(off uint32) int {
	n, found := slices.BinarySearch(c.ends, int(off))
	if found {
		n++
	}
	return min(n, len(c.ends)-1)
}

// where quotes the text of a span for a message.
func (c *comparison) where(span dump.Span) string {
	if span.IsZero() || int(span.End()) > len(c.d.full) {
		return "not printed"
	}
	return fmt.Sprintf("line %d, %q", c.line(span.Off)+1, bytes.TrimSpace(c.d.full[span.Off:span.End()]))
}

// same checks one value.
func same[T comparable](c *comparison, what string, want, got dump.Value[T]) {
	check(c, what, want, got, func(a, b T) bool { return a == b })
}

// check checks one value with the given equality.
func check[T any](c *comparison, what string, want, got dump.Value[T], equal func(want, got T) bool) {
	switch {
	case got.Known && !want.Known:
		c.reportf("%s: got %s, but the dump does not say", what, show(got.V))
	case got.Known && !equal(want.V, got.V):
		c.reportf("%s: got %s, want %s (%s)", what, show(got.V), show(want.V), c.where(want.At))
	case !got.Known && want.Known && c.expected(want.At):
		c.reportf("%s: unknown, want %s (%s)", what, show(want.V), c.where(want.At))
	}
}

func show(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%q", v)
	case byte:
		return fmt.Sprintf("%q", v)
	case dump.TaskRef:
		return fmt.Sprintf("%q", v.String())
	case dump.CPUMask:
		return "CPUs {" + v.String() + "}"
	case dump.DSQRef:
		return fmt.Sprintf("%s %s (cell %d, LLC %d, CPU %d)", v.Kind, v.ID, v.Cell, v.LLC, v.CPU)
	case []string:
		return fmt.Sprintf("%q", v)
	default:
		return fmt.Sprint(v)
	}
}

func (c *comparison) snapshot(want, got *dump.Snapshot) {
	named := c.k.Series.Owner && c.k.SubSched
	if got.Trigger != want.Trigger && c.arrived[bit(named)] {
		c.reportf("trigger: got %q, want %q", got.Trigger, want.Trigger)
	}
	c.trigger = dump.Span{Len: 1}
	if named {
		c.trigger.Off = uint32(c.ends[0]) //nolint:gosec // small
	}
	c.head = c.trigger
	c.release(want, got)
	if !got.Kernel.Admits(c.k.Series.Version) {
		c.reportf("kernel: %s does not admit %s", got.Kernel, c.k.Series.Version)
	}
	c.scheduler(named, want, got)
	if named && c.arrived[0] {
		w, g := "root", "root"
		if want.Sub != nil {
			w = fmt.Sprintf("%+v", *want.Sub)
		}
		if got.Sub != nil {
			g = fmt.Sprintf("%+v", *got.Sub)
		}
		if w != g {
			c.reportf("sub-scheduler: got %s, want %s", g, w)
		}
	}
	c.exit(want.Exit, got.Exit)
	c.cpus(want, got)
	c.tasks(want, got)
	c.head = c.trigger
	c.cells(want, got)
	c.dsqs(want, got)
	c.events(want, got)
	c.head = dump.Span{}
	c.counters(want, got)
	c.head = c.trigger
	c.kvs("build", want.Build, got.Build)
	c.schedulerText("text of the scheduler", want.Text, got.Text)
	if c.whole && c.k.Format != AnyText && !c.overflowed() {
		for _, l := range got.Text {
			c.reportf("text of the scheduler: %q was not taken in", l.Text)
		}
	}
	if truncated := c.d.Cut >= 0; truncated && !got.Ledger.Truncated {
		c.reportf("ledger: the dump is not marked as truncated")
	} else if c.whole && !truncated && got.Ledger.Truncated {
		c.reportf("ledger: the dump is marked as truncated, but it is whole")
	}
	if c.whole && got.Ledger.Lines.NotUnderstood > 0 {
		for _, l := range got.Ledger.NotUnderstood {
			c.reportf("ledger: %q was not understood", l.Text)
		}
	}
}

// scheduler checks the name, which kernels print as the first line of the dump
// if named is set. Without it, the text may still betray the scheduler.
func (c *comparison) scheduler(named bool, want, got *dump.Snapshot) {
	ok := false
	switch {
	case named && c.arrived[0]:
		ok = got.Scheduler == want.Scheduler
	case named: // nothing tells that its first character is missing
		ok = strings.HasSuffix(want.Scheduler, got.Scheduler)
		fallthrough
	default:
		ok = ok || got.Scheduler == "" || got.Scheduler == want.BaseName()
	}
	if !ok {
		c.reportf("scheduler: got %q, want %q", got.Scheduler, want.Scheduler)
	}
}

// release checks what the scheduler's text says of the kernel.
func (c *comparison) release(want, got *dump.Snapshot) {
	printed := len(want.Build) > 0 && c.expected(want.Build[0].At)
	if got.Kernel.Release != want.Kernel.Release && (printed || got.Kernel.Release != "") {
		c.reportf("kernel release: got %q, want %q", got.Kernel.Release, want.Kernel.Release)
	}
}

// overflowed reports whether a line of scheduler text was too long for the
// kernel.
func (c *comparison) overflowed() bool {
	for line := range bytes.Lines(c.d.full) {
		if len(line) > opsLineMax {
			return true
		}
	}
	return false
}

func (c *comparison) exit(want, got *dump.Exit) {
	if want == nil || got == nil {
		if want != nil && c.intact(want.Kind.At) {
			c.reportf("exit: got none")
		}
		if got != nil && want == nil {
			c.reportf("exit: got one, want none")
		}
		return
	}
	c.head = want.Kind.At
	same(c, "exit kind", want.Kind, got.Kind)
	same(c, "exit reason", want.Reason, got.Reason)
	if want.Message.V != "" || got.Message.V != "" {
		same(c, "exit message", want.Message, got.Message)
	}
	check(c, "exit task", want.Task, got.Task, func(w, g dump.TaskRef) bool {
		// Nothing tells that the first character of a comm is missing.
		return w == g || w.PID == g.PID && strings.HasSuffix(w.Comm, g.Comm) && !c.intact(want.Task.At)
	})
	same(c, "exit subject", want.Subject, got.Subject)
	same(c, "exit CPU", want.CPU, got.CPU)
	c.lines("backtrace", want.Backtrace, got.Backtrace)
}

// lines checks that got has the lines of want that arrived, in order and
// nothing else.
func (c *comparison) lines(what string, want, got []dump.Line) {
	next := 0
	for _, g := range got {
		i := next
		for i < len(want) && strings.TrimRight(want[i].Text, " ") != strings.TrimRight(g.Text, " ") {
			i++
		}
		if i == len(want) {
			c.reportf("%s: got a line %q that is not there", what, g.Text)
			continue
		}
		for _, w := range want[next:i] {
			c.missing(what, w)
		}
		next = i + 1
	}
	for _, w := range want[next:] {
		c.missing(what, w)
	}
}

func (c *comparison) missing(what string, w dump.Line) {
	if c.expected(w.At) {
		c.reportf("%s: lacks %q (%s)", what, w.Text, c.where(w.At))
	}
}

// schedulerText checks the text of a scheduler that the reader cannot know.
func (c *comparison) schedulerText(what string, want, got []dump.Line) {
	if c.k.Format != AnyText {
		return
	}
	filled := func(lines []dump.Line) []dump.Line {
		return slices.DeleteFunc(slices.Clone(lines), func(l dump.Line) bool { return strings.TrimSpace(l.Text) == "" })
	}
	// What is left of a line that was cut may stay as text.
	got = slices.DeleteFunc(filled(got), func(g dump.Line) bool {
		return c.isRemnant(g.Text) && !slices.ContainsFunc(want, func(w dump.Line) bool { return w.Text == g.Text })
	})
	c.lines(what, filled(want), got)
}

// isRemnant reports whether text is the beginning or the end of a line that did
// not arrive whole.
func (c *comparison) isRemnant(text string) bool {
	n := 0
	for line := range bytes.Lines(c.d.full) {
		line, text := bytes.TrimSpace(line), []byte(strings.TrimSpace(text))
		if !c.arrived[n] && (bytes.HasPrefix(line, text) || bytes.HasSuffix(line, text)) {
			return true
		}
		n++
	}
	return false
}

// kvs checks that got has the fields of want that arrived, with their values.
func (c *comparison) kvs(what string, want, got []dump.KV) {
	for _, w := range want {
		i := slices.IndexFunc(got, func(g dump.KV) bool { return g.Key == w.Key })
		switch {
		case i < 0 && c.expected(w.At):
			c.reportf("%s: lacks %s=%s (%s)", what, w.Key, w.Value, c.where(w.At))
		case i >= 0 && got[i].Value != w.Value:
			c.reportf("%s: got %s=%s, want %s (%s)", what, w.Key, got[i].Value, w.Value, c.where(w.At))
		}
	}
	for _, g := range got {
		if !slices.ContainsFunc(want, func(w dump.KV) bool { return w.Key == g.Key }) {
			c.reportf("%s: got %s=%s, which is not there", what, g.Key, g.Value)
		}
	}
}

func (c *comparison) cpus(want, got *dump.Snapshot) {
	for i := range got.CPUs {
		g := &got.CPUs[i]
		switch w := want.CPU(g.ID); {
		case w == nil && slices.Contains(c.d.Idle, g.ID):
			c.class(g.ID, dump.Of(dump.ClassIdle), g.Class)
		case w == nil || !w.Listed && g.Listed:
			c.reportf("CPU %d: got one, but the dump does not list it", g.ID)
		default:
			c.cpu(w, g)
		}
	}
	next := 0
	for i := range want.CPUs {
		w := &want.CPUs[i]
		at := slices.IndexFunc(got.CPUs, func(g dump.CPU) bool { return g.ID == w.ID })
		header := dump.Span{Off: w.At.Off, Len: min(w.At.Len, 1)}
		switch {
		case !w.Listed:
		case at < 0 && c.intact(header):
			c.reportf("CPU %d: missing (%s)", w.ID, c.where(w.NrRunning.At))
		case at >= 0 && !got.CPUs[at].Listed: // its header was lost
		case at >= 0 && at < next:
			c.reportf("CPU %d: not in the order of the dump", w.ID)
		case at >= 0:
			next = at
		}
	}
}

func (c *comparison) cpu(want, got *dump.CPU) {
	what := func(field string) string { return fmt.Sprintf("CPU %d %s", want.ID, field) }
	c.head = want.NrRunning.At
	same(c, what("nr_run"), want.NrRunning, got.NrRunning)
	same(c, what("flags"), want.Flags, got.Flags)
	same(c, what("cpu_rel"), want.CPURel, got.CPURel)
	same(c, what("ops_qseq"), want.OpsQSeq, got.OpsQSeq)
	same(c, what("ksync"), want.KSync, got.KSync)
	same(c, what("current task"), want.Current, got.Current)
	c.class(want.ID, want.Class, got.Class)
	same(c, what("rescue"), want.NrRescue, got.NrRescue)
	same(c, what("budget"), want.RescueBudget, got.RescueBudget)
	same(c, what("rescuing"), want.Rescuing, got.Rescuing)
	same(c, what("cpus_to_kick"), want.CPUsToKick, got.CPUsToKick)
	same(c, what("idle_to_kick"), want.IdleToKick, got.IdleToKick)
	same(c, what("cpus_to_preempt"), want.CPUsToPreempt, got.CPUsToPreempt)
	same(c, what("cpus_to_wait"), want.CPUsToWait, got.CPUsToWait)
	same(c, what("cpus_to_sync"), want.CPUsToSync, got.CPUsToSync)
	c.kvs(what("scheduler"), want.Scheduler, got.Scheduler)
	c.kvs(what("unknown fields"), want.Unknown, got.Unknown)
	c.schedulerText(what("text"), want.Text, got.Text)
	c.head = c.trigger
	same(c, what("cell"), want.Cell, got.Cell)
	same(c, what("LLC"), want.LLC, got.LLC)
	same(c, what("vtime"), want.VTime, got.VTime)
	same(c, what("nr_queued"), want.Queued, got.Queued)
}

// class checks the class of a CPU's task, which may be left as an address.
func (c *comparison) class(cpu int32, want, got dump.Value[dump.Class]) {
	check(c, fmt.Sprintf("CPU %d class", cpu), want, got, func(w, g dump.Class) bool {
		return w == g || c.k.ClassBase != 0 && string(g) == c.k.className(w)
	})
}

func (c *comparison) tasks(want, got *dump.Snapshot) {
	next := 0
	for i := range got.Tasks {
		g := &got.Tasks[i]
		at := slices.IndexFunc(want.Tasks[next:], func(w dump.Task) bool { return w.TaskRef == g.TaskRef })
		if at < 0 {
			if g.PID >= 0 {
				c.reportf("task %q: got one that is not there, or not in this place", g.TaskRef)
			}
			continue
		}
		for j := range want.Tasks[next : next+at] {
			c.missingTask(&want.Tasks[next+j])
		}
		next += at + 1
		c.task(want, &want.Tasks[next-1], g)
	}
	for j := range want.Tasks[next:] {
		c.missingTask(&want.Tasks[next+j])
	}
}

func (c *comparison) missingTask(w *dump.Task) {
	// A header without its details may be anything, unless the log ends there.
	details := c.line(w.SCXStateNr.At.Off)
	if c.intact(w.State.At) && (c.present[details] || details > c.last) {
		c.reportf("task %q: missing (%s)", w.TaskRef, c.where(w.State.At))
	}
}

func (c *comparison) task(s *dump.Snapshot, want, got *dump.Task) {
	what := func(field string) string { return fmt.Sprintf("task %q %s", want.TaskRef, field) }
	if got.Current != want.Current && c.intact(want.State.At) {
		c.reportf("%s: got %t, want %t", what("is current"), got.Current, want.Current)
	}
	c.head = s.CPU(want.CPU.V).NrRunning.At
	same(c, what("CPU"), want.CPU, got.CPU)
	c.head = want.State.At
	same(c, what("state"), want.State, got.State)
	same(c, what("owner"), want.Owner, got.Owner)
	if got.Owner.Known && got.OwnerDumped != want.OwnerDumped {
		c.reportf("%s: got %t, want %t", what("is of the scheduler being dumped"), got.OwnerDumped, want.OwnerDumped)
	}
	same(c, what("runnable at"), want.RunnableAt, got.RunnableAt)
	state := want.SCXState
	if !slices.ContainsFunc(s.Tasks, func(t dump.Task) bool { return t.Current && c.intact(t.SCXStateNr.At) && c.intact(t.State.At) }) {
		state.At = dump.Span{} // nothing to calibrate the numbers with
	}
	same(c, what("state of sched_ext"), state, got.SCXState)
	same(c, what("number of the state"), want.SCXStateNr, got.SCXStateNr)
	same(c, what("flags"), want.Flags, got.Flags)
	same(c, what("dsq_flags"), want.DSQFlags, got.DSQFlags)
	same(c, what("ops_state"), want.OpsState, got.OpsState)
	same(c, what("qseq"), want.QSeq, got.QSeq)
	same(c, what("sticky_cpu"), want.StickyCPU, got.StickyCPU)
	same(c, what("holding_cpu"), want.HoldingCPU, got.HoldingCPU)
	check(c, what("dsq_id"), want.DSQ, got.DSQ, c.sameDSQ)
	same(c, what("dsq_vtime"), want.DSQVTime, got.DSQVTime)
	same(c, what("slice"), want.Slice, got.Slice)
	same(c, what("weight"), want.Weight, got.Weight)
	same(c, what("cpus"), want.CPUs, got.CPUs)
	same(c, what("no_mig"), want.MigrationDisabled, got.MigrationDisabled)
	same(c, what("cell"), want.Cell, got.Cell)
	same(c, what("LLC"), want.LLC, got.LLC)
	same(c, what("vtime"), want.VTime, got.VTime)
	same(c, what("basis_vtime"), want.BasisVTime, got.BasisVTime)
	check(c, what("dsq of the scheduler"), want.AssignedDSQ, got.AssignedDSQ, c.sameDSQ)
	same(c, what("CPUs of the scheduler"), want.SchedulerCPUs, got.SchedulerCPUs)
	same(c, what("all_cell_cpus_allowed"), want.AllCellCPUsAllowed, got.AllCellCPUsAllowed)
	same(c, what("cgroup"), want.CgroupID, got.CgroupID)
	same(c, what("cgroup name"), want.CgroupName, got.CgroupName)
	c.kvs(what("scheduler"), want.Scheduler, got.Scheduler)
	c.kvs(what("unknown fields"), want.Unknown, got.Unknown)
	c.schedulerText(what("text"), want.Text, got.Text)
	c.lines(what("stack"), want.Stack, got.Stack)
}

// sameDSQ compares what is known of a DSQ. Where lines are missing, less may be
// known: which CPU a local DSQ belongs to, or how the scheduler encodes ids.
func (c *comparison) sameDSQ(want, got dump.DSQRef) bool {
	if want.IsNone() || got.IsNone() {
		return want.IsNone() == got.IsNone()
	}
	if want.ID == got.ID && !c.whole {
		return want == got || want.Kind == got.Kind && got.CPU < 0 || got.Kind == dump.DSQKindUser
	}
	return want == got
}

func (c *comparison) cells(want, got *dump.Snapshot) {
	for i := range got.Cells {
		if want.Cell(got.Cells[i].ID) == nil {
			c.reportf("cell %d: got one that is not there", got.Cells[i].ID)
		}
	}
	for i := range want.Cells {
		w, g := &want.Cells[i], got.Cell(want.Cells[i].ID)
		if g == nil {
			if c.expected(w.CPUs.At) {
				c.reportf("cell %d: missing (%s)", w.ID, c.where(w.CPUs.At))
			}
			continue
		}
		what := func(field string) string { return fmt.Sprintf("cell %d %s", w.ID, field) }
		same(c, what("CPUs"), w.CPUs, g.CPUs)
		same(c, what("vtime"), w.VTime, g.VTime)
		same(c, what("nr_queued"), w.Queued, g.Queued)
		same(c, what("llcs_to_drain"), w.DrainLLCs, g.DrainLLCs)
		same(c, what("llcs_with_cpus"), w.CPULLCs, g.CPULLCs)
		c.cellLLCs(w, g)
	}
}

func (c *comparison) cellLLCs(want, got *dump.Cell) {
	find := func(cell *dump.Cell, id int32) *dump.CellLLC {
		for i := range cell.LLCs {
			if cell.LLCs[i].LLC == id {
				return &cell.LLCs[i]
			}
		}
		return nil
	}
	for i := range got.LLCs {
		if find(want, got.LLCs[i].LLC) == nil {
			c.reportf("cell %d LLC %d: got one that is not there", want.ID, got.LLCs[i].LLC)
		}
	}
	for i := range want.LLCs {
		w, g := &want.LLCs[i], find(got, want.LLCs[i].LLC)
		what := func(field string) string { return fmt.Sprintf("cell %d LLC %d %s", want.ID, w.LLC, field) }
		if g == nil {
			if c.expected(w.At) {
				c.reportf("%s (%s)", what("missing"), c.where(w.At))
			}
			continue
		}
		same(c, what("vtime"), w.VTime, g.VTime)
		same(c, what("nr_queued"), w.Queued, g.Queued)
		same(c, what("tracked_nr_queued"), w.TrackedQueued, g.TrackedQueued)
		same(c, what("drain"), w.Drain, g.Drain)
		same(c, what("has_cpus"), w.HasCPUs, g.HasCPUs)
	}
}

// dsqs compares the queues of scx_layered, in order.
func (c *comparison) dsqs(want, got *dump.Snapshot) {
	if c.k.Format.IsQmap() {
		c.fifos(want, got)
		return
	}
	next := 0
	for i := range want.DSQs {
		w := &want.DSQs[i]
		// Without an id, a queue is known by what its line says. Fallback queues
		// have the same name, so where one is lost only the id tells them apart.
		at := slices.IndexFunc(got.DSQs[next:], func(g dump.DSQ) bool {
			if !g.ID.Known {
				return strings.Contains(g.Name, w.Name) && g.Queued.Or(w.Queued.V) == w.Queued.V &&
					g.NrCPUs.Or(w.NrCPUs.V) == w.NrCPUs.V && g.HeadWait.Or(w.HeadWait.V) == w.HeadWait.V
			}
			return g.ID.V == w.ID.V
		})
		if at < 0 {
			if c.expected(w.At) {
				c.reportf("DSQ %s: missing (%s)", w.ID.V, c.where(w.At))
			}
			continue
		}
		next += at + 1
		c.dsq(w, &got.DSQs[next-1])
	}
	if len(got.DSQs) > len(want.DSQs) {
		c.reportf("got %d DSQs, want %d", len(got.DSQs), len(want.DSQs))
	}
}

func (c *comparison) dsq(want, got *dump.DSQ) {
	what := func(field string) string { return fmt.Sprintf("DSQ %s %s", want.ID.V, field) }
	if !strings.Contains(got.Name, want.Name) && c.expected(want.At) {
		c.reportf("%s: got %q, want %q", what("name"), got.Name, want.Name)
	}
	same(c, what("id"), want.ID, got.ID)
	same(c, what("nr_queued"), want.Queued, got.Queued)
	same(c, what("nr_cpus"), want.NrCPUs, got.NrCPUs)
	same(c, what("CPUs"), want.CPUs, got.CPUs)
	same(c, what("wait"), want.HeadWait, got.HeadWait)
}

// fifos compares the queues of scx_qmap. Pids that did not fit on the kernel's
// line may be missing, never wrong.
func (c *comparison) fifos(want, got *dump.Snapshot) {
	for i := range want.DSQs {
		w := &want.DSQs[i]
		name := fmt.Sprintf("FIFO[%d]", i)
		at := slices.IndexFunc(got.DSQs, func(g dump.DSQ) bool { return strings.Contains(g.Name, name) })
		if at < 0 {
			if c.expected(w.At) {
				c.reportf("%s: missing (%s)", name, c.where(w.At))
			}
			continue
		}
		next := 0
		for _, pid := range got.DSQs[at].PIDs {
			j := slices.Index(w.PIDs[next:], pid)
			if j < 0 {
				c.reportf("%s: got pid %d, which is not there or not in this place", name, pid)
				continue
			}
			next += j + 1
		}
		if c.expected(w.At) && w.At.Len < opsLineMax && !slices.Equal(w.PIDs, got.DSQs[at].PIDs) {
			c.reportf("%s: got pids %v, want %v", name, got.DSQs[at].PIDs, w.PIDs)
		}
	}
	if len(got.DSQs) > len(want.DSQs) {
		c.reportf("got %d FIFOs, want %d", len(got.DSQs), len(want.DSQs))
	}
}

func (c *comparison) events(want, got *dump.Snapshot) {
	if !(c.k.Events && c.k.Format >= MitosisV2 && c.k.Format <= MitosisV6) {
		if len(got.Events) > 0 {
			c.reportf("got %d events, want none", len(got.Events))
		}
		return
	}
	for i := range want.Events {
		w := &want.Events[i]
		at := slices.IndexFunc(got.Events, func(g dump.Event) bool { return g.Seq == w.Seq })
		if at < 0 {
			if c.expected(w.At) {
				c.reportf("event %d: missing (%s)", w.Seq, c.where(w.At))
			}
			continue
		}
		g := &got.Events[at]
		if g.Kind != w.Kind {
			c.reportf("event %d: got %q, want %q", w.Seq, g.Kind, w.Kind)
		}
		what := func(field string) string { return fmt.Sprintf("event %d %s", w.Seq, field) }
		same(c, what("cgroup"), w.CgroupID, g.CgroupID)
		same(c, what("pid"), w.PID, g.PID)
		same(c, what("time"), w.Time, g.Time)
	}
	if len(got.Events) > len(want.Events) {
		c.reportf("got %d events, want %d", len(got.Events), len(want.Events))
	}
}

func (c *comparison) counters(want, got *dump.Snapshot) {
	find := func(s *dump.Snapshot, name string) *dump.Counter {
		for i := range s.Counters {
			if s.Counters[i].Name == name {
				return &s.Counters[i]
			}
		}
		return nil
	}
	for i := range want.Counters {
		w, g := &want.Counters[i], find(got, want.Counters[i].Name)
		switch {
		case g == nil && c.intact(w.At):
			c.reportf("%s: missing", w.Name)
		case g != nil && g.Value != w.Value:
			c.reportf("%s: got %d, want %d", w.Name, g.Value, w.Value)
		}
	}
	for _, g := range got.Counters {
		if find(want, g.Name) == nil {
			c.reportf("%s: got one that is not there", g.Name)
		}
	}
}
