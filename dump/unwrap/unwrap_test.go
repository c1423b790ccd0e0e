// SPDX-License-Identifier: GPL-2.0-only

package unwrap_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"scxdiag/dump/unwrap"
)

// undone is what comes out of a stream whose start comes at once, and the rest in pieces
// of any size.
func undone(t *testing.T, in string) (out, kind string, err error) {
	t.Helper()
	r, kind := unwrap.Undo(strings.NewReader(in))
	b, err := io.ReadAll(r)
	start := min(len(in), 4<<10)
	small, again := unwrap.Undo(io.MultiReader(strings.NewReader(in[:start]), iotest.OneByteReader(strings.NewReader(in[start:]))))
	pieces, againErr := io.ReadAll(iotest.OneByteReader(small))
	if !bytes.Equal(b, pieces) || kind != again || (err == nil) != (againErr == nil) {
		t.Fatalf("in pieces it is another: %q, %v, not %q, %v", pieces, againErr, b, err)
	}
	return string(b), kind, err
}

const at = `"__REALTIME_TIMESTAMP":"1795811047123456"`

func TestUndo(t *testing.T) {
	const (
		stamp   = "2026-11-27T20:24:07.123456+0000 "
		journal = stamp + "a scx[7]: "
		rest    = `,"_HOSTNAME":"a","SYSLOG_IDENTIFIER":"scx","_PID":"7"}`
		header  = "Fri 2026-11-27 20:24:07.123456 UTC [s=ab;i=1;b=c]\n"
	)
	for name, tt := range map[string]struct{ in, kind, out string }{
		"nothing":            {"", "", ""},
		"text":               {"a\n{\nb\n", "", "a\n{\nb\n"},
		"message":            {`{"MESSAGE":"hello",` + at + "}\n", "json", stamp + "hello\n"},
		"fields":             {`{"MESSAGE":"hello",` + at + rest + "\n", "json", journal + "hello\n"},
		"lines":              {`{"MESSAGE":"a\n\n b",` + at + rest, "json", journal + "a\n" + journal + "\n" + journal + " b\n"},
		"bytes":              {`{"MESSAGE":[255,27,10,65],` + at + rest, "json", journal + "\xff\x1b\n" + journal + "A\n"},
		"no bytes":           {`{"MESSAGE":[256],"x":"12345"}`, "json", `{"MESSAGE":[256],"x":"12345"}`},
		"several":            {`{"MESSAGE":["a",[66]],` + at + `,"_COMM":["c","d"]}`, "json", stamp + "localhost c: a\n" + stamp + "localhost c: B\n"},
		"too long":           {`{"MESSAGE":null,` + at + rest, "json", journal + "\n"},
		"kernel":             {`{"SYSLOG_IDENTIFIER":"kernel","_HOSTNAME":"h","MESSAGE":"m"}`, "json", "h kernel: m\n"},
		"names with blanks":  {`{"_HOSTNAME":"a b","SYSLOG_IDENTIFIER":"c:d\ne","MESSAGE":"m"}`, "json", "a_b c_d: m\n"},
		"pretty":             {"{\n\t\"MESSAGE\" : \"}{\\\"\",\n\t" + at + "\n}\n{\n\t\"MESSAGE\" : \"b\",\n\t" + at + "\n}\n", "json", stamp + "}{\"\n" + stamp + "b\n"},
		"list":               {"[\n  {\n  \"MESSAGE\": \"a\",\n" + at + "},\n  {\"MESSAGE\":\"b\"," + at + "}\n]\n", "json", stamp + "a\n" + stamp + "b\n"},
		"docker":             {`{"log":"a\n","stream":"stderr","time":"2026-11-27T21:24:07.5+01:00"}` + "\n" + `{"log":"\n","stream":"stderr"}` + "\n", "json", "2026-11-27T20:24:07.500000000+0000 a\n\n"},
		"docker, labels":     {`{"log":"a\n","attrs":{"log":"b"},"stream":"stderr"}` + "\n", "json", "a\n"},
		"dmesg":              {"{\n   \"dmesg\": [\n      {\n         \"pri\": 6,\n         \"time\":    12.345678,\n         \"msg\": \"a\"\n      },{\n         \"pri\": 6,\n         \"time\":   112.345678,\n         \"msg\": \"b\"\n      }\n   ]\n}\n", "json", "[   12.345678] a\n[  112.345678] b\n"},
		"dmesg, short":       {`{"dmesg":[{"time":12.345678,"msg":"a"},{"msg":"b","time":1}]}`, "json", "[   12.345678] a\n[    1.000000] b\n"},
		"dmesg, dates":       {`{"dmesg":[{"time":"Fri Nov 27 20:24:07 2026","msg":"a"},{"time":"2026-11-27T20:24:07,5+00:00","msg":"b"}]}`, "json", "[Fri Nov 27 20:24:07 2026] a\n2026-11-27T20:24:07.500000000+0000 b\n"},
		"other logs":         {`{"level":"info","ts":1,"msg":"a"}` + "\n" + `{"time":1795811047123,"message":"b"}`, "json", "a\nb\n"},
		"mark":               {"\ufeff" + `{"MESSAGE":"hello",` + at + "}\n", "json", stamp + "hello\n"},
		"text before":        {"-- Boot 1 --\n" + `{"MESSAGE":"a",` + at + "}\n", "json", "-- Boot 1 --\n" + stamp + "a\n"},
		"text after":         {`{"MESSAGE":"a",` + at + "}\nb\n c\n\n{d\n", "json", stamp + "a\nb\n c\n\n{d\n"},
		"text beside":        {`{"MESSAGE":"a",` + at + "} b\n", "json", stamp + "a\n b\n"},
		"cut":                {`{"MESSAGE":"a` + "\n" + `{"MESSAGE":"b",` + at + "}\n" + `{"MESSAGE":"c"`, "json", `{"MESSAGE":"a` + "\n" + stamp + "b\n" + `{"MESSAGE":"c"`},
		"cut between":        {`{"MESSAGE":"a",` + "\n" + `{"MESSAGE":"b",` + at + "}\n", "json", `{"MESSAGE":"a",` + "\n" + stamp + "b\n"},
		"no record":          {"  {\"a\": {\"msg\": \"1\"},\n \"b\": [{\"msg\": \"2\"}]}\r\n{}\n", "json", "  {\"a\": {\"msg\": \"1\"},\n \"b\": [{\"msg\": \"2\"}]}\r\n{}\n"},
		"the name of a task": {`{"log":"abcde"}[1] triggered` + "\n", "json", `{"log":"abcde"}[1] triggered` + "\n"},
		"verbose":            {header + "    _PID=7\n    MESSAGE=a\n\x20           b\n    _HOSTNAME=h\n    _COMM=c\n" + header + "    PRIORITY=6\n" + header + "    MESSAGE=d\n-- Boot 2 --\n", "verbose", "Fri 2026-11-27 20:24:07.123456 UTC h c[7]: a\nFri 2026-11-27 20:24:07.123456 UTC h c[7]: b\nFri 2026-11-27 20:24:07.123456 UTC localhost unknown: d\n-- Boot 2 --\n"},
		"export":             {"__CURSOR=x\n_COMM=c\nMESSAGE=m\n\n", "export", "localhost c: m\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if out, kind, err := undone(t, tt.in); out != tt.out || kind != tt.kind || err != nil {
				t.Errorf("got %q (%s), %v, want %q (%s)", out, kind, err, tt.out, tt.kind)
			}
		})
	}
}

