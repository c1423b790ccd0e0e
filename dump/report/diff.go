// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"scxdiag/dump"
	"scxdiag/dump/diff"
)

// DiffText writes a difference as text for people.
func DiffText(w io.Writer, d *diff.Diff, opts Options) error {
	t := textWriter{w: w, opts: opts}
	t.page(newDiffPage(d))
	_, err := w.Write(t.buf.Bytes())
	return err
}

// DiffMarkdown writes a difference as Markdown, to be pasted into an issue.
func DiffMarkdown(w io.Writer, d *diff.Diff) error {
	p := newDiffPage(d)
	text, _ := markdownPage(&p, maxMarkdown) // its verdict always fits
	_, err := io.WriteString(w, text)
	return err
}

// DiffJSON writes a difference as one JSON document; see the package comment.
func DiffJSON(w io.Writer, d *diff.Diff) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(newJSONDiff(d)); err != nil {
		return fmt.Errorf("encode difference: %w", err)
	}
	out := appendPrintable(nil, bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	_, err := w.Write(append(out, '\n'))
	return err
}

// diffExamples is how many tasks, cells, CPUs and the like a row names.
const diffExamples = 8

// newDiffPage is what text and Markdown show of a difference.
func newDiffPage(d *diff.Diff) page {
	name := d.After.Scheduler
	if name == "" {
		name = d.Before.Scheduler
	}
	p := page{verdict: say("difference of two snapshots")}
	if name != "" {
		p.verdict = say(p.verdict, " of sched_ext scheduler ", quoted(name))
	}
	if d.Elapsed.Known {
		p.verdict = say(p.verdict, ", ", roundTime(d.Elapsed.V.Abs()), " apart")
	}
	switch {
	case d.Ended:
		p.verdict = say(p.verdict, ": the scheduler ended in between")
	case d.Empty() && d.SameRun:
		p.verdict = say(p.verdict, ": nothing is known to have changed")
	}
	head := []row{sideRow("first", d.Before), sideRow("second", d.After)}
	for i, n := range d.Notes {
		if i == 0 {
			head = append(head, row{label: "note"})
		}
		r := &head[len(head)-1]
		r.lines = append(r.lines, say(quoted(n)))
	}
	p.add(head)
	p.add(taskDiffRows(d))
	p.add(progressRows(d))
	p.add(cellDiffRows(d))
	p.add(cpuDiffRows(d))
	p.add(append(queueDiffRows(d), counterDiffRows(d)...))
	return p
}

// sideRow says which snapshot it is.
func sideRow(label string, s *dump.Snapshot) row {
	var when phrase
	if !s.Time.IsZero() {
		when = say(s.Time.Format("2006-01-02T15:04:05.999Z07:00"))
	}
	const idDigits = 12
	source := s.Source
	source.Copies = nil
	return row{label: label, lines: []phrase{
		verdict(s),
		join(", ", say("snapshot ", s.ID()[:idDigits]), when, sourcePhrase(&source)),
	}}
}

// examples joins the first elements of a list and says how many more there are.
func examples[T any](list []T, one func(*T) phrase) phrase {
	var p phrase
	for i := range list {
		if i == diffExamples {
			return say(p, " and ", len(list)-i, " more")
		}
		p = join(", ", p, one(&list[i]))
	}
	return p
}

// subRow adds a row below the last one, if it says something.
func subRow(rows []row, label string, lines ...phrase) []row {
	if r, ok := fact(label, lines...); ok {
		r.sub = true
		rows = append(rows, r)
	}
	return rows
}

// counted is a number with what it counts, empty for 0.
func counted(n int, what string) phrase {
	if n == 0 {
		return nil
	}
	return say(n, " ", what)
}

// arrow is a value before and after.
func arrow(before, after any) phrase { return say(before, " -> ", after) }

