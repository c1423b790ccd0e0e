// SPDX-License-Identifier: GPL-2.0-only

package alert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"scxdiag/dump"
)

// errEnded is why an alert was not sent when the program ended.
var errEnded = errors.New("the recorder ends")

const (
	commandLimit = 30 * time.Second
	// outputAfter is how long what a command has left behind may go on writing.
	outputAfter = time.Second
	maxOutput   = 16 << 10 // bytes of a command that are passed on
	maxLine     = 1 << 10  // likewise, of a line
	maxValue    = 1 << 10  // bytes of a variable
)

// command runs a command for each crash.
type command struct {
	config *Config
	limit  time.Duration
}

func (c *command) tell(ctx context.Context, x *crash) error {
	timed, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	cmd := exec.CommandContext(timed, "/bin/sh", "-c", c.config.Command) //nolint:gosec // the user's command
	cmd.Env = append(inherited(), x.environment...)
	cmd.Stdin = bytes.NewReader(x.document)
	out := &output{say: c.config.Say}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = outputAfter
	err := c.config.StartCommand(cmd)
	if err == nil {
		err = cmd.Wait()
		out.end()
	}
	if errors.Is(err, exec.ErrWaitDelay) { // it ended well, and left something behind
		err = nil
	}
	return limited(ctx, timed, c.limit, err)
}

// EnvURL names the environment variable that may hold the URL of a web hook.
const EnvURL = "SCXDIAG_WEBHOOK"

// inherited is the environment of this program without what is between it and the
// service manager, and without the URL of a web hook, which may be secret.
func inherited() []string {
	own := []string{"NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID=", "LISTEN_FDS=", "LISTEN_PID=", EnvURL + "="}
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		return slices.ContainsFunc(own, func(name string) bool { return strings.HasPrefix(v, name) })
	})
}

// Environment is what a command gets to know of a crash, as "NAME=value". Values are
// empty if unknown, at most 1 KiB long, valid UTF-8, and without control characters,
// which are escaped.
func Environment(s *dump.Snapshot, recording string) []string {
	var kind, message, rule, title, signature, at string
	if x := s.Exit; x != nil {
		if x.Kind.Known {
			kind = x.Kind.V.String()
		}
		message = x.Message.Or("")
	}
	if len(s.Findings) > 0 {
		rule, title = s.Findings[0].Rule, s.Findings[0].Title
	}
	if s.Signature != nil {
		signature = s.Signature.ID
	}
	if !s.Time.IsZero() {
		at = s.Time.Format(time.RFC3339Nano)
	}
	env := []string{}
	for _, v := range []struct{ name, value string }{
		{"ID", s.ID()},
		{"SCHEDULER", s.Scheduler},
		{"KIND", kind},
		{"MESSAGE", message},
		{"RULE", rule},
		{"TITLE", title},
		{"SIGNATURE", signature},
		{"TIME", at},
		{"HOST", s.Host},
		{"KERNEL", s.Kernel.String()},
		{"RECORDING", recording},
	} {
		env = append(env, "SCXDIAG_"+v.name+"="+dump.Cut(dump.Printable(v.value), maxValue))
	}
	return env
}

// output passes on what a command writes, line by line and up to a limit.
type output struct {
	say func(error)

	mu   sync.Mutex // of all below; who was left behind may go on writing
	line []byte
	over bool // the line is longer than is passed on
	sum  int
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range b {
		switch {
		case c == '\n':
			o.flush()
		case len(o.line) < maxLine:
			o.line = append(o.line, c)
		default:
			o.over = true
		}
	}
	return len(b), nil
}

func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.line) > 0 {
		o.flush()
	}
}

func (o *output) flush() {
	line := string(o.line)
	if o.over {
		line += "…"
	}
	before := o.sum
	o.sum += len(o.line) + 1
	o.line, o.over = o.line[:0], false
	switch {
	case o.sum <= maxOutput:
		o.say(fmt.Errorf("%s: %s", kindExec, dump.Printable(line)))
	case before <= maxOutput:
		o.say(fmt.Errorf("%s: the rest of its output is left out", kindExec))
	}
}
