// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"scxdiag/dump"
)

// surveyFormats are the writers by the suffix of their golden files.
var surveyFormats = map[string]func(io.Writer, *Survey) error{
	"txt": func(w io.Writer, s *Survey) error { return SurveyText(w, s, Options{}) }, "md": SurveyMarkdown, "json": SurveyJSON, "junit.xml": SurveyJUnit, "github": SurveyAnnotations,
}

func renderSurvey(t testing.TB, format string, s *Survey) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := surveyFormats[format](&b, s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// found makes what a walk found of snapshots, each in a file of its own.
func found(snapshots ...*dump.Snapshot) []Found {
	var all []Found
	for i, s := range snapshots {
		all = append(all, Found{Snapshot: s, Places: []Place{{Name: fmt.Sprintf("run.zip!/%d_test.txt", i), Line: 1000 + i}}})
	}
	return all
}

// withSignature gives a snapshot a signature.
func withSignature(s *dump.Snapshot, id string, weak bool) *dump.Snapshot {
	s.Signature = &dump.Signature{ID: id, Title: "title of " + id, Parts: []string{id}, Weak: weak}
	return s
}

// beheaded is a dump that does not tell why it was made.
func beheaded() *dump.Snapshot {
	s := cellRTHog()
	s.Trigger, s.Exit, s.Signature = dump.TriggerUnknown, nil, nil
	s.Ledger.Note("the beginning of the dump is missing")
	return s
}

// nightly is what a run leaves behind: two failures of a kind, a known one, a
// partial one, and dumps that are none.
func nightly() *Survey {
	all := found(
		withSignature(bpfError(), "bb", false), withSignature(cellRTHog(), "aa", false), withSignature(explained(), "aa", false),
		withSignature(verdictOnly(), "aa", true), liveDump(), sample(),
	)
	all[1].Places = append(all[1].Places, Place{Name: "console.log", Line: 17})
	return &Survey{Groups: Groups(all, map[string]bool{"bb": true}), Files: 1234, Bytes: 5 << 20, Skipped: 2}
}

func TestSurveyGoldens(t *testing.T) {
	for name, s := range map[string]*Survey{
		"nightly": nightly(),
		"quiet":   {Groups: Groups(found(liveDump()), nil), Files: 1, Bytes: 100},
		"unread": {
			Groups: Groups(found(liveDump()), nil), Files: 2, Bytes: 100, Skipped: 55, UnreadMore: 53,
			Unread: []Unread{{"logs.zip", "cannot be read to its end: zip: not a valid zip file"}, {"a`b\n::x", "open: 100%, \x1b[31m"}},
		},
		"partial": {Groups: Groups(found(liveDump(), beheaded()), nil), Files: 2, Bytes: 200},
		"hostile": {Groups: Groups(found(withSignature(hostile(), "`\x1b\n::error::x", false)), nil), Files: 1},
	} {
		for format := range surveyFormats {
			t.Run(name+"."+format, func(t *testing.T) {
				golden(t, "survey-"+name+"."+format, renderSurvey(t, format, s))
			})
		}
	}
}

func TestGroups(t *testing.T) {
	s := nightly()
	var got []string
	for i := range s.Groups {
		g := &s.Groups[i]
		got = append(got, fmt.Sprint(g.title(), " ", len(g.Found), " known ", g.Known, " similar ", g.Similar))
	}
	want := []string{
		"title of aa 2 known false similar 0", "title of aa 1 known false similar 1", "title of bb 1 known true similar 0",
		" 1 known false similar 0", " 1 known false similar 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if p := s.Groups[0].places(); len(p) != 3 || p[0] != (Place{Name: "console.log", Line: 17}) {
		t.Errorf("places: %v", p)
	}
}

// TestNothingFromASurveyBreaksOut puts text that means something into all that is
// text.
func TestNothingFromASurveyBreaksOut(t *testing.T) {
	make1 := func(text string) *Survey {
		var all []Found
		for _, s := range withText(text) {
			noProse(s)
			all = append(all, Found{Snapshot: s, Places: []Place{{Name: text, Line: 1}}})
		}
		slices.SortFunc(all, func(a, b Found) int { return len(a.Snapshot.Tasks) - len(b.Snapshot.Tasks) })
		return &Survey{Groups: Groups(all, nil), Unread: []Unread{{text, text}}}
	}
	for _, text := range append(slices.Clone(attacks), "::error::x", "\n::error::x", "a:b,c=d%0A", "]]>", "<failure/>", "\x01") {
		if strings.Trim(text, " ") == "" {
			text += "x"
		}
		s := make1(text)
		withoutCode(t, string(renderSurvey(t, "md", s)))
		checkJSON(t, renderSurvey(t, "json", s))
		if doc := renderSurvey(t, "txt", s); bytes.ContainsFunc(doc, func(r rune) bool { return r != '\n' && !isPrint(r) }) {
			t.Errorf("%q: text has characters that do not print", text)
		}
		for line := range strings.Lines(string(renderSurvey(t, "github", s))) {
			if !strings.HasPrefix(line, "::error file=") || strings.Count(strings.TrimPrefix(line, "::"), "::") < 1 || strings.ContainsAny(line[:len(line)-1], "\r\x1b") {
				t.Errorf("%q: annotation %q", text, line)
			}
			properties := 3
			if strings.Contains(line, ",title="+titleUnread+"::") {
				properties = 2 // it has no line
			}
			if head, _, _ := strings.Cut(line[2:], "::"); strings.Count(head, ",") != properties-1 {
				t.Errorf("%q: annotation with other properties: %q", text, line)
			}
		}
		var suites junitSuites
		if err := xml.Unmarshal(renderSurvey(t, "junit.xml", s), &suites); err != nil || suites.Tests != len(suites.Suites[0].Cases) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func isPrint(r rune) bool { return dump.Printable(string(r)) == string(r) }

func TestSurveysFitIntoAnIssue(t *testing.T) {
	var all []*dump.Snapshot
	for i := range 500 {
		all = append(all, withSignature(cellRTHog(), strconv.Itoa(i), false), liveDump())
	}
	doc := renderSurvey(t, "md", &Survey{Groups: Groups(found(all...), nil)})
	if len(doc) > maxMarkdown || !bytes.Contains(doc, []byte("kinds of failure left out")) {
		t.Errorf("%d bytes:\n%.300s", len(doc), doc)
	}
	var j struct{ Groups, Snapshots []json.RawMessage }
	if err := json.Unmarshal(renderSurvey(t, "json", &Survey{Groups: Groups(found(all...), nil)}), &j); err != nil || len(j.Groups) != 1000 || len(j.Snapshots) != 1000 {
		t.Errorf("%d groups, %d snapshots, %v", len(j.Groups), len(j.Snapshots), err)
	}
}

func TestSurveyWriteErrorsComeBack(t *testing.T) {
	for format, write := range surveyFormats {
		if err := write(failing{}, nightly()); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", format, err)
		}
	}
}
