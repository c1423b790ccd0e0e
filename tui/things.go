// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strconv"
	"strings"
)

// maxThings bounds how many things of a kind the palette lists. What is typed on
// finds the others.
const maxThings = 40

// thingKinds are the words that things of a kind are named with.
var thingKinds = []struct {
	word string
	noun text
	list func(x *index, query string) []choice
}{
	{"cell", "cell", cellChoices},
	{"cpu", "CPU", cpuChoices},
	{"task", "task", taskChoices},
	{"dsq", "DSQ", queueChoices},
	{"cgroup", "cgroup", cgroupChoices},
}

// things finds what of a snapshot is called like what is typed: "cpu 3", "task
// web", "dsq 0x2", or "web" alone for all kinds. The query is in lower case, with
// single spaces.
func things(x *index, query string) []choice {
	if query == "" || len(query) == 1 && strings.Trim(query, "0123456789") != "" {
		return nil // a single letter is in most names
	}
	word, rest, more := strings.Cut(query, " ")
	var out []choice
	for _, k := range thingKinds {
		switch {
		case more && k.word == word:
			return k.list(x, rest)
		case more:
		case k.word == word:
			return k.list(x, "")
		case strings.HasPrefix(word, k.word) && strings.Trim(word[len(k.word):], "0123456789") == "": // cpu3
			return k.list(x, word[len(k.word):])
		}
	}
	for _, k := range thingKinds {
		out = append(out, k.list(x, query)...)
	}
	return out
}

// collector gathers things, those whose name is just what is typed first.
type collector struct{ whole, part []choice }

func (c *collector) full() bool { return len(c.part) >= maxThings }

func (c *collector) add(isWhole bool, t choice) {
	switch {
	case isWhole && len(c.whole) < maxThings:
		c.whole = append(c.whole, t)
	case !c.full():
		c.part = append(c.part, t)
	}
}

func (c *collector) choices() []choice {
	all := append(c.whole, c.part...) //nolint:gocritic // whole is not used again
	return all[:min(len(all), maxThings)]
}

// startsWith reports whether the number of a thing starts with what is typed, and
// whether it is that.
func startsWith[T int32 | uint64](n T, query string) (starts, is bool) {
	s := string(number(n))
	return strings.HasPrefix(s, query), s == query
}

func cpuChoices(x *index, query string) []choice {
	var c collector
	for i := range x.s.CPUs {
		cpu := &x.s.CPUs[i]
		if starts, is := startsWith(cpu.ID, query); starts {
			help := text("")
			if cpu.Current.Known {
				help = "runs " + clean(cpu.Current.V.String())
			}
			c.add(is, choice{value: "cpu " + strconv.Itoa(int(cpu.ID)), label: placeOfCPU(cpu.ID).title(), help: help, place: placeOfCPU(cpu.ID)})
		}
	}
	return c.choices()
}

func cellChoices(x *index, query string) []choice {
	var c collector
	for i := range x.s.Cells {
		cell := &x.s.Cells[i]
		starts, is := startsWith(cell.ID, query)
		if !starts && (query == "" || !strings.Contains(strings.ToLower(cell.OwnerPath.V), query)) {
			continue
		}
		help := text("")
		if cell.CPUs.Known {
			help = cpusPhrase(cell.CPUs.V)
		}
		if cell.OwnerPath.Known {
			help += " " + clean(cell.OwnerPath.V)
		}
		c.add(is, choice{value: "cell " + strconv.Itoa(int(cell.ID)), label: placeOfCell(cell.ID).title(), help: help, place: placeOfCell(cell.ID)})
	}
	return c.choices()
}

func taskChoices(x *index, query string) []choice {
	var c collector
	for i := range x.s.Tasks {
		t := &x.s.Tasks[i]
		starts, is := startsWith(t.PID, query)
		if !starts && !strings.Contains(strings.ToLower(t.Comm), query) && !strings.HasPrefix(strings.ToLower(t.TaskRef.String()), query) {
			continue
		}
		if c.full() && (!is || len(c.whole) == maxThings) {
			continue
		}
		p := x.placeOfTask(i)
		help := text("")
		if w, waits := t.WaitingFor(); waits {
			help = "waits " + duration(w)
		}
		c.add(is, choice{value: "task " + strconv.Itoa(int(t.PID)), label: p.title(), help: help, place: p})
	}
	return c.choices()
}

func queueChoices(x *index, query string) []choice {
	var c collector
	for i := range x.queues {
		p := x.placeOfQueue(i)
		title := p.title()
		name := strings.Join(strings.Fields(strings.ToLower(string(title)))[1:], " ")
		id := ""
		if x.queues[i].ref.Known {
			id = x.queues[i].ref.V.ID.String()
		}
		if !strings.Contains(name, query) && !strings.Contains(strings.ToLower(id), query) {
			continue
		}
		c.add(name == query || id == query, choice{
			value: "dsq " + name, label: title, help: count(x.queues[i].size(), "task"), place: p,
		})
	}
	return c.choices()
}

func cgroupChoices(x *index, query string) []choice {
	var c collector
	for i := range x.s.Cgroups {
		g := &x.s.Cgroups[i]
		starts, is := startsWith(g.ID, query)
		if !starts && (query == "" || !strings.Contains(strings.ToLower(g.Path.V), query)) {
			continue
		}
		p := x.placeOfCgroup(g.ID)
		c.add(is || g.Path.V == query, choice{
			value: "cgroup " + strconv.FormatUint(g.ID, 10), label: p.title(), help: count(x.byCgroup[g.ID].size(), "task"), place: p,
		})
	}
	return c.choices()
}
