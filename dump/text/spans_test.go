// SPDX-License-Identifier: GPL-2.0-only

package text_test

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"scxdiag/dump"
)

// checkSpans checks that every span lies within Raw, and that the spans of
// some values cover their text there.
func checkSpans(t fataler, s *dump.Snapshot) {
	t.Helper()
	forSpans(reflect.ValueOf(s).Elem(), func(at dump.Span) {
		if int64(at.Off)+int64(at.Len) > int64(len(s.Raw)) {
			t.Fatalf("a span %d+%d lies outside of the %d bytes", at.Off, at.Len, len(s.Raw))
		}
	})
	covers := func(what string, at dump.Span, text string) {
		if !at.IsZero() && text != "" && !strings.Contains(s.At(at), text) && !hasControls(s.At(at)) {
			t.Fatalf("%s: the span of %q covers %q", what, text, s.At(at))
		}
	}
	number := func(what string, at dump.Span, n string) { // which may have zeroes before it
		if text := zeroes.ReplaceAllString(s.At(at), "$1"); !at.IsZero() && !strings.Contains(text, n) && !hasControls(text) {
			t.Fatalf("%s: the span of %s covers %q", what, n, s.At(at))
		}
	}
	if e := s.Exit; e != nil {
		covers("exit task", e.Task.At, firstLine(e.Task.V.Comm))
		covers("exit reason", e.Reason.At, firstLine(e.Reason.V))
		for _, l := range e.Backtrace {
			covers("backtrace", l.At, l.Text)
		}
	}
	for i := range s.CPUs {
		c := &s.CPUs[i]
		covers("current task", c.Current.At, firstLine(c.Current.V.Comm))
		if c.KSync.Known {
			number("ksync", c.KSync.At, strconv.FormatUint(c.KSync.V, 10))
		}
	}
	for i := range s.Tasks {
		task := &s.Tasks[i]
		covers("task", task.At, firstLine(task.Comm))
		if task.QSeq.Known {
			number("qseq", task.QSeq.At, strconv.FormatUint(task.QSeq.V, 10))
		}
		if task.Weight.Known {
			number("weight", task.Weight.At, strconv.FormatUint(uint64(task.Weight.V), 10))
		}
		for _, l := range task.Stack {
			covers("stack", l.At, l.Text)
		}
	}
	for _, c := range s.Counters {
		number("counter", c.At, strconv.FormatInt(c.Value, 10))
	}
}

// zeroes are those that a number begins with.
var zeroes = regexp.MustCompile(`\b0+([0-9])`)

// firstLine is text up to a newline: behind it the carrier may go on with a
// prefix.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// hasControls reports whether escape sequences stand in the text, so that it
// had to be cleaned.
func hasControls(text string) bool { return strings.ContainsRune(text, '\x1b') }

// forSpans calls f with every span in a value of the model.
func forSpans(v reflect.Value, f func(dump.Span)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			forSpans(v.Elem(), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			forSpans(v.Index(i), f)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[dump.Span]() {
			f(v.Interface().(dump.Span))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				forSpans(v.Field(i), f)
			}
		}
	}
}
