// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"scxdiag/dump/triage"
)

// junitFiles are reports that are yet to be validated.
type junitFiles struct {
	dir   string
	paths []string
}

// add keeps the report of a survey under a name, and checks what a schema cannot say:
// that the counts are those of the cases.
func (j *junitFiles) add(t *testing.T, name string, s *Survey) {
	t.Helper()
	doc := renderSurvey(t, "junit.xml", s)
	var suites junitSuites
	if err := xml.Unmarshal(doc, &suites); err != nil || len(suites.Suites) != 1 {
		t.Fatalf("%s: %d suites, %v", name, len(suites.Suites), err)
	}
	suite := suites.Suites[0]
	dumps, failures, skipped, unread := 0, 0, 0, 0
	for i := range s.Groups {
		dumps += len(s.Groups[i].Found)
	}
	for _, c := range suite.Cases {
		if c.Failure != nil {
			failures++
		}
		if c.Skipped != nil {
			skipped++
		}
		if c.Error != nil {
			unread++
		}
	}
	if unread != len(s.Unread)+min(s.UnreadMore, 1) {
		t.Errorf("%s: %d cases of %d files that could not be read", name, unread, len(s.Unread))
	}
	if cases := dumps + unread; len(suite.Cases) != cases || suite.Tests != cases || suite.Failures != failures || suite.Skipped != skipped || suite.Errors != unread {
		t.Errorf("%s: %d cases of %d dumps, %d of them failed and %d skipped; counted %+v", name, len(suite.Cases), dumps, failures, skipped, suite)
	}
	if suites.Tests != suite.Tests || suites.Failures != suite.Failures || suites.Errors != suite.Errors {
		t.Errorf("%s: the counts of the suite are not those of all", name)
	}
	path := filepath.Join(j.dir, fmt.Sprintf("%d.xml", len(j.paths)))
	if err := os.WriteFile(path, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	j.paths = append(j.paths, path)
}

// validate runs xmllint on files, which is what there is to validate with: nothing in
// Go that is maintained does.
func validate(t *testing.T, paths ...string) error {
	t.Helper()
	if _, err := exec.LookPath("xmllint"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("xmllint is missing")
		}
		t.Skip("xmllint is missing")
	}
	args := append([]string{"--noout", "--nonet", "--schema", filepath.Join("testdata", "junit.xsd")}, paths...)
	if out, err := exec.CommandContext(t.Context(), "xmllint", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %.2000s", err, out)
	}
	return nil
}

func TestJUnitIsValid(t *testing.T) {
	files := &junitFiles{dir: t.TempDir()}
	files.add(t, "nothing", &Survey{})
	files.add(t, "nightly", nightly())
	cut := nightly()
	cut.Unread, cut.UnreadMore = []Unread{{"a.zip", "is cut"}, {"a.zip", "is cut"}}, 7
	files.add(t, "unread", cut)
	var all []Found
	paths, err := filepath.Glob(filepath.Join("..", "..", "testdata", "dumps", "*.log"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no dumps: %v", err)
	}
	for _, path := range paths {
		var here []Found
		for _, s := range readDump(t, path) {
			triage.Apply(s, nil)
			here = append(here, Found{Snapshot: s, Places: []Place{{Name: s.Source.Name, Line: s.Source.Line}}})
		}
		files.add(t, path, &Survey{Groups: Groups(here, nil)})
		all = append(all, here...)
	}
	files.add(t, "all", &Survey{Groups: Groups(all, nil)})
	known := make(map[string]bool)
	for _, f := range all {
		if f.Snapshot.Signature != nil {
			known[f.Snapshot.Signature.ID] = true
		}
	}
	files.add(t, "all known", &Survey{Groups: Groups(all, known)})
	for _, text := range append(slices.Clone(attacks), "", "]]>", "<failure/>", "<![CDATA[", "&", "&#0;", "\"'", "\x01", "\x7f", "\ufffe\uffff", "\xed\xa0\x80", "a\tb\nc", "<?xml?>") {
		var here []Found
		for _, s := range withText(text) {
			here = append(here, Found{Snapshot: s, Places: []Place{{Name: text}}})
		}
		files.add(t, fmt.Sprintf("%q", text), &Survey{Groups: Groups(here, nil), Unread: []Unread{{text, text}}})
	}
	if err := validate(t, files.paths...); err != nil {
		t.Error(err)
	}
}

// TestTheSchemaRefuses has the schema say no to what readers stumble over.
func TestTheSchemaRefuses(t *testing.T) {
	const suite = `<testsuite name="a" tests="1" failures="0" errors="0" skipped="0">`
	good := `<testsuites tests="1" failures="0" errors="0">` + suite + `<testcase name="a" classname="b"></testcase></testsuite></testsuites>`
	path := filepath.Join(t.TempDir(), "a.xml")
	check := func(doc string) error {
		if err := os.WriteFile(path, []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
		return validate(t, path)
	}
	if err := check(good); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{` errors="0">` + suite, `>` + suite},
		{` skipped="0"`, ``},
		{`name="a" classname`, `classname`},
		{`name="a" classname`, `name="" classname`},
		{`classname="b"`, ``},
		{`tests="1"`, `tests="one"`},
		{`</testcase>`, `<failure/></testcase>`},
		{`</testcase>`, `<skipped/><failure message="a" type="b"/></testcase>`},
		{`</testcase>`, `<other/></testcase>`},
		{`</testcase>`, `</testcase><testcase name="a" classname="b"/>`},
		{`</testsuites>`, ``},
	} {
		if doc := strings.Replace(good, change[0], change[1], 1); doc == good || check(doc) == nil {
			t.Errorf("%s passes", doc)
		}
	}
}

func TestDistinctNames(t *testing.T) {
	d := make(distinct)
	seen := make(map[string]bool)
	for _, name := range []string{"a", "a (2)", "a", "a", "b", "a (2)", "a (3)"} {
		one := d.of(name)
		if seen[one] || !strings.HasPrefix(one, name) {
			t.Errorf("%q becomes %q", name, one)
		}
		seen[one] = true
	}
}
