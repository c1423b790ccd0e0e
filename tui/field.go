// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"time"

	"scxdiag/dump"
)

// field is what a filter can ask of the things of a list.
type field struct {
	name text
	also text // another name, "" if it has none
	// takes is what its values are, and values are all that there are of them, for
	// the help.
	takes, values text
	// match makes the test of a term, or says what is wrong with it, as the rest of
	// a sentence that begins with the name of the field.
	match func(op operator, value string) (predicate, text)
	// find makes the test of a word of which the field is not named. It is nil if
	// such words are not looked for in the field, and gives nil if the field cannot
	// have that one.
	find func(word string) predicate
}

// called gives a field a second name: that of its column.
func (f field) called(also text) field {
	f.also = also
	return f
}

// found has words without a field looked for in the field.
func (f field) found() field {
	f.find = func(word string) predicate {
		test, _ := f.match(opHas, word)
		return test
	}
	return f
}

// order is which results of cmp.Compare an operator takes: less, equal, more. None
// if it does not order things.
type order [3]bool

func (op operator) order() order {
	return [nrOperators]order{
		opHas: {1: true}, opEqual: {1: true}, opLess: {0: true}, opAtMost: {0: true, 1: true}, opMore: {2: true}, opAtLeast: {1: true, 2: true},
	}[op]
}

func (o order) takes(compared int) bool { return o[compared+1] }

// numberField is a field of numbers.
func numberField[T int | int32 | int64 | uint32 | uint64](name text, get func(i int) dump.Value[T]) field {
	return field{name: name, takes: "numbers", match: func(op operator, value string) (predicate, text) {
		want, ok := parseNumber[T](value)
		if !ok || op == opMatches {
			return nil, "takes a number, not " + quoted(op, value)
		}
		order := op.order()
		return func(i int) bool {
			v := get(i)
			return v.Known && order.takes(cmp.Compare(v.V, want))
		}, ""
	}}
}

// parseNumber reads a number, in decimal or with 0x.
func parseNumber[T int | int32 | int64 | uint32 | uint64](s string) (T, bool) {
	if T(0)-1 > 0 {
		n, err := strconv.ParseUint(s, 0, 64)
		return T(n), err == nil && uint64(T(n)) == n
	}
	n, err := strconv.ParseInt(s, 0, 64)
	return T(n), err == nil && int64(T(n)) == n
}

func quoted(op operator, value string) text {
	if op == opMatches {
		value = "~" + value
	}
	return "\"" + clean(value).clip(16) + "\""
}

// durationField is a field of times. A time that is asked for is as precise as it
// is written: 35s is all that is shown as 35.something.
func durationField(name text, get func(i int) dump.Value[time.Duration]) field {
	return field{name: name, takes: "times", match: func(op operator, value string) (predicate, text) {
		want, unit, ok := parseDuration(value)
		switch {
		case op == opMatches:
			return nil, "takes a time, not " + quoted(op, value)
		case !ok && strings.Trim(value, "0123456789.") == "":
			return nil, "needs a unit: " + clean(value).clip(16) + "ms, s or m"
		case !ok:
			return nil, "takes a time such as 20ms, 1.5s or 2m, not " + quoted(op, value)
		}
		order, whole := op.order(), op == opHas || op == opEqual
		return func(i int) bool {
			v := get(i)
			if whole {
				v.V -= v.V % unit
			}
			return v.Known && order.takes(cmp.Compare(v.V, want))
		}, ""
	}}
}

// parseDuration reads a time and how precise it is.
func parseDuration(s string) (d, precision time.Duration, ok bool) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, 0, false
	}
	end := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzµμ")
	precision = map[string]time.Duration{
		"us": time.Microsecond, "µs": time.Microsecond, "μs": time.Microsecond, "ms": time.Millisecond,
		"s": time.Second, "m": time.Minute, "h": time.Hour,
	}[s[len(end):]]
	if _, decimals, has := strings.Cut(end, "."); has {
		for range decimals {
			precision /= 10
		}
	}
	return d, max(precision, 1), true
}

// textField is a field of text, in which parts are looked for without regard to
// capital letters.
func textField(name text, get func(i int) dump.Value[string]) field {
	return field{name: name, takes: "text", match: func(op operator, value string) (predicate, text) {
		test, problem := textTest(op, value)
		if problem != "" {
			return nil, problem
		}
		return func(i int) bool {
			v := get(i)
			return v.Known && test(v.V)
		}, ""
	}}
}

// sharedField is a field of one or more words that follow from a key, which many
// things have in common, and that are made only once for each key.
func sharedField[K comparable](name text, key func(i int) dump.Value[K], words func(K) []string) field {
	return field{name: name, takes: "text", match: func(op operator, value string) (predicate, text) {
		test, problem := textTest(op, value)
		if problem != "" {
			return nil, problem
		}
		var last dump.Value[K]
		var same bool // what last gave
		known := map[K]bool{}
		return func(i int) bool {
			k := key(i)
			if !k.Known {
				return false
			}
			if last.Known && last.V == k.V {
				return same
			}
			passes, seen := known[k.V]
			if !seen {
				for _, w := range words(k.V) {
					passes = passes || test(w)
				}
				if len(known) < maxKnown {
					known[k.V] = passes
				}
			}
			last, same = k, passes
			return passes
		}, ""
	}}
}