// shortMask is a mask in a list of examples.
func shortMask(m dump.CPUMask) string {
	const limit = 40
	if s := m.String(); len(s) <= limit && s != "" {
		return s
	}
	return plural(m.Count(), "CPU")
}

// taskFieldNames are the compared fields of a task: the label of the row, what
// people call it, the name in JSON, and its value.
var taskFieldNames = [diff.NrTaskFields]struct {
	label, name, json string
	value             func(*dump.Task) phrase
}{
	diff.TaskCell:              {"cell", "cell", "cell", func(t *dump.Task) phrase { return say(t.Cell.V) }},
	diff.TaskCPU:               {"CPU", "CPU", "cpu", func(t *dump.Task) phrase { return say(t.CPU.V) }},
	diff.TaskDSQ:               {"DSQ", "DSQ", "dsq", func(t *dump.Task) phrase { return shortDSQ(t.DSQ.V) }},
	diff.TaskAssignedDSQ:       {"assigned", "assigned DSQ", "assigned_dsq", func(t *dump.Task) phrase { return shortDSQ(t.AssignedDSQ.V) }},
	diff.TaskCPUs:              {"may run", "CPUs", "cpus", func(t *dump.Task) phrase { return say(shortMask(t.CPUs.V)) }},
	diff.TaskAllowedCPUs:       {"allowed", "allowed CPUs", "allowed_cpus", func(t *dump.Task) phrase { return say(shortMask(t.AllowedCPUs.V)) }},
	diff.TaskSchedulerCPUs:     {"by sched", "scheduler's CPUs", "scheduler_cpus", func(t *dump.Task) phrase { return say(shortMask(t.SchedulerCPUs.V)) }},
	diff.TaskMigrationDisabled: {"pinned", "disabled migration", "migration_disabled", func(t *dump.Task) phrase { return say(t.MigrationDisabled.V) }},
	diff.TaskWeight:            {"weight", "weight", "weight", func(t *dump.Task) phrase { return say(t.Weight.V) }},
	diff.TaskCgroup:            {"cgroup", "cgroup", "cgroup_id", taskCgroup},
}

func taskCgroup(t *dump.Task) phrase {
	if t.CgroupName.Known {
		return say(quoted(t.CgroupName.V))
	}
	return say(t.CgroupID.V)
}

// shortDSQ is a DSQ in a list of examples.
func shortDSQ(d dump.DSQRef) phrase {
	if d.IsNone() {
		return say("none")
	}
	return say(quoted(d.String()))
}

// taskDiffRows says which tasks came, went and changed.
func taskDiffRows(d *diff.Diff) []row {
	t := &d.Tasks
	if !d.SamePIDs {
		return []row{{label: "tasks", lines: []phrase{say("unknown: a pid of one snapshot is not one of the other")}}}
	}
	if t.Matched+len(t.Came)+len(t.Went)+t.OnlyBefore+t.OnlyAfter == 0 {
		return []row{{label: "tasks", lines: []phrase{say("none in either snapshot")}}}
	}
	changed := counted(len(t.Changed), "changed")
	if changed == nil && t.Matched > 0 {
		changed = say("no change known")
	}
	rows := []row{{label: "tasks", lines: []phrase{join(", ",
		say(t.Matched, " in both"), changed, counted(len(t.Came), "came"), counted(len(t.Went), "went"),
		counted(t.Repeated, "listed again or without a pid"))}}}
	rows = subRow(rows, "came", arrivals(t.Came, t.Before, "on no run queue before, or not there"))
	rows = subRow(rows, "went", arrivals(t.Went, t.After, "on no run queue any more, or gone"))
	for i, f := range &taskFieldNames {
		var of []diff.Task
		for _, c := range t.Changed {
			if c.Changed.Has(i) {
				of = append(of, c)
			}
		}
		rows = subRow(rows, f.label, examples(of, func(c *diff.Task) phrase {
			return say(c.After.TaskRef, " ", arrow(f.value(c.Before), f.value(c.After)))
		}))
	}
	var unknown phrase
	for i, f := range &taskFieldNames {
		if n := t.Fields[i].Unknown; n > 0 {
			unknown = join(", ", unknown, say("the ", f.name, " of ", plural(n, "task")))
		}
	}
	return subRow(rows, "unknown", unknown,
		untold(t.OnlyBefore, "task", "second", t.After), untold(t.OnlyAfter, "task", "first", t.Before))
}

