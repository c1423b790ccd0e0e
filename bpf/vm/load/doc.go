// SPDX-License-Identifier: GPL-2.0-only

// Package load keeps the CPUs of a guest busy in ways that schedulers find
// hard. It knows nothing of any scheduler.
//
// The tasks of a group are threads of one process, or processes that it forks,
// and that process is the running program again: RunChild, called first thing
// in main or TestMain, makes it one. Its tasks stay out of the Go runtime, so
// that two thousand sleeping threads cost little more than they would in C and
// wake only when they are to. Besides the tasks it has a few threads of the Go
// runtime.
package load
