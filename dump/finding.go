// SPDX-License-Identifier: GPL-2.0-only

package dump

import (
	"strconv"
	"strings"
	"time"
)

// Severity says how much a finding matters.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityInfo    Severity = "info"
)

// Confidence says how sure a finding is: a dump is one instant.
type Confidence string

// The confidences.
const (
	ConfidenceHigh   Confidence = "high"
	ConfidenceMedium Confidence = "medium"
	ConfidenceLow    Confidence = "low"
)

// Finding is what a rule concluded from a snapshot. It always has evidence.
type Finding struct {
	Rule        string // stable name, "rt-hog"
	Severity    Severity
	Confidence  Confidence
	Title       string // one line
	Explanation string // in plain words, with the names and numbers at hand
	Evidence    []Evidence
	Next        string // what to do or collect next
	// Victims are the tasks that suffer from it, as in Evidence, the one that has
	// waited longest first.
	Victims []string
	// Follows are the rules whose findings merely follow from this one.
	Follows []string
}

// NotEvaluated are rules that could not be evaluated for the same reason: what they
// are about may or may not be so.
type NotEvaluated struct {
	Rules []string
	Why   string // of the snapshot: "part of it is missing"
}

// Evidence is one thing of the snapshot that a finding rests on.
type Evidence struct {
	Entity string // "task:123", "cpu:3", "cell:1", "cgroup:7", "dsq:0x1", "exit", "scheduler"
	Text   string // the line of the source
	At     Span   // where it stands, zero if it does not come from text
}

// EntityNumber is the number in an entity of a kind: 123 of "task:123" for "task".
// It is false for other kinds, and for what is no number.
func EntityNumber(entity, kind string) (int64, bool) {
	id, is := strings.CutPrefix(entity, kind+":")
	if !is {
		return 0, false
	}
	bits := 32
	if kind == "cgroup" {
		bits = 64
	}
	n, err := strconv.ParseInt(id, 10, bits)
	return n, err == nil
}

// Signature groups snapshots of the same failure, on whatever machine.
type Signature struct {
	ID    string   // hash of Parts
	Title string   // for people
	Parts []string // what was hashed, so that a person sees why
	Weak  bool     // from a partial dump: similar, never the same
	// Seen is what a catalogue has of other dumps with this signature, nil if it
	// has none or none was asked. It is not part of what is recorded.
	Seen *Seen
}

// Seen says when a failure was seen before.
type Seen struct {
	Count      int // at least 1
	First      time.Time
	Last       time.Time
	LastKernel string // release, "" if unknown
	LastHost   string // "" if unknown
}
