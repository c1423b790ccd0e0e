// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"scxdiag/dump"
	"scxdiag/dump/dumptest"
)

// attacks are texts that mean something to a terminal or to Markdown.
var attacks = []string{
	"`", "``", "```", "` @all `", "```\n# title", "~~~", "\n\n- item", "@user #1 GH-2", "<script>alert(1)</script>",
	"[link](https://example.org)", "![](x)", "|---|", "</details>", "\\`", "*bold* _it_", " leading", "trailing ",
	"\x1b]0;title\a", "\x1b[2J", "\u009b2J", "\u202egnp.exe", "\xff\xfe", "a\rb", "\x00", "\u2028", "&lt;&#96;",
	"$`x`$", "````text", strings.Repeat("`", 300), strings.Repeat("word ", 100), "<!--", "[^1]: note", "- [ ] task",
}

// withText are snapshots in which all text from the dump is text.
func withText(text string) map[string]*dump.Snapshot {
	snapshots := map[string]*dump.Snapshot{
		"filled": dumptest.Filled(text), "cell": cellRTHog(), "error": bpfError(), "live": liveDump(),
		"verdict": verdictOnly(), "explained": explained(), "sample": sample(),
	}
	for _, s := range snapshots {
		dumptest.MapText(s, func(string) string { return text })
		s.Raw = "raw" // decides line numbers, which is not what is tested
	}
	return snapshots
}

// withoutCode is Markdown with its code blocks and code spans emptied, as
// CommonMark finds them. It reports backticks that belong to neither.
func withoutCode(t *testing.T, doc string) string {
	t.Helper()
	var out strings.Builder
	fence := ""
	for line := range strings.Lines(doc) {
		ticks := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		info := strings.TrimRight(line[len(ticks):], " \n")
		switch {
		case fence != "":
			if len(ticks) >= len(fence) && info == "" {
				fence = ""
			}
			continue
		case len(ticks) >= 3 && !strings.Contains(info, "`"):
			fence = ticks
			out.WriteString("<block " + info + ">\n")
			continue
		}
		for line != "" {
			open := strings.IndexByte(line, '`')
			if open < 0 {
				break
			}
			out.WriteString(line[:open])
			line = line[open:]
			n := len(line) - len(strings.TrimLeft(line, "`"))
			end := closing(line[n:], n)
			if end < 0 {
				t.Fatalf("stray backticks in %q", line)
			}
			out.WriteString("<code>")
			line = line[n+end+n:]
		}
		out.WriteString(line)
	}
	if fence != "" {
		t.Fatal("code block does not end")
	}
	return out.String()
}

// closing finds a run of exactly n backticks.
func closing(s string, n int) int {
	for i := 0; i < len(s); {
		if s[i] != '`' {
			i++
			continue
		}
		run := len(s[i:]) - len(strings.TrimLeft(s[i:], "`"))
		if run == n {
			return i
		}
		i += run
	}
	return -1
}

// checkSafe tests that text changes nothing in any format but where it
// stands.
func checkSafe(t *testing.T, text string) {
	t.Helper()
	if strings.Trim(text, " ") == "" {
		text += "x"
	}
	harmless, hostile := withText("harmless"), withText(text)
	for _, name := range slices.Sorted(maps.Keys(hostile)) {
		checkText(t, string(render(t, "txt", Options{}, hostile[name])))
		checkJSON(t, render(t, "json", Options{}, hostile[name]))
		noProse(harmless[name])
		noProse(hostile[name])
		want := withoutCode(t, string(render(t, "md", Options{}, harmless[name])))
		got := withoutCode(t, string(render(t, "md", Options{}, hostile[name])))
		if diff := cmp.Diff(want, got); diff != "" && !strings.Contains(got, " left out, ") {
			t.Errorf("%s: %q changes the Markdown around it (-harmless +got):\n%s", name, text, diff)
		}
	}
}

// noProse takes away the sentences in which words from a dump are not marked;
// checkProse is about them.
func noProse(s *dump.Snapshot) {
	for i := range s.Findings {
		f := &s.Findings[i]
		f.Title, f.Explanation, f.Next, f.Severity, f.Confidence = "title", "", "next", "", ""
	}
	for i := range s.NotEvaluated {
		s.NotEvaluated[i].Why = "why"
	}
}

// words are those that a Markdown reader takes for nothing else.
var words = regexp.MustCompile(`^(?:["(]?-?[A-Za-z0-9][A-Za-z0-9'.,()%-]*[)",.;:?!]*|<code>[.,;:]*)$`)

// checkProse tests that all of a sentence is words or in code spans.
func checkProse(t *testing.T, text string) {
	t.Helper()
	doc := markdown(say(prose(text)))
	if strings.ContainsAny(doc, "\n\r") {
		t.Errorf("%q becomes several lines: %q", text, doc)
	}
	for _, word := range strings.Fields(withoutCode(t, "x "+doc)) { // that no line begins with backticks
		bare := strings.ToLower(strings.Trim(word, `"().,;:?!`))
		isHex := len(bare) >= 7 && strings.Trim(bare, "0123456789abcdef") == "" && strings.ContainsAny(bare, "abcdef")
		if !words.MatchString(word) || isHex || strings.HasPrefix(bare, "www.") || strings.HasPrefix(bare, "gh-") {
			t.Errorf("%q has %q outside of code: %q", text, word, doc)
		}
	}
}

// checkText tests that only this program's words stand at the left edge, and
// that everything prints.
func checkText(t *testing.T, doc string) {
	t.Helper()
	labels := []string{
		"sched_ext scheduler", "finding ", "signature ", "task ", "raised ", "raised in ", "waits most ", "CPU ",
		"cell ", "backtrace ", "dump ", "held ", "runs ", "cells ", "history ", "scheduler ", "cgroups ", "noticed ", "WARNING ", "system ", "source ", "ledger ", "not judged ",
	}
	checkLines(t, doc, labels)
}

// checkLines tests that every line of text starts with a label or a blank, and
// prints.
func checkLines(t *testing.T, doc string, labels []string) {
	t.Helper()
	for line := range strings.Lines(doc) {
		line = strings.TrimSuffix(line, "\n")
		if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("text has a character that does not print: %q", line[i:])
		}
		isLabel := slices.ContainsFunc(labels, func(l string) bool { return strings.HasPrefix(line, l) })
		if line != "" && line[0] != ' ' && !isLabel {
			t.Errorf("line starts with neither label nor blank: %q", line)
		}
	}
}

// checkJSON tests that the document is valid and prints.
func checkJSON(t *testing.T, doc []byte) {
	t.Helper()
	if !json.Valid(doc) {
		t.Errorf("invalid JSON: %s", doc)
	}
	for _, r := range string(doc) {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("JSON has a character that does not print: %q", r)
		}
	}
}

func TestNothingFromADumpBreaksOut(t *testing.T) {
	for _, text := range attacks {
		checkSafe(t, text)
		checkProse(t, text)
		checkProse(t, "a sentence of "+text+", which goes on")
	}
	for _, text := range []string{"https://example.org", "see www.example.org.", "1. first", "deadbeef and 0123456789abcdef0", "GH-12,", "a_b_", "user/repo#1", "+ x"} {
		checkProse(t, text)
	}
}

func FuzzNothingFromADumpBreaksOut(f *testing.F) {
	for _, text := range attacks {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		checkSafe(t, text)
		checkProse(t, text)
	})
}
