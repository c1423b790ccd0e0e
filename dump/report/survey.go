// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"scxdiag/dump"
)

// Survey is what was found in many files.
type Survey struct {
	Groups  []Group
	Files   int64 // that were read
	Bytes   int64 // of them, unpacked
	Skipped int   // files, or parts of files, that were not read
	// Unread are the first of those of them that could not be read, and UnreadMore is how
	// many others there are.
	Unread     []Unread
	UnreadMore int
	// More is how many dumps without a failure there were besides those of the groups.
	More int
}

// Unread is a file, or a part of one, that could not be read.
type Unread struct{ Name, Why string }

// Group is snapshots of the same failure, by their signature; a weak one is a group
// of its own. What is no failure, or may be none, is in groups without a signature,
// one each.
type Group struct {
	Found []Found // by the names of the places, those first of which all is there; at least one
	Known bool    // its signature is in the baseline
	// Similar is another group of the same signature, by its number from 1, where
	// this one's is weak; 0 if there is none.
	Similar int
}

// Found is a snapshot and where it was.
type Found struct {
	Snapshot *dump.Snapshot
	Places   []Place // at least one
}

// Place is where a snapshot was.
type Place struct {
	Name string // of the file: "logs/run.zip!/7_run.txt"
	Line int    // from 1; 0 if it has none
	// Job and Step are those of GitHub Actions that wrote the log; "" if unknown.
	Job, Step string
}

// String is the place as compilers print it.
func (p Place) String() string {
	if p.Line == 0 {
		return p.Name
	}
	return fmt.Sprintf("%s:%d", p.Name, p.Line)
}

// phrase is the place, and what wrote it.
func (p Place) phrase() phrase {
	line := say(quoted(p.String()))
	if p.Job != "" {
		line = say(line, ", job ", quoted(p.Job))
	}
	if p.Step != "" {
		line = say(line, ", step ", quoted(p.Step))
	}
	return line
}

// Groups groups snapshots: failures first, of them what is not known, then what
// there is most of. Dumps that do not tell whether they are of a failure follow.
func Groups(found []Found, known map[string]bool) []Group {
	for i := range found {
		slices.SortFunc(found[i].Places, func(a, b Place) int {
			return cmp.Or(cmp.Compare(strings.Count(a.Name, "!/"), strings.Count(b.Name, "!/")), strings.Compare(a.Name, b.Name), cmp.Compare(a.Line, b.Line))
		})
	}
	slices.SortStableFunc(found, func(a, b Found) int {
		return cmp.Or(
			order(a.Snapshot.Ledger.Complete(), b.Snapshot.Ledger.Complete()),
			strings.Compare(a.Places[0].Name, b.Places[0].Name), cmp.Compare(a.Places[0].Line, b.Places[0].Line),
		)
	})
	var groups []Group
	strong := make(map[string]int)
	for _, f := range found {
		g := f.Snapshot.Signature
		if g == nil || g.Weak {
			groups = append(groups, Group{Found: []Found{f}, Known: g != nil && known[g.ID]})
			continue
		}
		i, is := strong[g.ID]
		if !is {
			i = len(groups)
			strong[g.ID] = i
			groups = append(groups, Group{Known: known[g.ID]})
		}
		groups[i].Found = append(groups[i].Found, f)
	}
	slices.SortStableFunc(groups, func(a, b Group) int {
		return cmp.Or(
			order(a.IsFailure(), b.IsFailure()), order(a.IsUndecided(), b.IsUndecided()), order(!a.Known, !b.Known),
			cmp.Compare(len(b.Found), len(a.Found)), strings.Compare(a.title(), b.title()),
		)
	})
	for i := range groups {
		if g := groups[i].signature(); g != nil && g.Weak {
			groups[i].Similar = 1 + slices.IndexFunc(groups, func(o Group) bool {
				s := o.signature()
				return s != nil && !s.Weak && s.ID == g.ID
			})
		}
	}
	return groups
}

