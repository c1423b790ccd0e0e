// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"fmt"
	"strings"

	"scxdiag/dump"
)

// quoted is text that comes from a dump. Each format keeps it from doing harm.
type quoted string

// prose is a sentence of this program with names from a dump in it, which are
// not marked. Each format keeps it from doing harm, word by word.
type prose string

// span is a piece of running text.
type span struct {
	text string
	of   origin
}

// origin says whose words a text is.
type origin int

const (
	ours  origin = iota // of this program
	dumps               // from a dump
	mixed               // prose
)

// phrase is running text, the same for every format.
type phrase []span

// say makes a phrase. Parts that are quoted, and task names, come from the
// dump, parts that are prose in part; strings are words of this program;
// anything else is printed.
func say(parts ...any) phrase {
	var p phrase
	for _, part := range parts {
		switch part := part.(type) {
		case quoted:
			p = append(p, span{dump.Printable(string(part)), dumps})
		case dump.TaskRef:
			p = append(p, span{dump.Printable(part.String()), dumps})
		case prose:
			p = append(p, span{dump.Printable(string(part)), mixed})
		case phrase:
			p = append(p, part...)
		default:
			p = append(p, span{fmt.Sprint(part), ours})
		}
	}
	return p
}

// join puts sep between those phrases that are not empty.
func join(sep string, phrases ...phrase) phrase {
	var p phrase
	for _, q := range phrases {
		if len(q) == 0 {
			continue
		}
		if len(p) > 0 {
			p = append(p, span{text: sep})
		}
		p = append(p, q...)
	}
	return p
}

// text is the phrase as plain text.
func (p phrase) text() string {
	var b strings.Builder
	for _, s := range p {
		b.WriteString(s.text)
	}
	return b.String()
}

// plural is a number with its noun: "1 task", "2 tasks".
func plural[N ~int | ~uint32 | ~uint64 | ~int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprint(n, " ", noun, "s")
}
