// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"scxdiag/dump"
)

// Outlet is where a session can send what it shows. Its functions may block; nil
// ones are not offered.
type Outlet struct {
	// Issue gives a snapshot as the text of an issue.
	Issue func(*dump.Snapshot) (string, error)
	// Write writes a snapshot to a new file, in the form that the name asks for, or
	// adds it to a recording.
	Write func(name string, s *dump.Snapshot) error
	// Suggest is the name that Write is offered first.
	Suggest func(*dump.Snapshot) string
}

// What goes to the clipboard, in bytes: more than maxCopy is cut, and more than
// manyBytes is more than some terminals take.
const (
	maxCopy   = 256 << 10
	manyBytes = 50_000
)

// copiedMsg is what came of copying or writing.
type copiedMsg struct {
	clipboard string // to be copied; "" if nothing is
	notice    text
}

// copied does what is left to do of copying.
func (m *Model) copied(msg copiedMsg) tea.Cmd {
	m.notice = msg.notice
	if msg.clipboard == "" {
		return nil
	}
	return toClipboard(msg.clipboard)
}

func toClipboard(s string) tea.Cmd {
	if len(s) > maxCopy {
		s = strings.ToValidUTF8(s[:maxCopy], "")
	}
	return tea.SetClipboard(s)
}

// copyNotice says what was copied.
func (m *Model) copyNotice(what text, s string) text {
	t := "Copied " + what + ", " + count(strings.Count(s, "\n"), "line") + "."
	if key := m.keys[cmdWrite].key(); len(s) > manyBytes && m.outlet.Write != nil && key != "" {
		t += " Some terminals take less than that: " + key + " writes it to a file."
	}
	return t
}

// copySelection copies what the cursor is on.
func (m *Model) copySelection() tea.Cmd {
	if m.isGhost() {
		return nil
	}
	what, s := m.selectionText()
	if s == "" {
		m.notice = "There is nothing to copy here."
		return nil
	}
	m.notice = m.copyNotice(what, s)
	return toClipboard(s)
}

// copyWidth is how wide copied text is.
const copyWidth = 100

// selectionText is what the cursor is on, as text, and what to call that.
func (m *Model) selectionText() (what text, s string) {
	p := m.pane()
	sel := p.selection()
	switch p := p.(type) {
	case *raw:
		return "the source of what is marked", p.markedText()
	case *page:
		if it := p.selected(); p.at.view == viewTriage && it != nil {
			return "the line", itemText(it)
		}
	case *list:
		if i, ok := p.current(); ok && sel.place == nowhere {
			return "the row", p.rowText(i)
		}
	}
	if sel.place == nowhere {
		return "", ""
	}
	f := newFrame(sel.place)
	f.build(m.x(), copyWidth)
	var b strings.Builder
	for i := range f.page.left {
		b.WriteString(itemText(&f.page.left[i]))
	}
	for i := range f.page.right {
		b.WriteString(itemText(&f.page.right[i]))
	}
	return sel.place.title(), b.String()
}

// itemText is an item as lines of text.
func itemText(it *item) string {
	var b strings.Builder
	for _, l := range it.lines {
		b.WriteString(strings.TrimRight(l.plain(), " ") + "\n")
	}
	return b.String()
}

// plain is a line without its styles.
func (l line) plain() string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(string(s.text))
	}
	return b.String()
}

// rowText is a row with the titles of its columns.
func (l *list) rowText(i int) string {
	var b strings.Builder
	for k := range l.columns {
		c := &l.columns[k]
		b.WriteString(string(c.title.pad(16, false)) + string(c.cell(i).text) + "\n")
	}
	return b.String()
}

// markedText is the lines of the source that are marked, fit for a terminal.
func (r *raw) markedText() string {
	if r.of.at.IsZero() {
		return ""
	}
	var b strings.Builder
	for i := r.x.lineAt(r.of.at.Off); i <= r.x.lineAt(max(r.of.at.End(), r.of.at.Off+1)-1) && b.Len() < maxCopy; i++ {
		s := r.x.lineText(i)
		b.WriteString(string(clean(s[:min(len(s), maxRawLine)])) + "\n")
	}
	return b.String()
}

// copyIssue copies the snapshot as the text of an issue.
func (m *Model) copyIssue() tea.Cmd {
	issue, s := m.outlet.Issue, m.x().s
	return func() tea.Msg {
		t, err := issue(s)
		if err != nil {
			return copiedMsg{notice: statusLine(err.Error())}
		}
		return copiedMsg{t, m.copyNotice("the text of an issue", t)}
	}
}

// askWhere asks for the file to write the snapshot to.
func (m *Model) askWhere() {
	p := &prompt{label: "write to: "}
	if m.outlet.Suggest != nil {
		p.value = m.outlet.Suggest(m.x().s)
	}
	p.enter = func(m *Model, name string) tea.Cmd {
		write, s := m.outlet.Write, m.x().s
		if name == "" {
			return nil
		}
		return func() tea.Msg {
			if err := write(name, s); err != nil {
				return copiedMsg{notice: statusLine(err.Error())}
			}
			return copiedMsg{notice: "Written to " + clean(name) + "."}
		}
	}
	m.prompt = p
}
