// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"fmt"
	"strings"

	"scxdiag/dump"
)

// quoted is text that comes from a dump. Each format keeps it from doing harm.
type quoted string

// span is a piece of running text: words of this program, or text from a dump.
type span struct {
	text string
	dump bool
}

// phrase is running text, the same for every format.
type phrase []span

// say makes a phrase. Parts that are quoted, and task names, come from the
// dump; strings are words of this program; anything else is printed.
func say(parts ...any) phrase {
	var p phrase
	for _, part := range parts {
		switch part := part.(type) {
		case quoted:
			p = append(p, span{dump.Printable(string(part)), true})
		case dump.TaskRef:
			p = append(p, span{dump.Printable(part.String()), true})
		case phrase:
			p = append(p, part...)
		default:
			p = append(p, span{fmt.Sprint(part), false})
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
