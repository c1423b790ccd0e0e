// SPDX-License-Identifier: GPL-2.0-only

package dump_test

import (
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"scxdiag/dump"
)

func TestPrintable(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain text stays", "kworker/u8:2 [x] (y)", "kworker/u8:2 [x] (y)"},
		{"letters of any language stay", "żółw 日本 é", "żółw 日本 é"},
		{"an escape sequence is shown", "\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
		{"newline, return and tab are shown", "a\nb\rc\td", `a\nb\rc\td`},
		{"bytes that are not UTF-8 are shown", "a\xff\xc3", `a\xff\xc3`},
		{"a right-to-left override is shown", "a\u202eb", `a\u202eb`},
		{"a zero-width space is shown", "a\u200bb", `a\u200bb`},
		{"a byte order mark is shown", "\ufeffa", `\ufeffa`},
		{"a no-break space is shown", "a\u00a0b", `a\u00a0b`},
		{"C1 control characters are shown", "a\u009bb", `a\u009bb`},
		{"delete is shown", "a\x7fb", `a\x7fb`},
		{"a replacement character that was there stays", "a\ufffdb", "a\ufffdb"},
		{"a NUL is shown", "a\x00b", `a\x00b`},
		{"nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := dump.Printable(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPrintableIsFitForATerminal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte("\x1b\n\x9b a\xe2\x80\xae")))).Draw(t, "text")
		got := dump.Printable(string(b))
		if !utf8.ValidString(got) {
			t.Errorf("%q is not UTF-8", got)
		}
		if i := strings.IndexFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%q has %q", got, got[i:])
		}
		if dump.Printable(got) != got {
			t.Errorf("%q changes again to %q", got, dump.Printable(got))
		}
		// What is escaped can be read back, unless the text had backslashes.
		if !strings.ContainsRune(string(b), '\\') {
			back, err := strconv.Unquote(`"` + strings.ReplaceAll(got, `"`, `\"`) + `"`)
			if err != nil || back != string(b) {
				t.Errorf("%q reads back as %q, %v, want %q", got, back, err, b)
			}
		}
	})
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in   string
		most int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"aä", 2, "a"}, {"aä", 3, "aä"}, {"日本", 5, "日"}, {"日", 2, ""}, {"", 0, ""}} {
		if got := dump.Cut(c.in, c.most); got != c.want {
			t.Errorf("%q to %d bytes: %q", c.in, c.most, got)
		}
	}
}
