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
		if err := SetCPUs(dir, cpus...); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// SetCPUs sets the cpuset of a cgroup, whose folder Cgroup returned. Without
// CPUs it clears it, and the cgroup has the CPUs of the one above again; older
// kernels, such as 6.16, refuse that for a cgroup that has tasks: ENOSPC.
func SetCPUs(dir string, cpus ...int) error {
	if err := writeText(filepath.Join(dir, "cpuset.cpus"), cpuList(cpus)); err != nil {
		return fmt.Errorf("set the CPUs of cgroup %s to %q: %w", dir, cpuList(cpus), err)
	}
	return nil
}

// Tasks are the IDs of the threads in a cgroup.
func Tasks(dir string) ([]int, error) {
	all, err := ids(filepath.Join(dir, "cgroup.threads"))
	if err != nil {
		return nil, fmt.Errorf("list the tasks of cgroup %s: %w", dir, err)
	}
	return all, nil
}

// MoveTasks moves all processes of the cgroup from, and what they fork
// meanwhile, to the cgroup to. Those that are about to end may stay.
func MoveTasks(from, to string) error {
	moved := make(map[int]bool)
	for {
		all, err := ids(filepath.Join(from, "cgroup.procs"))
		if err != nil {
			return fmt.Errorf("move tasks out of cgroup %s: %w", from, err)
		}
		before := len(moved)
		for _, pid := range all {
			if moved[pid] {
				continue
			}
			moved[pid] = true
			err := writeText(filepath.Join(to, "cgroup.procs"), strconv.Itoa(pid))
			if err != nil && !errors.Is(err, unix.ESRCH) { // it has ended
				return fmt.Errorf("move process %d to cgroup %s: %w", pid, to, err)
			}
		}
		if len(moved) == before {
			return nil
		}
	}
}

// ids reads a file of IDs, one a line.
func ids(name string) ([]int, error) {
	text, err := os.ReadFile(name) //nolint:gosec // in the cgroup file system
	if err != nil {
		return nil, err
	}
	var all []int
	for field := range strings.FieldsSeq(string(text)) {
		id, err := strconv.Atoi(field)
		if err != nil {
			return nil, err
		}
		all = append(all, id)
	}
	return all, nil
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