// order has what is true first.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func (g *Group) first() *dump.Snapshot { return g.Found[0].Snapshot }

func (g *Group) signature() *dump.Signature { return g.first().Signature }

// IsFailure reports whether a scheduler failed.
func (g *Group) IsFailure() bool { return g.first().IsFailure() }

// IsUndecided reports whether it is unknown if a scheduler failed.
func (g *Group) IsUndecided() bool { return g.first().IsUndecided() }

func (g *Group) title() string {
	if s := g.signature(); s != nil {
		return s.Title
	}
	return ""
}

// places are all places of a group.
func (g *Group) places() []Place {
	var all []Place
	for _, f := range g.Found {
		all = append(all, f.Places...)
	}
	return all
}

// headline says how much was found.
func (s *Survey) headline() phrase {
	failures, kinds, fresh, undecided, others := 0, 0, 0, 0, 0
	for i := range s.Groups {
		g := &s.Groups[i]
		switch {
		case g.IsUndecided():
			undecided += len(g.Found)
			continue
		case !g.IsFailure():
			others += len(g.Found)
			continue
		}
		kinds++
		failures += len(g.Found)
		if !g.Known {
			fresh += len(g.Found)
		}
	}
	p := say("no scheduler failure")
	switch {
	case failures > 0:
		p = say(plural(failures, "scheduler failure"), " of ", plural(kinds, "kind"))
		if fresh < failures {
			p = say(p, ", ", fresh, " of them new")
		}
		if undecided > 0 {
			p = say(p, ", ", plural(undecided, "dump"), " of unknown verdict")
		}
	case undecided > 0:
		p = say(plural(undecided, "dump"), " of unknown verdict")
	}
	if others += s.More; others > 0 {
		p = say(p, ", ", plural(others, "dump"), " without one")
	}
	p = say(p, " in ", plural(s.Files, "file"), " (", sizeText(s.Bytes), ")")
	if s.Skipped > 0 {
		p = say(p, "; ", s.Skipped, " not read to the end")
	}
	return p
}

// sizeText is a number of bytes for people.
func sizeText(n int64) string {
	const unit = 1024
	if n < unit {
		return plural(n, "byte")
	}
	v, units := float64(n)/unit, "KMGT"
	for v >= unit && len(units) > 1 {
		v, units = v/unit, units[1:]
	}
	return fmt.Sprintf("%.1f %ciB", v, units[0])
}

// page is a group as text and Markdown show it.
func (g *Group) page() page {
	s := g.first()
	full := newPage(s)
	p := page{verdict: full.verdict, message: full.message, warning: full.warning, actors: full.actors}
	if len(full.findings) > 0 {
		p.findings = full.findings[:1]
	}
	p.origin = signatureRows(s)
	kernels, schedulers := g.kinds(func(s *dump.Snapshot) string { return s.Kernel.String() }), g.kinds(func(s *dump.Snapshot) string { return s.Scheduler })
	if r, ok := fact("system", join(", ", schedulers, prefixed("kernel ", kernels))); ok {
		p.origin = append(p.origin, r)
	}
	r := row{label: "found at"}
	all := g.places()
	for _, place := range all[:min(len(all), maxPlaces)] {
		r.lines = append(r.lines, place.phrase())
	}
	if more := len(all) - maxPlaces; more > 0 {
		r.lines = append(r.lines, say("and ", plural(more, "more place")))
	}
	p.origin = append(p.origin, r)
	if !s.Ledger.Complete() {
		p.origin = append(p.origin, ledgerRow(s))
	}
	return p
}

// maxPlaces is how many places of a group are shown.
const maxPlaces = 10

func prefixed(word string, p phrase) phrase {
	if len(p) == 0 {
		return nil
	}
	return say(word, p)
}

