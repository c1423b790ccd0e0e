// SPDX-License-Identifier: GPL-2.0-only

package text

import (
	"bufio"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// decodeText undoes UTF-16, which browsers and Windows shells write logs in,
// with or without a byte order mark. It names the encoding if there was one.
func decodeText(src io.Reader) (io.Reader, string) {
	in := bufio.NewReaderSize(src, 4096)
	head, _ := in.Peek(64) // an error shows again when the stream is read
	endian := unicode.LittleEndian
	switch {
	case len(head) < 2:
		return in, ""
	case head[0] == 0xff && head[1] == 0xfe:
	case head[0] == 0xfe && head[1] == 0xff:
		endian = unicode.BigEndian
	case looksWide(head, 1):
	case looksWide(head, 0):
		endian = unicode.BigEndian
	default:
		return in, ""
	}
	return transform.NewReader(in, unicode.UTF16(endian, unicode.UseBOM).NewDecoder()), "utf-16"
}

// looksWide reports whether every second byte, from the given one on, is zero
// and the others are not: ASCII in 16-bit units.
func looksWide(head []byte, from int) bool {
	if len(head) < 8 {
		return false
	}
	for i, c := range head {
		if (c == 0) != (i%2 == from) {
			return false
		}
	}
	return true
}
