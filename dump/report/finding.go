// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"scxdiag/dump"
)

// finding is a dump.Finding in words.
type finding struct {
	title    phrase
	standing phrase // how grave, how sure, by which rule
	why      phrase
	evidence []proof
	victims  phrase
	follows  phrase // what merely follows from it
	next     phrase
}

// proof is one thing that a finding rests on.
type proof struct {
	where string // of words of this program
	text  string // printable
}

// maxRules is how many rules are named that were not evaluated.
const maxRules = 4

// maxVictims is how many victims of a finding are named.
const maxVictims = 5

func newFinding(s *dump.Snapshot, f *dump.Finding) finding {
	x := finding{
		title:    say(prose(f.Title)),
		standing: say(prose(f.Severity), ", ", prose(f.Confidence), " confidence, rule ", quoted(f.Rule)),
		why:      say(prose(f.Explanation)),
		next:     say(prose(f.Next)),
	}
	for _, e := range f.Evidence {
		where := entityName(e.Entity)
		if line := s.Line(e.At); line > 0 {
			where = fmt.Sprint(where, ", line ", line)
		}
		x.evidence = append(x.evidence, proof{where, dump.Printable(strings.TrimSpace(e.Text))})
	}
	x.victims = victims(s, f.Victims)
	for _, rule := range f.Follows {
		x.follows = join(", ", x.follows, say(quoted(rule)))
	}
	return x
}

var entityID = regexp.MustCompile(`^-?[0-9a-fx]{1,20}$`)

// entityName is what evidence is about: "task 228", "CPU 1".
func entityName(entity string) string {
	kind, id, numbered := strings.Cut(entity, ":")
	switch {
	case numbered && !entityID.MatchString(id):
	case kind == "exit", kind == "scheduler":
		return kind
	case kind == "cpu", kind == "dsq":
		return strings.ToUpper(kind) + " " + id
	case kind == "task", kind == "cell", kind == "cgroup":
		return kind + " " + id
	}
	return "dump" // of a recording that another program made
}

// victims names the first of the tasks that suffer.
func victims(s *dump.Snapshot, all []string) phrase {
	if len(all) < 2 { // the sentences above name it
		return nil
	}
	var p phrase
	for _, entity := range all[:min(len(all), maxVictims)] {
		name := say(entityName(entity))
		if t := taskOf(s, entity); t != nil {
			name = say(t.TaskRef)
			if d, ok := t.WaitingFor(); ok {
				name = say(name, " waiting ", d)
			}
		}
		p = join(", ", p, name)
	}
	p = say(plural(len(all), "task"), ": ", p)
	if more := len(all) - maxVictims; more > 0 {
		p = say(p, " and ", more, " more")
	}
	return p
}

// taskOf finds the task of "task:228", nil if there is none.
func taskOf(s *dump.Snapshot, entity string) *dump.Task {
	id, isTask := strings.CutPrefix(entity, "task:")
	n, err := strconv.ParseInt(id, 10, 32)
	if !isTask || err != nil {
		return nil
	}
	return s.Task(int32(n))
}

// row is the finding as rows have it.
func (f *finding) row() row {
	r := row{label: "finding", lines: []phrase{say(f.title, " (", f.standing, ")")}}
	if len(f.why) > 0 {
		r.lines = append(r.lines, f.why)
	}
	for _, e := range f.evidence {
		r.lines = append(r.lines, say(e.where, ": ", quoted(e.text)))
	}
	for _, l := range []struct {
		label string
		phrase
	}{{"hits ", f.victims}, {"explains, too: ", f.follows}, {"next: ", f.next}} {
		if len(l.phrase) > 0 {
			r.lines = append(r.lines, say(l.label, l.phrase))
		}
	}
	return r
}

// signatureRows say by what the failure is recognised.
func signatureRows(s *dump.Snapshot) []row {
	g := s.Signature
	if g == nil {
		return nil
	}
	p := say(quoted(g.Title), " (", quoted(g.ID), ")")
	if g.Weak {
		p = say(p, ", weak: from a partial dump")
	}
	r, _ := fact("signature", p, seenPhrase(g))
	return []row{r}
}

// notEvaluatedRows say of how many rules it is not known what they say.
func notEvaluatedRows(s *dump.Snapshot) []row {
	r := row{label: "not judged"}
	for _, n := range s.NotEvaluated {
		p := say("by ", plural(len(n.Rules), "rule"))
		if len(n.Rules) <= maxRules {
			p = nil
			for _, rule := range n.Rules {
				p = join(", ", p, say(quoted(rule)))
			}
			p = say("by ", p)
		}
		r.lines = append(r.lines, say(p, ": ", prose(n.Why)))
	}
	if len(r.lines) == 0 {
		return nil
	}
	return []row{r}
}

