// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// cgroupRoot is where the unified hierarchy is.
const cgroupRoot = "/sys/fs/cgroup"

// maxCgroups is how many cgroups a collector names.
const maxCgroups = 1 << 16

// CgroupID is the kernel's id of a cgroup, given by its directory or by its
// path in the hierarchy.
func CgroupID(path string) (uint64, error) {
	if !strings.HasPrefix(path, cgroupRoot) {
		path = filepath.Join(cgroupRoot, filepath.Clean("/"+path))
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("find the cgroup: %w", err)
	}
	id, ok := inode(info)
	if !ok || !info.IsDir() {
		return 0, fmt.Errorf("find the cgroup: %s is not the directory of one", path)
	}
	return id, nil
}

// inode is the inode number of a file, which for a directory of the cgroup
// file system is the cgroup's id.
func inode(info fs.FileInfo) (uint64, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return st.Ino, true
}

// cgroupNamer finds the paths of cgroups, each once.
type cgroupNamer struct {
	known map[uint64]string
}

// walk calls found for each cgroup that is new, or whose id was another's.
// Cgroups that vanish meanwhile are left out.
func (n *cgroupNamer) walk(found func(id uint64, path string)) error {
	if n.known == nil {
		n.known = make(map[uint64]string)
	}
	err := filepath.WalkDir(cgroupRoot, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case !d.IsDir():
			return nil
		case len(n.known) >= maxCgroups:
			return fs.SkipAll
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // it is gone
		}
		id, ok := inode(info)
		name := "/" + strings.TrimPrefix(strings.TrimPrefix(path, cgroupRoot), "/")
		if ok && n.known[id] != name {
			n.known[id] = name
			found(id, name)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("walk the cgroups: %w", err)
	}
	return nil
}
