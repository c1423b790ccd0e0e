// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// guestMain does a command in a guest.
func guestMain(args []string) error {
	switch args[0] {
	case "echo": // standard input, the arguments, the environment and the folder
		dir, err := os.Getwd()
		if err != nil {
			return err
		}
		fmt.Printf("%q %q %q %q\n", args[1:], os.Getenv("A"), os.Getenv("HOME"), dir)
		fmt.Fprintln(os.Stderr, "said")
		_, err = io.Copy(os.Stdout, os.Stdin)
		return err
	case "exit":
		code, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		os.Exit(code)
	case "bytes": // so many bytes of a known stream
		n, err := strconv.ParseInt(args[1], 10, 64)
		if err != nil {
			return err
		}
		w := bufio.NewWriterSize(os.Stdout, 1<<16)
		if _, err := io.CopyN(w, newStream(), n); err != nil {
			return err
		}
		return w.Flush()
	case "signal": // tells of one signal
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGUSR1)
		fmt.Println("ready")
		fmt.Println(<-c)
		return nil
	case "hang":
		fmt.Println("ready")
		return unix.Pause()
	case "orphan": // leaves a child behind and prints its PID
		cmd := exec.Command(Self, "exit", "0")
		cmd.Env = os.Environ()
		if err := cmd.Start(); err != nil {
			return err
		}
		fmt.Println(cmd.Process.Pid)
		return nil
	case "start": // on the host: a machine with this kernel
		_, err := Start(context.Background(), Config{Kernel: args[1]})
		return err
	case "policy":
		attr, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			return err
		}
		status, err := os.ReadFile("/proc/" + strconv.Itoa(os.Getppid()) + "/status")
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(status)) {
			if strings.HasPrefix(line, "VmLck:") {
				fmt.Print("parent ", line)
			}
		}
		parent, err := unix.SchedGetAttr(os.Getppid(), 0)
		fmt.Printf("child %d %#x, parent %d %d\n", attr.Policy, attr.Flags, parent.Policy, parent.Priority)
		return err
	case "busy": // as many spinning threads as there are CPUs, for a while
		d, err := time.ParseDuration(args[1])
		if err != nil {
			return err
		}
		for range 8 {
			go func() {
				for { //nolint:staticcheck // it is to spin
				}
			}()
		}
		<-time.After(d)
		return nil
	}
	return errors.New("no such command")
}

// stream is an endless sequence of bytes that do not repeat soon.
type stream struct{ state uint32 }

func newStream() *stream { return &stream{1} }

func (s *stream) Read(p []byte) (int, error) {
	for i := range p {
		s.state = s.state*1664525 + 1013904223
		p[i] = byte(s.state >> 24)
	}
	return len(p), nil
}