// seenPhrase says when there were others like it.
func seenPhrase(g *dump.Signature) phrase {
	seen := g.Seen
	if seen == nil {
		return nil
	}
	word := "seen "
	if g.Weak {
		word = "similar to what was seen "
	}
	times := plural(seen.Count, "time")
	p := say(word, times, " in the catalogue: first on ", day(seen.First))
	if seen.Count > 1 {
		p = say(p, ", last on ", day(seen.Last))
	}
	if seen.LastKernel != "" {
		p = say(p, ", kernel ", quoted(seen.LastKernel))
	}
	if seen.LastHost != "" {
		p = say(p, ", host ", quoted(seen.LastHost))
	}
	return p
}

// day is a date for people, of the time zone that they live in.
func day(t time.Time) string { return t.Local().Format(time.DateOnly) }

// actor is a line of the table of those that a failure is about.
type actor struct {
	who, does, queue, cpus, vtime phrase
}

// maxActors is how many tasks, CPUs and cells the table has of each.
const maxActors = 8

// actors are those that the focus and the first finding are about; none if nothing
// is wrong.
func actors(s *dump.Snapshot, f *focus) []actor {
	if s.Exit == nil && len(s.Findings) == 0 {
		return nil
	}
	var tasks []*dump.Task
	cpus := slices.Clone(f.cpus)
	var cells []*dump.Cell
	if f.task != nil {
		tasks = append(tasks, f.task)
	}
	if f.cell != nil {
		cells = append(cells, f.cell)
	}
	add := func(entity string) {
		if t := taskOf(s, entity); t != nil && !slices.Contains(tasks, t) {
			tasks = append(tasks, t)
		}
		kind, id, _ := strings.Cut(entity, ":")
		n, err := strconv.ParseInt(id, 10, 32)
		if err != nil {
			return
		}
		if c := s.CPU(int32(n)); kind == "cpu" && c != nil && !slices.Contains(cpus, c) {
			cpus = append(cpus, c)
		}
		if c := s.Cell(int32(n)); kind == "cell" && c != nil && !slices.Contains(cells, c) {
			cells = append(cells, c)
		}
	}
	if len(s.Findings) > 0 {
		for _, e := range s.Findings[0].Evidence {
			add(e.Entity)
		}
		for _, entity := range s.Findings[0].Victims[:min(len(s.Findings[0].Victims), maxActors)] {
			add(entity)
		}
	}
	var all []actor
	for _, t := range tasks[:min(len(tasks), maxActors)] {
		all = append(all, taskActor(s, t))
	}
	for _, c := range cpus[:min(len(cpus), maxActors)] {
		all = append(all, cpuActor(c))
	}
	for _, c := range cells[:min(len(cells), maxActors)] {
		all = append(all, cellActor(s, c))
	}
	return all
}

func taskActor(s *dump.Snapshot, t *dump.Task) actor {
	a := actor{who: say(t.TaskRef), vtime: taskVTime(s, t)}
	switch d, waits := t.WaitingFor(); {
	case t.Current && t.CPU.Known:
		a.does = say("runs on CPU ", t.CPU.V)
	case t.Current:
		a.does = say("runs")
	case waits:
		a.does = say("waits ", d)
	}
	if t.CPU.Known && !t.Current {
		a.does = join(", ", a.does, say("last on CPU ", t.CPU.V))
	}
	switch {
	case t.HeldByBPF():
		a.queue = say("none: the BPF scheduler has it")
	case t.DSQ.Known && !t.DSQ.V.IsNone():
		a.queue = say(quoted(t.DSQ.V.String()))
	}
	if t.CPUs.Known {
		a.cpus = say(t.CPUs.V.String())
	}
	if t.MigrationDisabled.V > 0 {
		a.cpus = join(", ", a.cpus, say("migration disabled"))
	}
	return a
}

func cpuActor(c *dump.CPU) actor {
	a := actor{who: say("CPU ", c.ID), does: cpuRuns(c)}
	if c.Queued.Known {
		a.queue = say(queueLength(c.Queued.V))
	}
	if c.Cell.Known {
		a.cpus = say("cell ", c.Cell.V)
	}
	if c.VTime.Known {
		a.vtime = say(c.VTime.V)
	}
	return a
}

func cellActor(s *dump.Snapshot, c *dump.Cell) actor {
	a := actor{who: say("cell ", c.ID), does: cellState(s, c)}
	if c.Queued.Known {
		a.queue = say(queueLength(c.Queued.V))
	}
	if c.CPUs.Known {
		a.cpus = say(c.CPUs.V.String())
	}
	if c.VTime.Known {
		a.vtime = say(c.VTime.V)
	}
	return a
}
