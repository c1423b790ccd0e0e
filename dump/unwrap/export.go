// SPDX-License-Identifier: GPL-2.0-only

package unwrap

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A journal export (systemd's JOURNAL_EXPORT_FORMATS) is entries with blank lines in
// between, each of fields: NAME=value on a line, or, where the value has line ends
// in it, NAME on a line and behind it the length as 64 bits, little end first, and
// the value.

// exportStarts are the fields that an export begins with.
var exportStarts = [][]byte{[]byte("__CURSOR="), []byte("__REALTIME_TIMESTAMP=")}

// What an entry may have of text, in bytes; what is longer is cut.
const (
	maxField = 1 << 20
	maxName  = 256
)

// export reads an export. It has an error for what is none, or ends before its time.
type export struct {
	*output
	src *bufio.Reader
}

// step reads a field, or the blank line that ends an entry.
func (j *export) step() error {
	err := j.field()
	if err != nil {
		j.end()
	}
	return err
}

// field reads a field, or the blank line that ends an entry.
func (j *export) field() error {
	line, err := readLine(j.src)
	if err != nil {
		return err
	}
	if len(line) == 0 {
		j.end()
		return nil
	}
	if name, value, ok := bytes.Cut(line, []byte("=")); ok {
		j.set(string(name), value)
		return nil
	}
	if len(line) > maxName {
		return errors.New("is no journal export: the name of a field is too long")
	}
	name := string(line)
	value, err := j.binary()
	j.set(name, value)
	return err
}

// binary reads a value with its length in front of it, and the end of its line.
func (j *export) binary() ([]byte, error) {
	var size [8]byte
	if _, err := io.ReadFull(j.src, size[:]); err != nil {
		return nil, cutOff(err)
	}
	n := binary.LittleEndian.Uint64(size[:])
	value, err := io.ReadAll(io.LimitReader(j.src, int64(min(n, maxField))))
	if err != nil {
		return value, err
	}
	if uint64(len(value)) < min(n, maxField) {
		return value, io.ErrUnexpectedEOF
	}
	if rest := n - uint64(len(value)); rest > 0 {
		if rest > 1<<40 {
			return value, fmt.Errorf("is no journal export: a field of %d bytes", n)
		}
		if _, err := io.CopyN(io.Discard, j.src, int64(rest)); err != nil {
			return value, cutOff(err)
		}
	}
	if end, err := j.src.ReadByte(); err != nil || end != '\n' {
		return value, cutOff(err)
	}
	return value, nil
}

// cutOff is the error of what ends before its time.
func cutOff(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
