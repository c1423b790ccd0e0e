// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"
)

// command is something that a user can have the program do.
type command uint8

const (
	cmdQuit command = iota
	cmdSuspend
	cmdHelp
	cmdPalette
	cmdBack
	cmdOpen

	cmdUp
	cmdDown
	cmdPageUp
	cmdPageDown
	cmdFirst
	cmdLast
	cmdLeft
	cmdRight

	cmdTriage
	cmdCells
	cmdCPUs
	cmdTasks
	cmdQueues
	cmdMasks
	cmdEvents
	cmdCounters
	cmdRaw
	cmdCgroups

	cmdSort
	cmdReverse
	cmdColumns
	cmdFilter
	cmdRunnable
	cmdCPU
	cmdTasksOf
	cmdExplain
	cmdShape

	cmdSearch
	cmdNext
	cmdPrevious

	cmdSnapshots
	cmdNextSnapshot
	cmdPreviousSnapshot
	cmdNextChange
	cmdPreviousChange
	cmdFirstSnapshot
	cmdLastSnapshot
	cmdTime
	cmdMark

	cmdCopy
	cmdCopyIssue
	cmdWrite
	cmdMouse

	cmdPause
	cmdSample

	nrCommands
)

// entry is how a command is given unless the user wants it otherwise, and what it
// is for.
type entry struct {
	name  string   // for people who type it
	keys  []string // as Bubble Tea names them
	short text     // for the footer, one word; "" keeps it out of there
	help  text
}

// binding is how a command is given in a session.
type binding struct {
	entry
	ascii bool // the keys are shown without arrows
}

func (b *binding) matches(k tea.KeyPressMsg) bool { return slices.Contains(b.keys, k.String()) }

// keyNames are the keys that are written on the screen in another way than Bubble
// Tea names them.
var keyNames = map[string]text{"up": "↑", "down": "↓", "left": "←", "right": "→", "pgdown": "pgdn"}

func (b *binding) keyName(i int) text { return b.nameOf(b.keys[i]) }

func (b *binding) nameOf(k string) text {
	if t, is := keyNames[k]; is && (!b.ascii || isASCII(string(t))) {
		return t
	}
	return clean(k)
}

// key is the first key of a command as it is written on the screen, "" if it has
// none.
func (b *binding) key() text {
	if len(b.keys) == 0 {
		return ""
	}
	return b.keyName(0)
}

// label is the first two keys, if they are short, and the others.
func (b *binding) label() (t text, others []text) {
	t = b.key()
	for i := 1; i < len(b.keys); i++ {
		if k := b.keyName(i); i == 1 && t.width()+k.width() < 8 {
			t += " " + k
		} else {
			others = append(others, k)
		}
	}
	return t, others
}

// keyMap is every key of the program.
type keyMap [nrCommands]binding

func newKeyMap() *keyMap {
	var k keyMap
	for c, e := range entries() {
		k[c].entry = e
	}
	return &k
}

