// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"
)

// binding is a command and the keys that give it.
type binding struct {
	keys  []string // as Bubble Tea names them
	label text     // how they are written on the screen
	short text     // for the footer, one word
	help  text
}

func (b binding) matches(k tea.KeyPressMsg) bool { return slices.Contains(b.keys, k.String()) }

// keyMap is every key of the program.
type keyMap struct {
	quit, suspend, help, back, open binding

	up, down, pageUp, pageDown, top, bottom, left, right binding

	overview, cpus, tasks, cells, raw, events, cgroups binding

	sort, reverse, filter, runnable, cpu, tasksOf, explain binding
	search, next, previous                                 binding

	snapshots, nextSnapshot, previousSnapshot binding

	pause, resume, newest, sample binding
}

func newKeyMap() keyMap {
	return keyMap{
		quit:    binding{[]string{"q", "ctrl+c"}, "q", "quit", "quit (also ctrl+c)"},
		suspend: binding{[]string{"ctrl+z"}, "ctrl+z", "", "suspend the program"},
		help:    binding{[]string{"?", "f1"}, "?", "help", "this help"},
		back:    binding{[]string{"esc", "backspace"}, "esc", "back", "back; first drops a filter"},
		open:    binding{[]string{"enter"}, "enter", "open", "open what the cursor is on"},

		up:       binding{[]string{"up", "k"}, "↑ k", "", "up"},
		down:     binding{[]string{"down", "j"}, "↓ j", "", "down"},
		pageUp:   binding{[]string{"pgup", "ctrl+b", "ctrl+u"}, "pgup", "", "a screen up (also ctrl+b)"},
		pageDown: binding{[]string{"pgdown", "ctrl+f", "ctrl+d", "space"}, "pgdn", "", "a screen down (also space, ctrl+f)"},
		top:      binding{[]string{"home", "g"}, "home g", "", "to the start"},
		bottom:   binding{[]string{"end", "G"}, "end G", "", "to the end"},
		left:     binding{[]string{"left"}, "←", "", "scroll to the left"},
		right:    binding{[]string{"right"}, "→", "", "scroll to the right"},

		overview: binding{[]string{"1"}, "1", "", "overview: what failed"},
		cpus:     binding{[]string{"2"}, "2", "", "all CPUs"},
		tasks:    binding{[]string{"3"}, "3", "", "all tasks"},
		cells:    binding{[]string{"4"}, "4", "", "cells and DSQs"},
		raw:      binding{[]string{"5", "r"}, "5 r", "raw", "the source text of what is selected"},
		events:   binding{[]string{"e"}, "e", "events", "the scheduler's history"},
		cgroups:  binding{[]string{"C"}, "C", "cgroups", "the cgroups as a tree: cell, cpuset, state"},

		sort:     binding{[]string{"s"}, "s", "sort", "sort by the next column"},
		reverse:  binding{[]string{"S"}, "S", "", "sort the other way round"},
		filter:   binding{[]string{"/"}, "/", "filter", "show only what has all the words typed; cpu=3 is the whole field"},
		runnable: binding{[]string{"w"}, "w", "runnable", "only tasks that run or wait; again: all"},
		cpu:      binding{[]string{"c"}, "c", "CPU", "to the CPU of the task"},
		tasksOf:  binding{[]string{"t"}, "t", "tasks", "the tasks of the CPU, cell, DSQ or cgroup, as a table"},

		explain: binding{[]string{"x"}, "x", "explain", "what the finding means, and what to do about it"},

		search:   binding{[]string{"/"}, "/", "search", "search; capital letters are told from small ones if you type any"},
		next:     binding{[]string{"n"}, "n", "next", "next match"},
		previous: binding{[]string{"N"}, "N", "", "previous match"},

		snapshots:        binding{[]string{"l"}, "l", "list", "list of the snapshots"},
		nextSnapshot:     binding{[]string{"]"}, "]", "", "next snapshot"},
		previousSnapshot: binding{[]string{"["}, "[", "", "previous snapshot"},

		pause:  binding{[]string{"p"}, "p", "pause", "stop following the scheduler; again: go on, at the newest snapshot"},
		resume: binding{[]string{"p"}, "p", "resume", ""},
		newest: binding{[]string{"p"}, "p", "newest", "to the newest snapshot"},
		sample: binding{[]string{"d"}, "d", "sample", "take a sample now"},
	}
}

// situation is which keys there is a use for, apart from those of every view.
type situation struct {
	back    bool // there is a place to go back to
	several bool // there are several snapshots
	live    bool // the session is fed
	paused  bool // and does not follow its source
	ended   bool // which has ended
	sample  bool // which can be asked for a sample
	events  bool // the snapshot has a history
	cgroups bool // the snapshot has cgroups
	found   bool // the snapshot has findings
}