// arrivals lists tasks that came or went; hedge is what that means where the
// other snapshot covers run queues only.
func arrivals(list []diff.Arrival, other diff.Coverage, hedge string) phrase {
	p := examples(list, func(a *diff.Arrival) phrase {
		one := say(a.TaskRef)
		if a.Cell.Known {
			one = say(one, " of cell ", a.Cell.V)
		}
		switch {
		case a.Reused:
			one = say(one, " (pid used again)")
		case a.SamePID != nil:
			one = say(one, " (pid is ", a.SamePID.TaskRef, " in the other: renamed, or used again)")
		}
		return one
	})
	if len(p) > 0 && other == diff.CoversRunnable {
		p = say(p, " (", hedge, ")")
	}
	return p
}

// untold counts what one snapshot has and the other may have had.
func untold(n int, noun, other string, covers diff.Coverage) phrase {
	if n == 0 {
		return nil
	}
	why := "which lost some"
	switch covers {
	case diff.CoversNothing:
		why = "which lists no " + noun + "s"
	case diff.CoversRunnable:
		why = "which lists no sleeping " + noun + "s"
	case diff.CoversSome, diff.CoversAll:
	}
	return say(plural(n, noun), " of which the ", other, " snapshot, ", why, ", does not tell")
}

// progressRows says who got on and who waited.
func progressRows(d *diff.Diff) []row {
	t := &d.Tasks
	if t.Matched == 0 {
		return nil
	}
	rows := []row{{label: "vtime", lines: []phrase{join(", ",
		counted(t.Advanced, "advanced"), counted(t.StoodStill, "stood still"), counted(t.WentBack, "went back"),
		counted(t.NoVTime, "unknown"))}}}
	list := t.Progress
	waited := list[:t.Waited]
	rows = subRow(rows, "waited", examples(waited, func(p *diff.Progress) phrase {
		wait, _ := p.After.WaitingFor()
		one := say(p.After.TaskRef, " for ", roundTime(wait))
		if p.After.Cell.Known {
			one = say(one, " in cell ", p.After.Cell.V)
		}
		if p.VTime.Known {
			one = say(one, ", vtime ", signed(p.VTime.V))
		}
		return one
	}))
	var ahead []diff.Progress
	for _, p := range list[t.Waited:] {
		if p.VTime.V > 0 {
			ahead = append(ahead, p)
		}
	}
	rows = subRow(rows, "advanced", examples(ahead, func(p *diff.Progress) phrase {
		one := say(p.After.TaskRef, " ", signed(p.VTime.V))
		if p.Ran.Known {
			one = say(one, " (ran ", roundTime(p.Ran.V), ")")
		}
		return one
	}))
	if t.WaitUnknown > 0 {
		rows = subRow(rows, "unknown", say("whether ", plural(t.WaitUnknown, "task"), " waited all the time"))
	}
	return rows
}

// signed is a number with its sign.
func signed(n int64) string { return fmt.Sprintf("%+d", n) }

// roundTime is a time for people.
func roundTime(d time.Duration) time.Duration {
	if d >= time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Microsecond)
}

