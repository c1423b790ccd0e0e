// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"io"
	"regexp"
	"slices"
	"strings"

	"scxdiag/dump"
)

// maxMarkdown is how many bytes a document may have: GitHub takes 65,536
// characters as the text of an issue.
const maxMarkdown = 65000

// What a document may hold of one thing, in bytes and lines.
const (
	maxSpan     = 500 // of text from a dump
	maxPhrase   = 5000
	maxLines    = 24 // of a row
	maxCodeLine = 1024
	maxCode     = 60  // lines
	maxNotes    = 400 // what is said of what is left out
)

type markdownWriter struct {
	w       io.Writer
	opts    Options
	count   int
	written int // bytes
	left    int // snapshots that there was no room for
}

// NewMarkdown is a Writer of Markdown as GitHub reads it, to be pasted into an
// issue: it never gets longer than an issue may be.
func NewMarkdown(w io.Writer, opts Options) Writer { return &markdownWriter{w: w, opts: opts} }

func (m *markdownWriter) Add(s *dump.Snapshot) error {
	m.count++
	var title string
	if m.count > 1 {
		title = "\n---\n\n"
	}
	if m.count > 1 || m.opts.Total > 1 {
		title += "**" + ordinal(m.count, m.opts) + "**\n\n"
	}
	room := maxMarkdown - maxNotes - m.written
	if m.opts.Total != 1 {
		room /= 2 // for those to come
	}
	p := newPage(s)
	text, ok := markdownPage(&p, room-len(title))
	if !ok {
		m.left++
		return nil
	}
	return m.write(title + text)
}

func (m *markdownWriter) write(text string) error {
	m.written += len(text)
	_, err := io.WriteString(m.w, text)
	return err
}

func (m *markdownWriter) Close() error {
	if m.left == 0 {
		return nil
	}
	return m.write("\n---\n\n" + plural(m.left, "more snapshot") +
		" left out, for an issue has a limit: `--format json` has all of them.\n")
}

// markdownPage is a page in no more than some bytes; ok is false if that is too
// little for its verdict.
func markdownPage(p *page, room int) (text string, ok bool) {
	head := "### " + markdown(p.verdict) + "\n"
	if p.message != "" {
		head += "\n" + fence([]string{p.message})
	}
	tail := rows(p.origin)
	parts := []string{rows(p.warning)}
	for i := range p.findings {
		parts = append(parts, p.findings[i].markdown())
	}
	parts = append(parts, actorTable(p.actors))
	for _, block := range p.blocks {
		parts = append(parts, rows(block))
	}
	if room -= len(head) + maxNotes; room < 0 {
		return "", false
	}
	kept, left := []string{head}, 0
	if len(tail) > room {
		tail = ""
		left++
	}
	room -= len(tail) // it comes last, and is kept before others
	for _, part := range parts {
		if size := len(part) + len("\n\n"); size <= room {
			room -= size
			kept = append(kept, part)
		} else {
			left++
		}
	}
	kept = append(kept, tail)
	if left > 0 {
		kept = append(kept, plural(left, "part")+" left out, for an issue has a limit: `--format json` has all.")
	}
	return paragraphs(kept), true
}

// paragraphs puts blank lines between parts, other than lists that follow each
// other: those are one.
func paragraphs(parts []string) string {
	var b strings.Builder
	list := false
	for _, part := range parts {
		if part = strings.TrimRight(part, "\n"); part == "" {
			continue
		}
		if b.Len() > 0 && (!list || !strings.HasPrefix(part, "- ")) {
			b.WriteByte('\n')
		}
		b.WriteString(part + "\n")
		last := part[strings.LastIndexByte(part, '\n')+1:]
		list = strings.HasPrefix(last, "- ") || strings.HasPrefix(last, "  ")
	}
	return b.String()
}

// markdown is a finding as paragraphs, with its evidence in a code block.
func (f *finding) markdown() string {
	var b strings.Builder
	b.WriteString("**" + strings.TrimSpace(markdown(f.title)) + "** (" + markdown(f.standing) + ")\n\n")
	if len(f.why) > 0 {
		b.WriteString(markdown(f.why) + "\n\n")
	}
	var code []string
	for _, e := range f.evidence {
		code = append(code, e.where+": "+e.text)
	}
	if len(code) > 0 {
		b.WriteString(fence(code) + "\n")
	}
	for _, l := range []struct {
		label string
		phrase
	}{{"Hits", f.victims}, {"Explains, too", f.follows}, {"Next", f.next}} {
		if len(l.phrase) > 0 {
			b.WriteString("- **" + l.label + "**: " + markdown(l.phrase) + "\n")
		}
	}
	return b.String()
}

