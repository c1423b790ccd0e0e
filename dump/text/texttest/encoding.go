// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"encoding/binary"
	"math/rand/v2"
	"unicode/utf16"
)

// fileCarriers are how a log can be stored.
var fileCarriers = []Carrier{
	{Name: "crlf", Stage: File, PlainOnly: true, Apply: func(_ *rand.Rand, t Text) Text {
		return t.mapLines(func(l Line) Line {
			if !l.Glued {
				l.Text = append(l.Text[:len(l.Text):len(l.Text)], '\r')
			}
			return l
		})
	}},
	{Name: "utf-8-bom", Stage: File, Encode: func(b []byte) []byte { return append([]byte("\ufeff"), b...) }},
	{Name: "utf-16le", Stage: File, PlainOnly: true, Encode: func(b []byte) []byte { return toUTF16(b, binary.LittleEndian) }},
	{Name: "utf-16be", Stage: File, PlainOnly: true, Encode: func(b []byte) []byte { return toUTF16(b, binary.BigEndian) }},
}

// toUTF16 encodes text, with a byte order mark.
func toUTF16(b []byte, order binary.AppendByteOrder) []byte {
	out := order.AppendUint16(nil, 0xfeff)
	for _, u := range utf16.Encode([]rune(string(b))) {
		out = order.AppendUint16(out, u)
	}
	return out
}
