// SPDX-License-Identifier: GPL-2.0-only

package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"scxdiag/dump"
)

// Schema is the version of the JSON document. Fields may be added to a
// version; what is there keeps its name and meaning.
const Schema = "scxdiag/1"

type jsonWriter struct {
	w     io.Writer
	buf   bytes.Buffer // of the snapshot being written
	out   []byte
	added bool
	lines bool // a document per snapshot, each on one line
}

// NewJSON is a Writer of one JSON document, with each snapshot on a line of
// its own.
func NewJSON(w io.Writer, _ Options) Writer { return &jsonWriter{w: w} }

// NewJSONLines is a Writer of one JSON document per snapshot, each on a line of
// its own, for snapshots that come as they happen.
func NewJSONLines(w io.Writer, _ Options) Writer { return &jsonWriter{w: w, lines: true} }

func (j *jsonWriter) Add(s *dump.Snapshot) error {
	j.buf.Reset()
	enc := json.NewEncoder(&j.buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(newJSONSnapshot(s)); err != nil {
		return fmt.Errorf("encode snapshot: %w", err)
	}
	snapshot := bytes.TrimSuffix(j.buf.Bytes(), []byte("\n"))
	if j.lines {
		j.out = append(j.out, documentStart...)
		j.out = appendPrintable(j.out, snapshot)
		j.out = append(j.out, "]}\n"...)
		return j.write()
	}
	j.begin()
	j.out = append(j.out, '\n')
	j.out = appendPrintable(j.out, snapshot)
	return j.write()
}

// documentStart is what a document has in front of its first snapshot.
const documentStart = `{"schema":"` + Schema + `","snapshots":[`

func (j *jsonWriter) Close() error {
	if j.lines {
		return nil
	}
	if !j.added {
		j.begin()
	}
	j.out = append(j.out, "\n]}\n"...)
	return j.write()
}

// begin starts the output of a snapshot: of the document, if it is the first.
func (j *jsonWriter) begin() {
	if j.added {
		j.out = append(j.out, ',')
		return
	}
	j.added = true
	j.out = append(j.out, documentStart...)
}

func (j *jsonWriter) write() error {
	_, err := j.w.Write(j.out)
	j.out = j.out[:0]
	return err
}

// appendPrintable appends a JSON text with every character that does not print
// escaped. In JSON such characters are found within strings only.
func appendPrintable(dst, src []byte) []byte {
	for len(src) > 0 {
		r, n := utf8.DecodeRune(src)
		switch {
		case r < utf8.RuneSelf && r != 0x7f, unicode.IsPrint(r):
			dst = append(dst, src[:n]...)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			dst = fmt.Appendf(dst, `\u%04x\u%04x`, hi, lo)
		default:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		}
		src = src[n:]
	}
	return dst
}

// jsonString is s as it stands in JSON; see the package comment.
func jsonString[T ~string](s T) string {
	if utf8.ValidString(string(s)) {
		return string(s)
	}
	return dump.Printable(string(s))
}

// opt, optString and optMask are nil for what is unknown, and so absent.
func opt[T any](v dump.Value[T]) *T {
	if !v.Known {
		return nil
	}
	return &v.V
}

func optString[T ~string](v dump.Value[T]) *string {
	if !v.Known {
		return nil
	}
	return new(jsonString(v.V))
}

func optMask(v dump.Value[dump.CPUMask]) *string {
	if !v.Known {
		return nil
	}
	return new(v.V.String())
}

func optMillis(v dump.Value[time.Duration]) *int64 {
	if !v.Known {
		return nil
	}
	return new(v.V.Milliseconds())
}

// jsonList maps a list; an empty one is nil, and so absent.
func jsonList[S, T any](list []S, one func(*S) T) []T {
	if len(list) == 0 {
		return nil
	}
	out := make([]T, len(list))
	for i := range list {
		out[i] = one(&list[i])
	}
	return out
}

func jsonLines(lines []dump.Line) []string {
	return jsonList(lines, func(l *dump.Line) string { return jsonString(l.Text) })
}

func jsonStrings(list []string) []string {
	return jsonList(list, func(s *string) string { return jsonString(*s) })
}

// object is a JSON object that keeps the order of its keys.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for i, m := range o {
		b.WriteByte("{,"[min(i, 1)])
		if err := enc.Encode(m.key); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := enc.Encode(m.value); err != nil {
			return nil, err
		}
	}
	if len(o) == 0 {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// jsonKVs makes an object of fields. The values of a key that comes again
// follow the first one, each on a line of its own.
func jsonKVs(kvs []dump.KV) object {
	var o object
	at := make(map[string]int, len(kvs))
	for _, kv := range kvs {
		key, value := jsonString(kv.Key), jsonString(kv.Value)
		if i, ok := at[key]; ok {
			o[i].value = o[i].value.(string) + "\n" + value
			continue
		}
		at[key] = len(o)
		o = append(o, member{key, value})
	}
	return o
}

// jsonCounters makes an object of counters. The kernel names each once; of one
// that comes again the last value counts.
func jsonCounters(counters []dump.Counter) object {
	var o object
	at := make(map[string]int, len(counters))
	for _, c := range counters {
		key := jsonString(c.Name)
		if i, ok := at[key]; ok {
			o[i].value = c.Value
			continue
		}
		at[key] = len(o)
		o = append(o, member{key, c.Value})
	}
	return o
}