// kinds are the different values of something in a group.
func (g *Group) kinds(of func(*dump.Snapshot) string) phrase {
	const limit = 4
	var p phrase
	var seen []string
	for _, f := range g.Found {
		v := of(f.Snapshot)
		if v == "" || slices.Contains(seen, v) {
			continue
		}
		if seen = append(seen, v); len(seen) <= limit {
			p = join(", ", p, say(quoted(v)))
		}
	}
	if more := len(seen) - limit; more > 0 {
		p = say(p, " and ", more, " more")
	}
	return p
}

// heading says how often a group was found, and what is to be known of that.
func (g *Group) heading() phrase {
	p := say(plural(len(g.Found), "time"))
	if g.Known {
		p = say(p, ", known from the baseline")
	}
	if g.Similar > 0 {
		p = say(p, ", partial, and similar to number ", g.Similar)
	}
	return p
}

// split is the groups of failures and those of what is none, which come last.
func (s *Survey) split() (failures, others []Group) {
	n := slices.IndexFunc(s.Groups, func(g Group) bool { return !g.IsFailure() })
	if n < 0 {
		n = len(s.Groups)
	}
	return s.Groups[:n], s.Groups[n:]
}

// othersRows list what may be a failure and what is none, and what is wrong with it
// nevertheless.
func (s *Survey) othersRows(others []Group) []row {
	n := slices.IndexFunc(others, func(g Group) bool { return !g.IsUndecided() })
	if n < 0 {
		n = len(others)
	}
	return append(othersRow("undecided", others[:n], 0), othersRow("no failure", others[n:], s.More)...)
}

// othersRow lists groups, and says that there are more.
func othersRow(label string, groups []Group, more int) []row {
	r := row{label: label}
	for i := range groups {
		if i == maxOthers {
			break
		}
		snap := groups[i].first()
		p := say(quoted(groups[i].places()[0].String()), ": ", verdict(snap))
		if len(snap.Findings) > 0 {
			p = say(p, ": ", prose(snap.Findings[0].Title))
		}
		r.lines = append(r.lines, p)
	}
	if more += len(groups) - len(r.lines); more > 0 {
		r.lines = append(r.lines, say("and ", plural(more, "more dump")))
	}
	if len(r.lines) == 0 {
		return nil
	}
	return []row{r}
}

// unreadRows list what could not be read.
func (s *Survey) unreadRows() []row {
	if len(s.Unread) == 0 {
		return nil
	}
	r := row{label: "not read"}
	for _, u := range s.Unread[:min(len(s.Unread), maxOthers)] {
		r.lines = append(r.lines, say(quoted(u.Name), ": ", quoted(u.Why)))
	}
	if more := len(s.Unread) - len(r.lines) + s.UnreadMore; more > 0 {
		r.lines = append(r.lines, say("and ", more, " more"))
	}
	return []row{r}
}

// maxOthers is how many dumps of each kind that are no failure are listed.
const maxOthers = 20

// SurveyText writes a survey for people.
func SurveyText(w io.Writer, s *Survey, opts Options) error {
	t := textWriter{w: w, opts: opts}
	t.wrapped(2, capital(s.headline().text()))
	failures, others := s.split()
	for i := range failures {
		g := &failures[i]
		title := fmt.Sprintf("== %d of %d: %s ", i+1, len(failures), g.heading().text())
		fmt.Fprintf(&t.buf, "\n%s%s\n\n", title, strings.Repeat("=", max(0, opts.width()-len(title))))
		t.page(g.page())
	}
	if rows := s.othersRows(others); len(rows) > 0 {
		t.buf.WriteString("\n")
		for i := range rows {
			t.row(&rows[i])
		}
	}
	_, err := w.Write(t.buf.Bytes())
	return err
}

