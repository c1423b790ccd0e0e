// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"scxdiag/bpf/privilege"
)

// stateFile says whether a scheduler is enabled.
const (
	stateFile = "/sys/kernel/sched_ext/state"
	opsFile   = "/sys/kernel/sched_ext/root/ops"
)

// Supported returns nil if the scheduler can be expected to load on this
// machine, or an error that says what is missing.
func Supported() error {
	if _, err := os.Stat(stateFile); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the kernel %s has no sched_ext (6.12 and up, with CONFIG_SCHED_CLASS_EXT)", release())
	}
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the kernel %s tells nothing of its types (CONFIG_DEBUG_INFO_BTF)", release())
	}
	if !mayLoad() {
		return errors.New("loading BPF programs takes root, or CAP_BPF and CAP_PERFMON; scxdiag doctor tells how to give them")
	}
	return nil
}

// mayLoad reports whether this process has the capabilities that the kernel asks
// for: CAP_BPF for every program and map, and CAP_PERFMON for those that trace and
// for schedulers. CAP_SYS_ADMIN stands for both.
func mayLoad() bool {
	has := func(c int) bool {
		yes, err := privilege.Has(c)
		if err != nil {
			return os.Geteuid() == 0
		}
		return yes
	}
	return has(unix.CAP_SYS_ADMIN) || has(unix.CAP_BPF) && has(unix.CAP_PERFMON)
}

// release is the running kernel's.
func release() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "(unknown)"
	}
	return unix.ByteSliceToString(u.Release[:])
}

// State is what the kernel says of sched_ext: "disabled", "enabling",
// "enabled" or "disabling".
func State() (string, error) {
	data, err := os.ReadFile(stateFile)
	if err != nil {
		return "", fmt.Errorf("read the state of sched_ext: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

// Loaded is the name of the scheduler that the machine has, "" if none.
func Loaded() string {
	data, err := os.ReadFile(opsFile)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
