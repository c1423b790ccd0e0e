// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"
)

// chooser is the palette: a prompt with a list of what it can mean: commands by their names,
// snapshots by their numbers, things by what they are called.
type chooser struct {
	prompt prompt
	x      *index // of the snapshot that the choices are for
	nr     int    // of that snapshot
	many   int    // snapshots of the session then
	all    []choice
	shown  []choice // those that fit what is typed, the best first
	cursor int
	top    int
	height int // choices that fit on the screen, when it was last laid out
}

// choice is something that the palette can do.
type choice struct {
	value   string // what tab makes of the input
	label   text
	keys    text
	binding []string // its keys as Bubble Tea names them
	help    text
	command command // if it is no place
	place   place   // where it goes; nowhere for a command
	why     text    // why there is no use for it now; "" if there is one
}

// palette is the one that is open, nil if none is.
func (m *Model) chooser() *chooser {
	p, _ := m.overlay.(*chooser)
	return p
}

// typing reports whether keys are text and no commands.
func (m *Model) typing() bool { return m.prompt != nil || m.chooser() != nil }

func newPalette(m *Model) *chooser {
	p := &chooser{prompt: prompt{label: ": "}}
	p.gather(m)
	p.find()
	return p
}

// gather makes the choices that there are without anything typed: all commands,
// those that there is a use for first.
func (p *chooser) gather(m *Model) {
	p.x, p.nr, p.many = m.x(), m.snapshots[m.current].nr, len(m.snapshots)
	p.all = p.all[:0]
	var usable [nrCommands]bool
	add := func(c command, why text) {
		if usable[c] || c == cmdPalette {
			return
		}
		usable[c] = true
		b := &m.keys[c]
		keys, _ := b.label()
		p.all = append(p.all, choice{value: b.name, label: clean(b.name), keys: keys, binding: b.keys, help: b.help, command: c, why: why})
	}
	for _, g := range m.commands() {
		for _, c := range g.commands {
			add(c, "")
		}
	}
	for c := range nrCommands {
		if !usable[c] {
			add(c, cmp.Or(m.why(c), "There is no use for it in this view."))
		}
	}
	p.all = append(p.all, m.snapshotChoices()...)
}

// snapshotChoices are the snapshots of the session, which are found by number.
func (m *Model) snapshotChoices() []choice {
	var out []choice
	for _, s := range m.snapshots {
		_, word := verdict(s.Snapshot)
		nr := number(s.nr)
		out = append(out, choice{
			value: string(nr), label: "snapshot " + nr, help: word,
			place: place{view: viewSnapshot, id: int32(s.nr)}, //nolint:gosec // nobody sees as many
		})
	}
	return out
}

// refresh takes another snapshot into account, which a live session has every few
// moments.
func (p *chooser) refresh(m *Model) {
	if p.x == m.x() && p.nr == m.snapshots[m.current].nr && p.many == len(m.snapshots) {
		return
	}
	was := ""
	if p.cursor < len(p.shown) {
		was = p.shown[p.cursor].value
	}
	p.gather(m)
	p.find()
	if i := slices.IndexFunc(p.shown, func(c choice) bool { return c.value == was }); i >= 0 {
		p.cursor = i
	}
}

// find looks for what is typed.
func (p *chooser) find() {
	p.cursor, p.top = 0, 0
	query := strings.ToLower(strings.Join(strings.Fields(p.prompt.value), " "))
	type ranked struct {
		choice
		rank int
	}
	var found []ranked
	for _, c := range p.all {
		isSnapshot := c.place.view == viewSnapshot
		r := rankOf(&c, query)
		if slices.Contains(c.binding, p.prompt.value) && !unicode.IsDigit(rune(query[0])) { // that is of a snapshot
			r = exact
		}
		switch {
		case r == noMatch:
		case isSnapshot && c.value != query: // there may be a thousand of them
		default:
			found = append(found, ranked{c, r})
		}
	}
	// What is found by its name comes before what is found by its help, and what
	// there is a use for before what there is none for.
	order := func(r ranked) int {
		n := r.rank
		if r.why != "" {
			n += noMatch
		}
		if r.rank == inHelp {
			n += 2 * noMatch
		}
		return n
	}
	slices.SortStableFunc(found, func(a, b ranked) int { return order(a) - order(b) })
	p.shown = p.shown[:0]
	for _, f := range found {
		p.shown = append(p.shown, f.choice)
	}
	p.shown = p.merge(p.shown, things(p.x, query), query)
}

// merge puts things behind the commands that are called like what is typed, and in
// front of those that only have the letters somewhere.
func (p *chooser) merge(commands, things []choice, query string) []choice {
	at := 0
	for at < len(commands) && commands[at].why == "" && rankOf(&commands[at], query) <= atWord {
		at++
	}
	return slices.Insert(commands, at, things...)
}

