// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

func TestTheProgressLine(t *testing.T) {
	var terminal strings.Builder
	clock := time.Unix(0, 0)
	src := &source{Reader: strings.NewReader(strings.Repeat("x", 8192)), name: "dir/cr\x1bash.log", size: 8192}
	m := &meter{src: src, out: &terminal, now: func() time.Time { return clock }}
	m.next = clock.Add(meterDelay)
	for _, step := range []struct {
		after time.Duration
		found int
		want  string
	}{
		{meterDelay / 2, 0, ""},
		{meterDelay, 0, "\r\x1b[Kcr\\x1bash.log: 2.0 KiB of 8.0 KiB, 0 dumps"},
		{meterInterval / 2, 1, ""},
		{meterInterval, 1, "\r\x1b[Kcr\\x1bash.log: 4.0 KiB of 8.0 KiB, 1 dump"},
	} {
		clock = clock.Add(step.after)
		m.found = step.found
		if _, err := io.ReadFull(m, make([]byte, 1024)); err != nil {
			t.Fatal(err)
		}
		if got := terminal.String(); got != step.want {
			t.Errorf("got %q, want %q", got, step.want)
		}
		terminal.Reset()
	}
	m.erase()
	m.erase()
	if got, want := terminal.String(), "\r\x1b[K"; got != want {
		t.Errorf("erase wrote %q, want %q", got, want)
	}
}

func TestTheProgressLineOfAWalk(t *testing.T) {
	for want, n := range map[string][3]int64{
		"0 files, 0 bytes, 0 dumps":       {},
		"1 file, 1.0 KiB, 1 dump":         {1, 1 << 10, 1},
		"1,204 files, 310.0 MiB, 7 dumps": {1204, 310 << 20, 7},
	} {
		if got := walkLine(n[0], n[1], n[2]); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestNoProgressWithoutATerminal(t *testing.T) {
	var stderr strings.Builder
	m := newMeter(&source{Reader: strings.NewReader("text"), name: "a", size: 4}, &stderr)
	m.now = func() time.Time { return m.next.Add(time.Hour) }
	if _, err := io.ReadAll(m); err != nil {
		t.Fatal(err)
	}
	m.erase()
	if stderr.Len() > 0 || m.read != 4 {
		t.Errorf("wrote %q, counted %d bytes", &stderr, m.read)
	}
}

func TestBytesForPeople(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1023: "1023 bytes", 1024: "1.0 KiB", 1288490189: "1.2 GiB", 1<<63 - 1: "8.0 EiB",
	} {
		if got := bytesText(n); got != want {
			t.Errorf("bytesText(%d) = %q, want %q", n, got, want)
		}
	}
}
