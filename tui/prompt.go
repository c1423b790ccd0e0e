// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

// maxPrompt bounds what a user can type or paste, in bytes.
const maxPrompt = 256

// prompt is a line of input at the foot of the screen.
type prompt struct {
	label  text
	value  string
	before string // what was set when the prompt was opened, to go back to
	// enter takes what was typed, unless the user leaves the prompt as it was; nil for
	// one that is heard while it is typed.
	enter func(m *Model, value string) tea.Cmd
	// leave is called if the user leaves such a prompt; it may be nil.
	leave func(m *Model)
}

// typed takes a key. It reports whether the value changed, and whether the
// user is done.
func (p *prompt) typed(k tea.KeyPressMsg) (changed, done bool) {
	was := p.value
	switch k.String() {
	case "enter":
		return false, true
	case "esc":
		p.value = p.before
		return was != p.value, true
	case "backspace":
		if p.value == "" {
			return false, true
		}
		_, n := utf8.DecodeLastRuneInString(p.value)
		p.value = p.value[:len(p.value)-n]
	case "ctrl+u":
		p.value = ""
	case "ctrl+w":
		s := strings.TrimRight(p.value, " ")
		p.value = s[:strings.LastIndexByte(s, ' ')+1]
	default:
		p.insert(k.Text)
	}
	return was != p.value, false
}

// insert appends text that was typed or pasted; of several lines the first.
func (p *prompt) insert(s string) {
	s, _, _ = strings.Cut(s, "\n")
	s = strings.TrimSuffix(s, "\r")
	for _, r := range s {
		if len(p.value)+utf8.RuneLen(r) > maxPrompt || r == utf8.RuneError {
			return
		}
		p.value += string(r)
	}
}

// line is the prompt as it is shown, and the column of the cursor.
func (p *prompt) line(width int) (l line, cursor int) {
	l = line{{key, p.label}}
	// The end is what one types at.
	v := clean(p.value).clipLeft(max(width-p.label.width()-1, 1))
	l.add(plain, v)
	return l, l.width()
}

// promptLine is the prompt beside what there is to say, which gets up to half of the
// foot, and the column of the cursor.
func (m *Model) promptLine() (l line, cursor int) {
	room := m.width
	if m.notice != "" {
		room = max(m.width-m.notice.width()-2, m.width/2)
	}
	return m.prompt.line(room)
}