// How well a choice fits what is typed, the best first.
const (
	exact = iota
	atStart
	atWord
	inside
	scattered
	inHelp
	noMatch
)

// rankOf tells how well a command or a snapshot fits what is typed, in lower case.
func rankOf(c *choice, query string) int {
	name := strings.ReplaceAll(c.value, "-", " ")
	query = strings.ReplaceAll(query, "-", " ")
	switch {
	case name == query:
		return exact
	case strings.HasPrefix(name, query):
		return atStart
	case strings.Contains(name, " "+query):
		return atWord
	case strings.Contains(name, query):
		return inside
	case isScattered(name, query):
		return scattered
	case len(query) > 1 && strings.Contains(" "+strings.ToLower(string(c.help)), " "+query):
		return inHelp
	}
	return noMatch
}

// isScattered reports whether a name has the letters of the query in their order,
// and starts with the first.
func isScattered(name, query string) bool {
	if query == "" || name == "" || name[0] != query[0] {
		return false
	}
	for i := range len(query) {
		k := strings.IndexByte(name, query[i])
		if k < 0 {
			return false
		}
		name = name[k+1:]
	}
	return true
}

// typed takes a key.
func (p *chooser) typed(m *Model, k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "up", "ctrl+p", "shift+tab":
		p.step(-1)
	case "down", "ctrl+n":
		p.step(1)
	case "pgup":
		p.step(-p.height)
	case "pgdown":
		p.step(p.height)
	case "tab":
		if p.cursor < len(p.shown) {
			p.prompt.value = p.shown[p.cursor].value
			p.find()
		}
	case "enter":
		return p.run(m)
	default:
		changed, done := p.prompt.typed(k)
		if changed {
			p.find()
		}
		if done {
			m.overlay = nil
		}
	}
	return nil
}

func (p *chooser) step(n int) { p.cursor = max(0, min(p.cursor+n, len(p.shown)-1)) }

func (p *chooser) paste(m *Model, s string) {
	m.notice = ""
	p.prompt.insert(s)
	p.find()
}

// nothing says that nothing fits what is typed.
func nothing(typed string) text {
	word, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(typed)), " ")
	for _, k := range thingKinds {
		if strings.TrimRight(word, "0123456789") == k.word {
			return "This snapshot has no such " + k.noun + "."
		}
	}
	return "Nothing is called that."
}

// run does what is chosen.
func (p *chooser) run(m *Model) tea.Cmd {
	if p.cursor >= len(p.shown) {
		m.notice = nothing(p.prompt.value)
		return nil
	}
	c := p.shown[p.cursor]
	if c.why != "" {
		m.notice = c.why
		return nil
	}
	m.overlay = nil
	if c.place != nowhere {
		m.follow(c.place)
		return nil
	}
	return m.do(c.command)
}

// key is not called: typed gets all keys.
func (p *chooser) key(*Model, tea.KeyPressMsg) bool { return true }

func (p *chooser) layout(m *Model, _, height int) {
	p.refresh(m)
	p.height = max(height-1, 1)
	p.top = min(p.top, p.cursor)
	p.top = max(p.top, p.cursor-p.height+1)
	p.top = max(0, min(p.top, len(p.shown)-p.height))
}

func (p *chooser) Render(st *styles, width, height int) []string {
	input, _ := p.prompt.line(width)
	out := []string{input.render(st, plain, width)}
	const label, keys = 19, 9
	if len(p.shown) == 0 && height > 1 {
		out = append(out, line{{muted, "  " + nothing(p.prompt.value)}}.render(st, plain, width))
	}
	for i := p.top; i < len(p.shown) && len(out) < height; i++ {
		c := &p.shown[i]
		on, mark := plain, text("  ")
		if i == p.cursor {
			on, mark = selected, "> "
		}
		row := line{{plain, mark}}
		looks, help := [3]style{name, key, plain}, c.help
		if c.why != "" {
			looks, help = [3]style{muted, muted, muted}, c.why
		}
		if c.place != nowhere {
			// A thing has a long name and no key.
			row.add(looks[0], c.label.clip(width-2).pad(label+keys-1, false)+" ")
		} else {
			row.add(looks[0], c.label.clip(label-1).pad(label, false))
			row.add(looks[1], c.keys.clip(keys-1).pad(keys, false))
		}
		row.add(looks[2], help)
		out = append(out, row.render(st, on, width))
	}
	return out
}

func (p *chooser) footer(*keyMap) []hint { return nil }

// foot is the keys of the palette, which are always the same, as those of all
// prompts.
func (p *chooser) foot(k *keyMap, width int) line {
	return fitKeys([]hint{
		{"esc", "close"}, {"enter", "go"}, {k[cmdPalette].nameOf("up") + " " + k[cmdPalette].nameOf("down"), "choose"}, {"tab", "complete"},
	}, width)
}
