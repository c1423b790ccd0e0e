// SPDX-License-Identifier: GPL-2.0-only

package privilege

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sets are the capabilities of a thread as the kernel takes them: 32 in each.
type sets [2]unix.CapUserData

func (s *sets) permitted(c int) bool { return s[c/32].Permitted&(1<<(c%32)) != 0 }

// capget reads the capabilities of this thread.
func capget() (s sets, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capget(&header, &s[0]); err != nil {
		return s, fmt.Errorf("read the capabilities: %w", err)
	}
	return s, nil
}

// Has reports whether this thread has a capability (CAP_ number) in effect.
func Has(c int) (bool, error) {
	s, err := capget()
	return s[c/32].Effective&(1<<(c%32)) != 0, err
}

// Drop gives up all capabilities of this process but those to keep (CAP_ numbers), as
// far as it has them, in every thread and for good: no program that it executes gets
// any others either. It works in programs that are built without cgo only.
func Drop(keep ...int) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	have, err := capget()
	if err != nil {
		return err
	}
	var left sets
	for _, c := range keep {
		if have.permitted(c) {
			left[c/32].Permitted |= 1 << (c % 32)
			left[c/32].Effective |= 1 << (c % 32)
		}
	}
	if _, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("let no program gain privileges: %w", errno)
	}
	// Ambient ones are handed down to programs; those that are no longer permitted go by
	// themselves, and the others are not for them.
	if _, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("hand down no capabilities: %w", errno)
	}
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&left)), 0) //nolint:gosec // a system call
	if errno != 0 {
		return fmt.Errorf("give up capabilities: %w", errno)
	}
	return nil
}

// MayWrite reports whether this process may read and write a file, or make files in a
// directory, by the permissions of that and of what is above it, without a capability
// that overrides them.
func MayWrite(path string) (bool, error) {
	path, err := filepath.Abs(path)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return false, err //nolint:wrapcheck // it names the file
	}
	info, err := os.Stat(path)
	if err != nil {
		return false, err //nolint:wrapcheck // likewise
	}
	want := fs.FileMode(readWrite)
	if info.IsDir() {
		want = writeSearch
	}
	for {
		may, err := permits(path, want)
		if !may || err != nil || path == "/" {
			return may, err
		}
		path, want = filepath.Dir(path), search
	}
}

// What is to be permitted, as the permissions of others have it.
const (
	readWrite   = 0o006
	writeSearch = 0o003
	search      = 0o001
)

// permits reports whether the permissions of a file permit this process something.
func permits(path string, want fs.FileMode) (bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, err //nolint:wrapcheck // it names the file
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false, errors.New("the owner of " + path + " is unknown")
	}
	groups, err := os.Getgroups()
	if err != nil {
		return false, fmt.Errorf("read the groups: %w", err)
	}
	switch gid := int(st.Gid); {
	case int(st.Uid) == os.Geteuid():
		want <<= 6
	case gid == os.Getegid() || slices.Contains(groups, gid):
		want <<= 3
	}
	return info.Mode().Perm()&want == want, nil
}
