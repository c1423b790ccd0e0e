// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"scxdiag/dump"
)

// SurveyAnnotations writes a survey as workflow commands of GitHub Actions: an error
// for each failure that is new and for what could not be read, a notice for a failure
// that is known, a warning for a dump that does not tell whether it is one.
func SurveyAnnotations(w io.Writer, s *Survey) error {
	var b strings.Builder
	for i := range s.Groups {
		g := &s.Groups[i]
		level, title := "error", g.title()
		switch {
		case g.IsUndecided():
			level, title = "warning", "verdict unknown"
		case !g.IsFailure():
			continue
		case g.Known:
			level = "notice"
		}
		place := g.places()[0]
		fmt.Fprintf(&b, "::%s file=%s", level, commandProperty(place.Name))
		if place.Line > 0 {
			fmt.Fprintf(&b, ",line=%d", place.Line)
		}
		fmt.Fprintf(&b, ",title=%s::%s\n", commandProperty(cut(title, maxSpan)), commandData(cut(g.summary(), maxPhrase)))
	}
	for _, u := range s.Unread {
		fmt.Fprintf(&b, "::error file=%s,title=%s::%s\n", commandProperty(cut(u.Name, maxSpan)), titleUnread, commandData(cut(u.Why, maxPhrase)))
	}
	if s.UnreadMore > 0 {
		fmt.Fprintf(&b, "::error title=%s::%s\n", titleUnread, s.moreUnread())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// titleUnread is what a file is said to be that could not be read.
const titleUnread = "cannot be read"

func (s *Survey) moreUnread() string { return plural(s.UnreadMore, "more file") + " could not be read" }

// summary says in some words what failed and why.
func (g *Group) summary() string {
	s := g.first()
	text := verdict(s).text()
	if s.Exit != nil && s.Exit.Message.V != "" {
		text += ": " + s.Exit.Message.V
	}
	if len(s.Findings) > 0 {
		text += "; " + s.Findings[0].Title
	}
	if n := len(g.Found); n > 1 {
		text += fmt.Sprintf(" (%d times)", n)
	}
	return text
}

// commandData is text as the message of a workflow command. Actions has no other
// escapes than these; a line that begins with "::" would be another command.
func commandData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(dump.Printable(s))
}

// commandProperty is text as a property of a workflow command.
func commandProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(commandData(s))
}

type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"` // which is what tests have that end in another way
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Failure *junitFailure `xml:"failure"`
		Error   *junitFailure `xml:"error"`
		Skipped *junitSkipped `xml:"skipped"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
	junitSkipped struct {
		Message string `xml:"message,attr"`
	}
)

// SurveyJUnit writes a survey as a JUnit report with a test case for each dump. One
// whose failure is known counts as skipped, one whose verdict is unknown as failed, what
// could not be read as an error. How long a case took is not known.
func SurveyJUnit(w io.Writer, s *Survey) error {
	suite := junitSuite{Name: "scxdiag"}
	names := make(distinct)
	for i := range s.Groups {
		g := &s.Groups[i]
		for _, f := range g.Found {
			one := Group{Found: []Found{f}, Known: g.Known}
			c := junitCase{Name: names.of(orNone(dump.Printable(f.Places[0].String()))), Class: "scheduler." + orNone(dump.Printable(f.Snapshot.BaseName()))}
			suite.Tests++
			switch {
			case !one.IsFailure() && !one.IsUndecided():
			case g.Known:
				suite.Skipped++
				c.Skipped = &junitSkipped{Message: "known: " + dump.Printable(one.summary())}
			default:
				suite.Failures++
				t := textWriter{}
				t.page(one.page())
				c.Failure = &junitFailure{Message: dump.Printable(one.summary()), Type: orNone(one.rule()), Text: t.buf.String()}
			}
			suite.Cases = append(suite.Cases, c)
		}
	}
	unread := func(name, why string) {
		why = dump.Printable(why)
		suite.Tests++
		suite.Errors++
		suite.Cases = append(suite.Cases, junitCase{
			Name: names.of(orNone(dump.Printable(name))), Class: "file", Error: &junitFailure{Message: why, Type: "unread", Text: why},
		})
	}
	for _, u := range s.Unread {
		unread(u.Name, u.Why)
	}
	if s.UnreadMore > 0 {
		unread("other files", s.moreUnread())
	}
	out, err := xml.MarshalIndent(junitSuites{Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Suites: []junitSuite{suite}}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode survey: %w", err)
	}
	_, err = io.WriteString(w, xml.Header+string(out)+"\n")
	return err
}

// distinct counts how often names are used.
type distinct map[string]int

// of is a name that was not used before: the one that is asked for, or with a number
// behind it. The snapshots of a recording have no lines to tell them apart.
func (d distinct) of(name string) string {
	one := name
	for d[one] > 0 {
		d[name]++
		one = fmt.Sprintf("%s (%d)", name, d[name])
	}
	d[one]++
	return one
}

// rule is that of the first finding, "" without.
func (g *Group) rule() string {
	if s := g.first(); len(s.Findings) > 0 {
		return dump.Printable(s.Findings[0].Rule)
	}
	return ""
}

func orNone(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
