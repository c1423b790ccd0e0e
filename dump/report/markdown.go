// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"bytes"
	"io"
	"strings"

	"scxdiag/dump"
)

type markdownWriter struct {
	w     io.Writer
	opts  Options
	buf   bytes.Buffer
	count int
}

// NewMarkdown is a Writer of Markdown as GitHub reads it, to be pasted into an
// issue.
func NewMarkdown(w io.Writer, opts Options) Writer { return &markdownWriter{w: w, opts: opts} }

func (m *markdownWriter) Add(s *dump.Snapshot) error {
	m.buf.Reset()
	m.count++
	if m.count > 1 {
		m.buf.WriteString("\n---\n\n")
	}
	if m.count > 1 || m.opts.Total > 1 {
		m.buf.WriteString("**" + ordinal(m.count, m.opts) + "**\n\n")
	}
	m.page(newPage(s))
	_, err := m.w.Write(m.buf.Bytes())
	return err
}

// page puts a page into the buffer.
func (m *markdownWriter) page(p page) {
	m.buf.WriteString("### " + markdown(p.verdict) + "\n\n")
	if p.message != "" {
		m.fence([]string{p.message})
		m.buf.WriteByte('\n')
	}
	afterList := false
	for _, block := range p.blocks {
		for i := range block {
			isCode := len(block[i].code) > 0
			if isCode && afterList {
				m.buf.WriteByte('\n')
			}
			m.row(&block[i])
			afterList = !isCode
		}
	}
}

func (m *markdownWriter) Close() error { return nil }

// row writes a list item, or a paragraph with the label and a code block.
func (m *markdownWriter) row(r *row) {
	if len(r.code) > 0 {
		m.buf.WriteString("**" + r.label + "**\n\n")
		m.fence(r.code)
		m.buf.WriteByte('\n')
		return
	}
	indent := ""
	if r.sub {
		indent = "  "
	}
	m.buf.WriteString(indent + "- **" + r.label + "**: ")
	for i, l := range r.lines {
		if i > 0 {
			m.buf.WriteString("  \n" + indent + "  ")
		}
		m.buf.WriteString(strings.TrimLeft(markdown(l), " "))
	}
	m.buf.WriteByte('\n')
}

// fence writes lines as a code block that none of them can end.
func (m *markdownWriter) fence(lines []string) {
	longest := 2
	for _, l := range lines {
		longest = max(longest, backticks(l))
	}
	ticks := strings.Repeat("`", longest+1)
	m.buf.WriteString(ticks + "text\n")
	for _, l := range lines {
		m.buf.WriteString(l + "\n")
	}
	m.buf.WriteString(ticks + "\n")
}

// markdown is a phrase with the text from the dump in code spans.
func markdown(p phrase) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if !p[i].dump {
			b.WriteString(p[i].text)
			continue
		}
		text := p[i].text
		for i+1 < len(p) && p[i+1].dump { // code spans that touch would merge
			i++
			text += p[i].text
		}
		b.WriteString(codeSpan(text))
	}
	return b.String()
}

// codeSpan is printable text as a code span that it cannot end. A blank on
// either side keeps backticks and blanks at its ends; Markdown takes it off.
func codeSpan(s string) string {
	if strings.Trim(s, " ") == "" {
		s = "(blank)"
	}
	ticks := strings.Repeat("`", backticks(s)+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || strings.HasPrefix(s, " ") && strings.HasSuffix(s, " ") {
		s = " " + s + " "
	}
	return ticks + s + ticks
}

// backticks is the length of the longest run of backticks in s.
func backticks(s string) int {
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
