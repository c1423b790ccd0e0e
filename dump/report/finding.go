// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"fmt"
	"regexp"
	"strings"

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
	n, ok := dump.EntityNumber(entity, "task")
	if !ok {
		return nil
	}
	return s.Task(int32(n)) //nolint:gosec // it fits
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
