// SPDX-License-Identifier: GPL-2.0-only

package doctor

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Use is a command of scxdiag that asks something of the machine.
type Use string

// The uses.
const (
	Record Use = "record"
	Live   Use = "live"
	LiveVM Use = "live --vm"
)

// Uses are all of them.
func Uses() []Use { return []Use{Record, Live, LiveVM} }

// Status is what came of a check.
type Status string

// The statuses. Only an error stops something.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Error   Status = "error"
	Skipped Status = "skipped" // there was nothing to check
)

// Check is one thing that was looked at. Its texts are fit for a terminal, and
// each is one line.
type Check struct {
	ID     string `json:"id"` // stable
	Title  string `json:"title"`
	Status Status `json:"status"`
	Found  string `json:"found"`
	Fix    string `json:"fix,omitempty"` // what to do about it
	For    []Use  `json:"for"`           // what it is about
	Stops  []Use  `json:"stops"`         // what does not work because of it
}

// Report is what was found on a machine.
type Report struct {
	Release string // of the kernel, "" if unknown
	Arch    string // that the program is built for, as Go calls it
	Uses    []Use  // what it is about
	Checks  []Check
}

// About is the part of the report that is about some of the uses.
func (r *Report) About(uses ...Use) *Report {
	part := &Report{Release: r.Release, Arch: r.Arch, Uses: uses}
	for _, c := range r.Checks {
		c.For, c.Stops = common(c.For, uses), common(c.Stops, uses)
		if len(c.For) > 0 {
			part.Checks = append(part.Checks, c)
		}
	}
	return part
}

// common is what of all is among some, in the order of all.
func common(all, some []Use) []Use {
	both := make([]Use, 0, len(all))
	for _, u := range all {
		if slices.Contains(some, u) {
			both = append(both, u)
		}
	}
	return both
}

// stoppedBy are the checks because of which something does not work.
func (r *Report) stoppedBy(u Use) []Check {
	var stops []Check
	for _, c := range r.Checks {
		if slices.Contains(c.Stops, u) {
			stops = append(stops, c)
		}
	}
	return stops
}

// Works reports whether all of the uses work.
func (r *Report) Works(uses ...Use) bool {
	return !slices.ContainsFunc(uses, func(u Use) bool { return len(r.stoppedBy(u)) > 0 })
}

// marks are the statuses as the text has them.
var marks = map[Status]string{OK: "ok", Warning: "warn", Error: "FAIL", Skipped: "skip"}

// WriteText writes the report for people: the checks in groups, one line each,
// how to mend what is wrong below, and last what works.
func (r *Report) WriteText(w io.Writer) error {
	width := 0
	for _, c := range r.Checks {
		width = max(width, len(c.Title))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Linux %s, scxdiag for %s\n", cmp.Or(r.Release, "of an unknown release"), r.Arch)
	for i, c := range r.Checks {
		if i == 0 || !slices.Equal(c.For, r.Checks[i-1].For) {
			fmt.Fprintf(&b, "\n%s:\n", join(c.For))
		}
		fmt.Fprintf(&b, "  %-4s  %-*s  %s\n", marks[c.Status], width, c.Title, c.Found)
		if c.Fix != "" {
			fmt.Fprintf(&b, "  %*s  fix: %s\n", len("FAIL")+2+width, "", c.Fix)
		}
	}
	verdicts := make([]string, 0, len(r.Uses))
	for _, u := range r.Uses {
		verdicts = append(verdicts, string(u)+": "+r.verdict(u))
	}
	fmt.Fprintf(&b, "\n%s\n", strings.Join(verdicts, "; "))
	_, err := io.WriteString(w, b.String())
	return err //nolint:wrapcheck // the caller says what it writes to
}

// verdict says whether something works, or what stops it first.
func (r *Report) verdict(u Use) string {
	stops := r.stoppedBy(u)
	switch len(stops) {
	case 0:
		return "works"
	case 1:
		return stops[0].Found
	}
	return fmt.Sprintf("%s (and %d more)", stops[0].Found, len(stops)-1)
}

// join is a list in words.
func join[T ~string](list []T) string {
	var b strings.Builder
	for i, s := range list {
		switch {
		case i == 0:
		case i == len(list)-1:
			b.WriteString(" and ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}

// Schema names the form of the JSON document.
const Schema = "scxdiag-doctor/1"

// WriteJSON writes the report for programs, as one document.
func (r *Report) WriteJSON(w io.Writer) error {
	works := make(map[Use]bool, len(r.Uses))
	for _, u := range r.Uses {
		works[u] = r.Works(u)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(struct { //nolint:wrapcheck // the caller says what it writes to
		Schema  string       `json:"schema"`
		Release string       `json:"release,omitempty"`
		Arch    string       `json:"arch"`
		Checks  []Check      `json:"checks"`
		Works   map[Use]bool `json:"works"`
	}{Schema, r.Release, r.Arch, r.Checks, works})
}
