// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

// changing matches the numbers that tell one failure from the next: the pid in
// the trigger line, how long a task waited, and the pick sequence of a CPU.
var changing = regexp.MustCompile(`\[(\d+)\] triggered exit kind |failed to run for (\d+\.\d{3})s|(?:ksync|pnt_seq)=(\d+)`)

// Log is an endless log made of real ones, one after the other, again and
// again. Each time the dumps in it are others, so that no reader takes them for
// copies. It reads faster than it could be parsed by far.
type Log struct {
	parts []logPart
	turn  int
	next  int    // in parts
	rest  []byte // of the current part
}

// logPart is a real log and its numbers.
type logPart struct {
	text    []byte
	numbers []number
}

// number is a number in a log: where it stands, and what it was.
type number struct {
	at       int
	original string
}

// NewLog makes a log of size bytes out of all files *.log in dir, cut at the
// end wherever that is.
func NewLog(dir string, size int64) (io.Reader, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: no logs", dir)
	}
	l := new(Log)
	for _, f := range files {
		text, err := os.ReadFile(f) //nolint:gosec // the caller's
		if err != nil {
			return nil, err
		}
		p := logPart{text: text}
		for _, m := range changing.FindAllSubmatchIndex(text, -1) {
			for g := 2; g < len(m); g += 2 {
				if m[g] >= 0 {
					p.numbers = append(p.numbers, number{at: m[g], original: string(text[m[g]:m[g+1]])})
				}
			}
		}
		l.parts = append(l.parts, p)
	}
	return io.LimitReader(l, size), nil
}

// Read fills b.
func (l *Log) Read(b []byte) (n int, err error) {
	for n < len(b) {
		if len(l.rest) == 0 {
			if l.next == len(l.parts) {
				l.next = 0
				l.turn++
			}
			p := &l.parts[l.next]
			p.change(l.turn)
			l.rest = p.text
			l.next++
		}
		m := copy(b[n:], l.rest)
		l.rest, n = l.rest[m:], n+m
	}
	return n, nil
}

// change adds turn to the last digits of every number; its length stays.
func (p *logPart) change(turn int) {
	for _, n := range p.numbers {
		carry := turn
		for i := len(n.original) - 1; i >= 0; i-- {
			if c := n.original[i]; c != '.' {
				carry += int(c - '0')
				p.text[n.at+i] = "0123456789"[carry%10]
				carry /= 10
			}
		}
	}
}