// entries is the table of the commands.
func entries() *[nrCommands]entry {
	return &[nrCommands]entry{
		cmdQuit:    {"quit", []string{"q", "ctrl+c"}, "quit", "quit"},
		cmdSuspend: {"suspend", []string{"ctrl+z"}, "", "suspend the program"},
		cmdHelp:    {"help", []string{"?", "f1"}, "help", "this help"},
		cmdPalette: {"palette", []string{":"}, "", "all commands by name; a snapshot by number; a thing by name: cpu 3"},
		cmdBack:    {"back", []string{"esc", "backspace"}, "back", "back; first drops a filter"},
		cmdOpen:    {"open", []string{"enter"}, "open", "open what the cursor is on"},

		cmdUp:       {"up", []string{"up", "k"}, "", "up"},
		cmdDown:     {"down", []string{"down", "j"}, "", "down"},
		cmdPageUp:   {"page-up", []string{"pgup", "ctrl+b", "ctrl+u"}, "", "a screen up"},
		cmdPageDown: {"page-down", []string{"pgdown", "ctrl+f", "ctrl+d", "space"}, "", "a screen down"},
		cmdFirst:    {"first", []string{"home", "g"}, "", "to the start"},
		cmdLast:     {"last", []string{"end", "G"}, "", "to the end"},
		cmdLeft:     {"left", []string{"left", "h"}, "", "to the left"},
		cmdRight:    {"right", []string{"right", "l"}, "", "to the right"},

		cmdTriage:   {"triage", []string{"1"}, "", "triage: what failed, and why"},
		cmdCells:    {"cells", []string{"2"}, "", "the cells"},
		cmdCPUs:     {"cpus", []string{"3"}, "", "all CPUs"},
		cmdTasks:    {"tasks", []string{"4"}, "", "all tasks"},
		cmdQueues:   {"queues", []string{"5"}, "", "the DSQs"},
		cmdMasks:    {"masks", []string{"6"}, "", "which CPUs the cells have, and where the tasks may run"},
		cmdEvents:   {"events", []string{"7", "e"}, "events", "the scheduler's history"},
		cmdCounters: {"counters", []string{"8"}, "", "what the kernel counted"},
		cmdRaw:      {"raw", []string{"9", "r"}, "raw", "the source text of what is selected"},
		cmdCgroups:  {"cgroups", []string{"C"}, "cgroups", "the cgroups as a tree: cell, cpuset, state"},

		cmdSort:     {"sort", []string{"s"}, "sort", "sort by the next column"},
		cmdReverse:  {"reverse", []string{"S"}, "", "sort the other way round"},
		cmdColumns:  {"columns", []string{"c"}, "columns", "choose the columns, or sort by any of them"},
		cmdFilter:   {"filter", []string{"/"}, "filter", "show only what fits: words, and terms such as cell:1 wait>1s"},
		cmdRunnable: {"runnable", []string{"R"}, "runnable", "only tasks that run or wait; again: all"},
		cmdCPU:      {"cpu", []string{"u"}, "CPU", "to the CPU of the task"},
		cmdTasksOf:  {"tasks-of", []string{"T"}, "tasks", "the tasks of the CPU, cell, DSQ or cgroup, as a table"},
		cmdExplain:  {"explain", []string{"x"}, "explain", "what the finding means, and what to do about it"},
		cmdShape:    {"shape", []string{"v"}, "shape", "another shape of the view"},

		cmdSearch:   {"search", []string{"/"}, "search", "search; capital letters are told from small ones if you type any"},
		cmdNext:     {"next", []string{"n"}, "next", "next match"},
		cmdPrevious: {"previous", []string{"N"}, "", "previous match"},

		cmdSnapshots:        {"snapshots", []string{"L"}, "list", "list of the snapshots"},
		cmdNextSnapshot:     {"next-snapshot", []string{"]"}, "", "next snapshot"},
		cmdPreviousSnapshot: {"previous-snapshot", []string{"["}, "", "previous snapshot"},
		cmdNextChange:       {"next-change", []string{"}"}, "", "next crash or change: of scheduler, kernel, host, verdict, configuration, cells"},
		cmdPreviousChange:   {"previous-change", []string{"{"}, "", "previous crash or change"},
		cmdFirstSnapshot:    {"first-snapshot", []string{"<"}, "", "first snapshot"},
		cmdLastSnapshot:     {"last-snapshot", []string{">"}, "", "last snapshot"},
		cmdTime:             {"time", []string{"t"}, "", "to the snapshot nearest to a time (10:02:33), a distance (-30s) or a number (#12)"},
		cmdMark:             {"mark", []string{"d"}, "mark", "mark this snapshot: others then show what changed since (~ changed, + came, - gone, ? not told); again: no mark"},

		cmdCopy:      {"copy", []string{"y"}, "", "copy what the cursor is on, as text"},
		cmdCopyIssue: {"copy-issue", []string{"Y"}, "", "copy the snapshot as the text of an issue"},
		cmdWrite:     {"write", []string{"w"}, "", "write the snapshot to a file: .md, .txt, .json, or a .scxdiag recording"},
		cmdMouse:     {"mouse", []string{"M"}, "", "leave the mouse to the terminal, to select text; again: take it back"},

		cmdPause:  {"pause", []string{"p"}, "pause", "stop following the scheduler; again: go on, at the newest snapshot"},
		cmdSample: {"sample", []string{"D"}, "sample", "take a sample now"},
	}
}

// motion is the motion that a key stands for.
func (k *keyMap) motion(msg tea.KeyPressMsg) (motion, bool) {
	for c := cmdUp; c <= cmdRight; c++ {
		if k[c].matches(msg) {
			return motion(c - cmdUp), true
		}
	}
	return 0, false
}

// why says why there is no use for a command now, "" if it needs no saying.
func (m *Model) why(c command) text {
	switch c {
	case cmdCgroups:
		return "This snapshot does not tell of cgroups."
	case cmdExplain:
		if len(m.x().s.Findings) > 0 {
			return "Findings are explained in triage."
		}
		return "There is no finding to explain."
	case cmdMark:
		return "There is no other snapshot to compare with."
	case cmdShape:
		return "This view has only one shape."
	case cmdNextSnapshot, cmdPreviousSnapshot, cmdNextChange, cmdPreviousChange, cmdFirstSnapshot, cmdLastSnapshot, cmdTime, cmdSnapshots:
		return "This session has one snapshot."
	case cmdPause:
		return "This session is not live."
	case cmdSample:
		return "The source of this session takes no samples."
	case cmdFilter, cmdSort, cmdReverse, cmdColumns:
		return "This view is no table."
	case cmdTasksOf:
		return "Tasks belong to a CPU, a cell, a DSQ or a cgroup: go to one."
	case cmdCPU:
		return "This is of no task that could be on a CPU."
	}
	return ""
}

