// SPDX-License-Identifier: GPL-2.0-only

package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// CgroupRoot is where the guest has its cgroups.
const CgroupRoot = "/sys/fs/cgroup"

// Cgroup makes the cgroup path below CgroupRoot, such as "a/x", and returns
// its folder. If cpus are given, they are its cpuset. Each cgroup above hands
// cpu and cpuset down to it, and can then hold no tasks itself.
func Cgroup(path string, cpus ...int) (string, error) {
	dir := CgroupRoot
	for name := range strings.SplitSeq(filepath.Clean(path), "/") {
		// Not each time, as the kernel goes over all tasks below it.
		control := filepath.Join(dir, "cgroup.subtree_control")
		has, err := os.ReadFile(control) //nolint:gosec // in the cgroup file system
		if err == nil && len(strings.Fields(string(has))) < 2 {
			err = os.WriteFile(control, []byte("+cpu +cpuset"), 0)
		}
		if err != nil {
			return "", fmt.Errorf("make cgroup %s: %w", path, err)
		}
		dir = filepath.Join(dir, name)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) { //nolint:gosec // as on every system
			return "", fmt.Errorf("make cgroup %s: %w", path, err)
		}
	}
	if len(cpus) > 0 {
		list := make([]string, len(cpus))
		for i, cpu := range cpus {
			list[i] = strconv.Itoa(cpu)
		}
		if err := os.WriteFile(filepath.Join(dir, "cpuset.cpus"), []byte(strings.Join(list, ",")), 0); err != nil {
			return "", fmt.Errorf("set CPUs of cgroup %s: %w", path, err)
		}
	}
	return dir, nil
}

// RemoveCgroup removes a cgroup's folder, as Cgroup returned it, and waits for
// the tasks in it to finish ending.
func RemoveCgroup(ctx context.Context, dir string) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := unix.Rmdir(dir)
		if !errors.Is(err, unix.EBUSY) {
			if err != nil {
				return fmt.Errorf("remove cgroup %s: %w", dir, err)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("remove cgroup %s: %w", dir, err)
		case <-tick.C:
		}
	}
}
