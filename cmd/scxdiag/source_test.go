// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
)

// TestOpenErrorsSayWhatToDo has what a script cannot make happen, as for root
// no permission is missing.
func TestOpenErrorsSayWhatToDo(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		want string
	}{
		{"a.log", &fs.PathError{Op: "open", Path: "a.log", Err: syscall.EACCES},
			"a.log: permission denied; read it as another user: sudo cat a.log | scxdiag open -"},
		{"a b", &fs.PathError{Op: "open", Path: "a b", Err: syscall.EACCES},
			"a b: permission denied; read it as another user: sudo cat FILE | scxdiag open -"},
		{"a.log", &fs.PathError{Op: "read", Path: "a.log", Err: syscall.EIO},
			"a.log: cannot be read: input/output error"},
	} {
		if got := openError(tc.name, tc.err).Error(); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
}

func TestAReadErrorKeepsWhatWasRead(t *testing.T) {
	log, err := os.ReadFile(crashLog)
	if err != nil {
		t.Fatal(err)
	}
	stdin := io.MultiReader(bytes.NewReader(log), iotest.ErrReader(syscall.EIO))
	var stdout, stderr bytes.Buffer
	if code := run([]string{"open", "-"}, stdin, &stdout, &stderr); code != exitError {
		t.Errorf("exit code %d, want %d", code, exitError)
	}
	if !strings.Contains(stdout.String(), "websrv[228]") {
		t.Errorf("the dump before the error is not in the output: %s", &stdout)
	}
	if !strings.Contains(stderr.String(), "input/output error") || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("want one line with the error, got %s", &stderr)
	}
}

// silent is a pipe that nobody writes to.
type silent struct{ reading chan struct{} }

func (s silent) Read([]byte) (int, error) {
	close(s.reading)
	select {}
}

func TestAnInterruptEndsABlockedRead(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var stdout, stderr bytes.Buffer
	in := silent{make(chan struct{})}
	o := opener{stdin: in, stderr: &stderr, record: new(recorder), args: []address{{file: "-"}, {file: "never-opened"}}}
	go func() {
		<-in.reading
		cancel()
	}()
	if err := o.print(ctx, "", &stdout); err != errReported { //nolint:errorlint // exact
		t.Errorf("got error %v", err)
	}
	if got, want := stderr.String(), "scxdiag: standard input: interrupted\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAnInterruptEndsAFile(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := openSource(ctx, crashLog, nil)
	if want := crashLog + ": interrupted"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func TestAPumpPassesOnEverything(t *testing.T) {
	want := strings.Repeat("0123456789", pumpChunk/5)
	for name, src := range map[string]io.Reader{
		"in one go":       strings.NewReader(want),
		"byte by byte":    iotest.OneByteReader(strings.NewReader(want)),
		"data with error": iotest.DataErrReader(strings.NewReader(want)),
	} {
		got, err := io.ReadAll(newPump(t.Context(), src))
		if err != nil || string(got) != want {
			t.Errorf("%s: got %d bytes and error %v, want %d", name, len(got), err, len(want))
		}
	}
	if err := iotest.TestReader(newPump(t.Context(), strings.NewReader(want)), []byte(want)); err != nil {
		t.Error(err)
	}
}

// gone is an output whose reader has left, as in "| head".
type gone struct{}

func (gone) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "|1", Err: syscall.EPIPE}
}

// full is an output on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestABrokenPipeIsQuiet(t *testing.T) {
	var stderr bytes.Buffer
	code := run([]string{"open", crashLog}, nil, gone{}, &stderr)
	if code != exitFailure || stderr.Len() > 0 {
		t.Errorf("exit code %d and %q, want %d and nothing", code, &stderr, exitFailure)
	}
}

func TestAFullDiskIsNot(t *testing.T) {
	var stderr bytes.Buffer
	code := run([]string{"open", crashLog}, nil, full{}, &stderr)
	if want := "scxdiag: write the report: no space left on device\n"; code != exitError || stderr.String() != want {
		t.Errorf("exit code %d and %q, want %d and %q", code, &stderr, exitError, want)
	}
}