// SurveyMarkdown writes a survey as Markdown, for an issue or the summary of a job.
func SurveyMarkdown(w io.Writer, s *Survey) error {
	text := "## " + capital(markdown(s.headline())) + "\n"
	failures, others := s.split()
	tail := ""
	if listed := rows(slices.Concat(s.othersRows(others), s.unreadRows())); listed != "" {
		tail = "\n" + listed
	}
	left := 0
	for i := range failures {
		g := &failures[i]
		title := fmt.Sprintf("\n---\n\n**%d of %d**: %s\n\n", i+1, len(failures), markdown(g.heading()))
		p := g.page()
		room := maxMarkdown - maxNotes - len(text) - len(title) - len(tail)
		if i+1 < len(failures) {
			room /= 2 // for those to come
		}
		body, ok := markdownPage(&p, room)
		if !ok {
			left++
			continue
		}
		text += title + body
	}
	if left > 0 {
		text += "\n" + plural(left, "more kind") + " of failure left out, for an issue has a limit: `--format json` has all of them.\n"
	}
	if len(text)+len(tail) > maxMarkdown {
		tail = ""
	}
	_, err := io.WriteString(w, text+tail)
	return err
}

// capital is a sentence with its first letter in capitals.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

type jsonSurvey struct {
	Schema    string          `json:"schema"`
	Files     int64           `json:"files"`
	Bytes     int64           `json:"bytes"`
	Skipped   int             `json:"skipped"`
	Unread    []jsonUnread    `json:"unread,omitzero"`
	More      int             `json:"more,omitzero"`
	Groups    []jsonGroup     `json:"groups"`
	Snapshots []*jsonSnapshot `json:"snapshots"`
}

type jsonUnread struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

type jsonGroup struct {
	Signature string          `json:"signature,omitzero"` // its id
	Title     string          `json:"title,omitzero"`
	Failure   bool            `json:"failure"`
	Undecided bool            `json:"undecided,omitzero"` // whether it is a failure is unknown
	Known     bool            `json:"known"`
	Weak      bool            `json:"weak"`
	Snapshots []jsonFoundSnap `json:"snapshots"`
}

type jsonFoundSnap struct {
	ID     string      `json:"id"`
	Places []jsonPlace `json:"places"`
}

type jsonPlace struct {
	Name string `json:"name"`
	Line int    `json:"line,omitzero"`
	Job  string `json:"job,omitzero"`
	Step string `json:"step,omitzero"`
}

// SurveyJSON writes a survey as one JSON document: that of the snapshots, as open
// prints it, with the groups that they are in.
func SurveyJSON(w io.Writer, s *Survey) error {
	doc := jsonSurvey{Schema: Schema, Files: s.Files, Bytes: s.Bytes, Skipped: s.Skipped, More: s.More, Groups: []jsonGroup{}, Snapshots: []*jsonSnapshot{}}
	for _, u := range s.Unread {
		doc.Unread = append(doc.Unread, jsonUnread{jsonString(u.Name), jsonString(u.Why)})
	}
	for i := range s.Groups {
		g := &s.Groups[i]
		j := jsonGroup{Title: jsonString(g.title()), Failure: g.IsFailure(), Undecided: g.IsUndecided(), Known: g.Known}
		if sig := g.signature(); sig != nil {
			j.Signature, j.Weak = sig.ID, sig.Weak
		}
		for _, f := range g.Found {
			found := jsonFoundSnap{ID: f.Snapshot.ID()}
			for _, p := range f.Places {
				found.Places = append(found.Places, jsonPlace{jsonString(p.Name), p.Line, jsonString(p.Job), jsonString(p.Step)})
			}
			j.Snapshots = append(j.Snapshots, found)
			doc.Snapshots = append(doc.Snapshots, newJSONSnapshot(f.Snapshot))
		}
		doc.Groups = append(doc.Groups, j)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("encode survey: %w", err)
	}
	out := appendPrintable(nil, bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	_, err := w.Write(append(out, '\n'))
	return err
}

// Headline says how much was found, in a line.
func Headline(s *Survey) string { return capital(s.headline().text()) + "." }
