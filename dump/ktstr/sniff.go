// SPDX-License-Identifier: GPL-2.0-only

package ktstr

import (
	"bytes"
	"regexp"
)

// SniffLen is how many bytes at the start of a stream Sniff makes use of.
const SniffLen = 4 << 10

// beginnings are what a document starts with, blanks left out. The last one is
// of versions without a schema, whose first map tells.
var beginnings = regexp.MustCompile(`^\{(?:` +
	`"schema":"single","maps":\[` + `|` +
	`"schema":"dual","(?:early|late)":\{` + `|` +
	`"schema":"degraded","reason":"` + `|` +
	`"maps":\[\{"name":"[^"\\]*",(?:"map_kva":\d+,)?"map_type":\d+,"value_size":\d+,"max_entries":\d` + `)`)

// Sniff reports whether a stream that begins with head is a failure dump of
// ktstr. It goes by the names that come first and their order, which ktstr's
// own reader does not ask for but its writer keeps.
func Sniff(head []byte) bool {
	if !IsObject(head) {
		return false
	}
	return beginnings.Match(compact(head[:min(len(head), SniffLen)]))
}

// IsObject reports whether a stream that begins with head may be an object of
// JSON, so that Sniff is worth waiting for SniffLen bytes.
func IsObject(head []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(trimMark(head), " \t\r\n"), []byte("{"))
}

// trimMark removes a byte order mark.
func trimMark(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\ufeff")) }

// compact is JSON without the blanks between its tokens.
func compact(b []byte) []byte {
	var s scanner
	out := make([]byte, 0, len(b))
	for _, c := range trimMark(b) {
		if s.next(c) != blank {
			out = append(out, c)
		}
	}
	return out
}