// keyGroup is keys with a title, for the help.
type keyGroup struct {
	title text
	keys  []binding
}

// groups is all keys that work in a view, the ones of that view first.
func (k *keyMap) groups(v view, c situation) []keyGroup {
	var own keyGroup
	switch v {
	case viewOverview:
		own = keyGroup{"Overview", []binding{k.open, k.cpu, k.raw}}
		if c.found {
			own.keys = slices.Insert(own.keys, 1, k.explain)
		}
	case viewCPUs:
		own = keyGroup{"CPUs", []binding{k.open, k.tasksOf, k.filter, k.sort, k.reverse, k.raw}}
	case viewTasks:
		own = keyGroup{"Tasks", []binding{k.open, k.cpu, k.filter, k.runnable, k.sort, k.reverse, k.raw}}
	case viewCells:
		own = keyGroup{"Cells and DSQs", []binding{k.open, k.tasksOf, k.sort, k.reverse, k.raw}}
	case viewEvents:
		own = keyGroup{"Events", []binding{k.open, k.filter, k.sort, k.reverse}}
	case viewCgroups:
		own = keyGroup{"Cgroups", []binding{k.open, k.tasksOf, k.filter, k.sort, k.reverse}}
	case viewRaw:
		own = keyGroup{"Raw", []binding{k.search, k.next, k.previous, k.left, k.right}}
	case viewTask:
		own = keyGroup{"Task", []binding{k.open, k.cpu, k.raw}}
	case viewCPU:
		own = keyGroup{"CPU", []binding{k.open, k.tasksOf, k.raw}}
	case viewCell:
		own = keyGroup{"Cell", []binding{k.open, k.tasksOf, k.raw}}
	case viewQueue:
		own = keyGroup{"DSQ", []binding{k.open, k.tasksOf, k.raw}}
	case viewCgroup:
		own = keyGroup{"Cgroup", []binding{k.open, k.tasksOf}}
	}
	var groups []keyGroup
	if len(own.keys) > 0 {
		groups = append(groups, own)
	}
	if c.live {
		feed := keyGroup{"Live", []binding{k.pause}}
		if c.ended {
			feed.keys[0] = k.newest
		}
		if c.sample {
			feed.keys = append(feed.keys, k.sample)
		}
		groups = append(groups, feed)
	}
	views := keyGroup{"Views", []binding{k.overview, k.cpus, k.tasks, k.cells, k.raw, k.back}}
	if c.cgroups {
		views.keys = slices.Insert(views.keys, 5, k.cgroups)
	}
	if c.events {
		views.keys = slices.Insert(views.keys, 5, k.events)
	}
	groups = append(groups,
		views,
		keyGroup{"Moving", []binding{k.up, k.down, k.pageUp, k.pageDown, k.top, k.bottom}})
	if c.several {
		groups = append(groups, keyGroup{"Snapshots", []binding{k.nextSnapshot, k.previousSnapshot, k.snapshots}})
	}
	return append(groups, keyGroup{"Program", []binding{k.help, k.suspend, k.quit}})
}

// footer is the most important keys of a view. The first two stay on every
// screen, the others go missing on a narrow one, the last first.
func (k *keyMap) footer(v view, c situation) []binding {
	keys := []binding{k.help, k.quit}
	switch v {
	case viewRaw:
		keys = append(keys, k.search, k.next)
	case viewTasks:
		keys = append(keys, k.open, k.filter, k.sort, k.cpu, k.raw)
	case viewCPUs:
		keys = append(keys, k.open, k.tasksOf, k.filter, k.sort, k.raw)
	case viewCells:
		keys = append(keys, k.open, k.tasksOf, k.sort, k.raw)
	case viewEvents:
		keys = append(keys, k.open, k.filter, k.sort)
	case viewCgroups:
		keys = append(keys, k.open, k.tasksOf, k.filter, k.sort)
	case viewCgroup:
		keys = append(keys, k.open, k.tasksOf)
	case viewOverview, viewTask:
		keys = append(keys, k.open, k.cpu, k.raw)
		if c.found && v == viewOverview {
			keys = slices.Insert(keys, 3, k.explain)
		}
	case viewRule:
	default:
		keys = append(keys, k.open, k.tasksOf, k.raw)
	}
	if c.sample {
		keys = slices.Insert(keys, 2, k.sample)
	}
	switch {
	case c.ended:
		keys = slices.Insert(keys, 2, k.newest)
	case c.paused:
		keys = slices.Insert(keys, 2, k.resume)
	case c.live:
		keys = slices.Insert(keys, 2, k.pause)
	}
	if c.back {
		keys = slices.Insert(keys, 2, k.back)
	}
	if c.several {
		keys = append(keys, binding{label: "[ ]", short: "snapshot"}, k.snapshots)
	}
	return keys
}
