// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"scxdiag/dump"
	"scxdiag/dump/store"
)

// ShortID is how many digits of an id lists show.
const ShortID = 12

// ListSchema is the version of the JSON document of a list. Fields may be added
// to a version; what is there keeps its name and meaning.
const ListSchema = "scxdiag-list/1"

// ListText writes what a recording holds as a table for people, in local time.
// Without entries it writes nothing. With a width, lines are cut there.
func ListText(w io.Writer, entries []store.Entry, opts Options) error {
	if len(entries) == 0 {
		return nil
	}
	var b bytes.Buffer
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tTIME\tHOST\tSCHEDULER\tWHAT")
	for i := range entries {
		e := &entries[i]
		when := e.When().Local().Format("2006-01-02 15:04:05")
		if e.Time.IsZero() {
			when += " kept"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", e.ID[:min(ShortID, len(e.ID))], when, cell(e.Host, nameWidth),
			cell(dump.BaseName(e.Scheduler), nameWidth), cell(entryWhat(e), whatWidth))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if opts.Width == 0 {
		_, err := w.Write(b.Bytes())
		return err
	}
	var cut strings.Builder
	for line := range strings.Lines(b.String()) {
		cut.WriteString(shortened(strings.TrimSuffix(line, "\n"), max(opts.Width, minWidth)) + "\n")
	}
	_, err := io.WriteString(w, cut.String())
	return err
}

// How many characters of names and of what happened a list shows.
const (
	nameWidth = 24
	whatWidth = 80
)

// cell is text as a cell of a table, short enough that others have room.
func cell(s string, width int) string {
	if s == "" {
		return "-"
	}
	return shortened(dump.Printable(s), width)
}

// shortened is text of so many characters at most.
func shortened(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:width-3]) + "..."
	}
	return s
}

// EntryTitle says in some words what a snapshot is, as completions do. It is as
// the dump had it, not fit for a terminal.
func EntryTitle(e *store.Entry) string {
	name := dump.BaseName(e.Scheduler)
	if name == "" {
		name = "scheduler"
	}
	return e.When().Local().Format("2006-01-02 15:04:05 ") + name + ": " + entryWhat(e)
}

// entryWhat says what became of the scheduler, and what is missing.
func entryWhat(e *store.Entry) string {
	parts := make([]string, 0, 3)
	what := e.Reason
	if what == "" && e.Kind.Known {
		what = e.Kind.V.Reason()
	}
	switch {
	case what != "":
	case e.Trigger == dump.TriggerSysRq:
		what = "SysRq-D"
	case e.Trigger == dump.TriggerSample:
		what = "sample"
	case e.Trigger == dump.TriggerHalfway:
		what = "halfway to a stall"
	case e.Failure:
		what = "failed"
	case e.Trigger == dump.TriggerUnknown:
		what = "verdict unknown"
	default:
		what = string(e.Trigger)
	}
	parts = append(parts, what)
	if e.Task != "" {
		parts = append(parts, e.Task)
	}
	switch {
	case e.Lost > 0:
		parts = append(parts, plural(e.Lost, "record")+" lost")
	case !e.Complete:
		parts = append(parts, "incomplete")
	}
	return strings.Join(parts, ", ")
}

// jsonEntry is a snapshot of a list; what is unknown is absent. Kept is when it
// was put into the recording, size what it takes there, in bytes; text and
// records say whether what it was made from is kept.
type jsonEntry struct {
	ID        string         `json:"id"`
	Time      string         `json:"time,omitzero"`
	Kept      string         `json:"kept"`
	Host      string         `json:"host,omitzero"`
	Boot      string         `json:"boot,omitzero"`
	Kernel    string         `json:"kernel,omitzero"`
	Scheduler string         `json:"scheduler,omitzero"`
	Trigger   string         `json:"trigger,omitzero"`
	Kind      *dump.ExitKind `json:"kind,omitzero"`
	Name      string         `json:"name,omitzero"`
	Reason    string         `json:"reason,omitzero"`
	Signature string         `json:"signature,omitzero"`
	Title     string         `json:"title,omitzero"`
	Task      string         `json:"task,omitzero"`
	Tasks     int            `json:"tasks"`
	Failure   bool           `json:"failure"`
	Complete  bool           `json:"complete"`
	Truncated bool           `json:"truncated"`
	Lost      uint64         `json:"lost"`
	Source    string         `json:"source,omitzero"`
	Text      bool           `json:"text"`
	Records   bool           `json:"records"`
	Size      int64          `json:"size"`
}

// ListJSON writes what a recording holds as one JSON document, each snapshot on
// a line of its own.
func ListJSON(w io.Writer, entries []store.Entry) error {
	out := []byte(`{"schema":"` + ListSchema + `","snapshots":[`)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for i := range entries {
		b.Reset()
		if err := enc.Encode(newJSONEntry(&entries[i])); err != nil {
			return fmt.Errorf("encode list: %w", err)
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, '\n')
		out = appendPrintable(out, bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	}
	_, err := w.Write(append(out, "\n]}\n"...))
	return err
}

func newJSONEntry(e *store.Entry) *jsonEntry {
	j := &jsonEntry{
		ID: e.ID, Kept: e.Added.UTC().Format(time.RFC3339Nano), Host: jsonString(e.Host), Boot: jsonString(e.Boot),
		Kernel: jsonString(e.Kernel), Scheduler: jsonString(e.Scheduler), Trigger: jsonString(e.Trigger),
		Kind: opt(e.Kind), Reason: jsonString(e.Reason), Signature: jsonString(e.Signature), Title: jsonString(e.Title),
		Task: jsonString(e.Task), Tasks: e.Tasks, Failure: e.Failure, Complete: e.Complete, Truncated: e.Truncated,
		Lost: e.Lost, Source: jsonString(e.Source), Text: e.HasText, Records: e.HasRecords, Size: e.Size,
	}
	if !e.Time.IsZero() {
		j.Time = e.Time.Format(time.RFC3339Nano)
	}
	if e.Kind.Known {
		j.Name = e.Kind.V.String()
	}
	return j
}
