// SPDX-License-Identifier: GPL-2.0-only

package bpf

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestBothCapabilitiesAreNeededToLoad gives up one after the other.
func TestBothCapabilitiesAreNeededToLoad(t *testing.T) {
	for _, c := range []uint{unix.CAP_BPF, unix.CAP_PERFMON} {
		without := make(chan bool)
		var all bool
		go func() {
			// Capabilities are a thread's own; this one ends with the goroutine.
			runtime.LockOSThread()
			all = mayLoad()
			header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
			var sets [2]unix.CapUserData
			if err := unix.Capget(&header, &sets[0]); err != nil {
				t.Error(err)
			}
			for _, gone := range []uint{c, unix.CAP_SYS_ADMIN} { // which stands for both
				sets[gone/32].Effective &^= 1 << (gone % 32)
			}
			if err := unix.Capset(&header, &sets[0]); err != nil {
				t.Error(err)
			}
			without <- mayLoad()
		}()
		if <-without {
			t.Errorf("without capability %d it may", c)
		}
		if root := unix.Geteuid() == 0; all != root {
			t.Errorf("it may: %t, as root: %t", all, root)
		}
	}
}