// TestErrorsOfTheStreamCome reads a log that breaks off.
func TestErrorsOfTheStreamCome(t *testing.T) {
	broken := errors.New("broken")
	for _, in := range []string{"text\n", `{"MESSAGE":"a",` + at + "}\n", "__CURSOR=x\nMESSAGE=m\n", "Fri 2026-11-27 20:24:07 UTC [s=ab;i=1;b=c]\n    MESSAGE=m\n"} {
		r, _ := unwrap.Undo(io.MultiReader(strings.NewReader(in), iotest.ErrReader(broken)))
		if out, err := io.ReadAll(r); !errors.Is(err, broken) || len(out) == 0 {
			t.Errorf("%q: %q, %v", in, out, err)
		}
	}
}

// TestLongObjects reads objects that are too long to be looked at, or nested so deep
// that looking at them could take long. They pass as they are.
func TestLongObjects(t *testing.T) {
	const start = `{"MESSAGE":"a",` + at + "}\n"
	for name, in := range map[string]string{
		"long": `{"log":"` + strings.Repeat("x", 5<<20) + `"}` + "\n", "open": `{"log":` + strings.Repeat(`[ `, 5<<20) + "\n",
		"deep": `{"log":` + strings.Repeat(`[`, 9000) + strings.Repeat(`]`, 9000) + "}\n", "lines": "{\"a\":\n" + strings.Repeat("1,\n", 2<<20),
	} {
		r, _ := unwrap.Undo(strings.NewReader(start + in + start))
		out, err := io.ReadAll(r)
		if err != nil || !bytes.Contains(out, []byte(in)) || bytes.Count(out, []byte("+0000 a\n")) != 2 && name != "open" && name != "lines" {
			t.Errorf("%s: %d bytes, %v", name, len(out), err)
		}
	}
}

