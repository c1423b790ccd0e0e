// SPDX-License-Identifier: GPL-2.0-only

package store

// OpenUnsafe opens a recording as Open does, but never waits for the disk.
func OpenUnsafe(path string) (*Store, error) { return open(path, "OFF") }
