// SPDX-License-Identifier: GPL-2.0-only

package text

import "bytes"

// anchors finds the words by which a dump or a verdict betrays itself in
// noise. Each of them holds one of three bytes that are rare in logs, so the
// search runs at the speed of bytes.IndexByte. The next hit of each byte is
// remembered across calls, as an offset in the stream.
type anchors struct {
	next [len(rareBytes)]int64
}

// rareBytes are the bytes, with what must surround them.
var rareBytes = [...]struct {
	c  byte
	ok func(s []byte, i int) bool
}{
	{'x', func(s []byte, i int) bool {
		if i == 0 {
			return false
		}
		switch s[i-1] {
		case '0':
			return around(s, i, "flags=0", "x")
		case 'c':
			return around(s, i, "sc", "x_state/flags=")
		case 'e':
			return around(s, i, "sched_e", "xt: ") || around(s, i, "sched_e", "xt_dump:") || around(s, i, "e", "xit kind ")
		case 'u':
			return around(s, i, "Linu", "x version ")
		}
		return false
	}},
	{'X', func(s []byte, i int) bool {
		return around(s, i, "E", "XIT: ") || around(s, i, "SC", "X_EV_")
	}},
	{'D', func(s []byte, i int) bool { return around(s, i, "", "Debug dump triggered by ") }},
}

// around reports whether before ends at i and after starts there.
func around(s []byte, i int, before, after string) bool {
	return i >= len(before) && i+len(after) <= len(s) &&
		string(s[i-len(before):i]) == before && string(s[i:i+len(after)]) == after
}

// find returns the index of the first anchor in lines, which starts at the given
// offset of the stream, or -1.
func (a *anchors) find(lines []byte, offset int64) int {
	first := -1
	for k := range rareBytes {
		rare := &rareBytes[k]
		i := max(int(a.next[k]-offset), 0)
		for i < len(lines) {
			n := bytes.IndexByte(lines[i:], rare.c)
			if n < 0 {
				i = len(lines)
				break
			}
			if i += n; rare.c == 'x' && i > 1 && lines[i-1] == '0' && lines[i-2] != '=' { // by far the most are of "0x"
				i++
				continue
			}
			if rare.ok(lines, i) {
				break
			}
			i++
		}
		a.next[k] = offset + int64(i)
		if i < len(lines) && (first < 0 || i < first) {
			first = i
		}
	}
	return first
}
