// SPDX-License-Identifier: GPL-2.0-only

// Package realtime keeps a process running while a scheduler fails to run
// ordinary tasks: it moves the process out of the reach of sched_ext, and
// starts children that are back in it.
package realtime
