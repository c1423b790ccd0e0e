// SPDX-License-Identifier: GPL-2.0-only

package load

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// slot is where a task tells of itself, alone on its cache line.
type slot struct {
	progress atomic.Uint64
	tid      atomic.Uint64
	_        [48]byte
}

// board is memory that the processes of a group share with the one that
// started it.
type board struct {
	memory []byte
	slots  []slot
}

// newBoard makes a board and the file that others map it from.
func newBoard(tasks int) (*board, *os.File, error) {
	fd, err := unix.MemfdCreate("load", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, nil, fmt.Errorf("share memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), "load")
	err = f.Truncate(int64(tasks) * int64(unsafe.Sizeof(slot{})))
	if err == nil {
		var b *board
		if b, err = mapBoard(f, tasks); err == nil {
			return b, f, nil
		}
	}
	_ = f.Close()
	return nil, nil, err
}

// mapBoard maps a board from its file.
func mapBoard(f *os.File, tasks int) (*board, error) {
	memory, err := unix.Mmap(int(f.Fd()), 0, tasks*int(unsafe.Sizeof(slot{})), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("share memory: %w", err)
	}
	first := (*slot)(unsafe.Pointer(unsafe.SliceData(memory))) //nolint:gosec // pages are aligned, and there are as many slots
	return &board{memory, unsafe.Slice(first, tasks)}, nil     //nolint:gosec // likewise
}

// progress is how often each task has done its work.
func (b *board) progress() []uint64 {
	all := make([]uint64, len(b.slots))
	for i := range b.slots {
		all[i] = b.slots[i].progress.Load()
	}
	return all
}

// tids are the tasks' thread IDs.
func (b *board) tids() []int {
	all := make([]int, len(b.slots))
	for i := range b.slots {
		all[i] = int(b.slots[i].tid.Load()) //nolint:gosec // a thread ID
	}
	return all
}