// maxKnown bounds how many results a test remembers.
const maxKnown = 1 << 14

// letterField is a field of one letter, which is never asked for in part.
func letterField(name text, get func(i int) dump.Value[byte]) field {
	f := sharedField(name, get, func(c byte) []string { return []string{string(rune(c))} })
	match := f.match
	f.takes = "letters"
	f.match = func(op operator, value string) (predicate, text) {
		if op == opHas {
			op = opEqual
		}
		return match(op, value)
	}
	return f
}

// maxPattern bounds a regular expression, in bytes. The package regexp bounds how
// often it can repeat a part.
const maxPattern = 128

// textTest makes the test of one piece of text.
func textTest(op operator, value string) (func(s string) bool, text) {
	lower := strings.ToLower(value)
	switch op {
	case opHas:
		if !isASCII(lower) {
			return func(s string) bool { return strings.Contains(strings.ToLower(s), lower) }, ""
		}
		return func(s string) bool { return containsFold(s, lower) }, ""
	case opEqual:
		return func(s string) bool { return strings.EqualFold(s, value) }, ""
	case opMatches:
		if len(value) > maxPattern {
			return nil, "takes a regular expression of at most " + number(maxPattern) + " bytes"
		}
		pattern, err := regexp.Compile("(?i:" + value + ")")
		if _, alone := regexp.Compile(value); alone != nil {
			err = alone // it does not show what was put around it
		}
		if err != nil {
			return nil, "cannot use it: " + clean(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		return remembered(pattern.MatchString), ""
	}
	return nil, "is text: it takes : = != and :~"
}

// remembered keeps what a slow test gave for text that is seen again and again.
func remembered(test func(s string) bool) func(s string) bool {
	known := map[string]bool{}
	return func(s string) bool {
		passes, seen := known[s]
		if !seen {
			passes = test(s)
			if len(known) < maxKnown {
				known[s] = passes
			}
		}
		return passes
	}
}

// containsFold reports whether s holds lower, which is ASCII without capital
// letters, without regard to those of s.
func containsFold(s, lower string) bool {
	if lower == "" {
		return true
	}
	first := lower[0]
next:
	for i := 0; i+len(lower) <= len(s); i++ {
		if lowerByte(s[i]) != first {
			continue
		}
		for k := 1; k < len(lower); k++ {
			if lowerByte(s[i+k]) != lower[k] {
				continue next
			}
		}
		return true
	}
	return false
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// maskField is a field of CPUs: 3 are those masks that have CPU 3, =3 those that
// have only that one, and <2 those that have at most one.
func maskField(name text, get func(i int) *dump.Value[dump.CPUMask]) field {
	return field{name: name, takes: "CPUs", match: func(op operator, value string) (predicate, text) {
		if op > opEqual {
			n, ok := parseNumber[int](value)
			if !ok {
				return nil, "takes a number of CPUs, not " + quoted(op, value)
			}
			order := op.order()
			return func(i int) bool {
				m := get(i)
				return m.Known && order.takes(cmp.Compare(m.V.Count(), n))
			}, ""
		}
		want, err := dump.ParseMaskList(value)
		if value == "none" {
			want, err, op = dump.CPUMask{}, nil, opEqual
		}
		switch {
		case err != nil || op == opMatches:
			return nil, "takes CPUs such as 3 or 0-3,8, not " + quoted(op, value)
		case op == opEqual:
			return func(i int) bool {
				m := get(i)
				return m.Known && m.V == want
			}, ""
		}
		if want.Count() == 1 {
			cpu := want.First()
			return func(i int) bool {
				m := get(i)
				return m.Known && m.V.Has(cpu)
			}, ""
		}
		return func(i int) bool {
			m := get(i)
			return m.Known && want.SubsetOf(m.V)
		}, ""
	}}
}

// quality is something that a thing is or is not.
type quality struct {
	name text
	test predicate
}

// isField is the field "is": what begins with the word typed, or is just that.
func isField(qualities ...quality) field {
	names := make([]text, len(qualities))
	for k := range qualities {
		names[k] = qualities[k].name
	}
	all := join(names, ", ")
	match := func(op operator, value string) (predicate, text) {
		if op != opHas && op != opEqual {
			return nil, "takes : and one of " + all
		}
		var tests []predicate
		for _, q := range qualities {
			if strings.EqualFold(string(q.name), value) {
				return q.test, ""
			}
			if op == opHas && strings.HasPrefix(string(q.name), lowerASCII(value)) {
				tests = append(tests, q.test)
			}
		}
		if len(tests) == 0 {
			return nil, "takes one of " + all
		}
		return func(i int) bool {
			for _, test := range tests {
				if test(i) {
					return true
				}
			}
			return false
		}, ""
	}
	find := func(word string) predicate {
		test, _ := match(opEqual, word)
		return test
	}
	return field{name: "is", takes: "is", values: all, match: match, find: find}
}
