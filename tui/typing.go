// SPDX-License-Identifier: GPL-2.0-only

package tui

import "slices"

// typeFilter begins to type the filter: the cursor goes back to where it was as soon
// as what is there is shown again.
func (l *list) typeFilter() {
	l.typing = true
	l.anchor = -1
	if i, is := l.current(); is {
		l.anchor = i
	}
}

// advice is what there is to say while a filter is typed: what is wrong with it, or
// what a half-typed word may become.
func (l *list) advice() text {
	if l.read.problem != "" {
		return l.read.problem
	}
	if l.typing && l.read.hint != "" {
		return l.read.hint
	}
	if l.partial {
		raw := splitTerms(l.filter)
		return "tab: " + join(completions(l.fields, parseTerm(raw[len(raw)-1]).value), " ")
	}
	return ""
}

// completeFilter completes the field that is being typed.
func (m *Model) completeFilter() {
	l := m.list()
	if l == nil {
		return
	}
	value, choice := complete(m.prompt.value, l.fields)
	if len(value) <= maxPrompt && value != m.prompt.value {
		m.prompt.value = value
		m.prompted()
	}
	if len(choice) > 0 {
		m.notice = join(choice, " ")
	}
}

// filterTyped is called when the prompt is closed: all that was typed counts from
// now on.
func (m *Model) filterTyped() {
	l := m.list()
	if l == nil || !l.typing {
		return
	}
	l.typing = false
	if l.partial {
		l.update()
	}
	m.notice = l.advice()
}

// filterHelp explains the filter of a list: what it can ask, and examples.
func filterHelp(l *list, examples []text, width int) []line {
	if l == nil || len(l.fields) == 0 {
		return nil
	}
	const label = 10
	out := []line{nil, {{plain, "  "}, {heading, "Filter"}}}
	row := func(head span, body line) {
		for k, part := range body.wrap(max(width-label-6, 1)) {
			start := line{{plain, spaces(6 + label)}}
			if k == 0 {
				start = line{{plain, "    "}, head, {plain, spaces(label + 2 - head.text.width())}}
			}
			out = append(out, append(start, part...))
		}
	}
	for _, e := range examples {
		row(span{muted, "example"}, line{{key, e}})
	}
	var kinds []text // in the order of the fields
	for k := range l.fields {
		if f := &l.fields[k]; !slices.Contains(kinds, f.takes) {
			kinds = append(kinds, f.takes)
		}
	}
	for _, kind := range kinds {
		var names []text
		values := notes[kind]
		for k := range l.fields {
			switch f := &l.fields[k]; {
			case f.takes != kind:
			case f.values != "":
				values = f.values
			default:
				names = append(names, f.name)
			}
		}
		body := line{{name, join(names, " ")}}
		if len(names) > 0 && values != "" {
			values = "  " + values
		}
		body.add(muted, values)
		row(span{muted, kind}, body)
	}
	row(span{muted, "signs"}, line{{key, ": = != < > <= >= :~"}, {muted, " the last for a regular expression; - or ! before a term turns it round; quotes hold spaces; tab completes a field"}})
	return out
}

// notes say how values are written that are not plain.
var notes = map[text]text{
	"times": "20ms, 1.5s, 2m",
	"CPUs":  ":3 has CPU 3, =3 only that, <2 at most one",
	"text":  ":web has web somewhere, =web is just that",
}

// hint says what a field takes.
func (f *field) hint() text {
	switch {
	case f.values != "":
		return f.name + ": " + f.values
	case notes[f.takes] != "":
		return f.name + " takes " + f.takes + ": " + notes[f.takes]
	}
	return f.name + " takes " + f.takes
}

// filterExamples are filters that are of use, for each view that is a table.
var filterExamples = [nrViews][]text{
	viewTasks:    {"is:waiting wait>1s cell:1", "comm:~^kworker -cpu:0 cpus<2"},
	viewCPUs:     {"is:higher waiting>0", "cell:1 oldest>500ms"},
	viewCells:    {"is:waiting cpus:3", "-state:free oldest>1s"},
	viewQueues:   {"waiting>0 -kind:local", "dsq:cell cpus:3"},
	viewEvents:   {"event:cgroup cgroup:web", "cell:1 -event:~^apply"},
	viewCgroups:  {"cell:1 tasks>0", "is:removed -is:empty"},
	viewCounters: {"value>0 -counter:bypass", "counter:~(fallback|slice)"},
}
