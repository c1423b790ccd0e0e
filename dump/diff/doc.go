// SPDX-License-Identifier: GPL-2.0-only

// Package diff compares two snapshots of a scheduler: what came, what went,
// what moved, who got on and who stood still.
//
// [Of] gives a [Diff], which renders to nothing by itself: package dump/report
// and the screen do that. It points into the two snapshots, which must not
// change any more.
//
// A difference is stated only where both snapshots show it. A value that one
// of them lacks makes its [State] unknown, never same; a task that is not
// listed has gone only if the snapshot that lacks it lists all tasks and lost
// none; see [Coverage]. Virtual times, counters and run times mean nothing
// across two runs of a scheduler, and pids nothing across two machines; what
// speaks for either is in Diff.Notes, and what rests on it is unknown.
package diff
