// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrEmulation is in the error of a machine that died of a known flaw of
// emulation and of nothing that ran in it. QEMU executed an instruction of
// __schedule that the kernel was just replacing; or an interrupt came right after
// cmpxchg16b, behind which QEMU 7.2 leaves flags that no CPU has. Only then is it
// right to try the same again.
var ErrEmulation = errors.New("known flaw of emulation")

// DeathError tells that a machine ended by itself: its kernel crashed, its
// agent gave up, or QEMU did.
type DeathError struct {
	Cause string   // one line, such as "Kernel panic - not syncing: sysrq triggered crash"
	Lines []string // what the console and QEMU said about it, at most 40 lines
	err   error
}

func (e *DeathError) Error() string {
	if e.err != nil {
		return "guest died: " + e.Cause + ": " + e.err.Error()
	}
	return "guest died: " + e.Cause
}

// Unwrap gives ErrEmulation where that is what happened.
func (e *DeathError) Unwrap() error { return e.err }

const (
	consoleSize = 256 << 10 // how much of a console is kept, in bytes
	deathLines  = 40        // how much of it a DeathError quotes
)

// console keeps the end of what the guest's kernel prints.
type console struct {
	mu    sync.Mutex
	buf   []byte
	line  []byte // what has come of the last line
	crash func() // called once, at the first sign of a crash

	patience time.Duration
	silence  *time.Timer // goes off when nothing has come for that long; nil if nobody waits for it
}

// whenSilent calls f, in a goroutine of its own, when nothing has come for the given
// time, unless stop is called before.
func (c *console) whenSilent(patience time.Duration, f func()) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.patience, c.silence = patience, time.AfterFunc(patience, f)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.silence.Stop()
		c.silence = nil
	}
}

// Write takes in more of the console. It never fails.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.silence != nil {
		c.silence.Reset(c.patience)
	}
	c.buf = append(c.buf, p...)
	if over := len(c.buf) - consoleSize; over > consoleSize {
		c.buf = append(c.buf[:0], c.buf[over:]...)
	}
	for rest := p; c.crash != nil; {
		part, after, whole := bytes.Cut(rest, []byte("\n"))
		if len(c.line) < 4096 {
			c.line = append(c.line, part...)
		}
		if !whole {
			break
		}
		if crashLine.Match(c.line) {
			c.crash()
			c.crash = nil
		}
		c.line = c.line[:0]
		rest = after
	}
	return len(p), nil
}

// Bytes is a copy of the last consoleSize bytes.
func (c *console) Bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.buf[max(0, len(c.buf)-consoleSize):])
}

var (
	// crashLine begins what a kernel says as it crashes. With oops=panic each
	// of these ends in a panic.
	crashLine = regexp.MustCompile(`Kernel panic - not syncing|Oops:|Oops - |BUG: unable to handle|kernel BUG at|general protection fault|` + regexp.QuoteMeta(guestPrefix))
	panicLine = regexp.MustCompile(`Kernel panic - not syncing`)
	stamp     = regexp.MustCompile(`^\[ *\d+\.\d+\] `)
	int3Line  = regexp.MustCompile(`Oops: int3`)
	ripLine   = regexp.MustCompile(`RIP: [0-9a-f]+:__schedule\+`)
	flagsLine = regexp.MustCompile(`EFLAGS: ([0-9a-f]{8})`)
)

// hasFlagsOfNoCPU reports whether a line of an oops shows flags that are always 0.
func hasFlagsOfNoCPU(line string) bool {
	const flags = 0x3f7fd7 // CF to ID
	m := flagsLine.FindStringSubmatch(line)
	if m == nil {
		return false
	}
	v, err := strconv.ParseUint(m[1], 16, 32)
	return err == nil && v&^flags != 0
}

// consoleLines is what a console has of lines that are not empty, without
// their times.
func consoleLines(log []byte) []string {
	var lines []string
	for line := range strings.Lines(string(log)) {
		line = stamp.ReplaceAllString(strings.TrimRight(line, "\r\n"), "")
		if line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// lastWords says what a console ends with.
func lastWords(log []byte) string {
	lines := consoleLines(log)
	if len(lines) == 0 {
		return "there is nothing on its console"
	}
	return "its console ends with: " + lines[len(lines)-1]
}

// autopsy says what a machine died of. exit is how QEMU ended and said what
// it wrote to standard error.
func autopsy(log []byte, exit, said string) *DeathError {
	lines := consoleLines(log)
	var first, panicked string
	begin := max(0, len(lines)-deathLines)
	var int3, schedule, flags bool
	for i, line := range lines {
		if first == "" && crashLine.MatchString(line) {
			first, begin = line, i
		}
		if panicked == "" && panicLine.MatchString(line) {
			panicked = line
		}
		int3 = int3 || int3Line.MatchString(line)
		schedule = schedule || ripLine.MatchString(line)
		flags = flags || first != "" && hasFlagsOfNoCPU(line)
	}
	d := &DeathError{Lines: lines[begin:min(len(lines), begin+deathLines)]}
	said = strings.TrimSpace(said)
	switch {
	case first != "" && panicked != "" && first != panicked:
		d.Cause = first + "; " + panicked
	case first != "":
		d.Cause = first
	case said != "":
		d.Cause = exit + ": " + said[strings.LastIndexByte(said, '\n')+1:]
		d.Lines = append(d.Lines, strings.Split(said, "\n")...)
	default:
		d.Cause = exit + "; " + lastWords(log)
	}
	if int3 && schedule || flags {
		d.err = ErrEmulation
	}
	return d
}
