// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"slices"
	"strings"
)

// A filter is terms with spaces between them, all of which have to hold. A term is
// a word that occurs in what is shown, or a field, an operator and a value, such
// as cell:1, wait>1s and comm:~^web. A - or ! before a term turns it round, and
// quotes hold spaces together.

// operator compares a field with the value of a term.
type operator uint8

const (
	opHas       operator = iota // : the field is that, or contains it
	opMatches                   // :~ a regular expression finds something in it
	opEqual                     // =
	opLess                      // <
	opAtMost                    // <=
	opMore                      // >
	opAtLeast                   // >=
	nrOperators = iota
)

// operators are written so; of two that begin alike the longer stands first. What
// is no operator of its own, !=, is = turned round.
var operators = []struct {
	sign string
	op   operator
	not  bool
}{
	{":~", opMatches, false}, {":", opHas, false}, {"!=", opEqual, true}, {"=", opEqual, false},
	{"<=", opAtMost, false}, {"<", opLess, false}, {">=", opAtLeast, false}, {">", opMore, false},
}

// predicate tells whether a thing of a list passes.
type predicate func(i int) bool

// term is a part of a filter.
type term struct {
	not   bool
	field string // as it was typed; "" for a word
	op    operator
	value string // without quotes; "" if there is none yet
}

// splitTerms takes a filter apart at the spaces that are outside of quotes. A quote
// that is still open goes up to the end.
func splitTerms(s string) []string {
	var out []string
	from, quoted := -1, false
	for i := range len(s) {
		switch c := s[i]; {
		case (c == ' ' || c == '\t') && !quoted:
			if from >= 0 {
				out = append(out, s[from:i])
			}
			from = -1
			continue
		case c == '"':
			quoted = !quoted
		}
		if from < 0 {
			from = i
		}
	}
	if from >= 0 {
		out = append(out, s[from:])
	}
	return out
}

// parseTerm reads one of the strings of splitTerms. What does not begin with the
// letters of a field and an operator is a word.
func parseTerm(s string) term {
	var t term
	if s[0] == '-' || s[0] == '!' {
		t.not, s = true, s[1:]
	}
	n := 0
	for n < len(s) && (s[n] == '_' || 'a' <= s[n]|0x20 && s[n]|0x20 <= 'z') {
		n++
	}
	if n > 0 {
		for _, o := range operators {
			if value, is := strings.CutPrefix(s[n:], o.sign); is {
				return term{t.not != o.not, s[:n], o.op, unquote(value)}
			}
		}
	}
	t.value = unquote(s)
	return t
}

func unquote(s string) string { return strings.ReplaceAll(s, `"`, "") }

// filter is a filter that was read for the things of one list.
type filter struct {
	source string
	tests  []predicate
	// partial is set if the last test is of a word that may become a field or a
	// value of one when more of it is typed.
	partial bool
	problem text // what is wrong with a term, which is left out; "" if nothing is
	hint    text // what the last term takes, if it has no value yet
}

// compile reads a filter. What it does not understand is left out, and what is
// still without a value too, so that half a filter does what is there of it.
func compile(source string, fields []field) *filter {
	f := &filter{source: source}
	raw := splitTerms(source)
	for k, s := range raw {
		t := parseTerm(s)
		if t.value == "" {
			switch of := findField(fields, t.field); {
			case t.field == "":
			case of == nil:
				f.problem = noField(t.field, fields)
			case k == len(raw)-1:
				f.hint = of.hint()
			}
			continue
		}
		test, problem := t.compile(fields)
		if problem != "" {
			f.problem = problem
		}
		if test == nil {
			continue
		}
		f.tests = append(f.tests, test)
		f.partial = k == len(raw)-1 && t.field == "" && strings.HasSuffix(source, s) &&
			len(completions(fields, strings.TrimSuffix(t.value, "!"))) > 0
	}
	return f
}

// compile makes the test of a term with a value. It is nil if there is a problem.
func (t *term) compile(fields []field) (predicate, text) {
	if t.field == "" {
		return turned(anywhere(t.value, fields), t.not), ""
	}
	f := findField(fields, t.field)
	if f == nil {
		return nil, noField(t.field, fields)
	}
	test, problem := f.match(t.op, t.value)
	if problem != "" {
		return nil, f.name + " " + problem
	}
	return turned(test, t.not), ""
}

func turned(test predicate, not bool) predicate {
	if !not {
		return test
	}
	return func(i int) bool { return !test(i) }
}

// anywhere looks for a word in all fields of text.
func anywhere(word string, fields []field) predicate {
	var tests []predicate
	for k := range fields {
		if fields[k].find == nil {
			continue
		}
		if test := fields[k].find(word); test != nil {
			tests = append(tests, test)
		}
	}
	return func(i int) bool {
		for _, test := range tests {
			if test(i) {
				return true
			}
		}
		return false
	}
}

// match reports whether thing i passes all tests.
func (f *filter) match(i int) bool {
	for _, test := range f.tests {
		if !test(i) {
			return false
		}
	}
	return true
}

// withoutLast is the filter without its last test.
func (f *filter) withoutLast() *filter {
	short := *f
	short.tests = f.tests[:len(f.tests)-1]
	return &short
}

func findField(fields []field, name string) *field {
	for k := range fields {
		if f := &fields[k]; strings.EqualFold(string(f.name), name) || f.also != "" && strings.EqualFold(string(f.also), name) {
			return f
		}
	}
	return nil
}

// noField says that there is no such field, and which there are: those that begin
// alike first.
func noField(name string, fields []field) text {
	names := fieldNames(fields)
	first := lowerASCII(name[:1])
	slices.SortStableFunc(names, func(a, b text) int {
		switch x, y := string(a[:1]) == first, string(b[:1]) == first; {
		case x == y:
			return 0
		case x:
			return -1
		}
		return 1
	})
	return "no field " + clean(name).clip(16) + ": there are " + join(names, " ")
}

func fieldNames(fields []field) []text {
	names := make([]text, len(fields))
	for k := range fields {
		names[k] = fields[k].name
	}
	return names
}

// completions are the fields that begin with what was typed.
func completions(fields []field, typed string) []text {
	var out []text
	for k := range fields {
		if n := fields[k].name; len(typed) <= len(n) && strings.EqualFold(string(n[:len(typed)]), typed) {
			out = append(out, n)
		}
	}
	return out
}

// complete adds to the field that is being typed at the end of a filter what all
// fields that begin so have in common, and the sign that comes next if there is
// but one. It gives the fields to choose from if there are several.
func complete(source string, fields []field) (completed string, choice []text) {
	at := strings.LastIndexAny(source, " -!") + 1
	typed := source[at:]
	choice = completions(fields, typed)
	if len(choice) == 0 || strings.Count(source, `"`)%2 != 0 {
		return source, nil
	}
	same := string(choice[0])
	for _, c := range choice {
		for !strings.HasPrefix(string(c), same) {
			same = same[:len(same)-1]
		}
	}
	if len(choice) == 1 {
		return source[:at] + same + ":", nil
	}
	return source[:at] + same, choice
}

// toggleTerm adds a term to a filter, or takes it away.
func toggleTerm(source, term string) string {
	terms := splitTerms(source)
	if i := slices.Index(terms, term); i >= 0 {
		return strings.Join(slices.Delete(terms, i, i+1), " ")
	}
	if strings.Count(source, `"`)%2 != 0 {
		terms[len(terms)-1] += `"`
	}
	return strings.Join(append(terms, term), " ")
}