// actorTable is a table without the columns that are empty.
func actorTable(actors []actor) string {
	if len(actors) == 0 {
		return ""
	}
	columns := []struct {
		title string
		of    func(*actor) phrase
	}{
		{"who", func(a *actor) phrase { return a.who }},
		{"does", func(a *actor) phrase { return a.does }},
		{"queue", func(a *actor) phrase { return a.queue }},
		{"CPUs", func(a *actor) phrase { return a.cpus }},
		{"vtime", func(a *actor) phrase { return a.vtime }},
	}
	lines := make([]string, len(actors)+2)
	for _, c := range columns {
		if !slices.ContainsFunc(actors, func(a actor) bool { return len(c.of(&a)) > 0 }) {
			continue
		}
		lines[0] += "| " + c.title + " "
		lines[1] += "|---"
		for i := range actors {
			lines[i+2] += "| " + tableCell(markdown(c.of(&actors[i]))) + " "
		}
	}
	return strings.Join(lines, "|\n") + "|\n"
}

// tableCell keeps text from ending the cell that it stands in.
func tableCell(s string) string {
	bar := "\\|"
	if strings.Contains(s, "\\") { // one before the bar would be taken for an escaped one
		bar = "¦"
	}
	return strings.ReplaceAll(s, "|", bar)
}

// rows are list items and code blocks.
func rows(block []row) string {
	var b strings.Builder
	afterList := false
	for i := range block {
		isCode := len(block[i].code) > 0
		if isCode && afterList {
			b.WriteByte('\n')
		}
		b.WriteString(block[i].markdown())
		afterList = !isCode
	}
	return b.String()
}

// markdown is a list item, or a paragraph with the label and a code block.
func (r *row) markdown() string {
	if len(r.code) > 0 {
		return "**" + r.label + "**\n\n" + fence(r.code) + "\n"
	}
	indent := ""
	if r.sub {
		indent = "  "
	}
	var b strings.Builder
	b.WriteString(indent + "- **" + r.label + "**: ")
	for i, l := range r.lines {
		if i == maxLines {
			l = say(plural(len(r.lines)-i, "more line"))
		} else if i > maxLines {
			break
		}
		if i > 0 {
			b.WriteString("  \n" + indent + "  ")
		}
		b.WriteString(strings.TrimLeft(markdown(l), " "))
	}
	b.WriteByte('\n')
	return b.String()
}

// fence is a code block of lines that none of them can end.
func fence(lines []string) string {
	longest := 2
	for _, l := range lines {
		longest = max(longest, backticks(l))
	}
	ticks := strings.Repeat("`", longest+1)
	var b strings.Builder
	b.WriteString(ticks + "text\n")
	for i, l := range lines {
		if i == maxCode {
			b.WriteString("(" + plural(len(lines)-i, "more line") + ")\n")
			break
		}
		b.WriteString(cut(l, maxCodeLine) + "\n")
	}
	b.WriteString(ticks + "\n")
	return b.String()
}

// cut is the first bytes of a text, whole characters of it.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "..."
}

// markdown is a phrase with the text from the dump in code spans.
func markdown(p phrase) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if b.Len() > maxPhrase {
			b.WriteString("...")
			break
		}
		if p[i].of == ours {
			b.WriteString(p[i].text)
			continue
		}
		if p[i].of == mixed {
			b.WriteString(proseMarkdown(cut(p[i].text, maxPhrase)))
			continue
		}
		text := p[i].text
		for i+1 < len(p) && p[i+1].of == dumps { // code spans that touch would merge
			i++
			text += p[i].text
		}
		b.WriteString(codeSpan(cut(text, maxSpan)))
	}
	return b.String()
}

// plainWord is a word that means nothing but itself in Markdown.
var plainWord = regexp.MustCompile(`^["(]?-?[A-Za-z0-9]+(?:[-'.,][A-Za-z0-9]+)*(?:\(\))?%?[)",.;:?!]*$`)

// trapWord looks like a plain one, but GitHub may make a link of it: the address of
// a site, an issue, a commit.
var trapWord = regexp.MustCompile(`(?i)^["(]?(?:www\..*|gh-\d.*|[0-9a-f]{7,})[)",.;:?!]*$`)

// number is harmless but for where it begins a paragraph: a list might start there.
var number = regexp.MustCompile(`^\d+[),.;:?!]*$`)

func isPlain(word string, first bool) bool {
	if number.MatchString(word) {
		return !first
	}
	return plainWord.MatchString(word) && !trapWord.MatchString(word)
}

// proseMarkdown is prose with all words in code spans that might be more than
// words.
func proseMarkdown(s string) string {
	var out, code []string
	flush := func() {
		if len(code) == 0 {
			return
		}
		words := strings.Join(code, " ")
		inner := strings.TrimRight(words, ".,;:")
		if inner == "" {
			inner = words
		}
		out = append(out, codeSpan(inner)+words[len(inner):])
		code = nil
	}
	for _, word := range strings.Fields(s) {
		if !isPlain(word, len(out) == 0) {
			if code = append(code, word); strings.ContainsAny(word[len(word)-1:], ".,;:") { // the end of a clause
				flush()
			}
			continue
		}
		flush()
		out = append(out, word)
	}
	flush()
	return strings.Join(out, " ")
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
