// SPDX-License-Identifier: GPL-2.0-only

// Package vm boots a Linux kernel that has sched_ext in QEMU and runs programs
// in it. It knows nothing of any scheduler.
//
// The guest holds one program: by default the executable that is running. It
// is /init there, and RunGuest, called first thing in main or TestMain, turns
// it into the guest's init and into an agent that takes the host's requests.
// Run again as an ordinary process of the guest, under the path Self, it does
// there what it does on the host: scxdiag is scxdiag, and a test binary runs
// the tests that its flags name. There is no shell and no distribution.
//
// The agent has a real-time priority, so that it goes on answering while a
// broken scheduler starves the other tasks.
//
// KVM is used where a guest really starts with it. Elsewhere QEMU emulates the
// CPUs one after the other in one thread: slow, some ten times or more, and
// several busy CPUs share that thread. See Machine.Accel.
package vm
