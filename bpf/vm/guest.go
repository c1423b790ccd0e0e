// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"scxdiag/bpf/realtime"
)

const (
	// guestVar tells a process of the guest what it is. The kernel makes
	// variables of init out of what it does not know in its command line.
	guestVar   = "SCXDIAG_VM"
	guestInit  = "init"
	guestAgent = "agent"

	// guestPrefix begins what init and the agent write to the console as they
	// give up.
	guestPrefix = "vm guest failed: "
)

// RunGuest must come first in the main function, or TestMain, of a program
// that starts machines with itself as the guest's program. As the guest's init
// or agent it does that work and does not return; otherwise it returns at
// once.
func RunGuest() {
	switch role := os.Getenv(guestVar); {
	case role == guestInit && os.Getpid() == 1:
		giveUp(runInit())
	case role == guestAgent && os.Getppid() == 1:
		giveUp(runAgent())
	}
}

// giveUp ends init or the agent, and with it the machine.
func giveUp(err error) {
	_, _ = fmt.Fprintf(os.Stderr, "%s%v\n", guestPrefix, err) // the last thing to do
	if os.Getpid() == 1 {
		_ = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART) // QEMU ends instead
	}
	os.Exit(1)
}

// runInit is what the guest's first process does: it prepares the guest,
// starts the agent, and reaps the children that nobody else waits for. That is
// apart from the agent because the agent waits for children of its own.
func runInit() error {
	if err := prepare(); err != nil {
		return err
	}
	if err := realtime.Enter(); err != nil {
		return err
	}
	agent := exec.Command(Self)
	agent.Env = append(guestEnv(), guestVar+"="+guestAgent)
	agent.Stdout, agent.Stderr = os.Stdout, os.Stderr
	// The agent inherits the real-time policy.
	if err := agent.Start(); err != nil {
		return err
	}
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return fmt.Errorf("wait for children: %w", err)
		case pid == agent.Process.Pid:
			return errors.New("the agent ended")
		}
	}
}

// guestEnv is what every process of the guest has in its environment.
func guestEnv() []string {
	return []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TMPDIR=/tmp"}
}

// prepare mounts what programs expect and hands the CPU controllers down to
// the cgroups: sched_ext sees cgroups only with cpu, and cpuset gives them
// their CPUs.
func prepare() error {
	for _, m := range []struct{ kind, path string }{
		{"proc", "/proc"},
		{"sysfs", "/sys"},
		{"devtmpfs", "/dev"},
		{"cgroup2", "/sys/fs/cgroup"},
		{"tracefs", "/sys/kernel/tracing"},
		{"debugfs", "/sys/kernel/debug"},
		{"bpf", "/sys/fs/bpf"},
		{"tmpfs", "/tmp"},
		{"tmpfs", "/run"},
	} {
		if err := os.MkdirAll(m.path, 0o755); err != nil { //nolint:gosec // as on every system
			return err
		}
		if err := unix.Mount(m.kind, m.path, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.path, err)
		}
	}
	if err := os.MkdirAll("/root", 0o700); err != nil {
		return err
	}
	if err := os.Chmod("/tmp", fs.ModeSticky|0o777); err != nil {
		return err
	}
	for _, s := range []struct{ path, value string }{
		{"/sys/fs/cgroup/cgroup.subtree_control", "+cpu +cpuset"},
		{"/proc/sys/kernel/hostname", "scxdiag-vm"},
	} {
		if err := os.WriteFile(s.path, []byte(s.value), 0); err != nil {
			return err
		}
	}
	return nil
}