// cellFieldNames are the compared fields of a cell, as those of a task.
var cellFieldNames = [diff.NrCellFields]struct {
	label, name, json string
	value             func(*dump.Cell) phrase
}{
	diff.CellCPUs:  {"resized", "CPUs", "cpus", func(c *dump.Cell) phrase { return say(shortMask(c.CPUs.V)) }},
	diff.CellState: {"state", "state", "state", func(c *dump.Cell) phrase { return say(quoted(c.State.V)) }},
	diff.CellOwner: {"owner", "owner", "owner_cgroup", func(c *dump.Cell) phrase { return say(c.OwnerCgroup.V) }},
	diff.CellDSQ:   {"DSQ", "DSQ", "dsq", func(c *dump.Cell) phrase { return say(c.DSQ.V.String()) }},
}

// cellDiffRows says what became of the cells.
func cellDiffRows(d *diff.Diff) []row {
	c := &d.Cells
	if c.Matched+len(c.Created)+len(c.Ended)+c.OnlyBefore+c.OnlyAfter == 0 {
		return nil
	}
	created, ended := "created", "ended"
	if !d.SameRun { // one cell did not become another
		created, ended = "in second", "in first"
	}
	rows := []row{{label: "cells", lines: []phrase{join(", ",
		say(c.Matched, " in both"), counted(len(c.Changed), "changed"), counted(len(c.Created), created),
		counted(len(c.Ended), ended))}}}
	one := func(c **dump.Cell) phrase {
		return join(": ", say("cell ", (*c).ID), cellHead(*c))
	}
	rows = subRow(rows, created, examples(c.Created, one))
	rows = subRow(rows, ended, examples(c.Ended, one))
	for i, f := range &cellFieldNames {
		var of []diff.Cell
		for _, cell := range c.Changed {
			if cell.Changed.Has(i) {
				of = append(of, cell)
			}
		}
		rows = subRow(rows, f.label, examples(of, func(cell *diff.Cell) phrase {
			return say("cell ", cell.After.ID, " ", arrow(f.value(cell.Before), f.value(cell.After)))
		}))
	}
	rows = subRow(rows, "vtime", cellClocks(c.Progress))
	var unknown phrase
	for i, f := range &cellFieldNames {
		if n := c.Fields[i].Unknown; n > 0 {
			unknown = join(", ", unknown, say("the ", f.name, " of ", plural(n, "cell")))
		}
	}
	return subRow(rows, "unknown", unknown,
		untold(c.OnlyBefore, "cell", "second", c.After), untold(c.OnlyAfter, "cell", "first", c.Before))
}

// cellClocks says how far the clocks of cells moved, if that is known of any.
func cellClocks(list []diff.CellProgress) phrase {
	if !slices.ContainsFunc(list, func(p diff.CellProgress) bool { return p.VTime.Known }) {
		return counted(len(list), "unknown")
	}
	return examples(list, cellClock)
}

func cellClock(p *diff.CellProgress) phrase {
	one := say("cell ", p.After.ID, " ")
	switch {
	case !p.VTime.Known:
		one = say(one, "unknown")
	case p.VTime.V == 0:
		one = say(one, "stood still")
	default:
		one = say(one, signed(p.VTime.V))
	}
	if p.Waited > 0 {
		one = say(one, " while ", plural(p.Waited, "task"), " waited")
	}
	return one
}

// cpuFieldNames are the compared fields of a CPU, as those of a task.
var cpuFieldNames = [diff.NrCPUFields]struct {
	label, name, json string
	value             func(*dump.CPU) phrase
}{
	diff.CPUCell:      {"moved", "cell", "cell", func(c *dump.CPU) phrase { return say("cell ", c.Cell.V) }},
	diff.CPUClass:     {"class", "class", "class", func(c *dump.CPU) phrase { return say(quoted(c.Class.V)) }},
	diff.CPUCurrent:   {"runs", "current task", "current", func(c *dump.CPU) phrase { return say(c.Current.V) }},
	diff.CPUNrRunning: {"has", "number of tasks", "nr_running", func(c *dump.CPU) phrase { return say(c.NrRunning.V) }},
	diff.CPUFlags:     {"flags", "flags", "flags", func(c *dump.CPU) phrase { return say(fmt.Sprintf("%#x", c.Flags.V)) }},
}