// TestPipesAreNotWaitedFor has pipes that give a line at a time, and nothing after that.
func TestPipesAreNotWaitedFor(t *testing.T) {
	for _, tt := range []struct {
		want  string
		lines []string
	}{
		{"", []string{"a line\n"}},
		{"json", []string{`{"MESSAGE":"a"}` + "\n"}},
		{"json", []string{"-- Boot 1 --\n", "\n", "{\n", `"MESSAGE":"a"` + "\n"}},
		{"verbose", []string{"Fri 2026-11-27 20:24:07.123456 UTC [s=ab;i=1;b=c]\n"}},
		{"export", []string{"__CURSOR=x\n"}},
	} {
		r, w := io.Pipe()
		go func() {
			for _, line := range tt.lines {
				_, _ = io.WriteString(w, line) // it fails once r is closed
			}
		}()
		if _, kind := unwrap.Undo(r); kind != tt.want {
			t.Errorf("%q: %q, not %q", tt.lines, kind, tt.want)
		}
		_ = r.Close()
	}
}

// FuzzUndo takes anything for a log of records. However it arrives, the same comes
// out, and as long as nothing is a record, all of it.
func FuzzUndo(f *testing.F) {
	for _, seed := range []string{
		`{"MESSAGE":"a",` + at + "}\n{\n\"MESSAGE\":[65,10],\"_PID\":7\n}\n", `{"dmesg":[{"time":1,"msg":"a"},{"msg":"b"}]}`, "[{\"log\":\"a\\n\"}\n,{}]",
		"Fri 2026-11-27 20:24:07.123456 UTC [s=ab;i=1;b=c]\n    MESSAGE=a\n            b\n", "__CURSOR=x\nMESSAGE=m\n\n", "a\n{\"b\":{}}\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out, kind, err := undone(t, in)
		if err != nil && kind != "export" {
			t.Fatal(err)
		}
		lower := strings.ToLower(in)
		isRecord := strings.Contains(lower, "me") || strings.Contains(lower, "ms") || strings.Contains(lower, "lo") || strings.ContainsAny(in, "\\\u017f\u212a")
		if isList := strings.HasPrefix(strings.TrimLeft(in, " \t\r\n\ufeff"), "["); isList {
			return // what stands between objects is gone
		}
		if (kind == "" || kind == "json" && !isRecord) && out != in {
			t.Errorf("%q became %q", in, out)
		}
	})
}
