// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"scxdiag/dump"
)

const (
	meterDelay    = time.Second            // before there is a progress line
	meterInterval = 200 * time.Millisecond // between two of them
	meterName     = 40                     // columns for the name of the file
)

// meter counts what is read from a source and, if that takes long, shows it on
// a line of the terminal that it writes over and over. It is a reader itself
// and does all its work within Read.
type meter struct {
	src   *source
	out   io.Writer // nil: show nothing
	now   func() time.Time
	next  time.Time // when to write the line
	shown bool      // the line is on the terminal
	read  int64
	found int // snapshots, counted by the caller
}

// newMeter makes a meter that shows its line on stderr, if that is a terminal.
func newMeter(src *source, stderr io.Writer) *meter {
	m := &meter{src: src, now: time.Now}
	if t, ok := terminal(stderr); ok {
		m.out = t
	}
	m.next = m.now().Add(meterDelay)
	return m
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.src.Read(p)
	m.read += int64(n)
	if m.out != nil {
		if now := m.now(); now.After(m.next) {
			m.next = now.Add(meterInterval)
			m.show()
		}
	}
	return n, err
}

// show writes the line over the one before. It is an extra: that it cannot be
// written is no error.
func (m *meter) show() {
	name := dump.Printable(filepath.Base(m.src.name))
	if len(name) > meterName {
		name = strings.ToValidUTF8(name[:meterName-3], "") + "..."
	}
	line := name + ": " + bytesText(m.read)
	if m.src.size > 0 {
		line += " of " + bytesText(m.src.size)
	}
	dumps := "dumps"
	if m.found == 1 {
		dumps = "dump"
	}
	_, _ = fmt.Fprintf(m.out, "\r\x1b[K%s, %d %s", line, m.found, dumps)
	m.shown = true
}

// erase takes the line off the terminal, before something else is written.
func (m *meter) erase() {
	if m.shown {
		_, _ = io.WriteString(m.out, "\r\x1b[K")
		m.shown = false
	}
}

// bytesText is a number of bytes for people.
func bytesText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprint(n, " bytes")
	}
	v, prefix := float64(n)/unit, 0
	for v >= unit {
		v /= unit
		prefix++
	}
	return fmt.Sprintf("%.1f %ciB", v, "KMGTPE"[prefix])
}