// cpuDiffRows says what became of the CPUs.
func cpuDiffRows(d *diff.Diff) []row {
	c := &d.CPUs
	if c.Matched+c.OnlyBefore+c.OnlyAfter == 0 {
		return nil
	}
	changed := counted(len(c.Changed), "changed")
	if changed == nil && c.Matched > 0 {
		changed = say("no change known")
	}
	rows := []row{{label: "CPUs", lines: []phrase{join(", ", say(c.Matched, " in both"), changed)}}}
	for i, f := range &cpuFieldNames {
		var of []diff.CPU
		for _, cpu := range c.Changed {
			if cpu.Changed.Has(i) {
				of = append(of, cpu)
			}
		}
		rows = subRow(rows, f.label, examples(of, func(cpu *diff.CPU) phrase {
			return say("CPU ", cpu.After.ID, " ", arrow(f.value(cpu.Before), f.value(cpu.After)))
		}))
	}
	var unknown, out phrase
	for i, f := range &cpuFieldNames {
		if n := c.Fields[i].Unknown; n > 0 {
			unknown = join(", ", unknown, say("the ", f.name, " of ", plural(n, "CPU")))
		}
	}
	switch n := c.OnlyBefore + c.OnlyAfter; {
	case n == 0:
	case len(d.After.CPUs) == 0:
		out = untold(n, "CPU", "second", diff.CoversNothing)
	case len(d.Before.CPUs) == 0:
		out = untold(n, "CPU", "first", diff.CoversNothing)
	case !d.Before.Ledger.Complete() || !d.After.Ledger.Complete():
		out = say(plural(n, "CPU"), " that one snapshot lacks: part of a dump is missing, or they were idle")
	default:
		out = say(plural(n, "CPU"), " that one snapshot leaves out, as the kernel does with idle ones")
	}
	return subRow(rows, "unknown", unknown, out)
}

// queueName is whose queue it is.
func queueName(q *diff.Queue) phrase {
	switch q.Kind {
	case diff.QueueOfCell:
		return say("cell ", q.Of)
	case diff.QueueOfCPU:
		return say("CPU ", q.Of)
	case diff.QueueOther:
	}
	var id, name phrase
	if q.DSQ.ID.Known {
		id = say(q.DSQ.ID.V.String())
	}
	if q.DSQ.Name != "" {
		name = say(quoted(q.DSQ.Name))
	}
	return say("DSQ ", join(" ", name, id))
}

func queueDiffRows(d *diff.Diff) []row {
	q := &d.Queues
	if q.Lengths.Total() == q.Lengths.Absent {
		return nil
	}
	p := examples(q.Changed, func(q *diff.Queue) phrase { return say(queueName(q), " ", arrow(q.Before, q.After)) })
	if len(p) == 0 && q.Lengths.Same > 0 {
		p = say("no change known")
	}
	return []row{{label: "queues", lines: withUnknown(p, q.Lengths, "queue")}}
}

func counterDiffRows(d *diff.Diff) []row {
	c := &d.Counters
	if c.Values.Total() == 0 {
		return nil
	}
	p := examples(c.Changed, func(c *diff.Counter) phrase { return say(quoted(c.Name), " ", signed(c.Delta())) })
	if len(p) == 0 && c.Values.Same > 0 {
		p = say("no change known")
	}
	return []row{{label: "counters", lines: withUnknown(p, c.Values, "counter")}}
}

// withUnknown adds a line that counts what is unknown.
func withUnknown(p phrase, t diff.Tally, noun string) []phrase {
	var lines []phrase
	if len(p) > 0 {
		lines = append(lines, p)
	}
	if t.Unknown > 0 {
		lines = append(lines, say("unknown: ", plural(t.Unknown, noun)))
	}
	return lines
}
