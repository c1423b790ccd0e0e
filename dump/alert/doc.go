// SPDX-License-Identifier: GPL-2.0-only

// Package alert tells others of a crash: it runs a command, and posts to a web hook.
// Each has a goroutine and a bounded queue of its own, so that nobody waits for them,
// nor one of them for the other.
package alert