// commandGroup is commands with a title, for the help.
type commandGroup struct {
	title    text
	commands []command
}

// commands is all that there is a use for, what belongs to the view that is shown
// first. A key stands for the first command that it is bound to.
func (m *Model) commands() []commandGroup {
	groups := []commandGroup{m.ownCommands()}
	if m.live != nil {
		feed := commandGroup{"Live", []command{cmdPause}}
		if m.canSample() {
			feed.commands = append(feed.commands, cmdSample)
		}
		groups = append(groups, feed)
	}
	views := commandGroup{title: "Views"}
	for _, v := range numbered {
		views.commands = append(views.commands, v.command)
	}
	if len(m.x().s.Cgroups) > 0 {
		views.commands = append(views.commands, cmdCgroups)
	}
	views.commands = append(views.commands, cmdBack)
	moving := commandGroup{"Moving", []command{cmdUp, cmdDown, cmdPageUp, cmdPageDown, cmdFirst, cmdLast}}
	if m.pane().sideways() {
		moving.commands = append(moving.commands, cmdLeft, cmdRight)
	}
	groups = append(groups, views, moving)
	if len(m.snapshots) > 1 {
		groups = append(groups, commandGroup{"Snapshots", []command{
			cmdNextSnapshot, cmdPreviousSnapshot, cmdNextChange, cmdPreviousChange,
			cmdFirstSnapshot, cmdLastSnapshot, cmdTime, cmdMark, cmdSnapshots,
		}})
	} else if m.live != nil { // others will come
		groups = append(groups, commandGroup{"Snapshots", []command{cmdMark}})
	}
	groups = append(groups,
		commandGroup{"Taking along", m.outlets()},
		commandGroup{"Program", []command{cmdHelp, cmdPalette, cmdMouse, cmdSuspend, cmdQuit}})
	return slices.DeleteFunc(groups, func(g commandGroup) bool { return len(g.commands) == 0 })
}

// outlets are the commands for what is shown to leave the program.
func (m *Model) outlets() []command {
	out := []command{cmdCopy}
	if m.outlet.Issue != nil {
		out = append(out, cmdCopyIssue)
	}
	if m.outlet.Write != nil {
		out = append(out, cmdWrite)
	}
	return out
}

// ownCommands are those of the view that is shown.
func (m *Model) ownCommands() commandGroup {
	at := m.frame().at
	g := commandGroup{title: at.kind()}
	add := func(c ...command) { g.commands = append(g.commands, c...) }
	switch at.view {
	case viewTriage:
		add(cmdOpen)
		if len(m.x().s.Findings) > 0 {
			add(cmdExplain)
		}
		add(cmdCPU, cmdRaw)
	case viewCells, viewQueues, viewCgroups:
		add(cmdOpen, cmdTasksOf)
	case viewCPUs:
		add(cmdOpen, cmdTasksOf, cmdShape)
	case viewMasks:
		add(cmdOpen, cmdTasksOf, cmdCPU, cmdShape, cmdRaw)
	case viewTasks:
		add(cmdOpen, cmdCPU)
	case viewRaw:
		add(cmdSearch, cmdNext, cmdPrevious, cmdOpen)
	case viewTask:
		add(cmdOpen, cmdCPU, cmdRaw)
	case viewCPU, viewCell, viewQueue, viewCgroup:
		add(cmdOpen, cmdTasksOf, cmdRaw)
	case viewEvents:
		add(cmdOpen)
	}
	if l := m.list(); l != nil {
		if l.fields != nil {
			add(cmdFilter)
		}
		if at.view == viewTasks {
			add(cmdRunnable)
		}
		table := !l.fixed && m.pane() == pane(l)
		if table {
			add(cmdSort, cmdReverse)
		}
		add(cmdRaw)
		if table {
			add(cmdColumns)
		}
	}
	return g
}

// footer is the most important commands. The first two stay on every screen, the
// others go missing on a narrow one, the last first.
func (m *Model) footer() []command {
	out := []command{cmdHelp, cmdQuit}
	if len(m.stack) > 1 || m.list() != nil && m.list().filter != "" {
		out = append(out, cmdBack)
	}
	if m.live != nil {
		out = append(out, cmdPause)
	}
	if m.canSample() {
		out = append(out, cmdSample)
	}
	for _, g := range m.commands() {
		if g.title == "Views" {
			continue
		}
		for _, c := range g.commands {
			if m.keys[c].short != "" && !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}
